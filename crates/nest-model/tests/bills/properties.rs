//! What must hold of every bill, whatever is on it.

use std::collections::BTreeMap;

use nest_data::{
    price_book::{
        Commitment, CommitmentKind, Covers, Dimension, Free, FreeKind, InstanceUnit, Meter, MeterPrice,
        Payment, Sustained, Tier, TierMode,
    },
    units::QuotedDecimal,
};
use nest_model::pricing::{
    CompiledPrice, Cover, CoverableUsage, Covered, HeldCommitment, HoursAtLoad, LargestOf, LikeHours,
    Rounding, SustainedUse, TERM_HOURS_PER_MONTH, amortise, amortised, amortised_per_month, cash_in_month,
    cents, committed_hours, effective_per_hour, may_fall, price, price_parts, price_together,
    price_together_float, share_pool, term_hours, total,
};
use proptest::prelude::*;
use rust_decimal::{Decimal, prelude::ToPrimitive};

/// Money with six decimals.
fn money(millionths: u32) -> Decimal {
    Decimal::new(i64::from(millionths), 6)
}

fn quoted(value: impl Into<Decimal>) -> QuotedDecimal {
    QuotedDecimal(value.into())
}

fn float(value: Decimal) -> f64 {
    value.to_f64().expect("a float")
}

fn bare(id: &str) -> Meter {
    Meter {
        id: id.into(),
        unit: "unit".into(),
        quantum: None,
        price: None,
        chunk: None,
        max_of: Vec::new(),
        percent_of: None,
        free: None,
        included: None,
        effective_from: None,
        effective_to: None,
        vendor_code: None,
        note: None,
        source: "s".into(),
    }
}

fn any_instance() -> Covers {
    Covers {
        sku: Some("r5.large".into()),
        family: None,
    }
}

fn any_family() -> Covers {
    Covers {
        sku: None,
        family: Some("r5".into()),
    }
}

prop_compose! {
    /// A meter with up to four tiers, in any mode, with or without a free part inside its tiers or before
    /// them.
    fn any_meter()(
        mode in prop::sample::select(vec![TierMode::Graduated, TierMode::Volume, TierMode::Package]),
        steps in prop::collection::vec(1_u32..10_000, 0..4),
        amounts in prop::collection::vec(0_u32..100_000_000, 4),
        per in prop::sample::select(vec![1_u32, 100, 1_000]),
        free in prop::option::of((0_u32..5_000, prop::option::of(Just("pool".to_owned())))),
    ) -> Meter {
        let mut bound = 0;
        let mut tiers: Vec<Tier> = steps.iter().zip(&amounts).map(|(step, amount)| {
            bound += step;
            Tier { up_to: Some(quoted(bound)), amount: Some(QuotedDecimal(money(*amount))) }
        }).collect();
        tiers.push(Tier { up_to: None, amount: Some(QuotedDecimal(money(amounts[3]))) });
        let price = MeterPrice { per: Some(quoted(per)), mode: Some(mode), tiers, ..MeterPrice::default() };
        let free = free.map(|(quantity, pool)| Free {
            kind: FreeKind::Always,
            quantity: quoted(quantity),
            pool,
        });
        Meter { price: Some(price), free, ..bare("m") }
    }
}

prop_compose! {
    fn any_commitment(kind: CommitmentKind, covers: Covers)(
        term_months in prop::sample::select(vec![12_u32, 36]),
        upfront in 0_u32..2_000_000_000,
        recurring in 1_u32..5_000_000,
        rates in prop::collection::vec(0_u32..900_000, 3),
    ) -> Commitment {
        let names = ["r5.large", "m5.large", "fargate"];
        let rates: BTreeMap<String, QuotedDecimal> = names
            .iter()
            .zip(rates)
            .map(|(name, rate)| ((*name).to_owned(), QuotedDecimal(money(rate))))
            .collect();
        Commitment {
            id: "c".into(),
            kind,
            term_months,
            payment: Payment::Partial,
            covers: covers.clone(),
            upfront: QuotedDecimal(money(upfront)),
            recurring: QuotedDecimal(money(recurring)),
            unit: InstanceUnit::H,
            rates: if kind == CommitmentKind::SavingsPlan { rates } else { BTreeMap::new() },
            vendor_code: None,
            note: None,
            source: "s".into(),
        }
    }
}

/// A reservation, a plan for a family and one for any compute, over some hours of three kinds of usage.
#[derive(Debug, Clone)]
struct Estate {
    commitments: Vec<Commitment>,
    units: Vec<u32>,
    list: Vec<u32>,
    hours: Vec<(u32, Vec<u32>)>,
}

impl Estate {
    fn cover(&self) -> Cover<Decimal> {
        let names = ["r5.large", "m5.large", "fargate"];
        let usage: Vec<CoverableUsage<'_>> = names
            .iter()
            .zip(&self.list)
            .map(|(name, price)| CoverableUsage {
                name,
                on_demand: Some(money(*price)),
            })
            .collect();
        let held: Vec<HeldCommitment<'_>> = self
            .commitments
            .iter()
            .zip(&self.units)
            .map(|(commitment, units)| HeldCommitment {
                commitment,
                units: Decimal::from(*units),
            })
            .collect();
        Cover::new(&usage, &held)
    }

    fn month(&self) -> Covered<Decimal> {
        let decimals = |quantities: &[u32]| {
            quantities
                .iter()
                .map(|quantity| Decimal::from(*quantity))
                .collect()
        };
        self.cover().month(
            &self
                .hours
                .iter()
                .map(|(hours, quantities)| (Decimal::from(*hours), decimals(quantities)))
                .collect::<Vec<_>>(),
        )
    }

    fn month_float(&self) -> Covered<f64> {
        let floats = |quantities: &[u32]| quantities.iter().map(|quantity| f64::from(*quantity)).collect();
        self.cover().to_float().month(
            &self
                .hours
                .iter()
                .map(|(hours, quantities)| (f64::from(*hours), floats(quantities)))
                .collect::<Vec<_>>(),
        )
    }
}

prop_compose! {
    fn any_estate()(
        reserved in any_commitment(CommitmentKind::Reserved, any_instance()),
        family in any_commitment(CommitmentKind::SavingsPlan, any_family()),
        compute in any_commitment(CommitmentKind::SavingsPlan, Covers { sku: None, family: None }),
        units in prop::collection::vec(0_u32..6, 3),
        list in prop::collection::vec(1_u32..2_000_000, 3),
        hours in prop::collection::vec((1_u32..200, prop::collection::vec(0_u32..40, 3)), 1..5),
    ) -> Estate {
        Estate { commitments: vec![compute, family, reserved], units, list, hours }
    }
}

fn balancer() -> Meter {
    let dimension = |quantity: &str, per_unit: u32| Dimension {
        quantity: quantity.into(),
        unit: "1".into(),
        per_unit: quoted(per_unit),
        free_factor: None,
    };
    Meter {
        max_of: vec![
            dimension("new", 25),
            dimension("active", 3_000),
            dimension("bytes", 1),
            dimension("rules", 1_000),
        ],
        ..bare("alb.lcu")
    }
}

fn schedule() -> Vec<Sustained> {
    [("0.25", "1"), ("0.5", "0.8678"), ("0.75", "0.733"), ("1", "0.6")]
        .map(|(up_to, factor)| Sustained {
            up_to: QuotedDecimal(up_to.parse().expect("a share")),
            factor: QuotedDecimal(factor.parse().expect("a share")),
        })
        .to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Floats and decimals agree to 1e-9 on a bill with a bit of everything.
    #[test]
    fn floats_and_decimals_agree_on_whole_bills(
        meters in prop::collection::vec((any_meter(), 0_u32..100_000), 1..5),
        estate in any_estate(),
        balanced in prop::collection::vec((1_u32..300, prop::collection::vec(0_u32..5_000, 4)), 1..4),
        bins in prop::collection::vec((1_u32..300, 0_u32..20), 1..6),
        reserved in 0_u32..20,
        ran in 1_u32..730,
        fee in 1_u32..100_000_000,
    ) {
        let mut exact = money(fee);
        let mut floats = float(money(fee));

        let bought: Vec<(&Meter, Decimal)> = meters
            .iter()
            .map(|(meter, quantity)| (meter, Decimal::from(*quantity)))
            .collect();
        exact += price_together(&bought)
            .into_iter()
            .map(|cost| cost.expect("priced"))
            .sum::<Decimal>();
        exact += bought
            .iter()
            .map(|(meter, quantity)| price(meter, *quantity).expect("priced"))
            .sum::<Decimal>();
        let compiled: Vec<CompiledPrice> = meters
            .iter()
            .map(|(meter, _)| CompiledPrice::new(meter))
            .collect();
        let bought: Vec<(&CompiledPrice, f64)> = compiled
            .iter()
            .zip(&meters)
            .map(|(price, (_, quantity))| (price, f64::from(*quantity)))
            .collect();
        floats += price_together_float(&bought).into_iter().sum::<f64>();
        floats += bought
            .iter()
            .map(|(price, quantity)| price.price(*quantity))
            .sum::<f64>();

        exact += estate.month().total().expect("priced");
        floats += estate.month_float().total().expect("priced");

        let largest = LargestOf::new(&balancer()).expect("four dimensions");
        let hours: Vec<_> = balanced
            .iter()
            .map(|(hours, rates)| LikeHours {
                hours: Decimal::from(*hours),
                quantities: rates.iter().map(|rate| Decimal::from(*rate)).collect(),
            })
            .collect();
        exact += largest.unit_hours(&hours);
        let hours: Vec<_> = balanced
            .iter()
            .map(|(hours, rates)| LikeHours {
                hours: f64::from(*hours),
                quantities: rates.iter().map(|rate| f64::from(*rate)).collect(),
            })
            .collect();
        floats += largest.to_float().unit_hours(&hours);

        let commitment = &estate.commitments[2];
        let (effective, list) = (effective_per_hour(commitment), money(estate.list[0]));
        let decimal_bins: Vec<_> = bins
            .iter()
            .map(|(hours, instances)| HoursAtLoad {
                hours: Decimal::from(*hours),
                instances: Decimal::from(*instances),
            })
            .collect();
        exact += committed_hours(&decimal_bins, Decimal::from(reserved))
            .cost(effective, list)
            .total();
        let float_bins: Vec<_> = bins
            .iter()
            .map(|(hours, instances)| HoursAtLoad {
                hours: f64::from(*hours),
                instances: f64::from(*instances),
            })
            .collect();
        floats += committed_hours(&float_bins, f64::from(reserved))
            .cost(float(effective), float(list))
            .total();

        let sustained = SustainedUse::new(&schedule());
        exact += sustained.paid_hours(Decimal::from(ran), Decimal::from(730)) * list;
        floats += sustained.to_float().paid_hours(f64::from(ran), 730.0) * float(list);

        let exact = float(exact);
        prop_assert!((exact - floats).abs() <= 1e-9 * exact, "{exact} {floats}");
    }

    /// More never costs less, but where tiers re-price the whole quantity and `may_fall` says so.
    #[test]
    fn more_never_costs_less_unless_told(
        meter in any_meter(),
        quantity in 0_u32..60_000,
        more in 1_u32..30_000,
    ) {
        let (less, more) = (
            Decimal::from(quantity),
            Decimal::from(u64::from(quantity) + u64::from(more)),
        );
        prop_assert!(price(&meter, more) >= price(&meter, less) || may_fall(&meter));
        let volume = meter.price.as_ref().and_then(|price| price.mode) == Some(TierMode::Volume);
        prop_assert!(volume || !may_fall(&meter));
    }

    /// The parts of a price are the lines of the bill: they add up exactly, and so do lines rounded by line.
    #[test]
    fn lines_sum_to_the_total(meter in any_meter(), quantity in 0_u32..60_000) {
        let lines: Vec<Decimal> = price_parts(&meter, Decimal::from(quantity))
            .expect("priced")
            .iter()
            .map(|part| part.cost.expect("priced"))
            .collect();
        let sum: Decimal = lines.iter().sum();
        prop_assert_eq!(Some(sum), price(&meter, Decimal::from(quantity)));
        prop_assert_eq!(total(&lines, Rounding::Sum), cents(sum));
        prop_assert_eq!(
            total(&lines, Rounding::Lines),
            lines.iter().map(|line| cents(*line)).sum::<Decimal>()
        );
        prop_assert!(
            (total(&lines, Rounding::Lines) - sum).abs() <= Decimal::new(5, 3) * Decimal::from(lines.len())
        );
    }

    /// What is used and what is lost of every commitment is exactly what was bought, and no usage is lost.
    #[test]
    fn used_and_unused_are_what_was_bought(estate in any_estate()) {
        let month = estate.month();
        let hours: Decimal = estate.hours.iter().map(|(hours, _)| Decimal::from(*hours)).sum();
        for (at, commitment) in estate.commitments.iter().enumerate() {
            let bought = hours * Decimal::from(estate.units[at]) * effective_per_hour(commitment);
            // An effective price may have 28 digits; what a month adds up to is cut there.
            prop_assert!(
                (month.bought[at] - bought).abs() <= Decimal::new(1, 18),
                "{} {bought}",
                month.bought[at]
            );
            prop_assert_eq!(month.used[at] + month.unused[at], month.bought[at]);
            prop_assert!(month.used[at] >= Decimal::ZERO && month.unused[at] >= Decimal::ZERO);
        }
        for (at, left) in month.left.iter().enumerate() {
            let needed: Decimal = estate
                .hours
                .iter()
                .map(|(hours, quantities)| Decimal::from(*hours) * Decimal::from(quantities[at]))
                .sum();
            prop_assert!(*left >= Decimal::ZERO && *left <= needed);
        }
    }

    /// Amortised cost splits exactly, and over a term it is the cash that was paid.
    #[test]
    fn a_term_costs_what_is_paid_for_it(
        commitment in any_commitment(CommitmentKind::Reserved, any_instance()),
        units in 0_u32..50,
        hours in 1_u32..8_760,
        share in 0_u32..=1_000,
    ) {
        let (units, hours) = (Decimal::from(units), Decimal::from(hours));
        let split = amortise(
            &commitment,
            units,
            hours,
            units * hours * Decimal::new(i64::from(share), 3),
        );
        prop_assert_eq!(split.used + split.unused, amortised(&commitment, units * hours));
        prop_assert!(split.used >= Decimal::ZERO && split.unused >= Decimal::ZERO);
        let cash: Decimal = (1..=commitment.term_months)
            .map(|month| cash_in_month(&commitment, units, month, TERM_HOURS_PER_MONTH))
            .sum();
        prop_assert_eq!(cash, amortised(&commitment, units * term_hours(&commitment)));
        let monthly = amortised_per_month(&commitment, units, TERM_HOURS_PER_MONTH);
        let monthly = monthly * Decimal::from(commitment.term_months);
        prop_assert!((cash - monthly).abs() <= Decimal::new(1, 18));
        prop_assert_eq!(
            cash_in_month(&commitment, units, commitment.term_months + 1, TERM_HOURS_PER_MONTH),
            cash_in_month(&commitment, units, 1, TERM_HOURS_PER_MONTH)
        );
    }

    /// Instance-hours are bought exactly once, and a pool gives no more than it holds.
    #[test]
    fn instance_hours_and_pools_add_up(
        bins in prop::collection::vec((1_u32..300, 0_u32..20), 1..6),
        reserved in 0_u32..20,
        free in 0_u32..10_000,
        quantities in prop::collection::vec(0_u32..10_000, 1..5),
        upfront in 0_u32..2_000_000_000,
    ) {
        let bins: Vec<_> = bins
            .iter()
            .map(|(hours, instances)| HoursAtLoad {
                hours: Decimal::from(*hours),
                instances: Decimal::from(*instances),
            })
            .collect();
        let hours = committed_hours(&bins, Decimal::from(reserved));
        let all: Decimal = bins.iter().map(|bin| bin.hours).sum();
        prop_assert_eq!(hours.used + hours.unused, all * Decimal::from(reserved));
        prop_assert_eq!(
            hours.used + hours.on_demand,
            bins.iter().map(|bin| bin.hours * bin.instances).sum::<Decimal>()
        );
        let effective = money(66_680) + money(upfront) / Decimal::from(8_760);
        let cost = hours.cost(effective, money(100_800));
        prop_assert_eq!(cost.used + cost.unused, all * Decimal::from(reserved) * effective);

        let quantities: Vec<Decimal> = quantities.into_iter().map(Decimal::from).collect();
        let shares = share_pool(Decimal::from(free), &quantities);
        prop_assert_eq!(
            shares.iter().sum::<Decimal>(),
            quantities.iter().sum::<Decimal>().min(Decimal::from(free))
        );
        prop_assert!(
            shares
                .iter()
                .zip(&quantities)
                .all(|(share, quantity)| *share >= Decimal::ZERO && share <= quantity)
        );
    }
}
