//! Charts: what the report draws.

use serde::{Deserialize, Serialize};

/// Something to draw. Customers are on the x-axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// Name in file names and anchors.
    pub id: String,
    /// The question it answers.
    pub title: String,
    /// The answer, in a sentence.
    pub answer: String,
    /// What the y-axis shows.
    pub y: Axis,
    /// Fitted or projected curves with their bands.
    pub curves: Vec<Curve>,
    /// Measured points.
    pub measured: Vec<Scatter>,
    /// Horizontal limits.
    pub limits: Vec<(String, f64)>,
    /// Customers up to which it was measured; beyond is extrapolated.
    pub tested_to: f64,
    /// Whether both axes are logarithmic.
    pub logarithmic: bool,
}

/// What an axis shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "axis", content = "unit", rename_all = "snake_case")]
pub enum Axis {
    /// A share, 0-1, shown in percent.
    Share,
    /// Seconds.
    Seconds,
    /// Events per second.
    PerSecond,
    /// Bytes.
    Bytes,
    /// Money in a currency.
    Money(String),
}

/// A curve with its 90 % band; x ascending.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Its name in the legend.
    pub name: String,
    /// Customers, low, value, high.
    pub points: Vec<[f64; 4]>,
    /// Whether it jumps from point to point, as whole servers do.
    pub stepped: bool,
}

/// Measured points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scatter {
    /// Their name in the legend.
    pub name: String,
    /// Customers and value.
    pub points: Vec<[f64; 2]>,
}
