//! Errors of this crate that do not point into a text that a person wrote.

/// A document that cannot be used, or a value out of its range.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The document is not valid JSON of its kind.
    #[error("not a {kind} document")]
    Malformed {
        /// Kind that was asked for.
        kind: &'static str,
        /// What the JSON reader says.
        #[source]
        source: serde_json::Error,
    },
    /// The document reads, but its parts do not fit together.
    #[error("the {kind} document is damaged: {reason}")]
    Damaged {
        /// Kind of document.
        kind: &'static str,
        /// What does not fit.
        reason: String,
    },
    /// The document is of another kind.
    #[error("this is a {found} document, but a {expected} document is needed")]
    WrongKind {
        /// Kind that was asked for.
        expected: &'static str,
        /// Kind that the header names.
        found: String,
    },
    /// The document was written by a newer version of the toolkit.
    #[error("{kind} format {found} is newer than {supported}, the newest this version reads")]
    NewerFormat {
        /// Kind of document.
        kind: &'static str,
        /// Format of the document.
        found: u32,
        /// Newest format that is understood.
        supported: u32,
    },
    /// The document was written by an older version, in a form that is no longer read.
    #[error(
        "{kind} format {found} is older than {oldest}, the oldest this version reads; run `locust-nest \
            {verb}` again"
    )]
    OlderFormat {
        /// Kind of document.
        kind: &'static str,
        /// Format of the document.
        found: u32,
        /// Oldest format that is understood.
        oldest: u32,
        /// The verb that makes the document again.
        verb: &'static str,
    },
    /// A formula cannot be read or evaluated.
    #[error("{reason}")]
    Formula {
        /// What is wrong with it.
        reason: String,
    },
    /// The rate of a behaviour has no value.
    #[error("the rate of `{behaviour}` has no value: {reason}")]
    Rate {
        /// The behaviour.
        behaviour: String,
        /// What is wrong with its formula.
        reason: String,
    },
    /// A value of a text form (duration, share, price) cannot be read.
    #[error("{value:?} is not {expected}")]
    Unreadable {
        /// What was written.
        value: String,
        /// What is accepted, with an example.
        expected: &'static str,
    },
    /// A value of a text form lies outside its range.
    #[error("{value:?} is {bound}")]
    OutOfRange {
        /// What was written.
        value: String,
        /// On which side of which bound it lies.
        bound: &'static str,
    },
    /// A book of the user's can only be laid over a book of the same provider, region and currency.
    #[error("{later} cannot be laid over {book}: provider, region and currency must be the same")]
    OtherBook {
        /// The upper book: name and currency.
        later: String,
        /// The lower book: name and currency.
        book: String,
    },
}
