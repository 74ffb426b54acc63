//! What commands make of files, from bytes instead of paths: for checks from outside, such as fuzzing. The
//! readers of studies, price books and documents are in nest-data.

use jiff::civil::Date;
use nest_data::{Diagnostic, Source, measurement::Step};

use super::{curve, demand, growth};
use crate::{
    diagnostics,
    files::{KeptPlan, RunManifest},
};

/// What `curve` prints as CSV for two files: measurements, and the levels to forecast.
///
/// # Errors
/// The first line that cannot be read.
pub fn curve(data: &[u8], at: &[u8]) -> Result<String, String> {
    curve::from_bytes(data, at)
}

/// What `growth` prints as CSV for a file on a day; `horizon` in steps, 1 to 10,000.
///
/// # Errors
/// The first line that cannot be read.
pub fn growth(history: &[u8], horizon: usize, today: Date) -> Result<String, String> {
    growth::from_bytes(history, horizon, today)
}

/// What `demand` prints as CSV for a file.
///
/// # Errors
/// The first line that cannot be read.
pub fn demand(windows: &[u8]) -> Result<String, String> {
    demand::from_bytes(windows)
}

/// Whether a text is the `run.json` of a run.
#[must_use]
pub fn is_manifest(text: &str) -> bool {
    serde_json::from_str::<RunManifest>(text).is_ok()
}

/// Whether a text is the `plan.json` of a run.
#[must_use]
pub fn is_plan(text: &str) -> bool {
    serde_json::from_str::<KeptPlan>(text).is_ok()
}

/// Whether a text is a step of a run.
#[must_use]
pub fn is_step(text: &str) -> bool {
    serde_json::from_str::<Step>(text).is_ok()
}

/// Errors in files as they are printed, each at its line.
#[must_use]
pub fn rendered(found: &[Diagnostic], sources: &[Source]) -> String {
    diagnostics::render(found, sources)
}
