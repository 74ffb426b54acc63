//! What a secret looks like in a text whose escapes are undone: itself, or bytes written as letters.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

use super::decoding::Decoded;
use crate::script::text::Escape;

/// Fewest letters of encoded bytes that are looked for: fewer are in every text.
const SHORTEST_ENCODED: usize = 4;

/// What is looked for, folded.
#[derive(Debug, Default)]
pub struct Needles {
    /// In the text as it is.
    pub plain: Vec<Vec<u8>>,
    /// In the text without blanks: base64 and hexadecimal.
    pub packed: Vec<Vec<u8>>,
}

impl Needles {
    /// Of some secrets.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut needles = Self::default();
        for secret in secrets.into_iter().filter(|secret| !secret.is_empty()) {
            let all: Vec<Vec<u8>> = std::iter::once(secret.to_vec())
                .chain(unescaped(secret))
                .collect();
            let text = String::from_utf8_lossy(secret);
            needles
                .plain
                .extend([text.to_lowercase().into(), text.to_uppercase().into()]);
            let forms = all.iter().flat_map(|one| forms(one));
            needles.packed.extend(forms.flat_map(|form| encoded(&form)));
            needles.plain.extend(all);
        }
        needles.plain = distinct(needles.plain.iter().map(|needle| fold(needle)));
        let packed = needles.packed.iter().map(|needle| packed(&fold(needle)).0);
        needles.packed = distinct(packed.filter(|needle| needle.len() >= SHORTEST_ENCODED));
        needles
    }

    pub fn is_empty(&self) -> bool {
        self.plain.is_empty()
    }
}

/// A text without the difference between upper and lower case, and between a blank and `+`, which is one in a
/// form.
pub fn fold(text: &[u8]) -> Vec<u8> {
    let folded = |byte: &u8| {
        if *byte == b'+' {
            b' '
        } else {
            byte.to_ascii_lowercase()
        }
    };
    text.iter().map(folded).collect()
}

/// A text without blanks, line breaks and colons, and where each byte of it stood: encoded bytes are written
/// in lines or in pairs.
pub fn packed(text: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let is_kept = |byte: u8| !byte.is_ascii_whitespace() && byte != b':';
    let kept = text.iter().enumerate().filter(|(_, byte)| is_kept(**byte));
    kept.map(|(place, byte)| (*byte, place)).unzip()
}

fn distinct(needles: impl Iterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    let mut needles: Vec<Vec<u8>> = needles.collect();
    needles.sort();
    needles.dedup();
    needles
}

/// A secret that holds escapes itself, without them: so it is read where others of its letters are escaped.
fn unescaped(secret: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let levels = std::iter::successors(Decoded::plain(secret).unescaped(), Decoded::unescaped);
    levels
        .take(super::LEVELS)
        .map(|level| level.bytes)
        .filter(|bytes| bytes.len() >= super::SHORTEST_SECRET)
}

/// The secret as it may stand in what was then encoded as a whole.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(secret);
    let escapes = [Escape::Component, Escape::Path, Escape::Form, Escape::Json];
    let escaped = escapes.into_iter().map(|escape| escape.apply(&text));
    let cases = [text.to_lowercase().into_bytes(), text.to_uppercase().into_bytes()];
    let slashes = text.replace('/', "\\/").into_bytes();
    let mut forms: Vec<Vec<u8>> = escaped.chain(cases).chain([secret.to_vec(), slashes]).collect();
    forms.sort();
    forms.dedup();
    forms
}

/// Bytes in hexadecimal, and in both alphabets of base64 as they stand after 0, 1 or 2 others: the letters
/// that depend on them alone.
fn encoded(bytes: &[u8]) -> Vec<Vec<u8>> {
    let hexadecimal = bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>()
        .into_bytes();
    let mut all = vec![hexadecimal];
    for before in 0..3 {
        let padded = [&vec![0; before], bytes].concat();
        let (from, to) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            all.extend(
                engine
                    .encode(&padded)
                    .as_bytes()
                    .get(from..to)
                    .map(<[u8]>::to_vec),
            );
        }
    }
    all
}
