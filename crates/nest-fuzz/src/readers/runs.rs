//! Files of a run.

use locust_nest::readers;

/// `run.json`.
pub fn manifest(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(readers::is_manifest)
}

/// `plan.json`.
pub fn plan(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(readers::is_plan)
}

/// A file of `steps/`.
pub fn step(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(readers::is_step)
}
