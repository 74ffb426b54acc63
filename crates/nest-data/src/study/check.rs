//! What a study must satisfy beyond its schema.

pub mod behaviour;
pub(crate) mod config;
pub(crate) mod customers;
pub(crate) mod growth;
pub(crate) mod policy;
pub(crate) mod probe;
