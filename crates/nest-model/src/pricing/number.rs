//! The arithmetic that decimals and floats share, so that a rule is written once for bills and for draws.

use std::{
    iter::Sum,
    ops::{Add, Div, Mul, Sub},
};

use rust_decimal::Decimal;

/// Decimals of a [`Decimal`] at most.
const MOST_DECIMALS: u32 = Decimal::MAX_SCALE;

/// A number that money and quantities are counted in: [`Decimal`] for bills, `f64` for draws. Its default is
/// zero.
pub trait PriceNumber:
    Copy
    + Default
    + PartialOrd
    + From<u32>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Sum
{
    /// The next whole number, or the number itself if it is whole; a float counts as whole if it is so to
    /// twelve digits.
    #[must_use]
    fn whole_above(self) -> Self;

    /// A part of a whole, 0 to `whole`, and the rest; decimals add up exactly to the whole, of which the part
    /// may lose a 28th digit.
    #[must_use]
    fn split(whole: Self, part: Self) -> (Self, Self);

    /// The smaller of two.
    #[must_use]
    fn least(self, other: Self) -> Self {
        if other < self { other } else { self }
    }

    /// The larger of two.
    #[must_use]
    fn most(self, other: Self) -> Self {
        if other > self { other } else { self }
    }
}

impl PriceNumber for Decimal {
    fn whole_above(self) -> Self {
        self.ceil()
    }

    fn split(whole: Self, part: Self) -> (Self, Self) {
        let mut widest = whole;
        widest.rescale(MOST_DECIMALS);
        let part = part.round_dp(widest.scale()).normalize();
        (part, whole - part)
    }
}

impl PriceNumber for f64 {
    fn whole_above(self) -> Self {
        (self * (1.0 - 1e-12)).ceil()
    }

    fn split(whole: Self, part: Self) -> (Self, Self) {
        (part, whole - part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1163.4 in 24 decimals less 369.9 in 25 needs 29 digits, so that a plain difference would not add up
    /// again.
    #[test]
    fn a_split_adds_up_to_the_last_digit() {
        let whole: Decimal = "1163.4091945704337899543378995".parse().unwrap();
        let part: Decimal = "369.96412387339794520547945209".parse().unwrap();
        let (part, rest) = Decimal::split(whole, part);
        assert_eq!(part + rest, whole);
        let (half, other) = Decimal::split(Decimal::TEN, Decimal::ONE / Decimal::from(3));
        assert_eq!((half + other, half.scale()), (Decimal::TEN, 27));
    }
}
