//! Fetches what a worker recorded.

use std::{pin::pin, sync::Arc, time::Duration};

use super::{AskError, GONE, Member, ORDER, Shared};
use crate::{
    clock::MonotonicTime,
    engine::{crew::Collected, interrupt::Interrupt},
    error::LoadError,
    fleet::{
        message::{Closed, PartData, Verb},
        parts::Assembly,
    },
    recorder::{Recorder, StepOutline, windows::StepControl},
    script::program::Program,
};

/// How long records are waited for once the executions of a step are over.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// How often a worker is asked whether its executions are over.
const AGAIN: Duration = Duration::from_millis(100);

impl Shared {
    /// Collects what everybody recorded; has them end the step at once if it is interrupted meanwhile.
    pub(super) async fn collect_unless_stopped(
        self: &Arc<Self>,
        program: &Program,
        control: &StepControl,
        drain: Duration,
        interrupt: &Interrupt,
    ) -> Result<Collected, LoadError> {
        let running = self.in_step();
        let mut collecting = pin!(self.collect(program, control, drain));
        tokio::select! {
            collected = &mut collecting => return collected,
            () = interrupt.requested() => control.stop(),
        }
        // What is open is cut, and handed in then.
        tokio::join!(self.stop(running), collecting).1
    }

    /// What a worker recorded in a step, in words why it did not come.
    pub(super) async fn records(
        &self,
        member: &Member,
        number: u64,
        outline: StepOutline,
        windows: usize,
        deadline: MonotonicTime,
    ) -> Result<(Closed, Recorder), String> {
        let closed = self.closed(member, number, deadline).await?;
        let mut assembly = Assembly::default();
        let mut n = 0;
        while n < closed.parts {
            let part = match self
                .ask::<PartData>(member, &Verb::Part { step: number, n }, ORDER)
                .await
            {
                Ok(part) if part.sha256 == closed.sha256 && part.of == closed.parts => part,
                Ok(_) => return Err("its records changed while they were fetched".to_owned()),
                Err(error) => {
                    self.wait_or_give_up(&error, deadline).await?;
                    continue;
                }
            };
            match assembly.add(&part) {
                Ok(Some(bytes)) => {
                    let parts = serde_json::from_slice(&bytes)
                        .map_err(|error| format!("its records cannot be read: {error}"))?;
                    let recorder = Recorder::of_parts(parts, outline, windows)
                        .map_err(|error| format!("its records cannot be used: {error}"))?;
                    return Ok((closed, recorder));
                }
                Ok(None) => n += 1,
                // Everything is asked for again.
                Err(_) if MonotonicTime::now() < deadline => n = 0,
                Err(error) => return Err(error.to_string()),
            }
        }
        Err("it has no records".to_owned())
    }

    /// Waits until the executions of a worker are over.
    pub(super) async fn closed(
        &self,
        member: &Member,
        number: u64,
        deadline: MonotonicTime,
    ) -> Result<Closed, String> {
        let mut gone_since = None;
        loop {
            let error = match self
                .ask::<Closed>(member, &Verb::Close { step: number }, ORDER)
                .await
            {
                Ok(closed) if closed.parts > 0 => return Ok(closed),
                Ok(_) => AskError::Silent,
                Err(error) => error,
            };
            if error == AskError::NobodyThere && self.connection.up_for() >= GONE {
                let since = *gone_since.get_or_insert_with(MonotonicTime::now);
                if MonotonicTime::now().since(since) >= GONE {
                    return Err(error.reason());
                }
            } else {
                gone_since = None;
            }
            self.wait_or_give_up(&error, deadline).await?;
        }
    }

    async fn wait_or_give_up(&self, error: &AskError, deadline: MonotonicTime) -> Result<(), String> {
        if matches!(error, AskError::Refused(_) | AskError::Odd(_)) || MonotonicTime::now() >= deadline {
            return Err(error.reason());
        }
        tokio::time::sleep(AGAIN).await;
        Ok(())
    }
}
