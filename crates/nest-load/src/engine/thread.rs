//! The thread of one worker, as the engine sees it.

use std::{
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use crate::{
    error::LoadError,
    recorder::Recorder,
    run::target::pin,
    script::program::Program,
    worker::{
        command::{WorkerCommand, WorkerEvent},
        work,
    },
};

/// How long a worker may take to start, and to hand in what it recorded once its command is over. Our choice:
/// only a machine that has come to a stop takes longer.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The thread of one worker.
pub struct WorkerThread {
    commands: Option<mpsc::Sender<WorkerCommand>>,
    events: mpsc::Receiver<WorkerEvent>,
    thread: Option<JoinHandle<()>>,
    pub tid: i32,
}

impl WorkerThread {
    /// Starts a worker, on a core of its own if one is given.
    pub fn start(
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

    pub fn send(&self, command: WorkerCommand) -> Result<(), LoadError> {
        self.commands
            .as_ref()
            .ok_or_else(gone)?
            .send(command)
            .map_err(|_| gone())
    }

    /// Waits until a command is done; what was recorded, and how long it took.
    pub fn done(&self, patience: Duration) -> Result<(Recorder, Duration), LoadError> {
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

pub fn gone() -> LoadError {
    LoadError::WorkerGone
}
