//! The scale of time of a growth: months after its start, each as long as any other.

use jiff::{ToSpan, Unit, civil::Date};
use nest_data::growth::CalendarSpan;

/// Months from a day to the end of a ramp that begins on it, on the scale of months after `start`.
pub fn ramp_months(start: Date, begins: Date, ramp: CalendarSpan) -> f64 {
    let length = || Some(months_after(start, ramp.end(begins)?)? - months_after(start, begins)?);
    length().unwrap_or_else(|| ramp.months())
}

/// Months from one date to another: whole civil months, and days as a share of the month they lie in. `None`
/// before the first.
pub fn months_after(start: Date, date: Date) -> Option<f64> {
    let whole = start.until((Unit::Month, date)).ok()?.get_months();
    let begin = start.checked_add(whole.months()).ok()?;
    // Months end on the day of the start, or on their last: that of 28 February ends on 31 March if it all
    // began on a 31st.
    let end = start.checked_add((whole + 1).months()).ok()?;
    let length = begin.until((Unit::Day, end)).ok()?.get_days();
    let days = begin.until((Unit::Day, date)).ok()?.get_days();
    (date >= start).then(|| f64::from(whole) + f64::from(days) / f64::from(length))
}
