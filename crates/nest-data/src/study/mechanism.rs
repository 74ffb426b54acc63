//! Mechanisms: small amounts fall due one by one and are paid together once they reach a minimum.
//!
//! A higher minimum has two effects: customers pay less often, and more items stay open between payments.
//! Between payments the balance is a renewal process: every payment resets it to zero.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    error::DataError,
    formula::{MECHANISM_VALUES, Number, Rate},
    units::Seconds,
};

/// Argument up to which the renewal function of uniform lumps is summed. Beyond it the limit is right to
/// 1e-9.
const SUMMED: f64 = 10.0;

/// An accumulate-and-pay mechanism. Formulas use its values under its name: `pay = "dues.payments"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mechanism {
    /// Amount that falls due per customer and time: `"3 / day"`.
    pub accrues: Rate,
    /// Mean amount of one lump that falls due, above 0: 0.5, or a formula of the parameters.
    pub lump: Number,
    /// Distribution of the amounts of lumps. [default: exponential]
    #[serde(default)]
    pub lumps: Lumps,
    /// Balance at which the customer pays, 0 or more: a number, or a formula of the parameters such as
    /// `"min_payment"`.
    pub pays_at: Number,
    /// Processor time that an execution takes for each open item of its customer, by behaviour:
    /// `{ balance = "20us" }`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub per_open_item: BTreeMap<String, Seconds>,
    /// Tier whose processor reads the open items. [default: app]
    #[serde(default = "super::default_tier")]
    pub tier: String,
}

/// Distribution of the amounts of lumps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Lumps {
    /// Exponential: many small lumps, few large ones.
    #[default]
    Exponential,
    /// All lumps are equal.
    Constant,
    /// Uniform from 0 to twice the mean.
    Uniform,
}

/// Long-run averages of a mechanism, for one customer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RenewalRates {
    /// Lumps that fall due per day.
    pub lumps_per_day: f64,
    /// Payments per day.
    pub payments_per_day: f64,
    /// Mean amount of a payment.
    pub mean_payment: f64,
    /// Mean number of open lumps, averaged over time.
    pub open_items: f64,
}

impl Mechanism {
    /// Long-run averages at given parameters.
    ///
    /// # Errors
    /// [`DataError::Formula`] if a formula has no value, the lump is not above 0, or the minimum is below 0.
    pub fn renewal_rates(&self, parameters: &BTreeMap<String, f64>) -> Result<RenewalRates, DataError> {
        let (lump, pays_at) = (
            self.lump.formula().number(parameters)?,
            self.pays_at.formula().number(parameters)?,
        );
        if lump > 0.0 && pays_at >= 0.0 {
            return Ok(renewal_rates(
                self.accrues.formula().per_day(parameters)?,
                lump,
                self.lumps,
                pays_at,
            ));
        }
        Err(DataError::Formula {
            reason: format!(
                "a lump of {lump} paid at {pays_at}: lumps are above 0, and the balance at which they are \
                    paid is 0 or more"
            ),
        })
    }
}

impl RenewalRates {
    /// The values, in the order of [`MECHANISM_VALUES`].
    #[must_use]
    pub fn values(&self) -> [f64; MECHANISM_VALUES.len()] {
        [
            self.payments_per_day,
            self.lumps_per_day,
            self.mean_payment,
            self.open_items,
        ]
    }
}

/// Long-run averages of one customer whose `accrual_per_day` (an amount) falls due in lumps of mean `lump`
/// (above 0), and who pays once the balance is at least `pays_at` (0 or more).
///
/// # Formula
/// K lumps make one payment: the first whose sum reaches the minimum m. With a = m / lump there are
/// `(accrual / lump) / E[K]` payments a day, each `lump E[K]` on average (Wald), so that what is paid is what
/// accrues. Open items average `E[K (K - 1)] / (2 E[K])`:
/// - exponential: `E[K] = 1 + a`, open `(a^2 + 2 a) / (2 (a + 1))`
/// - constant: `K = ceil(a)`, at least 1, open `(K - 1) / 2`
/// - uniform from 0 to 2 lumps: `E[K] = sum_(j <= x) (-1)^j (x - j)^j e^(x - j) / j!` with x = a / 2, which
///   tends to
///   `a + 2/3`; open `a / 2`, exactly
///
/// Source: Cox, "Renewal Theory", 1962, chapters 3 and 4; the uniform renewal function is Feller, "An
/// Introduction to Probability Theory and Its Applications" II, section XI.3, and its open items follow from
/// `sum_k k F_k(x) = x sum_k F_k(x)`.
#[must_use]
pub fn renewal_rates(accrual_per_day: f64, lump: f64, lumps: Lumps, pays_at: f64) -> RenewalRates {
    let a = pays_at / lump;
    let (per_payment, open_items) = match lumps {
        Lumps::Exponential => (1.0 + a, (a * a + 2.0 * a) / (2.0 * (a + 1.0))),
        Lumps::Constant => {
            // A sum that differs from the minimum only by rounding counts as reaching it.
            let count = (a * (1.0 - 1e-12)).ceil().max(1.0);
            (count, (count - 1.0) / 2.0)
        }
        Lumps::Uniform => (uniform_renewals(a / 2.0), a / 2.0),
    };
    let lumps_per_day = accrual_per_day / lump;
    RenewalRates {
        lumps_per_day,
        payments_per_day: lumps_per_day / per_payment,
        mean_payment: lump * per_payment,
        open_items,
    }
}

/// Mean number of uniform(0, 1) numbers whose sum first exceeds `x`, 0 or more.
fn uniform_renewals(x: f64) -> f64 {
    if x > SUMMED {
        return 2.0 * x + 2.0 / 3.0;
    }
    let mut factorial = 1.0;
    let terms = (0..=x.floor() as i32).map(|j| {
        factorial *= f64::from(j.max(1));
        let left = x - f64::from(j);
        let term = left.powi(j) * left.exp() / factorial;
        if j % 2 == 0 { term } else { -term }
    });
    terms.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the formulas above with 3 a day in lumps of mean 0.5, worked out in decimal.
    #[test]
    fn published_payments_per_day() {
        let payments = |lumps, minimum| renewal_rates(3.0, 0.5, lumps, minimum).payments_per_day;
        let minima = [5.0, 10.0, 20.0, 40.0];
        for (minimum, expected) in minima.into_iter().zip([0.545455, 0.285714, 0.146341, 0.0740741]) {
            assert!((payments(Lumps::Exponential, minimum) - expected).abs() < 6e-7);
        }
        for (minimum, expected) in minima.into_iter().zip([0.6, 0.3, 0.15, 0.075]) {
            assert!((payments(Lumps::Constant, minimum) - expected).abs() < 1e-15);
        }
        // From the limit for large minima; at m = 5 the exact value differs in the sixth digit.
        for (minimum, expected) in minima.into_iter().zip([0.5625, 0.290323, 0.147541, 0.0743802]) {
            assert!(
                (payments(Lumps::Uniform, minimum) - expected).abs() < 4e-6,
                "{minimum}"
            );
        }
    }

    /// From the formulas above, worked out in decimal.
    #[test]
    fn published_open_lumps() {
        let open = |minimum| renewal_rates(3.0, 0.5, Lumps::Exponential, minimum).open_items;
        assert!((open(10.0) - 10.476190).abs() < 5e-7 && (open(20.0) - 20.487805).abs() < 5e-7);
        let ten = renewal_rates(3.0, 0.5, Lumps::Exponential, 10.0);
        assert!(
            (ten.payments_per_day - 0.285714286).abs() < 5e-10
                && ten.lumps_per_day == 6.0
                && ten.mean_payment == 10.5
        );
        assert!(
            (renewal_rates(3.0, 0.5, Lumps::Exponential, 20.0).payments_per_day - 0.146341463).abs() < 5e-10
        );
    }

    /// Known: e numbers exceed 1 on average; without a minimum every lump is paid at once; a sum and its
    /// limit meet.
    #[test]
    fn limits_of_the_uniform_renewal_function() {
        assert!((uniform_renewals(1.0) - std::f64::consts::E).abs() < 1e-15);
        assert!((uniform_renewals(SUMMED) - (2.0 * SUMMED + 2.0 / 3.0)).abs() < 1e-9);
        for lumps in [Lumps::Exponential, Lumps::Constant, Lumps::Uniform] {
            let none = renewal_rates(3.0, 0.5, lumps, 0.0);
            assert_eq!((none.payments_per_day, none.open_items), (6.0, 0.0), "{lumps:?}");
        }
        assert_eq!(
            renewal_rates(1.0, 0.1, Lumps::Constant, 1.1).payments_per_day,
            10.0 / 11.0
        );
    }

    /// What is paid is what accrues; a higher minimum means fewer payments and more that is open. A
    /// simulation agrees.
    #[test]
    fn balances_are_conserved_and_a_simulation_agrees() {
        let mut state = 12_345_u64;
        let mut uniform = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
        };
        for lumps in [Lumps::Exponential, Lumps::Constant, Lumps::Uniform] {
            for minimum in [0.3, 1.7, 4.1] {
                let expected = renewal_rates(3.0, 0.5, lumps, minimum);
                assert!((expected.payments_per_day * expected.mean_payment - 3.0).abs() < 1e-12);
                let higher = renewal_rates(3.0, 0.5, lumps, minimum * 2.0);
                assert!(
                    higher.payments_per_day < expected.payments_per_day
                        && higher.open_items > expected.open_items
                );
                let (mut balance, mut open, mut sum, mut payments) = (0.0, 0.0, 0.0, 0.0);
                for _ in 0..200_000 {
                    sum += open;
                    balance += 0.5
                        * match lumps {
                            Lumps::Exponential => -uniform().ln(),
                            Lumps::Constant => 1.0,
                            Lumps::Uniform => 2.0 * uniform(),
                        };
                    open += 1.0;
                    if balance >= minimum {
                        (balance, open, payments) = (0.0, 0.0, payments + 1.0);
                    }
                }
                // 1 % is more than four standard errors of 200,000 lumps. Lumps come as a Poisson process,
                // which sees time averages.
                assert!(
                    (payments / 200_000.0 * 6.0 / expected.payments_per_day - 1.0).abs() < 0.01,
                    "{lumps:?} {minimum}"
                );
                assert!(
                    (sum / 200_000.0 - expected.open_items).abs() < 0.01 + 0.01 * expected.open_items,
                    "{lumps:?} {minimum}"
                );
            }
        }
    }
}
