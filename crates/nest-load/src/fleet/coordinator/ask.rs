//! Requests to one worker, and to all of them at once.

use std::{sync::Arc, time::Duration};

use async_nats::{Request, RequestErrorKind};
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;

use super::{Shared, members::Member};
use crate::{
    error::LoadError,
    fleet::message::{Verb, read_answer, write},
};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskError {
    /// Nobody listens there: the process has ended, or lost its connection.
    NobodyThere,
    /// No answer came in time, or the broker is away.
    Silent,
    /// The worker refuses, in its own words.
    Refused(String),
    /// What came is no answer.
    Odd(String),
}

impl AskError {
    /// In words.
    pub fn reason(&self) -> String {
        match self {
            Self::NobodyThere => "nobody answers under its name".to_owned(),
            Self::Silent => "it did not answer in time".to_owned(),
            Self::Refused(reason) | Self::Odd(reason) => reason.clone(),
        }
    }
}

/// What everybody answered, in the order in which they were asked.
pub type Answers<T> = Vec<(Member, Result<T, AskError>)>;

impl Shared {
    /// Tells a worker something, and waits for its answer.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        member: &Member,
        verb: &Verb,
        patience: Duration,
    ) -> Result<T, AskError> {
        let subject = self.subjects.worker(&member.id);
        let request = Request::new().payload(write(verb).into()).timeout(Some(patience));
        let answered = self
            .connection
            .client
            .send_request(subject.clone(), request)
            .await;
        let message = answered.map_err(|error| match error.kind() {
            RequestErrorKind::NoResponders => AskError::NobodyThere,
            RequestErrorKind::MaxPayloadExceeded | RequestErrorKind::InvalidSubject => {
                AskError::Odd(error.to_string())
            }
            RequestErrorKind::TimedOut | RequestErrorKind::Other => AskError::Silent,
        })?;
        match read_answer(&message.payload) {
            Ok(answer) => answer.map_err(AskError::Refused),
            Err(error) => {
                self.note_bad(&subject, &error);
                Err(AskError::Odd(error.to_string()))
            }
        }
    }

    /// Tells each worker something of its own, all at the same time.
    pub async fn ask_each<T: DeserializeOwned + Send + 'static>(
        self: &Arc<Self>,
        members: &[Member],
        verb_of: impl Fn(&Member) -> Verb,
        patience: Duration,
    ) -> Answers<T> {
        let mut asked = JoinSet::new();
        for (place, member) in members.iter().cloned().enumerate() {
            let (shared, verb) = (Arc::clone(self), verb_of(&member));
            asked.spawn(async move {
                let answer = shared.ask(&member, &verb, patience).await;
                (place, member, answer)
            });
        }
        let mut answers = asked.join_all().await;
        answers.sort_by_key(|(place, ..)| *place);
        answers
            .into_iter()
            .map(|(_, member, answer)| (member, answer))
            .collect()
    }

    /// Tells all workers something; who does not answer may not have heard it.
    pub async fn ask_all_quietly(self: &Arc<Self>, members: &[Member], verb: &Verb, patience: Duration) {
        let _: Answers<serde_json::Value> = self.ask_each(members, |_| verb.clone(), patience).await;
    }
}

/// The refusal of a worker, as the run's error.
pub fn refused(member: &Member, reason: &str) -> LoadError {
    LoadError::WorkerRefuses {
        worker: member.name.clone(),
        reason: reason.to_owned(),
    }
}
