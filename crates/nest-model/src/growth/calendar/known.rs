//! Periods of a history that are known, and those that count.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{
    super::{HistoryCaveat, HistoryRefusal},
    ENOUGH_DAYS,
    days::{WORKING_DAYS, weekday, working_day},
    open_end::Spacing,
};

/// One period with its rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Period<'a> {
    pub position: i64,
    /// Mean of its rows, and how many there are.
    pub mean: f64,
    pub rows: f64,
    /// As its first row writes it.
    pub name: &'a str,
}

/// Rows by period, in the order of time.
pub(super) fn periods_of<'a>(recorded: &[(&'a str, f64)], positions: &[i64]) -> Vec<Period<'a>> {
    let mut known: BTreeMap<i64, Period<'a>> = BTreeMap::new();
    for (position, (name, value)) in positions.iter().zip(recorded) {
        let period = known.entry(*position).or_insert(Period {
            position: *position,
            mean: 0.0,
            rows: 0.0,
            name,
        });
        period.rows += 1.0;
        period.mean += (value - period.mean) / period.rows;
    }
    known.into_values().collect()
}

/// Leaves out the periods that had not begun on a day: what stands there was planned, or filled in
/// beforehand.
pub(super) fn leave_out_not_begun(
    known: &mut Vec<Period<'_>>,
    spacing: Spacing,
    today: Date,
) -> Result<Option<HistoryCaveat>, HistoryRefusal> {
    let begun = known.partition_point(|period| spacing.has_begun(period.position, today));
    let left_out = known.split_off(begun);
    let (Some(first), Some(last)) = (left_out.first(), left_out.last()) else {
        return Ok(None);
    };
    if begun < 2 {
        return Err(HistoryRefusal::NotBegun {
            known: begun,
            on: today,
        });
    }
    Ok(Some(HistoryCaveat::NotBegun {
        rows: left_out.iter().map(|period| period.rows).sum::<f64>() as usize,
        first: first.name.to_owned(),
        last: last.name.to_owned(),
        on: today,
    }))
}

/// Counts working days if there are many days and none of them is on a weekend.
pub(super) fn as_working_days(known: &mut [Period<'_>]) -> bool {
    let differ = known
        .windows(2)
        .any(|pair| weekday(pair[0].position) != weekday(pair[1].position));
    let is_working = |period: &Period<'_>| weekday(period.position) < WORKING_DAYS;
    let working = known.len() >= ENOUGH_DAYS && differ && known.iter().all(is_working);
    if working {
        known
            .iter_mut()
            .for_each(|period| period.position = working_day(period.position));
    }
    working
}
