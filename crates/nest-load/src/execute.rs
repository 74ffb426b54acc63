//! Executes behaviours from their due time, whether they are requests of a file or code.
//!
//! - `customer`: who executes; `context`: what all executions of a step share on one worker
//! - `requests`: the requests of a file, one after the other

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
};

use nest_data::measurement::Outcome;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::{
    clock::MonotonicTime,
    code::{behaviour::DynBehaviour, context::ExecutionContext},
    exchange::{kept::keep, problem::Problem},
    recorder::{RequestPlace, windows::WorkerProgress},
    script::{
        feeds::FeedRows,
        program::{Program, Work},
    },
};

pub mod context;
pub mod customer;
mod requests;

use context::{DueExecution, ExecutionEnd, StepContext};
use customer::Customer;

/// Kind of the failure of an execution that was not made, as the behaviour that it needs failed.
const NEEDS: &str = "needs";

/// A step as one worker runs it: the behaviours, and what their executions share.
pub struct RunningStep {
    pub program: Arc<Program>,
    pub context: StepContext,
}

impl RunningStep {
    /// Executes a behaviour, after the one that it needs if the customer has not done that yet. The needed
    /// behaviour is due at the scheduled time and counts as an execution of its own; the wanted one is due
    /// when that has ended. If it failed, the wanted one is not made and has failed with kind `needs`; the
    /// customer tries the needed one again the next time.
    ///
    /// `now` is the present. Returns how the execution ended, and when.
    pub async fn execute(
        &self,
        customer: &mut Customer,
        execution: &DueExecution,
        now: MonotonicTime,
    ) -> (ExecutionEnd, MonotonicTime) {
        let needed = self.program.scripts[execution.behaviour]
            .needs
            .filter(|needed| !customer.done[*needed]);
        let Some(needed) = needed else {
            return self.execute_one(customer, execution, now).await;
        };
        self.context
            .recorder
            .borrow_mut()
            .execution_due(needed, execution.phase);
        let first = DueExecution {
            behaviour: needed,
            seed: execution.seed ^ 1,
            ..*execution
        };
        let (ended, now) = self.execute_one(customer, &first, now).await;
        if ended != ExecutionEnd::Ok {
            self.leave_out(customer, execution, needed, now);
            return (ended, now);
        }
        let wanted = DueExecution {
            due: now,
            ..*execution
        };
        self.execute_one(customer, &wanted, now).await
    }

    /// Counts an execution as failed that is not made, as the behaviour that it needs has failed.
    fn leave_out(&self, customer: &Customer, execution: &DueExecution, needed: usize, now: MonotonicTime) {
        let (context, behaviour, phase) = (&self.context, execution.behaviour, execution.phase);
        let scripts = &self.program.scripts;
        let reason = format!(
            "it was not made: `{}`, which it needs, failed",
            scripts[needed].name
        );
        let mut recorder = context.recorder.borrow_mut();
        recorder.execution_begins(&context.control, now);
        recorder.execution_ended(&context.control, behaviour, phase, Outcome::Failed, now..now);
        drop(recorder);
        let place = RequestPlace {
            behaviour,
            endpoint: 0,
            phase,
        };
        let rows = FeedRows::new(execution.row, context.settings.feeds.len());
        let problem = Problem::without_answer(NEEDS, reason);
        keep(customer, context, place, &problem, &rows, || {
            scripts[behaviour].name.clone()
        });
        add_unsigned(&context.control.progress[context.slot].ended, 1);
    }

    async fn execute_one(
        &self,
        customer: &mut Customer,
        execution: &DueExecution,
        now: MonotonicTime,
    ) -> (ExecutionEnd, MonotonicTime) {
        let context = &self.context;
        let began = now;
        let progress = &context.control.progress[context.slot];
        // Only this worker writes, so that a load and a store do what a locked addition would.
        add(&progress.active, 1);
        context
            .recorder
            .borrow_mut()
            .execution_begins(&context.control, now);
        let (ended, now) = match &self.program.scripts[execution.behaviour].work {
            Work::Requests {
                preset,
                steps,
                is_random,
            } => {
                for (index, value) in preset {
                    customer.variables[*index].get_or_insert_with(|| value.as_str().into());
                }
                // Seeding costs as much as many a request's other work.
                let mut random = if *is_random {
                    Xoshiro256PlusPlus::seed_from_u64(execution.seed)
                } else {
                    context.state.unasked.clone()
                };
                let mut rows = FeedRows::new(execution.row, context.settings.feeds.len());
                requests::execute(customer, context, execution, steps, &mut random, &mut rows, now).await
            }
            Work::Code(code) => execute_code(customer, context, execution, code.as_ref()).await,
            // No thread of this process has such a behaviour: a crew of Locust processes executes it.
            Work::Task => (ExecutionEnd::Failed, now),
        };
        customer.done[execution.behaviour] |= ended == ExecutionEnd::Ok;
        context.recorder.borrow_mut().execution_ended(
            &context.control,
            execution.behaviour,
            execution.phase,
            ended.outcome(),
            began..now,
        );
        add(&progress.active, -1);
        add_unsigned(&progress.ended, 1);
        add_unsigned(&progress.spent_us, now.microseconds_since(execution.due));
        note_reach(customer, ended, progress);
        (ended, now)
    }
}

async fn execute_code(
    customer: &mut Customer,
    context: &StepContext,
    execution: &DueExecution,
    code: &dyn DynBehaviour,
) -> (ExecutionEnd, MonotonicTime) {
    let mut state = customer.states.remove(&code.state());
    let mut running = ExecutionContext::new(customer, context, execution);
    let outcome = code.execute(&mut state, &mut running).await;
    let ended = running.end(outcome);
    customer.states.extend(state.map(|state| (code.state(), state)));
    (ended, MonotonicTime::now())
}

/// Keeps count of the customers who cannot reach the target.
fn note_reach(customer: &mut Customer, ended: ExecutionEnd, progress: &WorkerProgress) {
    let unreachable = ended == ExecutionEnd::Unreachable;
    if unreachable != customer.unreachable {
        customer.unreachable = unreachable;
        add(&progress.unreachable, if unreachable { 1 } else { -1 });
    }
}

fn add(number: &AtomicI64, by: i64) {
    number.store(number.load(Relaxed) + by, Relaxed);
}

fn add_unsigned(number: &AtomicU64, by: u64) {
    number.store(number.load(Relaxed) + by, Relaxed);
}
