//! When each execution is due, and what customers do in between. Pure.
//!
//! - `load`: the load of one step
//! - `rate_bound`: the most requests that are sent per second
//! - `pacer`: the schedule of starts that do not wait for answers; `checksum`: two schedules compared
//! - `think`: pauses and choices of customers who decide for themselves

pub mod checksum;
pub mod load;
pub mod pacer;
pub mod rate_bound;
pub mod think;
