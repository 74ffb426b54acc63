//! Fees: what third parties charge for a transaction, whatever the servers are.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, prelude::FromPrimitive};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    error::DataError,
    formula::Number,
    units::{LARGEST_DECIMAL, QuotedDecimal},
};

/// Decimal places to which a fee is rounded: far below the smallest coin, and exact in a decimal of 28
/// digits.
const DIGITS: u32 = 12;

/// A fee for each execution of a behaviour: `amount`, or `percent` of `of`, or both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fee {
    /// The behaviour whose executions are charged.
    pub behaviour: String,
    /// Fixed amount for each execution, in the study's currency. [default: 0]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<QuotedDecimal>,
    /// Percent of `of` for each execution; needs `of`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<QuotedDecimal>,
    /// Value of one transaction in the study's currency: a number, or a formula of the parameters,
    /// `"min_payment + 0.5"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Number>,
    /// Who charges the fee, and where that is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Fee {
    /// The fee of one execution at given parameters.
    ///
    /// # Formula
    /// `amount + percent / 100 x of`, rounded to 12 decimal places.
    ///
    /// # Errors
    /// [`DataError::Formula`] if the value of a transaction is not a finite number of 0 or more.
    pub fn each(&self, parameters: &BTreeMap<String, f64>) -> Result<Decimal, DataError> {
        let fixed = self.amount.map_or(Decimal::ZERO, |amount| amount.0);
        let (Some(percent), Some(of)) = (self.percent, &self.of) else {
            return Ok(fixed);
        };
        let value = of.formula().number(parameters)?;
        let unreadable = || DataError::Formula {
            reason: format!("{value} cannot be the value of a transaction: it must be 0 or more"),
        };
        let value = Decimal::from_f64(value)
            .filter(|value| !value.is_sign_negative())
            .ok_or_else(unreadable)?;
        let share = (percent.0 / Decimal::ONE_HUNDRED).checked_mul(value);
        let each = share.and_then(|share| share.round_dp(DIGITS).checked_add(fixed));
        each.filter(|each| *each <= LARGEST_DECIMAL)
            .ok_or_else(|| DataError::Formula {
                reason: format!("{percent} % of {value} is too large for a fee"),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_beyond_decimals_is_an_error() {
        let fee: Fee = serde_json::from_str(r#"{ "behaviour": "pay", "percent": "1000000000", "of": "x" }"#)
            .expect("a fee");
        let each = |x: f64| fee.each(&BTreeMap::from([("x".to_owned(), x)]));
        assert_eq!(each(1.0).expect("a value"), Decimal::from(10_000_000));
        for x in [1e12, 1e25, 1e300] {
            assert!(each(x).is_err(), "{x}");
        }
    }

    #[test]
    fn a_share_of_what_is_paid_and_a_fixed_part() {
        let fee: Fee = serde_json::from_str(
            r#"{ "behaviour": "pay", "amount": "0.25", "percent": "1.4", "of": "min_payment + 0.5" }"#,
        )
        .expect("a fee");
        let each = fee
            .each(&BTreeMap::from([("min_payment".to_owned(), 10.0)]))
            .expect("a value");
        assert_eq!(each, "0.397".parse().expect("a decimal"));
    }
}
