//! The coordinator: lets workers join, hands out steps, and gathers what they recorded.
//!
//! - `members`: who has joined; `join`: who may
//! - `ask`: a request to one worker, and to all of them at once
//! - `assign`: brings the study to them; `step`, `at_work`: one step, from its barrier to its records
//! - `lookout`: whether they are still there

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use nest_data::{Caveat, Study, feed::Feed};
mod ask;
mod assign;
mod at_work;
mod join;
mod lookout;
mod members;
mod step;

use assign::Material;
use at_work::StepAtWork;
use members::{Member, Members};

use super::{
    broker::{BrokerAccess, Connection},
    driver::Driver,
    lease::RowPool,
    message::{Beat, FleetState, MessageError, Subjects, Verb, read, write},
    news::{FleetListener, FleetNews},
    wire::{next, nonce},
};
use crate::{engine::interrupt::Interrupt, error::LoadError, http::tls::Trust, script::program::Program};

/// Prefix of the subjects on which answers come to the coordinator.
const INBOX: &str = "_INBOX.coord";
/// Silence after which workers stop by themselves, in seconds.
pub const DEAD_MAN_S: f64 = 10.0;
/// How often the coordinator tells that it lives.
const BEAT: Duration = Duration::from_secs(1);
/// How long it listens for another coordinator: a beat and a half.
const LISTEN: Duration = Duration::from_millis(1_500);
/// How often whoever waits looks.
const LOOK: Duration = Duration::from_millis(50);
/// Messages on one subject that cannot be read, after which a run ends. Our choice: one may be a stray.
const MOST_BAD_MESSAGES: u32 = 20;

/// How a fleet is gathered.
#[derive(Debug, Clone)]
pub struct FleetOptions {
    /// The broker.
    pub access: BrokerAccess,
    /// Name of the session, 1 to 32 of `a-z 0-9 -`.
    pub session: String,
    /// Workers that a run begins with, 1 or more.
    pub workers: usize,
    /// Workers without which no step is run.
    pub fewest: usize,
    /// How long they are waited for.
    pub wait: Duration,
    /// Version and digest of this program; workers must have the same.
    pub build: String,
    /// Whom to trust over TLS; workers trust the same.
    pub trust: Trust,
    /// Hears what happens.
    pub listener: FleetListener,
}

/// A fleet: workers on other machines that offer the load together.
pub struct Fleet {
    shared: Arc<Shared>,
    program: Arc<Program>,
    /// Drives everything that is asynchronous, on a thread of its own.
    driver: Driver,
}

/// What the tasks of a coordinator share.
pub(super) struct Shared {
    options: FleetOptions,
    connection: Connection,
    subjects: Subjects,
    /// Drawn by this coordinator: tells its beats from those of another.
    nonce: String,
    material: Material,
    members: Mutex<Members>,
    /// Number of the step that was started last.
    step: AtomicU64,
    state: Mutex<FleetState>,
    at_work: Mutex<Option<StepAtWork>>,
    /// Why the step that runs is not what was planned.
    broken: Mutex<Option<String>>,
    pools: Mutex<BTreeMap<String, RowPool>>,
    bad: Mutex<BTreeMap<String, (u32, String)>>,
    stranger: Mutex<bool>,
    /// Doubts that arose.
    caveats: Mutex<Vec<Caveat>>,
}

/// What is behind a lock; a panic elsewhere has told so on its own.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Fleet {
    /// Waits until the workers have joined, and brings the study to them.
    ///
    /// # Errors
    /// [`LoadError::Broker`], [`LoadError::OtherCoordinator`], [`LoadError::WorkersMissing`],
    /// [`LoadError::WorkerRefuses`], [`LoadError::Interrupted`].
    pub fn gather(
        study: &Study,
        feeds: &BTreeMap<String, Feed>,
        program: &Arc<Program>,
        options: FleetOptions,
        interrupt: &Interrupt,
    ) -> Result<Self, LoadError> {
        options.access.check()?;
        let material = Material::of(study, &options.trust, feeds)?;
        let driver = Driver::start().map_err(|source| LoadError::System {
            what: "a runtime",
            source,
        })?;
        let connection = driver.block_on(options.access.connect(INBOX, "coordinator"))?;
        let feeds = &program.settings.feeds;
        let pools = feeds
            .iter()
            .filter_map(|feed| Some((feed.name().to_owned(), RowPool::new(feed.unique_rows()?))));
        let shared = Arc::new(Shared {
            subjects: Subjects::of(&options.session),
            nonce: nonce(),
            material,
            members: Mutex::default(),
            step: AtomicU64::new(0),
            state: Mutex::new(FleetState::Waiting),
            at_work: Mutex::default(),
            broken: Mutex::default(),
            pools: Mutex::new(pools.collect()),
            bad: Mutex::default(),
            stranger: Mutex::new(false),
            caveats: Mutex::default(),
            connection,
            options,
        });
        let fleet = Self {
            shared: Arc::clone(&shared),
            program: Arc::clone(program),
            driver,
        };
        fleet.driver.block_on(shared.watch_for_strangers())?;
        let begun = Instant::now();
        while begun.elapsed() < LISTEN {
            if interrupt.is_requested() {
                return Err(LoadError::Interrupted);
            }
            if *lock(&shared.stranger) {
                return Err(LoadError::OtherCoordinator {
                    session: shared.options.session.clone(),
                });
            }
            std::thread::sleep(LOOK);
        }
        fleet.driver.block_on(Arc::clone(&shared).begin())?;
        shared.wait_for_workers(interrupt)?;
        fleet.driver.block_on(shared.assign_all())?;
        *lock(&shared.state) = FleetState::Idle;
        Ok(fleet)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        let shared = &self.shared;
        // Workers that do not hear it end by themselves once the beats stay away.
        self.driver.block_on(async {
            let members = lock(&shared.members).everybody();
            shared
                .ask_all_quietly(&members, &Verb::Leave, Duration::from_secs(1))
                .await;
            let _ = tokio::time::timeout(Duration::from_secs(1), shared.connection.client.flush()).await;
        });
    }
}

impl Shared {
    /// Notes every beat that is not ours.
    async fn watch_for_strangers(self: &Arc<Self>) -> Result<(), LoadError> {
        let mut beats = self.subscribe(self.subjects.beat()).await?;
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            while let Some(message) = next(&mut beats).await {
                match read::<Beat>(&message.payload) {
                    Ok(beat) if beat.coordinator != shared.nonce => *lock(&shared.stranger) = true,
                    Ok(_) => {}
                    Err(error) => shared.note_bad(&message.subject, &error),
                }
            }
        });
        Ok(())
    }

    /// Listens to workers, and tells them that the coordinator lives.
    async fn begin(self: Arc<Self>) -> Result<(), LoadError> {
        join::listen(&self).await?;
        lookout::listen(&self).await?;
        tokio::spawn(beat(Arc::clone(&self)));
        tokio::spawn(lookout::watch(Arc::clone(&self)));
        let flushed = self.connection.client.flush().await;
        flushed.map_err(|error| self.broker_failed(&error.to_string()))
    }

    fn wait_for_workers(&self, interrupt: &Interrupt) -> Result<(), LoadError> {
        let options = &self.options;
        options.listener.tell(FleetNews::Waiting {
            wanted: options.workers,
        });
        let begun = Instant::now();
        loop {
            let members = lock(&self.members).active();
            if members.len() >= options.workers {
                return Ok(());
            }
            if interrupt.is_requested() {
                return Err(LoadError::Interrupted);
            }
            self.check_messages()?;
            if begun.elapsed() >= options.wait {
                return Err(LoadError::WorkersMissing {
                    wanted: options.workers,
                    wait_s: options.wait.as_secs_f64(),
                    joined: members.into_iter().map(|member| member.name).collect(),
                });
            }
            std::thread::sleep(LOOK);
        }
    }

    async fn subscribe(&self, subject: String) -> Result<async_nats::Subscriber, LoadError> {
        let subscribed = self.connection.client.subscribe(subject).await;
        subscribed.map_err(|error| self.broker_failed(&error.to_string()))
    }

    fn broker_failed(&self, reason: &str) -> LoadError {
        LoadError::Broker {
            url: self.options.access.url.clone(),
            reason: reason.to_owned(),
        }
    }

    /// Counts a message that cannot be read; it is dropped.
    fn note_bad(&self, subject: &str, error: &MessageError) {
        let mut bad = lock(&self.bad);
        let (count, reason) = bad.entry(subject.to_owned()).or_default();
        *count += 1;
        *reason = error.to_string();
        if *count == MOST_BAD_MESSAGES {
            self.set_broken(format!("{count} messages on {subject} could not be read"));
        }
    }

    /// Ends a run to which messages come that nobody can read.
    fn check_messages(&self) -> Result<(), LoadError> {
        let bad = lock(&self.bad);
        match bad.iter().find(|(_, (count, _))| *count >= MOST_BAD_MESSAGES) {
            None => Ok(()),
            Some((subject, (count, reason))) => Err(LoadError::BadMessages {
                subject: subject.clone(),
                count: *count,
                reason: reason.clone(),
            }),
        }
    }

    /// The step that runs is not what was planned; the first reason stays.
    fn set_broken(&self, reason: String) {
        lock(&self.broken).get_or_insert(reason);
    }

    /// A worker is gone.
    fn lose(&self, member: &Member, reason: &str) {
        if lock(&self.members).lose(&member.id, &member.nonce) {
            self.options.listener.tell(FleetNews::Lost {
                worker: member.name.clone(),
                reason: reason.to_owned(),
            });
        }
    }
}

/// Tells all workers every second that the coordinator lives.
async fn beat(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(BEAT);
    for seq in 0.. {
        ticks.tick().await;
        let beat = Beat {
            seq,
            step: shared.step.load(Relaxed),
            state: *lock(&shared.state),
            coordinator: shared.nonce.clone(),
        };
        // While the broker is away nobody hears it anyway.
        let client = &shared.connection.client;
        let _ = client.publish(shared.subjects.beat(), write(&beat).into()).await;
    }
}

/// Addresses at which workers found the target, if they differ.
fn differing(addresses: &[(String, Vec<String>)]) -> Option<String> {
    let sorted = |found: &[String]| found.iter().cloned().collect::<BTreeSet<_>>();
    let (first, found) = addresses.first()?;
    let (other, theirs) = addresses
        .iter()
        .find(|(_, theirs)| sorted(theirs) != sorted(found))?;
    Some(format!(
        "worker {first} found the target at {}, {other} at {}",
        found.join(", "),
        theirs.join(", ")
    ))
}
