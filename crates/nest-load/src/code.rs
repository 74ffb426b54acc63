//! Behaviours written in Rust. Whatever protocol they speak, they are planned, measured, fitted and priced
//! like those of a file; what they send by HTTP goes through the same exchange.
//!
//! A crate of your own implements [`Behaviour`], registers it and hands the registry to `locust_nest::run`,
//! so that its binary has every verb.

pub(crate) mod behaviour;
pub(crate) mod context;
mod failure;
pub(crate) mod registry;

pub use behaviour::Behaviour;
pub use context::{ExecutionContext, HttpResponse, TargetAddress};
pub use failure::Failure;
pub use registry::Registry;
