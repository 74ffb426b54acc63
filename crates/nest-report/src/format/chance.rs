//! Chances, and ages.

use super::digits::number;

/// Days from which on an age is told in months.
const IN_MONTHS: i64 = 60;
/// Days of a month of a year of 365.25 days.
const DAYS_PER_MONTH: f64 = 365.25 / 12.0;

/// A share (0-1) of random cases as a chance: `40 chances in 100`, `1 chance in 100`, `less than 1 chance in
/// 100`, `all but certain`, `no chance`, `certain`.
#[must_use]
pub fn chance(share: f64) -> String {
    match in_100(share) {
        Bounded::None => "no chance".to_owned(),
        Bounded::LessThanOne => "less than 1 chance in 100".to_owned(),
        Bounded::Whole(1) => "1 chance in 100".to_owned(),
        Bounded::Whole(count) => format!("{count} chances in 100"),
        Bounded::MoreThan99 => "all but certain".to_owned(),
        Bounded::All => "certain".to_owned(),
    }
}

/// The same for a cell of a table: `40 of 100`.
#[must_use]
pub fn chance_cell(share: f64) -> String {
    match in_100(share) {
        Bounded::None => "0 of 100".to_owned(),
        Bounded::LessThanOne => "less than 1 of 100".to_owned(),
        Bounded::Whole(count) => format!("{count} of 100"),
        Bounded::MoreThan99 => "more than 99 of 100".to_owned(),
        Bounded::All => "100 of 100".to_owned(),
    }
}

/// The same of random cases: `40 of 100 cases`.
#[must_use]
pub fn cases(share: f64) -> String {
    match in_100(share) {
        Bounded::None => "no case".to_owned(),
        Bounded::All => "every case".to_owned(),
        _ => format!("{} cases", chance_cell(share)),
    }
}

/// A share as a percentage that nobody has to read twice: `86 %`, `4.4 %`.
#[must_use]
pub fn rough_percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent.abs() >= 9.95 || percent == 0.0 {
        format!("{} %", number(percent.round()))
    } else {
        format!("{} %", number((percent * 10.0).round() / 10.0))
    }
}

enum Bounded {
    None,
    LessThanOne,
    Whole(u32),
    MoreThan99,
    All,
}

fn in_100(share: f64) -> Bounded {
    match share {
        share if share <= 0.0 => Bounded::None,
        share if share < 0.005 => Bounded::LessThanOne,
        share if share >= 1.0 => Bounded::All,
        share if share >= 0.995 => Bounded::MoreThan99,
        share => Bounded::Whole((share * 100.0).round() as u32),
    }
}

/// An age in days: `17 days`, from 60 days on `4 months`.
#[must_use]
pub fn age(days: i64) -> String {
    match days {
        1 => "1 day".to_owned(),
        days if days < IN_MONTHS => format!("{days} days"),
        days => format!("{} months", number((days as f64 / DAYS_PER_MONTH).round())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_are_whole_in_100() {
        for (share, text) in [
            (0.0, "no chance"),
            (0.0005, "less than 1 chance in 100"),
            (0.0100, "1 chance in 100"),
            (0.1955, "20 chances in 100"),
            (0.9994, "all but certain"),
            (1.0, "certain"),
        ] {
            assert_eq!(chance(share), text);
        }
        assert_eq!(chance_cell(0.404), "40 of 100");
        assert_eq!(chance_cell(0.0), "0 of 100");
        assert_eq!(cases(0.404), "40 of 100 cases");
        assert_eq!(cases(1.0), "every case");
    }

    #[test]
    fn percentages_are_rough() {
        let texts = [0.864, 0.0439, 4.912, 0.0].map(rough_percent);
        assert_eq!(texts, ["86 %", "4.4 %", "491 %", "0 %"]);
    }

    #[test]
    fn ages_are_told_in_months_from_two_on() {
        assert_eq!(age(1), "1 day");
        assert_eq!(age(59), "59 days");
        assert_eq!(age(875), "29 months");
    }
}
