//! Days and months.

use jiff::civil::Date;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The month of a date: `Dec 2027`.
#[must_use]
pub fn month(date: Date) -> String {
    format!("{} {}", name(date), date.year())
}

/// A date: `9 Dec 2027`.
#[must_use]
pub fn day(date: Date) -> String {
    format!("{} {} {}", date.day(), name(date), date.year())
}

fn name(date: Date) -> &'static str {
    usize::try_from(date.month() - 1)
        .ok()
        .and_then(|index| MONTHS.get(index).copied())
        .unwrap_or("?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_name_their_month() {
        let date = Date::constant(2027, 12, 9);
        assert_eq!(month(date), "Dec 2027");
        assert_eq!(day(date), "9 Dec 2027");
        assert_eq!(month(Date::constant(2028, 1, 31)), "Jan 2028");
    }
}
