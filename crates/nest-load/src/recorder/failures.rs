//! The failed exchanges that a recorder keeps: the first of each behaviour and kind.

use nest_data::measurement::{AnswerFacts, FailedExchange};
use serde::{Deserialize, Serialize};

/// Failed exchanges that are kept per behaviour and kind.
const MOST: usize = 3;

/// A failed exchange that is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptFailure {
    pub behaviour: usize,
    pub kind: String,
    /// Method and name, with templates.
    pub request: String,
    /// What was wrong, with nothing of the answer.
    pub reason: String,
    pub answer: Option<AnswerFacts>,
    /// The start of the body, if the study says that it is kept.
    pub body: Option<String>,
}

/// The body of an answer that failed, kept because the study says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedBody {
    /// The behaviour.
    pub behaviour: String,
    /// As [`FailedExchange::kind`].
    pub kind: String,
    /// As [`FailedExchange::request`].
    pub request: String,
    /// The answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<AnswerFacts>,
    /// The start of its body, 8,192 bytes at most, with known secrets as stars.
    pub body: String,
}

/// The failed exchanges that are kept.
#[derive(Default)]
pub struct KeptFailures(Vec<KeptFailure>);

impl KeptFailures {
    /// Whether few of this kind are kept so far.
    pub fn has_room_for(&self, behaviour: usize, kind: &str) -> bool {
        let kept = self
            .0
            .iter()
            .filter(|failure| failure.behaviour == behaviour && failure.kind == kind);
        kept.count() < MOST
    }

    /// Keeps one.
    pub fn keep(&mut self, failure: KeptFailure) {
        self.0.push(failure);
    }

    /// Those that are kept.
    pub fn into_kept(self) -> Vec<KeptFailure> {
        self.0
    }

    /// Adds what another worker kept, as far as there is room.
    pub fn merge(&mut self, others: Self) {
        for failure in others.0 {
            if self.has_room_for(failure.behaviour, &failure.kind) {
                self.0.push(failure);
            }
        }
    }

    /// As documents hold them.
    pub fn documents(&self, names: &[String]) -> Vec<FailedExchange> {
        let document = |failure: &KeptFailure| FailedExchange {
            behaviour: names[failure.behaviour].clone(),
            kind: failure.kind.clone(),
            request: failure.request.clone(),
            reason: failure.reason.clone(),
            answer: failure.answer.clone(),
        };
        self.0.iter().map(document).collect()
    }

    /// The bodies that are kept.
    pub fn bodies(&self, names: &[String]) -> Vec<FailedBody> {
        let body = |failure: &KeptFailure| {
            Some(FailedBody {
                behaviour: names[failure.behaviour].clone(),
                kind: failure.kind.clone(),
                request: failure.request.clone(),
                answer: failure.answer.clone(),
                body: failure.body.clone()?,
            })
        };
        self.0.iter().filter_map(body).collect()
    }
}
