//! Prices as floats, for draws: the same rules as the decimals, out of the same book.

use std::collections::BTreeMap;

use nest_data::price_book::{Meter, TierMode};
use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::{known_up_to, pool, tiers};

/// A meter's price as floats, for draws. What has no price costs nothing here: whoever prints a cost says
/// which lines are unknown.
#[derive(Debug, Clone, PartialEq)]
pub struct CompiledPrice {
    within: f64,            // free units inside the first tier
    pooled: f64,            // free units that come off before the tiers
    pool: Option<String>,   // meters that share them
    tiers: Vec<(f64, f64)>, // upper bound, price of one unit; bounds ascending, the last infinite
    mode: TierMode,
    package: f64,     // units of one package
    known_up_to: f64, // units beyond which no tier has a price; infinite if there are none
}

/// A decimal as a float; what is too large for one is not a number.
#[must_use]
pub fn float(value: Decimal) -> f64 {
    value.to_f64().unwrap_or(f64::NAN)
}

impl CompiledPrice {
    /// Compiles a meter.
    #[must_use]
    pub fn new(meter: &Meter) -> Self {
        let Some(price) = &meter.price else {
            return Self {
                within: 0.0,
                pooled: 0.0,
                pool: None,
                tiers: vec![(f64::INFINITY, 0.0)],
                mode: TierMode::Graduated,
                package: 1.0,
                known_up_to: f64::INFINITY,
            };
        };
        let per = price.per.map_or(1.0, |per| float(per.0));
        let tiers = tiers(price).into_iter().map(|(bound, amount)| {
            (
                bound.map_or(f64::INFINITY, float),
                amount.map_or(0.0, float) / per,
            )
        });
        Self {
            within: float(pool::free_within(meter)),
            pooled: pool::free_pooled(meter).map_or(0.0, |(_, free)| float(free)),
            pool: pool::free_pooled(meter).map(|(pool, _)| pool.to_owned()),
            tiers: tiers.collect(),
            mode: price.mode.unwrap_or_default(),
            package: per,
            known_up_to: known_up_to(price).map_or(f64::INFINITY, float),
        }
    }

    /// Units of a month up to which it has a price; infinite if it has one for every quantity.
    #[must_use]
    pub fn known_up_to(&self) -> f64 {
        self.known_up_to + self.pooled
    }

    /// Price of a month's quantity, as [`price`](super::price).
    #[must_use]
    pub fn price(&self, quantity: f64) -> f64 {
        self.from(self.within, quantity - self.pooled)
    }

    /// Price of a quantity from which every free unit has been taken already, as
    /// [`price_billed`](super::price_billed).
    #[must_use]
    pub fn price_billed(&self, billed: f64) -> f64 {
        self.from(0.0, billed)
    }

    /// The pool it draws free units from, and how many there are in it.
    pub(super) fn pool(&self) -> Option<(&str, f64)> {
        self.pool.as_deref().map(|pool| (pool, self.pooled))
    }

    /// Price of the units between `from` and `to`, counted from zero.
    fn from(&self, from: f64, to: f64) -> f64 {
        if to <= from {
            return 0.0;
        }
        match self.mode {
            TierMode::Volume => {
                let reached = self.tiers.iter().find(|(bound, _)| to <= *bound);
                (to - from) * reached.map_or(0.0, |(_, amount)| *amount)
            }
            // A quantity that fills its packages to the last digit needs no further one.
            TierMode::Package => self.graduated(
                from,
                from + ((to - from) / self.package - 1e-12).ceil() * self.package,
            ),
            TierMode::Graduated => self.graduated(from, to),
        }
    }

    fn graduated(&self, from: f64, to: f64) -> f64 {
        let mut low = from;
        let mut sum = 0.0;
        for (bound, amount) in &self.tiers {
            let part = (bound.min(to) - low).max(0.0);
            sum += part * amount;
            low += part;
        }
        sum
    }
}

/// [`price_together`](super::price_together) in floats.
#[must_use]
pub fn price_together_float(bought: &[(&CompiledPrice, f64)]) -> Vec<f64> {
    let mut pools: BTreeMap<&str, (f64, Vec<usize>)> = BTreeMap::new();
    for (at, (meter, _)) in bought.iter().enumerate() {
        if let Some((pool, free)) = meter.pool() {
            let entry = pools.entry(pool).or_default();
            entry.0 = entry.0.max(free);
            entry.1.push(at);
        }
    }
    let mut prices: Vec<f64> = bought
        .iter()
        .map(|(meter, quantity)| meter.price(*quantity))
        .collect();
    for (free, members) in pools.into_values() {
        let quantities: Vec<f64> = members.iter().map(|at| bought[*at].1).collect();
        for ((at, quantity), share) in members
            .iter()
            .zip(&quantities)
            .zip(pool::share_pool(free, &quantities))
        {
            prices[*at] = bought[*at].0.price_billed(quantity - share);
        }
    }
    prices
}
