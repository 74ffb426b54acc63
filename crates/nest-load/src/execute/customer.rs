//! One customer: connections, cookies, saved values, and the execution of behaviours from their due time.

use std::{
    any::{Any, TypeId},
    cell::RefCell,
    collections::BTreeMap,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use nest_data::measurement::Outcome;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::{
    clock::{Alarm, Moment},
    http::{compat::Compat, connection, cookies::Jar, http2},
    recorder::Recorder,
    requests,
    script::{Program, Work, feeds::Rows},
    turn::Turn,
    windows::{Phase, StepControl},
    worker::Local,
};

/// One customer, between executions.
pub struct Customer {
    pub number: u32,
    pub http1: connection::Connection,
    pub http2: Option<Box<http2::Connection>>,
    pub compat: Option<Box<Compat>>,
    pub cookies: Jar,
    pub variables: Box<[Option<Box<str>>]>,
    pub alarm: Alarm,
    /// Whether the last attempt to open a connection failed.
    pub unreachable: bool,
    /// Whether the behaviour that begins sessions was executed.
    pub begun: bool,
    done: Box<[bool]>, // one per behaviour: executed with success by this customer
    states: BTreeMap<TypeId, Box<dyn Any>>, // of behaviours in code, one of each type
}

/// What every execution of a step shares on one worker.
pub struct StepContext {
    pub program: Arc<Program>,
    pub local: Rc<Local>,
    pub control: Arc<StepControl>,
    pub recorder: RefCell<Recorder>,
    pub worker: usize,
}

/// One execution that is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Execution {
    pub behaviour: usize,
    pub due: Moment,
    pub phase: Phase,
    /// What rows of feeds go by.
    pub row: u64,
    pub seed: u64,
}

/// How an execution ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Ok,
    Failed,
    /// It failed because no connection could be opened.
    Unreachable,
}

impl Ended {
    pub fn outcome(self) -> Outcome {
        if self == Self::Ok {
            Outcome::Ok
        } else {
            Outcome::Failed
        }
    }
}

impl Customer {
    /// A customer who has done nothing yet.
    pub fn new(number: u32, program: &Program) -> Self {
        Self {
            number,
            http1: connection::Connection::default(),
            http2: None,
            compat: None,
            cookies: Jar::default(),
            variables: vec![None; program.variables].into(),
            alarm: Alarm::default(),
            unreachable: false,
            begun: false,
            done: vec![false; program.scripts.len()].into(),
            states: BTreeMap::new(),
        }
    }

    /// Whether this customer has executed the behaviour that another one needs.
    pub fn has_done(&self, needed: Option<usize>) -> bool {
        needed.is_none_or(|needed| self.done[needed])
    }

    /// Executes a behaviour, after what it needs where that is missing. The needed behaviour is due at the scheduled
    /// time and counts as an execution of its own; the wanted one is due when that has ended.
    ///
    /// `now` is the present; when the execution ended comes back.
    pub async fn execute(
        &mut self,
        context: &StepContext,
        execution: &Execution,
        now: Moment,
    ) -> (Ended, Moment) {
        let needed = context.program.scripts[execution.behaviour]
            .needs
            .filter(|needed| !self.done[*needed]);
        let (mut due, mut now) = (execution.due, now);
        if let Some(needed) = needed {
            context
                .recorder
                .borrow_mut()
                .execution_due(needed, execution.phase);
            let first = Execution {
                behaviour: needed,
                seed: execution.seed ^ 1,
                ..*execution
            };
            (_, now) = self.execute_one(context, &first, now).await;
            due = now;
        }
        self.execute_one(context, &Execution { due, ..*execution }, now)
            .await
    }

    async fn execute_one(
        &mut self,
        context: &StepContext,
        execution: &Execution,
        now: Moment,
    ) -> (Ended, Moment) {
        let progress = &context.control.progress[context.worker];
        // Only this worker writes, so that a load and a store do what a locked addition would.
        add(&progress.active, 1);
        context
            .recorder
            .borrow_mut()
            .execution_begins(&context.control, now);
        let (ended, now) = match &context.program.scripts[execution.behaviour].work {
            Work::Requests { preset, steps } => {
                for (index, value) in preset {
                    self.variables[*index].get_or_insert_with(|| value.as_str().into());
                }
                let mut random = Xoshiro256PlusPlus::seed_from_u64(execution.seed);
                let mut rows = Rows::new(execution.row, context.program.feeds.len());
                requests::execute(self, context, execution, steps, &mut random, &mut rows, now).await
            }
            Work::Code(code) => {
                let mut state = self.states.remove(&code.state());
                let mut turn = Turn::new(self, context, execution);
                let outcome = code.execute(&mut state, &mut turn).await;
                let ended = turn.end(outcome);
                self.states.extend(state.map(|state| (code.state(), state)));
                (ended, Moment::now())
            }
        };
        self.done[execution.behaviour] |= ended == Ended::Ok;
        context.recorder.borrow_mut().execution_ended(
            &context.control,
            execution.behaviour,
            execution.phase,
            ended.outcome(),
            now,
        );
        add(&progress.active, -1);
        add_unsigned(&progress.ended, 1);
        add_unsigned(&progress.spent_us, now.microseconds_since(execution.due));
        self.note_reach(ended, progress);
        (ended, now)
    }

    /// Keeps count of the customers who cannot reach the target.
    fn note_reach(&mut self, ended: Ended, progress: &crate::windows::Progress) {
        let unreachable = ended == Ended::Unreachable;
        if unreachable != self.unreachable {
            self.unreachable = unreachable;
            add(&progress.unreachable, if unreachable { 1 } else { -1 });
        }
    }
}

fn add(number: &std::sync::atomic::AtomicI64, by: i64) {
    use std::sync::atomic::Ordering::Relaxed;
    number.store(number.load(Relaxed) + by, Relaxed);
}

fn add_unsigned(number: &std::sync::atomic::AtomicU64, by: u64) {
    use std::sync::atomic::Ordering::Relaxed;
    number.store(number.load(Relaxed) + by, Relaxed);
}

/// Mixes a step's seed and a number, so that neighbours share nothing.
pub fn mix(seed: u64, number: u64) -> u64 {
    seed.wrapping_mul(0xD129_0B97_2A8E_4C63) ^ number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// A request's time limit as a span.
pub fn span(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.max(0.0))
}
