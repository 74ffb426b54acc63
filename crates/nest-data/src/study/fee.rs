//! What third parties take for a transaction, whatever the servers are.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, prelude::FromPrimitive};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{error::DataError, formula::Number, units::QuotedDecimal};

/// Digits of a fee after the point.
const DIGITS: u32 = 12;

/// A fee for each execution of a behaviour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fee {
    /// The behaviour.
    pub behaviour: String,
    /// Amount for each execution, in the study's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<QuotedDecimal>,
    /// Percent of `of`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<QuotedDecimal>,
    /// The value of a transaction, a formula of the parameters: `"min_payment + 0.5"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Number>,
    /// Who takes it, and where that is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Fee {
    /// The fee of one execution at given parameters.
    ///
    /// # Formula
    /// `amount + percent / 100 x of`, to 12 digits after the point.
    ///
    /// # Errors
    /// [`DataError::Formula`] where the value of a transaction has no finite value of 0 or more there.
    pub fn each(&self, parameters: &BTreeMap<String, f64>) -> Result<Decimal, DataError> {
        let fixed = self.amount.map_or(Decimal::ZERO, |amount| amount.0);
        let (Some(percent), Some(of)) = (self.percent, &self.of) else {
            return Ok(fixed);
        };
        let value = of.formula().number(parameters)?;
        let unreadable = || DataError::Formula {
            reason: format!("{value} is no value of a transaction"),
        };
        let value = Decimal::from_f64(value)
            .filter(|value| !value.is_sign_negative())
            .ok_or_else(unreadable)?;
        Ok(fixed + (percent.0 / Decimal::ONE_HUNDRED * value).round_dp(DIGITS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
