//! What is wrong with an answer, or why there is none, and how that is counted and kept.

use super::masking::{masked, shortened};
use crate::{
    execute::{
        context::{ExecutionEnd, StepContext},
        customer::Customer,
    },
    http::NoAnswer,
    recorder::{RequestPlace, windows::StepPhase},
    script::feeds::FeedRows,
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

impl Problem {
    /// A problem without an answer. Failures of the kinds `connect`, `local` and `tls` mean that no
    /// connection could be opened.
    pub fn without_answer(kind: impl Into<String>, what: String) -> Self {
        let kind = kind.into();
        Self {
            unreachable: matches!(kind.as_str(), NoAnswer::CONNECT | NoAnswer::LOCAL | NoAnswer::TLS),
            kind,
            what,
            status: 0,
            bytes: 0,
        }
    }

    /// How an execution ends that met this problem.
    pub fn end(&self) -> ExecutionEnd {
        if self.unreachable {
            ExecutionEnd::Unreachable
        } else {
            ExecutionEnd::Failed
        }
    }
}

impl From<NoAnswer> for Problem {
    fn from(no_answer: NoAnswer) -> Self {
        Self::without_answer(no_answer.kind, no_answer.reason)
    }
}

/// Counts a failure, and keeps its exchange with secrets masked if few of its kind are kept. `asked` writes
/// the request.
///
/// What answers were saved from and what feeds gave may be a session's key or a password, and counts as
/// secret.
pub fn keep(
    customer: &Customer,
    context: &StepContext,
    place: RequestPlace,
    problem: &Problem,
    rows: &mut FeedRows,
    asked: impl FnOnce(&mut FeedRows) -> String,
) {
    if place.phase != StepPhase::Measured {
        return;
    }
    let mut recorder = context.recorder.borrow_mut();
    if recorder.failed(place.behaviour, &problem.kind) {
        let saved = customer.variables.iter().flatten().map(AsRef::as_ref);
        let exchange = format!("{}\n{}", asked(rows), problem.what);
        let settings = &context.settings;
        let secrets = settings
            .secrets
            .iter()
            .map(String::as_str)
            .chain(saved)
            .chain(rows.cells(&settings.feeds));
        let exchange = shortened(&masked(&exchange, secrets));
        recorder.keep_failure(place.behaviour, &problem.kind, &exchange);
    }
}
