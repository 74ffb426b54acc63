//! Templates compiled to pieces that are copied, and pieces that are filled in.

use std::borrow::Cow;

use rand::{RngExt, seq::IndexedRandom};
use rand_xoshiro::Xoshiro256PlusPlus;
use url::Url;

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
    /// A value that is a URL of its own, read as a link on the page that gave it, or else on the page at the
    /// base.
    Link(Box<Text>, Box<Url>),
}

/// How a value must be written where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// As it is.
    None,
    /// A path and query as they were written: what may not stand there is percent-encoded; `/`, `?`, `&`
    /// and what is percent-encoded already stay.
    Path,
    /// Within one segment of a path or one part of a query: all but unreserved characters is
    /// percent-encoded (RFC 3986, section 2.3), so that the target reads the value.
    Component,
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
    /// Where variables were saved from that are links.
    pub pages: &'a [(usize, Url)],
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

    /// Adds a link, which is resolved as a browser resolves one on the page that it was saved from; one from
    /// elsewhere, as on the page at `base`.
    pub fn push_link(&mut self, link: Text, base: Url) {
        self.pieces.push(Piece::Link(Box::new(link), Box::new(base)));
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

    /// The text, if nothing is filled in.
    pub fn as_literal(&self) -> Option<Cow<'_, str>> {
        match self.pieces.as_slice() {
            [Piece::Literal(bytes)] => Some(String::from_utf8_lossy(bytes)),
            _ => None,
        }
    }

    /// Whether nothing is filled in.
    pub fn is_literal(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Piece::Literal(_)))
    }

    fn begins_with(&self, variable: usize) -> bool {
        matches!(self.pieces.first(), Some(Piece::Variable(index, _)) if *index == variable)
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
                Piece::Link(link, base) => {
                    let mut value = Vec::new();
                    link.fill(filling, &mut value)?;
                    let of_link = |(variable, _): &&(usize, Url)| link.begins_with(*variable);
                    let page = filling
                        .pages
                        .iter()
                        .find(of_link)
                        .map_or(base.as_ref(), |(_, page)| page);
                    write_link(&String::from_utf8_lossy(&value), page, base, out)?;
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
            Self::Path => write_path(value.as_bytes(), out),
            Self::Component => value.bytes().for_each(|byte| {
                let stays = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
                write_byte(byte, stays, out);
            }),
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

/// Writes a path; a percent sign that begins no encoded byte is a percent sign.
fn write_path(mut path: &[u8], out: &mut Vec<u8>) {
    while let [byte, rest @ ..] = path {
        let stays = match byte {
            b'%' => matches!(rest, [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()),
            byte => byte.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(byte),
        };
        write_byte(*byte, stays, out);
        path = rest;
    }
}

/// Writes path and query of a link on a page. It must lead to where the load goes, which is at `base`.
fn write_link(link: &str, page: &Url, base: &Url, out: &mut Vec<u8>) -> Result<(), NoAnswer> {
    // A link is what an answer or a feed gave, and may hold a key.
    let wrong = |why: &str| NoAnswer::new("request", format!("the link {why}"));
    let url = page
        .join(link)
        .map_err(|error| wrong(&format!("is no URL: {error}")))?;
    if url.origin() != base.origin() {
        let target = base.origin().ascii_serialization();
        return Err(wrong(&format!(
            "leads away from {target}, which is put under load"
        )));
    }
    write_path(url.path().as_bytes(), out);
    if let Some(query) = url.query() {
        out.push(b'?');
        write_path(query.as_bytes(), out);
    }
    Ok(())
}

fn write_byte(byte: u8, stays: bool, out: &mut Vec<u8>) {
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
        filled_from(text, value, &[])
    }

    fn filled_from(text: &Text, value: &str, pages: &[(usize, Url)]) -> Result<String, NoAnswer> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        let variables = [Some(value.into())];
        let mut filling = TemplateValues {
            variables: &variables,
            pages,
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
        assert_eq!(written(Escape::Component), Ok("<a%20b%22%26%C3%A9%2F%5C>".into()));
        assert_eq!(written(Escape::Json), Ok("<a b\\\"&é/\\\\>".into()));
        assert_eq!(written(Escape::Form), Ok("<a+b%22%26%C3%A9%2F%5C>".into()));
        assert!(filled(&with_variable(Escape::Header), "x\r\nevil: 1").is_err());
    }

    #[test]
    fn a_component_is_all_but_unreserved_characters_and_a_path_keeps_what_is_encoded() {
        let apply = |escape: Escape, value: &str| String::from_utf8(escape.apply(value)).expect("ASCII");
        // RFC 3986, section 2.3; the others are reserved or belong in no URL.
        let unreserved = "ABCXYZabcxyz019-._~";
        assert_eq!(apply(Escape::Component, unreserved), unreserved);
        assert_eq!(
            apply(Escape::Component, " !\"#$%&'()*+,/:;<=>?@[\\]^`{|}\r\n\u{7f}"),
            "%20%21%22%23%24%25%26%27%28%29%2A%2B%2C%2F%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%5E%60%7B%7C%7D%0D%0A%7F"
        );
        assert_eq!(
            apply(Escape::Path, "/a%20b/50%/100%2?x=%zz"),
            "/a%20b/50%25/100%252?x=%25zz"
        );
    }

    #[test]
    fn a_link_is_read_as_a_browser_reads_it_and_leads_nowhere_else() {
        let mut text = Text::default();
        let mut value = Text::default();
        value.push_variable(0, Escape::None);
        text.push_link(value, Url::parse("http://127.0.0.1:8080/api/").expect("a URL"));
        for (link, path) in [
            ("/items?page=2&q=a%20b", "/items?page=2&q=a%20b"),
            ("http://127.0.0.1:8080/items/7#top", "/items/7"),
            ("//127.0.0.1:8080/x", "/x"),
            ("items/7", "/api/items/7"),
            ("?page=2", "/api/?page=2"),
            ("../other", "/other"),
            ("", "/api/"),
            ("/Zoë 50%", "/Zo%C3%AB%2050%25"),
        ] {
            assert_eq!(filled(&text, link), Ok(path.into()), "{link}");
        }
        for away in [
            "http://127.0.0.1:8081/",
            "https://127.0.0.1:8080/",
            "http://elsewhere.test/",
            "//elsewhere.test/x",
            "http://",
        ] {
            assert!(
                filled(&text, away).is_err_and(|refused| refused.kind == "request"),
                "{away}"
            );
        }
    }

    #[test]
    fn a_link_is_read_on_the_page_that_gave_it() {
        let (mut text, mut value) = (Text::default(), Text::default());
        value.push_variable(0, Escape::None);
        text.push_link(value, Url::parse("http://127.0.0.1:8080/api/").expect("a URL"));
        let page = |url: &str| {
            [
                (3, Url::parse("http://x/y").expect("a URL")),
                (0, Url::parse(url).expect("a URL")),
            ]
        };
        let of_shop = page("http://127.0.0.1:8080/shop/list?page=1");
        // RFC 3986, section 5.4.1, as far as links stay with the target.
        for (link, path) in [
            ("?page=2", "/shop/list?page=2"),
            ("items/7", "/shop/items/7"),
            ("./", "/shop/"),
            ("../up", "/up"),
            ("", "/shop/list?page=1"),
            ("#top", "/shop/list?page=1"),
            ("/items", "/items"),
        ] {
            assert_eq!(filled_from(&text, link, &of_shop), Ok(path.into()), "{link}");
        }
        assert!(filled_from(&text, "items", &page("http://127.0.0.1:8081/")).is_err());
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
        assert_eq!((text.pieces.len(), text.as_literal().as_deref()), (1, Some("ab")));
        let mut number = Text::default();
        number.push_int(3, 3);
        assert!(number.is_one_number() && !text.is_one_number());
        assert_eq!(filled(&number, ""), Ok("3".into()));
    }
}
