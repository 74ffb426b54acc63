//! Whether the workers are still there, and how far they are.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use super::{Shared, ask::AskError, lock, members::Member};
use crate::{
    clock::MonotonicTime,
    error::LoadError,
    fleet::{
        ledger::Freshness,
        message::{MessageError, Pong, Progress, Verb, read},
        wire::next,
    },
    recorder::windows::StepControl,
};

/// How often is looked for workers that have fallen silent.
const LOOK: Duration = Duration::from_millis(500);
/// Longest wait for one that is asked whether it is there.
const KNOCK: Duration = Duration::from_secs(1);
/// How long nobody answers under the subject of a worker before it is lost, while the broker is there. A
/// worker that has to connect again needs a second or two.
pub const GONE: Duration = Duration::from_secs(4);

/// Listens to the progress of every worker.
pub async fn listen(shared: &Arc<Shared>) -> Result<(), LoadError> {
    let mut told = shared.subscribe(shared.subjects.all_progress()).await?;
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        while let Some(message) = next(&mut told).await {
            let noted = read::<Progress>(&message.payload).and_then(|progress| {
                let id = message.subject.rsplit('.').next().unwrap_or_default();
                shared.note_progress(id, progress)
            });
            if let Err(error) = noted {
                shared.note_bad(&message.subject, &error);
            }
        }
    });
    Ok(())
}

/// Looks again and again for workers that have fallen silent in a step.
pub async fn watch(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let at_work = lock(&shared.at_work)
            .as_ref()
            .map(|step| Arc::clone(&step.control));
        let Some(control) = at_work else { continue };
        let members = lock(&shared.members).active();
        for member in members.iter().filter(|member| is_silent(member, &control)) {
            shared.knock(member, &control).await;
        }
    }
}

/// Whether a worker that is in the step has told nothing for a while.
fn is_silent(member: &Member, control: &StepControl) -> bool {
    let age = match &member.last {
        Some((_, at)) => at.elapsed(),
        None => MonotonicTime::now().since(control.start),
    };
    member.slots.of > 0 && Freshness::of(age) == Freshness::Silent
}

impl Shared {
    /// Takes over how far a worker is.
    fn note_progress(&self, id: &str, progress: Progress) -> Result<(), MessageError> {
        let at_work = lock(&self.at_work);
        let Some(step) = at_work.as_ref().filter(|step| step.number == progress.step) else {
            return Ok(()); // of a step that is over
        };
        let mut members = lock(&self.members);
        let Some(member) = members.of_id(id) else {
            return Err(MessageError::Malformed(format!("there is no worker {id}")));
        };
        if progress.slots.len() != member.slots.count {
            return Err(MessageError::Malformed(format!(
                "it tells of {} slots, not {}",
                progress.slots.len(),
                member.slots.count
            )));
        }
        if member
            .last
            .as_ref()
            .is_some_and(|(last, _)| last.seq >= progress.seq)
        {
            return Ok(());
        }
        let slots = step.control.progress.iter().skip(member.slots.first);
        for (mine, theirs) in slots.zip(&progress.slots) {
            mine.ended.store(theirs.ended, Relaxed);
            mine.spent_us.store(theirs.spent_us, Relaxed);
            mine.active.store(theirs.active, Relaxed);
            mine.present.store(theirs.present, Relaxed);
            mine.unreachable.store(theirs.unreachable, Relaxed);
        }
        (member.last, member.gone_since) = (Some((Arc::new(progress), Instant::now())), None);
        Ok(())
    }

    /// Asks a silent worker whether it is there. One that stands still keeps its place; one whose process or
    /// machine is gone is lost.
    async fn knock(&self, member: &Member, control: &StepControl) {
        let asked = self.ask::<Pong>(member, &Verb::Ping { t: 0 }, KNOCK).await;
        let is_gone = asked == Err(AskError::NobodyThere) && self.connection.up_for() >= GONE;
        let gone_for = {
            let mut members = lock(&self.members);
            let Some(known) = members.of_id(&member.id) else {
                return;
            };
            known.gone_since = is_gone.then(|| known.gone_since.unwrap_or_else(Instant::now));
            known.gone_since.map_or(Duration::ZERO, |since| since.elapsed())
        };
        if gone_for < GONE {
            return;
        }
        self.lose(member, "nobody answers under its name");
        // The others finish what they have begun if the last window has.
        if MonotonicTime::now() < control.edge(control.windows().saturating_sub(1)) {
            self.set_broken(format!("the worker {} was lost", member.name));
        }
    }
}
