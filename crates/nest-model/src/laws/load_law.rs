//! How the demand of an execution changes with utilisation.

use nest_data::scaling::ResourceModel;

/// Dependence of an execution's demand on load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LoadShape {
    /// It falls as a resource fills: on a machine that is mostly idle, waking up and cold caches cost time of
    /// their own.
    #[default]
    Falling,
    /// It rises: executions are in one another's way (contention).
    Rising,
}

/// A demand that falls, or rises, as a resource fills.
///
/// # Formula
/// `D(U) = D (1 + slope (g(U) - mean))`, `g(U) = (1 - U)^2` if it falls and `U^2` if it rises: D is the
/// demand at the mean g of the fitted steps.
///
/// The power of two of a fall is empirical: of no dependence and powers of one to three it forecast four runs
/// of nginx beyond the fitted load without leaning to one side. `bench/run nginx` shows how it does. That of
/// a rise is `D0 + D1 U^2`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LoadLaw {
    /// Whether demand falls or rises.
    pub shape: LoadShape,
    /// Relative change of demand from full to no utilisation (or back), 0 to 1; 0 if demand does not depend
    /// on load.
    pub slope: f64,
    /// g at which demand is stated, 0-1.
    pub mean: f64,
}

impl LoadLaw {
    /// The law of a fitted resource; a slope of 0 if its demand does not depend on load.
    #[must_use]
    pub fn of(resource: &ResourceModel) -> Self {
        resource
            .load_dependence
            .as_ref()
            .map_or(Self::default(), |law| Self {
                shape: if law.rising {
                    LoadShape::Rising
                } else {
                    LoadShape::Falling
                },
                slope: law.slope.value,
                mean: law.mean_idleness,
            })
    }
}

/// What the extra cost of an execution is proportional to, at a utilisation of 0 or more: `(1 - U)^2`, 0 from
/// saturation on.
#[must_use]
pub fn idleness(utilisation: f64) -> f64 {
    (1.0 - utilisation).max(0.0).powi(2)
}

impl LoadShape {
    /// g of the law at a utilisation of 0 or more; it does not change from saturation on.
    #[must_use]
    pub fn driver(self, utilisation: f64) -> f64 {
        match self {
            Self::Falling => idleness(utilisation),
            Self::Rising => utilisation.min(1.0).powi(2),
        }
    }
}

impl LoadLaw {
    /// Demand at a utilisation (0-1) over the stated demand.
    #[must_use]
    pub fn factor(&self, utilisation: f64) -> f64 {
        1.0 + self.slope * (self.shape.driver(utilisation) - self.mean)
    }

    /// Use of a resource of `capacity` that idles at `idle` and whose stated demands add up to `busy`, all
    /// per second.
    ///
    /// # Formula
    /// `c U = idle + busy (1 + slope (g(U) - mean))`, solved for the smaller U; linear in `busy` beyond
    /// saturation.
    #[must_use]
    pub fn used(&self, idle: f64, busy: f64, capacity: f64) -> f64 {
        let full = idle + busy * self.factor(1.0);
        let extra = busy * self.slope;
        if extra == 0.0 || full >= capacity {
            return full;
        }
        match self.shape {
            LoadShape::Falling => {
                let half = extra + capacity / 2.0;
                capacity * (full + extra) / (half + (half * half - extra * (full + extra)).sqrt())
            }
            // With nothing gained from load, use would be `full - extra`.
            LoadShape::Rising => {
                let empty = full - extra;
                2.0 * capacity * empty
                    / (capacity + (capacity * capacity - 4.0 * extra * empty).max(0.0).sqrt())
            }
        }
    }

    /// The sum of stated demands at which that resource is at a utilisation: the inverse of
    /// [`LoadLaw::used`].
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
        for shape in [LoadShape::Falling, LoadShape::Rising] {
            let law = LoadLaw {
                shape,
                slope: 0.3,
                mean: shape.driver(0.4),
            };
            for utilisation in [0.05, 0.1, 0.4, 0.7, 1.0, 1.3] {
                let busy = law.busy_at(0.05, utilisation, 2.0);
                assert!(
                    (law.used(0.05, busy, 2.0) / 2.0 - utilisation).abs() < 1e-12,
                    "{utilisation}"
                );
            }
            assert_eq!(law.factor(0.4), 1.0);
            assert_eq!(law.factor(0.1) > law.factor(0.9), shape == LoadShape::Falling);
        }
    }

    #[test]
    fn without_a_slope_use_is_linear() {
        let law = LoadLaw::default();
        assert_eq!(law.used(0.1, 0.5, 1.0), 0.6);
        assert_eq!(law.used(0.1, 0.5, f64::INFINITY), 0.6);
        assert_eq!(law.busy_at(0.1, 0.6, 1.0), 0.5);
    }
}
