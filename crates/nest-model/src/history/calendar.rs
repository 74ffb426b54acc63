//! What periods mean: integers, years, months, quarters, weeks, days and hours become one row of equally spaced values.

use jiff::{
    ToSpan,
    civil::{Date, DateTime, ISOWeekDate, Weekday},
};

use super::{Doubt, History, Refusal, numbers::median};

/// Longest gap that is filled, as a multiple of the values there are.
const MOST_FILLED: usize = 1;

/// One row of a history: when, and how much; none where nothing was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// An integer, a year, `2026-11`, `2026-Q4`, `2026-W48`, `2026-11-24` or `2026-11-24T10:00`.
    pub period: String,
    /// The value; missing or not finite counts as not recorded.
    pub value: Option<f64>,
}

/// How periods of a history are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PeriodKind {
    /// A whole number.
    Integer,
    /// Calendar months: `2026-11`, `202611`, or dates a month or a multiple of it apart.
    Month,
    /// Days: `2026-11-24`, `20261124`, `2026-W48`.
    Day,
    /// Seconds: a date with a time.
    Time,
}

/// Puts rows in order, averages those of the same period, fills gaps and finds what seasons their spacing suggests.
///
/// # Errors
/// Where no period or value can be read, kinds are mixed, or the spacing cannot be made equal.
pub fn arrange(rows: &[Row], season: Option<usize>) -> Result<(History, Vec<Doubt>), Refusal> {
    let mut doubts = Vec::new();
    let kinds: Vec<PeriodKind> = rows.iter().map(|row| kind(&row.period)).collect::<Result<_, _>>()?;
    todo!()
}
