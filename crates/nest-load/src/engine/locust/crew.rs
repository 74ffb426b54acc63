//! Locust processes as a crew of the engine.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use nest_data::{Caveat, behaviour::locustfile::LocustRun};

use super::{
    doubts::ToldRequests,
    ledger::{SILENT, SlotLedger},
    listing::{Listing, TaskKind},
    message::{Preparation, Verb},
    pacing::{HAND_OVER, Pacing, Receiver, still_to_come},
    process::{LocustProcess, Wire, locked},
    settings::LocustSettings,
    users::{boosts, deal},
};
use crate::{
    clock::MonotonicTime,
    engine::{
        StepLimits,
        crew::{Collected, Crew},
        interrupt::Interrupt,
        threads::PATIENCE,
    },
    error::LoadError,
    observe::threads::{self, ThreadUse},
    recorder::{Recorder, windows::StepControl},
    schedule::load::{LoadModel, StepLoad},
    script::program::Program,
    worker::command::AloneOrder,
};

/// How far ahead the start of a step and of its windows is set.
const AHEAD: Duration = Duration::from_millis(200);
/// How often whoever waits looks again.
const LOOK: Duration = Duration::from_millis(10);
/// Most users of one process. Our choice: each is a greenlet with a connection, and Python looks through all
/// of them when one begins.
const MOST_USERS: usize = 1_000;
/// Length of the only window of a behaviour that is executed alone: longer than any of them lasts.
const ALONE_WINDOW: Duration = Duration::from_secs(3_600);

/// Locust processes of one machine, or workers of a Locust master.
pub struct LocustCrew {
    program: Arc<Program>,
    settings: LocustSettings,
    plain: Vec<f64>, // rates of the study, by behaviour
    interrupt: Interrupt,
    slots: Mutex<Vec<Slot>>,
    pacing: Mutex<Option<Pacing>>,
    running: Mutex<Option<RunningStep>>,
    told: Mutex<ToldRequests>, // of all steps
}

/// The step that runs.
struct RunningStep {
    load: StepLoad,
    limits: StepLimits,
    control: Arc<StepControl>,
}

/// One generator process.
struct Slot {
    process: Arc<LocustProcess>,
    worker: Option<String>,
    ledger: Arc<Mutex<SlotLedger>>,
}

impl Slot {
    fn wire(&self) -> &Arc<Wire> {
        self.process.wire()
    }

    fn send(&self, verb: Verb) -> Result<u64, LoadError> {
        self.wire().send(self.worker.as_deref(), verb)
    }

    fn ask(&self, verb: Verb) -> Result<(), LoadError> {
        let id = self.send(verb)?;
        self.wire().answer(id, PATIENCE)
    }

    /// Why nothing more can be expected of it.
    fn lost(&self, number: usize) -> Option<String> {
        if let Some(why) = self.wire().gone() {
            return Some(format!("generator process {} is gone: {why}", number + 1));
        }
        let silent = locked(&self.ledger).silent();
        (silent > SILENT).then(|| {
            format!(
                "generator process {} said nothing for {:.0} s",
                number + 1,
                silent.as_secs_f64()
            )
        })
    }
}

impl LocustCrew {
    /// Starts the processes, or the master and waits for its workers. `plain` are the rates of the study by
    /// behaviour.
    ///
    /// # Errors
    /// [`LoadError::Locustfile`] if one cannot be started, or does not have the tasks of the study.
    pub fn start(
        program: Arc<Program>,
        settings: LocustSettings,
        plain: Vec<f64>,
        interrupt: &Interrupt,
    ) -> Result<Self, LoadError> {
        let crew = Self {
            program,
            settings,
            plain,
            interrupt: interrupt.clone(),
            slots: Mutex::default(),
            pacing: Mutex::default(),
            running: Mutex::default(),
            told: Mutex::default(),
        };
        *locked(&crew.slots) = crew.started()?;
        Ok(crew)
    }

    fn started(&self) -> Result<Vec<Slot>, LoadError> {
        let slots = if self.settings.master.is_some() {
            self.master()?
        } else {
            let one = |index: usize| self.process(index);
            (0..self.settings.slots).map(one).collect::<Result<_, _>>()?
        };
        if let Some(first) = slots.first() {
            self.check(first.process.listing())?;
        }
        Ok(slots)
    }

    fn process(&self, index: usize) -> Result<Slot, LoadError> {
        let cores = &self.settings.cores;
        let core = (!cores.is_empty()).then(|| cores[index % cores.len()]);
        let process = LocustProcess::start(&self.settings, core, &self.interrupt)?;
        Ok(self.slot(index, Arc::new(process), None))
    }

    fn slot(&self, index: usize, process: Arc<LocustProcess>, worker: Option<String>) -> Slot {
        let tasks = self.settings.tasks.iter().map(|task| task.task.clone());
        let ledger = Arc::new(Mutex::new(SlotLedger::new(index, tasks)));
        process.wire().enter(worker.clone(), Arc::clone(&ledger));
        Slot {
            process,
            worker,
            ledger,
        }
    }

    /// Starts a master and waits for its workers.
    fn master(&self) -> Result<Vec<Slot>, LoadError> {
        let process = Arc::new(LocustProcess::start(&self.settings, None, &self.interrupt)?);
        let end = Instant::now() + PATIENCE;
        loop {
            let hellos = process.wire().hellos();
            let workers: Vec<String> = hellos.into_iter().filter_map(|(worker, _)| worker).collect();
            if workers.len() >= self.settings.slots {
                let slot = |(index, worker)| self.slot(index, Arc::clone(&process), Some(worker));
                let slots: Vec<Slot> = workers.into_iter().enumerate().map(slot).collect();
                // What they have used is known from their first report on.
                while slots.iter().any(|slot| !locked(&slot.ledger).is_heard()) && Instant::now() < end {
                    std::thread::sleep(LOOK);
                }
                return Ok(slots);
            }
            if self.interrupt.is_requested() {
                return Err(LoadError::Interrupted);
            }
            if Instant::now() > end || !process.is_there() {
                return Err(LoadError::Locustfile {
                    reason: format!(
                        "{} of {} Locust workers joined within {} s",
                        workers.len(),
                        self.settings.slots,
                        PATIENCE.as_secs()
                    ),
                    remedy: "start each with `locust -f - --worker --master-host HOST --master-port PORT`"
                        .to_owned(),
                });
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Refuses a study whose tasks the locustfile does not have, and users that do what it does not name.
    fn check(&self, listing: &Listing) -> Result<(), LoadError> {
        for task in &self.settings.tasks {
            let Some(listed) = listing.tasks.iter().find(|listed| listed.name == task.task) else {
                let known = listing.tasks.iter().map(|listed| listed.name.as_str());
                let nearest = known
                    .clone()
                    .max_by(|a, b| {
                        strsim::jaro_winkler(a, &task.task).total_cmp(&strsim::jaro_winkler(b, &task.task))
                    })
                    .unwrap_or_default();
                return Err(LoadError::Locustfile {
                    reason: format!(
                        "behaviour `{}` is the task {}, which the locustfile does not have",
                        task.behaviour, task.task
                    ),
                    remedy: format!(
                        "did you mean {nearest}? It has {}",
                        known.collect::<Vec<_>>().join(", ")
                    ),
                });
            };
            let is_set = listed.kind == TaskKind::Set;
            if is_set != (task.run == LocustRun::Whole) && listed.kind != TaskKind::Sequence {
                return Err(LoadError::Locustfile {
                    reason: format!(
                        "behaviour `{}` runs {} in a way that it cannot",
                        task.behaviour, task.task
                    ),
                    remedy:
                        "write { task = \"SET\", run = \"whole\" } for a task set that interrupts itself, \
                             and the name alone for any other task"
                            .to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Starts those anew that are gone or silent.
    fn mend(&self) -> Result<(), LoadError> {
        let mut slots = locked(&self.slots);
        let lost = slots
            .iter()
            .enumerate()
            .any(|(index, slot)| slot.lost(index).is_some());
        if !lost {
            return Ok(());
        }
        if self.settings.master.is_some() {
            slots.clear();
            *slots = self.started()?;
            return Ok(());
        }
        for index in 0..slots.len() {
            if slots[index].lost(index).is_some() {
                slots[index] = self.process(index)?;
            }
        }
        Ok(())
    }

    /// What each process needs for a load.
    fn preparations(&self, load: &StepLoad, slots: &[Slot]) -> Vec<Preparation> {
        let whole: Vec<String> = self
            .settings
            .tasks
            .iter()
            .filter(|task| task.run == LocustRun::Whole)
            .map(|task| task.task.clone())
            .collect();
        let plain = Preparation {
            mode: "open",
            most: 1,
            queue: 0,
            users: BTreeMap::new(),
            boost: BTreeMap::new(),
            whole,
        };
        let count = slots.len().max(1);
        match load.model {
            LoadModel::Open { most, queue, .. } => (0..count)
                .map(|slot| Preparation {
                    most: share(most, slot, count).min(MOST_USERS),
                    queue: share(queue, slot, count),
                    ..plain.clone()
                })
                .collect(),
            // Refused where studies are checked.
            LoadModel::PartlyOpen { .. } => vec![plain; count],
            LoadModel::Closed { customers } => {
                let classes = slots
                    .first()
                    .map_or(&[][..], |slot| &slot.process.listing().classes);
                let boost: BTreeMap<String, usize> = self
                    .settings
                    .tasks
                    .iter()
                    .zip(boosts(&self.plain, &load.rates))
                    .filter(|(_, times)| *times > 1)
                    .map(|(task, times)| (task.task.clone(), times))
                    .collect();
                deal(classes, customers, count)
                    .into_iter()
                    .map(|users| Preparation {
                        mode: "closed",
                        most: users.values().sum(),
                        users,
                        boost: boost.clone(),
                        ..plain.clone()
                    })
                    .collect()
            }
        }
    }

    /// Hands over arrivals until the step ends.
    fn pace(&self, load: &StepLoad, control: &Arc<StepControl>, slots: &[Slot]) -> Result<Pacing, LoadError> {
        let tasks = self.settings.tasks.iter().map(|task| task.task.clone());
        let receiver = |slot: &Slot| Receiver {
            wire: Arc::clone(slot.wire()),
            worker: slot.worker.clone(),
            ledger: Arc::clone(&slot.ledger),
        };
        Pacing::start(
            load,
            control,
            tasks.collect(),
            slots.iter().map(receiver).collect(),
        )
    }

    fn begin(&self, slots: &[Slot], control: &Arc<StepControl>, seed: u64) {
        for slot in slots {
            let recorder = Recorder::new(self.program.outline(), control.windows());
            locked(&slot.ledger).begin(Arc::clone(control), recorder, seed);
        }
    }

    /// Closes the books of every slot.
    fn close(&self, slots: &[Slot]) -> Result<(Collected, ToldRequests), LoadError> {
        let asked: Vec<Result<u64, LoadError>> = slots.iter().map(|slot| slot.send(Verb::Close)).collect();
        let mut merged: Option<Recorder> = None;
        let mut told = ToldRequests::default();
        let mut broken = None;
        for ((index, slot), asked) in slots.iter().enumerate().zip(asked) {
            let answered = asked.and_then(|id| slot.wire().answer(id, PATIENCE.min(SILENT * 4)));
            let now = MonotonicTime::now();
            let gone = answered.is_err().then(|| slot.wire().gone_since().unwrap_or(now));
            let Some(closed) = locked(&slot.ledger).close(now, gone) else {
                continue;
            };
            if let (Some(lost), Some(gone), None) = (closed.lost, gone, &broken) {
                let silent = || format!("generator process {} did not hand in its records", index + 1);
                let why = slot.lost(index).unwrap_or_else(silent);
                let running = locked(&self.running);
                let never_due = running.as_ref().and_then(|step| {
                    still_to_come(
                        &step.load,
                        &step.limits,
                        &step.control,
                        (index, slots.len()),
                        gone,
                    )
                });
                broken = Some(lost.reason(&why, never_due));
            }
            told.merge(closed.requests);
            match &mut merged {
                Some(merged) => merged.merge(closed.recorder),
                None => merged = Some(closed.recorder),
            }
        }
        let collected = Collected {
            recorder: merged.ok_or(LoadError::WorkerGone)?,
            generators: Vec::new(),
            broken,
        };
        Ok((collected, told))
    }
}

impl Crew for LocustCrew {
    fn ahead(&self) -> Duration {
        AHEAD
    }

    fn send(
        &self,
        load: &StepLoad,
        limits: &StepLimits,
        _: &Interrupt,
    ) -> Result<Arc<StepControl>, LoadError> {
        self.mend()?;
        let slots = locked(&self.slots);
        let prepared: Vec<u64> = slots
            .iter()
            .zip(self.preparations(load, &slots))
            .map(|(slot, preparation)| slot.send(Verb::Prepare(preparation)))
            .collect::<Result<_, _>>()?;
        for (slot, id) in slots.iter().zip(prepared) {
            slot.wire().answer(id, PATIENCE)?;
        }
        let start = MonotonicTime::now().after(AHEAD);
        let control = Arc::new(StepControl::new(
            start,
            limits.window,
            limits.windows,
            slots.len(),
            limits.executions,
        ));
        if limits.executions.is_some() {
            control.measure_from(start);
        }
        self.begin(&slots, &control, load.seed);
        for slot in slots.iter() {
            slot.send(Verb::Start {
                at: start.nanoseconds(),
            })?;
        }
        *locked(&self.pacing) = Some(self.pace(load, &control, &slots)?);
        *locked(&self.running) = Some(RunningStep {
            load: load.clone(),
            limits: *limits,
            control: Arc::clone(&control),
        });
        Ok(control)
    }

    fn broken(&self) -> Option<String> {
        let slots = locked(&self.slots);
        slots
            .iter()
            .enumerate()
            .find_map(|(index, slot)| slot.lost(index))
    }

    fn used(&self) -> Vec<ThreadUse> {
        let slots = locked(&self.slots);
        let of_slot = |slot: &Slot| match &slot.worker {
            None => threads::of_process(slot.process.pid()),
            Some(_) => locked(&slot.ledger).used.1,
        };
        slots.iter().map(of_slot).collect()
    }

    fn collect(
        &self,
        control: &StepControl,
        drain: Duration,
        interrupt: &Interrupt,
    ) -> Result<Collected, LoadError> {
        let slots = locked(&self.slots);
        let end = control.end().min(MonotonicTime::now());
        if let Some(pacing) = locked(&self.pacing).take() {
            pacing.end();
        }
        for slot in slots.iter() {
            // Of one that is gone, the books are closed below.
            let _ = slot.send(Verb::Stop {
                at: end.nanoseconds(),
            });
        }
        let patience = Instant::now() + drain;
        // What was under way has told so by the second report from now on.
        std::thread::sleep(HAND_OVER * 2);
        let is_open = || {
            slots
                .iter()
                .any(|slot| slot.wire().gone().is_none() && locked(&slot.ledger).open() > 0)
        };
        let is_stopped = || control.is_stopped() || interrupt.is_requested();
        while is_open() && Instant::now() < patience && !is_stopped() {
            std::thread::sleep(LOOK);
        }
        let (collected, told) = self.close(&slots)?;
        locked(&self.told).merge(told);
        Ok(collected)
    }

    fn alone(&self, order: AloneOrder) -> Result<(Recorder, Duration), LoadError> {
        self.mend()?;
        let slots = locked(&self.slots);
        let (slot, begun) = (slots.first().ok_or(LoadError::WorkerGone)?, MonotonicTime::now());
        let control = Arc::new(StepControl::new(begun, ALONE_WINDOW, 1, slots.len(), None));
        control.measure_from(begun);
        let whole: Vec<String> = self
            .settings
            .tasks
            .iter()
            .filter(|task| task.run == LocustRun::Whole)
            .map(|task| task.task.clone())
            .collect();
        slot.ask(Verb::Prepare(Preparation {
            mode: "open",
            most: slot.process.listing().classes.len().max(1),
            queue: 0,
            users: BTreeMap::new(),
            boost: BTreeMap::new(),
            whole,
        }))?;
        self.begin(std::slice::from_ref(slot), &control, 0);
        let (known, began) = (slot.wire().alone(), Instant::now());
        slot.ask(Verb::Alone {
            task: self.settings.tasks[order.behaviour].task.clone(),
            span_s: order.span.as_secs_f64(),
            most: order.most,
        })?;
        while !slot.wire().wait_alone(known, LOOK * 5)
            && began.elapsed() < order.longest
            && !order.interrupt.is_requested()
            && slot.wire().gone().is_none()
        {}
        let took = began.elapsed();
        let (collected, _) = self.close(std::slice::from_ref(slot))?;
        Ok((collected.recorder, took))
    }

    fn forget(&self) -> Result<(), LoadError> {
        let slots = locked(&self.slots);
        // One that is gone has forgotten all; another takes its place in the next step.
        let mut there = slots
            .iter()
            .enumerate()
            .filter(|(index, slot)| slot.lost(*index).is_none());
        there.try_for_each(|(_, slot)| slot.ask(Verb::Forget))
    }

    fn caveats(&self) -> Vec<Caveat> {
        let of_task = self.settings.tasks.iter().map(|task| task.behaviour.clone());
        let mut caveats = locked(&self.told).caveats(&of_task.collect::<Vec<_>>());
        let model = locked(&self.running).as_ref().map(|step| step.load.model);
        if matches!(model, Some(LoadModel::Closed { .. })) {
            let slots = locked(&self.slots);
            let listing = slots.first().map(|slot| slot.process.listing());
            let all = listing.map_or(&[][..], |listing| &listing.classes);
            let paced = all.iter().filter(|class| class.paced);
            let classes: Vec<String> = paced.map(|class| class.name.clone()).collect();
            caveats.extend((!classes.is_empty()).then_some(Caveat::LocustClosed { classes }));
        }
        caveats
    }

    fn kind(&self) -> crate::verdict::GeneratorKind {
        crate::verdict::GeneratorKind::Python
    }
}

/// A slot's part of a bound, which leaves room for one at least.
fn share(total: usize, slot: usize, slots: usize) -> usize {
    (total / slots + usize::from(slot < total % slots)).max(usize::from(total > 0))
}
