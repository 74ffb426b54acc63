//! Looks things up in a book, with an error that offers the nearest name.

use jiff::civil::Date;
use nest_data::{
    PriceBook,
    config::Config,
    diagnostic::nearest,
    price_book::{Commitment, Instance, Meter, Plan},
    study::Study,
};
use rust_decimal::Decimal;

use crate::error::ModelError;

/// A book as one configuration sees it.
#[derive(Clone, Copy)]
pub struct Finder<'a> {
    pub name: &'a str,
    pub book: &'a PriceBook,
    pub on: Date,          // the day whose prices are used
    pub months: f64,       // after the start of growth
    pub exchange: Decimal, // units of the study's currency for one of the book's
}

impl<'a> Finder<'a> {
    /// One for each placement of a configuration.
    pub fn of(
        study: &'a Study,
        name: &'a str,
        config: &'a Config,
        books: &'a [PriceBook],
        on: Date,
        months: f64,
    ) -> Result<Vec<Self>, ModelError> {
        let one = |book_name: &str| {
            let book = books
                .iter()
                .find(|book| book.name() == book_name)
                .ok_or_else(|| ModelError::BookMissing {
                    config: name.to_owned(),
                    book: book_name.to_owned(),
                    known: books.iter().map(PriceBook::name).collect::<Vec<_>>().join(", "),
                })?;
            let exchange = if book.currency == study.study.currency {
                Decimal::ONE
            } else {
                let no_rate = || ModelError::Currency {
                    config: name.to_owned(),
                    book: book.currency.clone(),
                    study: study.study.currency.clone(),
                };
                study.exchange.get(&book.currency).ok_or_else(no_rate)?.rate.0
            };
            Ok(Self {
                name,
                book,
                on,
                months,
                exchange,
            })
        };
        config.books().map(one).collect()
    }

    pub fn meter(&self, id: &str) -> Result<&'a Meter, ModelError> {
        self.book
            .meter(id, self.on)
            .ok_or_else(|| self.unknown("meter", id, self.book.meter.iter().map(|meter| meter.id.as_str())))
    }

    /// The first meter of several names that the book has.
    pub fn meter_of(&self, ids: &[String]) -> Option<&'a Meter> {
        ids.iter().find_map(|id| self.book.meter(id, self.on))
    }

    pub fn instance(&self, sku: &str) -> Result<&'a Instance, ModelError> {
        self.book
            .instance(sku, self.on)
            .ok_or_else(|| ModelError::UnknownSku {
                config: self.name.to_owned(),
                sku: sku.to_owned(),
                book: self.book.name(),
                offer: offer(
                    sku,
                    self.book.instance.iter().map(|instance| instance.sku.as_str()),
                ),
            })
    }

    pub fn commitment(&self, id: &str) -> Result<&'a Commitment, ModelError> {
        self.book.commitment(id).ok_or_else(|| {
            self.unknown(
                "commitment",
                id,
                self.book.commitment.iter().map(|one| one.id.as_str()),
            )
        })
    }

    pub fn plan(&self, id: &str) -> Result<&'a Plan, ModelError> {
        self.book
            .plan(id)
            .ok_or_else(|| self.unknown("plan", id, self.book.plan.iter().map(|one| one.id.as_str())))
    }

    /// What the user's contract leaves of a list price, as a factor.
    pub fn contract(&self, name: &str) -> Decimal {
        crate::pricing::contract_factor(&self.book.adjustment, name)
    }

    pub fn limit(&self, id: &str) -> Option<f64> {
        self.book
            .limit(id)
            .map(|limit| crate::pricing::float(limit.value.0))
    }

    pub fn unknown<'b>(
        &self,
        what: &'static str,
        id: &str,
        known: impl Iterator<Item = &'b str>,
    ) -> ModelError {
        ModelError::UnknownMeter {
            config: self.name.to_owned(),
            what,
            id: id.to_owned(),
            book: self.book.name(),
            offer: offer(id, known),
        }
    }
}

fn offer<'b>(written: &str, known: impl Iterator<Item = &'b str>) -> String {
    nearest(written, known).map_or_else(String::new, |near| format!("; did you mean {near}?"))
}
