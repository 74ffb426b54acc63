//! Lengths of time and sizes that a book writes as text: `1ms`, `5min`, `512KiB`.

use rust_decimal::Decimal;

use super::{Meter, Quantum};

/// Units of time with their length in seconds. A month has 730 hours, a year 8,760.
const LENGTHS: [(&str, Decimal); 6] = [
    ("ms", Decimal::from_parts(1, 0, 0, false, 3)),
    ("s", Decimal::ONE),
    ("min", Decimal::from_parts(60, 0, 0, false, 0)),
    ("h", Decimal::from_parts(3_600, 0, 0, false, 0)),
    ("day", Decimal::from_parts(86_400, 0, 0, false, 0)),
    ("month", Decimal::from_parts(2_628_000, 0, 0, false, 0)),
];

/// Units of size with their bytes: `KB` is 10^3, `KiB` is 2^10.
const SIZES: [(&str, Decimal); 7] = [
    ("B", Decimal::ONE),
    ("KB", Decimal::from_parts(1_000, 0, 0, false, 0)),
    ("KiB", Decimal::from_parts(1 << 10, 0, 0, false, 0)),
    ("MB", Decimal::from_parts(1_000_000, 0, 0, false, 0)),
    ("MiB", Decimal::from_parts(1 << 20, 0, 0, false, 0)),
    ("GB", Decimal::from_parts(1_000_000_000, 0, 0, false, 0)),
    ("GiB", Decimal::from_parts(1 << 30, 0, 0, false, 0)),
];

/// What a length of time looks like, for messages.
pub const EXPECTED_LENGTH: &str = "a number above 0 and one of ms, s, min, h, day, month, such as \"1s\"";

/// What a size looks like, for messages.
pub const EXPECTED_SIZE: &str =
    "a number above 0 and one of B, KB, KiB, MB, MiB, GB, GiB, such as \"512KiB\"";

/// Seconds of a length of time such as `100ms`, above 0; none where it is no such text.
#[must_use]
pub fn seconds(text: &str) -> Option<Decimal> {
    measure(text, &LENGTHS)
}

/// Bytes of a size such as `512KiB`, above 0; none where it is no such text.
#[must_use]
pub fn bytes(text: &str) -> Option<Decimal> {
    measure(text, &SIZES)
}

fn measure(text: &str, units: &[(&str, Decimal)]) -> Option<Decimal> {
    let (number, unit) = text.split_at(text.find(|letter: char| letter.is_ascii_alphabetic())?);
    let number = Decimal::from_str_exact(number.trim())
        .ok()
        .filter(|number| *number > Decimal::ZERO)?;
    units
        .iter()
        .find(|(name, _)| *name == unit.trim())
        .and_then(|(_, size)| number.checked_mul(*size))
}

impl Quantum {
    /// Seconds of the step that running time is rounded up to; none where the text is no length of time.
    #[must_use]
    pub fn step_s(&self) -> Option<Decimal> {
        seconds(&self.step)
    }

    /// Fewest seconds that are billed, 0 where there is no minimum; none where the text is no length of time.
    #[must_use]
    pub fn minimum_s(&self) -> Option<Decimal> {
        self.minimum.as_deref().map_or(Some(Decimal::ZERO), seconds)
    }
}

impl Meter {
    /// Seconds of one unit, where it is a span of time shorter than a month.
    #[must_use]
    pub fn seconds_per_unit(&self) -> Option<Decimal> {
        let seconds = match self.unit.as_str() {
            "h" => 3_600,
            "min" => 60,
            "s" => 1,
            "ms" => return Some(Decimal::ONE / Decimal::ONE_THOUSAND),
            _ => return None,
        };
        Some(Decimal::from(seconds))
    }

    /// How the quantity of one run, request or resource is rounded, in words; `None` if it is not.
    #[must_use]
    pub fn rounding(&self) -> Option<String> {
        let chunk = self.chunk.as_ref();
        let chunk = chunk.map(|chunk| format!("a {} counts once for each started {chunk}", self.unit));
        let quantum = self.quantum.as_ref().map(|quantum| {
            let least = quantum.minimum.as_ref();
            let least = least.map_or_else(String::new, |least| format!(", at least {least}"));
            format!(
                "each {} is billed per started {}{least}",
                quantum.per, quantum.step
            )
        });
        chunk.or(quantum)
    }

    /// Bytes of a chunk, where requests are billed in chunks.
    #[must_use]
    pub fn chunk_bytes(&self) -> Option<Decimal> {
        self.chunk.as_deref().and_then(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_sizes_are_read_in_base_units() {
        for (text, expected) in [
            ("1ms", "0.001"),
            ("100ms", "0.1"),
            ("1s", "1"),
            ("5min", "300"),
            ("1h", "3600"),
            ("90 day", "7776000"),
            ("1month", "2628000"),
        ] {
            assert_eq!(seconds(text), Some(expected.parse().unwrap()), "{text}");
        }
        for (text, expected) in [
            ("512KiB", 524_288),
            ("64KB", 64_000),
            ("128MiB", 134_217_728),
            ("1GB", 1_000_000_000),
        ] {
            assert_eq!(bytes(text), Some(Decimal::from(expected)), "{text}");
        }
        for wrong in ["", "s", "0s", "-1s", "1", "1 fortnight", "1sec", "512KiB"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
        assert_eq!(bytes("512kib"), None);
    }
}
