//! When each execution or session is due, and of which behaviour: a seeded process, with no clock in it.

use nest_data::customers::Spacing;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::schedule::think::{choose, cumulative, exponential};

/// One execution or session that is due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScheduledStart {
    /// Its number over all slots, from 0.
    pub number: u64,
    /// Seconds from the start of the step.
    pub due_s: f64,
    /// Index of the behaviour.
    pub behaviour: usize,
}

/// Processor time that drawing one arrival takes at most, in seconds. `bench/instructions` counts its
/// instructions; a core of today executes one in a nanosecond even where it runs slowly.
const DRAW_S: f64 = 100e-9;
/// Share of a slot's core that may go into arrivals that are mostly other slots'. Our choice: a sixteenth of
/// the 80 % at which a generator is doubted.
const DRAWING_SHARE: f64 = 0.05;
/// Most arrivals per second that a schedule may have: every slot draws all of them.
pub const MOST_ARRIVALS_PER_S: f64 = DRAWING_SHARE / DRAW_S;

/// Endless arrivals at one slot: its share of the superposition of one process per behaviour. All slots draw
/// the same arrivals from the seed, and slot s of S keeps those whose number is s modulo S, so that the
/// arrivals of all slots together are the same however many there are.
///
/// # Formula
/// Gaps are exponential with mean `1 / sum(rates)` (Poisson), or `1 / sum(rates)` (uniform); an arrival is of
/// behaviour j with probability `rate_j / sum(rates)`.
#[derive(Debug, Clone)]
pub struct ScheduledStarts {
    random: Xoshiro256PlusPlus,
    cumulative: Vec<f64>, // rates summed up to and with each behaviour, 1/s
    spacing: Spacing,
    slot: u64,
    slots: u64,
    count: u64,
    now_s: f64,
}

impl ScheduledStarts {
    /// Starts at `rates` (executions per second, one per behaviour, 0 or more), the same for the same seed.
    /// `slot` is one of `slots`, from 0.
    #[must_use]
    pub fn new(rates: &[f64], spacing: Spacing, seed: u64, slot: usize, slots: usize) -> Self {
        Self {
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            cumulative: cumulative(rates),
            spacing,
            slot: slot as u64,
            slots: slots.max(1) as u64,
            count: 0,
            now_s: 0.0,
        }
    }

    /// The next arrival of all slots. Never inlined, so that `bench/instructions` finds it.
    #[inline(never)]
    fn draw_arrival(&mut self, total_per_s: f64) -> Option<ScheduledStart> {
        let number = self.count;
        self.count += 1;
        self.now_s = match self.spacing {
            Spacing::Poisson => self.now_s + exponential(&mut self.random) / total_per_s,
            Spacing::Uniform => number as f64 / total_per_s,
        };
        let behaviour = if self.cumulative.len() == 1 {
            0
        } else {
            choose(&self.cumulative, &mut self.random)?
        };
        Some(ScheduledStart {
            number,
            due_s: self.now_s,
            behaviour,
        })
    }
}

impl Iterator for ScheduledStarts {
    type Item = ScheduledStart;

    fn next(&mut self) -> Option<ScheduledStart> {
        let total_per_s = self.cumulative.last().copied().filter(|total| *total > 0.0)?;
        loop {
            let start = self.draw_arrival(total_per_s)?;
            if start.number % self.slots == self.slot {
                return Some(start);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_have_the_rate_and_the_spread_of_a_poisson_process() {
        let rates = [30.0, 0.0, 10.0];
        let of = |slot| {
            ScheduledStarts::new(&rates, Spacing::Poisson, 7, slot, 2)
                .take_while(|arrival| arrival.due_s < 1_000.0)
        };
        let mut arrivals: Vec<ScheduledStart> = of(0).chain(of(1)).collect();
        arrivals.sort_by(|a, b| a.due_s.total_cmp(&b.due_s));
        let count = arrivals.len() as f64;
        // 40,000 expected with standard deviation 200: five deviations
        assert!((count - 40_000.0).abs() < 1_000.0, "{count}");
        let third = arrivals.iter().filter(|arrival| arrival.behaviour == 2).count() as f64;
        assert!((third / count - 0.25).abs() < 0.011, "{third}");
        assert!(arrivals.iter().all(|arrival| arrival.behaviour != 1));
        let gaps: Vec<f64> = arrivals
            .windows(2)
            .map(|pair| pair[1].due_s - pair[0].due_s)
            .collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!(
            (variance.sqrt() / mean - 1.0).abs() < 0.03,
            "an exponential gap has a coefficient of variation of 1"
        );
    }

    #[test]
    fn uniform_starts_of_all_slots_are_equally_far_apart() {
        let of = |slot| ScheduledStarts::new(&[100.0], Spacing::Uniform, 7, slot, 3).take(4);
        let mut arrivals: Vec<ScheduledStart> = of(0).chain(of(1)).chain(of(2)).collect();
        arrivals.sort_by_key(|arrival| arrival.number);
        for (index, arrival) in arrivals.iter().enumerate() {
            assert!(
                arrival.number == index as u64 && (arrival.due_s - index as f64 / 100.0).abs() < 1e-12,
                "{arrival:?}"
            );
        }
    }

    #[test]
    fn equal_seeds_give_equal_arrivals_and_others_do_not() {
        let first = |seed| {
            ScheduledStarts::new(&[5.0], Spacing::Poisson, seed, 0, 1)
                .next()
                .expect("a positive rate")
        };
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
    }

    #[test]
    fn however_many_slots_share_them_the_arrivals_are_the_same() {
        let rates = [300.0, 0.0, 20.0, 1.0];
        for spacing in [Spacing::Poisson, Spacing::Uniform] {
            let of = |slot, slots| {
                ScheduledStarts::new(&rates, spacing, 11, slot, slots).take_while(|start| start.due_s < 5.0)
            };
            let alone: Vec<ScheduledStart> = of(0, 1).collect();
            for slots in [2, 3, 4, 64] {
                let mut shared: Vec<ScheduledStart> = (0..slots).flat_map(|slot| of(slot, slots)).collect();
                shared.sort_by_key(|start| start.number);
                assert_eq!(shared, alone, "{slots} slots");
            }
        }
    }

    #[test]
    fn nothing_arrives_without_a_rate() {
        assert_eq!(
            ScheduledStarts::new(&[0.0, 0.0], Spacing::Poisson, 1, 0, 1).next(),
            None
        );
        assert_eq!(ScheduledStarts::new(&[], Spacing::Uniform, 1, 0, 1).next(), None);
    }
}
