//! What is wrong with an answer, or why there is none.

use super::answer::FailedAnswer;
use crate::{
    execute::context::ExecutionEnd,
    http::{Arrived, HttpAnswer, NoAnswer},
};

/// What is wrong with an answer, or why there is none. On the heap, as nearly no request has one.
pub struct Problem {
    pub kind: String,
    /// In words of the study and of the program, with nothing of what was sent or answered.
    pub reason: String,
    pub status: u16,
    pub bytes: u64,
    /// Whether no connection could be opened.
    pub unreachable: bool,
    /// The answer, if it was read.
    pub answer: Option<FailedAnswer>,
}

impl Problem {
    /// A problem without an answer. Failures of the kinds `connect`, `local` and `tls` mean that no
    /// connection could be opened.
    pub fn without_answer(kind: impl Into<String>, reason: String) -> Box<Self> {
        let kind = kind.into();
        Box::new(Self {
            unreachable: matches!(kind.as_str(), NoAnswer::CONNECT | NoAnswer::LOCAL | NoAnswer::TLS),
            kind,
            reason,
            status: 0,
            bytes: 0,
            answer: None,
        })
    }

    /// A problem with an answer, whose body it takes.
    pub fn with_answer(kind: impl Into<String>, reason: String, answer: &mut HttpAnswer) -> Box<Self> {
        Box::new(Self {
            kind: kind.into(),
            reason,
            status: answer.status,
            bytes: answer.bytes,
            unreachable: false,
            answer: Some(FailedAnswer::of(answer)),
        })
    }

    /// Notes what came of an answer that was not read to its end.
    pub fn note_arrived(&mut self, arrived: Arrived) {
        if self.answer.is_none() {
            (self.status, self.bytes) = (arrived.status, arrived.bytes);
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

impl From<NoAnswer> for Box<Problem> {
    fn from(no_answer: NoAnswer) -> Self {
        Problem::without_answer(no_answer.kind, no_answer.reason)
    }
}
