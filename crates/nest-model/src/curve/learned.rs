//! placeholder
pub const TAIL: [[f64; 12]; 33] = [[0.002525; 12]; 33];
pub const SHARPNESS: [f64; 11] = [0.090909; 11];
pub const DISCREPANCY: [[f64; 6]; 6] = [[0.027778; 6]; 6];
