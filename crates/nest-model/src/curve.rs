//! Throughput curves: what a new observation will show at a level that nobody measured.

pub mod discrepancy;
pub mod posterior;
pub mod predictive;
pub mod prior;
pub mod series;
pub mod shape;

/// What the levels of a series count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Axis {
    /// Customers or clients on fixed hardware.
    Customers,
    /// Threads, replicas, nodes.
    Servers,
}

/// Why a series has no curve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CurveRefusal {
    /// Fewer than three distinct levels.
    #[error("{distinct} distinct levels, 3 needed ({left_out} observations left out)")]
    TooFewLevels {
        /// Distinct levels with a positive throughput.
        distinct: usize,
        /// Observations left out.
        left_out: usize,
    },
    /// No law has a finite likelihood.
    #[error("no law fits these numbers")]
    NoLaw,
}
