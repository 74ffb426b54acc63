//! What a behaviour in code sees of the engine while one customer executes it once.

use std::{cell::RefCell, future::Future, net::SocketAddr, time::Duration};

use nest_data::measurement::Outcome;
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::{
    clock::Moment,
    code::Failure,
    customer::{Customer, Ended, Execution, StepContext, span},
    http::{NoAnswer, Receiver, Wanted, connection::Failed, origin::Origin},
    recorder::{Place, RequestRecord},
    requests::{ANYTHING_BELOW_400, Problem, keep},
    script::feeds::Rows,
};

/// One execution of a behaviour in code, by one customer.
pub struct Turn<'a> {
    customer: &'a mut Customer,
    context: &'a StepContext,
    execution: &'a Execution,
    random: Xoshiro256PlusPlus,
    rows: Rows,
    due: Moment,
    told: bool, // a failed request was counted already
}

/// Where the study's target is.
#[derive(Clone, Copy)]
pub struct Target<'a>(&'a Origin);

impl<'a> Target<'a> {
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
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(
        customer: &'a mut Customer,
        context: &'a StepContext,
        execution: &'a Execution,
    ) -> Self {
        Self {
            customer,
            context,
            execution,
            random: Xoshiro256PlusPlus::seed_from_u64(execution.seed),
            rows: Rows::new(execution.row, context.program.feeds.len()),
            due: execution.due,
            told: false,
        }
    }

    /// The study's target.
    #[must_use]
    pub fn target(&self) -> Target<'_> {
        Target(&self.context.program.origin)
    }

    /// Number of the customer, from 0.
    #[must_use]
    pub fn customer(&self) -> u32 {
        self.customer.number
    }

    /// A whole number drawn evenly from both ends inclusive, the same in every run of a study. `low` where `high` is below it.
    pub fn int(&mut self, low: i64, high: i64) -> i64 {
        if low < high {
            self.random.random_range(low..=high)
        } else {
            low
        }
    }

    /// A number drawn evenly from 0 (inclusive) to 1 (exclusive).
    pub fn fraction(&mut self) -> f64 {
        self.random.random()
    }

    /// One of several, drawn evenly; `None` of none.
    pub fn pick<'c, T>(&mut self, choices: &'c [T]) -> Option<&'c T> {
        choices.choose(&mut self.random)
    }

    /// A cell of a feed of the study: an execution takes one row of each feed.
    ///
    /// # Errors
    /// Where there is no such feed or column, or a unique feed has run dry.
    pub fn feed(&mut self, feed: &str, column: &str) -> Result<&str, Failure> {
        let program = &self.context.program;
        let index = program.feeds.iter().position(|reader| reader.name() == feed);
        let index = index.ok_or_else(|| {
            Failure::new(
                "feed",
                format!("there is no feed `{feed}`; add [feeds.{feed}] to nest.toml"),
            )
        })?;
        let reader = &program.feeds[index];
        let column = reader
            .column(column)
            .ok_or_else(|| Failure::new("feed", format!("feed `{feed}` has no column `{column}`")))?;
        let row = self
            .rows
            .of(index, reader)
            .map_err(|dry| Failure::new(dry.kind, dry.reason))?;
        Ok(reader.cell(row, column))
    }

    /// Waits between two requests; the next one is due when the wait ends.
    pub async fn think(&mut self, time: Duration) {
        self.due = Moment::now().after(time);
        self.context.local.clock.sleep_until(self.due).await;
    }

    /// Makes one exchange with the target, under a name, whatever it is: times it, counts it, and ends it at the study's
    /// timeout. The first exchange is due when the execution is, each further one when the one before has ended.
    ///
    /// # Errors
    /// The error of `exchange`, or a failure of kind `timeout`.
    pub async fn request<T, E: Into<Failure>>(
        &mut self,
        name: &str,
        exchange: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure> {
        let (place, sent) = self.begin(name);
        let timeout_s = self.context.program.timeout_s;
        let alarm = self.customer.alarm.clone();
        let outcome = alarm
            .within(&self.context.local.clock, sent.after(span(timeout_s)), exchange)
            .await;
        let outcome = match outcome {
            Some(outcome) => outcome.map_err(Into::into),
            None => Err(Failure::new("timeout", format!("no answer within {timeout_s} s"))),
        };
        self.finish(place, name, sent, outcome.as_ref().err(), 0, 0);
        outcome
    }

    /// Makes an HTTP request over the customer's own connection and with its own cookies. Any status below 400 is right.
    ///
    /// # Errors
    /// No answer within the study's timeout, or a status of 400 and more.
    pub async fn send(
        &mut self,
        name: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Response, Failure> {
        let (place, sent) = self.begin(name);
        let timeout_s = self.context.program.timeout_s;
        let alarm = self.customer.alarm.clone();
        let sending = exchange(self.customer, self.context, method, path, headers, body);
        let outcome = alarm
            .within(&self.context.local.clock, sent.after(span(timeout_s)), sending)
            .await;
        let (outcome, status, bytes) = match outcome {
            Some(Ok(answer)) if answer.status < 400 => (
                Ok(Response {
                    status: answer.status,
                    body: answer.body,
                }),
                answer.status,
                answer.bytes,
            ),
            Some(Ok(answer)) => {
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                (
                    Err(Failure::new(format!("status {}", answer.status), text)),
                    answer.status,
                    answer.bytes,
                )
            }
            Some(Err(no_answer)) => (Err(Failure::new(no_answer.kind, no_answer.reason)), 0, 0),
            None => {
                self.customer.http1.close();
                (
                    Err(Failure::new("timeout", format!("no answer within {timeout_s} s"))),
                    0,
                    0,
                )
            }
        };
        self.finish(place, name, sent, outcome.as_ref().err(), status, bytes);
        outcome
    }

    fn begin(&mut self, name: &str) -> (Place, Moment) {
        let mut recorder = self.context.recorder.borrow_mut();
        let endpoint = recorder.endpoint(self.execution.behaviour, name);
        let place = Place {
            behaviour: self.execution.behaviour,
            endpoint,
            phase: self.execution.phase,
        };
        let sent = Moment::now();
        recorder.request_begins(&self.context.control, place, sent);
        (place, sent)
    }

    fn finish(
        &mut self,
        place: Place,
        name: &str,
        sent: Moment,
        failure: Option<&Failure>,
        status: u16,
        bytes: u64,
    ) {
        let ended = Moment::now();
        let outcome = if failure.is_some() {
            Outcome::Failed
        } else {
            Outcome::Ok
        };
        let record = RequestRecord {
            due: self.due,
            sent,
            ended,
            outcome,
            status,
            bytes,
        };
        self.context
            .recorder
            .borrow_mut()
            .request_ended(&self.context.control, place, &record);
        self.due = ended;
        if let Some(failure) = failure {
            self.told = true;
            self.tell(place, name, failure);
        }
    }

    fn tell(&mut self, place: Place, name: &str, failure: &Failure) {
        let problem = Problem {
            kind: failure.kind.clone(),
            what: failure.reason.clone(),
            status: 0,
            bytes: 0,
            unreachable: false,
        };
        keep(
            self.customer,
            self.context,
            place,
            &problem,
            &mut self.rows,
            |_| name.to_owned(),
        );
    }

    /// How the execution ended; counts a failure that no request has told of.
    pub(crate) fn end(&mut self, outcome: Result<(), Failure>) -> Ended {
        let Err(failure) = outcome else { return Ended::Ok };
        if !self.told {
            let place = Place {
                behaviour: self.execution.behaviour,
                endpoint: 0,
                phase: self.execution.phase,
            };
            self.tell(
                place,
                &self.context.program.scripts[self.execution.behaviour].name,
                &failure,
            );
        }
        if failure.kind == NoAnswer::CONNECT || failure.kind == NoAnswer::LOCAL {
            Ended::Unreachable
        } else {
            Ended::Failed
        }
    }
}

/// One HTTP/1.1 exchange that code asked for.
async fn exchange(
    customer: &mut Customer,
    context: &StepContext,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<crate::http::Answer, NoAnswer> {
    let origin = &context.program.origin;
    if !path.starts_with('/') || path.bytes().any(|byte| byte <= b' ' || byte >= 127) {
        return Err(NoAnswer::new(
            "request",
            format!("{path:?} is not a path on the target"),
        ));
    }
    let wrong = |text: &str| text.bytes().any(|byte| byte.is_ascii_control());
    if let Some((name, _)) = headers
        .iter()
        .find(|(name, value)| name.is_empty() || wrong(name) || wrong(value))
    {
        return Err(NoAnswer::new(
            "request",
            format!("{name:?} is not a header, or its value holds a control character"),
        ));
    }
    customer.http1.ready(origin, &context.local.last_good).await?;
    {
        let mut out = context.local.buffers.outgoing.borrow_mut();
        out.clear();
        let prefix = &origin.prefix;
        let head = format!(
            "{method} {prefix}{path} HTTP/1.1\r\nhost: {}\r\nuser-agent: {}\r\n",
            origin.authority,
            crate::USER_AGENT
        );
        out.extend_from_slice(head.as_bytes());
        headers
            .iter()
            .for_each(|(name, value)| out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes()));
        let before = out.len();
        customer.cookies.write(
            &format!("{prefix}{path}"),
            origin.tls.is_some(),
            "cookie: ",
            &mut out,
        );
        if out.len() > before {
            out.extend_from_slice(b"\r\n");
        }
        if !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
            out.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(body);
    }
    let wanted = Wanted {
        body: true,
        longest_body: context.program.longest_body,
        fields: &[],
        expect: &ANYTHING_BELOW_400,
    };
    let mut receiver = Receiver::new(wanted, &mut customer.cookies, &origin.host, path);
    match customer
        .http1
        .exchange(
            &context.local.buffers,
            method == "HEAD",
            &RefCell::default(),
            &mut receiver,
        )
        .await
    {
        Ok(()) => Ok(receiver.answer),
        Err(Failed::Stale) => Err(NoAnswer::new(
            NoAnswer::LOST,
            "the idle connection was closed as the request was sent",
        )),
        Err(Failed::For(no_answer)) => Err(no_answer),
    }
}
