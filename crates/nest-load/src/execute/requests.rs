//! Executes the requests of a behaviour's file, one after the other.

use rand_xoshiro::Xoshiro256PlusPlus;

use super::{
    context::{DueExecution, ExecutionEnd, StepContext},
    customer::Customer,
};
use crate::{
    clock::MonotonicTime,
    exchange::{self, PendingRequest, Timing},
    recorder::{RequestPlace, counted::ExecutionCounts},
    schedule::think,
    script::{feeds::FeedRows, step::ScriptStep},
};

/// Makes the requests in order, until one fails. What they add to counts is tallied if none does.
pub async fn execute(
    customer: &mut Customer,
    context: &StepContext,
    execution: &DueExecution,
    steps: &[ScriptStep],
    random: &mut Xoshiro256PlusPlus,
    rows: &mut FeedRows,
    now: MonotonicTime,
) -> (ExecutionEnd, MonotonicTime) {
    let (mut due, mut now) = (execution.due, now);
    let behaviour = execution.behaviour;
    let mut counts = ExecutionCounts::new(context.settings.counts[behaviour].len());
    for step in steps {
        if let Some(times) = &step.think {
            due = due.after(think::draw(times, random));
            context.state.clock.sleep_until(due).await;
            now = MonotonicTime::now();
        }
        let request = PendingRequest {
            step,
            place: RequestPlace {
                behaviour,
                endpoint: step.endpoint,
                phase: execution.phase,
            },
            timing: Timing { due, sent: now },
        };
        let outcome;
        (outcome, now) = exchange::request(customer, context, &request, random, rows).await;
        match outcome {
            Ok(answer) => step
                .counts
                .iter()
                .for_each(|count| counts.add(count.count, count.amount(&answer))),
            Err(problem) => return (problem.end(), now),
        }
        due = now;
    }
    if !counts.is_empty() {
        let mut recorder = context.recorder.borrow_mut();
        recorder.execution_counted(behaviour, execution.phase, &counts);
    }
    (ExecutionEnd::Ok, now)
}
