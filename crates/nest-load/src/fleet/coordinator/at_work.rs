//! The step that runs, as all tasks of a coordinator see it.

use std::{collections::BTreeMap, sync::Arc};

use super::members::Member;
use crate::{
    engine::StepLimits, fleet::message::Progress, recorder::windows::StepControl, schedule::load::StepLoad,
};

/// The step that runs.
pub struct StepAtWork {
    pub number: u64,
    pub control: Arc<StepControl>,
    pub load: StepLoad,
    pub limits: StepLimits,
    /// Everybody who started it, as they were then.
    pub members: Vec<Member>,
    /// How far each of them was when it last told, by its id. Another process may take its place since.
    pub last: BTreeMap<String, Arc<Progress>>,
}
