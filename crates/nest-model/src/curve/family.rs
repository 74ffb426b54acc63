//! Which law a curve mostly follows, as a word for readers.

use std::fmt;

use super::{posterior::Posterior, shape::Shape};

/// A special case of the general law.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LawFamily {
    /// No bend within four times the highest measured level.
    Linear,
    /// Bends gradually towards a plateau, sharpness 1 or less.
    Amdahl,
    /// Bends to a plateau, sharpness above 1.
    SoftBottleneck,
    /// Falls beyond a peak within four times the highest measured level.
    Usl,
}

impl LawFamily {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 4] = [Self::Linear, Self::Amdahl, Self::SoftBottleneck, Self::Usl];

    /// The family of a shape.
    #[must_use]
    pub fn of(shape: &Shape) -> Self {
        // Throughput four times beyond, against half that far: falling, or nearly doubling.
        let growth = shape.log_throughput(2.0) - shape.log_throughput(1.0);
        match growth {
            growth if growth < 0.0 => Self::Usl,
            growth if growth > 0.9 * std::f64::consts::LN_2 => Self::Linear,
            _ if shape.sharpness > 1.0 => Self::SoftBottleneck,
            _ => Self::Amdahl,
        }
    }

    /// Its name in tables.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Amdahl => "amdahl",
            Self::SoftBottleneck => "soft_bottleneck",
            Self::Usl => "usl",
        }
    }
}

impl fmt::Display for LawFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// The family with the largest weight.
#[must_use]
pub fn most_likely(posterior: &Posterior) -> LawFamily {
    let mut weights = [0.0; LawFamily::ALL.len()];
    posterior
        .shapes()
        .for_each(|(shape, weight)| weights[LawFamily::of(shape) as usize] += weight);
    let most = weights.into_iter().fold(0.0, f64::max);
    LawFamily::ALL
        .into_iter()
        .find(|family| weights[*family as usize] == most)
        .unwrap_or(LawFamily::SoftBottleneck)
}
