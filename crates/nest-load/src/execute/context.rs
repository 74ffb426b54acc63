//! What every execution of a step shares on one worker, and what one execution is.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
};

use nest_data::measurement::Outcome;

use crate::{
    clock::MonotonicTime,
    recorder::{
        Recorder,
        windows::{StepControl, StepPhase},
    },
    script::settings::ExchangeSettings,
    worker::state::WorkerState,
};

/// What every execution of a step shares on one worker.
pub struct StepContext {
    pub settings: Arc<ExchangeSettings>,
    pub state: Rc<WorkerState>,
    pub control: Arc<StepControl>,
    pub recorder: RefCell<Recorder>,
    pub slot: usize,
    /// When the worker's next heartbeat is due.
    pub next_beat: Cell<MonotonicTime>,
}

impl StepContext {
    /// Records how late an execution starts.
    pub fn note_lateness(&self, execution: &DueExecution, now: MonotonicTime) {
        if execution.phase == StepPhase::Measured {
            let late_us = now.microseconds_since(execution.due);
            self.recorder.borrow_mut().started_late(late_us);
        }
    }
}

/// One execution that is to be made.
#[derive(Debug, Clone, Copy)]
pub struct DueExecution {
    pub behaviour: usize,
    pub due: MonotonicTime,
    pub phase: StepPhase,
    /// Number by which it takes rows of feeds.
    pub row: u64,
    pub seed: u64,
}

/// How an execution ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutionEnd {
    Ok,
    Failed,
    /// It failed because no connection could be opened.
    Unreachable,
}

impl ExecutionEnd {
    pub fn outcome(self) -> Outcome {
        if self == Self::Ok {
            Outcome::Ok
        } else {
            Outcome::Failed
        }
    }
}

/// Mixes a step's seed and a number, so that the random streams of neighbours share nothing.
pub fn mix(seed: u64, number: u64) -> u64 {
    seed.wrapping_mul(0xD129_0B97_2A8E_4C63) ^ number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
