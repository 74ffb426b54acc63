//! Runs what is asynchronous, for whoever is not: a runtime on a thread of its own.

use std::{future::Future, thread::JoinHandle};

use tokio::{runtime::Handle, sync::oneshot};

/// A runtime on a thread of its own. It ends when it is dropped.
pub struct Driver {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Driver {
    /// Starts it.
    ///
    /// # Errors
    /// What the system says.
    pub fn start() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("nest-fleet".to_owned())
            .spawn(move || {
                // It ends with the sender, whether that says so or not.
                let _ = runtime.block_on(stopped);
                runtime.shutdown_background();
            })?;
        Ok(Self {
            handle,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Waits for something, on the thread that calls.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.handle.block_on(future)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of its tasks was told where it happened.
            let _ = thread.join();
        }
    }
}
