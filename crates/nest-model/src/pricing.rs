//! Cost of a quantity: exact in decimals for the bill, and in floats from the same book for draws.
//!
//! - here: one meter's quantity by its tiers; `pool`: free quantities that meters share; `compiled`: the
//!   same in floats
//! - `quantum`: running time and requests in billed steps; `functions`: GiB-seconds and plans; `compound`:
//!   meters made of others
//! - `commitment`: what a promise costs; `cover`: which usage it takes up, hour by hour; `capacity`:
//!   instances of one type over load bins
//! - `sustained`, `adjustment`: discounts; `rounding`: cents
//!
//! The caller decides what is counted together: tiers of an account see the account's quantity, tiers of a
//! volume (io2) are priced volume by volume (`docs/method/pricing.md`, "Free pools and scopes").

mod adjustment;
mod capacity;
mod commitment;
mod compiled;
mod compound;
mod cover;
mod functions;
mod number;
mod pool;
mod quantum;
mod rounding;
mod sustained;

use nest_data::price_book::{Meter, MeterPrice, TierMode};
use rust_decimal::Decimal;

pub use self::{
    adjustment::{contract_factor, contract_steps},
    capacity::{Committed, HoursAtLoad, committed_hours},
    commitment::{
        Amortised, TERM_HOURS_PER_MONTH, amortise, amortised, amortised_per_month, break_even_utilisation,
        cash_in_month, effective_per_hour, recurring_per_hour, term_hours, upfront,
    },
    compiled::{CompiledPrice, float, price_together_float},
    compound::{LargestOf, LikeHours, free_factor, rules_evaluated, share_of},
    cover::{Cover, CoverableUsage, Covered, HeldCommitment},
    functions::{
        azure_gb_seconds, azure_memory_mb, ephemeral_gib_seconds, gib_seconds, plan_prices,
        provisioned_gib_seconds, streamed_gib,
    },
    number::PriceNumber,
    pool::{free_in_month, free_units, known_prices_together, price_together, share_pool},
    quantum::{
        beyond, billed_seconds, billed_units, chunks, chunks_of, hourly, prorated, remaining_term_hours,
        round_up,
    },
    rounding::{Rounding, cents, half_up, total},
    sustained::SustainedUse,
};

/// The part of a quantity that pays one price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierPart {
    /// Units in it, above 0.
    pub quantity: Decimal,
    /// Price of `per` units; `None` if it is not known.
    pub amount: Option<Decimal>,
    /// Cost of the part; `None` if its price is not known.
    pub cost: Option<Decimal>,
}

/// Price of a month's quantity, exact; `None` if a part of it has no price.
///
/// # Formula
/// The sum of [`price_parts`]. Graduated: `sum over tiers of (min(b_k, q) - max(b_k-1, free))+ * p_k`;
/// volume: `(q - free) * p_k` of the tier that `q` reaches; package: graduated, of `q` rounded up to whole
/// packages of `per` units beyond what is free. Bounds count from zero.
///
/// What is free lies inside the first tiers: 37,888 GB with 100 free under bounds of 10,240 and 51,200 GB pay
/// `(10240 - 100) * 0.09 + (37888 - 10240) * 0.085`. What is free out of a *pool* comes off before the tiers
/// begin (tiers count billable units), all of it to this meter; [`price_together`] shares it among several.
///
/// `quantity` in the meter's unit, 0 and more (below 0 counts as 0); the price in the book's currency.
///
/// Source: `docs/method/pricing.md`, "Functions on Lambda", "Tiers" and "Free units inside a tier".
#[must_use]
pub fn price(meter: &Meter, quantity: Decimal) -> Option<Decimal> {
    known_price(meter, quantity)?.complete()
}

/// What is known of a price.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KnownPrice {
    /// Price of the units that have one.
    pub cost: Decimal,
    /// Units that have none.
    pub unpriced: Decimal,
}

impl KnownPrice {
    fn of(parts: &[TierPart]) -> Self {
        let unpriced = parts.iter().filter(|part| part.cost.is_none());
        Self {
            cost: parts.iter().filter_map(|part| part.cost).sum(),
            unpriced: unpriced.map(|part| part.quantity).sum(),
        }
    }

    /// The price; `None` if some units have none.
    #[must_use]
    pub fn complete(self) -> Option<Decimal> {
        self.unpriced.is_zero().then_some(self.cost)
    }
}

/// What is known of the [`price`] of a month's quantity; `None` if the meter has no price at all.
#[must_use]
pub fn known_price(meter: &Meter, quantity: Decimal) -> Option<KnownPrice> {
    price_parts(meter, quantity).map(|parts| KnownPrice::of(&parts))
}

/// The same of [`price_billed`].
#[must_use]
pub fn known_price_billed(meter: &Meter, billed: Decimal) -> Option<KnownPrice> {
    Some(KnownPrice::of(&parts(
        meter.price.as_ref()?,
        Decimal::ZERO,
        billed,
    )))
}

/// The parts that [`price`] adds up, one for each tier that something is paid in, ascending. `None` if the
/// meter has no price at all.
#[must_use]
pub fn price_parts(meter: &Meter, quantity: Decimal) -> Option<Vec<TierPart>> {
    let pooled = pool::free_pooled(meter).map_or(Decimal::ZERO, |(_, free)| free);
    Some(parts(
        meter.price.as_ref()?,
        pool::free_within(meter),
        quantity - pooled,
    ))
}

/// Price of a quantity from which every free unit has been taken already, or none is given: tiers count it
/// from zero.
///
/// # Formula
/// [`price`] with `free = 0`. `billed` in the meter's unit, 0 and more.
#[must_use]
pub fn price_billed(meter: &Meter, billed: Decimal) -> Option<Decimal> {
    known_price_billed(meter, billed)?.complete()
}

/// Whether buying more of a meter can cost less in total. It can if tiers price the whole quantity again and
/// fall, or are not known.
#[must_use]
pub fn may_fall(meter: &Meter) -> bool {
    let Some(price) = meter
        .price
        .as_ref()
        .filter(|price| price.mode == Some(TierMode::Volume))
    else {
        return false;
    };
    tiers(price).windows(2).any(|pair| {
        pair[1]
            .1
            .is_none_or(|next| pair[0].1.is_none_or(|amount| next < amount))
    })
}

/// Parts of the units between `from` and `to`, counted from zero, that pay one price each.
fn parts(price: &MeterPrice, from: Decimal, to: Decimal) -> Vec<TierPart> {
    let per = price.per.map_or(Decimal::ONE, |per| per.0);
    let part = |quantity: Decimal, amount: Option<Decimal>| TierPart {
        quantity,
        amount,
        cost: amount.map(|amount| quantity * amount / per),
    };
    if to <= from {
        return Vec::new();
    }
    let to = match price.mode.unwrap_or_default() {
        TierMode::Volume => {
            let reached = tiers(price)
                .into_iter()
                .find(|(bound, _)| bound.is_none_or(|bound| to <= bound));
            return vec![part(to - from, reached.and_then(|(_, amount)| amount))];
        }
        TierMode::Package => from + ((to - from) / per).ceil() * per,
        TierMode::Graduated => to,
    };
    let mut low = from;
    let mut parts = Vec::new();
    for (bound, amount) in tiers(price) {
        let end = bound.map_or(to, |bound| bound.min(to));
        if end > low {
            parts.push(part(end - low, amount));
            low = end;
        }
    }
    parts
}

/// Units from which on no tier has a price; `None` if there are none. An unknown tier below a known one
/// counts as the first of them.
fn known_up_to(price: &MeterPrice) -> Option<Decimal> {
    let tiers = tiers(price);
    let unknown = tiers.iter().position(|(_, amount)| amount.is_none())?;
    let below = unknown.checked_sub(1).and_then(|known| tiers[known].0);
    Some(below.unwrap_or_default())
}

/// Windows of a price in a mean month, a twelfth of a year of 365 days: what is added up over a day is taken
/// to be alike on every day.
fn windows_in_month(price: &MeterPrice) -> Decimal {
    let days = Decimal::from(365) / Decimal::from(12);
    match price.window.as_deref() {
        Some("day") => days,
        Some("hour") => days * Decimal::from(24),
        _ => Decimal::ONE,
    }
}

/// Upper bound in a month and amount of each tier, ascending; a flat price is one tier.
pub(crate) fn tiers(price: &MeterPrice) -> Vec<(Option<Decimal>, Option<Decimal>)> {
    let windows = windows_in_month(price);
    match price.amount {
        Some(amount) => vec![(None, Some(amount.0))],
        None => price
            .tiers
            .iter()
            .map(|tier| {
                (
                    tier.up_to.map(|bound| bound.0 * windows),
                    tier.amount.map(|amount| amount.0),
                )
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nest_data::{PriceBook, Source};
    use proptest::prelude::*;
    use rust_decimal::prelude::ToPrimitive;

    /// The one meter of a book, from the text of its price and of its free quantity.
    pub(super) fn meter(price: &str, free: &str) -> Meter {
        let text = format!(
            "schema = 1\nprovider = \"p\"\nregion = \"r\"\ncurrency = \"USD\"\nmonth_hours = \"730\"\ntax = \
             \"excluded\"\nstale_after_days = 1\n[source.s]\ntitle = \"t\"\nobserved_on = \
             \"2026\"\nconfidence = \"page\"\n[[meter]]\nid = \"m\"\nunit = \"u\"\nprice = {price}\nsource \
             = \"s\"\n{free}"
        );
        PriceBook::read(&Source::new("book.toml", text))
            .expect("a valid book")
            .meter
            .remove(0)
    }

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    /// `docs/method/pricing.md`, "Tiers", the FOCUS example: 12 GB, 10 % below 1.00 to 10 GB and 0.50 beyond,
    /// cost 9.90, or 5.40 by volume.
    #[test]
    fn tiers_of_the_focus_example() {
        let tiers = |mode: &str| {
            meter(
                &format!(
                    "{{ mode = \"{mode}\", tiers = [{{ up_to = \"10\", amount = \"0.90\" }}, {{ amount = \
                     \"0.45\" }}] }}"
                ),
                "",
            )
        };
        assert_eq!(price(&tiers("graduated"), decimal("12")), Some(decimal("9.90")));
        assert_eq!(price(&tiers("volume"), decimal("12")), Some(decimal("5.40")));
        assert!(may_fall(&tiers("volume")) && !may_fall(&tiers("graduated")));
        assert!(price(&tiers("volume"), decimal("10.1")) < price(&tiers("volume"), decimal("10")));
    }

    /// `docs/method/pricing.md`, "Free units inside a tier": 37 x 1,024 GB with the first 100 GB free cost
    /// 10,140 x 0.09 + 27,648 x 0.085 = 3,262.68.
    #[test]
    fn what_is_free_lies_inside_the_first_tier() {
        let tiers = "{ mode = \"graduated\", tiers = [{ up_to = \"10240\", amount = \"0.09\" }, \
                     { up_to = \"51200\", amount = \"0.085\" }, { amount = \"0.07\" }] }";
        let inside = meter(tiers, "free = { kind = \"always\", quantity = \"100\" }");
        assert_eq!(price(&inside, decimal("37888")), Some(decimal("3262.68")));
        let parts: Vec<_> = price_parts(&inside, decimal("37888"))
            .unwrap()
            .into_iter()
            .map(|part| (part.quantity, part.cost.unwrap()))
            .collect();
        assert_eq!(
            parts,
            [
                (decimal("10140"), decimal("912.60")),
                (decimal("27648"), decimal("2350.08"))
            ]
        );
        assert_eq!(price(&inside, decimal("99")), Some(Decimal::ZERO));
        // Out of a pool it comes off first: 10,240 x 0.09 + 27,548 x 0.085 (R1).
        let pooled = meter(
            tiers,
            "free = { kind = \"always\", quantity = \"100\", pool = \"egress\" }",
        );
        assert_eq!(price(&pooled, decimal("37888")), Some(decimal("3263.18")));
        // What ends after a year is not counted.
        let first_year = meter(tiers, "free = { kind = \"first-year\", quantity = \"100\" }");
        assert_eq!(price(&first_year, decimal("100")), Some(decimal("9.00")));
        for (meter, exact) in [(inside, 3_262.68), (pooled, 3_263.18)] {
            assert!((CompiledPrice::new(&meter).price(37_888.0) - exact).abs() < 1e-9);
        }
    }

    /// `docs/method/pricing.md`, "Tiers": whole packages are paid, and their tiers are bounded in units.
    #[test]
    fn packages_are_paid_whole() {
        let thousands = meter(
            "{ mode = \"package\", per = \"1000\", tiers = [{ up_to = \"2000\", amount = \"5\" }, { amount \
             = \"4\" }] }",
            "free = { kind = \"always\", quantity = \"500\" }",
        );
        let compiled = CompiledPrice::new(&thousands);
        // Free to 500; one package to 1,500; of the second, to 2,500, half lies in the second tier.
        for (quantity, cost) in [
            ("500", "0"),
            ("501", "5"),
            ("1500", "5"),
            ("1501", "9.5"),
            ("2501", "13.5"),
        ] {
            assert_eq!(
                price(&thousands, decimal(quantity)),
                Some(decimal(cost)),
                "{quantity}"
            );
            assert!(
                (compiled.price(quantity.parse().unwrap()) - cost.parse::<f64>().unwrap()).abs() < 1e-9,
                "{quantity}"
            );
        }
    }

    /// A price that is not known makes the cost unknown only if it is needed.
    #[test]
    fn an_unknown_tier_is_unknown_from_its_beginning() {
        let meter = meter(
            "{ mode = \"graduated\", tiers = [{ up_to = \"10\", amount = \"1\" }, {}] }",
            "",
        );
        assert_eq!(price(&meter, decimal("10")), Some(decimal("10")));
        assert_eq!(price(&meter, decimal("10.1")), None);
    }

    /// Worked bill aws-lambda-mobile-backend: requests of 3 M with 1 M free cost 0.40.
    #[test]
    fn requests_of_the_worked_bill() {
        let meter = meter(
            "{ amount = \"0.20\", per = \"1000000\" }",
            "free = { kind = \"always\", quantity = \"1000000\" }",
        );
        assert_eq!(price(&meter, decimal("3000000")), Some(decimal("0.40")));
        assert_eq!(price(&meter, decimal("5")), Some(Decimal::ZERO));
    }

    proptest! {
        /// Floats and decimals agree to 1e-9 on random bills, and more never costs less.
        #[test]
        fn both_prices_agree_and_more_never_costs_less(
            bounds in proptest::collection::vec(1_u32..10_000, 1..4),
            amounts in proptest::collection::vec(0_u32..100_000, 4),
            free in 0_u32..5_000,
            quantity in 0_u64..10_000_000,
            more in 0_u64..1_000,
        ) {
            let mut bound = 0_u64;
            let mut tiers = String::new();
            for (step, amount) in bounds.iter().zip(&amounts) {
                bound += u64::from(*step);
                tiers += &format!(
                    "{{ up_to = \"{bound}\", amount = \"{}\" }}, ",
                    Decimal::new(i64::from(*amount), 6)
                );
            }
            tiers += &format!(
                "{{ amount = \"{}\" }}",
                Decimal::new(i64::from(amounts[3]), 6)
            );
            let pool = if free % 2 == 0 { "" } else { ", pool = \"p\"" };
            let mode = if free % 3 == 0 {
                "mode = \"package\", per = \"100\""
            } else {
                "mode = \"graduated\""
            };
            let meter = meter(
                &format!("{{ {mode}, tiers = [{tiers}] }}"),
                &format!("free = {{ kind = \"always\", quantity = \"{free}\"{pool} }}"),
            );
            let exact = price(&meter, Decimal::from(quantity))
                .expect("priced")
                .to_f64()
                .expect("a float");
            let float = CompiledPrice::new(&meter).price(quantity as f64);
            prop_assert!(
                (exact - float).abs() <= 1e-9 * exact.max(1.0),
                "{exact} {float}"
            );
            prop_assert!(
                price(&meter, Decimal::from(quantity + more)) >= price(&meter, Decimal::from(quantity))
            );
        }
    }
}
