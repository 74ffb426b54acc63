//! Quantities with units: seconds, bytes, shares, rates.

use nest_data::Estimate;

use super::digits;

/// A unit as shown: how many base units it has, and its sign.
type UnitScale = (f64, &'static str);

const SECONDS: [UnitScale; 3] = [(1.0, "s"), (1e-3, "ms"), (1e-6, "µs")];
const BYTES: [UnitScale; 5] = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")];
const SHARE: [UnitScale; 1] = [(0.01, "%")];

/// A duration in seconds: `1.82 ms`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    quantity(seconds, "s")
}

/// Bytes in decimal units: `1.5 GB`.
#[must_use]
pub fn bytes(bytes: f64) -> String {
    quantity(bytes, "bytes")
}

/// A share, 0-1: `12.3 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    quantity(share, "share")
}

/// A number in a unit of the documents (`s`, `bytes`, `share`, with or without `/s`); other units are printed
/// behind it.
#[must_use]
pub fn quantity(value: f64, unit: &str) -> String {
    let (factor, sign) = scale(value, unit);
    let text = digits::number(value / factor);
    if sign.is_empty() {
        text
    } else {
        format!("{text} {sign}")
    }
}

/// An estimate in a unit of the documents, in one scale: `1.82 [1.75 … 1.90] ms`.
#[must_use]
pub fn quantity_estimate(estimate: &Estimate, unit: &str) -> String {
    let largest = if estimate.value == 0.0 {
        estimate.high
    } else {
        estimate.value
    };
    let (factor, sign) = scale(largest, unit);
    let scaled = Estimate {
        value: estimate.value / factor,
        standard_error: estimate.standard_error / factor,
        low: estimate.low / factor,
        high: estimate.high / factor,
    };
    let text = digits::estimate(&scaled);
    if sign.is_empty() {
        text
    } else {
        format!("{text} {sign}")
    }
}

/// A relative change with its sign and interval: `−12.4 [−13.0 … −11.8] %`.
#[must_use]
pub fn share_change(change: &Estimate) -> String {
    let text = quantity_estimate(change, "share");
    let plus = if change.value > 0.0 { "+" } else { "" };
    format!("{plus}{text}")
}

/// The scale in which a value of `unit` has a readable size.
fn scale(value: f64, unit: &str) -> (f64, String) {
    let (base, rest) = unit
        .split_once('/')
        .map_or((unit, String::new()), |(base, rest)| (base, format!("/{rest}")));
    let scales: &[UnitScale] = match base {
        "s" => &SECONDS,
        "bytes" | "B" => &BYTES,
        "share" => &SHARE,
        _ => return (1.0, unit.to_owned()),
    };
    let fits = |scale: &&UnitScale| {
        if value == 0.0 {
            scale.0 == 1.0
        } else {
            value.abs() >= scale.0
        }
    };
    let (factor, sign) = scales
        .iter()
        .find(fits)
        .or(scales.last())
        .copied()
        .unwrap_or((1.0, ""));
    (factor, format!("{sign}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_suit_the_size() {
        assert_eq!(duration(0.00182), "1.82 ms");
        assert_eq!(duration(0.000_042), "42 µs");
        assert_eq!(duration(1.5), "1.5 s");
        assert_eq!(duration(0.0), "0 s");
        assert_eq!(bytes(1.5e9), "1.5 GB");
        assert_eq!(bytes(812.0), "812 B");
        assert_eq!(bytes(0.0), "0 B");
        assert_eq!(percent(0.123), "12.3 %");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(quantity(4.2e6, "bytes/s"), "4.2 MB/s");
        assert_eq!(quantity(12_000.0, "requests"), "12,000 requests");
        assert_eq!(quantity(0.31, ""), "0.31");
    }

    #[test]
    fn an_interval_shares_the_scale_of_its_value() {
        let estimate = Estimate {
            value: 0.00182,
            standard_error: 4e-5,
            low: 0.00175,
            high: 0.0019,
        };
        assert_eq!(quantity_estimate(&estimate, "s"), "1.82 [1.75 … 1.90] ms");
        let change = Estimate {
            value: 0.052,
            standard_error: 0.01,
            low: 0.031,
            high: 0.07,
        };
        assert_eq!(share_change(&change), "+5.2 [3.1 … 7.0] %");
    }
}
