//! From when on a price is old: the age that its book allows, and no other.

use nest_data::projection::PriceRow;

use crate::format;

/// The age in days that every price may have; `None` if their books differ, or none tells.
pub(crate) fn allowed_days(rows: &[&PriceRow]) -> Option<i64> {
    let mut allowed = rows
        .iter()
        .filter(|row| row.amount.is_some())
        .map(|row| row.stale_after_days);
    let first = allowed.next()??;
    allowed.all(|days| days == Some(first)).then_some(first)
}

/// The same in words: `6 months`.
pub(crate) fn allowed_age(rows: &[&PriceRow]) -> Option<String> {
    allowed_days(rows).map(format::age)
}
