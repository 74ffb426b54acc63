//! A checksum of a step's arrivals that does not depend on who adds them, or in which order.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Increment of SplitMix64, the golden ratio as a 64-bit fraction; it begins the low half.
const LOW: u64 = 0x9E37_79B9_7F4A_7C15;
/// Begins the high half: the first 64 bits of the fraction of pi.
const HIGH: u64 = 0x243F_6A88_85A3_08D3;

/// The sum of a hash of each arrival. Slots add theirs and sums are added, so that equal sums mean equal
/// arrivals, however many slots there were.
///
/// # Formula
/// `sum over arrivals of hash(number, due, behaviour, seed)`, modulo 2^128. Each half of a hash folds the
/// four numbers with the finaliser of SplitMix64.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScheduleChecksum(u128);

impl ScheduleChecksum {
    /// Adds an arrival: its number over all slots, nanoseconds from the start of the step to its due time,
    /// the index of its behaviour, and the seed of the step.
    pub fn add(&mut self, number: u64, due_ns: u64, behaviour: usize, seed: u64) {
        let half = |begin: u64| {
            [number, due_ns, behaviour as u64, seed]
                .into_iter()
                .fold(begin, |hash, value| finalise(hash.wrapping_add(LOW) ^ value))
        };
        let hash = u128::from(half(HIGH)) << 64 | u128::from(half(LOW));
        self.0 = self.0.wrapping_add(hash);
    }

    /// Adds what another slot has added up.
    pub fn merge(&mut self, other: Self) {
        self.0 = self.0.wrapping_add(other.0);
    }
}

impl fmt::Display for ScheduleChecksum {
    /// 32 hexadecimal digits.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:032x}", self.0)
    }
}

impl Serialize for ScheduleChecksum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ScheduleChecksum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map(Self).map_err(D::Error::custom)
    }
}

fn finalise(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arrivals: &[(u64, u64, usize, u64)]) -> ScheduleChecksum {
        let mut sum = ScheduleChecksum::default();
        arrivals
            .iter()
            .for_each(|(number, due_ns, behaviour, seed)| sum.add(*number, *due_ns, *behaviour, *seed));
        sum
    }

    #[test]
    fn the_finaliser_is_that_of_splitmix64() {
        // The first two numbers of the reference implementation (Vigna, splitmix64.c) from the state 1234567.
        let state = |step: u64| 1_234_567_u64.wrapping_add(LOW.wrapping_mul(step));
        assert_eq!(
            [finalise(state(1)), finalise(state(2))],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]
        );
    }

    #[test]
    fn order_and_division_do_not_matter_and_every_part_of_an_arrival_does() {
        let arrivals = [(0, 10, 1, 7), (1, 25, 0, 7), (2, 26, 1, 7)];
        let whole = of(&arrivals);
        let mut parts = of(&[arrivals[2], arrivals[0]]);
        parts.merge(of(&[arrivals[1]]));
        assert_eq!(whole, parts);
        for other in [(3, 26, 1, 7), (2, 27, 1, 7), (2, 26, 0, 7), (2, 26, 1, 8)] {
            assert_ne!(whole, of(&[arrivals[0], arrivals[1], other]), "{other:?}");
        }
        assert_ne!(
            of(&[arrivals[0], arrivals[0]]),
            of(&[]),
            "equal arrivals do not cancel"
        );
        assert_eq!(of(&[]).to_string(), "0".repeat(32));
    }
}
