//! What every document on disk carries: its kind, its format and who wrote it.

mod numbers;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::DataError;

pub use numbers::check_numbers;

/// Kind, format and origin of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// For example `nest.measurements`.
    pub kind: String,
    /// Format number; a reader refuses a newer one than it knows.
    pub format: u32,
    /// Program and version that wrote it.
    pub made_by: String,
}

/// A document with a header. Equal documents give equal bytes.
pub trait Document: Serialize + DeserializeOwned {
    /// Kind, as in [`Header::kind`].
    const KIND: &'static str;
    /// Newest format this version reads, and the one it writes.
    const FORMAT: u32;

    /// Oldest format this version reads. Older ones are refused: what they hold would be misread.
    const OLDEST_FORMAT: u32 = 1;
    /// The verb that makes the document again; the error about an old document names it.
    const MADE_BY_VERB: &str;

    /// What is wrong with a document that can be read but not used; `None` if nothing is.
    fn damage(&self) -> Option<String> {
        None
    }

    /// A header for a document written now.
    #[must_use]
    fn header() -> Header {
        Header {
            kind: Self::KIND.to_owned(),
            format: Self::FORMAT,
            made_by: concat!("locust-nest ", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// Reads the document from JSON.
    ///
    /// # Errors
    /// [`DataError::Malformed`], [`DataError::WrongKind`], [`DataError::NewerFormat`],
    /// [`DataError::OlderFormat`] or [`DataError::Damaged`].
    fn from_json(text: &str) -> Result<Self, DataError> {
        #[derive(Deserialize)]
        struct OnlyHeader {
            header: Header,
        }
        let malformed = |source| DataError::Malformed {
            kind: Self::KIND,
            source,
        };
        let OnlyHeader { header } = serde_json::from_str(text).map_err(malformed)?;
        if header.kind != Self::KIND {
            return Err(DataError::WrongKind {
                expected: Self::KIND,
                found: header.kind,
            });
        }
        if header.format > Self::FORMAT {
            return Err(DataError::NewerFormat {
                kind: Self::KIND,
                found: header.format,
                supported: Self::FORMAT,
            });
        }
        if header.format < Self::OLDEST_FORMAT {
            return Err(DataError::OlderFormat {
                kind: Self::KIND,
                found: header.format,
                oldest: Self::OLDEST_FORMAT,
                verb: Self::MADE_BY_VERB,
            });
        }
        check_numbers(text).map_err(malformed)?;
        let document: Self = serde_json::from_str(text).map_err(malformed)?;
        match document.damage() {
            None => Ok(document),
            Some(reason) => Err(DataError::Damaged {
                kind: Self::KIND,
                reason,
            }),
        }
    }

    /// The document as JSON, one field per line, with a final newline.
    #[must_use]
    fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("documents hold only maps with string keys");
        text.push('\n');
        text
    }
}
