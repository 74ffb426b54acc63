//! What must hold of any bytes at all that come as an answer. The fuzz target and the tests share it.

use nest_load::codec::{AnswerReader, ReadAnswer, read_answer};

/// Up to this length bytes are also fed one by one; a head is read again with each of them.
const LONGEST_BYTE_BY_BYTE: usize = 256;

type Read = Result<Option<ReadAnswer>, String>;

/// Panics unless reading `bytes` ends, gives the same however they are cut, and what follows from RFC 9112;
/// returns what a GET makes of them.
pub fn check(bytes: &[u8]) -> Read {
    let after_head = same_for_any_cut(bytes, true);
    if let Ok(Some(answer)) = &after_head {
        assert!(answer.body.is_empty(), "an answer to HEAD has no body");
    }
    let after_get = same_for_any_cut(bytes, false);
    match &after_get {
        Ok(None) => assert!(bytes.is_empty(), "{} bytes are nothing", bytes.len()),
        Ok(Some(answer)) => sound(bytes, answer),
        Err(_) => {}
    }
    after_get
}

fn sound(bytes: &[u8], answer: &ReadAnswer) {
    assert!((100..1000).contains(&answer.status), "{}", answer.status);
    assert!(answer.body.len() < bytes.len(), "more body than bytes");
    if answer.reusable {
        let more = read_answer([bytes, b"H"], false);
        assert_eq!(
            more,
            Ok(Some(ReadAnswer {
                reusable: false,
                ..answer.clone()
            })),
            "a byte after the answer changes it"
        );
        assert!(
            read_answer([&bytes[..bytes.len() - 1]], false).is_err(),
            "the answer is complete without its last byte"
        );
    }
}

fn same_for_any_cut(bytes: &[u8], head_request: bool) -> Read {
    let whole = read_answer([bytes], head_request);
    if bytes.len() <= LONGEST_BYTE_BY_BYTE {
        assert_eq!(
            read_answer(bytes.chunks(1), head_request),
            whole,
            "byte by byte, HEAD: {head_request}"
        );
    }
    let seed = hash(bytes);
    for (seed, most) in [(seed, 4), (!seed, 32)] {
        let most = most.max(bytes.len() / 32);
        assert_eq!(
            read_answer(
                Pieces {
                    rest: bytes,
                    seed,
                    most
                },
                head_request
            ),
            whole,
            "in pieces of up to {most}, HEAD: {head_request}"
        );
    }
    same_for_a_known_head(bytes, head_request, &whole);
    whole
}

/// An answer whose head is known from an earlier one, by the same bytes or by a part of them, is the same but
/// for the fields.
fn same_for_a_known_head(bytes: &[u8], head_request: bool, whole: &Read) {
    let without_fields = |read: Read| {
        read.map(|answer| {
            answer.map(|answer| ReadAnswer {
                fields: Vec::new(),
                ..answer
            })
        })
    };
    let cut = hash(bytes) as usize % (bytes.len() + 1);
    let mut reader = AnswerReader::new(head_request);
    let _ = reader.read([&bytes[..cut]]);
    for pieces in [vec![bytes], vec![&bytes[..cut], &bytes[cut..]], vec![bytes]] {
        assert_eq!(
            without_fields(reader.read(pieces)),
            without_fields(whole.clone()),
            "after a known head, HEAD: {head_request}"
        );
    }
}

/// Cuts of `rest` into pieces of 1 to `most` bytes.
#[derive(Debug, Clone)]
pub struct Pieces<'a> {
    /// What is not cut yet.
    pub rest: &'a [u8],
    /// Decides the cuts.
    pub seed: u64,
    /// Longest piece.
    pub most: usize,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        // Knuth's linear congruential generator; its upper bits are the random ones.
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let length = 1 + (self.seed >> 33) as usize % self.most;
        let (piece, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        (!piece.is_empty()).then_some(piece)
    }
}

/// FNV-1a: other bytes are cut elsewhere.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
