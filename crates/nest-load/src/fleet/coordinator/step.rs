//! One step of a fleet, from its barrier to its records.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use nest_data::{
    Caveat,
    measurement::{GeneratorMachine, GeneratorOf},
};

use super::{
    Fleet, Shared,
    ask::{Answers, AskError, refused},
    at_work::StepAtWork,
    lock,
    lookout::GONE,
    members::Member,
};
use crate::{
    clock::MonotonicTime,
    engine::{
        StepLimits,
        crew::{Collected, Crew},
        interrupt::Interrupt,
    },
    error::LoadError,
    fleet::{
        clock::{ClockEstimate, TimeExchange, estimate, record},
        ledger::LostPart,
        message::{Closed, Done, FleetState, Pong, Prepared, RemoteLimits, Verb, WindowsKnown},
        news::FleetNews,
    },
    observe::threads::ThreadUse,
    recorder::{Recorder, windows::StepControl},
    schedule::load::StepLoad,
    script::program::Program,
    worker::command::AloneOrder,
};

mod records;

/// How often a step is tried to be started.
const TRIES: usize = 3;
/// Longest wait until a worker is ready for a step.
const PREPARE: Duration = Duration::from_secs(30);
/// Exchanges of the time with each worker.
const PINGS: usize = 20;
/// Longest wait for one of them.
const PING: Duration = Duration::from_secs(1);
/// Least time between the order to start and the start.
const LEAD: Duration = Duration::from_millis(250);
/// Least time between the order where the windows begin and their begin.
const AHEAD: Duration = Duration::from_millis(500);
/// Round trips that an order must have time for.
const ROUND_TRIPS: u32 = 3;
/// How long before the windows everybody must have confirmed where they begin.
const CONFIRMED: Duration = Duration::from_millis(200);
/// What a step may last beyond its plan before workers end it by themselves.
const SLACK: Duration = Duration::from_secs(5);
/// Longest wait for the answer to a short order.
const ORDER: Duration = Duration::from_secs(2);
/// How often workers are told to stop.
const STOPS: usize = 3;

/// How an attempt to start a step went.
enum Attempt {
    Started(Arc<StepControl>),
    /// It must be tried again, with those that are left.
    Failed(String),
}

impl Crew for Fleet {
    fn ahead(&self) -> Duration {
        AHEAD.max(self.shared.round_trip() * ROUND_TRIPS)
    }

    fn send(
        &self,
        load: &StepLoad,
        limits: &StepLimits,
        interrupt: &Interrupt,
    ) -> Result<Arc<StepControl>, LoadError> {
        let shared = &self.shared;
        let mut reason = String::new();
        for _ in 0..TRIES {
            shared.check_messages()?;
            *lock(&shared.broken) = None;
            let attempt = self.driver.block_on(async {
                tokio::select! {
                    attempt = shared.start(load, limits) => attempt,
                    () = interrupt.requested() => Err(LoadError::Interrupted),
                }
            });
            match attempt {
                Ok(Attempt::Started(control)) => return Ok(control),
                Ok(Attempt::Failed(why)) => {
                    shared
                        .options
                        .listener
                        .tell(FleetNews::Again { reason: why.clone() });
                    reason = why;
                }
                Err(error) => {
                    self.driver.block_on(shared.stop_step());
                    return Err(error);
                }
            }
        }
        Err(LoadError::WorkersLost { reason })
    }

    fn measure_from(&self, control: &StepControl, from: MonotonicTime) {
        control.measure_from(from);
        self.driver.block_on(self.shared.tell_windows(from));
    }

    fn stop(&self, control: &StepControl) {
        control.measure_until(MonotonicTime::now());
        control.stop();
        self.driver.block_on(self.shared.stop_step());
    }

    fn broken(&self) -> Option<String> {
        lock(&self.shared.broken).clone()
    }

    fn used(&self) -> Vec<ThreadUse> {
        Vec::new() // workers tell it themselves
    }

    fn collect(
        &self,
        control: &StepControl,
        drain: Duration,
        interrupt: &Interrupt,
    ) -> Result<Collected, LoadError> {
        let program = &self.program;
        let collecting = self
            .shared
            .collect_unless_stopped(program, control, drain, interrupt);
        let collected = self.driver.block_on(collecting);
        self.shared.check_messages()?;
        collected
    }

    fn alone(&self, order: AloneOrder) -> Result<(Recorder, Duration), LoadError> {
        self.driver.block_on(self.shared.alone(&self.program, order))
    }

    fn machines(&self) -> Vec<GeneratorMachine> {
        lock(&self.shared.members).machines()
    }

    fn caveats(&self) -> Vec<Caveat> {
        lock(&self.shared.caveats).clone()
    }

    fn forget(&self) -> Result<(), LoadError> {
        let shared = &self.shared;
        let members = lock(&shared.members).active();
        let answers: Answers<Done> =
            self.driver
                .block_on(shared.ask_each(&members, |_| Verb::Forget, PREPARE));
        for (member, answer) in answers {
            match answer {
                Ok(_) => {}
                Err(AskError::Refused(reason)) => return Err(refused(&member, &reason)),
                Err(error) => shared.lose(&member, &error.reason()),
            }
        }
        Ok(())
    }
}

impl Shared {
    fn round_trip(&self) -> Duration {
        let active = lock(&self.members).active();
        let trips = active.iter().filter_map(|member| member.clock);
        Duration::from_nanos(trips.map(|clock| clock.round_trip_ns).max().unwrap_or(0))
    }

    async fn start(self: &Arc<Self>, load: &StepLoad, limits: &StepLimits) -> Result<Attempt, LoadError> {
        self.assign_new().await?;
        let members = self.lined_up()?;
        let number = self.step.fetch_add(1, Relaxed) + 1;
        let members = self.deal(members);
        let prepared = self.prepare(&members, number, load, limits).await;
        let clocks = match prepared {
            Ok(None) => self.read_clocks(&members).await,
            Ok(Some(reason)) => Err(reason),
            Err(error) => return Err(error),
        };
        let members = match clocks {
            Ok(members) => members,
            Err(reason) => {
                // Nobody has started, so nobody has taken a row.
                members
                    .iter()
                    .for_each(|member| self.give_back(member, &Default::default()));
                return Ok(Attempt::Failed(reason));
            }
        };
        let lead = LEAD.max(self.round_trip() * ROUND_TRIPS);
        let start = MonotonicTime::now().after(lead);
        let control = Arc::new(StepControl::new(
            start,
            limits.window,
            limits.windows,
            members.iter().map(|member| member.slots.count).sum(),
            None,
        ));
        *lock(&self.at_work) = Some(StepAtWork {
            number,
            control: Arc::clone(&control),
            load: load.clone(),
            limits: *limits,
            members: members.clone(),
            last: BTreeMap::new(),
        });
        *lock(&self.state) = FleetState::Step;
        let hard_end = start.after(longest(limits) + AHEAD + SLACK);
        let order = |member: &Member| Verb::Start {
            step: number,
            start_ns: start.nanoseconds(),
            offset_ns: member.clock.map_or(0, |clock| clock.offset_ns),
            hard_end_ns: hard_end.nanoseconds(),
        };
        let answers: Answers<Done> = self.ask_each(&members, order, lead + ORDER).await;
        let failed = answers
            .iter()
            .find_map(|(member, answer)| Some((member, answer.as_ref().err()?.reason())));
        let Some((member, reason)) = failed else {
            return Ok(Attempt::Started(control));
        };
        let reason = format!("the worker {} did not start: {reason}", member.name);
        for (member, answer) in &answers {
            if matches!(answer, Err(AskError::NobodyThere | AskError::Silent)) {
                self.lose(member, "it did not start");
            }
        }
        self.stop_step().await;
        self.abandon(number, &members).await;
        Ok(Attempt::Failed(reason))
    }

    /// Those that are left, with their slots numbered.
    fn lined_up(&self) -> Result<Vec<Member>, LoadError> {
        let mut members = lock(&self.members);
        members.number_slots();
        let active = members.active();
        drop(members);
        let fewest = self.options.fewest.max(1);
        if active.len() < fewest {
            return Err(LoadError::WorkersLost {
                reason: format!("{} of the {fewest} workers that it needs are left", active.len()),
            });
        }
        active.iter().try_for_each(|member| self.check_rate(member))?;
        Ok(active)
    }

    /// Deals the rows of unique feeds.
    fn deal(&self, mut members: Vec<Member>) -> Vec<Member> {
        let slots: Vec<usize> = members.iter().map(|member| member.slots.count).collect();
        for (name, pool) in lock(&self.pools).iter_mut() {
            for (member, share) in members.iter_mut().zip(pool.deal(&slots)) {
                member.rows.insert(name.clone(), share);
            }
        }
        members
    }

    /// Takes back what a worker has not taken of its rows.
    fn give_back(&self, member: &Member, taken: &BTreeMap<String, u64>) {
        let mut pools = lock(&self.pools);
        for (name, share) in &member.rows {
            if let Some(pool) = pools.get_mut(name) {
                pool.give_back(share, taken.get(name).copied().unwrap_or(0));
            }
        }
    }

    /// Has everybody get ready. Why that must be tried again, if it must.
    async fn prepare(
        self: &Arc<Self>,
        members: &[Member],
        number: u64,
        load: &StepLoad,
        limits: &StepLimits,
    ) -> Result<Option<String>, LoadError> {
        let limits = RemoteLimits {
            window_ns: limits.window.as_nanos() as u64,
            windows: limits.windows,
            drain_ns: limits.drain.as_nanos() as u64,
        };
        let verb = |member: &Member| Verb::Prepare {
            step: number,
            load: load.clone(),
            limits,
            slots: member.slots,
            rows: member.rows.clone(),
        };
        let answers: Answers<Prepared> = self.ask_each(members, verb, PREPARE).await;
        let (mut again, mut addresses) = (None, Vec::new());
        for (member, answer) in answers {
            match answer {
                Ok(prepared) if !prepared.missing_secrets.is_empty() => {
                    let names = prepared.missing_secrets.join(", ");
                    let reason = format!("its environment does not have {names}, which behaviours read");
                    return Err(refused(&member, &reason));
                }
                Ok(prepared) if prepared.schedule_seed != load.seed => {
                    return Err(refused(&member, "it would draw another schedule"));
                }
                Ok(prepared) => addresses.push((member.name, prepared.addresses)),
                Err(AskError::Refused(reason)) => return Err(refused(&member, &reason)),
                Err(error) => {
                    self.lose(&member, &error.reason());
                    again = Some(format!("the worker {} did not get ready", member.name));
                }
            }
        }
        if number == 1 {
            self.note_addresses(&addresses);
        }
        Ok(again)
    }

    /// Reads everybody's clock.
    async fn read_clocks(self: &Arc<Self>, members: &[Member]) -> Result<Vec<Member>, String> {
        let mut reading = tokio::task::JoinSet::new();
        for (place, member) in members.iter().cloned().enumerate() {
            let shared = Arc::clone(self);
            reading.spawn(async move { (place, shared.clock_of(&member).await, member) });
        }
        let mut read = reading.join_all().await;
        read.sort_by_key(|(place, ..)| *place);
        let mut with_clocks = Vec::new();
        for (_, clock, mut member) in read {
            if clock.is_none() {
                self.lose(&member, "its clock could not be read");
                return Err(format!("the clock of worker {} could not be read", member.name));
            }
            member.clock = clock;
            if let Some(known) = lock(&self.members).of_id(&member.id) {
                known.clock = clock;
            }
            with_clocks.push(member);
        }
        Ok(with_clocks)
    }

    /// How far a worker's clock is from ours.
    async fn clock_of(&self, member: &Member) -> Option<ClockEstimate> {
        let mut exchanges = Vec::with_capacity(PINGS);
        for _ in 0..PINGS {
            let t0 = MonotonicTime::now().nanoseconds();
            match self.ask::<Pong>(member, &Verb::Ping { t: t0 }, PING).await {
                Ok(Pong { t1, t2 }) => exchanges.push(TimeExchange {
                    t0,
                    t1,
                    t2,
                    t3: MonotonicTime::now().nanoseconds(),
                }),
                Err(AskError::NobodyThere) => break,
                Err(_) => {}
            }
        }
        estimate(&exchanges)
    }

    /// Tells everybody where the windows begin. Whoever does not confirm it in time may have counted by
    /// another begin.
    async fn tell_windows(self: &Arc<Self>, from: MonotonicTime) {
        let Some((number, members)) = self.in_step() else {
            return;
        };
        let patience = from.since(MonotonicTime::now().after(CONFIRMED));
        let order = |_: &Member| Verb::Windows {
            step: number,
            from_ns: from.nanoseconds(),
        };
        let answers: Answers<WindowsKnown> = self.ask_each(&members, order, patience).await;
        for (member, answer) in answers {
            if let Err(error) = answer {
                self.set_broken(format!(
                    "the worker {} did not confirm in time where the windows begin: {}",
                    member.name,
                    error.reason()
                ));
            }
        }
    }

    /// The number of the step that runs, and who is in it.
    fn in_step(&self) -> Option<(u64, Vec<Member>)> {
        let at_work = lock(&self.at_work);
        at_work.as_ref().map(|step| (step.number, step.members.clone()))
    }

    /// Has everybody end the step that runs. Said more than once, as one message may be lost.
    async fn stop_step(self: &Arc<Self>) {
        self.stop(self.in_step()).await;
    }

    /// Has those end the step of this number who are in it, if there is one.
    async fn stop(self: &Arc<Self>, running: Option<(u64, Vec<Member>)>) {
        let Some((number, mut members)) = running else {
            return;
        };
        for _ in 0..STOPS {
            let answers: Answers<Done> = self
                .ask_each(&members, |_| Verb::Stop { step: number }, ORDER)
                .await;
            members = answers
                .into_iter()
                .filter(|(_, answer)| matches!(answer, Err(AskError::Silent)))
                .map(|(member, _)| member)
                .collect();
            if members.is_empty() {
                return;
            }
        }
    }

    /// Ends an attempt of which nothing is kept but the rows that nobody took.
    async fn abandon(self: &Arc<Self>, number: u64, members: &[Member]) {
        let deadline = MonotonicTime::now().after(ORDER);
        for member in members {
            if let Ok(closed) = self.closed(member, number, deadline).await {
                self.give_back(member, &closed.taken);
            }
        }
        *lock(&self.at_work) = None;
        *lock(&self.state) = FleetState::Idle;
    }

    async fn collect(
        self: &Arc<Self>,
        program: &Program,
        control: &StepControl,
        drain: Duration,
    ) -> Result<Collected, LoadError> {
        let Some(step) = lock(&self.at_work).take() else {
            return Err(LoadError::WorkerGone);
        };
        *lock(&self.state) = FleetState::Idle;
        let deadline = MonotonicTime::now().after(drain + records::PATIENCE);
        let mut gathering = tokio::task::JoinSet::new();
        for (place, member) in step.members.iter().cloned().enumerate() {
            let (shared, number, windows) = (Arc::clone(self), step.number, step.limits.windows);
            let outline = program.outline();
            gathering.spawn(async move {
                let records = shared.records(&member, number, outline, windows, deadline).await;
                let clock = match &records {
                    Ok(_) => shared.clock_of(&member).await,
                    Err(_) => None,
                };
                (place, member, records, clock)
            });
        }
        let mut gathered = gathering.join_all().await;
        gathered.sort_by_key(|(place, ..)| *place);
        let mut recorder = Recorder::new(program.outline(), step.limits.windows);
        let mut generators = Vec::new();
        for (_, member, records, clock) in gathered {
            let (own, generator) = match records {
                Ok((closed, own)) => {
                    self.give_back(&member, &closed.taken);
                    if let Some(reason) = &closed.ended_early {
                        self.set_broken(format!("the worker {} ended by itself: {reason}", member.name));
                    }
                    (own, generator_of(&member, &closed, clock))
                }
                Err(reason) => {
                    self.lose(&member, &reason);
                    self.lost(&member, &step, control, program)
                }
            };
            recorder.merge(own);
            generators.push(generator);
        }
        Ok(Collected {
            recorder,
            generators,
            broken: lock(&self.broken).clone(),
        })
    }

    /// What is left of a worker that was lost.
    fn lost(
        &self,
        member: &Member,
        step: &StepAtWork,
        control: &StepControl,
        program: &Program,
    ) -> (Recorder, GeneratorOf) {
        let last = step.last.get(&member.id);
        let start_ns = member
            .clock
            .map_or(0, |clock| clock.on_worker(control.start.nanoseconds()));
        let end = control.end();
        let planned = if end == MonotonicTime::NEVER {
            longest(&step.limits)
        } else {
            end.since(control.start)
        };
        let part = LostPart::of(last.map(Arc::as_ref), &step.load, member.slots, start_ns, planned);
        // The sentence with the numbers is the better one.
        *lock(&self.broken) = Some(part.reason(&member.name));
        let recorder = Recorder::of_counts(program.outline(), step.limits.windows, &part.tally, "worker");
        let clock = member.clock.map(|clock| record(clock, None));
        let generator = GeneratorOf {
            worker: member.name.clone(),
            slots: member.slots.count,
            health: Default::default(),
            offset_s: clock.map_or(0.0, |clock| clock.offset_s),
            offset_error_s: clock.map_or(0.0, |clock| clock.error_s),
            drift_ppm: 0.0,
            throttled_s: 0.0,
            lost: Some(part.lost),
        };
        (recorder, generator)
    }

    async fn alone(
        self: &Arc<Self>,
        program: &Program,
        order: AloneOrder,
    ) -> Result<(Recorder, Duration), LoadError> {
        let first = lock(&self.members).active().into_iter().next();
        let member = first.ok_or_else(|| LoadError::WorkersLost {
            reason: "no worker is left".to_owned(),
        })?;
        let member = self.deal(vec![member]).remove(0);
        let number = self.step.fetch_add(1, Relaxed) + 1;
        let verb = Verb::Alone {
            step: number,
            behaviour: order.behaviour,
            span_ns: order.span.as_nanos() as u64,
            most: order.most,
            longest_ns: order.longest.as_nanos() as u64,
            slots: member.slots,
            rows: member.rows.clone(),
        };
        let gone = |error: &AskError| LoadError::WorkersLost {
            reason: format!("the worker {} runs the pilot: {}", member.name, error.reason()),
        };
        match self.ask::<Done>(&member, &verb, PREPARE).await {
            Ok(_) => {}
            Err(AskError::Refused(reason)) => return Err(refused(&member, &reason)),
            Err(error) => return Err(gone(&error)),
        }
        let deadline = MonotonicTime::now().after(order.longest + records::PATIENCE);
        let records = tokio::select! {
            records = self.records(&member, number, program.outline(), 1, deadline) => records,
            () = order.interrupt.requested() => {
                let _ = self.ask::<Done>(&member, &Verb::Stop { step: number }, ORDER).await;
                return Err(LoadError::Interrupted);
            }
        };
        match records {
            Ok((closed, recorder)) => {
                self.give_back(&member, &closed.taken);
                Ok((
                    recorder,
                    Duration::try_from_secs_f64(closed.took_s).unwrap_or_default(),
                ))
            }
            Err(reason) => Err(gone(&AskError::Odd(reason))),
        }
    }
}

/// How long the load of a step lasts at most.
fn longest(limits: &StepLimits) -> Duration {
    limits.settle_most + limits.window * limits.windows as u32
}

fn generator_of(member: &Member, closed: &Closed, after: Option<ClockEstimate>) -> GeneratorOf {
    let clock = member.clock.map(|before| record(before, after));
    GeneratorOf {
        worker: member.name.clone(),
        slots: member.slots.count,
        health: closed.health,
        offset_s: clock.map_or(0.0, |clock| clock.offset_s),
        offset_error_s: clock.map_or(0.0, |clock| clock.error_s),
        drift_ppm: clock.map_or(0.0, |clock| clock.drift_ppm),
        throttled_s: closed.throttled_s,
        lost: None,
    }
}
