//! Money as it is printed: full precision inside, cents on the line.

use rust_decimal::{Decimal, RoundingStrategy};

/// The way in which lines are rounded and added up to a total.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rounding {
    /// The exact sum, rounded once.
    #[default]
    Sum,
    /// The sum of the lines as they are printed; a book or study says `rounding = "lines"`.
    Lines,
}

/// Money as printed: half a cent rounds away from zero.
///
/// # Formula
/// `sign(x) * floor(|x| * 100 + 0.5) / 100`.
///
/// Source: `docs/method/pricing.md`, "Rounding".
#[must_use]
pub fn cents(amount: Decimal) -> Decimal {
    half_up(amount, 2)
}

/// A figure rounded half away from zero to `digits` decimals, 0 to 28.
#[must_use]
pub fn half_up(amount: Decimal, digits: u32) -> Decimal {
    amount.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero)
}

/// Total of exact lines, to the cent.
///
/// # Formula
/// `cents(sum x)`, or `sum cents(x)` by lines; the two differ (39.05 and 39.04 in an AWS example).
///
/// Source: `docs/method/pricing.md`, "Rounding".
#[must_use]
pub fn total(lines: &[Decimal], rounding: Rounding) -> Decimal {
    match rounding {
        Rounding::Sum => cents(lines.iter().sum()),
        Rounding::Lines => lines.iter().copied().map(cents).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_cent_rounds_away_from_zero() {
        let rounded =
            ["2.675", "-2.675", "2.6749999", "0.005", "0.00168"].map(|text| cents(text.parse().unwrap()));
        assert_eq!(
            rounded,
            ["2.68", "-2.68", "2.67", "0.01", "0.00"].map(|text| text.parse().unwrap())
        );
        let lines = ["0.004", "0.004", "0.004"].map(|text| text.parse().unwrap());
        assert_eq!(
            (total(&lines, Rounding::Sum), total(&lines, Rounding::Lines)),
            (Decimal::new(1, 2), Decimal::ZERO)
        );
    }
}
