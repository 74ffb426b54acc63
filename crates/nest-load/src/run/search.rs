//! Finds the largest number of customers that meets the objectives: doubling, then halving what is left
//! between, then confirming. Pure: says what to try next.

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
    proven: Option<f64>, // the largest that really passed
    confirmed: bool,
    tries: usize,
}

/// What to try next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Trial {
    /// Whether this many customers pass.
    Probe(f64),
    /// Whether this many, who passed once, pass again.
    Confirm(f64),
}

impl Trial {
    /// The number of customers.
    #[must_use]
    pub fn customers(self) -> f64 {
        match self {
            Self::Probe(customers) | Self::Confirm(customers) => customers,
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
            proven: None,
            confirmed: false,
            tries: 0,
        }
    }

    /// What to try next; nothing if the answer is known or the tries are used up.
    #[must_use]
    pub fn next(&self) -> Option<Trial> {
        if self.confirmed || self.tries >= MOST_TRIES {
            return None;
        }
        match (self.passed, self.failed) {
            (None, None) => Some(Trial::Probe(self.first)),
            (Some(passed), None) if passed >= self.most => Some(Trial::Confirm(passed)),
            (Some(passed), None) => Some(Trial::Probe((passed * WIDEN).min(self.most))),
            (None, Some(failed)) if failed <= 1.0 => None,
            (None, Some(failed)) => Some(Trial::Probe((failed / WIDEN).max(1.0))),
            (Some(passed), Some(failed)) if failed / passed <= CLOSE_ENOUGH => Some(Trial::Confirm(passed)),
            (Some(passed), Some(failed)) => Some(Trial::Probe((passed * failed).sqrt())),
        }
    }

    /// Takes how a try went.
    pub fn record(&mut self, tried: Trial, passed: bool) {
        self.tries += 1;
        let customers = tried.customers();
        self.proven = match (passed, tried) {
            (true, Trial::Confirm(_)) => Some(customers),
            (true, Trial::Probe(_)) => Some(self.proven.map_or(customers, |before| before.max(customers))),
            // What passed once and now fails is not proven.
            (false, _) => self.proven.filter(|proven| *proven < customers),
        };
        match (tried, passed) {
            (Trial::Probe(customers), true) => {
                self.passed = Some(self.passed.map_or(customers, |before| before.max(customers)))
            }
            (Trial::Confirm(_), true) => self.confirmed = true,
            (Trial::Probe(customers), false) => {
                self.failed = Some(self.failed.map_or(customers, |before| before.min(customers)))
            }
            // What passed once and failed once is no answer; a slightly smaller number is tried instead.
            (Trial::Confirm(customers), false) => {
                self.failed = Some(customers);
                self.passed = Some(customers * STEP_BACK);
            }
        }
    }

    /// The largest number that passed, and whether it passed twice.
    #[must_use]
    pub fn largest(&self) -> Option<(f64, bool)> {
        self.proven.map(|proven| (proven, self.confirmed))
    }

    /// The smallest number that failed.
    #[must_use]
    pub fn smallest_failed(&self) -> Option<f64> {
        self.failed
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
}
