//! What a behaviour in code sees of the engine while one customer executes it once.

use std::{future::Future, net::SocketAddr, pin::pin, time::Duration};

use nest_data::measurement::Outcome;
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::failure::Failure;
use crate::{
    clock::MonotonicTime,
    exchange::{self, PendingRequest, Timing, kept::keep, problem::Problem, turn},
    execute::{
        context::{DueExecution, ExecutionEnd, StepContext},
        customer::Customer,
    },
    http::{NoAnswer, origin::Origin},
    recorder::{
        RequestPlace, RequestRecord,
        counted::{Amount, ExecutionCounts},
    },
    script::{
        feeds::FeedRows,
        step::{PlainRequest, ScriptStep},
    },
};

/// One execution of a behaviour in code, by one customer.
pub struct ExecutionContext<'a> {
    customer: &'a mut Customer,
    context: &'a StepContext,
    execution: &'a DueExecution,
    random: Xoshiro256PlusPlus,
    rows: FeedRows,
    due: MonotonicTime,
    told: bool, // a failed request was counted already
    counts: ExecutionCounts,
}

/// Where the study's target is.
#[derive(Clone, Copy)]
pub struct TargetAddress<'a>(&'a Origin);

impl<'a> TargetAddress<'a> {
    /// Host name or address.
    #[must_use]
    pub fn host(self) -> &'a str {
        &self.0.host
    }

    /// Port.
    #[must_use]
    pub fn port(self) -> u16 {
        self.address().port()
    }

    /// The first address of the host, with the port.
    #[must_use]
    pub fn address(self) -> SocketAddr {
        self.0
            .addresses
            .first()
            .copied()
            .expect("an origin has an address")
    }

    /// The path of the base URL without its first `/`: often the name of a database.
    #[must_use]
    pub fn name(self) -> &'a str {
        self.0.prefix.trim_start_matches('/')
    }
}

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

impl<'a> ExecutionContext<'a> {
    pub(crate) fn new(
        customer: &'a mut Customer,
        context: &'a StepContext,
        execution: &'a DueExecution,
    ) -> Self {
        Self {
            customer,
            context,
            execution,
            random: Xoshiro256PlusPlus::seed_from_u64(execution.seed),
            rows: FeedRows::new(execution.row, context.settings.feeds.len()),
            due: execution.due,
            told: false,
            counts: ExecutionCounts::new(context.settings.counts[execution.behaviour].len()),
        }
    }

    /// The study's target.
    #[must_use]
    pub fn target(&self) -> TargetAddress<'_> {
        TargetAddress(&self.context.settings.origin)
    }

    /// Number of the customer, from 0.
    #[must_use]
    pub fn customer(&self) -> u32 {
        self.customer.number
    }

    /// A whole number drawn evenly from both ends inclusive, the same in every run of a study. `low` where
    /// `high` is below it.
    pub fn int(&mut self, low: i64, high: i64) -> i64 {
        if low < high {
            self.random.random_range(low..=high)
        } else {
            low
        }
    }

    /// A number drawn evenly from 0 (inclusive) to 1 (exclusive).
    pub fn uniform(&mut self) -> f64 {
        self.random.random()
    }

    /// One of several, drawn evenly; `None` of none.
    pub fn pick<'c, T>(&mut self, choices: &'c [T]) -> Option<&'c T> {
        choices.choose(&mut self.random)
    }

    /// A cell of a feed of the study: an execution takes one row of each feed.
    ///
    /// # Errors
    /// If there is no such feed or column, or a unique feed has run dry.
    pub fn feed(&mut self, feed: &str, column: &str) -> Result<&str, Failure> {
        let settings = &self.context.settings;
        let index = settings.feeds.iter().position(|reader| reader.name() == feed);
        let index = index.ok_or_else(|| {
            Failure::new(
                "feed",
                format!("there is no feed `{feed}`; add [feeds.{feed}] to nest.toml"),
            )
        })?;
        let reader = &settings.feeds[index];
        let column = reader
            .column(column)
            .ok_or_else(|| Failure::new("feed", format!("feed `{feed}` has no column `{column}`")))?;
        let row = self
            .rows
            .of(index, reader)
            .map_err(|dry| Failure::new(dry.kind, dry.reason))?;
        Ok(reader.cell(row, column))
    }

    /// Adds to one of the counts of the behaviour. What an execution adds is tallied if it completes.
    ///
    /// An `amount` below 0, or one that is not a number, makes that of the whole execution unknown; the fit
    /// says how often that happened.
    ///
    /// # Errors
    /// A failure of kind `count` if the behaviour does not name the count in
    /// [`Behaviour::counts`](super::behaviour::Behaviour::counts).
    pub fn count(&mut self, name: &str, amount: f64) -> Result<(), Failure> {
        let settings = &self.context.settings;
        let known = &settings.counts[self.execution.behaviour];
        let index = known.iter().position(|count| count == name).ok_or_else(|| {
            let behaviour = &settings.behaviours[self.execution.behaviour];
            Failure::new(
                "count",
                format!("`{behaviour}` has no count `{name}`; return its name from `counts`"),
            )
        })?;
        self.counts.add(index, Amount::of(amount));
        Ok(())
    }

    /// Waits between two requests; the next one is due when the wait ends.
    pub async fn think(&mut self, time: Duration) {
        self.due = MonotonicTime::now().after(time);
        self.context.state.clock.sleep_until(self.due).await;
    }

    /// Makes one exchange with the target, under a name, whatever it is: times it, counts it, and ends it at
    /// the study's timeout. The first exchange is due when the execution is, each further one when the one
    /// before has ended.
    ///
    /// # Errors
    /// The error of `exchange`, or a failure of kind `timeout`.
    pub async fn request<T, E: Into<Failure>>(
        &mut self,
        name: &str,
        exchange: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure> {
        let (place, mut timing) = self.next_request(name);
        if let Some(turn) = turn::later_turn(self.context, timing.sent) {
            let waited = turn::wait(self.context, place.phase, timing.sent, turn).await;
            timing.sent = MonotonicTime::now();
            if let Err(held) = waited {
                return Err(self.refused(name, place, timing, held));
            }
        }
        exchange::begin(self.context, place, timing.sent);
        let timeout_s = self.context.settings.timeout_s;
        let deadline = timing.sent.after(Duration::from_secs_f64(timeout_s));
        let alarm = self.customer.alarm.clone();
        let outcome = alarm
            .within(&self.context.state.clock, deadline, pin!(exchange))
            .await
            .map_or_else(
                || {
                    let reason = format!("no answer within {timeout_s} s");
                    Err(Failure::new(NoAnswer::TIMEOUT, reason))
                },
                |outcome| outcome.map_err(Into::into),
            );
        self.due = MonotonicTime::now();
        match &outcome {
            Ok(_) => exchange::end(self.context, place, &completed(timing, self.due)),
            Err(failure) => self.failed(name, place, timing, failure),
        }
        outcome
    }

    /// Makes an HTTP request, exactly as a behaviour of a file would: over the customer's own connection
    /// and with its own cookies, over HTTP/2 or the proxy if the study says so. What the target did not
    /// take is sent again: an idempotent request whose idle connection had been closed, any request that
    /// the target has not begun with. Any status below 400 is right.
    ///
    /// # Errors No answer within the study's timeout, or a status of 400 and more.
    pub async fn send(
        &mut self,
        name: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<HttpResponse, Failure> {
        let request = PlainRequest {
            name,
            method,
            path,
            headers,
            body,
            redirects: 0,
        };
        self.make(request).await
    }

    /// Makes an HTTP request as [`send`](Self::send) does, and follows up to so many redirects. Each is a
    /// request of its own; the response time goes on until the last answer.
    ///
    /// # Errors Those of [`send`](Self::send); more redirects, or one to a host that must not be put under
    /// load.
    pub async fn send_following(
        &mut self,
        name: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        redirects: usize,
    ) -> Result<HttpResponse, Failure> {
        let request = PlainRequest {
            name,
            method,
            path,
            headers,
            body,
            redirects,
        };
        self.make(request).await
    }

    async fn make(&mut self, request: PlainRequest<'_>) -> Result<HttpResponse, Failure> {
        let name = request.name;
        let (place, timing) = self.next_request(name);
        let step = match ScriptStep::plain(request, &self.context.settings) {
            Ok(step) => step,
            Err(no_answer) => return Err(self.refused(name, place, timing, no_answer)),
        };
        let pending = PendingRequest {
            step: &step,
            place,
            timing,
        };
        let (outcome, ended) = exchange::request(
            self.customer,
            self.context,
            &pending,
            &mut self.random,
            &mut self.rows,
        )
        .await;
        self.due = ended;
        match outcome {
            Ok(answer) => Ok(HttpResponse {
                status: answer.status,
                body: answer.kept.map_or_else(Vec::new, |kept| kept.body),
            }),
            Err(problem) => {
                self.told = true;
                Err(Failure::new(problem.kind, problem.reason))
            }
        }
    }

    /// Counts a request that cannot be made.
    fn refused(&mut self, name: &str, place: RequestPlace, timing: Timing, no_answer: NoAnswer) -> Failure {
        let failure = Failure::new(no_answer.kind, no_answer.reason);
        exchange::begin(self.context, place, timing.sent);
        self.due = MonotonicTime::now();
        self.failed(name, place, timing, &failure);
        failure
    }

    /// Where the next request is counted, and when it was due and is sent.
    fn next_request(&self, name: &str) -> (RequestPlace, Timing) {
        let behaviour = self.execution.behaviour;
        let endpoint = self.context.recorder.borrow_mut().endpoint(behaviour, name);
        let timing = Timing {
            due: self.due,
            sent: MonotonicTime::now(),
        };
        (self.place(endpoint), timing)
    }

    fn place(&self, endpoint: usize) -> RequestPlace {
        RequestPlace {
            behaviour: self.execution.behaviour,
            endpoint,
            phase: self.execution.phase,
        }
    }

    /// Counts a request that failed; it ended when the next one is due.
    fn failed(&mut self, name: &str, place: RequestPlace, timing: Timing, failure: &Failure) {
        let problem = Problem::without_answer(failure.kind.clone(), failure.reason.clone());
        exchange::end_failed(self.context, place, timing, self.due, &problem);
        self.told = true;
        self.keep(name, place, &problem);
    }

    fn keep(&self, name: &str, place: RequestPlace, problem: &Problem) {
        keep(self.customer, self.context, place, problem, &self.rows, || {
            name.to_owned()
        });
    }

    /// How the execution ended: tallies its counts, or counts a failure that no request has told of.
    pub(crate) fn end(&mut self, outcome: Result<(), Failure>) -> ExecutionEnd {
        let Err(failure) = outcome else {
            self.context.recorder.borrow_mut().execution_counted(
                self.execution.behaviour,
                self.execution.phase,
                &self.counts,
            );
            return ExecutionEnd::Ok;
        };
        let problem = Problem::without_answer(failure.kind, failure.reason);
        if !self.told {
            let name = &self.context.settings.behaviours[self.execution.behaviour];
            self.keep(name, self.place(0), &problem);
        }
        problem.end()
    }
}

/// A request in a protocol of the behaviour's own: how many bytes came, and with which status, is not known.
fn completed(timing: Timing, ended: MonotonicTime) -> RequestRecord {
    RequestRecord {
        due: timing.due,
        sent: timing.sent,
        ended,
        outcome: Outcome::Ok,
        status: 0,
        bytes: 0,
    }
}
