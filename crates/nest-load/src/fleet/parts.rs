//! Things that are longer than a message, in parts.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use super::message::PartData;

/// Bytes of a part: in base64 and with its keys it stays well within a message.
const PART_BYTES: usize = 256 << 10;
/// Most parts of one thing: 256 MiB.
const MOST_PARTS: usize = 1_024;

/// SHA-256, hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// How many parts something of so many bytes has: 1 or more.
pub fn parts_of(bytes: usize) -> usize {
    bytes.div_ceil(PART_BYTES).max(1)
}

/// One part; `None` if there are fewer.
pub fn part_of(bytes: &[u8], sha256: &str, part: usize) -> Option<PartData> {
    let of = parts_of(bytes.len());
    let from = part.checked_mul(PART_BYTES)?;
    let piece = bytes.get(from..(from + PART_BYTES).min(bytes.len()))?;
    (part < of).then(|| PartData {
        part,
        of,
        data: STANDARD.encode(piece),
        sha256: sha256.to_owned(),
    })
}

/// Whether something can be sent in parts at all.
pub fn fits(bytes: usize) -> bool {
    parts_of(bytes) <= MOST_PARTS
}

/// Puts parts together again.
#[derive(Debug, Default)]
pub struct Assembly {
    sha256: String,
    parts: Vec<Option<Vec<u8>>>,
}

/// Why a part is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// It is not what it says.
    #[error("part {part} of {of} is damaged")]
    Damaged {
        /// Its number.
        part: usize,
        /// How many there are.
        of: usize,
    },
    /// There are too many.
    #[error("{0} parts are more than the 1024 (256 MiB) that a worker takes")]
    TooMany(usize),
    /// The whole is not what it should be.
    #[error("the parts together do not have the SHA-256 that was announced")]
    Sum,
}

impl Assembly {
    /// Adds a part; the whole once all are there. A part that comes again is the same one.
    ///
    /// # Errors
    /// [`PartError`]; everything starts anew then.
    pub fn add(&mut self, part: &PartData) -> Result<Option<Vec<u8>>, PartError> {
        let added = self.try_add(part);
        if !matches!(added, Ok(None)) {
            *self = Self::default();
        }
        added
    }

    fn try_add(&mut self, part: &PartData) -> Result<Option<Vec<u8>>, PartError> {
        let PartData { part: number, of, .. } = *part;
        let damaged = PartError::Damaged { part: number, of };
        if of > MOST_PARTS {
            return Err(PartError::TooMany(of));
        }
        let bytes = STANDARD.decode(&part.data).map_err(|_| damaged.clone())?;
        if number >= of || bytes.len() > PART_BYTES {
            return Err(damaged);
        }
        if self.sha256 != part.sha256 || self.parts.len() != of {
            self.sha256.clone_from(&part.sha256);
            self.parts = vec![None; of];
        }
        self.parts[number] = Some(bytes);
        if !self.parts.iter().all(Option::is_some) {
            return Ok(None);
        }
        let whole: Vec<u8> = self.parts.drain(..).flatten().flatten().collect();
        if sha256(&whole) == self.sha256 {
            Ok(Some(whole))
        } else {
            Err(PartError::Sum)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(bytes: &[u8]) -> Vec<PartData> {
        let sum = sha256(bytes);
        (0..).map_while(|part| part_of(bytes, &sum, part)).collect()
    }

    #[test]
    fn the_digest_is_sha_256() {
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc"), abc);
    }

    #[test]
    fn parts_come_together_in_any_order_and_twice() {
        let bytes: Vec<u8> = (0..PART_BYTES * 2 + 7).map(|index| (index % 251) as u8).collect();
        let parts = parts(&bytes);
        assert_eq!((parts.len(), parts_of(bytes.len())), (3, 3));
        let mut assembly = Assembly::default();
        for part in [&parts[2], &parts[0], &parts[2]] {
            assert_eq!(assembly.add(part), Ok(None));
        }
        assert_eq!(assembly.add(&parts[1]), Ok(Some(bytes)));
    }

    #[test]
    fn nothing_is_one_empty_part() {
        let parts = parts(b"");
        assert_eq!(parts.len(), 1);
        assert_eq!(Assembly::default().add(&parts[0]), Ok(Some(Vec::new())));
    }

    #[test]
    fn damaged_and_endless_things_are_refused() {
        let good = parts(b"abc").remove(0);
        let refused = |change: &dyn Fn(&mut PartData)| {
            let mut part = good.clone();
            change(&mut part);
            Assembly::default().add(&part)
        };
        assert_eq!(refused(&|part| part.of = 8_192), Err(PartError::TooMany(8_192)));
        assert_eq!(
            refused(&|part| part.data = "YWJk".to_owned()),
            Err(PartError::Sum)
        );
        for change in [
            &(|part: &mut PartData| part.part = 1) as &dyn Fn(&mut PartData),
            &|part| part.data = "%".to_owned(),
            &|part| part.data = STANDARD.encode(vec![0; PART_BYTES + 1]),
        ] {
            assert!(matches!(refused(change), Err(PartError::Damaged { .. })));
        }
    }
}
