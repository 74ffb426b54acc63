//! One exchange with the target, for behaviours of files and for behaviours in code alike: fill in, send,
//! wait until the timeout, send again if an idle connection had been closed, check, save, count.

use std::{pin::pin, time::Duration};

use nest_data::measurement::Outcome;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::{
    clock::MonotonicTime,
    execute::{context::StepContext, customer::Customer},
    http::{HttpAnswer, NoAnswer, connection::Failed},
    recorder::{RequestPlace, RequestRecord, windows::StepPhase},
    script::{
        feeds::FeedRows,
        step::{Route, ScriptStep},
        text::TemplateValues,
    },
};

mod judge;
pub mod masking;
pub mod problem;
mod routes;

use problem::{Problem, keep};

/// Time from which an attempt to connect was not refused but not answered: a first SYN that is lost, as where
/// a queue of connections is full, is sent again after 1 s (RFC 6298, section 2).
const UNANSWERED: Duration = Duration::from_secs(1);

/// When a request was due, and when it was sent.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    pub due: MonotonicTime,
    pub sent: MonotonicTime,
}

/// A request that is about to be made.
#[derive(Clone, Copy)]
pub struct PendingRequest<'a> {
    pub step: &'a ScriptStep,
    pub place: RequestPlace,
    pub timing: Timing,
}

/// Makes one request and counts it. Returns its answer or what is wrong with it, and when it ended.
pub async fn request(
    customer: &mut Customer,
    context: &StepContext,
    request: &PendingRequest<'_>,
    random: &mut Xoshiro256PlusPlus,
    rows: &mut FeedRows,
) -> (Result<HttpAnswer, Problem>, MonotonicTime) {
    let (step, place, timing) = (request.step, request.place, request.timing);
    let before = random.clone();
    begin(context, place, timing.sent);
    let outcome = answered(customer, context, step, timing.sent, random, rows).await;
    let ended = MonotonicTime::now();
    match &outcome {
        Ok(answer) => end(context, place, &record(timing, ended, answer)),
        Err(problem) => {
            end_failed(context, place, timing, ended, problem);
            let asked = |rows: &mut FeedRows| asked(customer, context, step, before, rows);
            keep(customer, context, place, problem, rows, asked);
        }
    }
    (outcome, ended)
}

/// Counts a request as due, and as in flight.
pub fn begin(context: &StepContext, place: RequestPlace, sent: MonotonicTime) {
    context
        .recorder
        .borrow_mut()
        .request_begins(&context.control, place, sent);
}

/// Counts the end of a request.
pub fn end(context: &StepContext, place: RequestPlace, record: &RequestRecord) {
    context
        .recorder
        .borrow_mut()
        .request_ended(&context.control, place, record);
}

/// Counts the end of a request that failed, and whether its connection was lost.
pub fn end_failed(
    context: &StepContext,
    place: RequestPlace,
    timing: Timing,
    ended: MonotonicTime,
    problem: &Problem,
) {
    let record = RequestRecord {
        due: timing.due,
        sent: timing.sent,
        ended,
        outcome: Outcome::Failed,
        status: problem.status,
        bytes: problem.bytes,
    };
    end(context, place, &record);
    let is_unanswered = problem.kind == NoAnswer::CONNECT && ended.since(timing.sent) >= UNANSWERED;
    if is_unanswered && place.phase == StepPhase::Measured {
        context.recorder.borrow_mut().unanswered_connects += 1;
    }
    if problem.kind == NoAnswer::LOST {
        context.recorder.borrow_mut().lost_connections += 1;
    }
}

fn record(timing: Timing, ended: MonotonicTime, answer: &HttpAnswer) -> RequestRecord {
    RequestRecord {
        due: timing.due,
        sent: timing.sent,
        ended,
        outcome: Outcome::Ok,
        status: answer.status,
        bytes: answer.bytes,
    }
}

/// Method and path as they were sent, drawn again from where the request began, and the request's name.
fn asked(
    customer: &Customer,
    context: &StepContext,
    step: &ScriptStep,
    mut random: Xoshiro256PlusPlus,
    rows: &mut FeedRows,
) -> String {
    let mut path = Vec::new();
    let mut values = TemplateValues {
        variables: &customer.variables,
        customer: customer.number,
        random: &mut random,
        feeds: &context.settings.feeds,
        rows,
    };
    let filled = step.path.fill(&mut values, &mut path);
    let plain = format!("{} {}", step.method, String::from_utf8_lossy(&path));
    if filled.is_err() || step.name == plain {
        step.name.clone()
    } else {
        format!("{plain} ({})", step.name)
    }
}

/// Sends a request until there is an answer, checks it and saves from it.
async fn answered(
    customer: &mut Customer,
    context: &StepContext,
    step: &ScriptStep,
    sent: MonotonicTime,
    random: &mut Xoshiro256PlusPlus,
    rows: &mut FeedRows,
) -> Result<HttpAnswer, Problem> {
    let deadline = sent.after(step.timeout);
    let alarm = customer.alarm.clone();
    let outcome = {
        let sending = pin!(send(customer, context, step, random, rows));
        alarm.within(&context.state.clock, deadline, sending).await
    };
    match outcome {
        Some(Ok(mut answer)) => {
            judge::judge(customer, step, &mut answer, context.settings.longest_body)?;
            Ok(answer)
        }
        Some(Err(no_answer)) => Err(no_answer.into()),
        None => Err(timed_out(customer, step).into()),
    }
}

/// What a timeout means: no connection could be opened, or no answer came. Either way the connection is of no
/// more use.
fn timed_out(customer: &mut Customer, step: &ScriptStep) -> NoAnswer {
    let timeout_s = step.timeout.as_secs_f64();
    let was_open = match step.route {
        Route::Http1 => customer.http1.is_open(),
        Route::Http2 => customer.http2.as_ref().is_some_and(|http2| http2.is_open()),
        Route::Compat(_) => true,
    };
    customer.http1.close();
    customer.http2 = None;
    if was_open {
        NoAnswer::new(NoAnswer::TIMEOUT, format!("no answer within {timeout_s} s"))
    } else {
        NoAnswer::new(NoAnswer::CONNECT, format!("no connection within {timeout_s} s"))
    }
}

/// Whether a method may be repeated after a connection was closed: RFC 9110, section 9.2.2.
fn is_idempotent(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS" | "TRACE")
}

async fn send(
    customer: &mut Customer,
    context: &StepContext,
    step: &ScriptStep,
    random: &mut Xoshiro256PlusPlus,
    rows: &mut FeedRows,
) -> Result<HttpAnswer, NoAnswer> {
    loop {
        let before = random.clone();
        let outcome = match step.route {
            Route::Http1 => routes::over_http1(customer, context, step, random, rows).await,
            // On the heap, or every customer would have room for the largest of the three futures.
            Route::Http2 => Box::pin(routes::over_http2(customer, context, step, random, rows)).await,
            Route::Compat(_) => Box::pin(routes::over_compat(customer, context, step, random, rows)).await,
        };
        match outcome {
            Ok(answer) => return Ok(answer),
            Err(Failed::Stale) if is_idempotent(&step.method) => {
                context.recorder.borrow_mut().repeated += 1;
                *random = before;
            }
            Err(Failed::Stale) => {
                return Err(NoAnswer::new(
                    NoAnswer::LOST,
                    "the idle connection was closed as the request was sent",
                ));
            }
            Err(Failed::For(no_answer)) => return Err(no_answer),
        }
    }
}
