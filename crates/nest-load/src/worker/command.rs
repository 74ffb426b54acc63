//! What a worker is told, and what it tells.

use std::{sync::Arc, time::Duration};

use crate::{
    engine::interrupt::Interrupt,
    recorder::{Recorder, windows::StepControl},
    schedule::load::StepLoad,
};

/// What a worker is to do.
pub enum WorkerCommand {
    /// Offer a load, until the step's end or its stop.
    Step(StepOrder),
    /// Execute one behaviour again and again, one at a time.
    Alone(AloneOrder),
    /// Let all customers go.
    Forget,
}

/// A step to run.
pub struct StepOrder {
    pub load: StepLoad,
    pub control: Arc<StepControl>,
    /// How long executions that are still open at the end are waited for.
    pub drain: Duration,
}

/// One behaviour to execute again and again, one execution at a time.
pub struct AloneOrder {
    pub behaviour: usize,
    /// No execution starts after this time.
    pub span: Duration,
    /// Most executions.
    pub most: u64,
    /// Time after which an execution under way is given up.
    pub longest: Duration,
    pub interrupt: Interrupt,
}

/// What a worker tells.
pub enum WorkerEvent {
    /// It runs, under this thread number.
    Ready(i32),
    /// A command is done; how long it took.
    Done(Box<Recorder>, Duration),
    /// It cannot work.
    Refused(std::io::Error),
}
