//! After a step that was too much for the target: waits until it answers again as it did in the pilot. A
//! target works off what it has queued even where nobody waits for it any more, and whatever comes next would
//! be measured behind that.

use std::time::{Duration, Instant};

use nest_data::{
    Caveat,
    measurement::{Pilot, PlannedStep, Purpose, Step, Validity},
};

use super::{Event, Run};
use crate::{engine::OF_A_FULL_TARGET, error::LoadError, http::NoAnswer, recorder::Recorder};

/// Multiple of the pilot's mean time, and time on top of it, up to which an answer counts as one of a target
/// without load. Our choice: few answers of an idle target take longer.
const TIMES_AS_LONG: f64 = 2.0;
const GRACE_S: f64 = 0.05;
/// Rounds of one execution of each behaviour that must be quick in a row: one may be luck.
const QUICK_ROUNDS: u32 = 2;
/// Pause between two rounds. It lengthens, as what a target has queued may take long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Longest wait: a multiple of what the step lasted, within bounds. Our choice: at a rate of five times what
/// the target can do, each second of load leaves four to work off.
const LOADS: f64 = 5.0;
const LEAST_WAIT: Duration = Duration::from_secs(10);
const MOST_WAIT: Duration = Duration::from_secs(120);
/// Time after which an execution is given up, unless the pilot's take longer.
const LONGEST_EXECUTION: Duration = Duration::from_secs(10);
/// Time within which the only execution of a behaviour begins.
const SPAN: Duration = Duration::from_secs(1);

/// Whether the target may be left with work that nobody waits for any more.
pub fn is_needed(step: &Step, missed: &[String]) -> bool {
    let total = step.total();
    let is_doubted = matches!(step.verdict.validity, Validity::Limited | Validity::Invalid);
    step.plan.purpose != Purpose::Idle
        && (is_doubted || !missed.is_empty() || total.failed + total.dropped > 0)
}

/// Longest wait after a step whose load lasts so long, in a run that can spare so much.
fn longest(load_s: f64, spare: Duration) -> Duration {
    let wanted = Duration::try_from_secs_f64(LOADS * load_s).unwrap_or(MOST_WAIT);
    wanted.clamp(LEAST_WAIT, MOST_WAIT).min(spare)
}

/// Whether an execution alone went as those of the pilot did, which took `mean_s` on average. One that failed
/// because of what it is, such as a feed that has run dry, says nothing about load.
fn is_quick(recorder: &Recorder, behaviour: usize, mean_s: f64) -> bool {
    let turned_away = OF_A_FULL_TARGET
        .into_iter()
        .chain([NoAnswer::CONNECT, NoAnswer::LOST]);
    let record = &recorder.behaviours[behaviour];
    let executions = record.executions;
    let requests = record.requests.completed as f64 / executions.completed.max(1) as f64;
    let request_s = mean_s / requests.max(1.0);
    executions.completed + executions.failed > 0
        && turned_away.map(|kind| recorder.errors_of(kind)).sum::<u64>() + recorder.server_errors() == 0
        && recorder
            .quantile_s(behaviour, 1.0)
            .is_none_or(|slowest_s| slowest_s <= TIMES_AS_LONG * request_s + GRACE_S)
}

impl Run<'_> {
    /// Waits after a step, as far as the run has time to `spare`. If the target does not answer as before by
    /// then, that is a doubt about what follows.
    ///
    /// # Errors
    /// [`LoadError::Interrupted`], or an error of the generator or of `watch`.
    pub(super) fn recover(
        &mut self,
        step: &PlannedStep,
        spare: Duration,
        watch: &mut dyn FnMut(Event<'_>) -> std::io::Result<()>,
    ) -> Result<(), LoadError> {
        let begun = Instant::now();
        let most = longest(step.load_s(&self.study.measure), spare);
        let (mut quick, mut pause) = (0, FIRST_PAUSE);
        self.backlog = None;
        while quick < QUICK_ROUNDS {
            if self.is_quick_now(step)? {
                quick += 1;
                continue;
            }
            if begun.elapsed() >= most {
                let doubt = Caveat::NotRecovered {
                    step: step.label(),
                    waited_s: begun.elapsed().as_secs_f64(),
                };
                watch(Event::Noted(&doubt)).map_err(LoadError::Keep)?;
                self.doubts.push(doubt.clone());
                self.backlog = Some(doubt);
                break;
            }
            if pause == FIRST_PAUSE {
                let most_s = most.as_secs_f64();
                watch(Event::Waiting { most_s }).map_err(LoadError::Keep)?;
            }
            quick = 0;
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Ok(())
    }

    /// Executes each behaviour of a step once, alone, until one is slow.
    fn is_quick_now(&self, step: &PlannedStep) -> Result<bool, LoadError> {
        let pilot_of = |name: &String| self.pilot.iter().find(|pilot: &&Pilot| pilot.behaviour == *name);
        let names = self.engine.program().names();
        for (behaviour, name) in names.iter().enumerate() {
            let (Some(pilot), true) = (pilot_of(name), step.offered_per_s.contains_key(name)) else {
                continue;
            };
            let slow = Duration::try_from_secs_f64(2.0 * TIMES_AS_LONG * pilot.mean_s).unwrap_or_default();
            let most = LONGEST_EXECUTION.max(slow);
            let (recorder, _) = self.engine.run_alone(behaviour, SPAN, 1, most, self.interrupt)?;
            if self.interrupt.is_requested() {
                return Err(LoadError::Interrupted);
            }
            if !is_quick(&recorder, behaviour, pilot.mean_s) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_as_long_as_the_load_needs_and_the_run_has_time_for() {
        let spare = Duration::from_secs(3_600);
        let seconds = |load_s, spare| longest(load_s, spare).as_secs_f64();
        assert_eq!(
            [0.5, 4.0, 70.0, f64::INFINITY].map(|load_s| seconds(load_s, spare)),
            [10.0, 20.0, 120.0, 120.0]
        );
        assert_eq!(seconds(70.0, Duration::from_secs(3)), 3.0);
    }
}
