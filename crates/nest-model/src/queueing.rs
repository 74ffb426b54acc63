//! Queueing formulas: delay, response time and throughput of stations with known service demand.
//!
//! - [`erlang_b`], [`erlang_c`], [`relative_wait`]: probability and mean of delay at several servers
//! - [`response_tail`], [`response_quantile`], [`waiting_quantile`], [`least_servers`]: response times of
//!   M/M/c
//! - [`finite_buffer`]: blocking if only so many fit in; [`single_server_wait`], [`general_wait`]: general
//!   service times
//! - [`closed_forecast`]: customers who wait and think, exactly, at stations of one or several servers;
//!   [`closed_bounds`]
//! - [`several_classes`], [`open_classes`]: customers of different kinds at shared stations
//!
//! Everything here is a formula: nothing is fitted. Arguments outside the range that a function states give
//! infinity, an end of the range or `None`, as it says, never a number that looks plausible.

mod bounds;
mod classes;
mod closed;
mod delay;
mod finite_buffer;
mod general;
mod multi_server;

pub use bounds::{ClosedBounds, closed_bounds};
pub use classes::{
    ClassForecast, ClassesForecast, ClosedClass, approximate_classes, exact_classes, open_classes,
    several_classes,
};
pub use closed::{ClosedPoint, ClosedStation, closed_forecast, seidmann};
pub use delay::{erlang_b, erlang_c, relative_wait};
pub use finite_buffer::{FiniteBuffer, finite_buffer};
pub use general::{ServiceMoments, general_wait, mixed_service, single_server_wait};
pub use multi_server::{
    ServerTarget, least_servers, mean_response, response_quantile, response_tail, waiting_quantile,
};
