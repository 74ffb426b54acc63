//! An answer that failed, as far as something of it is kept.

use std::{collections::hash_map::RandomState, hash::BuildHasher};

use nest_data::measurement::AnswerFacts;

use crate::http::{HttpAnswer, KEPT_OF_REFUSED, KeptParts, encoding};

/// Letters of a body by which is told whether it is a text.
const SAMPLED: usize = 1_024;
/// One odd character in so many makes a body no text. Our choice: a page in Latin-1 has fewer, a picture
/// more.
const MOST_ODD: usize = 8;

/// An answer that failed.
pub struct FailedAnswer {
    status: u16,
    length: u64,
    kept: Box<KeptParts>,
}

impl FailedAnswer {
    /// Takes what is kept out of an answer.
    pub fn of(answer: &mut HttpAnswer) -> Self {
        Self {
            status: answer.status,
            length: answer.length,
            kept: answer.kept.take().unwrap_or_default(),
        }
    }

    /// What documents keep of it. `key` makes the digest: whoever does not have it cannot find out a body by
    /// trying.
    pub fn facts(&self, key: &RandomState) -> AnswerFacts {
        let body = &self.kept.body;
        let start = &body[..body.len().min(KEPT_OF_REFUSED)];
        AnswerFacts {
            status: self.status,
            media_type: self.kept.media_type.map(str::to_owned),
            bytes: self.length,
            digest: (!start.is_empty()).then(|| format!("{:012x}", key.hash_one(start) >> 16)),
        }
    }

    /// The start of the body without its codings, and whether it goes on.
    pub fn start(&self) -> (Vec<u8>, bool) {
        let most = KEPT_OF_REFUSED;
        let KeptParts { body, codings, .. } = self.kept.as_ref();
        let mut start = if codings.is_empty() {
            body[..body.len().min(most + 1)].to_vec()
        } else {
            encoding::start_of(codings, body, most as u64 + 1)
        };
        // What is decoded goes on unless it was read to its end.
        let is_cut = start.len() > most || (body.len() as u64) < self.length;
        start.truncate(most);
        (start, is_cut)
    }

    /// Whether it has no body.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Its length, where nothing of it can be shown.
    pub fn outline(&self) -> String {
        if self.kept.codings.is_empty() {
            format!("({} bytes that are no text)", self.length)
        } else {
            format!("({} bytes, compressed)", self.length)
        }
    }
}

/// A text for a reader; of one that is no text, nothing.
pub fn readable(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let is_odd = |character: &char| {
        *character == char::REPLACEMENT_CHARACTER
            || (is_unprintable(*character) && !"\n\r\t".contains(*character))
    };
    let (mut all, mut odd) = (0, 0);
    for character in text.chars().take(SAMPLED) {
        all += 1;
        odd += usize::from(is_odd(&character));
    }
    (odd * MOST_ODD <= all).then(|| printed(&text))
}

/// A text that a terminal can show: what is no text is replaced.
pub fn printed(text: &str) -> String {
    let printed = |character| match character {
        '\n' | '\t' => character,
        _ if is_unprintable(character) => char::REPLACEMENT_CHARACTER,
        _ => character,
    };
    text.replace("\r\n", "\n").chars().map(printed).collect()
}

/// Control characters, and those that change the direction of the text around them.
fn is_unprintable(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_reaches_a_terminal() {
        assert_eq!(
            printed("a\r\n\tb\u{1b}[31m\u{9b}\r\u{202e}\0\u{7f}"),
            "a\n\tb\u{fffd}[31m\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}"
        );
        assert_eq!(readable(b"\x1f\x8b\x08\x00\x00\x00"), None);
        assert_eq!(readable("Zoë\r\n".as_bytes()).as_deref(), Some("Zoë\n"));
        assert_eq!(
            readable(b"Zo\xeb, a name that ISO 8859-1 writes").as_deref(),
            Some("Zo\u{fffd}, a name that ISO 8859-1 writes")
        );
        assert_eq!(readable(b"").as_deref(), Some(""));
    }

    fn failed(body: &str, length: u64) -> FailedAnswer {
        FailedAnswer::of(&mut HttpAnswer {
            status: 200,
            length,
            kept: Some(Box::new(KeptParts {
                body: body.into(),
                media_type: Some("text/plain"),
                ..KeptParts::default()
            })),
            ..HttpAnswer::default()
        })
    }

    #[test]
    fn equal_bodies_have_equal_digests_under_one_key_only() {
        let (key, other) = (RandomState::new(), RandomState::new());
        let digest = |body: &str, key: &RandomState| failed(body, 4).facts(key).digest.expect("a body");
        assert_eq!(digest("1234", &key), digest("1234", &key));
        assert_ne!(digest("1234", &key), digest("1235", &key));
        assert_ne!(digest("1234", &key), digest("1234", &other));
        assert_eq!(digest("1234", &key).len(), 12);
        assert_eq!(failed("", 0).facts(&key).digest, None);
    }

    #[test]
    fn a_body_that_goes_on_is_cut_and_says_so() {
        let long = "x".repeat(KEPT_OF_REFUSED + 1);
        let (start, is_cut) = failed(&long, long.len() as u64).start();
        assert!(is_cut && start.len() == KEPT_OF_REFUSED);
        let (start, is_cut) = failed(&long[1..], long.len() as u64).start();
        assert!(is_cut && start.len() == KEPT_OF_REFUSED, "the rest was not read");
        let (start, is_cut) = failed(&long[1..], long.len() as u64 - 1).start();
        assert!(!is_cut && start.len() == KEPT_OF_REFUSED);
    }
}
