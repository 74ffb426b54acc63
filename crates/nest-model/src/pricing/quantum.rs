//! Billed quantities: running time and requests rounded up to steps, minimum terms, shares of a month.

use nest_data::price_book::{Meter, Quantum};
use rust_decimal::Decimal;

use super::number::PriceNumber;

const SECONDS_PER_HOUR: u32 = 3_600;
const HOURS_PER_DAY: u32 = 24;

/// A quantity rounded up to whole steps, and at least a minimum.
///
/// # Formula
/// `max(minimum, ceil(quantity / step) * step)`, all in one unit; `step` above 0. Of one run, invocation or
/// resource: sums are not rounded.
///
/// Source: `docs/method/pricing.md`, "Billed steps and minimums".
#[must_use]
pub fn round_up<T: PriceNumber>(quantity: T, step: T, minimum: T) -> T {
    ((quantity / step).whole_above() * step).most(minimum)
}

/// Seconds billed for one run, invocation or resource that ran `seconds`; `None` if the quantum's texts are
/// no lengths of time.
///
/// # Formula
/// [`round_up`] with step and minimum of the quantum: EC2 bills 45 s as 60 s, a NAT gateway 61 min as 2 h, a
/// function 120.2 ms as 121 ms.
///
/// Source: `docs/method/pricing.md`, "Functions on Lambda", "Billed steps and minimums" and "Azure
/// Functions".
#[must_use]
pub fn billed_seconds(quantum: &Quantum, seconds: Decimal) -> Option<Decimal> {
    Some(round_up(seconds, quantum.step_s()?, quantum.minimum_s()?))
}

/// Units of a meter billed for one run or resource that used `quantity` of them: [`billed_seconds`] of a
/// meter of time, the quantity itself of any other.
#[must_use]
pub fn billed_units(meter: &Meter, quantity: Decimal) -> Decimal {
    let billed = meter.quantum.as_ref().zip(meter.seconds_per_unit());
    let billed = billed.and_then(|(quantum, unit)| Some(billed_seconds(quantum, quantity * unit)? / unit));
    billed.unwrap_or(quantity)
}

/// Requests billed for one request of `bytes`.
///
/// # Formula
/// `max(1, ceil(bytes / chunk))`: 513 KiB count as two if a chunk has 512 KiB. `chunk` in bytes, above 0.
///
/// Source: `docs/method/pricing.md`, "Billed steps and minimums".
#[must_use]
pub fn chunks<T: PriceNumber>(bytes: T, chunk: T) -> T {
    (bytes / chunk).whole_above().most(T::from(1))
}

/// [`chunks`] of a meter; 1 if it has none.
#[must_use]
pub fn chunks_of(meter: &Meter, bytes: Decimal) -> Decimal {
    meter
        .chunk_bytes()
        .map_or(Decimal::ONE, |chunk| chunks(bytes, chunk))
}

/// Share of an hourly price that is charged for a number of seconds.
///
/// # Formula
/// `price * seconds / 3600`; `price` per hour. Never rounded per run: 60 s at 0.1008 are 0.00168.
///
/// Source: `docs/method/pricing.md`, "Billed steps and minimums" and "Rounding".
#[must_use]
pub fn hourly<T: PriceNumber>(price_per_hour: T, seconds: T) -> T {
    price_per_hour * seconds / T::from(SECONDS_PER_HOUR)
}

/// What a monthly price charges for a part of the month.
///
/// # Formula
/// `monthly * seconds / month`; both in seconds, the month as the bill counts it (30 days in AWS's own
/// examples, 730 h in a book).
///
/// Source: `tests/bills/test-vectors.json`, aws-ebs-gp3-12h.
#[must_use]
pub fn prorated<T: PriceNumber>(monthly: T, seconds: T, month_s: T) -> T {
    monthly * seconds / month_s
}

/// What is used beyond a quantity that is included in each resource: IOPS of a volume, ephemeral storage of a
/// task.
///
/// # Formula
/// `max(0, quantity - included)`.
///
/// Source: `docs/method/pricing.md`, "Ephemeral storage".
#[must_use]
pub fn beyond<T: PriceNumber>(quantity: T, included: T) -> T {
    (quantity - included).most(T::default())
}

/// Hours that are billed after an early deletion, up to the end of the minimum term.
///
/// # Formula
/// `max(0, floor(24 * minimum_days - kept_s / 3600))`: 70 d 11 h 5 min of 90 days leave 468 h.
///
/// Source: `docs/method/pricing.md`, "Minimum terms".
#[must_use]
pub fn remaining_term_hours(kept_s: Decimal, minimum_days: Decimal) -> Decimal {
    (minimum_days * Decimal::from(HOURS_PER_DAY) - kept_s / Decimal::from(SECONDS_PER_HOUR))
        .floor()
        .max(Decimal::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nest_data::price_book::Round;

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    #[test]
    fn runs_are_rounded_one_by_one() {
        let quantum = |step: &str, minimum: Option<&str>| Quantum {
            per: "run".into(),
            step: step.into(),
            round: Round::Up,
            minimum: minimum.map(Into::into),
        };
        for (step, minimum, seconds, billed) in [
            ("1s", Some("60s"), "45", "60"),
            ("1s", Some("60s"), "3725", "3725"),
            ("1s", None, "0.2", "1"),
            ("1h", None, "3660", "7200"),
            ("1min", Some("1h"), "5400", "5400"),
            ("1min", Some("1h"), "2700", "3600"),
            ("1ms", None, "0.1202", "0.121"),
            ("1ms", Some("100ms"), "0.02", "0.1"),
            ("5min", None, "28800", "28800"),
        ] {
            let quantum = quantum(step, minimum);
            assert_eq!(
                billed_seconds(&quantum, decimal(seconds)),
                Some(decimal(billed)),
                "{seconds} in {step}"
            );
            let [seconds, step, minimum, billed] = [
                decimal(seconds),
                quantum.step_s().unwrap(),
                quantum.minimum_s().unwrap(),
                decimal(billed),
            ]
            .map(super::super::compiled::float);
            assert!(
                (round_up(seconds, step, minimum) - billed).abs() < 1e-9,
                "{seconds} in {step}"
            );
        }
        assert_eq!(billed_seconds(&quantum("a while", None), Decimal::ONE), None);
        assert_eq!(
            billed_seconds(&quantum("1s", Some("a while")), Decimal::ONE),
            None
        );
    }

    /// `tests/bills/test-vectors.json`, aws-apigw-http-1e9: 513 KB double the bill.
    #[test]
    fn requests_are_billed_in_chunks() {
        let kib = |count: u32| Decimal::from(count * 1_024);
        assert_eq!(
            [0, 12, 512, 513, 1_025].map(|size| chunks(kib(size), kib(512))),
            [1, 1, 1, 2, 3].map(Decimal::from)
        );
    }

    #[test]
    fn nothing_is_left_of_a_term_that_is_over() {
        assert_eq!(
            remaining_term_hours(decimal("6087900"), decimal("90")),
            decimal("468")
        );
        assert_eq!(
            remaining_term_hours(decimal("8000000"), decimal("90")),
            Decimal::ZERO
        );
    }
}
