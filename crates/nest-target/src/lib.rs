//! The embedded demo shop: a real HTTP service on a real SQLite file, whose service demands are *set*, so
//! that everything measured and fitted later can be checked against the truth.
//!
//! One thread does the network only. Each execution of a behaviour goes through a bounded queue to a pool of
//! worker threads, which do the real work on SQLite and then burn CPU until the set demand is spent:
//!
//! ```text
//! client --HTTP--> network thread --queue--> worker --answer--> network thread --HTTP--> client
//!                                        (SQLite, lock, second tier, burn)
//! ```
//!
//! A set demand is the total CPU of one execution, network thread included: the cost of an empty request is
//! calibrated at start and subtracted from what the worker burns. The [`Ledger`] counts what was really
//! spent.
//!
//! | route | behaviour | answer |
//! |---|---|---|
//! | `POST /login` `{"customer": 7}` | `login` | 200 `{"session": ".."}` and the cookie `session` |
//! | `GET /items?page=1` | `browse` | 200, a list of at most 20 items |
//! | `GET /search?q=oak` | `search` | 200 `{"hits": [..]}` |
//! | `POST /pay` `{"amount": "12.50"}`, cookie | `pay` | 201 `{"payment": 101}`, on disk |
//! | `GET /receipts/1`, cookie | `receipt` | 200 `{"receipt": 1, ..}` |
//! | `POST /describe` `{"item": 7, "words": 60}` | `describe` | 200 `{"usage": {..}, ..}` |
//! | `GET /healthz`, `/empty`, `/ledger`; `POST /reset` | | 200, no set demand, not in the ledger |
//!
//! `usage` of a description has the tokens that a language model would have used, under the names of its
//! APIs: `prompt_tokens`, `completion_tokens` and `prompt_tokens_details.cached_tokens`. They follow from the
//! request alone, and the ledger adds them up.
//!
//! A refused request (400, 401, 404, 503) is answered with `{"error": ".."}`; it burns nothing, and the
//! ledger does not count it.
//!
//! ```no_run
//! use nest_target::{ShopOptions, serve};
//!
//! let options = ShopOptions::new("shop.sqlite");
//! serve(&options, |address| eprintln!("shop at {address}"), std::future::pending())?;
//! # Ok::<(), nest_target::TargetError>(())
//! ```

mod behaviour;
mod calibration;
mod clock;
mod cores;
mod error;
mod ledger;
mod options;
mod serve;
mod shop;
mod tier;

pub use behaviour::ShopBehaviour;
pub use error::TargetError;
pub use ledger::{Ledger, LedgerEntry, TokenUsage};
pub use options::{Demands, ShopOptions, TierOptions};
pub use serve::serve;
pub use tier::serve_tier;
