//! Projected figures: a value with the interval of its draws.

use nest_data::{Estimate, estimate::quantile_of, projection::MoneyEstimate, units::QuotedDecimal};
use rust_decimal::{Decimal, prelude::FromPrimitive};

use crate::{error::ModelError, pricing::float};

/// Cost of a draw in which nothing carries the load; a number, because documents hold no infinity.
const UNAFFORDABLE: f64 = 1e15;
/// Relative difference of a decimal and a float below which they are the same amount.
const SAME: f64 = 1e-9;

/// 25 % and 75 % quantiles of draws; the value itself if there are none.
pub fn quartiles(value: f64, mut draws: Vec<f64>) -> [f64; 2] {
    [0.25, 0.75].map(|quantile| quantile_of(&mut draws, quantile).unwrap_or(value))
}

/// A decimal value with the 5 % and 95 % quantiles of its draws.
pub fn money(value: Decimal, mut draws: Vec<f64>, at_least: bool) -> MoneyEstimate {
    draws.iter_mut().for_each(|draw| *draw = draw.min(UNAFFORDABLE));
    let mut drawn_quantile = |quantile| quantile_of(&mut draws, quantile).unwrap_or_else(|| float(value));
    let (low, high) = (drawn_quantile(0.05), drawn_quantile(0.95));
    let point = float(value);
    let slack = SAME * point.abs().max(high.abs());
    let outside = point < low - slack || point > high + slack;
    MoneyEstimate {
        value: QuotedDecimal(value.normalize()),
        low,
        high,
        mean: (outside && !draws.is_empty()).then(|| draws.iter().sum::<f64>() / draws.len() as f64),
        at_least,
    }
}

/// A value with the 5 % and 95 % quantiles of its draws.
///
/// # Errors
/// [`ModelError::NoFiniteDraw`] if no draw is a number: nothing is known of the value then, and it is not
/// exact.
pub fn estimate(value: f64, mut draws: Vec<f64>, what: &'static str) -> Result<Estimate, ModelError> {
    Estimate::from_draws(value, &mut draws).ok_or(ModelError::NoFiniteDraw { what })
}

/// Whether a value lies outside the central half of its draws.
pub fn off_centre(value: Decimal, draws: &[f64]) -> bool {
    let mut draws = draws.to_vec();
    let value = float(value);
    let mut drawn_quantile = |quantile| quantile_of(&mut draws, quantile).unwrap_or(value);
    value < drawn_quantile(0.25) * (1.0 - 1e-9) || value > drawn_quantile(0.75) * (1.0 + 1e-9)
}

/// An amount in the point estimate and in every draw.
#[derive(Debug, Clone)]
pub struct DrawnAmount {
    pub value: Decimal,
    pub draws: Vec<f64>,
    pub at_least: bool, // whether a price that it needs is not known
}

impl DrawnAmount {
    /// Nothing, in as many draws.
    pub fn zero(draws: usize) -> Self {
        Self {
            value: Decimal::ZERO,
            draws: vec![0.0; draws],
            at_least: false,
        }
    }

    /// Both together, paired by draw.
    pub fn plus(&self, other: &Self) -> Self {
        let pairs = self.draws.iter().zip(&other.draws);
        Self {
            value: self.value + other.value,
            draws: pairs.map(|(one, other)| one + other).collect(),
            at_least: self.at_least || other.at_least,
        }
    }

    /// Adds a share of another amount, paired by draw.
    pub fn add_share(&mut self, other: &Self, share: f64) {
        self.value += other.value * share_of_month(share);
        let pairs = self.draws.iter_mut().zip(&other.draws);
        pairs.for_each(|(sum, more)| *sum += more * share);
        self.at_least |= other.at_least;
    }

    /// The difference, paired by draw.
    pub fn change_from(&self, before: &Self) -> Self {
        let pairs = self.draws.iter().zip(&before.draws);
        Self {
            value: self.value - before.value,
            draws: pairs.map(|(after, before)| after - before).collect(),
            at_least: self.at_least || before.at_least,
        }
    }

    /// Of so many thousands of customers: in the point estimate and in each draw.
    ///
    /// # Errors
    /// [`ModelError::TooLarge`] if there are so few of them that the quotient is no decimal.
    pub fn divided(&self, value: Decimal, draws: impl Iterator<Item = f64>) -> Result<Self, ModelError> {
        let draws = self.draws.iter().zip(draws);
        Ok(Self {
            value: quotient(self.value, value, "cost per 1,000 customers")?,
            draws: draws.map(|(amount, by)| amount / by).collect(),
            at_least: self.at_least,
        })
    }

    pub fn into_money(self) -> MoneyEstimate {
        money(self.value, self.draws, self.at_least)
    }
}

/// A quotient of decimals.
///
/// # Errors
/// [`ModelError::TooLarge`] if it is no decimal, because the divisor is 0 or next to it.
pub fn quotient(value: Decimal, by: Decimal, what: &str) -> Result<Decimal, ModelError> {
    value.checked_div(by).ok_or_else(|| ModelError::TooLarge {
        what: format!("{what}, {value} divided by {by}"),
    })
}

/// A share of a month as a decimal.
pub fn share_of_month(share: f64) -> Decimal {
    Decimal::from_f64(share).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_divided_by_too_few_customers() {
        let cost = DrawnAmount {
            value: Decimal::from(10_000_000),
            draws: vec![1e7],
            at_least: false,
        };
        for few in [Decimal::ZERO, Decimal::new(1, 28)] {
            let refused = cost.divided(few, [1e-28].into_iter()).expect_err("no decimal");
            assert!(
                refused.to_string().contains("cost per 1,000 customers"),
                "{refused}"
            );
        }
        let known = cost
            .divided(Decimal::from(4), [4.0].into_iter())
            .expect("a quotient");
        assert_eq!(known.value, Decimal::from(2_500_000));
    }

    #[test]
    fn a_value_without_a_finite_draw_is_an_error_and_never_exact() {
        for draws in [vec![], vec![f64::NAN, f64::INFINITY]] {
            let refused = estimate(3.0, draws, "cost").expect_err("nothing is known of it");
            assert_eq!(refused.to_string(), "no draw gives a finite number for the cost");
        }
        let known = estimate(3.0, vec![f64::INFINITY, 2.0, 4.0], "cost").expect("two draws are numbers");
        assert!(known.low >= 2.0 && known.high <= 4.0 && known.value == 3.0);
    }
}
