//! Texts without their escapes: of URLs, HTML, JSON and programming languages, all at once.

use std::ops::Range;

/// A text whose escapes were undone so and so often.
pub struct Decoded {
    pub bytes: Vec<u8>,
    sources: Vec<Range<usize>>, // of each byte, in the text as it came
}

/// Names of characters in HTML, of those that have one and are no letters.
const ENTITIES: [(&[u8], char); 33] = [
    (b"amp", '&'),
    (b"apos", '\''),
    (b"ast", '*'),
    (b"bsol", '\\'),
    (b"colon", ':'),
    (b"comma", ','),
    (b"commat", '@'),
    (b"dollar", '$'),
    (b"equals", '='),
    (b"excl", '!'),
    (b"grave", '`'),
    (b"gt", '>'),
    (b"hat", '^'),
    (b"lbrack", '['),
    (b"lcub", '{'),
    (b"lowbar", '_'),
    (b"lpar", '('),
    (b"lsqb", '['),
    (b"lt", '<'),
    (b"nbsp", '\u{a0}'),
    (b"num", '#'),
    (b"percnt", '%'),
    (b"period", '.'),
    (b"plus", '+'),
    (b"quest", '?'),
    (b"quot", '"'),
    (b"rbrack", ']'),
    (b"rcub", '}'),
    (b"rpar", ')'),
    (b"rsqb", ']'),
    (b"semi", ';'),
    (b"sol", '/'),
    (b"verbar", '|'),
];
/// Longest escape whose start may stand at the end of a text that was cut: `\u{10ffff}`.
const LONGEST_ESCAPE: usize = 10;
/// Longest name or number of a character in HTML that is looked for, in bytes.
const LONGEST_ENTITY: usize = 8;

impl Decoded {
    /// A text as it came.
    pub fn plain(text: &[u8]) -> Self {
        Self {
            bytes: text.to_vec(),
            sources: (0..text.len()).map(|place| place..place + 1).collect(),
        }
    }

    /// Where a part of it stood in the text as it came.
    pub fn source(&self, part: Range<usize>) -> Range<usize> {
        match self.sources.get(part.start..part.end) {
            Some([first, .., last]) => first.start..last.end,
            Some([only]) => only.clone(),
            _ => 0..0,
        }
    }

    /// Takes the last escape away if it may have been cut off, and says where it stood.
    pub fn without_cut_escape(&mut self) -> Option<Range<usize>> {
        let last = self.bytes.len().saturating_sub(LONGEST_ESCAPE);
        let begins = |byte: &u8| matches!(byte, b'%' | b'&' | b'\\');
        let place = last + self.bytes[last..].iter().rposition(begins)?;
        let source = self.source(place..self.bytes.len());
        self.bytes.truncate(place);
        self.sources.truncate(place);
        Some(source)
    }

    /// The text with its escapes undone once; `None` if it has none.
    pub fn unescaped(&self) -> Option<Self> {
        let (mut out, mut place, mut any) = (
            Self {
                bytes: Vec::new(),
                sources: Vec::new(),
            },
            0,
            false,
        );
        while place < self.bytes.len() {
            let (bytes, length) = match escape(&self.bytes[place..]) {
                Some(escaped) => {
                    any = true;
                    escaped
                }
                None => (Escaped::Byte(self.bytes[place]), 1),
            };
            let source = self.source(place..place + length);
            let before = out.bytes.len();
            bytes.append_to(&mut out.bytes);
            out.sources
                .resize(out.sources.len() + out.bytes.len() - before, source);
            place += length;
        }
        any.then_some(out)
    }
}

/// What an escape stands for.
enum Escaped {
    Byte(u8),
    Letter(char),
}

impl Escaped {
    fn append_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::Byte(byte) => out.push(*byte),
            Self::Letter(letter) => out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// The escape that a text begins with, and its length.
fn escape(text: &[u8]) -> Option<(Escaped, usize)> {
    match text {
        [b'%', b'u' | b'U', rest @ ..] => unit(rest, b"%u"),
        [b'%', rest @ ..] => Some((Escaped::Byte(hex(rest.get(..2)?)?.try_into().ok()?), 3)),
        [b'&', b'#', rest @ ..] => numbered(rest),
        [b'&', rest @ ..] => named(rest),
        [b'\\', rest @ ..] => backslash(rest),
        _ => None,
    }
}

/// `\u002f`, `\u{2f}`, `\x2f`, `\057`, `\/`, `\n`.
fn backslash(rest: &[u8]) -> Option<(Escaped, usize)> {
    match rest {
        [b'u', b'{', digits @ ..] => {
            let length = digits.iter().take(7).position(|byte| *byte == b'}')?;
            Some((
                Escaped::Letter(char::from_u32(hex(&digits[..length])?)?),
                length + 4,
            ))
        }
        [b'U', digits @ ..] => Some((Escaped::Letter(char::from_u32(hex(digits.get(..8)?)?)?), 10)),
        [b'u', digits @ ..] => unit(digits, b"\\u"),
        [b'x' | b'X', digits @ ..] => Some((Escaped::Byte(hex(digits.get(..2)?)?.try_into().ok()?), 4)),
        [b'0'..=b'3', b'0'..=b'7', b'0'..=b'7', ..] => {
            let value = rest[..3]
                .iter()
                .fold(0, |value, digit| value * 8 + (digit - b'0'));
            Some((Escaped::Byte(value), 4))
        }
        [b'n', ..] => Some((Escaped::Byte(b'\n'), 2)),
        [b'r', ..] => Some((Escaped::Byte(b'\r'), 2)),
        [b't', ..] => Some((Escaped::Byte(b'\t'), 2)),
        [b'b', ..] => Some((Escaped::Byte(8), 2)),
        [b'f', ..] => Some((Escaped::Byte(12), 2)),
        // These two begin escapes of their own.
        [b'%' | b'&', ..] => None,
        [byte, ..] if byte.is_ascii_punctuation() => Some((Escaped::Byte(*byte), 2)),
        _ => None,
    }
}

/// A unit of UTF-16 in four digits after a mark of two bytes; with the half that follows, if it is one half
/// of a pair.
fn unit(digits: &[u8], mark: &[u8]) -> Option<(Escaped, usize)> {
    let high = u16::try_from(hex(digits.get(..4)?)?).ok()?;
    let low = digits
        .get(4..10)
        .filter(|second| second[..2].eq_ignore_ascii_case(mark))
        .and_then(|second| u16::try_from(hex(&second[2..])?).ok());
    let letter = char::decode_utf16(std::iter::once(high).chain(low))
        .next()?
        .ok()?;
    Some((Escaped::Letter(letter), 6 * letter.len_utf16()))
}

/// `&#47;` and `&#x2f;`, with or without their end.
fn numbered(rest: &[u8]) -> Option<(Escaped, usize)> {
    let (digits, radix, before) = match rest {
        [b'x' | b'X', digits @ ..] => (digits, 16, 3),
        digits => (digits, 10, 2),
    };
    let is_digit = |byte: &u8| char::from(*byte).is_digit(radix);
    let length = digits
        .iter()
        .take(LONGEST_ENTITY)
        .take_while(|byte| is_digit(byte))
        .count();
    let number = u32::from_str_radix(std::str::from_utf8(&digits[..length]).ok()?, radix).ok()?;
    let end = usize::from(digits.get(length) == Some(&b';'));
    Some((Escaped::Letter(char::from_u32(number)?), before + length + end))
}

fn named(rest: &[u8]) -> Option<(Escaped, usize)> {
    let length = rest.iter().take(LONGEST_ENTITY).position(|byte| *byte == b';')?;
    let name = &rest[..length];
    let (_, letter) = ENTITIES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some((Escaped::Letter(*letter), length + 2))
}

fn hex(digits: &[u8]) -> Option<u32> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    is_number.then_some(())?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unescaped(text: &str) -> String {
        let decoded = Decoded::plain(text.as_bytes()).unescaped();
        String::from_utf8(decoded.map_or_else(Vec::new, |decoded| decoded.bytes)).expect("UTF-8")
    }

    #[test]
    fn every_escape_is_undone_once() {
        for (text, plain) in [
            ("a%2Fb%2f%C3%A9", "a/b/é"),
            ("%u002f%u00e9", "/é"),
            ("&amp;&#47;&#x2f;&#x2Fz&sol;&quot;&apos;", "&///z/\"'"),
            (r"\/\u002f\u002F\x2f\057\u{2f}\n\\", "//////\n\\"),
            (r"\ud83d\ude00\u00e9", "😀é"),
            ("%252F", "%2F"),
            ("&amp;amp;", "&amp;"),
        ] {
            assert_eq!(unescaped(text), plain, "{text}");
        }
        for plain in [
            "a/b",
            "50%",
            "%zz",
            "a & b",
            "&nothing;",
            "\\",
            r"\u12",
            r"\ud83d",
            "&#;",
            "%",
        ] {
            assert!(Decoded::plain(plain.as_bytes()).unescaped().is_none(), "{plain}");
        }
    }

    #[test]
    fn a_decoded_byte_knows_where_it_stood() {
        let decoded = Decoded::plain(b"ab%2Fc").unescaped().expect("an escape");
        assert_eq!(
            (decoded.source(0..1), decoded.source(2..3), decoded.source(1..4)),
            (0..1, 2..5, 1..6)
        );
    }
}
