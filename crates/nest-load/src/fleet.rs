//! Load from many machines: a coordinator and its workers, which talk over NATS.
//!
//! - `coordinator`: a crew for the engine; `worker`: one of its workers
//! - `broker`: the connection; `driver`: what is asynchronous, for whoever is not
//! - `program`: what workers run; `parts`: things longer than a message; `news`: what happens
//! - `message`: what they tell each other; `clock`: how far their clocks are apart; `ledger`: what is left of
//!   a worker that is lost; `lease`: rows of feeds, dealt before a step (all pure)

pub mod broker;
mod clock;
mod coordinator;
mod driver;
mod ledger;
pub(crate) mod lease;
mod message;
mod news;
mod parts;
mod program;
mod worker;

use std::hash::{BuildHasher, RandomState};

use futures_util::Stream;

pub(crate) use clock::judge as judge_clock;

pub use broker::{BrokerAccess, PlainBroker};
pub use coordinator::{Fleet, FleetOptions};
pub use message::{is_session, is_token};
pub use news::{FleetListener, FleetNews};
pub use worker::{WorkerOptions, work};

/// 16 hexadecimal digits that no other process draws. They are no secret.
fn nonce() -> String {
    format!("{:016x}", RandomState::new().hash_one(std::process::id()))
}

/// The next message of a subscription; `None` once it is closed.
async fn next(subscriber: &mut async_nats::Subscriber) -> Option<async_nats::Message> {
    std::future::poll_fn(|context| std::pin::Pin::new(&mut *subscriber).poll_next(context)).await
}
