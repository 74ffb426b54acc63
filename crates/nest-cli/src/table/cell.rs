//! A cell of a table: a value with its unit, and how readers see it.

use std::fmt::Display;

use nest_report::format::{quantity, spreadsheet_text};
use serde_json::Value;

/// Numbers from here on, and below the other, are written with an exponent for programs.
const LARGE: f64 = 1e21;
const SMALL: f64 = 1e-15;

/// Units of numbers. The name of a column ends in the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A count or a ratio, or a number in a unit that the user chose.
    One,
    /// Seconds: `_s`.
    Seconds,
    /// Busy seconds per second: `_s`.
    SecondsPerSecond,
    /// Bytes: `_bytes`.
    Bytes,
    /// One per second: `_per_s`.
    PerSecond,
    /// A share, 0-1, or a relative change: `_share`.
    Share,
    /// A unit of the documents that differs by row; another column names it.
    Named(&'static str),
}

/// How readers see a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// With so many digits behind the point.
    Decimals(usize),
    /// With so many significant digits.
    Significant(usize),
    /// With four digits in a unit of fitting size: `12 ms`.
    Fitting,
    /// Seconds as milliseconds with two digits behind the point: `12.00 ms`.
    Milliseconds,
    /// A relative change in percent, with its sign: `+1.2 %`.
    Change,
    /// With all its digits.
    Full,
}

/// A cell of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// No value; readers see the text.
    Missing(&'static str),
    /// A text, also a date or a name. An empty one is missing.
    Text(String),
    /// Several texts; readers see the separator between them.
    Texts(Vec<String>, &'static str),
    /// A count.
    Count(u64),
    /// So many of so many: `3 of 9`. The second is `?` if it is not known.
    CountOf(u64, Option<u64>),
    /// A number. One that is not finite is missing.
    Number(f64, Unit, Shown),
    /// The ends of an interval.
    Interval([f64; 2], Unit, Shown),
    /// A decimal number with exactly the digits that it has: an amount of money, or a quantity of a price
    /// book. JSON gives it as a text, so that no digit is lost.
    Decimal(String),
    /// Several rows of cells; programs get a row for each, readers all of them in one cell.
    Nested(Vec<Vec<Cell>>),
}

/// A value as programs see it.
#[derive(Debug, Clone, PartialEq)]
pub enum ProgramValue {
    Missing,
    Text(String),
    Texts(Vec<String>),
    Count(u64),
    Number(f64),
}

impl Unit {
    /// How names of columns with this unit end.
    fn ending(self) -> &'static str {
        match self {
            Self::One | Self::Named(_) => "",
            Self::Seconds | Self::SecondsPerSecond => "_s",
            Self::Bytes => "_bytes",
            Self::PerSecond => "_per_s",
            Self::Share => "_share",
        }
    }

    /// The unit as reports know it.
    fn sign(self) -> &'static str {
        match self {
            Self::One => "",
            Self::Seconds => "s",
            Self::SecondsPerSecond => "s/s",
            Self::Bytes => "bytes",
            Self::PerSecond => "/s",
            Self::Share => "share",
            Self::Named(unit) => unit,
        }
    }
}

impl Shown {
    fn of(self, value: f64, unit: Unit) -> String {
        match self {
            Self::Decimals(digits) => format!("{value:.digits$}"),
            Self::Significant(digits) => short(rounded(value, digits)),
            Self::Fitting => quantity(value, unit.sign()),
            Self::Milliseconds => format!("{:.2} ms", value * 1e3),
            Self::Change => format!("{:+.1} %", value * 100.0),
            Self::Full => value.to_string(),
        }
    }

    fn of_interval(self, [low, high]: [f64; 2], unit: Unit) -> String {
        let high = self.of(high, unit);
        match self {
            Self::Milliseconds => format!("{:.2} … {high}", low * 1e3),
            _ => format!("{} … {high}", self.of(low, unit)),
        }
    }
}

impl Cell {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A number of something.
    pub fn count(count: usize) -> Self {
        Self::Count(count as u64)
    }

    /// An exact decimal number, which is printed as it prints itself.
    pub fn decimal(number: impl Display) -> Self {
        Self::Decimal(number.to_string())
    }

    /// The cell of a value, or a missing one that readers see as the text.
    pub fn or_missing<T>(value: Option<T>, shown: &'static str, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Missing(shown), cell)
    }

    /// What readers see.
    pub(super) fn for_readers(&self) -> String {
        match self {
            Self::Missing(shown) => (*shown).to_owned(),
            Self::Text(text) | Self::Decimal(text) => text.clone(),
            Self::Texts(texts, separator) => texts.join(separator),
            Self::Count(count) => count.to_string(),
            Self::CountOf(count, all) => {
                let all = all.map_or_else(|| "?".to_owned(), |all| all.to_string());
                format!("{count} of {all}")
            }
            Self::Number(value, unit, shown) => shown.of(*value, *unit),
            Self::Interval(ends, unit, shown) => shown.of_interval(*ends, *unit),
            Self::Nested(rows) => {
                let row = |cells: &Vec<Self>| {
                    let cells: Vec<String> = cells.iter().map(Self::for_readers).collect();
                    cells.join(" ")
                };
                rows.iter().map(row).collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// Number of rows that it needs for programs.
    pub(super) fn program_rows(&self) -> usize {
        match self {
            Self::Nested(rows) => rows.len().max(1),
            _ => 1,
        }
    }

    /// What programs see in so many columns of one of its rows.
    pub(super) fn for_programs(&self, columns: usize, row: usize) -> Vec<ProgramValue> {
        if columns == 0 {
            return Vec::new();
        }
        match self {
            Self::Missing(_) => vec![ProgramValue::Missing; columns],
            Self::Text(text) if text.is_empty() => vec![ProgramValue::Missing; columns],
            Self::Text(text) | Self::Decimal(text) => vec![ProgramValue::Text(text.clone())],
            Self::Texts(texts, _) => vec![ProgramValue::Texts(texts.clone())],
            Self::Count(count) => vec![ProgramValue::Count(*count)],
            Self::CountOf(count, all) => vec![
                ProgramValue::Count(*count),
                all.map_or(ProgramValue::Missing, ProgramValue::Count),
            ],
            Self::Number(value, ..) => vec![ProgramValue::number(*value)],
            Self::Interval(ends, ..) => ends.map(ProgramValue::number).to_vec(),
            Self::Nested(rows) => match rows.get(row) {
                Some(cells) => cells.iter().flat_map(|cell| cell.for_programs(1, 0)).collect(),
                None => vec![ProgramValue::Missing; columns],
            },
        }
    }

    /// Whether it has as many values as there are names, and the units that end them.
    pub(super) fn fits(&self, names: &[&str]) -> bool {
        match (self, names) {
            (Self::Missing(_), _) | (_, []) => true,
            (Self::Text(_) | Self::Texts(..) | Self::Decimal(_) | Self::Count(_), [name]) => {
                unit_ending(name).is_empty()
            }
            (Self::CountOf(..), [one, other]) => unit_ending(one).is_empty() && unit_ending(other).is_empty(),
            (Self::Number(_, unit, _), [name]) => unit_ending(name) == unit.ending(),
            (Self::Interval(..), ["low", "high"]) => true,
            (Self::Nested(rows), _) => rows.iter().all(|cells| {
                cells.len() == names.len()
                    && cells
                        .iter()
                        .zip(names)
                        .all(|(cell, name)| cell.fits(std::slice::from_ref(name)))
            }),
            _ => false,
        }
    }
}

/// The unit at the end of a column's name; nothing if it names none.
fn unit_ending(name: &str) -> &'static str {
    ["_per_s", "_s", "_bytes", "_share"]
        .into_iter()
        .find(|ending| name.ends_with(ending))
        .unwrap_or_default()
}

impl ProgramValue {
    fn number(value: f64) -> Self {
        if value.is_finite() {
            // There is no -0.
            Self::Number(value + 0.0)
        } else {
            Self::Missing
        }
    }

    /// The value as a cell of a CSV file. Several texts are separated by `;`, which none of them has.
    pub(super) fn csv(&self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Text(text) => spreadsheet_text(text).into_owned(),
            Self::Texts(texts) => {
                let texts: Vec<String> = texts.iter().map(|text| text.replace(';', ",")).collect();
                spreadsheet_text(&texts.join(";")).into_owned()
            }
            Self::Count(count) => count.to_string(),
            Self::Number(value) => plain(*value),
        }
    }
}

impl From<ProgramValue> for Value {
    fn from(value: ProgramValue) -> Self {
        match value {
            ProgramValue::Missing => Self::Null,
            ProgramValue::Text(text) => text.into(),
            ProgramValue::Texts(texts) => texts.into(),
            ProgramValue::Count(count) => count.into(),
            ProgramValue::Number(value) => value.into(),
        }
    }
}

/// A number with all its digits, and without an exponent unless it is very large or very small.
fn plain(value: f64) -> String {
    if value == 0.0 || (SMALL..LARGE).contains(&value.abs()) {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

/// A number as readers see it, with an exponent if it is large or small.
fn short(value: f64) -> String {
    let text = format!("{value:?}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// A number rounded to so many significant digits.
fn rounded(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits.saturating_sub(1))
        .parse()
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(cell: &Cell) -> (String, Vec<String>) {
        let columns = match cell {
            Cell::CountOf(..) | Cell::Interval(..) => 2,
            _ => 1,
        };
        let values = cell.for_programs(columns, 0);
        (cell.for_readers(), values.iter().map(ProgramValue::csv).collect())
    }

    /// Checks what readers and programs see.
    #[track_caller]
    fn check(cell: &Cell, readers: &str, programs: &[&str]) {
        let (shown, plain) = forms(cell);
        assert_eq!(
            (shown.as_str(), plain),
            (readers, programs.iter().map(ToString::to_string).collect())
        );
    }

    #[test]
    fn readers_see_fitting_units_and_programs_base_units() {
        use Shown::{Change, Decimals, Fitting, Milliseconds};
        check(&Cell::Number(0.012, Unit::Seconds, Fitting), "12 ms", &["0.012"]);
        check(
            &Cell::Number(0.16, Unit::SecondsPerSecond, Fitting),
            "160 ms/s",
            &["0.16"],
        );
        check(
            &Cell::Number(1.5e9, Unit::Bytes, Fitting),
            "1.5 GB",
            &["1500000000"],
        );
        check(
            &Cell::Number(4.2e6, Unit::Named("bytes/s"), Fitting),
            "4.2 MB/s",
            &["4200000"],
        );
        check(&Cell::Number(0.0123, Unit::Share, Change), "+1.2 %", &["0.0123"]);
        check(&Cell::Number(12.0, Unit::One, Decimals(1)), "12.0", &["12"]);
        check(
            &Cell::Interval([0.0012, 0.0014], Unit::Seconds, Fitting),
            "1.2 ms … 1.4 ms",
            &["0.0012", "0.0014"],
        );
        check(
            &Cell::Interval([0.0012, 0.0014], Unit::Seconds, Milliseconds),
            "1.20 … 1.40 ms",
            &["0.0012", "0.0014"],
        );
        check(&Cell::CountOf(3, Some(9)), "3 of 9", &["3", "9"]);
        check(&Cell::CountOf(3, None), "3 of ?", &["3", ""]);
        check(&Cell::decimal("0.0450"), "0.0450", &["0.0450"]);
    }

    #[test]
    fn what_is_missing_or_not_finite_is_empty_for_programs() {
        check(&Cell::Missing("unknown"), "unknown", &[""]);
        check(
            &Cell::Number(f64::INFINITY, Unit::One, Shown::Decimals(1)),
            "inf",
            &[""],
        );
        check(
            &Cell::Number(f64::NAN, Unit::Seconds, Shown::Decimals(1)),
            "NaN",
            &[""],
        );
        assert_eq!(Value::from(ProgramValue::number(f64::NAN)), Value::Null);
        assert_eq!(Cell::text("").for_programs(1, 0), [ProgramValue::Missing]);
    }

    #[test]
    fn several_texts_are_told_apart_by_a_semicolon_that_none_of_them_has() {
        let texts = Cell::Texts(vec!["late; very late".into(), "full".into()], " < ");
        check(&texts, "late; very late < full", &["late, very late;full"]);
    }

    #[test]
    fn programs_get_all_digits_and_readers_those_that_are_asked_for() {
        assert_eq!(
            [0.1 + 0.2, 1e-9, -0.0, 1e20, 1e300, 1e-300].map(|value| ProgramValue::number(value).csv()),
            [
                "0.30000000000000004",
                "0.000000001",
                "0",
                "100000000000000000000",
                "1e300",
                "1e-300"
            ]
        );
        assert_eq!(
            [123_456.789, 12.0, 0.5, 0.0, 1e300, -1e-9].map(|value| short(rounded(value, 4))),
            ["123500", "12", "0.5", "0", "1e300", "-1e-9"]
        );
        assert_eq!(rounded(1.234_56e-30, 3), 1.23e-30);
    }

    #[test]
    fn a_cell_fits_only_columns_whose_names_end_in_its_unit() {
        let seconds = Cell::Number(1.0, Unit::Seconds, Shown::Full);
        assert!(seconds.fits(&["lateness_p99_s"]) && seconds.fits(&[]));
        assert!(!seconds.fits(&["lateness"]) && !seconds.fits(&["offered_per_s"]));
        let rate = Cell::Number(1.0, Unit::PerSecond, Shown::Full);
        assert!(rate.fits(&["offered_per_s"]) && !rate.fits(&["demand_s"]));
        assert!(Cell::Number(1.0, Unit::Named("s"), Shown::Full).fits(&["demand"]));
        assert!(!Cell::text("12 ms").fits(&["demand_s"]) && !Cell::Count(1).fits(&["cpu_share"]));
        let ends = Cell::Interval([1.0, 2.0], Unit::Seconds, Shown::Full);
        assert!(ends.fits(&["low", "high"]) && !ends.fits(&["interval"]));
        let nested = Cell::Nested(vec![vec![Cell::text("pay"), rate]]);
        assert!(nested.fits(&["behaviour", "behaviour_per_s"]) && !nested.fits(&["behaviour"]));
    }
}
