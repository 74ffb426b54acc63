//! Load from many machines: a coordinator and its workers, which talk over NATS.
//!
//! - `coordinator`: a crew for the engine; `worker`: one of its workers
//! - `broker`, `wire`: the connection; `driver`: what is asynchronous, for whoever is not
//! - `examine`: whether this machine could be part of a fleet
//! - `program`: what workers run; `parts`: things longer than a message; `news`: what happens
//! - `message`: what they tell each other; `clock`: how far their clocks are apart; `ledger`: what is left of
//!   a worker that is lost; `lease`: rows of feeds, dealt before a step (all pure)

pub mod broker;
pub(crate) mod clock;
mod coordinator;
mod driver;
mod examine;
pub(crate) mod lease;
mod ledger;
mod message;
mod news;
mod parts;
mod program;
mod readers;
mod wire;
mod worker;

pub use broker::{BrokerAccess, PlainBroker};
pub use coordinator::{Fleet, FleetOptions};
pub use examine::{examine, examine_route};
pub use message::{is_session, is_token};
pub use news::{FleetListener, FleetNews};
pub use readers::reads_message;
pub use worker::{WorkerOptions, work};
