//! Bodies and framings against those of hyper's client.

use crate::{
    answers::{Answers, LONGEST_HEAD},
    cuts::Pieces,
    hyper_client::{self, Kept},
};

/// Answers that both clients read.
const COMPARED: usize = 50_000;

/// Where we mean to differ from hyper.
struct Difference {
    what: &'static str,
    /// Of RFC 9110.
    why: &'static str,
    /// The bytes as hyper takes them, which we must read as hyper reads the original. `None` where there is
    /// no such difference.
    as_hyper: fn(&[u8]) -> Option<Vec<u8>>,
}

type Outcome = Result<Kept, String>;

const DIFFERENCES: [Difference; 2] = [
    Difference {
        what: "more than 32 informational answers are refused, which hyper reads for ever",
        why: "section 15.2 sets no limit, but a load has to end",
        as_hyper: |bytes| {
            Some(after_informational(bytes))
                .filter(|(count, _)| *count > 32)
                .map(|(_, rest)| rest.to_vec())
        },
    },
    Difference {
        what: "Connection and Transfer-Encoding count where their line is not ASCII, which hyper takes for \
         an unknown word",
        why: "section 5.5: bytes beyond ASCII are opaque data, so that the words beside them keep their \
         meaning",
        as_hyper: |bytes| Some(without_words_beyond_ascii(bytes)).filter(|changed| changed != bytes),
    },
];

/// A share of answers that are read differently above which the table is too wide.
const MOST_DIFFERENT: f64 = 0.02;

#[test]
fn bodies_and_framings_agree_with_hyper() {
    let mut answers = Answers::new(1);
    let (mut accepted, mut reusable, mut different) = (0, 0, [0; DIFFERENCES.len()]);
    for number in 0..COMPARED {
        let (bytes, head_request) = (answers.answer(), answers.happens(0.15));
        let pieces = Pieces {
            rest: &bytes,
            seed: answers.number(),
            most: (bytes.len() / 24).max(*answers.one_of(&[&1, &7, &90, &4_000])),
        };
        let ours = ours(pieces.clone(), head_request);
        let hypers =
            hyper_client::read_answer(pieces.map(<[u8]>::to_vec).collect(), head_request, LONGEST_HEAD);
        accepted += usize::from(ours.is_ok());
        reusable += usize::from(ours.as_ref().is_ok_and(|kept| kept.reusable));
        if same(&ours, &hypers) {
            continue;
        }
        let mut as_hyper = bytes.clone();
        for (difference, count) in DIFFERENCES.iter().zip(&mut different) {
            if let Some(changed) = (difference.as_hyper)(&as_hyper) {
                (as_hyper, *count) = (changed, *count + 1);
            }
        }
        let meant = same(
            &self::ours(std::iter::once(as_hyper.as_slice()), head_request),
            &hypers,
        );
        assert!(
            meant,
            "answer {number} (HEAD: {head_request}):\n{}\nours:  {ours:?}\nhyper: {hypers:?}",
            bytes.escape_ascii()
        );
    }
    // A generator of nothing but errors, or of none, would prove little.
    assert!(
        accepted > COMPARED * 3 / 10 && accepted < COMPARED * 9 / 10 && reusable > COMPARED / 10,
        "{accepted} {reusable}"
    );
    for (difference, count) in DIFFERENCES.iter().zip(different) {
        assert!(
            count > 0,
            "no longer a difference: {} ({})",
            difference.what,
            difference.why
        );
    }
    assert!(
        (different.iter().sum::<usize>() as f64) < COMPARED as f64 * MOST_DIFFERENT,
        "{different:?}"
    );
}

fn ours<'a>(pieces: impl Iterator<Item = &'a [u8]>, head_request: bool) -> Outcome {
    let answer = nest_load::codec::read_answer(pieces, head_request)?.ok_or("nothing came")?;
    Ok(Kept {
        status: answer.status,
        body: answer.body,
        reusable: answer.reusable,
    })
}

/// Both refused, or the same accepted.
fn same(ours: &Outcome, hypers: &Outcome) -> bool {
    ours.as_ref().ok() == hypers.as_ref().ok()
}

/// The informational answers that bytes begin with, and the bytes after them.
fn after_informational(bytes: &[u8]) -> (usize, &[u8]) {
    let informational =
        |bytes: &[u8]| bytes.starts_with(b"HTTP/1.1 1") && !bytes.starts_with(b"HTTP/1.1 101");
    let (mut count, mut rest) = (0, bytes);
    while let Some(end) = rest
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .filter(|_| informational(rest))
    {
        (count, rest) = (count + 1, &rest[end + 4..]);
    }
    (count, rest)
}

/// Bytes with another word instead of the values of Connection and Transfer-Encoding that are not ASCII.
fn without_words_beyond_ascii(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        if !line.is_ascii()
            && (name.eq_ignore_ascii_case(b"connection") || name.eq_ignore_ascii_case(b"transfer-encoding"))
        {
            out.extend_from_slice(&[name, b": unknown\r\n"].concat());
        } else {
            out.extend_from_slice(line);
        }
    }
    out
}
