//! Which row of a feed an execution takes.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicU64, Ordering},
};

use nest_data::feed::{Feed, FeedOrder};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::{
    fleet::lease::{RowRange, row_at, rows_of},
    http::NoAnswer,
};

/// A feed with its order. Clones share the rows and what was taken.
#[derive(Debug, Clone)]
pub struct FeedReader {
    name: String,
    feed: Feed,
    order: FeedOrder,
    seed: u64,
    taken: Arc<Taken>,
}

/// The rows of a unique feed that may be taken here, and how many were.
#[derive(Debug, Default)]
struct Taken {
    count: AtomicU64,
    /// Some of the rows, where several machines share them; otherwise all.
    lease: RwLock<Option<Vec<RowRange>>>,
}

impl FeedReader {
    /// A feed of which nothing was taken.
    pub fn new(name: &str, feed: Feed, order: FeedOrder, seed: u64) -> Self {
        Self {
            name: name.to_owned(),
            feed,
            order,
            seed,
            taken: Arc::default(),
        }
    }

    /// How many rows it has, if each of them may be taken once only.
    pub fn unique_rows(&self) -> Option<u64> {
        (self.order == FeedOrder::Unique).then(|| self.feed.rows() as u64)
    }

    /// Only these rows of a unique feed may be taken from now on, of which none was taken yet.
    pub fn lease(&self, rows: Vec<RowRange>) {
        let mut lease = self.taken.lease.write().unwrap_or_else(PoisonError::into_inner);
        *lease = Some(rows);
        self.taken.count.store(0, Ordering::Relaxed);
    }

    /// How many rows of the lease were taken.
    pub fn taken(&self) -> u64 {
        let lease = self.taken.lease.read().unwrap_or_else(PoisonError::into_inner);
        let most = lease.as_deref().map_or(u64::MAX, rows_of);
        self.taken.count.load(Ordering::Relaxed).min(most)
    }

    /// The next row of a unique feed.
    fn unique(&self) -> Result<u64, NoAnswer> {
        let rows = self.feed.rows() as u64;
        let next = self.taken.count.fetch_add(1, Ordering::Relaxed);
        let lease = self.taken.lease.read().unwrap_or_else(PoisonError::into_inner);
        let (row, leased) = match lease.as_deref() {
            // A lease comes from another machine.
            Some(lease) => (
                row_at(lease, next).filter(|row| *row < rows),
                Some(rows_of(lease)),
            ),
            None => (Some(next).filter(|row| *row < rows), None),
        };
        row.ok_or_else(|| {
            let what = match leased {
                Some(leased) if leased < rows => format!(
                    "each of the {leased} of its {rows} rows that this worker may take in this step was \
                     taken; other workers may have rows left"
                ),
                _ => format!("each of its {rows} rows was taken"),
            };
            let reason = format!(
                "feed `{}` has run dry: {what}; give it more rows, or another order",
                self.name
            );
            NoAnswer::new("feed", reason)
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Index of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.feed.columns().iter().position(|column| column == name)
    }

    /// A cell.
    pub fn cell(&self, row: usize, column: usize) -> &str {
        self.feed.cell(row, column)
    }

    /// The row of execution `number`: by its number alone, so that two runs take the same ones; of a unique
    /// feed the next free one.
    fn row(&self, number: u64) -> Result<usize, NoAnswer> {
        let rows = self.feed.rows() as u64;
        let row = match self.order {
            FeedOrder::Sequential => number % rows,
            FeedOrder::Random => {
                Xoshiro256PlusPlus::seed_from_u64(self.seed ^ number.wrapping_mul(0xD129_0B97_2A8E_4C63))
                    .random_range(0..rows)
            }
            FeedOrder::Unique => self.unique()?,
        };
        Ok(row as usize)
    }
}

/// The rows of one execution: one of each feed, taken when first needed.
#[derive(Debug)]
pub struct FeedRows {
    number: u64,
    taken: Vec<Option<usize>>, // one per feed
}

impl FeedRows {
    /// Nothing taken yet by execution `number`.
    pub fn new(number: u64, feeds: usize) -> Self {
        Self {
            number,
            taken: vec![None; feeds],
        }
    }

    /// Everything in the rows that were taken.
    pub fn cells<'a>(&'a self, feeds: &'a [FeedReader]) -> impl Iterator<Item = &'a str> {
        let taken = self
            .taken
            .iter()
            .zip(feeds)
            .filter_map(|(row, feed)| Some((feed, (*row)?)));
        taken.flat_map(|(feed, row)| (0..feed.feed.columns().len()).map(move |column| feed.cell(row, column)))
    }

    /// The row of a feed.
    pub fn of(&mut self, index: usize, feed: &FeedReader) -> Result<usize, NoAnswer> {
        match self.taken.get(index).copied().flatten() {
            Some(row) => Ok(row),
            None => {
                let row = feed.row(self.number)?;
                if let Some(place) = self.taken.get_mut(index) {
                    *place = Some(row);
                }
                Ok(row)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use nest_data::Source;

    use super::*;

    fn reader(order: FeedOrder) -> FeedReader {
        let feed = Feed::read(&Source::new("users.csv", "name\na\nb\nc\n")).expect("valid");
        FeedReader::new("users", feed, order, 7)
    }

    fn rows(order: FeedOrder, numbers: std::ops::Range<u64>) -> Vec<Result<usize, NoAnswer>> {
        let reader = reader(order);
        numbers
            .map(|number| FeedRows::new(number, 1).of(0, &reader))
            .collect()
    }

    #[test]
    fn each_order_takes_its_rows() {
        assert_eq!(rows(FeedOrder::Sequential, 2..6), [Ok(2), Ok(0), Ok(1), Ok(2)]);
        assert_eq!(rows(FeedOrder::Random, 0..50), rows(FeedOrder::Random, 0..50));
        assert!(
            rows(FeedOrder::Random, 0..50)
                .iter()
                .any(|row| *row != rows(FeedOrder::Random, 0..1)[0])
        );
        let unique = rows(FeedOrder::Unique, 9..13);
        assert_eq!(unique[..3], [Ok(0), Ok(1), Ok(2)]);
        assert!(
            unique[3]
                .as_ref()
                .is_err_and(|dry| dry.kind == "feed" && dry.reason.contains("run dry")),
            "{unique:?}"
        );
    }

    #[test]
    fn of_a_unique_feed_that_is_shared_only_leased_rows_are_taken() {
        let reader = reader(FeedOrder::Unique);
        let row = || FeedRows::new(0, 1).of(0, &reader);
        reader.lease(vec![RowRange { from: 0, to: 1 }, RowRange { from: 2, to: 3 }]);
        assert_eq!((row(), row()), (Ok(0), Ok(2)));
        let dry = row().expect_err("the lease has two rows");
        assert!(dry.reason.contains("2 of its 3 rows"), "{}", dry.reason);
        assert_eq!((reader.taken(), reader.unique_rows()), (2, Some(3)));
        reader.lease(vec![RowRange { from: 1, to: 9 }]);
        assert_eq!((row(), row()), (Ok(1), Ok(2)));
        assert!(row().is_err(), "there is no row 3");
    }

    #[test]
    fn an_execution_keeps_its_row() {
        let reader = reader(FeedOrder::Unique);
        let mut rows = FeedRows::new(0, 1);
        assert_eq!((rows.of(0, &reader), rows.of(0, &reader)), (Ok(0), Ok(0)));
        assert_eq!(
            rows.cells(std::slice::from_ref(&reader)).collect::<Vec<_>>(),
            ["a"]
        );
        assert_eq!(FeedRows::new(0, 1).cells(&[reader]).count(), 0);
    }
}
