//! Which usage of an hour commitments take up: reservations, then plans for a family, then plans for any
//! compute.

use std::cmp::Ordering;

use nest_data::price_book::{Commitment, CommitmentKind};
use rust_decimal::Decimal;

use super::{commitment::effective_per_hour, compiled::float, number::PriceNumber};

/// A kind of usage that commitments may cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoverableUsage<'a> {
    /// Instance type or meter, as commitments name it.
    pub name: &'a str,
    /// Price of one unit without commitment; `None` if it is not known.
    pub on_demand: Option<Decimal>,
}

/// A commitment that was bought, and how many units of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeldCommitment<'a> {
    /// The commitment.
    pub commitment: &'a Commitment,
    /// Units of it, 0 and more: instances, or multiples of the plan's amount per hour.
    pub units: Decimal,
}

/// The order in which commitments take up usage, worked out once and walked hour by hour.
#[derive(Debug, Clone, PartialEq)]
pub struct Cover<T> {
    takes: Vec<CoverTake<T>>,
    budgets: Vec<PlanBudget<T>>, // one per commitment
    on_demand: Vec<Option<T>>,   // price of one unit; one per usage
}

/// One commitment's way to cover one usage.
#[derive(Debug, Clone, Copy, PartialEq)]
struct CoverTake<T> {
    commitment: usize,
    usage: usize,
    rate: T, // of the budget, for one unit of usage
}

/// What a commitment covers in an hour.
#[derive(Debug, Clone, Copy, PartialEq)]
struct PlanBudget<T> {
    size: T,  // instances of a reservation, money of a plan
    price: T, // of one of them
}

/// Cost of one hour, or of several together.
#[derive(Debug, Clone, PartialEq)]
pub struct Covered<T> {
    /// Cost of each commitment, used or not.
    pub bought: Vec<T>,
    /// The part of it that something ran on.
    pub used: Vec<T>,
    /// The part that is lost; with `used` exactly what was bought.
    pub unused: Vec<T>,
    /// Units of each usage that no commitment covers.
    pub left: Vec<T>,
    /// Their cost; `None` if their price is not known.
    pub on_demand: Vec<Option<T>>,
}

impl Cover<Decimal> {
    /// Works out the order.
    ///
    /// # Formula
    /// Reservations (with committed use and blocks) in the order given, then savings plans for one family or
    /// type, then those for any compute. Among the plans of one kind the highest discount
    /// `1 - rate / on_demand` comes first, ties by the lower rate; usage whose list price is not known comes
    /// last.
    ///
    /// Source: `docs/method/pricing.md`, "Order of commitments"; AWS Savings Plans user guide, "Understanding
    /// how Savings Plans apply".
    #[must_use]
    pub fn new(usage: &[CoverableUsage<'_>], held: &[HeldCommitment<'_>]) -> Self {
        let mut takes: Vec<(Rank, CoverTake<Decimal>)> = Vec::new();
        for (commitment, held) in held.iter().enumerate() {
            for (at, one) in usage.iter().enumerate() {
                if let Some(rate) = rate(held.commitment, one.name) {
                    takes.push((
                        rank(held.commitment, rate, one.on_demand),
                        CoverTake {
                            commitment,
                            usage: at,
                            rate,
                        },
                    ));
                }
            }
        }
        takes.sort_by(|one, other| one.0.cmp(&other.0));
        Self {
            takes: takes.into_iter().map(|(_, take)| take).collect(),
            budgets: held.iter().map(budget).collect(),
            on_demand: usage.iter().map(|usage| usage.on_demand).collect(),
        }
    }

    /// The covered cost in floats, for draws.
    #[must_use]
    pub fn to_float(&self) -> Cover<f64> {
        let take = |take: &CoverTake<Decimal>| CoverTake {
            commitment: take.commitment,
            usage: take.usage,
            rate: float(take.rate),
        };
        Cover {
            takes: self.takes.iter().map(take).collect(),
            budgets: self
                .budgets
                .iter()
                .map(|budget| PlanBudget {
                    size: float(budget.size),
                    price: float(budget.price),
                })
                .collect(),
            on_demand: self.on_demand.iter().map(|price| price.map(float)).collect(),
        }
    }
}

impl<T: PriceNumber> Cover<T> {
    /// Covers the quantities of one hour, one for each usage, 0 and more.
    ///
    /// # Formula
    /// In the order of [`Cover::new`] each commitment covers `min(q, budget left / rate)`; what is left of it
    /// at the end of the hour is lost, what is left of the usage pays its list price.
    ///
    /// Source: `docs/method/pricing.md`, "Order of commitments" and "Amortised cost and cash".
    #[must_use]
    pub fn hour(&self, quantities: &[T]) -> Covered<T> {
        let mut left = quantities.to_vec();
        let mut budgets: Vec<T> = self.budgets.iter().map(|budget| budget.size).collect();
        for take in &self.takes {
            let (quantity, budget) = (left[take.usage], budgets[take.commitment]);
            let needed = quantity * take.rate;
            if needed <= budget {
                budgets[take.commitment] = budget - needed;
                left[take.usage] = T::default();
            } else {
                budgets[take.commitment] = T::default();
                left[take.usage] = quantity - budget / take.rate;
            }
        }
        let bought: Vec<T> = self
            .budgets
            .iter()
            .map(|budget| budget.size * budget.price)
            .collect();
        let lost: Vec<T> = self
            .budgets
            .iter()
            .zip(budgets)
            .map(|(budget, left)| left * budget.price)
            .collect();
        let (unused, used) = split(&bought, &lost);
        let on_demand = self
            .on_demand
            .iter()
            .zip(&left)
            .map(|(price, left)| cost(*price, *left))
            .collect();
        Covered {
            bought,
            used,
            unused,
            left,
            on_demand,
        }
    }

    /// The sum over hours of a month: each with the number of hours that are like it.
    ///
    /// # Formula
    /// `sum_h hours_h * hour(q_h)`, never the hour of a mean: what one hour loses another cannot use.
    ///
    /// Source: `docs/method/pricing.md`, "Order of commitments".
    #[must_use]
    pub fn month(&self, hours: &[(T, Vec<T>)]) -> Covered<T> {
        let mut bought = vec![T::default(); self.budgets.len()];
        let mut lost = bought.clone();
        let mut left = vec![T::default(); self.on_demand.len()];
        let mut on_demand = vec![Some(T::default()); left.len()];
        for (hours, quantities) in hours {
            let hour = self.hour(quantities);
            let add = |sum: &mut [T], one: &[T]| {
                sum.iter_mut()
                    .zip(one)
                    .for_each(|(sum, one)| *sum = *sum + *hours * *one)
            };
            add(&mut bought, &hour.bought);
            add(&mut lost, &hour.unused);
            add(&mut left, &hour.left);
            on_demand
                .iter_mut()
                .zip(&hour.on_demand)
                .for_each(|(sum, one)| *sum = sum.zip(*one).map(|(sum, one)| sum + *hours * one));
        }
        let (unused, used) = split(&bought, &lost);
        Covered {
            bought,
            used,
            unused,
            left,
            on_demand,
        }
    }
}

impl<T: PriceNumber> Covered<T> {
    /// Everything that is paid: commitments, used or not, and what they do not cover. `None` if a price that
    /// is needed is not known.
    #[must_use]
    pub fn total(&self) -> Option<T> {
        let committed: T = self.bought.iter().copied().sum();
        self.on_demand
            .iter()
            .try_fold(committed, |sum, one| one.map(|one| sum + one))
    }
}

/// Parts of wholes, and the rests, which add up exactly.
fn split<T: PriceNumber>(wholes: &[T], parts: &[T]) -> (Vec<T>, Vec<T>) {
    wholes
        .iter()
        .zip(parts)
        .map(|(whole, part)| T::split(*whole, *part))
        .unzip()
}

/// Cost of what no commitment covers: nothing costs nothing, whatever its price.
fn cost<T: PriceNumber>(price: Option<T>, left: T) -> Option<T> {
    if left > T::default() {
        price.map(|price| price * left)
    } else {
        Some(T::default())
    }
}

/// What one unit of a usage takes of a commitment's budget; `None` if it is not covered.
fn rate(commitment: &Commitment, name: &str) -> Option<Decimal> {
    let covers = &commitment.covers;
    let named = covers.sku.as_deref().is_none_or(|sku| sku == name)
        && covers
            .family
            .as_deref()
            .is_none_or(|family| name.starts_with(family));
    match commitment.kind {
        CommitmentKind::SavingsPlan => commitment.rates.get(name).filter(|_| named).map(|rate| rate.0),
        CommitmentKind::Reserved | CommitmentKind::Cud | CommitmentKind::Block => {
            (named && covers.sku.is_some()).then_some(Decimal::ONE)
        }
    }
}

fn budget(held: &HeldCommitment<'_>) -> PlanBudget<Decimal> {
    let effective = effective_per_hour(held.commitment);
    match held.commitment.kind {
        CommitmentKind::SavingsPlan => PlanBudget {
            size: held.units * effective,
            price: Decimal::ONE,
        },
        CommitmentKind::Reserved | CommitmentKind::Cud | CommitmentKind::Block => PlanBudget {
            size: held.units,
            price: effective,
        },
    }
}

/// Place in the order: kind, then share of the list price that is paid (none is last), then rate.
type Rank = (u8, UnknownLast, Decimal);

#[derive(PartialEq, Eq)]
struct UnknownLast(Option<Decimal>);

impl Ord for UnknownLast {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0.is_none(), self.0).cmp(&(other.0.is_none(), other.0))
    }
}

impl PartialOrd for UnknownLast {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn rank(commitment: &Commitment, rate: Decimal, on_demand: Option<Decimal>) -> Rank {
    match commitment.kind {
        CommitmentKind::Reserved | CommitmentKind::Cud | CommitmentKind::Block => {
            (0, UnknownLast(None), Decimal::ZERO)
        }
        CommitmentKind::SavingsPlan => {
            let narrow = commitment.covers.family.is_some() || commitment.covers.sku.is_some();
            (
                if narrow { 1 } else { 2 },
                UnknownLast(on_demand.and_then(|price| rate.checked_div(price))),
                rate,
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nest_data::{
        price_book::{Covers, InstanceUnit, Payment},
        units::QuotedDecimal,
    };

    fn plan(family: Option<&str>, per_hour: &str, rates: &[(&str, &str)]) -> Commitment {
        Commitment {
            id: "plan".into(),
            kind: CommitmentKind::SavingsPlan,
            term_months: 12,
            payment: Payment::None,
            covers: Covers {
                sku: None,
                family: family.map(Into::into),
            },
            upfront: QuotedDecimal(Decimal::ZERO),
            recurring: QuotedDecimal(decimal(per_hour)),
            unit: InstanceUnit::H,
            rates: rates
                .iter()
                .map(|(name, rate)| ((*name).to_owned(), QuotedDecimal(decimal(rate))))
                .collect(),
            vendor_code: None,
            note: None,
            source: "s".into(),
        }
    }

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    fn usage<'a>(name: &'a str, on_demand: Option<&str>) -> CoverableUsage<'a> {
        CoverableUsage {
            name,
            on_demand: on_demand.map(decimal),
        }
    }

    fn held(commitment: &Commitment) -> HeldCommitment<'_> {
        HeldCommitment {
            commitment,
            units: Decimal::ONE,
        }
    }

    /// AWS Savings Plans user guide, an older edition of its example: list 4, 10, 1.50 and 2, plan 2, 8, 1
    /// and 1. A plan of 25 covers everything; one of 2 begins with Fargate's GB, which save 50 % as the
    /// c5.9xlarge does, at the lower rate.
    #[test]
    fn ties_go_to_the_lower_rate() {
        let usage = [
            usage("c5.9xlarge", Some("4")),
            usage("c5.24xlarge", Some("10")),
            usage("vcpu", Some("1.50")),
            usage("gb", Some("2")),
        ];
        let quantities = [1, 1, 10, 5].map(Decimal::from);
        let rates = [
            ("c5.9xlarge", "2"),
            ("c5.24xlarge", "8"),
            ("vcpu", "1"),
            ("gb", "1"),
        ];
        let all = plan(None, "25", &rates);
        let hour = Cover::new(&usage, &[held(&all)]).hour(&quantities);
        assert_eq!(
            (hour.total(), hour.unused[0]),
            (Some(Decimal::from(25)), Decimal::ZERO)
        );
        let few = plan(None, "2", &rates);
        let hour = Cover::new(&usage, &[held(&few)]).hour(&quantities);
        assert_eq!(hour.left, [1, 1, 10, 3].map(Decimal::from));
        assert_eq!(hour.total(), Some(decimal("37")));
    }

    /// Plans of one kind are applied together, best discount first, whichever was listed first; a family's
    /// comes before any compute's.
    #[test]
    fn plans_of_one_kind_apply_together() {
        let usage = [usage("r5.large", Some("1")), usage("m5.large", Some("1"))];
        let (poor, good) = (
            plan(None, "0.8", &[("r5.large", "0.8"), ("m5.large", "0.8")]),
            plan(None, "0.5", &[("r5.large", "0.5")]),
        );
        let hour = Cover::new(&usage, &[held(&poor), held(&good)]).hour(&[Decimal::ONE, Decimal::ONE]);
        assert_eq!(
            (hour.total(), hour.left),
            (Some(decimal("1.3")), vec![Decimal::ZERO; 2])
        );
        let family = plan(Some("r5"), "0.9", &[("r5.large", "0.9")]);
        let hour = Cover::new(&usage, &[held(&good), held(&family)]).hour(&[Decimal::ONE, Decimal::ZERO]);
        assert_eq!(
            (hour.used, hour.unused),
            (
                vec![Decimal::ZERO, decimal("0.9")],
                vec![decimal("0.5"), Decimal::ZERO]
            )
        );
    }

    /// A list price that is not known is needed only if a plan leaves something over.
    #[test]
    fn an_unknown_list_price_is_unknown_where_it_is_needed() {
        let usage = [usage("known", Some("1")), usage("unknown", None)];
        let plan = plan(None, "1", &[("known", "0.9"), ("unknown", "0.1")]);
        let cover = Cover::new(&usage, &[held(&plan)]);
        assert_eq!(
            cover.hour(&[Decimal::ONE, Decimal::ONE]).total(),
            Some(Decimal::ONE)
        );
        let over = cover.month(&[(Decimal::TEN, vec![Decimal::ONE, Decimal::TWO])]);
        assert_eq!(
            (over.total(), over.left[1], over.bought[0]),
            (None, Decimal::TEN, Decimal::TEN)
        );
    }
}
