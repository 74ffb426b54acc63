//! Tallies: what executions added to a count, as a sum with its spread.

use serde::{Deserialize, Serialize};

/// What the completed executions of one behaviour added to one count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CountTally {
    /// Executions whose amount is known.
    pub known: u64,
    /// Sum of their amounts, 0 or more.
    pub sum: f64,
    /// Sum of the squared deviations of their amounts from the mean, 0 or more.
    pub squared_deviations: f64,
    /// Executions with an answer that lacked the number; they are in no sum.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missing: u64,
    /// Executions with an answer in whose place something else stood than a number of 0 or more; they are in
    /// no sum.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_numbers: u64,
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl CountTally {
    /// Mean amount of an execution; `None` if no amount is known.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.known > 0).then(|| self.sum / self.known as f64)
    }

    /// Completed executions, whether their amount is known or not.
    #[must_use]
    pub fn executions(&self) -> u64 {
        self.known + self.missing + self.not_numbers
    }

    /// Adds an execution whose amount is known.
    pub fn add(&mut self, amount: f64) {
        self.merge(&Self {
            known: 1,
            sum: amount,
            ..Self::default()
        });
    }

    /// Adds other executions.
    ///
    /// Source: Chan, Golub, LeVeque, "Algorithms for computing the sample variance", The American
    /// Statistician 37(3), 1983, formula for two samples of any size.
    pub fn merge(&mut self, other: &Self) {
        if let (Some(mine), Some(theirs)) = (self.mean(), other.mean()) {
            let (mine_known, theirs_known) = (self.known as f64, other.known as f64);
            self.squared_deviations +=
                (theirs - mine).powi(2) * mine_known * theirs_known / (mine_known + theirs_known);
        }
        self.squared_deviations += other.squared_deviations;
        self.known += other.known;
        self.sum += other.sum;
        self.missing += other.missing;
        self.not_numbers += other.not_numbers;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(amounts: &[f64]) -> CountTally {
        let mut tally = CountTally::default();
        amounts.iter().for_each(|amount| tally.add(*amount));
        tally
    }

    /// 2, 4, 4, 4, 5, 5, 7, 9 have the mean 5 and the standard deviation 2: their squared deviations are 32.
    #[test]
    fn parts_merge_to_the_sum_and_the_spread_of_the_whole() {
        let amounts = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        for cut in 0..=amounts.len() {
            let (first, second) = amounts.split_at(cut);
            let mut merged = tally(first);
            merged.merge(&tally(second));
            assert_eq!((merged.known, merged.sum, merged.mean()), (8, 40.0, Some(5.0)));
            assert!((merged.squared_deviations - 32.0).abs() < 1e-12, "cut at {cut}");
        }
    }

    #[test]
    fn an_unknown_amount_is_counted_and_is_in_no_sum() {
        let mut tally = tally(&[3.0]);
        tally.merge(&CountTally {
            missing: 2,
            not_numbers: 1,
            ..CountTally::default()
        });
        assert_eq!((tally.executions(), tally.known, tally.mean()), (4, 1, Some(3.0)));
        assert_eq!(CountTally::default().mean(), None);
    }
}
