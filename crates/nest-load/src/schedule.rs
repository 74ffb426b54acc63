//! When each execution is due, and what customers do in between. Pure.
//!
//! - `load`: the load of one step
//! - `pacer`: the schedule of starts that do not wait for answers; `checksum`: two schedules compared
//! - `think`: pauses and choices of customers who decide for themselves

pub mod checksum;
pub mod load;
pub mod pacer;
pub mod think;
