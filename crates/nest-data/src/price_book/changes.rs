//! What differs between two books: rows that came, rows that went, prices that moved.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{MeterPrice, PriceBook};

/// A difference between two books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceChange {
    /// Table of the row: `meter`, `instance`, `commitment`, `plan`, `limit`.
    pub table: &'static str,
    /// Its name, with its first day where it has one.
    pub row: String,
    /// What of it: `on_demand`, `tier to 10240`; empty where all of it came or went.
    pub part: String,
    /// What happened.
    pub kind: ChangeKind,
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
    /// By how many percent an amount moved; none where there is nothing to compare.
    #[must_use]
    pub fn percent(&self) -> Option<Decimal> {
        match self {
            Self::Amount {
                old: Some(old),
                new: Some(new),
            } => new
                .checked_sub(*old)?
                .checked_div(*old)
                .and_then(|share| share.checked_mul(Decimal::ONE_HUNDRED)),
            _ => None,
        }
    }
}

/// Table and name of a row.
type Key = (&'static str, String);
/// Amounts of a row by what they are of.
type Amounts = BTreeMap<String, Option<Decimal>>;

/// What differs from `old` to `new`, by table and name.
#[must_use]
pub fn changes(old: &PriceBook, new: &PriceBook) -> Vec<PriceChange> {
    let (before, after) = (rows(old), rows(new));
    let mut found = Vec::new();
    for (key, amounts) in &before {
        let change = |part: &str, kind| PriceChange {
            table: key.0,
            row: key.1.clone(),
            part: part.to_owned(),
            kind,
        };
        let Some(now) = after.get(key) else {
            found.push(change("", ChangeKind::Removed));
            continue;
        };
        let parts: std::collections::BTreeSet<&String> = amounts.keys().chain(now.keys()).collect();
        for part in parts {
            let (old, new) = (
                amounts.get(part).copied().flatten(),
                now.get(part).copied().flatten(),
            );
            if old != new {
                found.push(change(part, ChangeKind::Amount { old, new }));
            }
        }
    }
    let added = after.keys().filter(|key| !before.contains_key(*key));
    found.extend(added.map(|key| PriceChange {
        table: key.0,
        row: key.1.clone(),
        part: String::new(),
        kind: ChangeKind::Added,
    }));
    found
}

fn rows(book: &PriceBook) -> BTreeMap<Key, Amounts> {
    let dated = |name: &str, from: Option<jiff::civil::Date>| {
        from.map_or_else(|| name.to_owned(), |from| format!("{name} from {from}"))
    };
    let mut rows = BTreeMap::new();
    for meter in &book.meter {
        let mut amounts = meter.price.as_ref().map(meter_amounts).unwrap_or_default();
        amounts.extend(
            meter
                .percent_of
                .as_ref()
                .map(|share| ("percent".to_owned(), Some(share.percent.0))),
        );
        amounts.extend(
            meter
                .free
                .as_ref()
                .map(|free| ("free".to_owned(), Some(free.quantity.0))),
        );
        rows.insert(("meter", dated(&meter.id, meter.effective_from)), amounts);
    }
    for instance in &book.instance {
        let price = &instance.price;
        let amounts = [("on_demand", price.on_demand), ("spot", price.spot)];
        let amounts = amounts
            .into_iter()
            .map(|(part, amount)| (part.to_owned(), amount.map(|amount| amount.0)))
            .collect();
        rows.insert(
            ("instance", dated(&instance.sku, instance.effective_from)),
            amounts,
        );
    }
    for commitment in &book.commitment {
        let mut amounts: Amounts = [
            ("upfront".to_owned(), Some(commitment.upfront.0)),
            ("recurring".to_owned(), Some(commitment.recurring.0)),
        ]
        .into();
        amounts.extend(
            commitment
                .rates
                .iter()
                .map(|(name, rate)| (format!("rate of {name}"), Some(rate.0))),
        );
        rows.insert(("commitment", commitment.id.clone()), amounts);
    }
    for plan in &book.plan {
        let mut amounts: Amounts = [("amount".to_owned(), Some(plan.amount.0))].into();
        amounts.extend(
            plan.includes
                .iter()
                .map(|part| (format!("includes {}", part.meter), Some(part.quantity.0))),
        );
        rows.insert(("plan", plan.id.clone()), amounts);
    }
    for limit in &book.limit {
        rows.insert(
            ("limit", limit.id.clone()),
            [("value".to_owned(), Some(limit.value.0))].into(),
        );
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
        return [("amount".to_owned(), one(Some(amount)))].into();
    }
    let named = |tier: &super::Tier| {
        tier.up_to.map_or_else(
            || "last tier".to_owned(),
            |bound| format!("tier to {}", bound.0.normalize()),
        )
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
