//! Offers the load of a step: executions or sessions on a schedule, or a population of customers.

use std::{cell::RefCell, collections::VecDeque, rc::Rc, sync::atomic::Ordering, time::Duration};

use nest_data::customers::Spacing;
use tokio::task::{JoinError, JoinSet};

use super::{
    customers::SlotCustomers,
    walk::{CustomerWalk, Habits},
};
use crate::{
    clock::MonotonicTime,
    execute::{
        RunningStep,
        context::{DueExecution, StepContext, mix},
    },
    recorder::windows::{POLL_INTERVAL, StepPhase},
    schedule::{
        load::{LoadModel, StepLoad},
        pacer::{ScheduledStart, ScheduledStarts},
    },
};

/// Customers of a closed step that begin per second and slot. This is our choice: a target must be able to
/// accept their connections, and Linux's default queue of them (net.core.somaxconn, 4,096) holds two seconds'
/// worth.
pub const BEGIN_PER_S: f64 = 2_000.0;
/// Lateness of a start from which the worker's other work goes first: a tenth of the lateness at which a step
/// is doubted.
const LATE: Duration = Duration::from_micros(100);

/// Offers a load until the end of the step or its stop, then waits for what is still open, at most for
/// `drain`.
pub async fn offer(slot: &Rc<SlotCustomers>, step: &Rc<RunningStep>, load: &StepLoad, drain: Duration) {
    let mut offering = Offering {
        slot,
        step,
        load,
        executions: JoinSet::new(),
        waiting: Waiting::default(),
    };
    let context = &step.context;
    tokio::select! {
        () = offering.run() => {}
        () = stopped(context) => {}
    }
    context.state.clock.end_parking();
    let (mut executions, waiting) = (offering.executions, offering.waiting);
    let drained = async {
        while let Some(ended) = executions.join_next().await {
            note_panic(context, &ended);
        }
    };
    tokio::select! {
        _ = tokio::time::timeout(drain, drained) => {}
        () = stopped(context) => {}
    }
    let cut = executions.len();
    executions.shutdown().await;
    context.control.progress[slot.slot].forget_aborted(cut);
    // No customer was free for them until the end.
    for execution in waiting.take() {
        let mut recorder = context.recorder.borrow_mut();
        recorder.execution_dropped(execution.behaviour, execution.phase);
    }
}

/// A load that is being offered.
struct Offering<'a> {
    slot: &'a Rc<SlotCustomers>,
    step: &'a Rc<RunningStep>,
    load: &'a StepLoad,
    executions: JoinSet<()>,
    waiting: Waiting, // executions that found no customer free
}

impl Offering<'_> {
    async fn run(&mut self) {
        match self.load.model {
            LoadModel::Open { spacing, most, queue } => {
                let starts = self.starts(&self.load.rates, spacing);
                self.open(starts, self.room(most), self.room(queue)).await;
            }
            LoadModel::PartlyOpen { spacing, most } => {
                let starts = self.starts(&[self.load.sessions_per_s()], spacing);
                self.sessions(starts, self.room(most)).await;
            }
            LoadModel::Closed { customers } => self.population(customers as u64).await,
        }
    }

    /// This slot's arrivals.
    fn starts(&self, rates: &[f64], spacing: Spacing) -> ScheduledStarts {
        ScheduledStarts::new(rates, spacing, self.load.seed, self.slot.slot, self.slot.slots)
    }

    /// This slot's part of a bound, which leaves room for one at least.
    fn room(&self, total: usize) -> usize {
        let share = total / self.slot.slots + usize::from(self.slot.slot < total % self.slot.slots);
        share.max(usize::from(total > 0))
    }

    /// Adds an arrival that came due to the checksum of the schedule.
    fn note_arrival(&self, start: &ScheduledStart, due: MonotonicTime) {
        let context = &self.step.context;
        let due_ns = due.since(context.control.start).as_nanos() as u64;
        let mut recorder = context.recorder.borrow_mut();
        recorder
            .schedule
            .add(start.number, due_ns, start.behaviour, self.load.seed);
    }

    fn due(&self, after_s: f64) -> MonotonicTime {
        let start = self.step.context.control.start;
        // What is due after more seconds than a time can have is never due.
        start.after(Duration::try_from_secs_f64(after_s).unwrap_or(Duration::MAX))
    }

    fn note_panics(&mut self) {
        while let Some(ended) = self.executions.try_join_next() {
            note_panic(&self.step.context, &ended);
        }
    }

    /// Executions on a schedule. At most `most` are in progress; `queue` more wait for a customer.
    async fn open(&mut self, starts: ScheduledStarts, most: usize, queue: usize) {
        let (step, load) = (self.step, self.load);
        let context = &step.context;
        let waiting = Rc::clone(&self.waiting);
        for start in starts {
            let due = self.due(start.due_s);
            if !is_reached(context, due).await {
                break;
            }
            if !context.control.take(start.number) {
                return;
            }
            self.note_arrival(&start, due);
            self.note_panics();
            let execution = execution_of(start, due, context, load);
            context
                .recorder
                .borrow_mut()
                .execution_due(execution.behaviour, execution.phase);
            if self.executions.len() < most {
                context.note_lateness(&execution, MonotonicTime::now());
                self.executions.spawn_local(execute_open(
                    Rc::clone(self.slot),
                    Rc::clone(self.step),
                    execution,
                    Rc::clone(&waiting),
                ));
            } else if waiting.borrow().len() < queue {
                context.recorder.borrow_mut().queued += u64::from(execution.phase == StepPhase::Measured);
                waiting.borrow_mut().push_back(execution);
            } else {
                context
                    .recorder
                    .borrow_mut()
                    .execution_dropped(execution.behaviour, execution.phase);
            }
        }
        if self.load.rates.iter().sum::<f64>() <= 0.0 {
            is_reached(context, MonotonicTime::NEVER).await;
        }
    }

    /// Sessions that start on a schedule, each of a customer who comes and goes. At most `most` are in
    /// progress.
    async fn sessions(&mut self, starts: ScheduledStarts, most: usize) {
        let step = self.step;
        let context = &step.context;
        let habits = Rc::new(Habits::of(self.load));
        for start in starts {
            let due = self.due(start.due_s);
            if !is_reached(context, due).await {
                return;
            }
            self.note_arrival(&start, due);
            self.note_panics();
            if self.executions.len() >= most {
                drop_session(context, &habits, start.number, due);
                continue;
            }
            let mut walk = CustomerWalk::session(&habits, start.number);
            let (step, mut customer) = (Rc::clone(self.step), self.slot.customer(start.number));
            self.executions.spawn_local(async move {
                walk.session_from(&mut customer, &step, due).await;
            });
        }
    }

    /// Customers who stay, each acting, waiting and thinking by itself: those of a population that belong to
    /// this slot.
    async fn population(&mut self, population: u64) {
        let habits = Rc::new(Habits::of(self.load));
        let slots = self.slot.slots as u64;
        let members = (self.slot.slot as u64..population).step_by(self.slot.slots);
        self.note_members(&habits, members.clone());
        // Each session is another customer's, so that whoever began one in the step before is not needed.
        self.slot
            .line_up(if habits.has_sessions() { 0 } else { population });
        for number in members {
            let due = self.due(number as f64 / (BEGIN_PER_S * slots as f64));
            if MonotonicTime::now() < due && !is_reached(&self.step.context, due).await {
                return;
            }
            let mut customer = self.slot.member(number);
            let mut walk = CustomerWalk::member(&habits, number, population);
            let (slot, step) = (Rc::clone(self.slot), Rc::clone(self.step));
            self.executions.spawn_local(async move {
                step.context.control.progress[slot.slot].enters(customer.unreachable);
                walk.stay(&slot, &mut customer, &step, due).await;
                slot.idle.borrow_mut().push(customer);
            });
        }
        if self.step.context.control.is_counted() {
            self.until_used_up().await;
        } else {
            is_reached(&self.step.context, MonotonicTime::NEVER).await;
        }
    }

    /// Adds the members of a population to the checksum: each one's number, first pause and first behaviour.
    /// When they come due afterwards depends on the answers.
    fn note_members(&self, habits: &Habits, members: impl Iterator<Item = u64>) {
        let mut recorder = self.step.context.recorder.borrow_mut();
        for number in members {
            let (pause, behaviour) = habits.beginning(number);
            let behaviour = behaviour.unwrap_or(usize::MAX);
            recorder
                .schedule
                .add(number, pause.as_nanos() as u64, behaviour, self.load.seed);
        }
    }

    /// Waits for the last execution of a counted step. Customers who think need not be waited for once
    /// nothing is left to do.
    async fn until_used_up(&mut self) {
        let step = self.step;
        let context = &step.context;
        let progress = &context.control.progress[self.slot.slot];
        let is_over = || context.control.is_used_up() && progress.active.load(Ordering::Relaxed) == 0;
        while !self.executions.is_empty() && !is_over() {
            let next = tokio::time::timeout(POLL_INTERVAL, self.executions.join_next()).await;
            if let Ok(Some(ended)) = next {
                note_panic(context, &ended);
            }
        }
    }
}

/// Counts a behaviour in code that panicked: it took its customer with it, and the step is not what was
/// planned.
fn note_panic(context: &StepContext, ended: &Result<(), JoinError>) {
    if ended.as_ref().is_err_and(JoinError::is_panic) {
        context.recorder.borrow_mut().panics += 1;
    }
}

async fn stopped(context: &StepContext) {
    while !context.control.is_stopped() {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Waits for a due time; `false` if the step ends before it.
async fn is_reached(context: &StepContext, due: MonotonicTime) -> bool {
    loop {
        let end = context.control.end();
        // The end may become known, or come nearer, while this waits.
        let poll = MonotonicTime::now().after(POLL_INTERVAL);
        context.state.clock.sleep_until(due.min(end).min(poll)).await;
        let now = MonotonicTime::now();
        // What was due before the end is offered, however late this wakes up.
        if now >= due {
            // If starts are late already, whatever else the worker has to do still gets its turn.
            if now > due.after(LATE) {
                tokio::task::yield_now().await;
            }
            return due < context.control.end();
        }
        if now >= end {
            return false;
        }
    }
}

/// Executions that found no customer free.
type Waiting = Rc<RefCell<VecDeque<DueExecution>>>;

fn execution_of(
    start: ScheduledStart,
    due: MonotonicTime,
    context: &StepContext,
    load: &StepLoad,
) -> DueExecution {
    DueExecution {
        behaviour: start.behaviour,
        due,
        phase: context.control.phase(due),
        row: start.number,
        seed: mix(load.seed, start.number),
    }
}

/// Executes, and goes on with what waits for a customer.
async fn execute_open(slot: Rc<SlotCustomers>, step: Rc<RunningStep>, first: DueExecution, waiting: Waiting) {
    let mut next = Some(first);
    while let Some(execution) = next {
        let mut customer = slot.customer_for(execution.behaviour);
        step.execute(&mut customer, &execution, MonotonicTime::now())
            .await;
        slot.idle.borrow_mut().push(customer);
        next = waiting.borrow_mut().pop_front();
    }
}

/// Counts every execution of a session that cannot start as due and dropped: the customer came for all of
/// them.
fn drop_session(context: &StepContext, habits: &Habits, number: u64, due: MonotonicTime) {
    let phase = context.control.phase(due);
    let mut recorder = context.recorder.borrow_mut();
    for behaviour in habits.whole_session(number) {
        recorder.execution_due(behaviour, phase);
        recorder.execution_dropped(behaviour, phase);
    }
}
