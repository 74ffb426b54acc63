//! Who may join.

use std::{sync::Arc, time::Duration};

use super::{DEAD_MAN_S, Shared, ask::AskError, lock, members::Member};
use crate::{
    error::LoadError,
    fleet::{
        message::{
            JoinAnswer, JoinRequest, MessageError, PROTOCOL, Pong, Verb, is_of_worker, is_token, read, write,
        },
        news::FleetNews,
        wire::next,
    },
};

/// Most generator threads of one worker. Our choice, as for `load`.
const MOST_SLOTS: usize = 1_024;
/// How long a process that has a name is asked whether it is there.
const KNOCK: Duration = Duration::from_secs(1);

/// Listens for workers that want to join.
pub async fn listen(shared: &Arc<Shared>) -> Result<(), LoadError> {
    let mut requests = shared.subscribe(shared.subjects.join()).await?;
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        while let Some(message) = next(&mut requests).await {
            match read::<JoinRequest>(&message.payload) {
                Ok(request) => {
                    let Some(reply) = message.reply else { continue };
                    if !is_of_worker(&reply) {
                        let why = format!("it asks for an answer on {reply}, which is no worker's inbox");
                        shared.note_bad(&message.subject, &MessageError::Malformed(why));
                        continue;
                    }
                    let shared = Arc::clone(&shared);
                    tokio::spawn(async move {
                        let answer = shared.answer(request).await;
                        let client = &shared.connection.client;
                        // A worker that did not hear it asks again.
                        let _ = client.publish(reply, write(&answer).into()).await;
                    });
                }
                Err(error) => shared.note_bad(&message.subject, &error),
            }
        }
    });
    Ok(())
}

/// Why a worker may not join, and what to do about it.
struct Refusal {
    reason: String,
    remedy: &'static str,
}

impl Refusal {
    const SAME_PROGRAM: &str = "run the same program on all machines";
    const OTHER_NAME: &str = "give every worker a --name of its own, or leave the option out";
    const TOO_MANY: &str = "run `measure` with more --workers, or start this worker when another is lost: \
                            it then takes its place";

    fn new(reason: impl Into<String>, remedy: &'static str) -> Self {
        Self {
            reason: reason.into(),
            remedy,
        }
    }
}

impl Shared {
    async fn answer(&self, request: JoinRequest) -> JoinAnswer {
        let name = request.name.clone();
        match self.admit(request).await {
            Ok(member) => JoinAnswer::Joined {
                id: member.id,
                first_slot: member.slots.first,
                slots: member.slots.count,
                dead_man_s: DEAD_MAN_S,
            },
            Err(Refusal { reason, remedy }) => {
                self.options.listener.tell(FleetNews::Refused {
                    worker: name,
                    reason: reason.clone(),
                });
                JoinAnswer::Refused {
                    refused: reason,
                    remedy: remedy.to_owned(),
                }
            }
        }
    }

    async fn admit(&self, request: JoinRequest) -> Result<Member, Refusal> {
        if let Some(refusal) = self.refusal(&request) {
            return Err(refusal);
        }
        let in_use = || {
            let reason = format!("the name {} is already in use", request.name);
            Refusal::new(reason, Refusal::OTHER_NAME)
        };
        let known = lock(&self.members).of_name(&request.name).cloned();
        if let Some(known) = known.filter(|known| !known.is_lost) {
            if known.nonce == request.nonce {
                return Ok(known);
            }
            // A process that was killed does not answer; one that is there has the name.
            let asked = self.ask::<Pong>(&known, &Verb::Ping { t: 0 }, KNOCK).await;
            if !matches!(asked, Err(AskError::NobodyThere)) {
                return Err(in_use());
            }
            self.lose(&known, "another process has come under its name");
            self.set_broken(format!("the worker {} was started anew", known.name));
        }
        let mut members = lock(&self.members);
        // Asked twice at once, it is let in once.
        if let Some(known) = members.of_name(&request.name).filter(|known| !known.is_lost) {
            return if known.nonce == request.nonce {
                Ok(known.clone())
            } else {
                Err(in_use())
            };
        }
        if members.active().len() >= self.options.workers {
            let reason = match self.options.workers {
                1 => "the one worker that this run asked for has joined".to_owned(),
                workers => format!("all of the {workers} workers that this run asked for have joined"),
            };
            return Err(Refusal::new(reason, Refusal::TOO_MANY));
        }
        let member = members.admit(request);
        drop(members);
        self.options.listener.tell(FleetNews::Joined {
            worker: member.name.clone(),
            slots: member.request.slots,
        });
        Ok(member)
    }

    /// Why a request is refused, whoever else has joined.
    fn refusal(&self, request: &JoinRequest) -> Option<Refusal> {
        let other_program = |reason: String| Some(Refusal::new(reason, Refusal::SAME_PROGRAM));
        let odd = |reason: String| Some(Refusal::new(reason, "start it with other options"));
        let build = &self.options.build;
        if request.protocol != PROTOCOL {
            return other_program(format!(
                "it speaks protocol {}, the coordinator protocol {PROTOCOL}",
                request.protocol
            ));
        }
        if request.build != *build {
            return other_program(format!(
                "it is build {}, the coordinator build {build}",
                request.build
            ));
        }
        if !is_token(&request.name) {
            return odd("its name is not 1 to 64 of A-Z a-z 0-9 _ and -".to_owned());
        }
        if !(1..=MOST_SLOTS).contains(&request.slots) {
            return odd(format!("it has {} slots, not 1 to {MOST_SLOTS}", request.slots));
        }
        let code = &self.material.code;
        let missing = code.iter().find(|name| !request.code.contains(name))?;
        other_program(format!(
            "its program does not have the behaviour `{missing}`, which is written in Rust"
        ))
    }
}
