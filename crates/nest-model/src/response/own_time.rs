//! The shape of a time without queueing, as far as p50, p95 and p99 tell it.

use super::QUANTILES;

/// Shares of executions whose own time is longer, at the edges of the cells into which own times are cut; the last is open.
const EDGES: [f64; CELLS] = [1.0, 0.85, 0.7, 0.55, 0.4, 0.28, 0.18, 0.1, 0.05, 0.025, 0.01, 0.004];
/// Number of those cells.
const CELLS: usize = 12;

/// Own times in cells, each with its weight: `(time, weight)`. Times are in the unit of `own`, the three quantiles.
pub(super) fn cells(own: &[f64; 3]) -> [(f64, f64); CELLS] {
    std::array::from_fn(|index| {
        let (above, below) = (EDGES[index], EDGES.get(index + 1).copied().unwrap_or(0.0));
        // The middle of a cell; of the open one the mean of its exponential tail.
        let middle = if below > 0.0 { (above + below) / 2.0 } else { above / std::f64::consts::E };
        (quantile(own, middle), above - below)
    })
}

/// Own time that a share of executions exceeds.
fn quantile(own: &[f64; 3], longer: f64) -> f64 {
    let ((from, time), slope) = segments(own).into_iter().rev().find(|((from, _), _)| longer <= *from).unwrap_or(((1.0, own[0]), 0.0));
    time + (from / longer).ln() * slope
}

/// Where the survival is 1, 0.5, 0.05 and how many seconds it takes from there to fall by the factor e, log-linear.
fn segments(own: &[f64; 3]) -> [((f64, f64), f64); 3] {
    let spread = |from: usize| ((own[from + 1] - own[from]) / ((1.0 - QUANTILES[from]) / (1.0 - QUANTILES[from + 1])).ln()).max(0.0);
    let least = (own[0] - spread(0) * 2_f64.ln()).max(0.0);
    let first = (own[0] - least) / 2_f64.ln();
    [((1.0, least), first), ((0.5, own[0]), spread(0)), ((0.05, own[1].max(own[0])), spread(1))]
}

/// P(own > time) and its density.
pub(super) fn survival(own: &[f64; 3], time: f64) -> (f64, f64) {
    let segments = segments(own);
    let Some(((from, start), spread)) = segments.into_iter().rev().find(|((_, start), _)| time >= *start) else { return (1.0, 0.0) };
    if spread <= 0.0 {
        return (if time > start { 0.0 } else { from }, 0.0);
    }
    let longer = from * ((start - time) / spread).exp();
    (longer, longer / spread)
}
