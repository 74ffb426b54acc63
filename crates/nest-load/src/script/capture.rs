//! Takes values out of answers.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

/// Where a value is taken from.
#[derive(Debug)]
pub enum Captor {
    /// A place in a JSON body.
    Json(JsonPath),
    /// One of the header fields that the request wants, by index.
    Field(usize),
    /// The first group of a pattern over the body, or all that matches if it has none.
    Pattern(regex::bytes::Regex),
}

impl Captor {
    /// Whether it looks at the body.
    pub fn wants_body(&self) -> bool {
        !matches!(self, Self::Field(_))
    }

    /// The value, or what was looked for in vain.
    pub fn take(&self, body: &[u8], fields: &[Option<String>]) -> Result<String, String> {
        match self {
            Self::Json(path) => path.take(body),
            Self::Field(index) => fields
                .get(*index)
                .cloned()
                .flatten()
                .ok_or_else(|| "the answer has no such header".to_owned()),
            Self::Pattern(pattern) => {
                let found = pattern
                    .captures(body)
                    .and_then(|groups| groups.get(1).or(groups.get(0)));
                let text = found.map(|found| String::from_utf8_lossy(found.as_bytes()).into_owned());
                text.ok_or_else(|| format!("nothing in the body matches {}", pattern.as_str()))
            }
        }
    }
}

/// What a JSON text may begin with although it should not: RFC 8259, section 8.1.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A path into a JSON document: `$.items[0].id`. It is walked while the text is parsed, which ends where the
/// value is found.
///
/// A text is saved without its quotes; a number, a truth value, a list or an object as it stands in the
/// answer, with every digit.
#[derive(Debug)]
pub struct JsonPath {
    parts: Vec<Part>,
    text: String,
}

#[derive(Debug)]
enum Part {
    Name(String),
    Index(usize),
}

impl JsonPath {
    /// Parses a path; `None` if it is not `$` followed by `.name` and `[index]` parts.
    pub fn parse(text: &str) -> Option<Self> {
        let pointer = nest_data::behaviour::json_pointer(text)?;
        // A part in brackets is an index of a list; a pointer no longer tells it from a name of digits.
        let mut bracketed = text.match_indices(['.', '[']).map(|(_, mark)| mark == "[");
        let parts = pointer.split('/').skip(1).map(|part| {
            let name = part.replace("~1", "/").replace("~0", "~");
            match (bracketed.next(), name.parse()) {
                (Some(true), Ok(index)) => Part::Index(index),
                _ => Part::Name(name),
            }
        });
        Some(Self {
            parts: parts.collect(),
            text: text.to_owned(),
        })
    }

    fn take(&self, body: &[u8]) -> Result<String, String> {
        let mut found = None;
        let text = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
        let mut json = serde_json::Deserializer::from_slice(text);
        let outcome = JsonWalk {
            text,
            parts: &self.parts,
            found: &mut found,
        }
        .deserialize(&mut json);
        match (found, outcome) {
            (Some(value), _) => Ok(value),
            (None, Ok(())) => Err(format!(
                "there is no text, number, truth value, list or object at {}",
                self.text
            )),
            (None, Err(_)) => Err("the body to save from is not JSON".to_owned()),
        }
    }
}

/// Walks to a place and takes its value. Reads no further as soon as it has it, which is an error for the
/// parser and for nobody else: one of our own would cost as much as the walk.
struct JsonWalk<'a> {
    text: &'a [u8],
    parts: &'a [Part],
    found: &'a mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for JsonWalk<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if !self.parts.is_empty() {
            return deserializer.deserialize_any(self);
        }
        // Not through a number of the program's own, which would round it.
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        if !is_whole(raw, self.text) {
            return Err(D::Error::custom("a value with more behind it"));
        }
        *self.found = saved(raw);
        Ok(())
    }
}

/// Whether a value of a text ends where another may begin: `0x1F` is no number, though it begins with one.
fn is_whole(raw: &str, text: &[u8]) -> bool {
    let start = raw.as_ptr().addr() - text.as_ptr().addr();
    let next = text.get(start + raw.len());
    next.is_none_or(|byte| b",]} \t\r\n".contains(byte))
}

/// What is saved of a value that stands so in the answer; nothing of `null`.
fn saved(raw: &str) -> Option<String> {
    match raw.as_bytes().first() {
        Some(b'n') => None,
        Some(b'"') if raw.contains('\\') => serde_json::from_str(raw).ok(),
        Some(b'"') => raw.get(1..raw.len() - 1).map(str::to_owned),
        _ => Some(raw.to_owned()),
    }
}

impl<'de> Visitor<'de> for JsonWalk<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut index = 0;
        if let Some((Part::Index(wanted), rest)) = self.parts.split_first() {
            while index < *wanted && items.next_element::<IgnoredAny>()?.is_some() {
                index += 1;
            }
            items.next_element_seed(JsonWalk {
                text: self.text,
                parts: rest,
                found: &mut *self.found,
            })?;
            if self.found.is_some() {
                return Ok(());
            }
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let wanted = match self.parts.split_first() {
            Some((Part::Name(name), rest)) => Some((name, rest)),
            _ => None,
        };
        while let Some(is_wanted) = fields.next_key_seed(IsName(wanted.map(|(name, _)| name.as_str())))? {
            match wanted.filter(|_| is_wanted) {
                Some((_, rest)) => {
                    fields.next_value_seed(JsonWalk {
                        text: self.text,
                        parts: rest,
                        found: &mut *self.found,
                    })?;
                    if self.found.is_some() {
                        return Ok(());
                    }
                }
                None => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// Whether a key is the wanted one; compares without keeping it.
struct IsName<'a>(Option<&'a str>);

impl<'de> DeserializeSeed<'de> for IsName<'_> {
    type Value = bool;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for IsName<'_> {
    type Value = bool;
    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a key")
    }
    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        Ok(self.0 == Some(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(path: &str, body: &str) -> Result<String, String> {
        Captor::Json(JsonPath::parse(path).expect("a path")).take(body.as_bytes(), &[])
    }

    #[test]
    fn a_json_path_finds_its_value() {
        let body = r#"{"a":[{"x":1},{"id":"se\"ven","n":-2.5,"t":true,"0":"zero"}],"b":null} trailing"#;
        assert_eq!(take("$.a[1].id", body).as_deref(), Ok("se\"ven"));
        assert_eq!(take("$.a[1].n", body).as_deref(), Ok("-2.5"));
        assert_eq!(take("$.a[1].t", body).as_deref(), Ok("true"));
        assert_eq!(take("$.a[1].0", body).as_deref(), Ok("zero"));
        assert_eq!(take("$", "12").as_deref(), Ok("12"));
    }

    #[test]
    fn what_is_not_there_is_named() {
        for path in ["$.b", "$.c", "$.a[2]", "$.a.x", "$[0]", "$.b.c", "$.a[0].x"] {
            assert!(
                take(path, r#"{"a":[1],"b":null}"#).is_err_and(|reason| reason.contains(path)),
                "{path}"
            );
        }
        assert!(take("$.a", "<html>").is_err_and(|reason| reason.contains("not JSON")));
    }

    /// The answer of a shop, in JSON as RFC 8259 allows it.
    const ITEM: &str = r#"{"item":{"id":2733382000000000049,"big":123456789012345678901234,
        "neg":-9007199254740993,"price":12.10,"rate":0.12345678901234567891,"exp":1e3,"far":-1.50E+400,
        "zero":-0.0},
        "rows":[ [ 12.10 , 1e3 ] , {"v":100.0} ],"uni":"M\u00fcnchen \ud83d\ude00"}"#;

    #[test]
    fn captured_numbers_keep_their_digits() {
        for (path, digits) in [
            ("$.item.id", "2733382000000000049"),
            ("$.item.big", "123456789012345678901234"),
            ("$.item.neg", "-9007199254740993"),
            ("$.item.price", "12.10"),
            ("$.item.rate", "0.12345678901234567891"),
            ("$.item.exp", "1e3"),
            ("$.item.far", "-1.50E+400"),
            ("$.item.zero", "-0.0"),
            ("$.rows[0]", "[ 12.10 , 1e3 ]"),
            ("$.rows[1]", "{\"v\":100.0}"),
            ("$.rows[1].v", "100.0"),
            ("$.uni", "München 😀"),
        ] {
            assert_eq!(take(path, ITEM).as_deref(), Ok(digits), "{path}");
        }
        assert_eq!(take("$", " 0.10 ").as_deref(), Ok("0.10"));
        for wrong in ["01", "+1", "1.", ".5", "0x1F", "NaN", "--1"] {
            assert!(take("$.a", &format!("{{\"a\":{wrong}}}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(
            take("$.item.price", &format!("\u{feff}{ITEM}")).as_deref(),
            Ok("12.10")
        );
        assert!(take("$", "\u{feff}\u{feff}1").is_err_and(|reason| reason.contains("not JSON")));
    }

    #[test]
    fn every_value_equals_what_a_whole_parse_finds() {
        let body = serde_json::json!({ "k": [[1, 2, { "z": "y" }], 3.5, "s"], "l": { "m": { "k": 9 } } })
            .to_string();
        let whole: serde_json::Value = serde_json::from_str(&body).expect("valid");
        for path in ["$.k[0][1]", "$.k[0][2].z", "$.k[1]", "$.k[2]", "$.l.m.k"] {
            let pointer = nest_data::behaviour::json_pointer(path).expect("a path");
            let expected = whole
                .pointer(&pointer)
                .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            assert_eq!(take(path, &body).ok(), expected, "{path}");
        }
    }

    #[test]
    fn headers_and_patterns_give_their_values() {
        let pattern = |text: &str| Captor::Pattern(regex::bytes::Regex::new(text).expect("valid"));
        assert_eq!(
            pattern("csrf=\"([a-z]+)\"")
                .take(b"<x csrf=\"abc\">", &[])
                .as_deref(),
            Ok("abc")
        );
        assert_eq!(pattern("[0-9]+").take(b"id 42;", &[]).as_deref(), Ok("42"));
        assert!(pattern("[0-9]+").take(b"none", &[]).is_err());
        assert_eq!(
            Captor::Field(0).take(b"", &[Some("t".into())]).as_deref(),
            Ok("t")
        );
        assert!(Captor::Field(0).take(b"", &[None]).is_err());
    }
}
