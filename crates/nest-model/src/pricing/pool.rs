//! Free quantities: where they come off, and how several meters share them.

use std::collections::BTreeMap;

use nest_data::price_book::{Free, Meter};
use rust_decimal::Decimal;

use super::{KnownPrice, known_price, known_price_billed, number::PriceNumber, windows_in_month};

/// Free quantities that a forecast may count on.
fn lasting(meter: &Meter) -> Option<&Free> {
    meter.free.as_ref().filter(|free| free.kind.lasts())
}

/// Free units of a meter in a month that a forecast may count on; `None` if it has none.
///
/// # Formula
/// The quantity of each window, times the windows of a mean month, over which a bill adds up.
#[must_use]
pub fn free_in_month(meter: &Meter) -> Option<Decimal> {
    let windows = meter.price.as_ref().map_or(Decimal::ONE, windows_in_month);
    lasting(meter).map(|free| free.quantity.0 * windows)
}

/// Free units that lie inside the first tier: those without a pool.
pub(super) fn free_within(meter: &Meter) -> Decimal {
    lasting(meter)
        .filter(|free| free.pool.is_none())
        .and_then(|_| free_in_month(meter))
        .unwrap_or_default()
}

/// The pool that a meter draws free units from, and how many it holds. They come off before the tiers begin.
pub(super) fn free_pooled(meter: &Meter) -> Option<(&str, Decimal)> {
    let free = lasting(meter)?;
    Some((free.pool.as_deref()?, free_in_month(meter)?))
}

/// Free units that each of several quantities gets from a pool that they share.
///
/// # Formula
/// In proportion to use, `share_i = min(free, sum q) * q_i / sum q`, so that the order does not matter; the
/// last that uses anything takes what the digits left, so that the shares add up exactly. `free` and
/// `quantities` in the meters' unit, 0 and more.
///
/// Source: `docs/method/pricing.md`, "Functions on Lambda" (one pool over architectures), and "Free pools and
/// scopes" (`CloudWatch`). Sharing by proportion is our choice: providers say nothing.
#[must_use]
pub fn share_pool<T: PriceNumber>(free: T, quantities: &[T]) -> Vec<T> {
    let total: T = quantities.iter().copied().sum();
    if total <= free {
        return quantities.to_vec();
    }
    let mut shares: Vec<T> = quantities
        .iter()
        .map(|quantity| free * *quantity / total)
        .collect();
    let digits = free - shares.iter().copied().sum();
    if let Some(last) = quantities.iter().rposition(|quantity| *quantity > T::default()) {
        shares[last] = shares[last] + digits;
    }
    shares
}

/// Units of a meter that are free in a month, out of a pool or inside the first tier.
#[must_use]
pub fn free_units(meter: &Meter) -> Decimal {
    free_within(meter) + free_pooled(meter).map_or(Decimal::ZERO, |(_, free)| free)
}

/// Prices of several meters' quantities of one window, which share their pools of free units; one for each,
/// `None` if a price is unknown.
///
/// # Formula
/// `price_billed(q_i - share_i)` for meters of a pool ([`share_pool`]; if rows of one pool give different
/// sizes, the largest), [`price`](super::price) for the others.
///
/// Source: `docs/method/pricing.md`, "Functions on Lambda" and "Free pools and scopes".
#[must_use]
pub fn price_together(bought: &[(&Meter, Decimal)]) -> Vec<Option<Decimal>> {
    let known = known_prices_together(bought).into_iter();
    known.map(|price| price.and_then(KnownPrice::complete)).collect()
}

/// What is known of the prices of [`price_together`]; `None` for a meter that has no price at all.
#[must_use]
pub fn known_prices_together(bought: &[(&Meter, Decimal)]) -> Vec<Option<KnownPrice>> {
    let mut pools: BTreeMap<&str, (Decimal, Vec<usize>)> = BTreeMap::new();
    for (at, (meter, _)) in bought.iter().enumerate() {
        if let Some((pool, free)) = free_pooled(meter) {
            let entry = pools.entry(pool).or_default();
            entry.0 = entry.0.max(free);
            entry.1.push(at);
        }
    }
    let mut prices: Vec<Option<KnownPrice>> = bought
        .iter()
        .map(|(meter, quantity)| {
            if free_pooled(meter).is_some() {
                None
            } else {
                known_price(meter, *quantity)
            }
        })
        .collect();
    for (free, members) in pools.into_values() {
        let quantities: Vec<Decimal> = members.iter().map(|at| bought[*at].1).collect();
        for ((at, quantity), share) in members.iter().zip(&quantities).zip(share_pool(free, &quantities)) {
            prices[*at] = known_price_billed(bought[*at].0, *quantity - share);
        }
    }
    prices
}

#[cfg(test)]
mod tests {
    use super::{
        super::{CompiledPrice, price_together_float, tests::meter},
        *,
    };

    /// `docs/method/pricing.md`, "Functions on Lambda": x86 and arm draw from one pool of 400,000 GiB-s;
    /// three meters share 5 GB.
    /// 1,000 free requests a day are 30,416.67 of a month: 40,000 requests pay for 9,583.33 of them.
    #[test]
    fn a_quantity_that_is_free_each_day_is_free_on_every_day_of_the_month() {
        let daily = meter(
            "{ amount = \"0.01\", window = \"day\" }",
            "free = { kind = \"always\", quantity = \"1000\" }",
        );
        assert_eq!(free_units(&daily).round_dp(2), Decimal::new(3_041_667, 2));
        let known = known_price(&daily, Decimal::from(40_000)).expect("a price");
        assert_eq!(known.cost.round_dp(2), Decimal::new(9_583, 2));
        let compiled = crate::pricing::CompiledPrice::new(&daily);
        assert!((compiled.price(40_000.0) - 95.833).abs() < 1e-3);
        let tiers =
            "{ window = \"day\", tiers = [{ up_to = \"1000\", amount = \"0.01\" }, { amount = \"0\" }] }";
        let known = known_price(&meter(tiers, ""), Decimal::from(40_000)).expect("a price");
        assert_eq!(known.cost.round_dp(2), Decimal::new(30_417, 2));
    }

    #[test]
    fn a_pool_is_given_once_over_all_its_meters() {
        let free = "free = { kind = \"always\", quantity = \"400000\", pool = \"lambda.duration\" }";
        let x86 = meter("{ amount = \"0.0000166667\" }", free);
        let arm = meter("{ amount = \"0.0000133334\" }", free);
        let bought = [(&x86, Decimal::from(300_000)), (&arm, Decimal::from(500_000))];
        // 800,000 used, 400,000 free: half of each is paid
        let expected = vec![
            Some("2.500005".parse().unwrap()),
            Some("3.33335".parse().unwrap()),
        ];
        assert_eq!(price_together(&bought), expected);
        let compiled = [CompiledPrice::new(&x86), CompiledPrice::new(&arm)];
        let floats = price_together_float(&[(&compiled[0], 300_000.0), (&compiled[1], 500_000.0)]);
        assert!(
            (floats[0] - 2.500005).abs() < 1e-12 && (floats[1] - 3.33335).abs() < 1e-12,
            "{floats:?}"
        );
        let five = [1, 1, 4].map(Decimal::from);
        assert_eq!(
            share_pool(Decimal::from(5), &five).iter().sum::<Decimal>(),
            Decimal::from(5)
        );
        assert_eq!(share_pool(Decimal::from(7), &five), five);
    }
}
