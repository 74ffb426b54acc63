//! Brings the study and its feeds to the workers, in parts.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use nest_data::{Caveat, Study, feed::Feed};

use super::{
    Shared,
    ask::{AskError, refused},
    lock,
    members::Member,
};
use crate::{
    error::LoadError,
    fleet::{
        message::{Done, PartData, Verb},
        news::FleetNews,
        parts::{fits, part_of, parts_of, sha256},
        program::{Assignment, feed_text, share, too_fast},
    },
    http::tls::Trust,
};

/// Longest wait for the answer to one part.
const PART: Duration = Duration::from_secs(10);
/// How often a part is sent to a worker that does not answer.
const TRIES: usize = 3;
/// How long a worker that has just joined may take to listen.
const LISTENS: Duration = Duration::from_millis(200);

/// What workers are to run, ready to be sent.
pub struct Material {
    study: Sendable,
    feeds: Vec<(String, Sendable)>,
    /// Behaviours in code that workers must have.
    pub code: Vec<String>,
    max_rate: f64,
}

struct Sendable {
    bytes: Vec<u8>,
    sha256: String,
}

impl Sendable {
    fn of(bytes: Vec<u8>) -> Self {
        Self {
            sha256: sha256(&bytes),
            bytes,
        }
    }

    fn parts(&self) -> impl Iterator<Item = PartData> {
        (0..parts_of(self.bytes.len())).filter_map(|part| part_of(&self.bytes, &self.sha256, part))
    }
}

impl Material {
    /// Of a study and its feeds.
    ///
    /// # Errors
    /// [`LoadError::Plan`] if a feed is too long to be sent.
    pub fn of(study: &Study, trust: &Trust, feeds: &BTreeMap<String, Feed>) -> Result<Self, LoadError> {
        let assignment = Assignment::of(study, trust);
        let text = serde_json::to_vec(&assignment).map_err(|error| LoadError::Plan {
            reason: format!("the study cannot be sent to workers: {error}"),
        })?;
        let sendable = |(name, feed): (&String, &Feed)| {
            let bytes = feed_text(feed).into_bytes();
            if fits(bytes.len()) {
                Ok((name.clone(), Sendable::of(bytes)))
            } else {
                Err(LoadError::Plan {
                    reason: format!("feed `{name}` is longer than the 256 MiB that can be sent to workers"),
                })
            }
        };
        let code = study.behaviours.iter().filter(|(_, behaviour)| behaviour.code);
        Ok(Self {
            study: Sendable::of(text),
            feeds: feeds.iter().map(sendable).collect::<Result<_, _>>()?,
            code: code.map(|(name, _)| name.clone()).collect(),
            max_rate: study.measure.max_rate,
        })
    }

    fn verbs(&self) -> impl Iterator<Item = Verb> {
        let feed = |(name, sendable): &(String, Sendable)| {
            let name = name.clone();
            sendable
                .parts()
                .map(move |part| Verb::Feed {
                    name: name.clone(),
                    part,
                })
                .collect::<Vec<_>>()
        };
        self.study
            .parts()
            .map(Verb::Study)
            .chain(self.feeds.iter().flat_map(feed))
    }
}

impl Shared {
    /// Brings the study to everybody who does not have it yet, before the first step. A refusal ends the run.
    pub async fn assign_all(self: &Arc<Self>) -> Result<(), LoadError> {
        lock(&self.members).number_slots();
        for member in lock(&self.members).active() {
            self.check_rate(&member)?;
        }
        self.assign_new().await?;
        Ok(())
    }

    /// Brings the study to everybody who does not have it yet.
    pub async fn assign_new(self: &Arc<Self>) -> Result<(), LoadError> {
        let active = lock(&self.members).active();
        for member in active.iter().filter(|member| !member.is_assigned) {
            match self.assign(member).await {
                Ok(()) => {
                    if let Some(member) = lock(&self.members).of_id(&member.id) {
                        member.is_assigned = true;
                    }
                }
                Err(AskError::Refused(reason)) => return Err(refused(member, &reason)),
                Err(error) => self.lose(member, &error.reason()),
            }
        }
        Ok(())
    }

    async fn assign(&self, member: &Member) -> Result<(), AskError> {
        for verb in self.material.verbs() {
            let mut tries = 1;
            loop {
                match self.ask::<Done>(member, &verb, PART).await {
                    Ok(_) => break,
                    Err(AskError::NobodyThere | AskError::Silent) if tries < TRIES => {
                        tries += 1;
                        tokio::time::sleep(LISTENS).await;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Refuses a study that asks more of a worker than that allows.
    pub fn check_rate(&self, member: &Member) -> Result<(), LoadError> {
        let asked = share(self.material.max_rate, member.slots);
        match member.request.max_rate.filter(|most| asked > *most) {
            None => Ok(()),
            Some(most) => Err(refused(member, &too_fast(asked, most))),
        }
    }

    /// Tells about addresses that differ between workers.
    pub fn note_addresses(&self, addresses: &[(String, Vec<String>)]) {
        if let Some(found) = super::differing(addresses) {
            let caveat = Caveat::AddressesDiffer { found };
            self.options.listener.tell(FleetNews::Note(caveat.to_string()));
            lock(&self.caveats).push(caveat);
        }
    }
}
