//! A worker's part of a session: it joins, hears what it is told, and tells how far it is.

use std::time::{Duration, Instant};

use async_nats::{Message, Request, RequestErrorKind, Subscriber};
use serde::Serialize;

use super::{WorkerOptions, station::Station};
use crate::{
    clock::MonotonicTime,
    engine::interrupt::Interrupt,
    error::LoadError,
    fleet::{
        broker::Connection,
        message::{
            Beat, Done, Failed, JoinAnswer, JoinRequest, PROTOCOL, Pong, Subjects, Verb, WORKER_INBOX, read,
            write,
        },
        news::FleetNews,
        wire::{next, nonce},
    },
    observe::{cgroup::Cgroup, machine},
};

/// How often it tells how far it is, and looks whether the coordinator lives.
const TICK: Duration = Duration::from_millis(100);
/// Longest wait for the answer to a request to join: the coordinator may have to ask another process first.
const JOIN: Duration = Duration::from_secs(4);
/// How long it waits before it asks again.
const AGAIN: Duration = Duration::from_millis(500);
/// How long records are kept once the coordinator is silent for too long.
const KEPT: Duration = Duration::from_secs(60);

/// A worker that has joined.
struct Session {
    connection: Connection,
    subjects: Subjects,
    id: String,
    station: Station,
    dead_man: Duration,
    last_beat: Instant,
    /// Who the coordinator is; known from its first beat.
    coordinator: Option<String>,
}

/// Works until the session is over.
pub async fn run(options: WorkerOptions, interrupt: &Interrupt) -> Result<(), LoadError> {
    let session = options.session.clone();
    let connecting = options
        .access
        .connect_within(WORKER_INBOX, &options.name, options.wait);
    let connection = tokio::select! {
        connected = connecting => connected?,
        () = interrupt.requested() => return Err(LoadError::Interrupted),
    };
    let subjects = Subjects::of(&session);
    let failed = |error: &dyn std::error::Error| LoadError::Broker {
        url: options.access.url.clone(),
        reason: error.to_string(),
    };
    let subscribe = connection.client.subscribe(subjects.beat()).await;
    let mut beats = subscribe.map_err(|error| failed(&error))?;
    let (id, dead_man) = tokio::select! {
        joined = join(&options, &connection, &subjects) => joined?,
        () = interrupt.requested() => return Err(LoadError::Interrupted),
    };
    let subscribe = connection.client.subscribe(subjects.worker(&id)).await;
    let mut orders = subscribe.map_err(|error| failed(&error))?;
    connection.client.flush().await.map_err(|error| failed(&error))?;
    options.listener.tell(FleetNews::Entered {
        session: session.clone(),
        slots: options.slots,
    });
    let mut here = Session {
        connection,
        subjects,
        id,
        station: Station::new(options),
        dead_man,
        last_beat: Instant::now(),
        coordinator: None,
    };
    here.serve(&mut orders, &mut beats, &session, interrupt).await
}

/// Asks until the coordinator answers. The id that it gives, and its dead man's time.
async fn join(
    options: &WorkerOptions,
    connection: &Connection,
    subjects: &Subjects,
) -> Result<(String, Duration), LoadError> {
    let request = write(&request_of(options));
    let begun = Instant::now();
    loop {
        let asked = Request::new().payload(request.clone().into()).timeout(Some(JOIN));
        let answered = connection.client.send_request(subjects.join(), asked).await;
        let no_session = |reason: String| LoadError::NoSession {
            session: options.session.clone(),
            reason,
        };
        // Waiting does not change what a user may do.
        if let (Err(_), Some(said)) = (&answered, connection.refusal()) {
            let why = format!("the NATS server does not let this user in: {said}");
            return Err(no_session(why));
        }
        let why = match answered {
            Ok(message) => match read::<JoinAnswer>(&message.payload) {
                Ok(JoinAnswer::Joined { id, dead_man_s, .. }) => {
                    let dead_man = Duration::try_from_secs_f64(dead_man_s).unwrap_or(Duration::ZERO);
                    return Ok((id, dead_man));
                }
                Ok(JoinAnswer::Refused { refused, remedy }) => {
                    return Err(LoadError::JoinRefused {
                        session: options.session.clone(),
                        reason: refused,
                        remedy,
                    });
                }
                Err(error) => error.to_string(),
            },
            Err(error) if error.kind() == RequestErrorKind::NoResponders => {
                "no coordinator listens there".to_owned()
            }
            Err(error) => error.to_string(),
        };
        if begun.elapsed() >= options.wait {
            return Err(no_session(why));
        }
        tokio::time::sleep(AGAIN).await;
    }
}

fn request_of(options: &WorkerOptions) -> JoinRequest {
    let machine = machine::facts();
    JoinRequest {
        protocol: PROTOCOL,
        build: options.build.clone(),
        name: options.name.clone(),
        nonce: nonce(),
        slots: options.slots,
        cores: machine.cores,
        cpu: machine.cpu,
        memory_bytes: machine.memory_bytes,
        kernel: machine.kernel,
        code: options.registry.names().into_keys().collect(),
        allow_hosts: options.allow_hosts.clone(),
        max_rate: options.max_rate,
        max_customers: options.max_customers,
        quota_cores: Cgroup::of(std::process::id()).and_then(|group| group.cpu_quota()),
    }
}

/// Whether the session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    On,
    Over,
}

impl Session {
    async fn serve(
        &mut self,
        orders: &mut Subscriber,
        beats: &mut Subscriber,
        session: &str,
        interrupt: &Interrupt,
    ) -> Result<(), LoadError> {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                biased;
                order = next(orders) => {
                    let Some(order) = order else { return Ok(()) };
                    if self.obey(order).await == Course::Over {
                        return Ok(());
                    }
                }
                beat = next(beats) => {
                    if let Some(beat) = beat.and_then(|beat| read::<Beat>(&beat.payload).ok()) {
                        self.hear(beat);
                    }
                }
                _ = ticks.tick() => {
                    if interrupt.is_requested() {
                        self.station.end(None);
                        return Err(LoadError::Interrupted);
                    }
                    self.tell_progress().await;
                    self.check_coordinator(session)?;
                }
            }
        }
    }

    /// Hears a beat. One of another coordinator does not count.
    fn hear(&mut self, beat: Beat) {
        if *self.coordinator.get_or_insert_with(|| beat.coordinator.clone()) == beat.coordinator {
            self.last_beat = Instant::now();
        }
    }

    /// Ends what runs once the coordinator is silent for too long, and the session some time later.
    fn check_coordinator(&mut self, session: &str) -> Result<(), LoadError> {
        let silent = self.last_beat.elapsed();
        if silent >= self.dead_man {
            let silent_s = self.dead_man.as_secs_f64();
            let reason = format!("it heard nothing from the coordinator for {silent_s:.0} s");
            self.station.end(Some(reason));
        }
        if silent >= self.dead_man + KEPT {
            return Err(LoadError::CoordinatorSilent {
                session: session.to_owned(),
                silent_s: silent.as_secs_f64(),
            });
        }
        Ok(())
    }

    async fn tell_progress(&mut self) {
        if let Some(progress) = self.station.progress() {
            let subject = self.subjects.progress(&self.id);
            // The next one says everything again.
            let _ = self
                .connection
                .client
                .publish(subject, write(&progress).into())
                .await;
        }
    }

    async fn obey(&mut self, order: Message) -> Course {
        let received = MonotonicTime::now();
        let Some(reply) = order.reply else {
            return Course::On; // orders are answered, so that this is none
        };
        let verb = match read::<Verb>(&order.payload) {
            Ok(verb) => verb,
            Err(error) => {
                let error = format!("a message cannot be read: {error}");
                self.answer(reply, &Failed { error }).await;
                return Course::On;
            }
        };
        let course = if verb == Verb::Leave {
            Course::Over
        } else {
            Course::On
        };
        let done = |()| Done { ok: true };
        let station = &mut self.station;
        match verb {
            Verb::Ping { .. } => {
                let answer = Pong {
                    t1: received.nanoseconds(),
                    t2: MonotonicTime::now().nanoseconds(),
                };
                self.answer(reply, &answer).await;
            }
            Verb::Study(part) => {
                let answer = station.take_study(&part).map(done);
                self.answer_or_fail(reply, answer).await;
            }
            Verb::Feed { name, part } => {
                let answer = station.take_feed(&name, &part).map(done);
                self.answer_or_fail(reply, answer).await;
            }
            Verb::Prepare {
                step,
                load,
                limits,
                slots,
                rows,
            } => {
                let answer = station.prepare(step, load, limits, slots, rows).await;
                self.answer_or_fail(reply, answer).await;
            }
            Verb::Start {
                step,
                start_ns,
                offset_ns,
                hard_end_ns,
            } => {
                let answer = station.start(step, start_ns, offset_ns, hard_end_ns).map(done);
                self.answer_or_fail(reply, answer).await;
            }
            Verb::Windows { step, from_ns } => {
                let answer = station.windows(step, from_ns, received);
                self.answer_or_fail(reply, answer).await;
            }
            Verb::Stop { step } => {
                let answer = station.stop(step).map(done);
                self.answer_or_fail(reply, answer).await;
            }
            Verb::Close { step } => {
                let answer = station.close(step).await;
                self.answer_or_fail(reply, answer).await;
            }
            Verb::Part { step, n } => {
                let answer = station.part(step, n);
                self.answer_or_fail(reply, answer).await;
            }
            Verb::Alone {
                step,
                behaviour,
                span_ns,
                most,
                longest_ns,
                slots,
                rows,
            } => {
                let spans = [span_ns, longest_ns].map(Duration::from_nanos);
                let answer = station
                    .alone(step, behaviour, spans, most, slots, rows)
                    .await
                    .map(done);
                self.answer_or_fail(reply, answer).await;
            }
            Verb::Forget => {
                let answer = station.forget().await.map(done);
                self.answer_or_fail(reply, answer).await;
            }
            Verb::Leave => {
                station.end(None);
                station.tell(FleetNews::Over);
                self.answer(reply, &Done { ok: true }).await;
                // The answer must leave before this process does.
                let _ = tokio::time::timeout(JOIN, self.connection.client.flush()).await;
            }
        }
        course
    }

    async fn answer_or_fail<T: Serialize>(&self, reply: async_nats::Subject, answer: Result<T, String>) {
        match answer {
            Ok(answer) => self.answer(reply, &answer).await,
            Err(error) => self.answer(reply, &Failed { error }).await,
        }
    }

    async fn answer(&self, reply: async_nats::Subject, answer: &impl Serialize) {
        // Whoever asked asks again.
        let _ = self.connection.client.publish(reply, write(answer).into()).await;
    }
}
