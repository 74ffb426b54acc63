//! Formulas of parameters: `3 / (min_payment + 0.5) / day`.
//!
//! A formula has numbers, names, `+ - * /`, unary minus, comparisons, `condition ? a : b`, and `min`,
//! `max`, `ceil`, `floor`, `round`. Every number is a double, so `3 / 2` is 1.5. `second`, `minute`,
//! `hour`, `day`, `week` and `month` are units of time and are checked as such.
//!
//! Beside parameters, a formula may use the values of a mechanism (`dues.payments`) and the rates of other
//! behaviours (`0.5 * rates.pay`, or `rates["add-to-cart"]`), and two functions that say how customers
//! react to a policy: `elastic(x, x0, e)`, which is `(x / x0)^-e`, and `table(x, [[5, 0.4], [10, 0.3]])`, a
//! monotone curve through the points, level before the first and after the last. `docs/formulas.md`
//! describes the language for users.

mod evaluation;
mod expression;
mod fault;
mod mechanism_values;
mod names;
mod opened;
mod parser;
mod pchip;

use std::{collections::BTreeMap, fmt, str::FromStr};

use self::{
    evaluation::{Quantity, ValueOf, days_in},
    expression::Expression,
    fault::FormulaFault,
};
use crate::{error::DataError, projection::explanation::ExplanationNode, units::text_type};

pub(crate) use self::evaluation::UNITS_OF_TIME;
pub use self::mechanism_values::MECHANISM_VALUES;

/// Longest formula text that is read, in bytes.
const LONGEST: usize = 1_000;
/// Name under which the rates of other behaviours stand.
pub const RATES: &str = "rates";

/// A parsed formula. It prints as the text it was read from.
#[derive(Debug, Clone)]
pub struct Formula {
    text: String,
    expression: Expression,
}

impl PartialEq for Formula {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Formula {
    /// Reads a formula and checks that only what we accept is in it.
    ///
    /// # Errors
    /// [`DataError::Formula`] if the text is too long, is no formula, or joins values of different units.
    pub fn parse(text: &str) -> Result<Self, DataError> {
        let fail = |reason: String| DataError::Formula { reason };
        if text.len() > LONGEST {
            return Err(fail(format!("the formula is longer than {LONGEST} bytes")));
        }
        let expression = parser::parse(text).map_err(|fault| match fault.or_of_brackets(text) {
            FormulaFault::Syntax => fail(format!("{text:?} is {}", FormulaFault::Syntax)),
            other => fail(format!("{text:?}: {other}")),
        })?;
        let formula = Self {
            text: text.to_owned(),
            expression,
        };
        formula.evaluate(&|_| Some(1.0)).map(|_| formula)
    }

    /// Reads a rate: a formula whose unit is one over time, such as `0.3 / day`.
    ///
    /// # Errors
    /// As [`Formula::parse`], and where the unit is anything but one over time.
    pub fn parse_rate(text: &str) -> Result<Self, DataError> {
        let formula = Self::parse(text)?;
        let quantity = formula.evaluate(&|_| Some(1.0))?;
        if quantity.time_power != -1 {
            let reason = format!(
                "{text:?} is not a rate: divide by second, minute, hour, day, week or month exactly once, \
                 as in \"0.3 / day\""
            );
            return Err(DataError::Formula { reason });
        }
        Ok(formula)
    }

    /// Reads a number: a formula without a unit, such as `min_payment / 2`.
    ///
    /// # Errors
    /// As [`Formula::parse`], and where there is a unit of time in it.
    pub fn parse_number(text: &str) -> Result<Self, DataError> {
        let formula = Self::parse(text)?;
        if formula.evaluate(&|_| Some(1.0))?.time_power != 0 {
            return Err(DataError::Formula {
                reason: format!("{text:?} has a unit of time, where a plain number is meant"),
            });
        }
        Ok(formula)
    }

    /// Names of what it uses, sorted, without the units of time: parameters, `MECHANISM.VALUE` and
    /// `rates.BEHAVIOUR`.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.expression.walk(&mut |part| match part {
            Expression::Name(name) => names.push(name.clone()),
            Expression::Member { table, field } => names.push(format!("{table}.{field}")),
            _ => {}
        });
        names.retain(|name| days_in(name).is_none());
        names.sort();
        names.dedup();
        names
    }

    /// Value of a rate, per day.
    ///
    /// # Errors
    /// [`DataError::Formula`] for a parameter without a value, or a result that is negative or not finite.
    pub fn per_day(&self, parameters: &BTreeMap<String, f64>) -> Result<f64, DataError> {
        let value = self.evaluate(&|name| parameters.get(name).copied())?.value;
        if !value.is_finite() || value < 0.0 {
            return Err(DataError::Formula {
                reason: format!(
                    "{:?} is {value} a day{}; a rate is 0 or more, and finite",
                    self.text,
                    self.at(parameters)
                ),
            });
        }
        Ok(value)
    }

    /// Value of a number.
    ///
    /// # Errors
    /// [`DataError::Formula`] for a parameter without a value, or a result that is not finite.
    pub fn number(&self, parameters: &BTreeMap<String, f64>) -> Result<f64, DataError> {
        let value = self.evaluate(&|name| parameters.get(name).copied())?.value;
        if value.is_finite() {
            Ok(value)
        } else {
            Err(DataError::Formula {
                reason: format!("{:?} is {value}{}", self.text, self.at(parameters)),
            })
        }
    }

    /// Its value opened into the operations that it is made of. `name` opens what a parameter,
    /// `MECHANISM.VALUE` or `rates.BEHAVIOUR` stands for.
    #[must_use]
    pub fn open(
        &self,
        parameters: &BTreeMap<String, f64>,
        name: &dyn Fn(&str) -> ExplanationNode,
    ) -> ExplanationNode {
        opened::open(&self.expression, &|name| parameters.get(name).copied(), name)
    }

    /// The values that its names have, for messages: ` where a = 0 and b = 2`.
    fn at(&self, parameters: &BTreeMap<String, f64>) -> String {
        let values: Vec<String> = self
            .names()
            .iter()
            .filter_map(|name| Some(format!("{name} = {}", parameters.get(name)?)))
            .collect();
        if values.is_empty() {
            String::new()
        } else {
            format!(" where {}", values.join(" and "))
        }
    }

    fn evaluate(&self, value_of: ValueOf) -> Result<Quantity, DataError> {
        evaluation::evaluate(&self.expression, value_of).map_err(|fault| DataError::Formula {
            reason: format!("{:?}: {fault}", self.text),
        })
    }
}

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Formula {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        Self::parse(text)
    }
}

/// A formula whose unit is one over time. In documents it is the text it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate(Formula);

impl Rate {
    /// The formula, for [`Formula::per_day`] and [`Formula::names`].
    #[must_use]
    pub fn formula(&self) -> &Formula {
        &self.0
    }
}

impl FromStr for Rate {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        Formula::parse_rate(text).map(Self)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

text_type!(Rate, "Rate", "nest-rate", "string");

/// A formula without a unit, or a plain number. In documents it is the text it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Number(Formula);

impl Number {
    /// The formula, for [`Formula::number`] and [`Formula::names`].
    #[must_use]
    pub fn formula(&self) -> &Formula {
        &self.0
    }
}

impl FromStr for Number {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        Formula::parse_number(text).map(Self)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

text_type!(Number, "Number", "nest-number", ["string", "number"]);

/// Whether a name stands for a unit of time in formulas.
#[must_use]
pub fn is_unit_of_time(name: &str) -> bool {
    days_in(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn per_day(text: &str, min_payment: f64) -> f64 {
        let parameters = [("min_payment".to_owned(), min_payment)].into_iter().collect();
        Formula::parse_rate(text)
            .expect(text)
            .per_day(&parameters)
            .expect(text)
    }

    #[test]
    fn published_payment_rates_of_the_renewal_mechanism() {
        // modelling.md 4.4, exponential lumps of mean 0.5, 3 a day: m = 5, 10, 20, 40
        for (minimum, rate) in [
            (5.0, 0.545455),
            (10.0, 0.285714),
            (20.0, 0.146341),
            (40.0, 0.0740741),
        ] {
            assert!((per_day("3 * 0.5 / (0.5 * (min_payment + 0.5)) / day", minimum) - rate).abs() < 1e-6);
        }
    }

    #[test]
    fn units_of_time_convert_to_days() {
        assert_eq!(per_day("2 / week", 0.0), 2.0 / 7.0);
        assert_eq!(per_day("1 / hour", 0.0), 24.0);
        assert_eq!(per_day("7 / 2 / day", 0.0), 3.5);
        assert_eq!(per_day("(min_payment > 15 ? 1 : 2) / day", 20.0), 1.0);
        assert_eq!(per_day("max(1, min_payment) / day", 20.0), 20.0);
    }

    #[test]
    fn what_is_not_a_rate_is_refused() {
        for text in [
            "0.3",
            "0.3 / day / day",
            "day",
            "1 / day + 2",
            "[1]",
            "'a'",
            "f(1) / day",
            "1 /",
            "",
            "size([1]) / day",
        ] {
            assert!(Formula::parse_rate(text).is_err(), "{text}");
        }
        assert!(Formula::parse(&"1+".repeat(600)).is_err());
    }

    #[test]
    fn answers_to_a_policy_have_a_shape() {
        // one per cent more of the minimum, half a per cent fewer calls
        assert!((per_day("8 / day * elastic(min_payment, 10, 0.5)", 40.0) - 4.0).abs() < 1e-12);
        assert_eq!(per_day("8 / day * elastic(min_payment, 10, 0)", 40.0), 8.0);
        let table = "table(min_payment, [[5, 0.4], [10, 0.3], [20, 0.15]]) / day";
        assert_eq!(
            [5.0, 10.0, 20.0, 99.0].map(|minimum| per_day(table, minimum)),
            [0.4, 0.3, 0.15, 0.15]
        );
        assert!((0.15..0.3).contains(&per_day(table, 14.0)));
        assert_eq!(
            per_day("table(min_payment, [[5, 1 / week], [10, 1 / day]])", 10.0),
            1.0
        );
        for text in [
            "table(1, [[5, 1]]) / day",
            "table(1, [[5, 1], [5, 2]]) / day",
            "table(1, [5, 1]) / day",
            "table(1, [[1, 1 / day], [2, 1]]) / day",
            "table(1) / day",
            "elastic(1, 2) / day",
            "elastic(1, 2 / day, 1) / day",
        ] {
            assert!(Formula::parse_rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn values_of_mechanisms_and_other_rates_have_their_units() {
        assert!(
            Formula::parse_rate("dues.payments").is_ok()
                && Formula::parse_rate("0.5 * rates[\"add-to-cart\"] + rates.pay").is_ok()
        );
        assert!(
            Formula::parse_rate("rates.pay / day").is_err()
                && Formula::parse_rate("dues.open_items").is_err()
        );
        assert_eq!(
            Formula::parse_rate("rates[\"a-b\"] * dues.open_items * x")
                .expect("a rate")
                .names(),
            ["dues.open_items", "rates.a-b", "x"]
        );
        for text in ["a.b.c", "rates[1]", "has(rates.pay) / day", "'a'.size() / day"] {
            assert!(Formula::parse_rate(text).is_err(), "{text}");
        }
        assert!(
            "0.5".parse::<Number>().is_ok()
                && "min_payment / 2".parse::<Number>().is_ok()
                && "1 / day".parse::<Number>().is_err()
        );
    }

    #[test]
    fn names_leave_out_units_and_a_missing_value_is_named() {
        let formula = Formula::parse_rate("3 / (min_payment + lump) / day").expect("rate");
        assert_eq!(formula.names(), ["lump", "min_payment"]);
        let error = formula.per_day(&BTreeMap::new()).expect_err("no values");
        assert!(
            error.to_string().contains("`min_payment` has no value"),
            "{error}"
        );
        assert!(Formula::parse_rate("0 - 1 / day").is_err());
    }
}
