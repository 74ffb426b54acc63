//! The whole numbers of a document: counts, positions and bytes. None is so large that sums overflow.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// Largest whole number, 2^53: beyond it, doubles no longer tell neighbours apart.
const LARGEST: u64 = 1 << 53;
/// Key of the only number that may be any: it is never counted with.
const SEED: &str = "seed";

/// Checks the whole numbers of a JSON text.
///
/// # Errors
/// The first one beyond 2^53, or what is wrong with the text, with its line.
pub fn check_numbers(text: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str::<BoundedNumbers>(text).map(drop)
}

/// A value whose whole numbers are all within bounds.
struct BoundedNumbers;

impl<'de> Deserialize<'de> for BoundedNumbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for BoundedNumbers {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self, E> {
        if number > LARGEST {
            return Err(E::custom(format!("{number} is larger than any count")));
        }
        Ok(self)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self, E> {
        self.visit_u64(number.unsigned_abs())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self, A::Error> {
        while values.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        while let Some(key) = entries.next_key::<String>()? {
            if key == SEED {
                entries.next_value::<IgnoredAny>()?;
            } else {
                entries.next_value::<Self>()?;
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_seed_is_larger_than_a_count() {
        let fine = r#"{"a": [1, -2.5e300, true, null, "18446744073709551615", {"b": 9007199254740992}],
            "seed": 18446744073709551615}"#;
        check_numbers(fine).expect("within bounds");
        for odd in [
            "[1,\n 18446744073709551615]",
            r#"{"a": {"due": 9007199254740993}}"#,
            "-9007199254740993",
        ] {
            let error = check_numbers(odd).expect_err(odd).to_string();
            assert!(error.contains("larger than any count at line"), "{error}");
        }
    }
}
