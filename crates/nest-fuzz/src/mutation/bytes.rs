//! Changes bits, bytes and ranges of bytes.

use rand::RngExt;

use super::{Random, range};

/// Bytes that often mean something.
const ODD_BYTES: [u8; 12] = [
    0, 0x7f, 0x80, 0xff, 0xfe, b'\n', b'\r', b'"', b'\\', b'{', b'[', b',',
];
/// Longest range that is moved.
const LONGEST: usize = 256;

/// Changes a few bytes, or a range.
pub fn change(text: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let Some(place) = range(text.len(), LONGEST, random) else {
        text.extend_from_slice(other);
        return;
    };
    match random.random_range(0..7) {
        0 => text[place.start] ^= 1 << random.random_range(0..8),
        1 => text[place.start] = random.random(),
        2 => text[place.start] = ODD_BYTES[random.random_range(0..ODD_BYTES.len())],
        3 => drop(text.drain(place)),
        4 => {
            let copied = text[place].to_vec();
            let at = random.random_range(0..=text.len());
            text.splice(at..at, copied);
        }
        5 => {
            if let Some(from) = range(other.len(), LONGEST, random) {
                text.splice(place, other[from].iter().copied());
            }
        }
        _ => text.truncate(place.start),
    }
}
