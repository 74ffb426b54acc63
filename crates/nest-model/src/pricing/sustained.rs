//! Discounts that come of themselves with the share of a month that an instance runs.

use nest_data::price_book::Sustained;
use rust_decimal::Decimal;

use super::{compiled::float, number::PriceNumber};

/// Parts of a month and what they cost.
#[derive(Debug, Clone, PartialEq)]
pub struct SustainedUse<T> {
    parts: Vec<(T, T)>, // share of the month up to which, share of the list price
}

impl SustainedUse<Decimal> {
    /// The schedule of an instance type; without parts there is no discount.
    #[must_use]
    pub fn new(schedule: &[Sustained]) -> Self {
        Self {
            parts: schedule
                .iter()
                .map(|part| (part.up_to.0, part.factor.0))
                .collect(),
        }
    }

    /// The same in floats, for draws.
    #[must_use]
    pub fn to_float(&self) -> SustainedUse<f64> {
        SustainedUse {
            parts: self
                .parts
                .iter()
                .map(|(up_to, factor)| (float(*up_to), float(*factor)))
                .collect(),
        }
    }
}

impl<T: PriceNumber> SustainedUse<T> {
    /// Shares of the month up to which the schedule's parts reach, each with the share of the list price that
    /// it pays.
    #[must_use]
    pub fn parts(&self) -> &[(T, T)] {
        &self.parts
    }

    /// Hours at list price that cost as much as `hours` of a month with `month_hours`.
    ///
    /// # Formula
    /// `sum_k (min(u_k * month, h) - u_k-1 * month)+ * f_k`; hours beyond the last part pay its factor. A
    /// full month on GCP's n2 is 0.8002 of the list price, on n1 0.70.
    ///
    /// Source: `docs/method/pricing.md`, "Sustained use".
    #[must_use]
    pub fn paid_hours(&self, hours: T, month_hours: T) -> T {
        let Some((_, last)) = self.parts.last() else {
            return hours;
        };
        let mut low = T::default();
        let mut paid = T::default();
        for (up_to, factor) in &self.parts {
            let end = (*up_to * month_hours).least(hours);
            if end > low {
                paid = paid + (end - low) * *factor;
                low = end;
            }
        }
        paid + (hours - low).most(T::default()) * *last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nest_data::units::QuotedDecimal;

    /// Google Compute Engine, sustained use discounts, as `docs/method/pricing.md`, "Sustained use", says: 30
    /// % off a full month of n1, 10 % off half of one.
    #[test]
    fn half_a_month_has_less_of_the_discount() {
        let part = |up_to: &str, factor: &str| Sustained {
            up_to: QuotedDecimal(up_to.parse().unwrap()),
            factor: QuotedDecimal(factor.parse().unwrap()),
        };
        let n1 = SustainedUse::new(&[
            part("0.25", "1"),
            part("0.5", "0.8"),
            part("0.75", "0.6"),
            part("1", "0.4"),
        ]);
        let paid = |hours: u32| n1.paid_hours(Decimal::from(hours), Decimal::from(730));
        assert_eq!(
            [paid(730), paid(365), paid(0), paid(740)],
            ["511", "328.5", "0", "515"].map(|text| text.parse().unwrap())
        );
        assert!((n1.to_float().paid_hours(365.0, 730.0) - 328.5).abs() < 1e-12);
        assert_eq!(
            SustainedUse::new(&[]).paid_hours(Decimal::TEN, Decimal::from(730)),
            Decimal::TEN
        );
    }
}
