//! Numbers as people read them, with the digits that their interval supports. Reports round numbers nowhere
//! else.
//!
//! An interval is cut to two significant digits of its width, and its value to the same digit: 46,613 known
//! to lie between 43,122 and 50,921 is printed as `46,600 [43,100 … 50,900]`. Exact numbers keep their
//! digits.

mod chance;
mod date;
mod digits;
mod money;
mod quantity;
mod spreadsheet_text;

pub use chance::{age, cases, chance, chance_cell, rough_percent};
pub use date::{day, month};
pub(crate) use digits::grouped;
pub use digits::{estimate, number};
pub(crate) use money::round_to;
pub use money::{amount, apportion, apportion_whole, decimal, money, money_change, money_value};
pub use quantity::{bytes, duration, percent, quantity, quantity_estimate, share_change};
pub use spreadsheet_text::spreadsheet_text;
