//! Checks an answer, and saves values from it.

use super::problem::Problem;
use crate::{execute::customer::Customer, http::HttpAnswer, script::step::ScriptStep};

/// Checks an answer and saves from it.
pub fn judge(customer: &mut Customer, step: &ScriptStep, answer: &HttpAnswer) -> Result<(), Problem> {
    if !step.expect.accepts(answer.status) {
        let kind = format!("status {}", answer.status);
        let what = format!("the step expects {}", step.expect.wanted_status());
        return Err(wrong(answer, &kind, &what));
    }
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
        what: format!(
            "{what}\nstatus {}\n{}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        ),
        status: answer.status,
        bytes: answer.bytes,
        unreachable: false,
    }
}
