//! What coordinator and workers make of a message, without a broker: for checks from outside.

use super::{
    message::{Beat, Closed, JoinAnswer, JoinRequest, PartData, Progress, Verb, read},
    parts::Assembly,
    program::{Assignment, WorkerRules, feed_of},
};
use crate::recorder::{EndpointOutline, Recorder, StepOutline, parts::RecorderParts};

/// Reads a message as every kind that there is, and goes on with it as far as no network is needed; whether
/// it is of any kind.
#[must_use]
pub fn reads_message(payload: &[u8]) -> bool {
    let verb = read::<Verb>(payload);
    match &verb {
        Ok(Verb::Study(part)) => _ = whole(part).map(|bytes| assigned(&bytes)),
        Ok(Verb::Feed { name, part }) => {
            let text = whole(part).and_then(|bytes| String::from_utf8(bytes).ok());
            let _ = text.map(|text| feed_of(name, &text));
        }
        Ok(Verb::Prepare { load, .. }) => _ = load.check(),
        _ => {}
    }
    let progress = read::<Progress>(payload);
    if let Ok(progress) = &progress {
        let _ = progress.tally().open();
    }
    let part = read::<PartData>(payload);
    if let Ok(part) = &part {
        let _ = whole(part).map(|bytes| recorded(&bytes));
    }
    verb.is_ok()
        || progress.is_ok()
        || part.is_ok()
        || read::<JoinRequest>(payload).is_ok()
        || read::<JoinAnswer>(payload).is_ok()
        || read::<Beat>(payload).is_ok()
        || read::<Closed>(payload).is_ok()
}

/// The whole thing, if this is its only part.
fn whole(part: &PartData) -> Option<Vec<u8>> {
    Assembly::default().add(part).ok().flatten()
}

fn assigned(bytes: &[u8]) -> bool {
    let assignment = serde_json::from_slice::<Assignment>(bytes);
    assignment.is_ok_and(|assignment| assignment.refusal(&WorkerRules::default()).is_none())
}

fn recorded(bytes: &[u8]) -> bool {
    let outline = StepOutline {
        single: vec![true],
        counts: vec![1],
        endpoints: vec![EndpointOutline {
            behaviour: 0,
            name: "GET /".to_owned(),
            path: None,
        }],
    };
    let parts = serde_json::from_slice::<RecorderParts>(bytes);
    parts.is_ok_and(|parts| Recorder::of_parts(parts, outline, 1).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{
        message::write,
        parts::{part_of, sha256},
    };

    #[test]
    fn messages_of_every_kind_are_read() {
        let beat = br#"{"seq":1,"step":0,"state":"idle","coordinator":"a"}"#;
        assert!(reads_message(beat) && reads_message(br#"{"verb":"leave"}"#));
        let bytes = br#"{"behaviours":[]}"#;
        let part = part_of(bytes, &sha256(bytes), 0).expect("one part");
        assert!(reads_message(&write(&part)) && reads_message(&write(&Verb::Study(part))));
        assert!(!reads_message(b"{}") && !reads_message(b"\xff"));
    }
}
