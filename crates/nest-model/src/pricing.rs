//! What a quantity costs: exact in decimals for the bill, and in floats from the same book for draws.

use nest_data::price_book::{Meter, MeterPrice, TierMode};
use rust_decimal::{Decimal, prelude::ToPrimitive};

/// A meter's price as floats, for draws. What has no price costs nothing here: whoever prints a cost says which lines are unknown.
#[derive(Debug, Clone, PartialEq)]
pub struct CompiledPrice {
    free: f64,
    tiers: Vec<(f64, f64)>, // upper bound, price of one unit; bounds ascending, the last infinite
    mode: TierMode,
    package: f64, // units of one package
}

/// Price of a month's quantity, exact; none where a part of it has no price.
///
/// # Formula
/// Graduated: each part of the quantity pays its own tier. Volume: all of it pays the tier that it reaches. Package: whole packages are
/// paid. Tier bounds count from zero, what is free included; what is free comes off the cheapest end of that count, its beginning.
///
/// Source: `reference/pricing.md` section 6, R1, R4, R5.
#[must_use]
pub fn price(meter: &Meter, quantity: Decimal) -> Option<Decimal> {
    let free = free_units(meter);
    let billed = (quantity - free).max(Decimal::ZERO);
    let price = meter.price.as_ref()?;
    let per = price.per.map_or(Decimal::ONE, |per| per.0);
    let mode = price.mode.unwrap_or_default();
    let tiers = tiers(price);
    match mode {
        TierMode::Volume => {
            let reached = tiers.iter().find(|tier| tier.0.is_none_or(|bound| billed <= bound))?;
            if billed.is_zero() { Some(Decimal::ZERO) } else { Some(billed * reached.1? / per) }
        }
        TierMode::Graduated | TierMode::Package => {
            let (billed, per) = if mode == TierMode::Package { ((billed / per).ceil(), Decimal::ONE) } else { (billed, per) };
            let mut below = Decimal::ZERO;
            let mut sum = Decimal::ZERO;
            for (bound, amount) in tiers {
                let end = bound.map_or(billed, |bound| bound.min(billed));
                if end > below {
                    sum += (end - below) * amount?;
                    below = end;
                }
            }
            Some(sum / per)
        }
    }
}

/// Upper bound and amount of each tier; a flat price is one tier.
fn tiers(price: &MeterPrice) -> Vec<(Option<Decimal>, Option<Decimal>)> {
    match price.amount {
        Some(amount) => vec![(None, Some(amount.0))],
        None => price.tiers.iter().map(|tier| (tier.up_to.map(|bound| bound.0), tier.amount.map(|amount| amount.0))).collect(),
    }
}

/// Units that a forecast may count as free.
fn free_units(meter: &Meter) -> Decimal {
    meter.free.as_ref().filter(|free| free.kind.lasts()).map_or(Decimal::ZERO, |free| free.quantity.0)
}

impl CompiledPrice {
    /// Compiles a meter.
    #[must_use]
    pub fn new(meter: &Meter) -> Self {
        let float = |value: Decimal| value.to_f64().unwrap_or(f64::NAN);
        let Some(price) = &meter.price else {
            return Self { free: 0.0, tiers: vec![(f64::INFINITY, 0.0)], mode: TierMode::Graduated, package: 1.0 };
        };
        let per = price.per.map_or(1.0, |per| float(per.0));
        let mode = price.mode.unwrap_or_default();
        let unit = if mode == TierMode::Package { 1.0 } else { per };
        let tiers = tiers(price).into_iter().map(|(bound, amount)| (bound.map_or(f64::INFINITY, float), amount.map_or(0.0, float) / unit));
        Self { free: float(free_units(meter)), tiers: tiers.collect(), mode, package: per }
    }

    /// Price of a month's quantity.
    #[must_use]
    pub fn price(&self, quantity: f64) -> f64 {
        let billed = (quantity - self.free).max(0.0);
        match self.mode {
            TierMode::Volume => {
                let reached = self.tiers.iter().find(|(bound, _)| billed <= *bound);
                billed * reached.map_or(0.0, |(_, amount)| *amount)
            }
            TierMode::Package => self.graduated((billed / self.package - 1e-12).ceil()),
            TierMode::Graduated => self.graduated(billed),
        }
    }

    fn graduated(&self, billed: f64) -> f64 {
        let mut below = 0.0;
        let mut sum = 0.0;
        for (bound, amount) in &self.tiers {
            let part = (bound.min(billed) - below).max(0.0);
            sum += part * amount;
            below += part;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nest_data::{PriceBook, Source};
    use proptest::prelude::*;

    fn meter(price: &str, free: &str) -> Meter {
        let text = format!(
            "schema = 1\nprovider = \"p\"\nregion = \"r\"\ncurrency = \"USD\"\nmonth_hours = \"730\"\ntax = \"excluded\"\nstale_after_days = 1\n[source.s]\ntitle = \"t\"\nobserved_on = \"2026\"\nconfidence = \"page\"\n[[meter]]\nid = \"m\"\nunit = \"u\"\nprice = {price}\nsource = \"s\"\n{free}"
        );
        PriceBook::read(&Source::new("book.toml", text)).expect("a valid book").meter.remove(0)
    }

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    /// `reference/pricing.md` R4, the FOCUS example: 12 GB graduated cost 9.90.
    #[test]
    fn graduated_tiers_of_the_focus_example() {
        // 0-1 GB free of charge, 1-10 GB at 1.00, the rest at 0.45 (12 GB: 9 x 1.00 + 2 x 0.45 = 9.90)
        let meter = meter(
            "{ mode = \"graduated\", tiers = [{ up_to = \"1\", amount = \"0\" }, { up_to = \"10\", amount = \"1.00\" }, { amount = \"0.45\" }] }",
            "",
        );
        assert_eq!(price(&meter, decimal("12")), Some(decimal("9.90")));
    }

    /// `reference/pricing.md` R5: 37 x 1,024 GB with 100 GB free cost 3,262.68.
    #[test]
    fn egress_of_the_worked_bill() {
        let meter = meter(
            "{ mode = \"graduated\", tiers = [{ up_to = \"10140\", amount = \"0.09\" }, { up_to = \"51200\", amount = \"0.085\" }, { amount = \"0.07\" }] }",
            "free = { kind = \"always\", quantity = \"100\" }",
        );
        assert_eq!(price(&meter, decimal("37888")), Some(decimal("3262.68")));
    }

    /// Worked bill aws-lambda-mobile-backend: requests of 3 M with 1 M free cost 0.40.
    #[test]
    fn requests_of_the_worked_bill() {
        let meter = meter("{ amount = \"0.20\", per = \"1000000\" }", "free = { kind = \"always\", quantity = \"1000000\" }");
        assert_eq!(price(&meter, decimal("3000000")), Some(decimal("0.40")));
        assert_eq!(price(&meter, decimal("5")), Some(Decimal::ZERO));
    }

    proptest! {
        /// Floats and decimals agree to 1e-9 on random bills, and more never costs less.
        #[test]
        fn both_prices_agree_and_more_never_costs_less(bounds in proptest::collection::vec(1_u32..10_000, 1..4), amounts in proptest::collection::vec(0_u32..100_000, 4), free in 0_u32..5_000, quantity in 0_u64..10_000_000, more in 0_u64..1_000) {
            let mut bound = 0_u64;
            let mut tiers = String::new();
            for (step, amount) in bounds.iter().zip(&amounts) {
                bound += u64::from(*step);
                tiers += &format!("{{ up_to = \"{bound}\", amount = \"{}\" }}, ", Decimal::new(i64::from(*amount), 6));
            }
            tiers += &format!("{{ amount = \"{}\" }}", Decimal::new(i64::from(amounts[3]), 6));
            let meter = meter(&format!("{{ mode = \"graduated\", tiers = [{tiers}] }}"), &format!("free = {{ kind = \"always\", quantity = \"{free}\" }}"));
            let exact = price(&meter, Decimal::from(quantity)).expect("priced").to_f64().expect("a float");
            let float = CompiledPrice::new(&meter).price(quantity as f64);
            prop_assert!((exact - float).abs() <= 1e-9 * exact.max(1.0), "{exact} {float}");
            prop_assert!(price(&meter, Decimal::from(quantity + more)) >= price(&meter, Decimal::from(quantity)));
        }
    }
}
