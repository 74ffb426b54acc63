//! Shapes of the general throughput law relative to the highest measured level, on a grid.

use std::f64::consts::LN_2;

/// Octaves from the highest measured level to the knee; the level where the bounds `X = N / r` and
/// `X = 1 / s` cross.
pub const KNEES: [f64; 33] = [
    -6.0, -5.0, -4.0, -3.5, -3.0, -2.5, -2.0, -1.75, -1.5, -1.25, -1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5,
    0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 8.0,
];
/// Sharpness p of the bend: 1 is USL and Amdahl, 25 nearly a corner, below 1 a power law over many octaves.
pub const SHARPNESSES: [f64; 11] = [0.35, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0, 25.0];
/// Coherency at the highest measured level, over the plateau's time per completion: `k N_last / s`.
pub const COHERENCIES: [f64; 12] = [0.0, 0.01, 0.03, 0.06, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0];
/// Nodes of the grid.
pub const NODES: usize = KNEES.len() * SHARPNESSES.len() * COHERENCIES.len();

/// Throughput an octave beyond the highest measured level, over that there, below which a shape falls.
const FALLING: f64 = 0.98;

/// A node of the grid: a throughput law without its level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Octaves from the highest measured level to the knee.
    pub knee: f64,
    /// Sharpness of the bend, above 0.
    pub sharpness: f64,
    /// `k N_last / s`, 0 or more.
    pub coherency: f64,
}

impl Shape {
    /// Log of throughput over the plateau, `octaves` (log2 N / N_last) from the highest measured level.
    ///
    /// # Formula
    /// `-ln([(b / q)^p + 1]^(1/p) + e q)` with `q = N / N_last`, `b = N_knee / N_last`, `e = k N_last / s`:
    /// `docs/method/curve.md`, "General throughput law" with s = 1.
    #[must_use]
    pub fn log_throughput(&self, octaves: f64) -> f64 {
        let bend = softplus(self.sharpness * (self.knee - octaves) * LN_2) / self.sharpness;
        if self.coherency == 0.0 {
            -bend
        } else {
            -bend - softplus(self.coherency.ln() + octaves * LN_2 - bend)
        }
    }

    /// Whether the highest measured level is at or past a peak, so that throughput falls by more than a
    /// fiftieth over the next octave.
    #[must_use]
    pub fn falls(&self) -> bool {
        self.log_throughput(1.0) - self.log_throughput(0.0) < FALLING.ln()
    }
}

/// `ln(1 + e^x)` without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The grid: knees outermost, coherencies innermost.
#[must_use]
pub fn grid() -> Vec<Shape> {
    let with = |knee: f64| {
        SHARPNESSES.iter().flat_map(move |&sharpness| {
            COHERENCIES.iter().map(move |&coherency| Shape {
                knee,
                sharpness,
                coherency,
            })
        })
    };
    KNEES.iter().copied().flat_map(with).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_falls_at_and_past_its_peak_and_on_no_plateau() {
        let with = |knee: f64, coherency: f64| Shape {
            knee,
            sharpness: 1.0,
            coherency,
        };
        // Peak at sqrt(b / e) of the highest level: b = 2^knee, e the coherency.
        assert!(with(0.0, 1.5).falls() && with(-3.0, 0.4).falls());
        assert!(!with(0.0, 0.2).falls() && !with(2.0, 0.0).falls() && !with(-6.0, 0.0).falls());
    }
}
