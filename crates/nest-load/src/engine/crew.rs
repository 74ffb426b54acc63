//! Who offers the load of a step: the threads of this process, or workers on other machines.

use std::{sync::Arc, time::Duration};

use nest_data::{
    Caveat,
    measurement::{GeneratorMachine, GeneratorOf},
};

use super::{StepLimits, interrupt::Interrupt};
use crate::{
    clock::MonotonicTime,
    error::LoadError,
    observe::threads::ThreadUse,
    recorder::{Recorder, windows::StepControl},
    schedule::load::StepLoad,
    verdict::GeneratorKind,
    worker::command::AloneOrder,
};

/// Who offers the load of a step. The load is divided over slots: generator threads, which are numbered from
/// 0 over everybody.
///
/// Every call is made a few times in a step at most, so that it may be dynamic; requests know nothing of it.
pub trait Crew: Send {
    /// How far ahead the start of the windows is set, so that everybody knows it in time.
    fn ahead(&self) -> Duration;

    /// Hands a step out, and sets its start. The control that is returned has the progress of each slot.
    ///
    /// # Errors
    /// [`LoadError::WorkerGone`], or what keeps workers elsewhere from starting together.
    fn send(
        &self,
        load: &StepLoad,
        limits: &StepLimits,
        interrupt: &Interrupt,
    ) -> Result<Arc<StepControl>, LoadError>;

    /// Sets where the windows of the step begin.
    fn measure_from(&self, control: &StepControl, from: MonotonicTime) {
        control.measure_from(from);
    }

    /// Ends the step now.
    fn stop(&self, control: &StepControl) {
        control.measure_until(MonotonicTime::now());
        control.stop();
    }

    /// Why the step cannot be what it was planned to be, so that it is to end and run again; `None` as long
    /// as it can.
    fn broken(&self) -> Option<String> {
        None
    }

    /// What each slot has used so far; nothing if those who have them tell it themselves.
    fn used(&self) -> Vec<ThreadUse>;

    /// Waits until everybody has handed in what was recorded, at most for `drain` as long as something is
    /// open. An interrupt meanwhile ends the step as [`stop`](Self::stop) does.
    ///
    /// # Errors
    /// [`LoadError::WorkerGone`].
    fn collect(
        &self,
        control: &StepControl,
        drain: Duration,
        interrupt: &Interrupt,
    ) -> Result<Collected, LoadError>;

    /// Executes one behaviour again and again in slot 0; what was recorded, and how long it took.
    ///
    /// # Errors
    /// [`LoadError::WorkerGone`].
    fn alone(&self, order: AloneOrder) -> Result<(Recorder, Duration), LoadError>;

    /// The machines that it is on, if they are others than this one.
    fn machines(&self) -> Vec<GeneratorMachine> {
        Vec::new()
    }

    /// Doubts that it raises.
    fn caveats(&self) -> Vec<Caveat> {
        Vec::new()
    }

    /// What the generator is made of, which decides how late and how busy it may be.
    fn kind(&self) -> GeneratorKind {
        GeneratorKind::Native
    }

    /// Lets all customers go.
    ///
    /// # Errors
    /// [`LoadError::WorkerGone`].
    fn forget(&self) -> Result<(), LoadError>;
}

/// What a crew recorded in a step.
pub struct Collected {
    pub recorder: Recorder,
    /// One per worker on another machine; none for threads of this process.
    pub generators: Vec<GeneratorOf>,
    /// Why the step is to run again, if it was not what was planned.
    pub broken: Option<String>,
}
