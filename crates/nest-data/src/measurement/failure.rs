//! Failed exchanges: what is kept of them. It is nothing of what was sent or answered, so that measurements
//! can be committed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A failed exchange: which request it was, what was wrong, and what can be said of its answer without any of
/// it.
///
/// Format 1 had a key `exchange` with the start of the answer. It is not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedExchange {
    /// The behaviour.
    pub behaviour: String,
    /// As [`ErrorCount::kind`](super::ErrorCount::kind).
    pub kind: String,
    /// Method and name of the request as the behaviour has it, with its templates: `GET /items/{{ id }}`.
    /// Empty in format 1.
    #[serde(default)]
    pub request: String,
    /// What was wrong, in words of the study and of the program. Empty in format 1.
    #[serde(default)]
    pub reason: String,
    /// The answer; `None` if there was none, and in format 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<AnswerFacts>,
}

/// What is kept of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerFacts {
    /// Its status.
    pub status: u16,
    /// Its media type, without parameters: `text/html`. The subtype is `*` unless it is a common one: what a
    /// target makes up could be anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Length of its body in bytes, as it came.
    pub bytes: u64,
    /// 12 hexadecimal digits that are equal where bodies begin with the same 8,192 bytes. They depend on a
    /// key that the process draws and does not keep: nothing can be learnt from them about the body. `None`
    /// if it is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

impl fmt::Display for FailedExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.request.is_empty() && self.reason.is_empty() {
            return f.write_str("kept by an older version of the program, which is not shown");
        }
        write!(f, "{}: {}", self.request, self.reason)?;
        match &self.answer {
            Some(answer) => write!(f, " ({answer})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for AnswerFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status)?;
        if let Some(media_type) = &self.media_type {
            write!(f, ", {media_type}")?;
        }
        write!(f, ", {} bytes", self.bytes)?;
        match &self.digest {
            Some(digest) => write!(f, ", digest {digest}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_format_1_kept_of_an_answer_is_not_read() {
        let old = r#"{"behaviour":"pay","kind":"check","exchange":"GET /?t=abc\nstatus 200\ntoken-4711"}"#;
        let read: FailedExchange = serde_json::from_str(old).expect("it is read");
        assert_eq!((read.behaviour.as_str(), read.kind.as_str()), ("pay", "check"));
        let written = serde_json::to_string(&read).expect("maps with text keys");
        assert!(
            !written.contains("4711") && !read.to_string().contains("4711"),
            "{written}"
        );
    }

    #[test]
    fn a_failure_is_told_in_one_line() {
        let failure = FailedExchange {
            behaviour: "pay".to_owned(),
            kind: "status 500".to_owned(),
            request: "GET /items/{{ id }}".to_owned(),
            reason: "the step expects status 200".to_owned(),
            answer: Some(AnswerFacts {
                status: 500,
                media_type: Some("text/html".to_owned()),
                bytes: 12,
                digest: Some("0123456789ab".to_owned()),
            }),
        };
        assert_eq!(
            failure.to_string(),
            "GET /items/{{ id }}: the step expects status 200 (status 500, text/html, 12 bytes, digest \
             0123456789ab)"
        );
    }
}
