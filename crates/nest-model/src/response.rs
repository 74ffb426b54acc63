//! Response times: read from histograms, and their quantiles against utilisation.
//!
//! - [`histogram`], [`responses`]: what was measured in a step
//! - [`fit_laws`]: the laws of all behaviours at one resource
//! - [`QueueingDelay`], [`estimate_at`], [`highest_utilisation`]: what the laws say at a utilisation

mod fit;
mod measured;
mod pool;
mod queueing_delay;
mod service_time;

pub use fit::{MeasuredStation, Observed, fit_laws};
pub use measured::{Hdr, QUANTILES, StepResponse, histogram, points, responses};
pub use queueing_delay::{
    HIGHEST_TRUSTED, QueueingDelay, QueueingDelays, estimate_at, highest_utilisation, ordered_seconds,
    queueing_delay,
};
