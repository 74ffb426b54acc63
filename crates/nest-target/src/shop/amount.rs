//! Amounts of money as decimal strings, kept in cents.

/// Cents of a positive amount such as `12.50`: digits, a point, two digits. `None` for any other text.
pub(crate) fn to_cents(amount: &str) -> Option<i64> {
    let (whole, cents) = amount.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(cents) || cents.len() != 2 {
        return None;
    }
    let total = whole
        .parse::<i64>()
        .ok()?
        .checked_mul(100)?
        .checked_add(cents.parse().ok()?)?;
    (total > 0).then_some(total)
}

/// The decimal string of an amount in cents.
pub(crate) fn from_cents(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_decimals_and_nothing_else() {
        assert_eq!(to_cents("12.50"), Some(1_250));
        assert_eq!(to_cents("0.01"), Some(1));
        for wrong in [
            "",
            "12",
            "12.5",
            "12.500",
            "-1.00",
            "+1.00",
            "1e2.00",
            "0.00",
            ".50",
            "12,50",
            "99999999999999999999.00",
        ] {
            assert_eq!(to_cents(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn cents_survive_the_round_trip() {
        for cents in [1, 99, 100, 1_205] {
            assert_eq!(to_cents(&from_cents(cents)), Some(cents));
        }
    }
}
