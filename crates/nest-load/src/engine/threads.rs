//! A crew of threads of this process.

use std::{
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread::JoinHandle,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    StepLimits,
    crew::{Collected, Crew},
    interrupt::Interrupt,
};
use crate::{
    clock::MonotonicTime,
    error::LoadError,
    observe::threads::{self, ThreadUse},
    recorder::{
        Recorder,
        windows::{POLL_INTERVAL, StepControl},
    },
    run::target::pin,
    schedule::load::StepLoad,
    script::program::Program,
    worker::{
        command::{AloneOrder, StepOrder, WorkerCommand, WorkerEvent},
        work,
    },
};

/// How far ahead the start of a step and of its windows is set: a thread that is asleep wakes within 1 ms.
const AHEAD: Duration = Duration::from_millis(20);

/// How long a worker may take to start, and to hand in what it recorded once its command is over. Our choice:
/// only a machine that has come to a stop takes longer.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Some of the slots over which a load is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotRange {
    /// The first of them, from 0.
    pub first: usize,
    /// How many they are, 1 or more.
    pub count: usize,
    /// How many there are in all.
    pub of: usize,
}

/// A crew of threads of this process, one for each slot.
pub struct Threads {
    slots: SlotRange,
    threads: Vec<WorkerThread>,
}

impl Threads {
    /// Starts a thread for each of some slots; on a core of its own as far as `cores` go.
    ///
    /// # Errors
    /// [`LoadError::System`] if a thread, a runtime or a core is refused.
    pub fn start(program: &Arc<Program>, cores: &[usize], slots: SlotRange) -> Result<Self, LoadError> {
        let start = |index: usize| {
            let core = cores.get(index).copied();
            WorkerThread::start(slots.first + index, slots.of, core, Arc::clone(program))
        };
        Ok(Self {
            slots,
            threads: (0..slots.count).map(start).collect::<Result<_, _>>()?,
        })
    }

    /// The numbers of the threads, as the system knows them.
    pub fn tids(&self) -> Vec<i32> {
        self.threads.iter().map(|thread| thread.tid).collect()
    }

    /// Has every thread offer its part of a load.
    ///
    /// # Errors
    /// [`LoadError::WorkerGone`].
    pub fn offer(
        &self,
        load: &StepLoad,
        control: &Arc<StepControl>,
        drain: Duration,
    ) -> Result<(), LoadError> {
        self.threads.iter().try_for_each(|thread| {
            thread.send(WorkerCommand::Step(StepOrder {
                load: load.clone(),
                control: Arc::clone(control),
                drain,
            }))
        })
    }
}

impl Crew for Threads {
    fn ahead(&self) -> Duration {
        AHEAD
    }

    fn send(
        &self,
        load: &StepLoad,
        limits: &StepLimits,
        _: &Interrupt,
    ) -> Result<Arc<StepControl>, LoadError> {
        let start = MonotonicTime::now().after(AHEAD);
        let control = Arc::new(StepControl::new(
            start,
            limits.window,
            limits.windows,
            self.slots.of,
            limits.executions,
        ));
        if limits.executions.is_some() {
            control.measure_from(start);
        }
        self.offer(load, &control, limits.drain)?;
        Ok(control)
    }

    fn used(&self) -> Vec<ThreadUse> {
        self.threads
            .iter()
            .map(|thread| threads::of_own(thread.tid))
            .collect()
    }

    fn collect(
        &self,
        control: &StepControl,
        drain: Duration,
        interrupt: &Interrupt,
    ) -> Result<Collected, LoadError> {
        let mut merged: Option<Recorder> = None;
        for thread in &self.threads {
            let (mut recorder, _) = thread.done_or_stopped(drain + PATIENCE, control, interrupt)?;
            recorder.close(control);
            match &mut merged {
                Some(merged) => merged.merge(recorder),
                None => merged = Some(recorder),
            }
        }
        Ok(Collected {
            recorder: merged.ok_or_else(gone)?,
            generators: Vec::new(),
            broken: None,
        })
    }

    fn alone(&self, order: AloneOrder) -> Result<(Recorder, Duration), LoadError> {
        let thread = self.threads.first().ok_or_else(gone)?;
        let longest = order.longest;
        thread.send(WorkerCommand::Alone(order))?;
        thread.done(longest + PATIENCE)
    }

    fn forget(&self) -> Result<(), LoadError> {
        for thread in &self.threads {
            thread.send(WorkerCommand::Forget)?;
            thread.done(PATIENCE)?;
        }
        Ok(())
    }
}

/// The thread of one slot.
struct WorkerThread {
    commands: Option<mpsc::Sender<WorkerCommand>>,
    events: mpsc::Receiver<WorkerEvent>,
    thread: Option<JoinHandle<()>>,
    tid: i32,
}

impl WorkerThread {
    /// Starts a worker, on a core of its own if one is given.
    fn start(
        index: usize,
        workers: usize,
        core: Option<usize>,
        program: Arc<Program>,
    ) -> Result<Self, LoadError> {
        let (commands, command_receiver) = mpsc::channel();
        let (event_sender, events) = mpsc::channel();
        let run = move || {
            if let Some(core) = core
                && let Err(LoadError::System { source, .. }) = pin(&[core])
            {
                return drop(event_sender.send(WorkerEvent::Refused(source)));
            }
            work(index, workers, program, &command_receiver, &event_sender);
        };
        let thread = std::thread::Builder::new()
            .name(format!("nest-worker-{index}"))
            .spawn(run)
            .map_err(refused)?;
        let mut worker = Self {
            commands: Some(commands),
            events,
            thread: Some(thread),
            tid: 0,
        };
        match worker.events.recv_timeout(PATIENCE) {
            Ok(WorkerEvent::Ready(tid)) => worker.tid = tid,
            Ok(WorkerEvent::Refused(source)) => return Err(refused(source)),
            Ok(WorkerEvent::Done(..)) | Err(_) => return Err(gone()),
        }
        Ok(worker)
    }

    fn send(&self, command: WorkerCommand) -> Result<(), LoadError> {
        self.commands
            .as_ref()
            .ok_or_else(gone)?
            .send(command)
            .map_err(|_| gone())
    }

    /// Waits until a step is done, and ends it if it is interrupted meanwhile.
    fn done_or_stopped(
        &self,
        patience: Duration,
        control: &StepControl,
        interrupt: &Interrupt,
    ) -> Result<(Recorder, Duration), LoadError> {
        let until = MonotonicTime::now().after(patience);
        loop {
            if interrupt.is_requested() {
                control.stop();
                return self.done(PATIENCE);
            }
            let left = until.since(MonotonicTime::now());
            match self.events.recv_timeout(left.min(POLL_INTERVAL)) {
                Ok(WorkerEvent::Done(recorder, took)) => return Ok((*recorder, took)),
                Err(RecvTimeoutError::Timeout) if left > Duration::ZERO => {}
                _ => return Err(gone()),
            }
        }
    }

    /// Waits until a command is done; what was recorded, and how long it took.
    fn done(&self, patience: Duration) -> Result<(Recorder, Duration), LoadError> {
        match self.events.recv_timeout(patience) {
            Ok(WorkerEvent::Done(recorder, took)) => Ok((*recorder, took)),
            _ => Err(gone()),
        }
    }
}

impl Drop for WorkerThread {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            // A worker that panicked has told so on its own.
            let _ = thread.join();
        }
    }
}

fn refused(source: std::io::Error) -> LoadError {
    LoadError::System {
        what: "a worker of the load generator",
        source,
    }
}

fn gone() -> LoadError {
    LoadError::WorkerGone
}
