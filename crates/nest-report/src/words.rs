//! What limits, inputs, dates and amounts are called by people who do not run servers.
//!
//! The page, the summary and the terminal take their words from here, so that a thing has one name
//! everywhere.
//! Names that the study gives stand in backticks.

mod amount;
mod compared;
mod count;
mod date;
mod difference;
mod event;
mod input;
mod limit;
mod name;
mod price;
mod unit;

pub(crate) use amount::{
    amount, change, change_interval, money, money_change, money_interval, symbol, uneven_change,
};
pub(crate) use compared::{Compared, total_of, totals};
pub(crate) use count::{an_ordinal, count, count_interval, customers, ordinal, share};
pub(crate) use date::{full_month, limit_date, month, reached};
pub(crate) use difference::{between, size, surely};
pub(crate) use event::event;
pub(crate) use input::{input, input_name, input_range};
pub(crate) use limit::{cause, limit, limit_label, purpose_of_reserve, resource};
pub(crate) use name::{capital, clean, listed, name, turns};
pub(crate) use price::{allowed_age, allowed_days};
pub(crate) use unit::{has_stand_by, unit_of, unit_word};
