//! Executes the requests of a behaviour's file: fill in, send, check, save.

use std::pin::pin;

use bytes::Bytes;
use nest_data::{behaviour::Expect, measurement::Outcome};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::{
    clock::Moment,
    customer::{Customer, Ended, Execution, StepContext},
    http::{Answer, NoAnswer, Receiver, Wanted, compat, connection::Failed},
    masking::{masked, shortened},
    recorder::{Place, RequestRecord},
    script::{
        Body, Program, Route, ScriptStep,
        feeds::Rows,
        text::{Filling, write_number},
    },
    think,
};

/// What is wrong with an answer, or why there is none.
pub struct Problem {
    pub kind: String,
    pub what: String,
    pub status: u16,
    pub bytes: u64,
    /// Whether no connection could be opened.
    pub unreachable: bool,
}

/// Makes the requests in order, until one fails.
pub async fn execute(
    customer: &mut Customer,
    context: &StepContext,
    execution: &Execution,
    steps: &[ScriptStep],
    random: &mut Xoshiro256PlusPlus,
    rows: &mut Rows,
    now: Moment,
) -> (Ended, Moment) {
    let (mut due, mut now) = (execution.due, now);
    for step in steps {
        if let Some(times) = &step.think {
            due = due.after(think::draw(times, random));
            context.local.clock.sleep_until(due).await;
            now = Moment::now();
        }
        let place = Place {
            behaviour: execution.behaviour,
            endpoint: step.endpoint,
            phase: execution.phase,
        };
        let ended;
        (ended, now) = request(customer, context, step, place, (due, now), random, rows).await;
        if ended != Ended::Ok {
            return (ended, now);
        }
        due = now;
    }
    (Ended::Ok, now)
}

/// Makes one request that was due and is sent at these moments; how and when it ended.
async fn request(
    customer: &mut Customer,
    context: &StepContext,
    step: &ScriptStep,
    place: Place,
    (due, sent): (Moment, Moment),
    random: &mut Xoshiro256PlusPlus,
    rows: &mut Rows,
) -> (Ended, Moment) {
    let before = random.clone();
    context
        .recorder
        .borrow_mut()
        .request_begins(&context.control, place, sent);
    let outcome = answered(customer, context, step, random, rows, sent).await;
    let ended = Moment::now();
    let (outcome, status, bytes, failure) = match outcome {
        Ok((status, bytes)) => (Outcome::Ok, status, bytes, None),
        Err(problem) => (Outcome::Failed, problem.status, problem.bytes, Some(problem)),
    };
    let mut recorder = context.recorder.borrow_mut();
    recorder.request_ended(
        &context.control,
        place,
        &RequestRecord {
            due,
            sent,
            ended,
            outcome,
            status,
            bytes,
        },
    );
    let Some(problem) = failure else {
        return (Ended::Ok, ended);
    };
    if problem.kind == NoAnswer::LOST {
        recorder.lost_connections += 1;
    }
    drop(recorder);
    let asked = |rows: &mut Rows| asked(customer, &context.program, step, before, rows);
    keep(customer, context, place, &problem, rows, asked);
    (
        if problem.unreachable {
            Ended::Unreachable
        } else {
            Ended::Failed
        },
        ended,
    )
}

/// Counts a failure and keeps its exchange, with secrets masked, where few of its kind are kept.
///
/// What answers were saved from and what feeds gave may be a session's key or a password, and counts as secret.
pub fn keep(
    customer: &Customer,
    context: &StepContext,
    place: Place,
    problem: &Problem,
    rows: &mut Rows,
    asked: impl FnOnce(&mut Rows) -> String,
) {
    if place.phase != crate::windows::Phase::Measured {
        return;
    }
    let mut recorder = context.recorder.borrow_mut();
    if recorder.failed(place.behaviour, &problem.kind) {
        let saved = customer.variables.iter().flatten().map(AsRef::as_ref);
        let exchange = format!("{}\n{}", asked(rows), problem.what);
        let secrets = context
            .program
            .secrets
            .iter()
            .map(String::as_str)
            .chain(saved)
            .chain(rows.cells(&context.program.feeds));
        let exchange = shortened(&masked(&exchange, secrets));
        recorder.keep_failure(place.behaviour, &problem.kind, &exchange);
    }
}

/// Method and path as they were sent, drawn again from where the request began, and the request's name.
fn asked(
    customer: &Customer,
    program: &Program,
    step: &ScriptStep,
    mut random: Xoshiro256PlusPlus,
    rows: &mut Rows,
) -> String {
    let mut path = Vec::new();
    let mut filling = Filling {
        variables: &customer.variables,
        customer: customer.number,
        random: &mut random,
        feeds: &program.feeds,
        rows,
    };
    let filled = step.path.fill(&mut filling, &mut path);
    let plain = format!("{} {}", step.method, String::from_utf8_lossy(&path));
    if filled.is_err() || step.name == plain {
        step.name.clone()
    } else {
        format!("{plain} ({})", step.name)
    }
}

/// Sends a request until there is an answer, checks it and saves from it; status and bytes.
async fn answered(
    customer: &mut Customer,
    context: &StepContext,
    step: &ScriptStep,
    random: &mut Xoshiro256PlusPlus,
    rows: &mut Rows,
    sent: Moment,
) -> Result<(u16, u64), Problem> {
    let deadline = sent.after(step.timeout);
    let alarm = customer.alarm.clone();
    let outcome = {
        let sending = pin!(send(customer, context, step, random, rows));
        alarm.within(&context.local.clock, deadline, sending).await
    };
    let answer = match outcome {
        Some(Ok(answer)) => answer,
        Some(Err(no_answer)) => return Err(Problem::from(no_answer)),
        None if step.route == Route::Http1 && !customer.http1.is_open() => {
            let reason = format!("no connection within {} s", step.timeout.as_secs_f64());
            return Err(NoAnswer::new(NoAnswer::CONNECT, reason).into());
        }
        None => {
            customer.http1.close();
            customer.http2 = None;
            return Err(NoAnswer::new(
                "timeout",
                format!("no answer within {} s", step.timeout.as_secs_f64()),
            )
            .into());
        }
    };
    judge(customer, step, &answer)?;
    Ok((answer.status, answer.bytes))
}

async fn send(
    customer: &mut Customer,
    context: &StepContext,
    step: &ScriptStep,
    random: &mut Xoshiro256PlusPlus,
    rows: &mut Rows,
) -> Result<Answer, NoAnswer> {
    // Only requests that may be repeated are sent again where an idle connection turns out to be closed: RFC 9110, section 9.2.2.
    let may_repeat = matches!(step.method, "GET" | "HEAD" | "PUT" | "DELETE");
    loop {
        let before = random.clone();
        let outcome = match step.route {
            Route::Http1 => over_http1(customer, context, step, random, rows).await,
            // On the heap, or every customer would have room for the largest of the three futures.
            Route::Http2 => Box::pin(over_http2(customer, context, step, random, rows)).await,
            Route::Compat(_) => Box::pin(over_compat(customer, context, step, random, rows)).await,
        };
        match outcome {
            Ok(answer) => return Ok(answer),
            Err(Failed::Stale) if may_repeat => {
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

async fn over_http1(
    customer: &mut Customer,
    context: &StepContext,
    step: &ScriptStep,
    random: &mut Xoshiro256PlusPlus,
    rows: &mut Rows,
) -> Result<Answer, Failed> {
    let program = &context.program;
    customer
        .http1
        .ready(&program.origin, &context.local.last_good)
        .await?;
    {
        let mut out = context.local.buffers.outgoing.borrow_mut();
        out.clear();
        let mut filling = Filling {
            variables: &customer.variables,
            customer: customer.number,
            random,
            feeds: &program.feeds,
            rows,
        };
        step.head.fill(&mut filling, &mut out)?;
        write_cookies(customer, program, &mut out);
        write_body(step, &mut filling, context, &mut out)?;
    }
    let mut receiver = Receiver::new(
        wanted(step, program),
        &mut customer.cookies,
        &program.origin.host,
        &step.folder,
    );
    let known = &context.local.known_heads[step.endpoint];
    customer
        .http1
        .exchange(
            &context.local.buffers,
            step.method == "HEAD",
            known,
            &mut receiver,
        )
        .await?;
    Ok(receiver.answer)
}

fn wanted<'a>(step: &'a ScriptStep, program: &Program) -> Wanted<'a> {
    Wanted {
        body: step.wants_body,
        longest_body: program.longest_body,
        fields: &step.wanted_fields,
        expect: &step.expect,
    }
}

fn write_cookies(customer: &Customer, program: &Program, out: &mut Vec<u8>) {
    if customer.cookies.is_empty() {
        return;
    }
    let path = String::from_utf8_lossy(path_of(out)).into_owned();
    let before = out.len();
    customer
        .cookies
        .write(&path, program.origin.tls.is_some(), "cookie: ", out);
    if out.len() > before {
        out.extend_from_slice(b"\r\n");
    }
}

/// The request target in a head: what stands between the first two spaces.
fn path_of(head: &[u8]) -> &[u8] {
    head.split(|byte| *byte == b' ').nth(1).unwrap_or(b"/")
}

/// Ends the head, and writes the body with its length.
fn write_body(
    step: &ScriptStep,
    filling: &mut Filling<'_>,
    context: &StepContext,
    out: &mut Vec<u8>,
) -> Result<(), NoAnswer> {
    match &step.body {
        Body::Text(text) => {
            let mut body = context.local.body.borrow_mut();
            body.clear();
            text.fill(filling, &mut body)?;
            out.extend_from_slice(b"content-length: ");
            write_number(body.len() as i64, out);
            out.extend_from_slice(b"\r\n\r\n");
            out.extend_from_slice(&body);
        }
        // A method that usually has a body states that there is none: RFC 9110, section 8.6.
        Body::None | Body::Multipart(_) if matches!(step.method, "POST" | "PUT" | "PATCH") => {
            out.extend_from_slice(b"content-length: 0\r\n\r\n")
        }
        Body::None | Body::Multipart(_) => out.extend_from_slice(b"\r\n"),
    }
    Ok(())
}

/// Path, headers and body filled in, for clients that take them apart.
struct Parts {
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

fn parts(
    customer: &Customer,
    program: &Program,
    step: &ScriptStep,
    random: &mut Xoshiro256PlusPlus,
    rows: &mut Rows,
) -> Result<Parts, NoAnswer> {
    let mut filling = Filling {
        variables: &customer.variables,
        customer: customer.number,
        random,
        feeds: &program.feeds,
        rows,
    };
    let mut text = |text: &crate::script::text::Text| {
        let mut out = Vec::new();
        text.fill(&mut filling, &mut out)?;
        Ok::<_, NoAnswer>(out)
    };
    let utf8 = |bytes: Vec<u8>| {
        String::from_utf8(bytes).map_err(|_| NoAnswer::new("request", "a header or the path is not UTF-8"))
    };
    let path = utf8(text(&step.path)?)?;
    let headers = step
        .headers
        .iter()
        .map(|(name, value)| Ok((name.clone(), utf8(text(value)?)?)))
        .collect::<Result<_, NoAnswer>>()?;
    let body = match &step.body {
        Body::Text(body) => Some(text(body)?),
        Body::None | Body::Multipart(_) => None,
    };
    Ok(Parts { path, headers, body })
}

async fn over_http2(
    customer: &mut Customer,
    context: &StepContext,
    step: &ScriptStep,
    random: &mut Xoshiro256PlusPlus,
    rows: &mut Rows,
) -> Result<Answer, Failed> {
    let program = &context.program;
    let mut connection = customer.http2.take().unwrap_or_default();
    let outcome = async {
        connection
            .ready(&program.origin, &context.local.last_good)
            .await?;
        let (request, body) = http2_request(customer, program, step, random, rows)?;
        let mut receiver = Receiver::new(
            wanted(step, program),
            &mut customer.cookies,
            &program.origin.host,
            &step.folder,
        );
        connection.exchange(request, body, &mut receiver).await?;
        Ok(receiver.answer)
    }
    .await;
    customer.http2 = Some(connection);
    outcome
}

/// A request as HTTP/2 sends it. One without anything to fill in is put together once and copied.
fn http2_request(
    customer: &Customer,
    program: &Program,
    step: &ScriptStep,
    random: &mut Xoshiro256PlusPlus,
    rows: &mut Rows,
) -> Result<(http::Request<()>, Option<Bytes>), NoAnswer> {
    let (mut request, path, body) = match step.prebuilt.get() {
        Some(prebuilt) => (prebuilt.clone(), None, None),
        None => {
            let parts = parts(customer, program, step, random, rows)?;
            let request = put_together(program, step, &parts)?;
            if step.is_literal() {
                // Another worker may have been faster; its copy is the same.
                let _ = step.prebuilt.set(request.clone());
            }
            (request, Some(parts.path), parts.body.map(Bytes::from))
        }
    };
    if !customer.cookies.is_empty() {
        let mut line = Vec::new();
        let path = path.as_deref().unwrap_or(&step.folder);
        customer
            .cookies
            .write(path, program.origin.tls.is_some(), "", &mut line);
        if !line.is_empty() {
            let value = http::header::HeaderValue::from_bytes(&line)
                .map_err(|error| NoAnswer::new("request", error))?;
            request.headers_mut().insert(http::header::COOKIE, value);
        }
    }
    Ok((request, body))
}

fn put_together(program: &Program, step: &ScriptStep, parts: &Parts) -> Result<http::Request<()>, NoAnswer> {
    let uri = format!(
        "{}://{}{}",
        program.origin.scheme, program.origin.authority, parts.path
    );
    let mut request = http::Request::builder()
        .method(step.method)
        .version(http::Version::HTTP_2)
        .uri(uri);
    let given = |name: &str| {
        parts
            .headers
            .iter()
            .any(|(header, _)| header.eq_ignore_ascii_case(name))
    };
    for (name, value) in [("user-agent", crate::USER_AGENT), ("accept", "*/*")]
        .into_iter()
        .filter(|(name, _)| !given(name))
    {
        request = request.header(name, value);
    }
    // What belongs to one connection of HTTP/1.1 has no place in HTTP/2: RFC 9113, section 8.2.2.
    for (name, value) in parts
        .headers
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("host") && !name.eq_ignore_ascii_case("connection"))
    {
        request = request.header(name, value);
    }
    request.body(()).map_err(|error| NoAnswer::new("request", error))
}

async fn over_compat(
    customer: &mut Customer,
    context: &StepContext,
    step: &ScriptStep,
    random: &mut Xoshiro256PlusPlus,
    rows: &mut Rows,
) -> Result<Answer, Failed> {
    let program = &context.program;
    let parts = parts(customer, program, step, random, rows)?;
    let body = match (&step.body, parts.body) {
        (Body::Multipart(fields), _) => {
            let mut filled = Vec::new();
            for field in fields {
                let mut value = Vec::new();
                let mut filling = Filling {
                    variables: &customer.variables,
                    customer: customer.number,
                    random,
                    feeds: &program.feeds,
                    rows,
                };
                field.value.fill(&mut filling, &mut value)?;
                filled.push(compat::Field {
                    name: field.name.clone(),
                    value,
                    file_name: field.file_name.clone(),
                    content_type: field.content_type.clone(),
                });
            }
            compat::Body::Multipart(filled)
        }
        (_, Some(bytes)) => compat::Body::Bytes(bytes),
        (_, None) => compat::Body::None,
    };
    let outgoing = compat::Outgoing {
        method: step.method,
        path: parts.path,
        headers: parts.headers,
        body,
        redirects: step.redirects,
    };
    let mut client = customer.compat.take().unwrap_or_default();
    let shared = customer.cookies.shared();
    let mut receiver = Receiver::new(
        wanted(step, program),
        &mut customer.cookies,
        &program.origin.host,
        &step.folder,
    );
    let outcome = client
        .exchange(&program.origin, &program.compat, &shared, outgoing, &mut receiver)
        .await;
    let answer = receiver.answer;
    customer.compat = Some(client);
    outcome.map(|()| answer)
}

/// Checks an answer and saves from it.
fn judge(customer: &mut Customer, step: &ScriptStep, answer: &Answer) -> Result<(), Problem> {
    let wrong = |kind: &str, what: &str| Problem {
        kind: kind.to_owned(),
        what: format!(
            "{what}\nstatus {}\n{}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        ),
        status: answer.status,
        bytes: answer.bytes,
        unreachable: false,
    };
    if !step.expect.accepts(answer.status) {
        return Err(wrong(&format!("status {}", answer.status), "unexpected status"));
    }
    if let Some(finder) = step
        .contains
        .as_ref()
        .filter(|finder| finder.find(&answer.body).is_none())
    {
        return Err(wrong(
            "check",
            &format!(
                "the body does not contain {:?}",
                String::from_utf8_lossy(finder.needle())
            ),
        ));
    }
    if let Some(finder) = step
        .excludes
        .as_ref()
        .filter(|finder| finder.find(&answer.body).is_some())
    {
        return Err(wrong(
            "check",
            &format!("the body contains {:?}", String::from_utf8_lossy(finder.needle())),
        ));
    }
    for (variable, name, captor) in &step.save {
        match captor.take(&answer.body, &answer.fields) {
            Ok(value) => customer.variables[*variable] = Some(value.into()),
            Err(reason) => {
                return Err(wrong(
                    "capture",
                    &format!("nothing to save for `{name}`: {reason}"),
                ));
            }
        }
    }
    Ok(())
}

impl From<NoAnswer> for Problem {
    fn from(no_answer: NoAnswer) -> Self {
        let unreachable = matches!(
            no_answer.kind,
            NoAnswer::CONNECT | NoAnswer::LOCAL | NoAnswer::TLS
        );
        Self {
            kind: no_answer.kind.to_owned(),
            what: no_answer.reason,
            status: 0,
            bytes: 0,
            unreachable,
        }
    }
}

/// What an answer must be where nothing is stated.
pub const ANYTHING_BELOW_400: Expect = Expect {
    status: None,
    body_contains: None,
    body_excludes: None,
};
