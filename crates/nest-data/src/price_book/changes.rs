//! What differs between two books: rows that came, rows that went, prices that moved.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{MeterPrice, PriceBook};

/// A difference between two books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceChange {
    /// Table of the row: `meter`, `instance`, `commitment`, `plan`, `limit`.
    pub table: &'static str,
    /// Its name.
    pub row: String,
    /// Its first day, where it has one.
    pub from: Option<Date>,
    /// What of it; none where all of it came or went.
    pub part: Option<ChangedPart>,
    /// What happened.
    pub kind: ChangeKind,
}

/// An amount of a row. Its `Display` is for readers: `on_demand`, `tier to 10240`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangedPart {
    /// The price of one unit, or of one period of a plan.
    Amount,
    /// A free quantity.
    Free,
    /// The price of an hour of an instance that is charged by the month.
    Hourly,
    /// Units of a meter that are not charged for each of what causes them.
    Included,
    /// The quantity of a meter that a plan or an instance includes.
    Includes(String),
    /// The price of one unit in the last tier.
    LastTier,
    /// The price of an instance without a commitment.
    OnDemand,
    /// The percent of what something else costs.
    Percent,
    /// The hourly price of an instance type or a meter under a commitment.
    Rate(String),
    /// What a commitment costs in each hour.
    Recurring,
    /// The price of an instance that the provider may take away.
    Spot,
    /// The price of one unit in the tier that ends at a quantity.
    Tier(Decimal),
    /// What a commitment costs at once.
    Upfront,
    /// The value of a limit.
    Value,
}

impl fmt::Display for ChangedPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Amount => f.write_str("amount"),
            Self::Free => f.write_str("free"),
            Self::Hourly => f.write_str("hourly"),
            Self::Included => f.write_str("included"),
            Self::Includes(meter) => write!(f, "includes {meter}"),
            Self::LastTier => f.write_str("last tier"),
            Self::OnDemand => f.write_str("on_demand"),
            Self::Percent => f.write_str("percent"),
            Self::Rate(name) => write!(f, "rate of {name}"),
            Self::Recurring => f.write_str("recurring"),
            Self::Spot => f.write_str("spot"),
            Self::Tier(bound) => write!(f, "tier to {}", bound.normalize()),
            Self::Upfront => f.write_str("upfront"),
            Self::Value => f.write_str("value"),
        }
    }
}

impl ChangedPart {
    /// An amount of it in base units: a percentage as a share.
    #[must_use]
    pub fn in_base_units(&self, amount: Decimal) -> Decimal {
        match self {
            Self::Percent => amount / Decimal::ONE_HUNDRED,
            _ => amount,
        }
    }

    /// Whether it is an amount of money, in the currency of the book.
    #[must_use]
    pub fn is_money(&self) -> bool {
        !matches!(
            self,
            Self::Free | Self::Included | Self::Includes(_) | Self::Percent | Self::Value
        )
    }
}

/// Kinds of difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is only in the newer book.
    Added,
    /// It is only in the older book.
    Removed,
    /// An amount moved; none where it is not known.
    Amount {
        /// Before.
        old: Option<Decimal>,
        /// Now.
        new: Option<Decimal>,
    },
}

impl ChangeKind {
    /// By which share of itself an amount moved, 0.1 for 10 % more; none where there is nothing to compare.
    #[must_use]
    pub fn share(&self) -> Option<Decimal> {
        match self {
            Self::Amount {
                old: Some(old),
                new: Some(new),
            } => new.checked_sub(*old)?.checked_div(*old),
            _ => None,
        }
    }

    /// By how many percent an amount moved; none where there is nothing to compare.
    #[must_use]
    pub fn percent(&self) -> Option<Decimal> {
        self.share()?.checked_mul(Decimal::ONE_HUNDRED)
    }
}

/// Table, name and first day of a row.
type Key = (&'static str, String, Option<Date>);
/// Amounts of a row by what they are of.
type Amounts = BTreeMap<ChangedPart, Option<Decimal>>;

/// What differs from `old` to `new`, by table and name.
#[must_use]
pub fn changes(old: &PriceBook, new: &PriceBook) -> Vec<PriceChange> {
    let (before, after) = (rows(old), rows(new));
    let mut found = Vec::new();
    for (key, amounts) in &before {
        let Some(now) = after.get(key) else {
            found.push(change(key, None, ChangeKind::Removed));
            continue;
        };
        let parts: BTreeSet<&ChangedPart> = amounts.keys().chain(now.keys()).collect();
        for part in parts {
            let (old, new) = (
                amounts.get(part).copied().flatten(),
                now.get(part).copied().flatten(),
            );
            if old != new {
                found.push(change(key, Some(part.clone()), ChangeKind::Amount { old, new }));
            }
        }
    }
    let added = after.keys().filter(|key| !before.contains_key(*key));
    found.extend(added.map(|key| change(key, None, ChangeKind::Added)));
    found
}

fn change((table, row, from): &Key, part: Option<ChangedPart>, kind: ChangeKind) -> PriceChange {
    PriceChange {
        table,
        row: row.clone(),
        from: *from,
        part,
        kind,
    }
}

fn rows(book: &PriceBook) -> BTreeMap<Key, Amounts> {
    let mut rows = BTreeMap::new();
    for meter in &book.meter {
        let mut amounts = meter.price.as_ref().map(meter_amounts).unwrap_or_default();
        let percent = meter.percent_of.as_ref().map(|share| share.percent.0);
        let free = meter.free.as_ref().map(|free| free.quantity.0);
        amounts.extend(percent.map(|percent| (ChangedPart::Percent, Some(percent))));
        amounts.extend(free.map(|free| (ChangedPart::Free, Some(free))));
        let included = meter.included.as_ref().map(|included| included.quantity.0);
        amounts.extend(included.map(|included| (ChangedPart::Included, Some(included))));
        rows.insert(("meter", meter.id.clone(), meter.effective_from), amounts);
    }
    for instance in &book.instance {
        let price = &instance.price;
        let amounts = [
            (ChangedPart::OnDemand, price.on_demand),
            (ChangedPart::Spot, price.spot),
            (ChangedPart::Hourly, price.hourly),
        ];
        let mut amounts: Amounts = amounts
            .map(|(part, amount)| (part, amount.map(|amount| amount.0)))
            .into();
        let included = instance.included.iter();
        amounts.extend(
            included.map(|(meter, quantity)| (ChangedPart::Includes(meter.clone()), Some(quantity.0))),
        );
        rows.insert(
            ("instance", instance.sku.clone(), instance.effective_from),
            amounts,
        );
    }
    for commitment in &book.commitment {
        let mut amounts: Amounts = [
            (ChangedPart::Upfront, Some(commitment.upfront.0)),
            (ChangedPart::Recurring, Some(commitment.recurring.0)),
        ]
        .into();
        let rates = commitment.rates.iter();
        amounts.extend(rates.map(|(name, rate)| (ChangedPart::Rate(name.clone()), Some(rate.0))));
        rows.insert(("commitment", commitment.id.clone(), None), amounts);
    }
    for plan in &book.plan {
        let mut amounts: Amounts = [(ChangedPart::Amount, Some(plan.amount.0))].into();
        let included = plan.includes.iter();
        amounts.extend(included.map(|part| {
            let part_of_plan = ChangedPart::Includes(part.meter.clone());
            (part_of_plan, Some(part.quantity.0))
        }));
        rows.insert(("plan", plan.id.clone(), None), amounts);
    }
    for limit in &book.limit {
        let amounts = [(ChangedPart::Value, Some(limit.value.0))];
        rows.insert(("limit", limit.id.clone(), None), amounts.into());
    }
    rows
}

/// The amounts of a meter for one unit, so that a price per million and one per thousand compare.
fn meter_amounts(price: &MeterPrice) -> Amounts {
    let per = price.per.map_or(Decimal::ONE, |per| per.0);
    let one = |amount: Option<super::QuotedDecimal>| {
        amount
            .and_then(|amount| amount.0.checked_div(per))
            .map(|amount| amount.normalize())
    };
    if let Some(amount) = price.amount {
        return [(ChangedPart::Amount, one(Some(amount)))].into();
    }
    let named = |tier: &super::Tier| {
        tier.up_to
            .map_or(ChangedPart::LastTier, |bound| ChangedPart::Tier(bound.0))
    };
    price
        .tiers
        .iter()
        .map(|tier| (named(tier), one(tier.amount)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Source;

    fn book(rows: &str) -> PriceBook {
        let head = "schema = 1\nprovider = \"p\"\nregion = \"r\"\ncurrency = \"USD\"\nmonth_hours = \
            \"730\"\ntax = \"excluded\"\nstale_after_days = 180\n[source.s]\ntitle = \"list\"\nobserved_on = \
            \"2026\"\nconfidence = \"list\"\n";
        PriceBook::read(&Source::new("b", head.to_owned() + rows)).expect("valid")
    }

    fn meter(id: &str, price: &str) -> String {
        format!("[[meter]]\nid = \"{id}\"\nunit = \"u\"\nprice = {price}\nsource = \"s\"\n")
    }

    #[test]
    fn rows_that_came_went_or_moved_are_found_and_the_same_price_in_another_unit_is_not() {
        let old = book(
            &(meter("a", "{ amount = \"12.49\" }")
                + &meter("b", "{ amount = \"1\" }")
                + &meter("c", "{ amount = \"0.20\", per = \"1000000\" }")),
        );
        let new = book(
            &(meter("a", "{ amount = \"15.99\" }")
                + &meter("c", "{ amount = \"0.0002\", per = \"1000\" }")
                + &meter("d", "{ amount = \"1\" }")),
        );
        let found = changes(&old, &new);
        let told: Vec<(&str, Option<String>)> = found
            .iter()
            .map(|change| {
                (
                    change.row.as_str(),
                    change
                        .kind
                        .percent()
                        .map(|percent| percent.round_dp(1).to_string()),
                )
            })
            .collect();
        // Hetzner's CCX13 went from 12.49 to 15.99 euros a month in 2026, which is 28.0 % more.
        assert_eq!(told, [("a", Some("28.0".to_owned())), ("b", None), ("d", None)]);
        assert_eq!(
            (&found[1].kind, &found[2].kind),
            (&ChangeKind::Removed, &ChangeKind::Added)
        );
        assert!(changes(&old, &old).is_empty());
    }
}
