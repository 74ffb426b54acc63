//! One row of the tidy table.

use nest_data::{Estimate, projection::MoneyEstimate, units::QuotedDecimal};

use crate::format::spreadsheet_text;

/// The kind of a number: how it came about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum FigureKind {
    #[default]
    Measured,
    Fitted,
    Assumed,
    Extrapolated,
    Priced,
    Agreed,
}

/// A row, without study and run. A column that is not set stays empty.
#[derive(Debug, Clone, Default)]
pub(super) struct TidyRow {
    pub config: String,
    pub growth: String,
    pub policy: String,
    pub month: String,
    pub customers: Option<f64>,
    pub metric: &'static str,
    pub component: String,
    pub value: String,
    pub low: String,
    pub high: String,
    pub unit: String,
    pub kind: FigureKind,
}

impl TidyRow {
    /// A row of one metric.
    pub(super) fn new(metric: &'static str, unit: impl Into<String>, kind: FigureKind) -> Self {
        Self {
            metric,
            unit: unit.into(),
            kind,
            ..Self::default()
        }
    }

    pub(super) fn component(mut self, component: impl Into<String>) -> Self {
        self.component = component.into();
        self
    }

    pub(super) fn config(mut self, config: &str) -> Self {
        self.config = config.to_owned();
        self
    }

    pub(super) fn customers(mut self, customers: Option<f64>) -> Self {
        self.customers = customers;
        self
    }

    /// A row of another metric with the same configuration, growth, policy, month and customers.
    pub(super) fn also(&self, metric: &'static str, unit: impl Into<String>, kind: FigureKind) -> Self {
        Self {
            metric,
            unit: unit.into(),
            kind,
            component: String::new(),
            value: String::new(),
            low: String::new(),
            high: String::new(),
            ..self.clone()
        }
    }

    pub(super) fn value(mut self, value: f64) -> Self {
        self.value = number(value);
        self
    }

    pub(super) fn decimal(mut self, value: Option<QuotedDecimal>) -> Self {
        self.value = value.map_or_else(String::new, |value| value.to_string());
        self
    }

    pub(super) fn estimate(mut self, estimate: Option<&Estimate>) -> Self {
        if let Some(estimate) = estimate {
            (self.value, self.low, self.high) = (
                number(estimate.value),
                number(estimate.low),
                number(estimate.high),
            );
        }
        self
    }

    pub(super) fn money(mut self, money: &MoneyEstimate) -> Self {
        (self.value, self.low, self.high) = (money.value.to_string(), number(money.low), number(money.high));
        self
    }

    /// An amount that says in its component when the true one is higher, because a price is missing.
    pub(super) fn bounded_money(self, money: &MoneyEstimate) -> Self {
        let bound = if money.at_least { "at least" } else { "" };
        self.component(bound).money(money)
    }

    /// The columns from `config` on.
    pub(super) fn to_line(&self) -> String {
        let kind = match self.kind {
            FigureKind::Measured => "measured",
            FigureKind::Fitted => "fitted",
            FigureKind::Assumed => "assumed",
            FigureKind::Extrapolated => "extrapolated",
            FigureKind::Priced => "priced",
            FigureKind::Agreed => "agreed",
        };
        let customers = self.customers.map_or_else(String::new, number);
        let texts: [&str; 12] = [
            &self.config,
            &self.growth,
            &self.policy,
            &self.month,
            &customers,
            self.metric,
            &self.component,
            &self.value,
            &self.low,
            &self.high,
            &self.unit,
            kind,
        ];
        texts.map(quoted).join(",")
    }
}

/// A number with all its digits; empty if it is not finite.
pub(super) fn number(value: f64) -> String {
    if value.is_finite() {
        value.to_string()
    } else {
        String::new()
    }
}

/// A field, quoted if it has to be.
pub(super) fn quoted(text: &str) -> String {
    let text = spreadsheet_text(text);
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_as_rfc_4180_has_it() {
        assert_eq!(quoted("a"), "a");
        assert_eq!(quoted("a, \"b\"\n"), "\"a, \"\"b\"\"\n\"");
    }

    #[test]
    fn numbers_are_written_in_full() {
        assert_eq!(number(0.000_000_1), "0.0000001");
        assert_eq!(number(f64::INFINITY), "");
    }
}
