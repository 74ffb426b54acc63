//! How a value is written where it stands in a body that a behaviour states as a text.

use nest_data::behaviour::Request;

use super::text::Escape;

/// A place in a body, as far as its media type gives places a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyPlace {
    /// JSON outside of texts: a value is a number, or any JSON.
    Json,
    /// Inside a JSON text.
    JsonText {
        /// Right after a backslash.
        escaped: bool,
    },
    Form,
    Other,
}

impl BodyPlace {
    /// The start of the body of a request, by its `Content-Type`.
    pub fn of(step: &Request) -> Self {
        let mut headers = step.headers.iter();
        let stated = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let media_type = stated
            .and_then(|(_, values)| values.texts().first())
            .and_then(|value| value.split(';').next())
            .map(|value| value.trim().to_ascii_lowercase())
            .unwrap_or_default();
        match media_type.as_str() {
            "application/x-www-form-urlencoded" => Self::Form,
            json if json.ends_with("/json") || json.ends_with("+json") => Self::Json,
            _ => Self::Other,
        }
    }

    /// Goes on past what stands there as it is.
    pub fn pass(&mut self, literal: &str) {
        for byte in literal.bytes() {
            *self = match (*self, byte) {
                (Self::Json, b'"') => Self::JsonText { escaped: false },
                (Self::JsonText { escaped: false }, b'"') => Self::Json,
                (Self::JsonText { escaped }, byte) => Self::JsonText {
                    escaped: !escaped && byte == b'\\',
                },
                (other, _) => other,
            };
        }
    }

    /// How a value is written here.
    pub fn escape(self) -> Escape {
        match self {
            Self::JsonText { .. } => Escape::Json,
            Self::Form => Escape::Form,
            Self::Json | Self::Other => Escape::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use nest_data::behaviour::Texts;

    use super::*;

    fn place(media_type: &str, literal: &str) -> Escape {
        let headers = [("Content-Type".to_owned(), Texts::One(media_type.to_owned()))];
        let mut place = BodyPlace::of(&Request {
            headers: headers.into_iter().collect(),
            ..Request::default()
        });
        place.pass(literal);
        place.escape()
    }

    #[test]
    fn a_value_is_written_by_the_place_where_it_stands() {
        for (media_type, literal, escape) in [
            ("application/json", r#"{"name": ""#, Escape::Json),
            ("application/json", r#"{"name": "#, Escape::None),
            (
                "application/vnd.api+json; charset=utf-8",
                r#"{"say": "a \"b\" \\"#,
                Escape::Json,
            ),
            ("Application/JSON", r#"{"say": "a \\""#, Escape::None),
            ("application/x-www-form-urlencoded", "name=", Escape::Form),
            ("text/plain", r#"{"name": ""#, Escape::None),
            ("", r#"{"name": ""#, Escape::None),
        ] {
            assert_eq!(place(media_type, literal), escape, "{media_type}: {literal}");
        }
    }
}
