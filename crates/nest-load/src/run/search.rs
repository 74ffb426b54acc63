//! Finds the largest number of customers that meets the objectives: doubling, then halving what is left
//! between, then confirming both sides. Pure: says what to try next.

/// Ratio of what fails to what passes at which the search ends.
const CLOSE_ENOUGH: f64 = 1.05;
/// Factor from one try to the next while no limit was found.
const WIDEN: f64 = 1.6;
/// Most tries, confirmations among them.
const MOST_TRIES: usize = 24;
/// Factor to the next number if a confirmation failed.
const STEP_BACK: f64 = 0.96;

/// A search under way.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomerSearch {
    first: f64,
    most: f64,
    passed: Option<f64>,
    failed: Option<f64>,
    unclear: Option<f64>, // the smallest number above all that passed that showed nothing, twice
    again: Option<Trial>, // what showed nothing once
    rechecked: bool,      // the number that failed was tried twice
    proven: Option<f64>,  // the largest that really passed
    confirmed: bool,      // twice
    before: Option<f64>,  // the largest that was confirmed before the search went on beyond it
    tries: usize,
}

/// What to try next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Trial {
    /// Whether this many customers pass.
    Probe(f64),
    /// Whether this many, who passed once, pass again.
    Confirm(f64),
    /// Whether this many, who failed once, fail again.
    Recheck(f64),
}

impl Trial {
    /// The number of customers.
    #[must_use]
    pub fn customers(self) -> f64 {
        match self {
            Self::Probe(customers) | Self::Confirm(customers) | Self::Recheck(customers) => customers,
        }
    }
}

impl CustomerSearch {
    /// A search that begins at `first` customers and goes no further than `most`, both above 0.
    #[must_use]
    pub fn new(first: f64, most: f64) -> Self {
        Self {
            first: first.min(most),
            most,
            passed: None,
            failed: None,
            unclear: None,
            again: None,
            rechecked: false,
            proven: None,
            confirmed: false,
            before: None,
            tries: 0,
        }
    }

    /// What to try next; nothing if the answer is known or the tries are used up.
    #[must_use]
    pub fn next(&self) -> Option<Trial> {
        if self.tries >= MOST_TRIES {
            return None;
        }
        if self.again.is_some() {
            return self.again;
        }
        if self.confirmed {
            let beside = self.failed.filter(|_| !self.is_bounded_by_unclear());
            return beside.filter(|_| !self.rechecked).map(Trial::Recheck);
        }
        match (self.passed, self.upper()) {
            (None, None) => Some(Trial::Probe(self.first)),
            (Some(passed), None) if passed >= self.most => Some(Trial::Confirm(passed)),
            (Some(passed), None) => Some(Trial::Probe((passed * WIDEN).min(self.most))),
            (None, Some(upper)) if upper <= 1.0 => None,
            (None, Some(upper)) => Some(Trial::Probe((upper / WIDEN).max(1.0))),
            (Some(passed), Some(upper)) if upper / passed <= CLOSE_ENOUGH => Some(Trial::Confirm(passed)),
            (Some(passed), Some(upper)) => Some(Trial::Probe((passed * upper).sqrt())),
        }
    }

    /// The number below which the answer lies.
    fn upper(&self) -> Option<f64> {
        self.failed.into_iter().chain(self.unclear).reduce(f64::min)
    }

    /// Takes how a try went that showed something.
    pub fn record(&mut self, tried: Trial, passed: bool) {
        self.tries += 1;
        self.again = None;
        let customers = tried.customers();
        if passed {
            let twice = matches!(tried, Trial::Confirm(_));
            self.proven = Some(match self.proven {
                Some(before) if !twice => before.max(customers),
                _ => customers,
            });
            self.unclear = self.unclear.filter(|unclear| *unclear > customers);
        } else {
            // What passed once and now fails is not proven.
            let below = |proven: &f64| *proven < customers;
            self.proven = self.proven.filter(below);
            self.before = self.before.filter(below);
        }
        match (tried, passed) {
            (Trial::Probe(_), true) => {
                self.passed = Some(self.passed.map_or(customers, |before| before.max(customers)))
            }
            (Trial::Confirm(_), true) => self.confirmed = true,
            // The bound was chance, or what was left of an earlier step: the search goes on beyond it.
            (Trial::Recheck(_), true) => {
                self.before = self.passed;
                (self.passed, self.failed, self.confirmed) = (Some(customers), None, false);
            }
            (Trial::Probe(_), false) => {
                self.failed = Some(self.failed.map_or(customers, |before| before.min(customers)));
                self.rechecked = false;
            }
            // What passed once and failed once is no answer; a slightly smaller number is tried instead.
            (Trial::Confirm(_), false) => self.step_back(customers),
            (Trial::Recheck(_), false) => self.rechecked = true,
        }
    }

    /// Takes that a try showed nothing. It is made once more. After that a smaller number is tried, but
    /// nothing is known of this one.
    pub fn record_unclear(&mut self, tried: Trial) {
        if !self.was_unclear(tried) {
            self.again = Some(tried);
            return;
        }
        self.tries += 1;
        self.again = None;
        let customers = tried.customers();
        match tried {
            Trial::Probe(_) => self.unclear = Some(self.unclear.map_or(customers, |one| one.min(customers))),
            Trial::Confirm(_) => {
                self.unclear = Some(customers);
                self.passed = Some(customers * STEP_BACK);
            }
            // It has failed once.
            Trial::Recheck(_) => self.rechecked = true,
        }
    }

    /// Whether a try has shown nothing before.
    #[must_use]
    pub fn was_unclear(&self, tried: Trial) -> bool {
        self.again == Some(tried)
    }

    fn step_back(&mut self, customers: f64) {
        self.failed = Some(customers);
        self.passed = Some(customers * STEP_BACK);
        self.rechecked = true;
    }

    /// The largest number that passed, and whether it passed twice.
    #[must_use]
    pub fn largest(&self) -> Option<(f64, bool)> {
        match (self.before, self.confirmed) {
            (Some(before), false) => Some((before, true)),
            _ => self.proven.map(|proven| (proven, self.confirmed)),
        }
    }

    /// The smallest number that failed.
    #[must_use]
    pub fn smallest_failed(&self) -> Option<f64> {
        self.failed
    }

    /// Whether the answer is only as large as it is because larger numbers showed nothing.
    #[must_use]
    pub fn is_bounded_by_unclear(&self) -> bool {
        self.unclear
            .is_some_and(|unclear| self.failed.is_none_or(|failed| unclear < failed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(first: f64, most: f64, passes: impl Fn(Trial, usize) -> bool) -> (CustomerSearch, usize) {
        let mut search = CustomerSearch::new(first, most);
        let mut tries = 0;
        while let Some(tried) = search.next() {
            search.record(tried, passes(tried, tries));
            tries += 1;
        }
        (search, tries)
    }

    #[test]
    fn the_limit_is_found_from_either_side_and_confirmed() {
        for first in [10.0, 5_000.0, 90_000.0] {
            let (found, tries) = search(first, 1e9, |tried, _| tried.customers() <= 7_300.0);
            let (largest, confirmed) = found.largest().expect("found");
            assert!(
                confirmed && largest <= 7_300.0 && largest > 7_300.0 / CLOSE_ENOUGH,
                "{largest} from {first}"
            );
            assert!(
                found.smallest_failed().is_some_and(|failed| failed > 7_300.0) && tries < MOST_TRIES,
                "{tries}"
            );
        }
    }

    #[test]
    fn a_failed_confirmation_steps_back() {
        let (found, _) = search(1_000.0, 1e9, |tried, tries| match tried {
            Trial::Probe(customers) => customers <= 7_300.0,
            Trial::Confirm(customers) => customers <= 6_900.0 && tries > 3,
            Trial::Recheck(_) => false,
        });
        let (largest, confirmed) = found.largest().expect("found");
        assert!(confirmed && largest <= 6_900.0 && largest > 6_000.0, "{largest}");
    }

    #[test]
    fn without_a_limit_the_search_ends_at_the_most_it_may_try() {
        let (found, _) = search(100.0, 5_000.0, |_, _| true);
        assert_eq!(
            (found.largest(), found.smallest_failed()),
            (Some((5_000.0, true)), None)
        );
        assert_eq!(search(100.0, 5_000.0, |_, _| false).0.largest(), None);
    }

    #[test]
    fn a_bound_that_was_chance_is_tried_again_before_it_bounds_the_answer() {
        // Every trial below 20,000 fails at first, as what came before it is still in the target's queue.
        let (found, tries) = search(80_000.0, 1e9, |tried, tries| {
            tried.customers() <= 7_300.0 && !(4..=7).contains(&tries)
        });
        let (largest, confirmed) = found.largest().expect("found");
        assert!(
            confirmed && largest <= 7_300.0 && largest > 7_300.0 / CLOSE_ENOUGH,
            "{largest} after {tries}"
        );
    }

    #[test]
    fn what_shows_nothing_is_tried_twice_and_is_no_failure() {
        let mut search = CustomerSearch::new(1_000.0, 1e9);
        let mut tried = Vec::new();
        while let Some(trial) = search.next() {
            tried.push(trial);
            let customers = trial.customers();
            if customers > 400.0 {
                search.record_unclear(trial);
            } else {
                search.record(trial, true);
            }
        }
        assert_eq!(
            tried[..3],
            [Trial::Probe(1_000.0), Trial::Probe(1_000.0), Trial::Probe(625.0)]
        );
        let (largest, confirmed) = search.largest().expect("found");
        assert!(
            confirmed && largest <= 400.0 && largest > 400.0 / CLOSE_ENOUGH,
            "{largest}"
        );
        assert_eq!(
            (search.smallest_failed(), search.is_bounded_by_unclear()),
            (None, true)
        );
    }
}
