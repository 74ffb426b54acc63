//! Replaces known secrets in texts that are kept or passed on. It is the second line of defence: the first is
//! to keep little.
//!
//! - `copy`: masks what is passed on as it comes
//! - `decoding`: a text without its escapes, and where each byte of it stood
//! - `spellings`: what a secret looks like in a text

use std::{borrow::Cow, ops::Range};

use memchr::memmem;

mod copy;
mod decoding;
mod spellings;

use decoding::Decoded;
use spellings::{Needles, fold, packed};

/// Least length of a value that an answer or a feed gave to be taken for a secret, in bytes. Shorter ones are
/// words and numbers of which texts are full.
pub const SHORTEST_SECRET: usize = 4;
/// Least length of a secret whose base64 is broken into lines, in bytes: 64 letters.
///
/// Source: RFC 7468, section 2; MIME and base64(1) break after 76.
const BROKEN_INTO_LINES: usize = 48;
/// How often escapes are undone: what was escaped three times over is found too.
const LEVELS: usize = 4;
/// What stands in the place of a secret.
const MASK: &[u8] = b"***";
/// Knows secrets, and finds them in texts however they are written there: in URLs, HTML and JSON, in upper or
/// lower case, as base64 at any offset or hexadecimal, and in mixtures of these.
#[derive(Debug, Default)]
pub struct Masker {
    needles: Needles,
    /// Whether a secret may stand on several lines: it has some itself, or tools break its base64 into them.
    may_span_lines: bool,
}

/// Whether a text goes on where it ends here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextEnd {
    Whole,
    /// What may be the start of a secret at its end is masked too.
    Cut,
}

impl Masker {
    /// Knows these secrets; empty ones are none.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let secrets: Vec<&[u8]> = secrets.into_iter().collect();
        Self {
            may_span_lines: secrets
                .iter()
                .any(|secret| secret.len() >= BROKEN_INTO_LINES || secret.contains(&b'\n')),
            needles: Needles::of(secrets),
        }
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.needles.is_empty()
    }

    /// The text with stars in the place of each secret.
    pub fn masked<'a>(&self, text: &'a [u8], end: TextEnd) -> Cow<'a, [u8]> {
        let ranges = self.secrets_in(text, end);
        if ranges.is_empty() {
            return Cow::Borrowed(text);
        }
        let (mut out, mut from) = (Vec::with_capacity(text.len()), 0);
        for range in ranges {
            out.extend_from_slice(&text[from..range.start]);
            out.extend_from_slice(MASK);
            from = range.end;
        }
        out.extend_from_slice(&text[from..]);
        Cow::Owned(out)
    }

    /// Where secrets stand in a text, in order and apart.
    pub fn secrets_in(&self, text: &[u8], end: TextEnd) -> Vec<Range<usize>> {
        if self.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        let mut level = Some(Decoded::plain(text));
        for _ in 0..LEVELS {
            let Some(mut decoded) = level else { break };
            if end == TextEnd::Cut {
                found.extend(decoded.without_cut_escape());
            }
            let plain = fold(&decoded.bytes);
            for needle in &self.needles.plain {
                find(needle, &plain, end, &mut |range| {
                    found.push(decoded.source(range))
                });
            }
            let (packed, places) = packed(&plain);
            for needle in &self.needles.packed {
                find(needle, &packed, end, &mut |range| {
                    let whole = places[range.start]..places[range.end - 1] + 1;
                    found.push(decoded.source(whole));
                });
            }
            level = decoded.unescaped();
        }
        joined(found)
    }
}

/// Every place of a needle; of a text that was cut also its start at the end.
fn find(needle: &[u8], text: &[u8], end: TextEnd, found: &mut dyn FnMut(Range<usize>)) {
    let finder = memmem::Finder::new(needle);
    let mut from = 0;
    while let Some(place) = finder.find(&text[from..]) {
        found(from + place..from + place + needle.len());
        from += place + 1;
    }
    if end == TextEnd::Cut {
        let starts = (1..needle.len().min(text.len() + 1)).rev();
        if let Some(length) = starts
            .into_iter()
            .find(|length| text.ends_with(&needle[..*length]))
        {
            found(text.len() - length..text.len());
        }
    }
}

/// Ranges in order, those that touch as one.
fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut out: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

#[cfg(test)]
mod tests;
