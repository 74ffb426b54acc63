//! Checks an answer, and saves values from it.

use url::Url;

use super::problem::Problem;
use crate::{
    execute::customer::Customer,
    http::{HttpAnswer, encoding},
    script::step::ScriptStep,
};

/// Longest value that is saved, in bytes: each customer keeps its own. Our choice: longer than any token.
const LONGEST_SAVED: usize = 64 << 10;

/// Checks an answer and saves from it. A body that something looks at is decoded first, to `most` bytes at
/// most. `page` is where the answer came from, if links are saved from it.
pub fn judge(
    customer: &mut Customer,
    step: &ScriptStep,
    answer: &mut HttpAnswer,
    most: u64,
    page: Option<&Url>,
) -> Result<(), Box<Problem>> {
    if !step.expect.accepts(answer.status) {
        let kind = format!("status {}", answer.status);
        let what = format!("the step expects {}", step.expect.wanted_status());
        return Err(Problem::with_answer(kind, what, answer));
    }
    if step.wants_body {
        decode(answer, most)?;
    }
    check(step, answer)?;
    save(customer, step, answer, page)
}

/// Puts the decoded body in the place of one that came with codings.
fn decode(answer: &mut HttpAnswer, most: u64) -> Result<(), Box<Problem>> {
    let Some(kept) = answer.kept.as_mut().filter(|kept| !kept.codings.is_empty()) else {
        return Ok(());
    };
    match encoding::decoded(&kept.codings, &kept.body, most) {
        Ok(body) => {
            kept.body = body;
            kept.codings.clear();
            Ok(())
        }
        Err(unread) => Err(Problem::with_answer(unread.kind(), unread.to_string(), answer)),
    }
}

fn check(step: &ScriptStep, answer: &mut HttpAnswer) -> Result<(), Box<Problem>> {
    if let Some(finder) = step
        .contains
        .as_ref()
        .filter(|finder| finder.find(answer.body()).is_none())
    {
        let text = String::from_utf8_lossy(finder.needle());
        let reason = format!("the body does not contain {text:?}");
        return Err(Problem::with_answer("check", reason, answer));
    }
    if let Some(finder) = step
        .excludes
        .as_ref()
        .filter(|finder| finder.find(answer.body()).is_some())
    {
        let text = String::from_utf8_lossy(finder.needle());
        let reason = format!("the body contains {text:?}");
        return Err(Problem::with_answer("check", reason, answer));
    }
    Ok(())
}

fn save(
    customer: &mut Customer,
    step: &ScriptStep,
    answer: &mut HttpAnswer,
    page: Option<&Url>,
) -> Result<(), Box<Problem>> {
    for (variable, name, captor) in &step.save {
        match captor.take(answer.body(), answer.fields()) {
            Ok(value) if value.len() > LONGEST_SAVED => {
                let what = format!(
                    "the value of `{name}` has {} bytes, more than the {LONGEST_SAVED} that are saved",
                    value.len()
                );
                return Err(Problem::with_answer("capture", what, answer));
            }
            Ok(value) => {
                customer.variables[*variable] = Some(value.into());
                if let Some(page) = page {
                    customer.pages.retain(|(saved, _)| saved != variable);
                    customer.pages.push((*variable, page.clone()));
                }
            }
            Err(reason) => {
                let what = format!("nothing to save for `{name}`: {reason}");
                return Err(Problem::with_answer("capture", what, answer));
            }
        }
    }
    Ok(())
}
