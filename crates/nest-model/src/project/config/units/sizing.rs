//! How many instances a load needs.

use crate::laws::load_law::LoadLaw;

/// A tier on instances of one type, in one draw. All numbers per second of the busiest minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sizing {
    /// Busy-seconds of a processor that one customer causes per second, at the speed of the instance.
    pub busy_per_customer: f64,
    /// How that changes with utilisation; `busy_per_customer` is stated at its mean.
    pub law: LoadLaw,
    /// Busy-seconds per second that an instance uses without load, at its own speed.
    pub idle: f64,
    /// Virtual CPUs of an instance.
    pub cores: f64,
    /// Share of capacity that policy wants left, 0 to below 1.
    pub reserve: f64,
    /// Utilisation at which another instance is needed, 0-1: `1 - reserve`, or less if an objective of
    /// response time asks for it.
    pub target: f64,
    /// Fewest instances that carry load.
    pub least: u32,
    /// Instances beyond those needed.
    pub spare: u32,
}

impl Sizing {
    /// Busy-seconds per second that an instance may take over from customers.
    ///
    /// # Formula
    /// `u* c - idle`, u* the target.
    #[must_use]
    pub fn usable(&self) -> f64 {
        self.target * self.cores - self.idle
    }

    /// Instances that `customers` need, as a real number; infinite if an instance has nothing to give.
    #[must_use]
    pub fn exact_instances(&self, customers: f64) -> f64 {
        let busy = customers * self.busy_per_customer * self.law.factor(self.target);
        if self.usable() > 0.0 {
            busy / self.usable()
        } else {
            f64::INFINITY
        }
    }

    /// Whole instances that carry load.
    #[must_use]
    pub fn instances(&self, customers: f64) -> f64 {
        // A load that fills a whole number of instances to the last digit needs no further one.
        (self.exact_instances(customers) * (1.0 - 1e-12))
            .ceil()
            .max(f64::from(self.least))
    }

    /// Utilisation of each of `instances` instances, 0 and more.
    #[must_use]
    pub fn utilisation(&self, customers: f64, instances: f64) -> f64 {
        self.law.used(
            self.idle,
            customers * self.busy_per_customer / instances,
            self.cores,
        ) / self.cores
    }

    /// Customers at which `instances` instances are at `utilisation`; infinite without demand.
    #[must_use]
    pub fn customers_at(&self, instances: f64, utilisation: f64) -> f64 {
        if self.busy_per_customer > 0.0 {
            instances * self.law.busy_at(self.idle, utilisation, self.cores) / self.busy_per_customer
        } else {
            f64::INFINITY
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `docs/method/projection.md`, "The worked example": two cores, idle .02 core, u* .6, 1.76428571e-5
    /// cores per customer at m = 10.
    fn golden(busy_per_customer: f64) -> Sizing {
        Sizing {
            busy_per_customer,
            law: LoadLaw::default(),
            idle: 0.02,
            cores: 2.0,
            reserve: 0.4,
            target: 0.6,
            least: 2,
            spare: 1,
        }
    }

    #[test]
    fn the_golden_example_of_the_reference() {
        let ten = golden(0.352857143 * 5e-5);
        assert!((ten.customers_at(1.0, 0.6) - 66_882.59).abs() < 0.01);
        let with_spare = |customers| ten.instances(customers) + f64::from(ten.spare);
        // The reference counts its least of two with the spare one; ours is of instances that carry load.
        assert_eq!([100e3, 200e3, 500e3].map(with_spare), [3.0, 4.0, 9.0]);
        let twenty = golden(0.341707317 * 5e-5);
        assert!((twenty.customers_at(1.0, 0.6) - 69_064.95).abs() < 0.01);
        // one VM at 60,000 customers: rho .529285714 with idle left out
        let bare = Sizing { idle: 0.0, ..ten };
        assert!((bare.utilisation(60_000.0, 1.0) - 0.529285714).abs() < 1e-8);
    }

    #[test]
    fn customers_and_utilisation_are_inverses() {
        let sizing = Sizing {
            law: LoadLaw {
                slope: 0.2,
                mean: 0.36,
                ..LoadLaw::default()
            },
            ..golden(1e-5)
        };
        let customers = sizing.customers_at(3.0, 0.45);
        assert!((sizing.utilisation(customers, 3.0) - 0.45).abs() < 1e-12);
        assert!((sizing.exact_instances(sizing.customers_at(5.0, 0.6)) - 5.0).abs() < 1e-9);
        assert_eq!(sizing.instances(sizing.customers_at(5.0, 0.6)), 5.0);
    }

    #[test]
    fn an_instance_that_idles_above_its_reserve_carries_nothing() {
        let sizing = Sizing {
            idle: 1.3,
            ..golden(1e-5)
        };
        assert_eq!(sizing.exact_instances(1.0), f64::INFINITY);
    }
}
