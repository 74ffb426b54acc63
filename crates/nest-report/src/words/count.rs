//! Numbers of customers, and other counts, with the digits that their interval supports.

use nest_data::Estimate;

use crate::format;

/// Significant digits of a number of customers that was measured.
const DIGITS: i32 = 4;
/// Relative width of an interval from which on a middle value is only about right.
const WIDE: f64 = 0.1;

/// Customers without an interval, with four significant digits: `100,600`.
pub(crate) fn customers(number: f64) -> String {
    if !number.is_finite() || number.abs() < 1.0 {
        return format::number(number.max(0.0));
    }
    let step = 10_f64.powi((number.abs().log10().floor() as i32 - DIGITS + 1).max(0));
    format::number((number / step).round() * step)
}

/// The value of an estimate without its interval: `about 311,000`, or `80,000` where it is known well.
pub(crate) fn count(estimate: &Estimate) -> String {
    let text = format::estimate(estimate);
    let value = text.split(" [").next().unwrap_or(&text);
    if (estimate.high - estimate.low).abs() > WIDE * estimate.value.abs() {
        format!("about {value}")
    } else {
        value.to_owned()
    }
}

/// The interval of an estimate: `264,000–359,000`, with `or more` behind it if its upper end is cut off;
/// empty
/// if it has none.
pub(crate) fn count_interval(estimate: &Estimate, open_above: bool) -> String {
    let text = format::estimate(estimate);
    let Some((_, interval)) = text.split_once(" [") else {
        return String::new();
    };
    let (low, high) = interval
        .split(']')
        .next()
        .and_then(|ends| ends.split_once(" … "))
        .unwrap_or((interval, ""));
    let open = if open_above { " or more" } else { "" };
    if low == high && !open_above {
        return String::new();
    }
    let is_inside = (estimate.low..=estimate.high).contains(&estimate.value);
    let what = if is_inside { "" } else { "best guess; most cases " };
    match (low.starts_with('−'), high.starts_with('−')) {
        (false, false) => format!("{what}{low}–{high}{open}"),
        _ => format!("{what}{low} to {high}{open}"),
    }
}

/// A share (0-1) as a rough percentage: `71 %`, `4.4 %`.
pub(crate) fn share(share: f64) -> String {
    format::rough_percent(share)
}

/// `2nd`, `3rd`, `11th`.
pub(crate) fn ordinal(number: f64) -> String {
    let whole = number.round().max(0.0) as u64;
    let ending = match (whole % 10, whole % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{whole}{ending}")
}

/// `a 3rd`, `an 8th`, `an 11th`.
pub(crate) fn an_ordinal(number: f64) -> String {
    let text = ordinal(number);
    let article = match text.as_str() {
        "11th" | "18th" => "an",
        eight if eight.starts_with('8') => "an",
        _ => "a",
    };
    format!("{article} {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(value: f64, low: f64, high: f64) -> Estimate {
        Estimate {
            value,
            standard_error: 0.0,
            low,
            high,
        }
    }

    #[test]
    fn counts_have_the_digits_of_their_interval() {
        let wide = estimate(311_297.0, 264_281.0, 359_417.0);
        assert_eq!(count(&wide), "about 311,000");
        assert_eq!(count_interval(&wide, false), "264,000–359,000");
        assert_eq!(count_interval(&wide, true), "264,000–359,000 or more");
        let exact = Estimate::exact(80_000.0);
        assert_eq!(
            (count(&exact), count_interval(&exact, false)),
            ("80,000".to_owned(), String::new())
        );
        assert_eq!(count_interval(&estimate(-2.0, -3.9, 1.5), false), "−3.9 to 1.5");
        assert_eq!(
            count_interval(&estimate(30.0, 10.0, 20.0), false),
            "best guess; most cases 10–20"
        );
    }

    #[test]
    fn measured_customers_have_four_digits() {
        assert_eq!(customers(100_630.27), "100,600");
        assert_eq!(customers(80_000.0), "80,000");
        assert_eq!(customers(312.4), "312");
        assert_eq!(customers(0.0), "0");
    }

    #[test]
    fn ordinals_have_their_endings_and_articles() {
        assert_eq!(
            [1.0, 2.0, 3.0, 4.0, 11.0, 22.0].map(ordinal),
            ["1st", "2nd", "3rd", "4th", "11th", "22nd"]
        );
        assert_eq!(
            [3.0, 8.0, 11.0, 80.0].map(an_ordinal),
            ["a 3rd", "an 8th", "an 11th", "an 80th"]
        );
    }
}
