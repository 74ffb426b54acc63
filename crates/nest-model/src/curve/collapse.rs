//! Collapse: throughput that held, or grew, and falls beyond what was measured.

/// How often curves collapse beyond what was measured, and how far they fall.
///
/// # Formula
/// Some sources publish curves that collapse, most do not: a new source is one of the former with probability
/// `prone`. In such a source a curve has collapsed before `u` octaves beyond its highest measured level with
/// probability `1 - exp(-per_octave u)`, a constant hazard. Its throughput is then below what it would have
/// been; the log of that factor is exponential with mean `depth`, wherever it collapsed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Collapse {
    /// Probability (0-1) that curves of a new source collapse.
    pub prone: f64,
    /// Hazard per octave in such a source, above 0.
    pub per_octave: f64,
    /// Mean fall of log throughput once a curve has collapsed, above 0.
    pub depth: f64,
}

impl Collapse {
    /// Curves never collapse.
    pub const NEVER: Self = Self {
        prone: 0.0,
        per_octave: 1.0,
        depth: 1.0,
    };

    /// Probability that a curve has collapsed at a place in octaves beyond its highest measured level.
    #[must_use]
    pub fn probability(&self, octaves: f64) -> f64 {
        self.prone * self.hazard(octaves)
    }

    /// The same in a source whose curves do collapse.
    #[must_use]
    pub fn hazard(&self, octaves: f64) -> f64 {
        -(-self.per_octave * octaves.max(0.0)).exp_m1()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_becomes_likelier_with_distance_and_never_happens_where_something_was_measured() {
        let collapse = Collapse {
            prone: 0.25,
            per_octave: std::f64::consts::LN_2,
            depth: 0.2,
        };
        // Half of the prone after one octave, three quarters after two.
        assert!((collapse.probability(1.0) - 0.125).abs() < 1e-12);
        assert!((collapse.probability(2.0) - 0.1875).abs() < 1e-12);
        assert_eq!(collapse.probability(-1.0), 0.0);
        assert_eq!(Collapse::NEVER.probability(3.0), 0.0);
    }
}
