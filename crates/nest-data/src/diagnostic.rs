//! Errors in texts that a person wrote: where, why, and what to do.

use std::ops::Range;

pub mod secrets;

/// A named text, so that a message can point into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Path as the user knows it, for example `models/shop/nest.toml`.
    pub name: String,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// A source from its name and text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }

    /// Line and column (both from 1, columns in characters) of a byte offset.
    #[must_use]
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &self.text[..end];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }
}

/// One error in a user's file. All errors of a study are collected before any is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, in the user's words, with the offending value.
    pub message: String,
    /// File name, as in [`Source::name`].
    pub file: String,
    /// Byte range in the file; empty if only the file is known.
    pub span: Range<usize>,
    /// What to do about it.
    pub help: String,
    /// Whether the range holds a secret, so that the text there is not shown.
    pub is_secret: bool,
}

impl Diagnostic {
    /// A diagnostic at a byte range of a file.
    pub fn at(file: &str, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            file: file.to_owned(),
            span,
            help: help.into(),
            is_secret: false,
        }
    }

    /// The same about a text that is not shown.
    #[must_use]
    pub fn secret(self) -> Self {
        Self {
            is_secret: true,
            ..self
        }
    }
}

/// The candidate nearest to what was written, if it is near enough to be a slip of the finger.
#[must_use]
pub fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = written.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().min(written.len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Names that a help lists at most.
const MOST_NAMES: usize = 20;

/// Help for a name that is not known: the nearest known one, or all of them, if there are any.
pub(crate) fn offer<'a>(written: &str, known: impl Iterator<Item = &'a String> + Clone) -> String {
    match nearest(written, known.clone().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.clone().next().is_none() => {
            "there are none in this study: remove it, or define it".to_owned()
        }
        None => format!("use one of: {}", few(written, known)),
    }
}

/// Names of a list, each once; of a long one those that share a word with what was written come first.
fn few<'a>(written: &str, known: impl Iterator<Item = &'a String>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in known.map(String::as_str) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.len() <= MOST_NAMES {
        return names.join(", ");
    }
    let words = |text: &str| -> Vec<String> { text.split(['.', '-', '_']).map(str::to_lowercase).collect() };
    let own = words(written);
    let all = names.len();
    names.sort_by_key(|name| words(name).iter().all(|word| !own.contains(word)));
    let more = all - MOST_NAMES;
    format!("{}, and {more} more", names[..MOST_NAMES].join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let source = Source::new("a", "é = 1\nxy = 2\n");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position("é".len()), (1, 2));
        assert_eq!(
            source.position(source.text.find("y =").expect("in the text")),
            (2, 2)
        );
        assert_eq!(source.position(999), (3, 1));
    }

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_another_word_is_not() {
        assert_eq!(nearest("custmers", ["customers", "currency"]), Some("customers"));
        assert_eq!(nearest("zebra", ["customers", "currency"]), None);
    }
}
