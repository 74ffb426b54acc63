//! Executes the requests of a behaviour's file, one after the other.

use rand_xoshiro::Xoshiro256PlusPlus;

use super::{
    context::{DueExecution, ExecutionEnd, StepContext},
    customer::Customer,
};
use crate::{
    clock::MonotonicTime,
    exchange::{self, PendingRequest, Timing},
    recorder::RequestPlace,
    schedule::think,
    script::{feeds::FeedRows, step::ScriptStep},
};

/// Makes the requests in order, until one fails.
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
    for step in steps {
        if let Some(times) = &step.think {
            due = due.after(think::draw(times, random));
            context.state.clock.sleep_until(due).await;
            now = MonotonicTime::now();
        }
        let request = PendingRequest {
            step,
            place: RequestPlace {
                behaviour: execution.behaviour,
                endpoint: step.endpoint,
                phase: execution.phase,
            },
            timing: Timing { due, sent: now },
        };
        let outcome;
        (outcome, now) = exchange::request(customer, context, &request, random, rows).await;
        if let Err(problem) = outcome {
            return (problem.end(), now);
        }
        due = now;
    }
    (ExecutionEnd::Ok, now)
}
