//! How the demand of an execution changes with utilisation.

/// A demand that falls as a resource fills: on a machine that is mostly idle, waking up and cold caches cost time of their own.
///
/// # Formula
/// `D(U) = D (1 + slope (g(U) - mean))`, `g(U) = (1 - U)^2`: D is the demand at the mean g of the fitted steps.
///
/// The power of two is empirical: of no dependence and powers of one to three it forecast four runs of nginx beyond the
/// fitted load without leaning to one side. `bench/run nginx` shows how it does.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LoadLaw {
    /// Relative change of demand from full to no utilisation, 0 to 1; 0 where demand does not depend on load.
    pub slope: f64,
    /// g at which demand is stated, 0-1.
    pub mean: f64,
}

/// What the extra cost of an execution is proportional to, at a utilisation of 0 or more: `(1 - U)^2`, 0 from saturation on.
#[must_use]
pub fn idleness(utilisation: f64) -> f64 {
    (1.0 - utilisation).max(0.0).powi(2)
}

impl LoadLaw {
    /// Demand at a utilisation (0-1) over the stated demand.
    #[must_use]
    pub fn factor(&self, utilisation: f64) -> f64 {
        1.0 + self.slope * (idleness(utilisation) - self.mean)
    }

    /// Use of a resource of `capacity` that idles at `idle` and whose stated demands add up to `busy`, all per second.
    ///
    /// # Formula
    /// `c U = idle + busy (1 + slope ((1 - U)^2 - mean))`, solved for the smaller U; linear in `busy` beyond saturation.
    #[must_use]
    pub fn used(&self, idle: f64, busy: f64, capacity: f64) -> f64 {
        let full = idle + busy * (1.0 - self.slope * self.mean);
        let extra = busy * self.slope;
        if extra == 0.0 || full >= capacity {
            return full;
        }
        let half = extra + capacity / 2.0;
        capacity * (full + extra) / (half + (half * half - extra * (full + extra)).sqrt())
    }

    /// The sum of stated demands at which that resource is at a utilisation: the inverse of [`LoadLaw::used`].
    #[must_use]
    pub fn busy_at(&self, idle: f64, utilisation: f64, capacity: f64) -> f64 {
        (utilisation * capacity - idle).max(0.0) / self.factor(utilisation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_and_load_are_inverses_and_the_stated_demand_holds_at_the_mean() {
        let law = LoadLaw { slope: 0.3, mean: idleness(0.4) };
        for utilisation in [0.05, 0.1, 0.4, 0.7, 1.0, 1.3] {
            let busy = law.busy_at(0.05, utilisation, 2.0);
            assert!((law.used(0.05, busy, 2.0) / 2.0 - utilisation).abs() < 1e-12, "{utilisation}");
        }
        assert_eq!(law.factor(0.4), 1.0);
        assert!(law.factor(0.1) > 1.0 && law.factor(0.9) < 1.0);
    }

    #[test]
    fn without_a_slope_use_is_linear() {
        let law = LoadLaw::default();
        assert_eq!(law.used(0.1, 0.5, 1.0), 0.6);
        assert_eq!(law.used(0.1, 0.5, f64::INFINITY), 0.6);
        assert_eq!(law.busy_at(0.1, 0.6, 1.0), 0.5);
    }
}
