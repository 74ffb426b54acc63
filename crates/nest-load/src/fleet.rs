//! Load from many machines: a coordinator and its workers, which talk over NATS.
//!
//! - `message`: what they tell each other; `clock`: how far their clocks are apart; `ledger`: what is left of
//!   a worker that is lost; `lease`: rows of feeds, dealt before a step (all pure)

mod clock;
mod ledger;
mod lease;
mod message;
