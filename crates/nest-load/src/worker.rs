//! One worker: a thread with a runtime of its own, and the customers that live on it from step to step.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{
        Arc,
        mpsc::{Receiver, Sender},
    },
    time::Duration,
};

use tokio::task::LocalSet;

use crate::{
    clock::{Clock, Moment},
    customer::{Customer, Execution, StepContext, mix},
    http::{connection::Buffers, decoder::KnownHead},
    interrupt::Interrupt,
    load::Load,
    offer,
    recorder::Recorder,
    script::Program,
    windows::{Phase, StepControl},
};

/// How often a running step looks whether it is to stop.
pub const LOOK: Duration = Duration::from_millis(50);
/// How often a worker looks how late its clock is.
const HEARTBEAT: Duration = Duration::from_millis(5);

/// What all customers of one worker share.
pub struct Local {
    pub clock: Clock,
    pub buffers: Buffers,
    /// For bodies, before their length is known.
    pub body: RefCell<Vec<u8>>,
    /// The last head of the answers to each request of the program, by its endpoint.
    pub known_heads: Vec<RefCell<KnownHead>>,
    /// The address that took the last connection.
    pub last_good: Cell<usize>,
}

/// Work for a worker.
pub enum Job {
    /// Offer a load, until the step's end or its stop.
    Step {
        load: Load,
        control: Arc<StepControl>,
        drain: Duration,
    },
    /// Execute one behaviour again and again, one at a time.
    Alone {
        behaviour: usize,
        span: Duration,
        most: u64,
        longest: Duration,
        interrupt: Interrupt,
    },
    /// Let all customers go.
    Forget,
}

/// What a worker says.
pub enum Said {
    /// It runs, under this thread number.
    Ready(i32),
    /// A job is done; how long it took.
    Done(Box<Recorder>, Duration),
    /// It cannot work.
    Refused(std::io::Error),
}

/// A worker's own state.
pub struct Worker {
    pub index: usize,
    pub workers: usize,
    pub program: Arc<Program>,
    pub local: Rc<Local>,
    /// Customers between two executions.
    pub idle: RefCell<Vec<Customer>>,
    pub next_number: Cell<u32>,
}

/// Works until there are no more jobs.
pub fn work(index: usize, workers: usize, program: Arc<Program>, jobs: &Receiver<Job>, said: &Sender<Said>) {
    let started = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|runtime| {
            let entered = runtime.enter();
            let clock = Clock::new()?;
            drop(entered);
            Ok((runtime, clock))
        });
    let (runtime, clock) = match started {
        Ok(started) => started,
        Err(error) => return drop(said.send(Said::Refused(error))),
    };
    let known_heads = program.endpoints().map(|_| RefCell::default()).collect();
    let local = Rc::new(Local {
        clock,
        buffers: Buffers::default(),
        body: RefCell::default(),
        known_heads,
        last_good: Cell::new(0),
    });
    let worker = Rc::new(Worker {
        index,
        workers,
        program,
        local: Rc::clone(&local),
        idle: RefCell::default(),
        next_number: Cell::new(0),
    });
    let tasks = LocalSet::new();
    // The clock's tasks live as long as the worker, like those of HTTP/2 connections.
    tasks.spawn_local(async move { local.clock.run().await });
    // Whoever sent the jobs may have gone; then there is nobody to tell.
    let _ = said.send(Said::Ready(nix::unistd::gettid().as_raw()));
    while let Ok(job) = jobs.recv() {
        let begun = Moment::now();
        let recorder = match job {
            Job::Step { load, control, drain } => {
                tasks.block_on(&runtime, Rc::clone(&worker).step(load, control, drain))
            }
            Job::Alone {
                behaviour,
                span,
                most,
                longest,
                interrupt,
            } => tasks.block_on(
                &runtime,
                Rc::clone(&worker).alone(behaviour, (span, longest), most, &interrupt),
            ),
            Job::Forget => {
                worker.idle.borrow_mut().clear();
                Recorder::new(&worker.program, 0)
            }
        };
        if said
            .send(Said::Done(Box::new(recorder), Moment::now().since(begun)))
            .is_err()
        {
            return;
        }
    }
}

impl Worker {
    /// A customer who has done nothing yet.
    pub fn new_customer(&self) -> Customer {
        let number = self.next_number.get();
        self.next_number.set(number + 1);
        Customer::new(number * self.workers as u32 + self.index as u32, &self.program)
    }

    /// An idle customer who has done what `behaviour` needs, else any idle one, else a new one.
    pub fn customer_for(&self, behaviour: usize) -> Customer {
        let needed = self.program.scripts[behaviour].needs;
        let mut idle = self.idle.borrow_mut();
        let ready = if needed.is_none() {
            None
        } else {
            idle.iter().rposition(|customer| customer.has_done(needed))
        };
        let found = ready.map(|ready| idle.swap_remove(ready)).or_else(|| idle.pop());
        drop(idle);
        found.unwrap_or_else(|| self.new_customer())
    }

    fn context(&self, control: Arc<StepControl>) -> Rc<StepContext> {
        Rc::new(StepContext {
            program: Arc::clone(&self.program),
            local: Rc::clone(&self.local),
            recorder: RefCell::new(Recorder::new(&self.program, control.windows())),
            control,
            worker: self.index,
        })
    }

    async fn step(self: Rc<Self>, load: Load, control: Arc<StepControl>, drain: Duration) -> Recorder {
        let context = self.context(control);
        self.local.clock.allow_parking();
        let beat = tokio::task::spawn_local(heartbeat(Rc::clone(&context)));
        offer::offer(&self, &context, &load, drain).await;
        beat.abort();
        // The aborted task holds the context until the runtime has dropped it.
        let _ = beat.await;
        let context = Rc::into_inner(context).expect("every execution has ended or was aborted");
        context.recorder.into_inner()
    }

    async fn alone(
        self: Rc<Self>,
        behaviour: usize,
        (span, longest): (Duration, Duration),
        most: u64,
        interrupt: &Interrupt,
    ) -> Recorder {
        let control = Arc::new(StepControl::new(
            Moment::now(),
            Duration::from_secs(3_600),
            1,
            self.workers,
            None,
        ));
        control.measure_from(control.start);
        let context = self.context(Arc::clone(&control));
        let mut customer = self.customer_for(behaviour);
        let end = control.start.after(span);
        let executing = async {
            let mut number = 0;
            while Moment::now() < end && number < most {
                number += 1;
                context
                    .recorder
                    .borrow_mut()
                    .execution_due(behaviour, Phase::Measured);
                let now = Moment::now();
                let execution = Execution {
                    behaviour,
                    due: now,
                    phase: Phase::Measured,
                    row: number,
                    seed: mix(number, 0),
                };
                customer.execute(&context, &execution, now).await;
            }
        };
        let interrupted = async {
            while !interrupt.is_requested() {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            () = executing => {}
            () = interrupted => {}
            () = tokio::time::sleep(longest) => {}
        }
        self.idle.borrow_mut().push(customer);
        let context = Rc::into_inner(context).expect("nothing else holds it");
        context.recorder.into_inner()
    }
}

/// Looks again and again how late the clock wakes it: later than the clock alone explains, the worker had too much to do
/// or no processor.
async fn heartbeat(context: Rc<StepContext>) {
    loop {
        let due = Moment::now().after(HEARTBEAT);
        context.local.clock.sleep_until(due).await;
        let now = Moment::now();
        if context.control.index(now).is_some() {
            context
                .recorder
                .borrow_mut()
                .clock
                .saturating_record(now.microseconds_since(due).max(1));
        }
    }
}
