//! Text with values filled in when a request is made: `/items/{{ id }}?page={{ int(1, 40) }}`.

use std::{fmt, str::FromStr};

use crate::error::DataError;

/// One piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplatePart {
    /// Text as it stands.
    Literal(String),
    /// A variable that an earlier step saved or the behaviour defines.
    Variable(String),
    /// A whole number drawn evenly between two ends, both included.
    Int(i64, i64),
    /// One of several texts, drawn evenly.
    Pick(Vec<String>),
    /// An environment variable, read when the run starts and never stored.
    Env(String),
    /// Number of the customer that makes the request, from 0.
    Customer,
    /// A column of a feed's row; an execution takes one row of each feed.
    Feed {
        /// The feed.
        feed: String,
        /// The column.
        column: String,
    },
}

/// A parsed template. It prints as the text it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    segments: Vec<TemplatePart>,
}

impl Template {
    /// The pieces, in order.
    #[must_use]
    pub fn segments(&self) -> &[TemplatePart] {
        &self.segments
    }
}

impl FromStr for Template {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let mut segments = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            if start > 0 {
                segments.push(TemplatePart::Literal(rest[..start].to_owned()));
            }
            let Some(length) = rest[start..].find("}}") else {
                return Err(fail(text, "`{{` is never closed by `}}`".to_owned()));
            };
            let inner = rest[start + 2..start + length].trim();
            segments.push(segment(inner).map_err(|reason| fail(text, reason))?);
            rest = &rest[start + length + 2..];
        }
        if !rest.is_empty() {
            segments.push(TemplatePart::Literal(rest.to_owned()));
        }
        Ok(Self {
            text: text.to_owned(),
            segments,
        })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn fail(text: &str, reason: String) -> DataError {
    DataError::Formula {
        reason: format!("template {text:?}: {reason}"),
    }
}

fn segment(inner: &str) -> Result<TemplatePart, String> {
    let Some((name, arguments)) = inner.strip_suffix(')').and_then(|call| call.split_once('(')) else {
        let is_name = is_word(inner);
        return match inner {
            "customer" => Ok(TemplatePart::Customer),
            _ if inner.split_once('.').is_some_and(|(feed, column)| {
                is_word(feed) && !column.is_empty() && !column.contains(['{', '}', '('])
            }) =>
            {
                let (feed, column) = inner.split_once('.').unwrap_or_default();
                Ok(TemplatePart::Feed {
                    feed: feed.to_owned(),
                    column: column.to_owned(),
                })
            }
            _ if is_name => Ok(TemplatePart::Variable(inner.to_owned())),
            _ => Err(format!("`{inner}` is neither a variable nor a function")),
        };
    };
    let arguments: Vec<&str> = arguments.split(',').map(str::trim).collect();
    match (name.trim(), arguments.as_slice()) {
        ("int", [low, high]) => match (low.parse(), high.parse()) {
            (Ok(low), Ok(high)) if low <= high => Ok(TemplatePart::Int(low, high)),
            _ => Err(format!(
                "int({low}, {high}) needs two whole numbers, the smaller first"
            )),
        },
        ("pick", choices) => choices
            .iter()
            .map(|choice| quoted(choice))
            .collect::<Result<_, _>>()
            .map(TemplatePart::Pick),
        ("env", [variable]) => quoted(variable).map(TemplatePart::Env),
        ("feed", _) => Err(
            "a feed is read by its name and column: {{ users.name }} with a table [feeds.users]".to_owned(),
        ),
        _ => Err(format!(
            "`{inner}` is not known; write int(1, 9), pick(\"a\", \"b\"), env(\"NAME\"), customer or a \
                saved variable"
        )),
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

fn quoted(text: &str) -> Result<String, String> {
    let inner = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .or(text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')));
    inner
        .map(str::to_owned)
        .ok_or_else(|| format!("{text} must be in quotes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_cut_into_its_pieces() {
        let template: Template =
            "/items/{{ id }}?page={{int(1, 40)}}&by={{ pick(\"a\", 'b') }}{{ users.e-mail }}"
                .parse()
                .expect("valid");
        let expected = [
            TemplatePart::Literal("/items/".into()),
            TemplatePart::Variable("id".into()),
            TemplatePart::Literal("?page=".into()),
            TemplatePart::Int(1, 40),
            TemplatePart::Literal("&by=".into()),
            TemplatePart::Pick(vec!["a".into(), "b".into()]),
            TemplatePart::Feed {
                feed: "users".into(),
                column: "e-mail".into(),
            },
        ];
        assert_eq!(template.segments(), expected);
    }

    #[test]
    fn what_cannot_be_filled_in_is_refused_with_its_reason() {
        for (text, reason) in [
            ("{{ int(9, 1) }}", "smaller first"),
            ("{{ x", "never closed"),
            ("{{ a b }}", "neither a variable"),
            ("{{ nope(1) }}", "not known"),
            ("{{ feed(\"users.csv\") }}", "by its name and column"),
            ("{{ pick(a) }}", "in quotes"),
        ] {
            let error = text.parse::<Template>().expect_err(text);
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}
