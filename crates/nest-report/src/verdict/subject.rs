//! What a verdict is about: the headline's configuration, its limits and its plan of growth.

use jiff::civil::Date;
use nest_data::{
    Estimate, Projection,
    projection::{BreakPoint, Comparison, ConfigProjection, ConfigTotal, Headline, PolicyProjection},
};
use rust_decimal::prelude::ToPrimitive;

use crate::words;

/// Chance from which on a limit is worth a sentence, 0-1.
const WORTH_A_SENTENCE: f64 = 0.01;

/// Factor within which two numbers of customers are the same.
const NEARLY: f64 = 1.0 - 1e-6;

/// How a limit comes to customers who are no fewer from the start, and when.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Arrival {
    /// A price changes, or a commitment ends.
    OfItself(Date),
    /// There are fewer customers then.
    AsCustomersGo(Date),
    /// There are as many customers then.
    AtTheSame(Date),
}

impl Arrival {
    /// When.
    pub(crate) fn day(self) -> Date {
        match self {
            Self::OfItself(day) | Self::AsCustomersGo(day) | Self::AtTheSame(day) => day,
        }
    }
}

/// The headline's configuration in its projection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'p> {
    /// All of it.
    pub projection: &'p Projection,
    /// Its headline.
    pub headline: &'p Headline,
    /// The configuration of that headline.
    pub config: &'p ConfigProjection,
}

impl<'p> Subject<'p> {
    /// The subject of a projection; `None` if it has no configuration.
    pub(crate) fn of(projection: &'p Projection) -> Option<Self> {
        let headline = projection.headline.as_ref()?;
        let config = projection
            .configs
            .iter()
            .find(|config| config.name == headline.config)?;
        Some(Self {
            projection,
            headline,
            config,
        })
    }

    /// Currency of its amounts.
    pub(crate) fn currency(&self) -> &'p str {
        &self.config.currency
    }

    /// The customers it speaks of, as printed.
    pub(crate) fn customers(&self) -> String {
        words::customers(self.headline.customers)
    }

    /// The first limit, with its customers, if the best guess reaches one.
    pub(crate) fn first_limit(&self) -> Option<(&'p BreakPoint, &'p Estimate)> {
        let point = self.headline.break_point.as_ref()?;
        Some((point, point.customers.as_ref()?))
    }

    /// The limit that growth reaches with the highest chance, if that is worth a sentence.
    pub(crate) fn likeliest_limit(&self) -> Option<&'p BreakPoint> {
        let failures = self
            .config
            .break_points
            .iter()
            .filter(|point| point.kind.is_failure());
        failures
            .max_by(|a, b| a.reached.total_cmp(&b.reached))
            .filter(|point| point.reached >= WORTH_A_SENTENCE)
    }

    /// Share of cases in which anything fails before growth ends, 0-1; at the headline's customers if nothing
    /// grows.
    pub(crate) fn chance_to_fail(&self) -> f64 {
        (1.0 - self.config.lasts).clamp(0.0, 1.0)
    }

    /// Whether growth is projected.
    pub(crate) fn grows(&self) -> bool {
        self.projection.growth.is_some() && !self.config.months.is_empty()
    }

    /// The day on which the plan of growth ends.
    pub(crate) fn end(&self) -> Option<Date> {
        let points = self.config.break_points.iter();
        let by_chance = points
            .filter_map(|point| point.chance_by_month.last())
            .map(|(date, _)| *date)
            .max();
        by_chance
            .or_else(|| self.config.months.last().map(|month| month.date))
            .filter(|_| self.grows())
    }

    /// That day's month in words.
    pub(crate) fn end_in_words(&self) -> String {
        self.end()
            .map_or_else(|| "the end of the plan".to_owned(), words::full_month)
    }

    /// Whether the customers are more than the configuration carries in the best guess.
    pub(crate) fn is_over(&self) -> bool {
        self.first_limit()
            .is_some_and(|(_, customers)| customers.value <= self.headline.customers)
            && self.comes_later().is_none()
    }

    /// How the first limit comes to customers who are no fewer from the start; `None` if growth brings them
    /// to it, or they have passed it already.
    pub(crate) fn comes_later(&self) -> Option<Arrival> {
        let (point, customers) = self.first_limit().filter(|_| self.grows())?;
        let (first, day) = (self.config.months.first()?, point.date?.value?);
        let start = first.customers.value;
        if day <= first.date || customers.value > start {
            return None;
        }
        let months: Vec<f64> = self
            .config
            .months
            .iter()
            .map(|month| month.customers.value)
            .collect();
        let month = self.config.months.iter().rposition(|month| month.date <= day)?;
        // The last month ends as the one before it did.
        let ends = months.get(month + 1).copied();
        let ends = ends.unwrap_or_else(|| months[month].powi(2) / months[month.saturating_sub(1)]);
        let least = months[month].min(ends);
        Some(if customers.value < least * NEARLY {
            Arrival::OfItself(day)
        } else if customers.value < start * NEARLY {
            Arrival::AsCustomersGo(day)
        } else {
            Arrival::AtTheSame(day)
        })
    }

    /// The comparison, where there is more than one configuration in it.
    pub(crate) fn comparison(&self) -> Option<&'p Comparison> {
        self.projection
            .comparison
            .as_ref()
            .filter(|comparison| comparison.totals.len() > 1)
    }

    /// The size of a configuration's difference from the one that all are compared with: `about $850`, `at
    /// most $850` where prices of either are missing.
    pub(crate) fn difference(&self, total: &ConfigTotal) -> String {
        self.comparison()
            .and_then(|comparison| words::total_of(comparison, &total.config, self.currency()))
            .map_or_else(
                || words::size(&total.change, self.currency()),
                |printed| printed.size,
            )
    }

    /// Every other configuration than the one that all are compared with.
    pub(crate) fn others(&self) -> impl Iterator<Item = &'p ConfigTotal> {
        let comparison = self.comparison();
        comparison.into_iter().flat_map(|comparison| {
            comparison
                .totals
                .iter()
                .filter(|total| total.config != comparison.baseline)
        })
    }
}

/// How much a policy moves cost and fees together, as a share of both before; 0 where there is neither.
pub(crate) fn policy_effect(policy: &PolicyProjection) -> f64 {
    let totals = &policy.totals;
    let fees = totals
        .fees
        .as_ref()
        .map_or(0.0, |[before, _, _]| number(before.value.0));
    let before = number(totals.before.value.0) + fees;
    if before > 0.0 {
        number(totals.change_with_fees.value.0) / before
    } else {
        0.0
    }
}

/// A decimal as a number, for comparisons only.
pub(crate) fn number(value: rust_decimal::Decimal) -> f64 {
    value.to_f64().unwrap_or(0.0)
}
