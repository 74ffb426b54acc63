//! Rows of unique feeds, dealt to workers before a step: a row is never dealt twice (pure).

use serde::{Deserialize, Serialize};

/// Rows from `from` up to and without `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowRange {
    pub from: u64,
    pub to: u64,
}

impl RowRange {
    /// How many rows it has.
    pub fn rows(self) -> u64 {
        self.to.saturating_sub(self.from)
    }
}

/// How many rows some ranges have.
pub fn rows_of(ranges: &[RowRange]) -> u64 {
    ranges.iter().map(|range| range.rows()).sum()
}

/// The row that comes after so many others of some ranges.
pub fn row_at(ranges: &[RowRange], taken: u64) -> Option<u64> {
    let mut left = taken;
    for range in ranges {
        if left < range.rows() {
            return Some(range.from + left);
        }
        left -= range.rows();
    }
    None
}

/// The rows of one feed that nobody has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowPool {
    free: Vec<RowRange>, // ascending
}

impl RowPool {
    /// All rows of a feed.
    pub fn new(rows: u64) -> Self {
        Self {
            free: vec![RowRange { from: 0, to: rows }],
        }
    }

    /// Rows that can be dealt.
    pub fn left(&self) -> u64 {
        rows_of(&self.free)
    }

    /// Deals all rows, in their order, in proportion to the slots of each worker.
    pub fn deal(&mut self, slots: &[usize]) -> Vec<Vec<RowRange>> {
        let total: u128 = slots.iter().map(|slots| *slots as u128).sum();
        let rows = u128::from(self.left());
        let mut ranges = std::mem::take(&mut self.free).into_iter();
        let mut current = ranges.next();
        let (mut before, mut dealt) = (0_u128, 0_u128);
        let mut shares = Vec::with_capacity(slots.len());
        for slots in slots {
            before += *slots as u128;
            let until = (rows * before).checked_div(total).unwrap_or(0);
            let mut wanted = (until - dealt) as u64;
            dealt = until;
            let mut share = Vec::new();
            while let Some(range) = current.filter(|_| wanted > 0) {
                let cut = range.from + wanted.min(range.rows());
                share.push(RowRange {
                    from: range.from,
                    to: cut,
                });
                wanted -= cut - range.from;
                current = if cut < range.to {
                    Some(RowRange {
                        from: cut,
                        to: range.to,
                    })
                } else {
                    ranges.next()
                };
            }
            shares.push(share);
        }
        self.free.extend(current.into_iter().chain(ranges));
        shares
    }

    /// Takes back what is left of a share of which `taken` rows were taken. A share that never comes back
    /// counts as taken.
    pub fn give_back(&mut self, share: &[RowRange], taken: u64) {
        let mut skipped = taken;
        for range in share {
            let skip = skipped.min(range.rows());
            skipped -= skip;
            if range.from + skip < range.to {
                self.free.push(RowRange {
                    from: range.from + skip,
                    to: range.to,
                });
            }
        }
        self.free.sort_by_key(|range| range.from);
        self.join_neighbours();
    }

    fn join_neighbours(&mut self) {
        let mut joined: Vec<RowRange> = Vec::with_capacity(self.free.len());
        for range in self.free.drain(..) {
            match joined.last_mut() {
                Some(last) if last.to == range.from => last.to = range.to,
                _ => joined.push(range),
            }
        }
        self.free = joined;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_row_is_taken_twice_and_none_is_lost_but_with_its_worker(
            rows in 0..200_u64,
            rounds in proptest::collection::vec(
                proptest::collection::vec((1..5_usize, 0..80_u64, prop::bool::weighted(0.1)), 1..5), 1..6),
        ) {
            let mut pool = RowPool::new(rows);
            let (mut taken, mut lost) = (BTreeSet::new(), 0);
            for workers in rounds {
                let slots: Vec<usize> = workers.iter().map(|(slots, ..)| *slots).collect();
                let left = pool.left();
                let shares = pool.deal(&slots);
                prop_assert_eq!(pool.left(), 0, "everything is dealt");
                prop_assert_eq!(shares.iter().map(|share| rows_of(share)).sum::<u64>(), left);
                for (share, (_, wanted, is_lost)) in shares.iter().zip(workers) {
                    let takes = wanted.min(rows_of(share));
                    for index in 0..takes {
                        let row = row_at(share, index).expect("it is within the share");
                        prop_assert!(taken.insert(row), "row {row} was taken twice");
                    }
                    prop_assert_eq!(row_at(share, rows_of(share)), None);
                    if is_lost {
                        lost += rows_of(share) - takes;
                    } else {
                        pool.give_back(share, takes);
                    }
                }
            }
            prop_assert_eq!(pool.left() + taken.len() as u64 + lost, rows);
        }
    }

    #[test]
    fn rows_are_dealt_in_order_and_by_slots() {
        let mut pool = RowPool::new(12);
        let range = |from, to| RowRange { from, to };
        let shares = pool.deal(&[2, 1, 1]);
        assert_eq!(shares, [vec![range(0, 6)], vec![range(6, 9)], vec![range(9, 12)]]);
        pool.give_back(&shares[2], 0);
        pool.give_back(&shares[0], 5);
        assert_eq!(pool.deal(&[1]), [vec![range(5, 6), range(9, 12)]]);
    }

    #[test]
    fn what_comes_back_untouched_is_whole_again() {
        let mut pool = RowPool::new(9);
        for share in pool.deal(&[1, 1, 1]) {
            pool.give_back(&share, 0);
        }
        assert_eq!(pool, RowPool::new(9));
    }
}
