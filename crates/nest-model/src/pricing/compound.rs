//! Meters made of others: the largest of several rates, and a share of what something else costs.

use nest_data::price_book::{Dimension, Meter, PercentOf};
use rust_decimal::Decimal;

use super::{compiled::float, number::PriceNumber, quantum::beyond};

/// Several quantities, the largest of which is billed hour by hour: a load balancer's capacity units.
#[derive(Debug, Clone, PartialEq)]
pub struct LargestOf<T> {
    per_unit: Vec<T>, // quantity that makes one billed unit, one per dimension
}

/// Rates of one hour, and how many hours are like it.
#[derive(Debug, Clone, PartialEq)]
pub struct LikeHours<T> {
    /// Hours, 0 and more.
    pub hours: T,
    /// One quantity for each dimension, in the book's order and unit.
    pub quantities: Vec<T>,
}

impl LargestOf<Decimal> {
    /// The dimensions of a meter; `None` if it has none, or one that nothing can fill.
    #[must_use]
    pub fn new(meter: &Meter) -> Option<Self> {
        let per_unit: Vec<Decimal> = meter
            .max_of
            .iter()
            .map(|dimension| dimension.per_unit.0)
            .collect();
        (!per_unit.is_empty() && per_unit.iter().all(|per| *per > Decimal::ZERO)).then_some(Self { per_unit })
    }

    /// The compound price in floats, for draws.
    #[must_use]
    pub fn to_float(&self) -> LargestOf<f64> {
        LargestOf {
            per_unit: self.per_unit.iter().copied().map(float).collect(),
        }
    }
}

impl<T: PriceNumber> LargestOf<T> {
    /// Billed units that each quantity makes on its own; one per dimension.
    #[must_use]
    pub fn each(&self, quantities: &[T]) -> Vec<T> {
        quantities
            .iter()
            .zip(&self.per_unit)
            .map(|(quantity, per)| *quantity / *per)
            .collect()
    }

    /// Billed units of one hour: the largest that a quantity makes.
    ///
    /// # Formula
    /// `max_d q_d / per_unit_d`: of new connections per second by 25, active connections by 3,000, GB of the
    /// hour by 1 and rules per second by 1,000.
    ///
    /// Source: `docs/method/pricing.md`, "Capacity units of a load balancer".
    #[must_use]
    pub fn units(&self, quantities: &[T]) -> T {
        self.each(quantities)
            .into_iter()
            .fold(T::default(), PriceNumber::most)
    }

    /// Billed unit-hours: the sum of hourly maxima, which is never below the maximum of the sums.
    ///
    /// # Formula
    /// `sum_h hours_h * max_d q_dh / per_unit_d`.
    ///
    /// Source: `docs/method/pricing.md`, "Capacity units of a load balancer".
    #[must_use]
    pub fn unit_hours(&self, month: &[LikeHours<T>]) -> T {
        month
            .iter()
            .map(|hour| hour.hours * self.units(&hour.quantities))
            .sum()
    }
}

/// Free units of a dimension's factor: 10 of `10 rules`; 0 if none are free.
#[must_use]
pub fn free_factor(dimension: &Dimension) -> Decimal {
    let number = dimension
        .free_factor
        .as_deref()
        .and_then(|text| text.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// Rule evaluations per second of a load balancer.
///
/// # Formula
/// `requests_per_s * max(0, rules - free)`; `free` of [`free_factor`], 10 on AWS.
///
/// Source: `docs/method/pricing.md`, "Capacity units of a load balancer".
#[must_use]
pub fn rules_evaluated<T: PriceNumber>(requests_per_s: T, rules: T, free: T) -> T {
    requests_per_s * beyond(rules, free)
}

/// A fee that is a share of what another meter or the instances used cost at list price.
///
/// # Formula
/// `cost * percent / 100`.
///
/// Source: `tests/bills/test-vectors.json`, aws-lambda-managed-instances.
#[must_use]
pub fn share_of(of: &PercentOf, cost: Decimal) -> Decimal {
    cost * of.percent.0 / Decimal::ONE_HUNDRED
}
