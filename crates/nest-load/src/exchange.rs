//! One request to the target, for behaviours of files and for behaviours in code alike: fill in, send, wait
//! until the timeout, send again what the target did not take, follow redirects, check, save, count.
//!
//! - `turn`: how many per second; `routes`: over which client; `redirect`, `follow`: where an answer leads
//! - `judge`: checks and saves; `problem`, `answer`: what failed; `kept`, `masking`: what is kept of it
//! - `readers`: parts of all that without a socket, for checks from outside

use std::{pin::pin, time::Duration};

use nest_data::measurement::Outcome;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::{
    clock::MonotonicTime,
    execute::{context::StepContext, customer::Customer},
    http::{Arrived, HttpAnswer, NoAnswer, loss::Failed},
    recorder::{RequestPlace, RequestRecord, windows::StepPhase, wire::Resend},
    script::{
        feeds::FeedRows,
        step::{Route, ScriptStep},
    },
};

mod answer;
mod follow;
mod judge;
pub mod kept;
pub mod masking;
pub mod problem;
pub mod readers;
pub mod redirect;
mod routes;
pub mod turn;

use kept::keep;
use problem::Problem;

/// Time from which an attempt to connect was not refused but not answered: a first SYN that is lost, as where
/// a queue of connections is full, is sent again after 1 s (RFC 6298, section 2).
const UNANSWERED: Duration = Duration::from_secs(1);
/// Most times that a request is sent again. Our choice: one is enough for a target that ends its connections
/// now and then; one that takes none of four must not be hammered.
const MOST_RESENDS: u32 = 3;

/// Why a request fails, or is sent again, that met a closed idle connection.
const CLOSED_IDLE: &str = "the target had closed the idle connection before the request came";

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
) -> (Result<HttpAnswer, Box<Problem>>, MonotonicTime) {
    let (step, place, mut timing) = (request.step, request.place, request.timing);
    let turn = match turn::later_turn(context, timing.sent) {
        Some(turn) => held_until(context, place.phase, &mut timing, turn).await,
        None => Ok(()),
    };
    begin(context, place, timing.sent);
    customer.arrived.set(Arrived::default());
    let mut outcome = match turn {
        Ok(()) => {
            let deadline = timing.sent.after(step.timeout);
            answered(customer, context, request, deadline, random, rows).await
        }
        Err(held) => Err(held.into()),
    };
    let ended = MonotonicTime::now();
    match &mut outcome {
        Ok(answer) => end(context, place, &record(timing, ended, answer)),
        Err(problem) => {
            problem.note_arrived(customer.arrived.get());
            end_failed(context, place, timing, ended, problem);
            keep(customer, context, place, problem, rows, || step.named());
        }
    }
    (outcome, ended)
}

/// Holds a request back until its turn comes, from which on it counts as sent.
async fn held_until(
    context: &StepContext,
    phase: StepPhase,
    timing: &mut Timing,
    turn: MonotonicTime,
) -> Result<(), NoAnswer> {
    // On the heap, or every customer would have room for it.
    let waited = Box::pin(turn::wait(context, phase, timing.sent, turn)).await;
    timing.sent = MonotonicTime::now();
    waited.map(drop)
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
    if problem.kind == NoAnswer::LOST && place.phase == StepPhase::Measured {
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

/// Sends a request until there is an answer or the deadline comes, checks the answer and saves from it.
async fn answered(
    customer: &mut Customer,
    context: &StepContext,
    request: &PendingRequest<'_>,
    deadline: MonotonicTime,
    random: &mut Xoshiro256PlusPlus,
    rows: &mut FeedRows,
) -> Result<HttpAnswer, Box<Problem>> {
    let step = request.step;
    if step.redirects > 0 {
        // On the heap, as few requests follow redirects.
        return Box::pin(answered_at_last(
            customer, context, request, deadline, random, rows,
        ))
        .await;
    }
    let before = step.gives_links.then(|| random.clone());
    let alarm = customer.alarm.clone();
    let outcome = {
        let sending = pin!(send(customer, context, step, &request.place, random, rows));
        alarm.within(&context.state.clock, deadline, sending).await
    };
    match outcome {
        Some(Ok(mut answer)) => {
            let settings = &context.settings;
            let page = before.and_then(|before| routes::page(customer, settings, step, before, rows));
            judge::judge(customer, step, &mut answer, settings.longest_body, page.as_ref())?;
            Ok(answer)
        }
        Some(Err(no_answer)) => Err(no_answer.into()),
        None => Err(timed_out(customer, context, step).into()),
    }
}

/// The same with the answer after the redirects that the step follows.
async fn answered_at_last(
    customer: &mut Customer,
    context: &StepContext,
    request: &PendingRequest<'_>,
    deadline: MonotonicTime,
    random: &mut Xoshiro256PlusPlus,
    rows: &mut FeedRows,
) -> Result<HttpAnswer, Box<Problem>> {
    let (step, settings) = (request.step, &context.settings);
    let before = step.gives_links.then(|| random.clone());
    let alarm = customer.alarm.clone();
    let outcome = {
        let following = pin!(follow::follow(customer, context, request, random, rows));
        alarm.within(&context.state.clock, deadline, following).await
    };
    let (mut answer, led_to) = outcome.unwrap_or_else(|| Err(timed_out(customer, context, step).into()))?;
    let page =
        before.and_then(|before| led_to.or_else(|| routes::page(customer, settings, step, before, rows)));
    judge::judge(customer, step, &mut answer, settings.longest_body, page.as_ref())?;
    Ok(answer)
}

/// What a timeout means: the request was held back, no connection could be opened, or no answer came. However
/// that is, the connection is of no more use.
fn timed_out(customer: &mut Customer, context: &StepContext, step: &ScriptStep) -> NoAnswer {
    let timeout_s = step.timeout.as_secs_f64();
    let was_open = match step.route {
        Route::Http1 => customer.http1.is_open(),
        Route::Http2 => customer.http2.as_ref().is_some_and(|http2| http2.is_open()),
        Route::Compat(_) => true,
    };
    customer.http1.close();
    customer.http2 = None;
    if let Some(held) = turn::given_up(customer, context) {
        held
    } else if was_open {
        NoAnswer::new(NoAnswer::TIMEOUT, format!("no answer within {timeout_s} s"))
    } else {
        NoAnswer::new(NoAnswer::CONNECT, format!("no connection within {timeout_s} s"))
    }
}

/// Whether a method may be repeated although the target may have taken the request: RFC 9110, section 9.2.2.
fn is_idempotent(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS" | "TRACE")
}

/// Sends a request, and again if the target did not take it.
async fn send(
    customer: &mut Customer,
    context: &StepContext,
    step: &ScriptStep,
    place: &RequestPlace,
    random: &mut Xoshiro256PlusPlus,
    rows: &mut FeedRows,
) -> Result<HttpAnswer, NoAnswer> {
    let mut resent = 0;
    loop {
        let before = random.clone();
        let outcome = match step.route {
            Route::Http1 => routes::over_http1(customer, context, step, &before, random, rows).await,
            // On the heap, or every customer would have room for the largest of the three futures.
            Route::Http2 => Box::pin(routes::over_http2(customer, context, step, random, rows)).await,
            Route::Compat(_) => Box::pin(routes::over_compat(customer, context, step, random, rows)).await,
        };
        let why = match outcome {
            Ok(answer) => return Ok(answer),
            Err(failed) => resend(failed, &step.method, resent)?,
        };
        resent += 1;
        turn::take(customer, context, place.phase).await?;
        if let Some(why) = why {
            let now = MonotonicTime::now();
            let mut recorder = context.recorder.borrow_mut();
            recorder.request_resent(&context.control, *place, now, why);
        }
        *random = before;
    }
}

/// Why a request may be sent again that was sent again so often before, or how it fails; `None` if it was
/// not on the wire at all.
fn resend(failed: Failed, method: &str, before: u32) -> Result<Option<Resend>, NoAnswer> {
    let (why, kind, reason) = match failed {
        Failed::For(no_answer) => return Err(no_answer),
        Failed::ClosedIdle if !is_idempotent(method) => {
            let reason = format!("{CLOSED_IDLE}; a {method} is not sent again, as it could be done twice");
            return Err(NoAnswer::new(NoAnswer::CLOSED, reason));
        }
        Failed::ClosedIdle => (Some(Resend::ClosedIdle), NoAnswer::CLOSED, CLOSED_IDLE),
        Failed::Unprocessed(reason) => (Some(Resend::Unprocessed), NoAnswer::UNPROCESSED, reason),
        Failed::Unsent(reason) => (None, NoAnswer::UNPROCESSED, reason),
    };
    if before < MOST_RESENDS {
        Ok(why)
    } else {
        Err(NoAnswer::new(kind, format!("{reason}, {} times", before + 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_target_did_not_begin_with_is_sent_again_whatever_its_method_but_not_for_ever() {
        for method in ["GET", "POST", "PATCH"] {
            for before in 0..MOST_RESENDS {
                assert_eq!(
                    resend(Failed::Unprocessed("x"), method, before),
                    Ok(Some(Resend::Unprocessed))
                );
            }
            assert_eq!(
                resend(Failed::Unsent("x"), method, 0),
                Ok(None),
                "it was not on the wire"
            );
            let given_up = resend(Failed::Unprocessed("x"), method, MOST_RESENDS).expect_err("too often");
            assert_eq!(
                (given_up.kind, given_up.reason.as_str()),
                ("unprocessed", "x, 4 times")
            );
        }
    }

    #[test]
    fn what_met_a_closed_idle_connection_is_sent_again_if_its_method_is_idempotent() {
        for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"] {
            assert_eq!(
                resend(Failed::ClosedIdle, method, 0),
                Ok(Some(Resend::ClosedIdle)),
                "{method}"
            );
        }
        for method in ["POST", "PATCH", "CONNECT", "get", "LINK"] {
            let failed = resend(Failed::ClosedIdle, method, 0).expect_err("it could be done twice");
            assert_eq!(failed.kind, NoAnswer::CLOSED, "{method}");
        }
    }

    #[test]
    fn what_was_taken_is_never_sent_again() {
        let lost = || NoAnswer::new(NoAnswer::LOST, "x");
        assert_eq!(resend(Failed::For(lost()), "GET", 0), Err(lost()));
    }
}
