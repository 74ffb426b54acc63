//! The step that runs, as all tasks of a coordinator see it.

use std::sync::Arc;

use super::members::Member;
use crate::{engine::StepLimits, recorder::windows::StepControl, schedule::load::StepLoad};

/// The step that runs.
pub struct StepAtWork {
    pub number: u64,
    pub control: Arc<StepControl>,
    pub load: StepLoad,
    pub limits: StepLimits,
    /// Everybody who started it, as they were then.
    pub members: Vec<Member>,
}
