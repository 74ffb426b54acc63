//! Checks an answer, and saves values from it.

use super::{masking::readable, problem::Problem};
use crate::{
    execute::customer::Customer,
    http::{HttpAnswer, KEPT_OF_REFUSED, encoding},
    script::step::ScriptStep,
};

/// Checks an answer and saves from it. A body that something looks at is decoded first, to `most` bytes at
/// most.
pub fn judge(
    customer: &mut Customer,
    step: &ScriptStep,
    answer: &mut HttpAnswer,
    most: u64,
) -> Result<(), Problem> {
    if !step.expect.accepts(answer.status) {
        let kind = format!("status {}", answer.status);
        let what = format!("the step expects {}", step.expect.wanted_status());
        return Err(wrong(answer, &kind, &what));
    }
    if step.wants_body && !answer.codings.is_empty() {
        decode(answer, most)?;
    }
    check(step, answer)?;
    save(customer, step, answer)
}

/// Puts the decoded body in the place of the one that came.
fn decode(answer: &mut HttpAnswer, most: u64) -> Result<(), Problem> {
    match encoding::decoded(&answer.codings, &answer.body, most) {
        Ok(body) => {
            answer.body = body;
            answer.codings.clear();
            Ok(())
        }
        Err(unread) => Err(wrong(answer, unread.kind(), &unread.to_string())),
    }
}

fn check(step: &ScriptStep, answer: &HttpAnswer) -> Result<(), Problem> {
    if let Some(finder) = step
        .contains
        .as_ref()
        .filter(|finder| finder.find(&answer.body).is_none())
    {
        let text = String::from_utf8_lossy(finder.needle());
        return Err(wrong(
            answer,
            "check",
            &format!("the body does not contain {text:?}"),
        ));
    }
    if let Some(finder) = step
        .excludes
        .as_ref()
        .filter(|finder| finder.find(&answer.body).is_some())
    {
        let text = String::from_utf8_lossy(finder.needle());
        return Err(wrong(answer, "check", &format!("the body contains {text:?}")));
    }
    Ok(())
}

fn save(customer: &mut Customer, step: &ScriptStep, answer: &HttpAnswer) -> Result<(), Problem> {
    for (variable, name, captor) in &step.save {
        match captor.take(&answer.body, &answer.fields) {
            Ok(value) => customer.variables[*variable] = Some(value.into()),
            Err(reason) => {
                let what = format!("nothing to save for `{name}`: {reason}");
                return Err(wrong(answer, "capture", &what));
            }
        }
    }
    Ok(())
}

fn wrong(answer: &HttpAnswer, kind: &str, what: &str) -> Problem {
    Problem {
        kind: kind.to_owned(),
        what: format!("{what}\nstatus {}\n{}", answer.status, shown(answer)),
        status: answer.status,
        bytes: answer.bytes,
        unreachable: false,
    }
}

/// The body for the reader of the failure.
fn shown(answer: &HttpAnswer) -> String {
    if answer.codings.is_empty() {
        return readable(&answer.body);
    }
    let start = encoding::start_of(&answer.codings, &answer.body, KEPT_OF_REFUSED as u64);
    if start.is_empty() && !answer.body.is_empty() {
        format!(
            "({} bytes, compressed with {})",
            answer.body.len(),
            answer.codings
        )
    } else {
        readable(&start)
    }
}
