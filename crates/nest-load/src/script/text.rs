//! Templates compiled to pieces that are copied, and pieces that are filled in.

use rand::{RngExt, seq::IndexedRandom};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::feeds::{FeedReader, FeedRows};
use crate::http::NoAnswer;

/// A compiled template.
#[derive(Debug, Clone, Default)]
pub struct Text {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone)]
enum Piece {
    Literal(Vec<u8>),
    Variable(usize, Escape),
    Int(i64, i64),
    Pick(Vec<Vec<u8>>),
    Customer,
    Feed {
        feed: usize,
        column: usize,
        escape: Escape,
    },
}

/// How a value must be written where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// As it is.
    None,
    /// In a path or query: what may not stand there is percent-encoded; `/`, `?` and `&` stay.
    Path,
    /// Inside a JSON text.
    Json,
    /// In a form.
    Form,
    /// In a header: as it is, but a line break is an error.
    Header,
}

/// What fills a template.
pub struct TemplateValues<'a> {
    pub variables: &'a [Option<Box<str>>],
    pub customer: u32,
    pub random: &'a mut Xoshiro256PlusPlus,
    pub feeds: &'a [FeedReader],
    pub rows: &'a mut FeedRows,
}

impl Text {
    /// A text without anything to fill in.
    pub fn literal(text: &str) -> Self {
        Self {
            pieces: vec![Piece::Literal(text.as_bytes().to_vec())],
        }
    }

    /// Bytes without anything to fill in.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self {
            pieces: vec![Piece::Literal(bytes.to_vec())],
        }
    }

    /// Adds bytes as they are.
    pub fn push(&mut self, bytes: &[u8]) {
        match self.pieces.last_mut() {
            Some(Piece::Literal(last)) => last.extend_from_slice(bytes),
            _ if bytes.is_empty() => {}
            _ => self.pieces.push(Piece::Literal(bytes.to_vec())),
        }
    }

    /// Adds another text.
    pub fn append(&mut self, other: &Self) {
        for piece in &other.pieces {
            match piece {
                Piece::Literal(bytes) => self.push(bytes),
                piece => self.pieces.push(piece.clone()),
            }
        }
    }

    pub fn push_variable(&mut self, index: usize, escape: Escape) {
        self.pieces.push(Piece::Variable(index, escape));
    }

    pub fn push_int(&mut self, low: i64, high: i64) {
        self.pieces.push(Piece::Int(low, high));
    }

    pub fn push_pick(&mut self, choices: &[String], escape: Escape) {
        self.pieces.push(Piece::Pick(
            choices.iter().map(|choice| escape.apply(choice)).collect(),
        ));
    }

    pub fn push_customer(&mut self) {
        self.pieces.push(Piece::Customer);
    }

    pub fn push_feed(&mut self, feed: usize, column: usize, escape: Escape) {
        self.pieces.push(Piece::Feed { feed, column, escape });
    }

    /// Gives back room that was only needed while the text was put together.
    pub fn shrink(&mut self) {
        for piece in &mut self.pieces {
            if let Piece::Literal(bytes) = piece {
                bytes.shrink_to_fit();
            }
        }
        self.pieces.shrink_to_fit();
    }

    /// What stands before the first value that is filled in.
    pub fn start(&self) -> &str {
        match self.pieces.first() {
            Some(Piece::Literal(bytes)) => std::str::from_utf8(bytes).unwrap_or("/"),
            _ => "/",
        }
    }

    /// Whether nothing is filled in.
    pub fn is_literal(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Piece::Literal(_)))
    }

    /// Whether the text is a single whole number.
    pub fn is_one_number(&self) -> bool {
        matches!(self.pieces.as_slice(), [Piece::Int(..) | Piece::Customer])
    }

    /// Appends the text with its values to `out`.
    ///
    /// # Errors
    /// `feed` where a feed has run dry, `request` where a value may not stand where it would.
    pub fn fill(&self, filling: &mut TemplateValues<'_>, out: &mut Vec<u8>) -> Result<(), NoAnswer> {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(bytes) => out.extend_from_slice(bytes),
                Piece::Variable(index, escape) => {
                    let value = filling
                        .variables
                        .get(*index)
                        .and_then(Option::as_deref)
                        .unwrap_or_default();
                    escape.write(value, out)?;
                }
                Piece::Int(low, high) => write_number(filling.random.random_range(*low..=*high), out),
                Piece::Pick(choices) => {
                    out.extend_from_slice(choices.choose(filling.random).map_or(&[], Vec::as_slice))
                }
                Piece::Customer => write_number(i64::from(filling.customer), out),
                Piece::Feed { feed, column, escape } => {
                    let Some(reader) = filling.feeds.get(*feed) else {
                        continue;
                    };
                    let row = filling.rows.of(*feed, reader)?;
                    escape.write(reader.cell(row, *column), out)?;
                }
            }
        }
        Ok(())
    }
}

impl Escape {
    /// A value as it is written.
    pub fn apply(self, value: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(value.len());
        match self {
            // Literals of headers are checked with the study.
            Self::Header | Self::None => out.extend_from_slice(value.as_bytes()),
            escape => drop(escape.write(value, &mut out)),
        }
        out
    }

    fn write(self, value: &str, out: &mut Vec<u8>) -> Result<(), NoAnswer> {
        match self {
            Self::None => out.extend_from_slice(value.as_bytes()),
            Self::Header if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') => {
                return Err(NoAnswer::new(
                    "request",
                    "a value for a header holds a line break or another control character",
                ));
            }
            Self::Header => out.extend_from_slice(value.as_bytes()),
            Self::Path => value.bytes().for_each(|byte| write_in_path(byte, out)),
            Self::Form => url::form_urlencoded::byte_serialize(value.as_bytes())
                .for_each(|part| out.extend_from_slice(part.as_bytes())),
            Self::Json
                if value
                    .bytes()
                    .all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') =>
            {
                out.extend_from_slice(value.as_bytes())
            }
            Self::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                out.extend_from_slice(&quoted.as_bytes()[1..quoted.len() - 1]);
            }
        }
        Ok(())
    }
}

fn write_in_path(byte: u8, out: &mut Vec<u8>) {
    let stays = byte.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&byte);
    if stays {
        out.push(byte);
    } else {
        let digit = |value: u8| b"0123456789ABCDEF"[usize::from(value & 15)];
        out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte)]);
    }
}

/// Appends a whole number.
pub fn write_number(number: i64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = number.unsigned_abs();
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[start..]);
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn filled(text: &Text, value: &str) -> Result<String, NoAnswer> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        let variables = [Some(value.into())];
        let mut filling = TemplateValues {
            variables: &variables,
            customer: 7,
            random: &mut random,
            feeds: &[],
            rows: &mut FeedRows::new(0, 0),
        };
        let mut out = Vec::new();
        text.fill(&mut filling, &mut out)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    fn with_variable(escape: Escape) -> Text {
        let mut text = Text::literal("<");
        text.push_variable(0, escape);
        text.push(b">");
        text
    }

    #[test]
    fn values_are_written_as_their_place_demands() {
        let value = "a b\"&é/\\";
        let written = |escape| filled(&with_variable(escape), value);
        assert_eq!(written(Escape::None), Ok(format!("<{value}>")));
        assert_eq!(written(Escape::Path), Ok("<a%20b%22&%C3%A9/%5C>".into()));
        assert_eq!(written(Escape::Json), Ok("<a b\\\"&é/\\\\>".into()));
        assert_eq!(written(Escape::Form), Ok("<a+b%22%26%C3%A9%2F%5C>".into()));
        assert!(filled(&with_variable(Escape::Header), "x\r\nevil: 1").is_err());
    }

    #[test]
    fn numbers_have_their_digits() {
        for number in [0, 7, -1, 1_234_567, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            write_number(number, &mut out);
            assert_eq!(String::from_utf8(out), Ok(number.to_string()));
        }
    }

    #[test]
    fn literals_merge_and_a_single_number_is_known() {
        let mut text = Text::literal("a");
        text.append(&Text::literal("b"));
        assert_eq!((text.pieces.len(), text.start()), (1, "ab"));
        let mut number = Text::default();
        number.push_int(3, 3);
        assert!(number.is_one_number() && !text.is_one_number());
        assert_eq!(filled(&number, ""), Ok("3".into()));
    }
}
