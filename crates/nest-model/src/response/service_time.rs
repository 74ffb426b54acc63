//! The shape of a time without queueing, as far as p50, p95 and p99 tell it.

use std::sync::LazyLock;

use super::QUANTILES;

/// Shares of executions whose service time is longer, at the upper edges of the cells into which service
/// times are cut; the last is open.
const EDGES: [f64; CELLS] = [
    1.0, 0.85, 0.7, 0.55, 0.4, 0.28, 0.18, 0.1, 0.05, 0.025, 0.01, 0.004,
];
/// Number of those cells.
const CELLS: usize = 12;

/// Where a cell's time lies: on which segment, how many of its spreads from the start, and the share of
/// executions in the cell.
static PLACES: LazyLock<[(usize, f64, f64); CELLS]> = LazyLock::new(|| {
    std::array::from_fn(|index| {
        let (above, below) = (EDGES[index], EDGES.get(index + 1).copied().unwrap_or(0.0));
        // The middle of a cell; of the open one the mean of its exponential tail.
        let longer = if below > 0.0 {
            (above + below) / 2.0
        } else {
            above / std::f64::consts::E
        };
        let segment = STARTS.iter().rposition(|start| longer <= *start).unwrap_or(0);
        (segment, (STARTS[segment] / longer).ln(), above - below)
    })
});

/// Shares of executions that are longer where a segment starts.
const STARTS: [f64; 3] = [1.0, 1.0 - QUANTILES[0], 1.0 - QUANTILES[1]];

/// A piece of the survival function: from its start on it falls by the factor e in a spread.
#[derive(Debug, Clone, Copy, PartialEq)]
struct SurvivalSegment {
    start: f64,
    spread: f64,
}

/// Survival of a service time that is log-linear between its quantiles, in their unit; it begins where an
/// exponential time with the distance from p50 to p95 would, but not below 0.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ServiceTimeShape([SurvivalSegment; 3]);

impl ServiceTimeShape {
    /// Of p50, p95 and p99.
    pub(super) fn new(quantiles: &[f64; 3]) -> Self {
        let [p50, p95, p99] = *quantiles;
        let middle = ((p95 - p50) / (STARTS[1] / STARTS[2]).ln()).max(0.0);
        let far = ((p99 - p95) / (STARTS[2] / (1.0 - QUANTILES[2])).ln()).max(0.0);
        let least = (p50 - middle * 2_f64.ln()).max(0.0);
        let segment = |start, spread| SurvivalSegment { start, spread };
        Self([
            segment(least, (p50 - least) / 2_f64.ln()),
            segment(p50, middle),
            segment(p95.max(p50), far),
        ])
    }

    /// Times in cells, each with the share of executions in it.
    pub(super) fn cells(&self) -> [(f64, f64); CELLS] {
        PLACES.map(|(segment, spreads, share)| {
            (self.0[segment].start + spreads * self.0[segment].spread, share)
        })
    }

    /// Share of executions whose service time is longer, and its density there.
    pub(super) fn survival(&self, time: f64) -> (f64, f64) {
        let Some(index) = self.0.iter().rposition(|segment| time >= segment.start) else {
            return (1.0, 0.0);
        };
        let SurvivalSegment { start, spread } = self.0[index];
        if spread <= 0.0 {
            return (if time > start { 0.0 } else { STARTS[index] }, 0.0);
        }
        let longer = STARTS[index] * ((start - time) / spread).exp();
        (longer, longer / spread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exponential_time_keeps_its_survival_and_its_mean() {
        let own = ServiceTimeShape::new(&QUANTILES.map(|quantile| -(1.0 - quantile).ln()));
        for time in [0.1_f64, 0.6, 1.0, 3.0, 4.0, 7.0] {
            let (longer, density) = own.survival(time);
            assert!(
                (longer / (-time).exp() - 1.0).abs() < 1e-9 && (density / longer - 1.0).abs() < 1e-9,
                "{time}: {longer}"
            );
        }
        let mean: f64 = own.cells().iter().map(|(time, share)| time * share).sum();
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
    }

    #[test]
    fn a_constant_time_is_one_step() {
        let own = ServiceTimeShape::new(&[2.0; 3]);
        assert_eq!((own.survival(1.9).0, own.survival(2.1).0), (1.0, 0.0));
        assert!(own.cells().iter().all(|(time, _)| *time == 2.0));
    }
}
