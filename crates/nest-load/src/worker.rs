//! One worker: a thread with a runtime of its own, and the customers that live on it from step to step.
//!
//! - `command`: what it is told, and what it tells
//! - `offer`: the load of a step, as executions, sessions or a population; `walk`: one customer's way through
//!   it
//! - `customers`, `state`: who lives on it, and what they share

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{
        Arc,
        mpsc::{Receiver, Sender},
    },
    time::Duration,
};

use tokio::{runtime::Runtime, task::LocalSet};

use crate::{
    clock::{Clock, MonotonicTime},
    execute::{
        RunningStep,
        context::{DueExecution, StepContext, mix},
    },
    recorder::{
        Recorder,
        windows::{StepControl, StepPhase},
    },
    script::program::Program,
};

pub mod command;
pub mod customers;
pub mod offer;
pub mod state;
mod walk;

use command::{AloneOrder, StepOrder, WorkerCommand, WorkerEvent};
use customers::SlotCustomers;
use state::WorkerState;

/// How often a worker checks how late its clock is.
const HEARTBEAT: Duration = Duration::from_millis(5);
/// Heartbeats after which a worker tells what it has counted, to whoever wants to know.
const BEATS_OF_A_TALLY: u32 = 10;
/// Length of the only window of a behaviour that is executed alone: longer than any of them lasts.
const ALONE_WINDOW: Duration = Duration::from_secs(3_600);

struct Worker {
    program: Arc<Program>,
    state: Rc<WorkerState>,
    customers: Rc<SlotCustomers>,
}

/// Works until there are no more commands, as the slot of this number, from 0, of all slots.
pub fn work(
    slot: usize,
    slots: usize,
    program: Arc<Program>,
    commands: &Receiver<WorkerCommand>,
    events: &Sender<WorkerEvent>,
) {
    let (runtime, clock) = match start_clock() {
        Ok(started) => started,
        Err(error) => return drop(events.send(WorkerEvent::Refused(error))),
    };
    let worker = Worker {
        state: Rc::new(WorkerState::new(clock, program.requests().count())),
        customers: Rc::new(SlotCustomers::new(slot, slots, Arc::clone(&program))),
        program,
    };
    let tasks = LocalSet::new();
    // The clock's tasks live as long as the worker, like those of HTTP/2 connections.
    let state = Rc::clone(&worker.state);
    tasks.spawn_local(async move { state.clock.run().await });
    // Whoever sends the commands may have gone; then there is nobody to tell.
    let _ = events.send(WorkerEvent::Ready(nix::unistd::gettid().as_raw()));
    while let Ok(command) = commands.recv() {
        let begun = MonotonicTime::now();
        let recorder = tasks.block_on(&runtime, worker.obey(command));
        let took = MonotonicTime::now().since(begun);
        if events.send(WorkerEvent::Done(Box::new(recorder), took)).is_err() {
            break;
        }
    }
    drop((tasks, worker));
    // Whoever looks up a name for the compatibility path is not waited for.
    runtime.shutdown_background();
}

fn start_clock() -> std::io::Result<(Runtime, Clock)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let entered = runtime.enter();
    let clock = Clock::new()?;
    drop(entered);
    Ok((runtime, clock))
}

impl Worker {
    async fn obey(&self, command: WorkerCommand) -> Recorder {
        match command {
            WorkerCommand::Step(order) => self.step(order).await,
            WorkerCommand::Alone(order) => self.alone(order).await,
            WorkerCommand::Forget => {
                self.customers.forget();
                Recorder::new(self.program.outline(), 0)
            }
        }
    }

    fn running(&self, control: Arc<StepControl>) -> Rc<RunningStep> {
        Rc::new(RunningStep {
            program: Arc::clone(&self.program),
            context: StepContext {
                settings: Arc::clone(&self.program.settings),
                state: Rc::clone(&self.state),
                recorder: RefCell::new(Recorder::new(self.program.outline(), control.windows())),
                control,
                slot: self.customers.slot,
                next_beat: Cell::new(MonotonicTime::NEVER),
            },
        })
    }

    async fn step(&self, order: StepOrder) -> Recorder {
        let step = self.running(order.control);
        self.state.clock.allow_parking();
        let beat = tokio::task::spawn_local(heartbeat(Rc::clone(&step)));
        offer::offer(&self.customers, &step, &order.load, order.drain).await;
        beat.abort();
        // The aborted task holds the step until the runtime has dropped it.
        let _ = beat.await;
        // It may have been about to tell of a gap that lasted beyond the end.
        note_gap(&step.context, MonotonicTime::now());
        let step = Rc::into_inner(step).expect("every execution has ended or was aborted");
        step.context.recorder.into_inner()
    }

    async fn alone(&self, order: AloneOrder) -> Recorder {
        self.state.clock.allow_parking();
        let start = MonotonicTime::now();
        let control = StepControl::new(start, ALONE_WINDOW, 1, self.customers.slots, None);
        control.measure_from(control.start);
        let step = self.running(Arc::new(control));
        let mut customer = self.customers.customer_for(order.behaviour);
        let end = start.after(order.span);
        let executing = async {
            let mut number = 0;
            while MonotonicTime::now() < end && number < order.most {
                number += 1;
                step.context
                    .recorder
                    .borrow_mut()
                    .execution_due(order.behaviour, StepPhase::Measured);
                let now = MonotonicTime::now();
                let execution = DueExecution {
                    behaviour: order.behaviour,
                    due: now,
                    phase: StepPhase::Measured,
                    row: number,
                    seed: mix(number, 0),
                };
                step.execute(&mut customer, &execution, now).await;
            }
        };
        tokio::select! {
            () = executing => {}
            () = order.interrupt.requested() => {}
            () = tokio::time::sleep(order.longest) => {}
        }
        self.customers.idle.borrow_mut().push(customer);
        let step = Rc::into_inner(step).expect("nothing else holds it");
        step.context.recorder.into_inner()
    }
}

/// Checks again and again how late the clock wakes it. If it is later than the clock alone explains, the
/// worker had too much to do or no processor.
async fn heartbeat(step: Rc<RunningStep>) {
    let context = &step.context;
    let mut beats = 0_u32;
    loop {
        beats = beats.wrapping_add(1);
        if beats.is_multiple_of(BEATS_OF_A_TALLY) {
            let recorder = context.recorder.borrow();
            context.control.tell_tally(context.slot, &recorder);
        }
        let due = MonotonicTime::now().after(HEARTBEAT);
        context.next_beat.set(due);
        context.state.clock.sleep_until(due).await;
        let now = MonotonicTime::now();
        note_gap(context, now);
        if context.control.index(now).is_some() {
            context
                .recorder
                .borrow_mut()
                .clock
                .saturating_record(now.microseconds_since(due).max(1));
        }
    }
}

/// Notes for how long the heartbeat that was due last is overdue.
fn note_gap(context: &StepContext, now: MonotonicTime) {
    let due = context.next_beat.replace(MonotonicTime::NEVER);
    context
        .recorder
        .borrow_mut()
        .gaps
        .beat(&context.control, due, now);
}
