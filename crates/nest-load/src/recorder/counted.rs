//! What one execution adds to the counts of its behaviour.

use nest_data::measurement::CountTally;

/// An amount that is added to a count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// 0 or more.
    Known(f64),
    /// The answer has no number in its place.
    Missing,
    /// Something else than a number of 0 or more is in its place.
    NotANumber,
}

impl Amount {
    /// An amount as a number, which may be any.
    pub fn of(number: f64) -> Self {
        if number.is_finite() && number >= 0.0 {
            Self::Known(number)
        } else {
            Self::NotANumber
        }
    }

    /// Both together: not known if one is not.
    fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Known(mine), Self::Known(theirs)) => Self::of(mine + theirs),
            (Self::Known(_), unknown) => unknown,
            (unknown, _) => unknown,
        }
    }
}

/// What one execution has added so far, by the index of the count.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionCounts(Vec<Amount>);

impl ExecutionCounts {
    /// Nothing of so many counts.
    pub fn new(counts: usize) -> Self {
        Self(vec![Amount::Known(0.0); counts])
    }

    /// Whether the behaviour has no counts.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds to a count.
    pub fn add(&mut self, count: usize, amount: Amount) {
        self.0[count] = self.0[count].plus(amount);
    }

    /// Adds the execution to the tallies of its behaviour.
    pub fn tell(&self, tallies: &mut [CountTally]) {
        for (tally, amount) in tallies.iter_mut().zip(&self.0) {
            match amount {
                Amount::Known(amount) => tally.add(*amount),
                Amount::Missing => tally.missing += 1,
                Amount::NotANumber => tally.not_numbers += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_with_one_unknown_amount_is_unknown_and_not_zero() {
        let mut tallies = [CountTally::default(); 3];
        let mut counts = ExecutionCounts::new(3);
        counts.add(0, Amount::Known(2.0));
        counts.add(0, Amount::Known(3.0));
        counts.add(1, Amount::Missing);
        counts.add(1, Amount::Known(3.0));
        counts.add(2, Amount::of(-1.0));
        counts.tell(&mut tallies);
        assert_eq!(
            tallies.map(|tally| (tally.known, tally.sum, tally.missing, tally.not_numbers)),
            [(1, 5.0, 0, 0), (0, 0.0, 1, 0), (0, 0.0, 0, 1)]
        );
    }

    #[test]
    fn only_finite_numbers_from_zero_are_amounts() {
        for wrong in [-0.5, f64::NAN, f64::INFINITY] {
            assert_eq!(Amount::of(wrong), Amount::NotANumber, "{wrong}");
        }
        assert_eq!(Amount::of(0.0), Amount::Known(0.0));
    }
}
