//! The prior of the grid: how real curves went on beyond the part that they were fitted to.

use std::sync::LazyLock;

use super::{
    LoadAxis,
    collapse::Collapse,
    discrepancy::{DRIFTS, NOISES},
    learned,
    shape::{COHERENCIES, KNEES, NODES, SHARPNESSES},
};

/// Log2 of the highest measured levels near which priors were learnt: a curve measured up to 4 threads mostly
/// goes on growing, one measured up to 256 mostly does not. Customers think for as long as they like, so that
/// their number says nothing of the kind.
pub const CENTRES: [f64; 5] = [2.0, 3.5, 5.0, 6.5, 8.0];
/// Octaves from the nearest learnt level from which on only what all curves have in common counts: the curves
/// say nothing of levels so far away.
const FAR: f64 = 1.5;
/// Share of the prior that is what all curves have in common.
const COMMON: f64 = 0.2;
/// Largest noise of one observation of a system that follows Amdahl's law.
const AMDAHL_NOISE: f64 = 0.06;
/// Largest drift over an octave of it.
const AMDAHL_DRIFT: f64 = 0.035;

/// What was learnt, as `learned.rs` holds it.
pub(super) struct PriorTable {
    /// Probability of each knee (rows) and coherency.
    pub tail: [[f64; COHERENCIES.len()]; KNEES.len()],
    /// Probability of each sharpness.
    pub sharpness: [f64; SHARPNESSES.len()],
    /// Probability of each noise (rows) and drift.
    pub discrepancy: [[f64; DRIFTS.len()]; NOISES.len()],
}

/// A family of sources, as `learned.rs` holds it.
pub(super) struct FamilyTable {
    /// What its curves look like.
    pub kind: PriorTable,
    /// How much of it was measured near each of [`CENTRES`].
    pub nearness: [f64; CENTRES.len()],
}

/// A kind of curve: probabilities on the grid, each group summing to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct CurveKind {
    /// Of (knee, coherency), knees outermost.
    pub tail: Vec<f64>,
    /// Of the sharpness.
    pub sharpness: Vec<f64>,
    /// Of (noise, drift), noises outermost.
    pub discrepancy: Vec<f64>,
}

impl CurveKind {
    /// Where nothing is known.
    #[must_use]
    pub fn flat() -> Self {
        let even = |count: usize| vec![1.0 / count as f64; count];
        Self {
            tail: even(KNEES.len() * COHERENCIES.len()),
            sharpness: even(SHARPNESSES.len()),
            discrepancy: even(NOISES.len() * DRIFTS.len()),
        }
    }

    /// Amdahl's law: sharpness 1, no coherency, any knee; a noise of up to 6 % and little drift.
    fn amdahl() -> Self {
        let even = |holds: &[bool]| {
            let held = holds.iter().filter(|holds| **holds).count() as f64;
            holds
                .iter()
                .map(|holds| f64::from(u8::from(*holds)) / held)
                .collect::<Vec<f64>>()
        };
        let pairs = |rows: &[bool], columns: &[bool]| {
            let of = |row: &bool| {
                columns
                    .iter()
                    .map(|column| *row && *column)
                    .collect::<Vec<bool>>()
            };
            even(&rows.iter().flat_map(of).collect::<Vec<bool>>())
        };
        Self {
            tail: pairs(
                &KNEES.map(|_| true),
                &COHERENCIES.map(|coherency| coherency == 0.0),
            ),
            sharpness: even(&SHARPNESSES.map(|sharpness| sharpness == 1.0)),
            discrepancy: pairs(
                &NOISES.map(|noise| noise <= AMDAHL_NOISE),
                &DRIFTS.map(|drift| drift <= AMDAHL_DRIFT),
            ),
        }
    }

    /// Probability of every shape of the grid, in its order.
    fn shapes(&self) -> Vec<f64> {
        let probabilities_of_knee = |knee: usize| {
            let tail = &self.tail[knee * COHERENCIES.len()..(knee + 1) * COHERENCIES.len()];
            self.sharpness
                .iter()
                .flat_map(move |sharpness| tail.iter().map(move |tail| tail * sharpness))
        };
        (0..KNEES.len()).flat_map(probabilities_of_knee).collect()
    }
}

impl From<&PriorTable> for CurveKind {
    fn from(table: &PriorTable) -> Self {
        Self {
            tail: table.tail.concat(),
            sharpness: table.sharpness.to_vec(),
            discrepancy: table.discrepancy.concat(),
        }
    }
}

/// Log probability of every node of the grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Prior {
    logs: Vec<Vec<f64>>, // by (noise, drift), noises outermost, then by shape
}

impl Prior {
    /// The mixture of kinds, each with its weight; the weights sum to 1.
    #[must_use]
    pub fn new(kinds: &[(f64, &CurveKind)]) -> Self {
        let shapes: Vec<Vec<f64>> = kinds.iter().map(|(_, kind)| kind.shapes()).collect();
        let probability = |discrepancy: usize| {
            let mut sum = vec![0.0; NODES];
            for ((weight, kind), shapes) in kinds.iter().zip(&shapes) {
                let share = weight * kind.discrepancy[discrepancy];
                sum.iter_mut()
                    .zip(shapes)
                    .for_each(|(sum, shape)| *sum += share * shape);
            }
            sum.into_iter().map(f64::ln).collect()
        };
        Self {
            logs: (0..NOISES.len() * DRIFTS.len()).map(probability).collect(),
        }
    }

    /// Log probability of every shape of the grid, in its order, together with a discrepancy.
    #[must_use]
    pub fn log_shapes(&self, discrepancy: usize) -> &[f64] {
        &self.logs[discrepancy]
    }
}

/// How the curves of one family of sources look: all runs of one benchmark, or all of one publisher.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceFamily {
    /// What they look like.
    pub kind: CurveKind,
    /// How much of it was measured near each of [`CENTRES`], above 0; only ratios between families count.
    pub nearness: [f64; CENTRES.len()],
}

impl From<&FamilyTable> for SourceFamily {
    fn from(table: &FamilyTable) -> Self {
        Self {
            kind: CurveKind::from(&table.kind),
            nearness: table.nearness,
        }
    }
}

/// What was learnt from real curves: how they go on, and how often they collapse.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnedPrior {
    overall: Prior,
    near: Vec<Prior>, // by centre
    /// How often curves collapse beyond what was measured.
    pub collapse: Collapse,
}

impl LearnedPrior {
    /// From what all curves have in common, and from how they look in each family (at least one): a new curve
    /// may be like those of any family, and what was measured of it tells which. `of_servers` is how much of
    /// threads, replicas and nodes was measured near each of [`CENTRES`], on the mean over their families:
    /// there Amdahl's law is one more family.
    #[must_use]
    pub fn new(
        common: &CurveKind,
        families: &[SourceFamily],
        of_servers: &[f64; CENTRES.len()],
        collapse: Collapse,
    ) -> Self {
        let amdahl = CurveKind::amdahl();
        let mixed = |nearness: &dyn Fn(&SourceFamily) -> f64, of_amdahl: f64| {
            let mut kinds: Vec<(f64, &CurveKind)> = families
                .iter()
                .map(|family| (nearness(family), &family.kind))
                .collect();
            kinds.push((of_amdahl, &amdahl));
            let total: f64 = kinds.iter().map(|kind| kind.0).sum();
            for kind in &mut kinds {
                kind.0 *= (1.0 - COMMON) / total;
            }
            kinds.push((COMMON, common));
            Prior::new(&kinds)
        };
        let near = |centre: usize| mixed(&|family| family.nearness[centre], of_servers[centre]);
        Self {
            overall: mixed(&|_| 1.0, 0.0),
            near: (0..CENTRES.len()).map(near).collect(),
            collapse,
        }
    }

    /// From all public sources: the numbers in `learned.rs`.
    #[must_use]
    pub fn of_all_sources() -> &'static Self {
        static LEARNED: LazyLock<LearnedPrior> = LazyLock::new(|| {
            let families: Vec<SourceFamily> = learned::FAMILIES.iter().map(SourceFamily::from).collect();
            LearnedPrior::new(
                &CurveKind::from(&learned::COMMON),
                &families,
                &learned::OF_SERVERS,
                learned::COLLAPSE,
            )
        });
        &LEARNED
    }

    /// For a series measured up to level `last`.
    #[must_use]
    pub fn for_series(&self, axis: LoadAxis, last: f64) -> &Prior {
        let off = |centre: usize| (CENTRES[centre] - last.log2()).abs();
        let nearest = (1..CENTRES.len()).fold(
            0,
            |best, centre| if off(centre) < off(best) { centre } else { best },
        );
        if axis == LoadAxis::Customers || off(nearest) > FAR {
            &self.overall
        } else {
            &self.near[nearest]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::shape::{Shape, grid};

    #[test]
    fn amdahls_law_has_sharpness_one_no_coherency_and_every_knee() {
        let shapes = CurveKind::amdahl().shapes();
        assert!((shapes.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let of_the_law = |shape: &Shape| shape.sharpness == 1.0 && shape.coherency == 0.0;
        for (shape, probability) in grid().iter().zip(&shapes) {
            assert_eq!(*probability > 0.0, of_the_law(shape), "{shape:?}");
        }
        assert!((CurveKind::amdahl().discrepancy.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    /// A tenth of what is near a level is Amdahl's law if its families have nine times as much.
    #[test]
    fn amdahls_law_counts_as_one_more_family_of_servers_and_not_of_customers() {
        let family = SourceFamily {
            kind: CurveKind::flat(),
            nearness: [0.9; CENTRES.len()],
        };
        let learned = LearnedPrior::new(
            &CurveKind::flat(),
            &[family],
            &[0.1; CENTRES.len()],
            Collapse::NEVER,
        );
        let of_the_law = grid()
            .iter()
            .position(|shape| shape.sharpness == 1.0 && shape.coherency == 0.0)
            .expect("Amdahl's law is on the grid");
        let probability = |axis| learned.for_series(axis, 8.0).log_shapes(0)[of_the_law].exp();
        let even = 1.0 / (NODES * NOISES.len() * DRIFTS.len()) as f64;
        assert!((probability(LoadAxis::Customers) / even - 1.0).abs() < 1e-9);
        // Four noises and three drifts have it, at 33 knees.
        let of_law = 1.0 / (12.0 * KNEES.len() as f64);
        let expected = 0.92 * even + 0.08 * of_law;
        assert!((probability(LoadAxis::Servers) / expected - 1.0).abs() < 1e-9);
    }
}
