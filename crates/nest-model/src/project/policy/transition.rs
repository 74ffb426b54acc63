//! How a dated policy comes into force: customers along its ramp, and what they have stored with a delay.

use std::collections::BTreeMap;

use jiff::civil::Date;
use nest_data::{Study, study::Policy, units::DAYS_PER_MONTH};

use crate::{
    error::ModelError,
    project::config::{PricedConfig, Progress, ReadyInputs},
    project::growth::{adopted, months_after, ramp_months},
};

/// How a policy comes into force; all in months after the start of growth.
#[derive(Debug, Clone, Copy)]
pub struct Transition {
    pub begins: f64,
    pub ramp: f64,
    pub delay: f64,
    pub kept: f64, // for which stored items are kept
}

impl Transition {
    /// That of a dated policy in a growth that starts on a day; `patched` are all parameters with it in
    /// force. One without a date has always been in force.
    pub fn new(
        study: &Study,
        start: Date,
        policy: &Policy,
        patched: &BTreeMap<String, f64>,
    ) -> Result<Self, ModelError> {
        let ramp = policy.from.zip(policy.ramp);
        Ok(Self {
            begins: policy
                .from
                .map_or(f64::NEG_INFINITY, |from| months_to(start, from)),
            ramp: ramp.map_or(0.0, |(from, ramp)| ramp_months(start, from, ramp)),
            delay: delay(study, patched)?,
            kept: study
                .data
                .as_ref()
                .map_or(0.0, |data| data.kept_days / DAYS_PER_MONTH),
        })
    }

    /// Moments between which the change is about even: around the begin, on the ramp, and while stored items
    /// follow.
    pub fn moments(&self) -> Vec<f64> {
        let ends = self.begins + self.ramp;
        let on_ramp = [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| self.begins + share * self.ramp);
        let mut moments = vec![self.begins.next_down()];
        moments.extend(on_ramp);
        if self.delay > 0.0 {
            moments.extend([0.5, 1.0, 2.0, 4.0, 8.0].map(|delays| ends + delays * self.delay));
        }
        if self.kept > 0.0 {
            moments.extend([self.begins + self.kept, ends + self.kept]);
        }
        moments
    }

    /// Inputs `months` after the start of growth, on the way between the two.
    pub fn inputs_after(
        &self,
        before: &ReadyInputs,
        after: &ReadyInputs,
        months: f64,
        priced: &PricedConfig<'_>,
    ) -> ReadyInputs {
        let progress = Progress {
            adopted: self.adopted(months),
            settled: self.settled(months),
            stored: self.stored(months),
        };
        priced.between(before, after, progress)
    }

    /// Share of the change of stored items that is there: of those that are kept, the ones added under the
    /// policy.
    ///
    /// # Formula
    /// The mean of s(t) over the time K for which they are kept, up to now: `(A(t) - A(t - K)) / K`, with
    /// `A(t) = t^2 / (2 L)` on a ramp of length L and `A(t) = t - L / 2` after it.
    pub fn stored(&self, months: f64) -> f64 {
        if self.kept == 0.0 || self.begins == f64::NEG_INFINITY {
            return self.adopted(months);
        }
        let area = |since: f64| {
            if since <= 0.0 {
                0.0
            } else if since < self.ramp {
                since * since / (2.0 * self.ramp)
            } else {
                since - self.ramp / 2.0
            }
        };
        let since = months - self.begins;
        ((area(since) - area(since - self.kept)) / self.kept).clamp(0.0, 1.0)
    }

    /// Share of customers under the policy.
    pub fn adopted(&self, months: f64) -> f64 {
        adopted(months, self.begins, self.ramp)
    }

    /// Share of its long-run effect that stored items have reached.
    ///
    /// # Formula
    /// `dw/dt = (s(t) - w) / tau`, with s the share of customers under the policy and tau the mean time
    /// between two payments. For a ramp of length L: `w = (t - tau (1 - e^(-t / tau))) / L` on it,
    /// `w = 1 - (1 - w(L)) e^(-(t - L) / tau)` after it.
    pub fn settled(&self, months: f64) -> f64 {
        let since = months - self.begins;
        if since < 0.0 {
            return 0.0;
        }
        if self.delay == 0.0 {
            return self.adopted(months);
        }
        let on_ramp = |since: f64| {
            if self.ramp > 0.0 {
                (since + self.delay * (-since / self.delay).exp_m1()) / self.ramp
            } else {
                0.0
            }
        };
        if since < self.ramp {
            on_ramp(since)
        } else {
            1.0 - (1.0 - on_ramp(self.ramp)) * (-(since - self.ramp) / self.delay).exp()
        }
    }
}

/// Months from the start of a growth to the begin of a policy; below 0 if that comes first.
fn months_to(start: Date, begins: Date) -> f64 {
    let before = || months_after(begins, start).map(|months| -months);
    let months = months_after(start, begins).or_else(before);
    months.unwrap_or(f64::NEG_INFINITY)
}

/// Mean time between two payments of the slowest mechanism, in months, with the policy in force; 0 without
/// one.
fn delay(study: &Study, parameters: &BTreeMap<String, f64>) -> Result<f64, ModelError> {
    let mut longest: f64 = 0.0;
    for mechanism in study.mechanisms.values() {
        let dues = mechanism.renewal_rates(parameters).map_err(ModelError::Rates)?;
        if dues.payments_per_day > 0.0 {
            longest = longest.max(1.0 / dues.payments_per_day / DAYS_PER_MONTH);
        }
    }
    Ok(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The closed form against Euler steps of its differential equation.
    #[test]
    fn stored_items_follow_with_a_delay_of_one_payment() {
        for (ramp, delay) in [(0.0, 0.5), (2.0, 0.22), (1.0, 3.0)] {
            let transition = Transition {
                begins: 1.5,
                ramp,
                delay,
                kept: 0.0,
            };
            let (mut settled, step) = (0.0, 1e-4);
            for index in 0..80_000 {
                let months = f64::from(index) * step;
                assert!(
                    (transition.settled(months) - settled).abs() < 2e-3,
                    "{ramp} {delay} at {months}"
                );
                settled += step * (transition.adopted(months) - settled) / delay;
            }
            assert!(transition.settled(100.0) > 1.0 - 1e-9);
        }
    }

    #[test]
    fn without_a_mechanism_nothing_is_delayed_and_an_old_policy_has_settled() {
        let transition = Transition {
            begins: 2.0,
            ramp: 4.0,
            delay: 0.0,
            kept: 0.0,
        };
        assert_eq!(
            [1.0, 3.0, 9.0].map(|months| transition.settled(months)),
            [0.0, 0.25, 1.0]
        );
        let old = Transition {
            begins: f64::NEG_INFINITY,
            ramp: 4.0,
            delay: 0.5,
            kept: 3.0,
        };
        assert_eq!(
            (old.adopted(0.0), old.settled(0.0), old.stored(0.0)),
            (1.0, 1.0, 1.0)
        );
    }

    /// The closed form against the mean of the customers under the policy over the time that items are kept.
    #[test]
    fn stored_items_follow_as_old_ones_go() {
        for (ramp, kept) in [(0.0, 3.0), (2.0, 0.5), (2.0, 5.0)] {
            let transition = Transition {
                begins: 1.5,
                ramp,
                delay: 0.0,
                kept,
            };
            for months in [0.0, 1.5, 1.6, 2.5, 3.5, 4.0, 6.0, 8.4] {
                let steps = 20_000;
                let at = |step: i32| months - kept * (f64::from(step) + 0.5) / f64::from(steps);
                let mean =
                    (0..steps).map(|step| transition.adopted(at(step))).sum::<f64>() / f64::from(steps);
                assert!(
                    (transition.stored(months) - mean).abs() < 1e-4,
                    "{ramp} {kept} at {months}"
                );
            }
            assert_eq!([1.5, 10.0].map(|months| transition.stored(months)), [0.0, 1.0]);
        }
    }
}
