//! Picks series out of metrics: `name`, `name{a="x", b!="y", c=~"x|y", d!~"z"}`, and sums and differences of
//! them.
//!
//! The syntax is that of an instant selector of PromQL, so that the same text can be sent to a Prometheus
//! server.

use std::{fmt, str::FromStr};

use regex::Regex;

use crate::error::DataError;

/// Label that stands for the name of a metric.
const NAME: &str = "__name__";
/// What a selector looks like, for whoever wrote another thing.
const EXPECTED: &str =
    "a selector such as process_cpu_seconds_total or node_cpu_seconds_total{mode!=\"idle\"}";

/// Selectors whose series are added up, less those of others. It prints as the text it was read from.
#[derive(Debug, Clone)]
pub struct Selection {
    text: String,
    /// Series that count.
    pub plus: Vec<Selector>,
    /// Series that are taken away.
    pub minus: Vec<Selector>,
}

/// A metric with conditions on its labels.
#[derive(Debug, Clone)]
pub struct Selector {
    text: String,
    name: Option<String>,
    matchers: Vec<Matcher>,
}

#[derive(Debug, Clone)]
struct Matcher {
    label: String,
    comparison: LabelTest,
}

#[derive(Debug, Clone)]
enum LabelTest {
    Equal(String),
    NotEqual(String),
    Matches(Regex),
    Differs(Regex),
}

impl Selector {
    /// Whether a series is picked. A label that it does not have counts as empty, as in PromQL.
    #[must_use]
    pub fn picks(&self, name: &str, labels: &[(String, String)]) -> bool {
        self.name.as_deref().is_none_or(|wanted| wanted == name)
            && self.matchers.iter().all(|matcher| {
                let value = labels
                    .iter()
                    .find(|(label, _)| *label == matcher.label)
                    .map_or("", |(_, value)| value);
                matcher
                    .comparison
                    .holds(if matcher.label == NAME { name } else { value })
            })
    }

    /// The metric's name, where it is given as such.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl LabelTest {
    fn holds(&self, value: &str) -> bool {
        match self {
            Self::Equal(wanted) => value == wanted,
            Self::NotEqual(other) => value != other,
            Self::Matches(pattern) => pattern.is_match(value),
            Self::Differs(pattern) => !pattern.is_match(value),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Selection {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let unreadable = || DataError::Unreadable {
            value: text.to_owned(),
            expected: EXPECTED,
        };
        let mut reader = SelectorReader { rest: text };
        let mut selection = Self {
            text: text.trim().to_owned(),
            plus: vec![reader.selector().ok_or_else(unreadable)?],
            minus: Vec::new(),
        };
        while !reader.is_at_end() {
            let terms = match reader.next() {
                Some('+') => &mut selection.plus,
                Some('-') => &mut selection.minus,
                _ => return Err(unreadable()),
            };
            terms.push(reader.selector().ok_or_else(unreadable)?);
        }
        Ok(selection)
    }
}

/// Reads a text from left to right, over any space between words.
struct SelectorReader<'a> {
    rest: &'a str,
}

impl<'a> SelectorReader<'a> {
    fn selector(&mut self) -> Option<Selector> {
        let start = self.rest;
        let name = self.word(|letter| letter == ':').map(str::to_owned);
        let matchers = if self.takes("{") {
            self.matchers()?
        } else {
            Vec::new()
        };
        let named = name.is_some() || matchers.iter().any(|matcher| matcher.label == NAME);
        let text = start[..start.len() - self.rest.len()].trim().to_owned();
        named.then_some(Selector { text, name, matchers })
    }

    /// Conditions up to the closing brace; a comma may stand after the last one.
    fn matchers(&mut self) -> Option<Vec<Matcher>> {
        let mut matchers = Vec::new();
        while !self.takes("}") {
            if !matchers.is_empty() && !self.takes(",") {
                return None;
            }
            if !self.takes("}") {
                matchers.push(self.matcher()?);
            } else {
                break;
            }
        }
        Some(matchers)
    }

    fn matcher(&mut self) -> Option<Matcher> {
        let label = self.word(|_| false)?.to_owned();
        let sign = ["=~", "!~", "!=", "="]
            .into_iter()
            .find(|sign| self.takes(sign))?;
        let value = self.quoted()?;
        // Anchored at both ends, as in PromQL; read by itself first, so that no bracket of it closes the
        // anchor's.
        let pattern = || {
            Regex::new(&value)
                .and_then(|_| Regex::new(&format!("^(?s:{value})$")))
                .ok()
        };
        let comparison = match sign {
            "=~" => LabelTest::Matches(pattern()?),
            "!~" => LabelTest::Differs(pattern()?),
            "!=" => LabelTest::NotEqual(value),
            _ => LabelTest::Equal(value),
        };
        Some(Matcher { label, comparison })
    }

    /// A name of ASCII letters, digits, underscores and what else is allowed; it does not start with a digit.
    fn word(&mut self, also: impl Fn(char) -> bool) -> Option<&'a str> {
        self.skip_space();
        let inside = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || also(letter);
        let end = self
            .rest
            .find(|letter| !inside(letter))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if word.is_empty() || word.starts_with(|letter: char| letter.is_ascii_digit()) {
            return None;
        }
        self.rest = rest;
        Some(word)
    }

    /// A text in double or single quotes with escapes, or in backquotes as it stands.
    fn quoted(&mut self) -> Option<String> {
        let quote = self.next().filter(|quote| matches!(quote, '"' | '\'' | '`'))?;
        let mut text = String::new();
        loop {
            match self.letter()? {
                letter if letter == quote => return Some(text),
                '\\' if quote != '`' => text.push(match self.letter()? {
                    'n' => '\n',
                    't' => '\t',
                    letter @ ('\\' | '"' | '\'') => letter,
                    _ => return None,
                }),
                letter => text.push(letter),
            }
        }
    }

    fn takes(&mut self, sign: &str) -> bool {
        self.skip_space();
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn next(&mut self) -> Option<char> {
        self.skip_space();
        self.letter()
    }

    fn letter(&mut self) -> Option<char> {
        let mut letters = self.rest.chars();
        let letter = letters.next()?;
        self.rest = letters.as_str();
        Some(letter)
    }

    fn is_at_end(&mut self) -> bool {
        self.skip_space();
        self.rest.is_empty()
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picks(selector: &str, name: &str, labels: &[(&str, &str)]) -> bool {
        let labels: Vec<(String, String)> = labels
            .iter()
            .map(|(label, value)| ((*label).to_owned(), (*value).to_owned()))
            .collect();
        let selection: Selection = selector.parse().expect("a selector");
        selection.plus[0].picks(name, &labels)
    }

    #[test]
    fn conditions_pick_as_in_promql() {
        let user = [("cpu", "0"), ("mode", "user")];
        assert!(picks("up", "up", &[]) && picks("up{}", "up", &user) && !picks("up", "down", &[]));
        assert!(picks("n{mode=\"user\",}", "n", &user) && !picks("n{mode='idle'}", "n", &user));
        assert!(
            picks("n{mode!=\"idle\", cpu=\"0\"}", "n", &user) && !picks("n { mode != \"user\" }", "n", &user)
        );
        // Expressions are anchored, and a label that is not there is empty.
        assert!(
            picks("n{mode=~\"us.*\"}", "n", &user)
                && !picks("n{mode=~\"us\"}", "n", &user)
                && !picks("n{mode=~\"ser|x\"}", "n", &user)
        );
        assert!(
            picks("n{mode!~\"idle|iowait\"}", "n", &user)
                && picks("n{job=\"\"}", "n", &user)
                && picks("n{job!=\"x\"}", "n", &user)
        );
        assert!(
            picks("{__name__=~\"read|write\"}", "read", &[])
                && !picks("{__name__=~\"read|write\"}", "readers", &[])
        );
        assert!(
            picks(r#"n{path="a\"\\\n"}"#, "n", &[("path", "a\"\\\n")])
                && picks(r"n{path=`\d`}", "n", &[("path", r"\d")])
        );
    }

    #[test]
    fn sums_and_differences_keep_their_signs() {
        let selection: Selection = " a{x=\"1 + 2\"} + b - c{d=\"}\"}-e "
            .parse()
            .expect("a selection");
        let texts = |selectors: &[Selector]| selectors.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            (texts(&selection.plus), texts(&selection.minus)),
            (
                vec!["a{x=\"1 + 2\"}".into(), "b".into()],
                vec!["c{d=\"}\"}".into(), "e".into()]
            )
        );
        assert_eq!(selection.to_string(), "a{x=\"1 + 2\"} + b - c{d=\"}\"}-e");
        assert_eq!(selection.plus[1].name(), Some("b"));
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for text in [
            "",
            "9up",
            "{}",
            "{a=\"b\"}",
            "up{",
            "up{a}",
            "up{a=b}",
            "up{a=\"b\"",
            "up{a=~\"(\"}",
            "up{a=~\"a)|(b\"}",
            "up{,}",
            "up x",
            "up +",
            "rate(up[5m])",
            "up{a=\"\\q\"}",
        ] {
            assert!(text.parse::<Selection>().is_err(), "{text:?}");
        }
    }
}
