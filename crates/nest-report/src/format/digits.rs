//! Digits: how many an interval supports, and thousands separators.

use nest_data::Estimate;

/// Most significant digits of a value, however narrow its interval.
const MOST_DIGITS: i32 = 6;
/// Significant digits of a number below 1,000 that has no interval.
const EXACT_DIGITS: i32 = 4;

/// What follows an interval that does not hold its value: a step lies between the best guess and most cases.
pub(super) const OUTSIDE: &str = " (best guess outside)";

/// Power of ten of the last digit that an interval supports: two significant digits of its width, but always
/// one digit of the value and never more than six.
pub(super) fn resolution(value: f64, low: f64, high: f64) -> i32 {
    let Some(first) = exponent(value)
        .or_else(|| exponent(high))
        .or_else(|| exponent(low))
    else {
        return 0;
    };
    match exponent(high - low) {
        Some(width) => (width - 1).clamp(first - MOST_DIGITS + 1, first),
        None => exact_resolution(value),
    }
}

/// Power of ten of the last digit of a number without an interval.
pub(super) fn exact_resolution(value: f64) -> i32 {
    exponent(value).map_or(0, |first| (first - EXACT_DIGITS + 1).min(0))
}

/// Power of ten of the first digit; `None` for 0 and for a value that is not finite.
fn exponent(value: f64) -> Option<i32> {
    (value.is_finite() && value != 0.0).then(|| value.abs().log10().floor() as i32)
}

/// `value` rounded to a multiple of `10^resolution`, with thousands separators and a true minus sign.
pub(super) fn rounded(value: f64, resolution: i32) -> String {
    if value.is_nan() {
        return "unknown".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 {
            "∞".to_owned()
        } else {
            "−∞".to_owned()
        };
    }
    let text = if resolution > 0 {
        let step = 10_f64.powi(resolution);
        format!("{:.0}", (value / step).round() * step)
    } else {
        let decimals = usize::try_from(-resolution).unwrap_or(0);
        format!("{value:.decimals$}")
    };
    grouped(&text)
}

/// A plain decimal text with thousands separators and a true minus sign; a rounded zero has no sign.
pub(crate) fn grouped(text: &str) -> String {
    let (negative, digits) = text
        .strip_prefix('-')
        .map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits
        .split_once('.')
        .map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut out = String::with_capacity(text.len() + text.len() / 3);
    if negative && digits.chars().any(|digit| digit.is_ascii_digit() && digit != '0') {
        out.push('−');
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A number without an interval: a whole number from 1,000 on, otherwise up to four significant digits
/// without trailing zeros.
#[must_use]
pub fn number(value: f64) -> String {
    let text = rounded(value, exact_resolution(value));
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A value with its 90 % interval, both cut to the digits that the interval supports: `46,600 [43,100 …
/// 50,900]`.
#[must_use]
pub fn estimate(estimate: &Estimate) -> String {
    if estimate.low == estimate.high {
        return number(estimate.value);
    }
    let resolution = resolution(estimate.value, estimate.low, estimate.high);
    let print = |value| rounded(value, resolution);
    let outside = if estimate.value < estimate.low || estimate.value > estimate.high {
        OUTSIDE
    } else {
        ""
    };
    format!(
        "{} [{} … {}]{outside}",
        print(estimate.value),
        print(estimate.low),
        print(estimate.high)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(value: f64, low: f64, high: f64) -> String {
        estimate(&Estimate {
            value,
            standard_error: 0.0,
            low,
            high,
        })
    }

    #[test]
    fn digits_are_cut_to_what_the_interval_supports() {
        assert_eq!(printed(46_613.2, 43_122.0, 50_921.0), "46,600 [43,100 … 50,900]");
        assert_eq!(printed(0.0123456, 0.0119, 0.0128), "0.01235 [0.01190 … 0.01280]");
        assert_eq!(printed(5.0, 0.0, 1_200.0), "5 [0 … 1,200]");
        assert_eq!(
            printed(1.0, 0.999_999_999, 1.000_000_001),
            "1.00000 [1.00000 … 1.00000]"
        );
        assert_eq!(printed(-3.12, -3.9, -2.2), "−3.1 [−3.9 … −2.2]");
        assert_eq!(printed(0.0, -0.4, 0.3), "0.00 [−0.40 … 0.30]");
    }

    #[test]
    fn exact_numbers_keep_their_digits() {
        assert_eq!(number(42_000.0), "42,000");
        assert_eq!(number(18_437.0), "18,437");
        assert_eq!(number(1_234_567.0), "1,234,567");
        assert_eq!(number(0.3), "0.3");
        assert_eq!(number(10.0), "10");
        assert_eq!(number(0.0), "0");
        assert_eq!(estimate(&Estimate::exact(42_000.0)), "42,000");
    }

    #[test]
    fn what_is_not_finite_is_said() {
        assert_eq!(number(f64::NAN), "unknown");
        assert_eq!(printed(46_000.0, 43_000.0, f64::INFINITY), "46,000 [43,000 … ∞]");
    }

    #[test]
    fn a_rounded_zero_has_no_sign() {
        assert_eq!(grouped("-0.00"), "0.00");
        assert_eq!(grouped("-1234.50"), "−1,234.50");
    }
}
