//! Offers the load of a step: executions or sessions on a schedule, or a population of customers.

use std::{cell::RefCell, collections::VecDeque, rc::Rc, sync::atomic::Ordering, time::Duration};

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use tokio::task::{JoinError, JoinSet};

use crate::{
    clock::Moment,
    customer::{Customer, Ended, Execution, StepContext, mix},
    load::{Load, Model, Pause},
    pacer::{Arrival, Arrivals},
    think::{choose, cumulative, draw, geometric},
    windows::Phase,
    worker::{LOOK, Worker},
};

/// Customers of a closed step that begin per second and worker: a target must be able to accept their connections.
pub const BEGIN_PER_S: f64 = 2_000.0;
/// Executions without a pause after which a customer lets others act, should its own never wait for anything.
const MOST_UNPAUSED: u64 = 64;
/// Lateness of a start from which the worker's other work goes first.
const LATE: Duration = Duration::from_micros(100);
/// Pause after a connection that could not be opened, so that a target that is down is not hammered.
const AFTER_UNREACHABLE: Duration = Duration::from_millis(100);

/// Offers a load until the end of the step or its stop, then waits for what is still open, at most for `drain`.
pub async fn offer(worker: &Rc<Worker>, context: &Rc<StepContext>, load: &Load, drain: Duration) {
    let mut executions = JoinSet::new();
    let offering = async {
        match load.model {
            Model::Open { spacing, most, queue } => {
                let arrivals = Arrivals::new(&load.rates, spacing, load.seed, worker.index, worker.workers);
                open(
                    worker,
                    context,
                    load,
                    arrivals,
                    room(most, worker),
                    room(queue, worker),
                    &mut executions,
                )
                .await;
            }
            Model::PartlyOpen { spacing, most } => {
                let arrivals = Arrivals::new(
                    &[load.sessions_per_s()],
                    spacing,
                    load.seed,
                    worker.index,
                    worker.workers,
                );
                sessions(
                    worker,
                    context,
                    load,
                    arrivals,
                    room(most, worker),
                    &mut executions,
                )
                .await;
            }
            Model::Closed { customers } => {
                population(worker, context, load, share(customers, worker), &mut executions).await
            }
        }
    };
    tokio::select! {
        () = offering => {}
        () = stopped(context) => {}
    }
    worker.local.clock.end_parking();
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
    context.control.progress[worker.index].forget_aborted(cut);
}

/// A behaviour in code that panics takes its customer with it; the step is not what it says then.
fn note_panic(context: &StepContext, ended: &Result<(), JoinError>) {
    if ended.as_ref().is_err_and(JoinError::is_panic) {
        context.recorder.borrow_mut().panics += 1;
    }
}

/// This worker's part of a number.
fn share(total: usize, worker: &Worker) -> usize {
    total / worker.workers + usize::from(worker.index < total % worker.workers)
}

/// The same of a bound, which leaves room for one at least.
fn room(total: usize, worker: &Worker) -> usize {
    share(total, worker).max(usize::from(total > 0))
}

async fn stopped(context: &StepContext) {
    while !context.control.is_stopped() {
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits for a due time; `false` where the step ends before it.
async fn is_reached(context: &StepContext, due: Moment) -> bool {
    loop {
        let end = context.control.end();
        // The end may become known, or come nearer, while this waits.
        let look = Moment::now().after(LOOK);
        context.local.clock.sleep_until(due.min(end).min(look)).await;
        let now = Moment::now();
        // What was due before the end is offered, however late this wakes up.
        if now >= due {
            // Where starts are late already, whatever else the worker has to do still gets its turn.
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
type Queue = Rc<RefCell<VecDeque<Execution>>>;

async fn open(
    worker: &Rc<Worker>,
    context: &Rc<StepContext>,
    load: &Load,
    arrivals: Arrivals,
    most: usize,
    queue: usize,
    executions: &mut JoinSet<()>,
) {
    let waiting = Queue::default();
    for arrival in arrivals {
        let due = context
            .control
            .start
            .after(Duration::from_secs_f64(arrival.due_s));
        if !is_reached(context, due).await {
            break;
        }
        if !context.control.take_one() {
            return;
        }
        while let Some(ended) = executions.try_join_next() {
            note_panic(context, &ended);
        }
        let execution = execution_of(arrival, due, context, load);
        context
            .recorder
            .borrow_mut()
            .execution_due(execution.behaviour, execution.phase);
        if executions.len() < most {
            note_lateness(context, &execution, Moment::now());
            executions.spawn_local(execute_open(
                Rc::clone(worker),
                Rc::clone(context),
                execution,
                Rc::clone(&waiting),
            ));
        } else if waiting.borrow().len() < queue {
            context.recorder.borrow_mut().queued += u64::from(execution.phase == Phase::Measured);
            waiting.borrow_mut().push_back(execution);
        } else {
            context
                .recorder
                .borrow_mut()
                .execution_dropped(execution.behaviour, execution.phase);
        }
    }
    if load.rates.iter().sum::<f64>() <= 0.0 {
        is_reached(context, Moment::NEVER).await;
    }
}

fn execution_of(arrival: Arrival, due: Moment, context: &StepContext, load: &Load) -> Execution {
    Execution {
        behaviour: arrival.behaviour,
        due,
        phase: context.control.phase(due),
        row: arrival.number,
        seed: mix(load.seed, arrival.number),
    }
}

fn note_lateness(context: &StepContext, execution: &Execution, now: Moment) {
    if execution.phase == Phase::Measured {
        let late = now.microseconds_since(execution.due).max(1);
        context.recorder.borrow_mut().lateness.saturating_record(late);
    }
}

/// Executes, and goes on with what waits for a customer.
async fn execute_open(worker: Rc<Worker>, context: Rc<StepContext>, first: Execution, waiting: Queue) {
    let mut next = Some(first);
    while let Some(execution) = next {
        let mut customer = worker.customer_for(execution.behaviour);
        customer.execute(&context, &execution, Moment::now()).await;
        worker.idle.borrow_mut().push(customer);
        next = waiting.borrow_mut().pop_front();
    }
}

/// Counts every execution of a session that cannot start as due and dropped: the customer came for all of them.
fn drop_session(context: &StepContext, habits: &Habits, number: u64, due: Moment) {
    let mut random = habits.random(number);
    let behaviours = geometric(habits.behaviours.unwrap_or(1.0), &mut random);
    let chosen = (0..behaviours).filter_map(|_| choose(&habits.choices, &mut random));
    let phase = context.control.phase(due);
    let mut recorder = context.recorder.borrow_mut();
    for behaviour in habits.start.into_iter().chain(chosen).chain(habits.end) {
        recorder.execution_due(behaviour, phase);
        recorder.execution_dropped(behaviour, phase);
    }
}

/// Sessions that start on a schedule, each of a customer who comes and goes.
async fn sessions(
    worker: &Rc<Worker>,
    context: &Rc<StepContext>,
    load: &Load,
    arrivals: Arrivals,
    most: usize,
    executions: &mut JoinSet<()>,
) {
    let habits = Rc::new(Habits::of(load));
    for arrival in arrivals {
        let due = context
            .control
            .start
            .after(Duration::from_secs_f64(arrival.due_s));
        if !is_reached(context, due).await {
            return;
        }
        while let Some(ended) = executions.try_join_next() {
            note_panic(context, &ended);
        }
        if executions.len() >= most {
            drop_session(context, &habits, arrival.number, due);
            continue;
        }
        let visit = Visit {
            habits: Rc::clone(&habits),
            random: habits.random(arrival.number),
            number: arrival.number * NUMBERS_OF_A_SESSION,
            row: arrival.number,
            stride: 1,
            unpaused: 0,
        };
        let (context, customer) = (Rc::clone(context), worker.new_customer());
        executions.spawn_local(async move {
            let (mut customer, mut visit) = (customer, visit);
            visit.session(&mut customer, &context, due).await;
        });
    }
}

/// Executions of one session have numbers of their own, as if no session had more than this many.
const NUMBERS_OF_A_SESSION: u64 = 1_000;

/// Customers who stay, each acting, waiting and thinking by itself.
async fn population(
    worker: &Rc<Worker>,
    context: &Rc<StepContext>,
    load: &Load,
    customers: usize,
    executions: &mut JoinSet<()>,
) {
    let habits = Rc::new(Habits::of(load));
    {
        // The same customers begin each step, in the same order, whoever ended the last one first.
        let mut idle = worker.idle.borrow_mut();
        idle.sort_by_key(|customer| customer.number);
        idle.truncate(customers);
        idle.reverse();
    }
    for index in 0..customers {
        let due = context
            .control
            .start
            .after(Duration::from_secs_f64(index as f64 / BEGIN_PER_S));
        if Moment::now() < due && !is_reached(context, due).await {
            return;
        }
        let customer = worker.idle.borrow_mut().pop();
        let mut customer = customer.unwrap_or_else(|| worker.new_customer());
        let number = u64::from(customer.number);
        let mut visit = Visit {
            habits: Rc::clone(&habits),
            random: habits.random(number),
            number,
            row: number,
            stride: (customers * worker.workers).max(1) as u64,
            unpaused: 0,
        };
        let (worker, context) = (Rc::clone(worker), Rc::clone(context));
        executions.spawn_local(async move {
            let progress = &context.control.progress[worker.index];
            progress.enters(customer.unreachable);
            visit.stay(&worker, &mut customer, &context, due).await;
            worker.idle.borrow_mut().push(customer);
        });
    }
    if context.control.is_counted() {
        // Those who think need not be waited for once nothing is left to do.
        let progress = &context.control.progress[worker.index];
        let is_over = || context.control.is_used_up() && progress.active.load(Ordering::Relaxed) == 0;
        while !executions.is_empty() && !is_over() {
            if let Ok(Some(ended)) = tokio::time::timeout(LOOK, executions.join_next()).await {
                note_panic(context, &ended);
            }
        }
    } else {
        is_reached(context, Moment::NEVER).await;
    }
}

/// What all customers of a step have in common.
struct Habits {
    choices: Vec<f64>, // rates summed up to and with each behaviour
    pause: Pause,
    behaviours: Option<f64>,
    start: Option<usize>,
    end: Option<usize>,
    seed: u64,
}

impl Habits {
    fn of(load: &Load) -> Self {
        Self {
            choices: cumulative(&load.choices()),
            pause: load.pause,
            behaviours: load.session.behaviours,
            start: load.session.start,
            end: load.session.end,
            seed: load.seed,
        }
    }

    fn random(&self, number: u64) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(mix(self.seed, number))
    }
}

/// One customer's way through a step.
struct Visit {
    habits: Rc<Habits>,
    random: Xoshiro256PlusPlus,
    number: u64,   // of the next execution, for its seed
    row: u64,      // of feeds, for the next execution
    stride: u64,   // to the one after
    unpaused: u64, // executions since the last pause
}

impl Visit {
    /// Acts until the step ends.
    async fn stay(&mut self, worker: &Worker, customer: &mut Customer, context: &StepContext, from: Moment) {
        // Without a first pause of random length everybody would act at once.
        let pause = match self.habits.pause {
            Pause::Think(times) | Pause::Pace(times) => draw(&times, &mut self.random),
        };
        let mut due = from.after(pause.mul_f64(self.random.random()));
        loop {
            let last = match self.habits.behaviours {
                Some(_) => self.session_from(customer, context, due).await,
                None => self.act_for_ever(customer, context, due).await,
            };
            let Some(ended) = last else { return };
            // The next session is another customer's.
            // Whether the target can be reached is known from the one before.
            let unreachable = customer.unreachable;
            *customer = worker.new_customer();
            customer.unreachable = unreachable;
            due = ended.after(self.pause(Duration::ZERO));
        }
    }

    /// One session, from when it is due.
    async fn session(&mut self, customer: &mut Customer, context: &StepContext, due: Moment) {
        self.session_from(customer, context, due).await;
    }

    /// One session; when it ended, or nothing where the step did.
    async fn session_from(
        &mut self,
        customer: &mut Customer,
        context: &StepContext,
        due: Moment,
    ) -> Option<Moment> {
        let mut due = due;
        if let Some(start) = self.habits.start.filter(|_| !customer.begun) {
            due = self.act(customer, context, start, due).await?;
            customer.begun = true;
        }
        for _ in 0..geometric(self.habits.behaviours.unwrap_or(1.0), &mut self.random) {
            let behaviour = choose(&self.habits.choices, &mut self.random)?;
            due = self.act(customer, context, behaviour, due).await?;
        }
        match self.habits.end {
            Some(end) => self.act(customer, context, end, due).await,
            None => Some(due),
        }
    }

    /// Behaviour after behaviour, as long as the step lasts.
    async fn act_for_ever(
        &mut self,
        customer: &mut Customer,
        context: &StepContext,
        due: Moment,
    ) -> Option<Moment> {
        let mut due = due;
        if let Some(start) = self.habits.start.filter(|_| !customer.begun) {
            due = self.act(customer, context, start, due).await?;
            customer.begun = true;
        }
        loop {
            let behaviour = choose(&self.habits.choices, &mut self.random)?;
            due = self.act(customer, context, behaviour, due).await?;
        }
    }

    /// Waits until `due` and executes one behaviour; when the next one is due, or nothing where the step ends.
    async fn act(
        &mut self,
        customer: &mut Customer,
        context: &StepContext,
        behaviour: usize,
        due: Moment,
    ) -> Option<Moment> {
        let control = &context.control;
        let mut now = Moment::now();
        if now < due {
            if !context.local.clock.park_until(due).await {
                return None;
            }
            (self.unpaused, now) = (0, Moment::now());
        }
        self.unpaused += 1;
        if self.unpaused.is_multiple_of(MOST_UNPAUSED) {
            tokio::task::yield_now().await;
            now = Moment::now();
        }
        if now >= control.end() || control.is_stopped() || !control.take_one() {
            return None;
        }
        let execution = Execution {
            behaviour,
            due,
            phase: control.phase(due),
            row: self.row,
            seed: mix(self.habits.seed, self.number),
        };
        self.number += self.stride;
        // One more than the stride, or customers would keep their rows where the number of rows divides it.
        self.row += if self.stride == 1 { 1 } else { self.stride + 1 };
        context
            .recorder
            .borrow_mut()
            .execution_due(behaviour, execution.phase);
        note_lateness(context, &execution, now);
        let (ended, now) = customer.execute(context, &execution, now).await;
        let next = now.after(self.pause(now.since(due)));
        Some(if ended == Ended::Unreachable {
            next.max(now.after(AFTER_UNREACHABLE))
        } else {
            next
        })
    }

    /// The pause after a behaviour that took `spent`.
    fn pause(&mut self, spent: Duration) -> Duration {
        match self.habits.pause {
            Pause::Think(times) => draw(&times, &mut self.random),
            Pause::Pace(times) => draw(&times, &mut self.random).saturating_sub(spent),
        }
    }
}
