//! Instances of one type over a month of hours, some of them committed: what is used, what is not, what is
//! bought on demand.

use super::number::PriceNumber;

/// Hours of a month in which the same number of instances runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HoursAtLoad<T> {
    /// Hours, 0 and more.
    pub hours: T,
    /// Instances that run in each of them, 0 and more.
    pub instances: T,
}

/// Instance-hours of a month, or what they cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Committed<T> {
    /// Committed and used.
    pub used: T,
    /// Committed and not used; a line of its own.
    pub unused: T,
    /// Beyond what is committed.
    pub on_demand: T,
}

/// Instance-hours by how they are paid. Decimals for the bill, floats for draws.
///
/// # Formula
/// `used = sum_b hours_b * min(n_b, R)`, `unused = R * sum_b hours_b - used`,
/// `on_demand = sum_b hours_b * max(0, n_b - R)`, for `R` committed instances. Hour by hour: a mean would let
/// idle hours pay for busy ones.
///
/// Source: `docs/method/pricing.md`, "Order of commitments" and "Amortised cost and cash".
#[must_use]
pub fn committed_hours<T: PriceNumber>(bins: &[HoursAtLoad<T>], reserved: T) -> Committed<T> {
    let used = bins
        .iter()
        .map(|bin| bin.hours * bin.instances.least(reserved))
        .sum();
    let hours: T = bins.iter().map(|bin| bin.hours).sum();
    let needed: T = bins.iter().map(|bin| bin.hours * bin.instances).sum();
    Committed {
        used,
        unused: hours * reserved - used,
        on_demand: needed - used,
    }
}

impl<T: PriceNumber> Committed<T> {
    /// Cost of instance-hours at the commitment's effective price and at list price, both per hour.
    ///
    /// # Formula
    /// `used * effective`, `unused * effective`, `on_demand * list`; the first two add up exactly to what was
    /// bought.
    ///
    /// Source: `docs/method/pricing.md`, "Commitments" and "Amortised cost and cash".
    #[must_use]
    pub fn cost(&self, effective_per_hour: T, on_demand_per_hour: T) -> Self {
        let bought = (self.used + self.unused) * effective_per_hour;
        let (used, unused) = T::split(bought, self.used * effective_per_hour);
        Self {
            used,
            unused,
            on_demand: self.on_demand * on_demand_per_hour,
        }
    }

    /// The sum of the three.
    #[must_use]
    pub fn total(&self) -> T {
        self.used + self.unused + self.on_demand
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::Decimal;

    /// Two committed over nights of one instance, days of three and an evening of two: 400 + 600 + 130 x 2
    /// hours used of 1,460.
    #[test]
    fn idle_hours_do_not_pay_for_busy_ones() {
        let bin = |hours: u32, instances: u32| HoursAtLoad {
            hours: Decimal::from(hours),
            instances: Decimal::from(instances),
        };
        let hours = committed_hours(&[bin(400, 1), bin(200, 3), bin(130, 2)], Decimal::TWO);
        assert_eq!(
            hours,
            Committed {
                used: Decimal::from(1_060),
                unused: Decimal::from(400),
                on_demand: Decimal::from(200)
            }
        );
        let cost = hours.cost(Decimal::new(6, 2), Decimal::new(10, 2));
        assert_eq!(cost.total(), Decimal::new(10_760, 2));
        let float = |hours: f64, instances: f64| HoursAtLoad { hours, instances };
        let floats =
            committed_hours(&[float(400.0, 1.0), float(200.0, 3.0), float(130.0, 2.0)], 2.0).cost(0.06, 0.10);
        assert!((floats.total() - 107.60).abs() < 1e-9);
    }
}
