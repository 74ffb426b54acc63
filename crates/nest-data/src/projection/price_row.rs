//! Prices on a bill: how old each is, and how much of the bill rests on it.

use serde::{Deserialize, Serialize};

use crate::{price_book::Confidence, units::QuotedDecimal};

/// One price on a bill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PriceRow {
    /// The configuration on whose bill it is.
    pub config: String,
    /// What it is the price of: an instance type or a meter.
    pub item: String,
    /// Book that holds it: provider and region.
    pub book: String,
    /// Name of its source in the book.
    pub source: String,
    /// Where the source is.
    pub url: Option<String>,
    /// When it was seen, as written in the book.
    pub observed_on: String,
    /// Age on the day of the projection, in days; below 0 if it was seen after that day.
    pub age_days: i64,
    /// Age in days above which its book calls it old; `None` if that is not known.
    #[serde(default)]
    pub stale_after_days: Option<i64>,
    /// How direct the source is.
    pub confidence: Confidence,
    /// What rests on it, a month at the headline's customers; `None` if the price is not known.
    pub amount: Option<QuotedDecimal>,
    /// Its share of that bill, 0-1.
    pub share: f64,
}

impl PriceRow {
    /// Whether it is known and older than its book allows. What is not known has no age.
    #[must_use]
    pub fn is_old(&self) -> bool {
        self.amount.is_some() && self.stale_after_days.is_some_and(|most| self.age_days > most)
    }
}
