//! Content codings of answers: RFC 9110, section 8.4. A body is decoded only if something looks at it.

use std::io::{self, Read};

use flate2::{Decompress, FlushDecompress, Status, bufread::GzDecoder};

/// Most codings of one answer, one over the other. Nobody needs more than two; curl stops at five as well.
const MOST_CODINGS: usize = 5;
/// Room that is made at once for decoded bytes.
const STEP: usize = 32 << 10;
/// What a gzip member begins with: RFC 1952, section 2.3.1.
const GZIP: [u8; 2] = [0x1F, 0x8B];

/// Why a body cannot be looked at.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    #[error(
        "the answer is compressed with {0}, which locust-nest cannot read (it reads gzip, br, zstd and \
         deflate), so nothing could look at its body"
    )]
    Unknown(&'static str),
    #[error(
        "the answer says that it is compressed with {coding}, but its {bytes} bytes are damaged, cut off or \
         something else, so nothing could look at its body"
    )]
    Damaged { coding: &'static str, bytes: usize },
    #[error("the answer is compressed {0} times over, and {MOST_CODINGS} is the limit")]
    TooMany(usize),
    #[error(
        "the answer's body is longer than {most} bytes once it is decompressed, which is the limit \
         (`longest_body`)"
    )]
    TooLong { most: u64 },
}

impl Unread {
    /// The kind of failure.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "answer too long",
            _ => "encoding",
        }
    }
}

/// The body behind the codings that an answer names in its `Content-Encoding`, in the order in which they
/// were applied, of `most` bytes at most. An empty body stays empty, as that of an answer to HEAD.
///
/// # Errors
/// A coding that is not known, or a body that is not what it says.
pub fn decoded(codings: &str, body: &[u8], most: u64) -> Result<Vec<u8>, Unread> {
    match undo_all(codings, body, most) {
        (bytes, None) => Ok(bytes),
        (_, Some(unread)) => Err(unread),
    }
}

/// As much as can be read of the start of a body that may have been cut off; nothing if that is nothing.
pub fn start_of(codings: &str, body: &[u8], most: u64) -> Vec<u8> {
    undo_all(codings, body, most).0
}

/// What was read, and why not all of it.
fn undo_all(codings: &str, body: &[u8], most: u64) -> (Vec<u8>, Option<Unread>) {
    let is_coding = |name: &&str| !name.is_empty() && !name.eq_ignore_ascii_case("identity");
    let names: Vec<&str> = codings.split(',').map(str::trim).filter(is_coding).collect();
    if names.len() > MOST_CODINGS {
        return (Vec::new(), Some(Unread::TooMany(names.len())));
    }
    let (mut current, mut problem) = (body.to_vec(), None);
    for name in names.into_iter().rev().filter(|_| !body.is_empty()) {
        let mut out = Vec::new();
        if let Err(unread) = undo(name, &current, most, &mut out) {
            problem.get_or_insert(unread);
        }
        current = out;
    }
    (current, problem)
}

/// Undoes one coding. What was read before a trouble stays in `out`.
fn undo(name: &str, body: &[u8], most: u64, out: &mut Vec<u8>) -> Result<(), Unread> {
    let outcome = match name.to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => gunzip(body, most, out),
        "deflate" => inflate_either(body, most, out),
        "br" => read_all(brotli_decompressor::Decompressor::new(body, 4 << 10), most, out),
        "zstd" => {
            zstd::stream::read::Decoder::with_buffer(body).and_then(|decoder| read_all(decoder, most, out))
        }
        unknown => return Err(Unread::Unknown(registered(unknown))),
    };
    if out.len() as u64 > most {
        out.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        return Err(Unread::TooLong { most });
    }
    outcome.map_err(|_| Unread::Damaged {
        coding: registered(&name.to_ascii_lowercase()),
        bytes: body.len(),
    })
}

/// The name of a coding, if it is a registered one: what a target makes up could be anything. IANA, "HTTP
/// Content Coding Registry".
fn registered(name: &str) -> &'static str {
    let known = [
        "gzip",
        "x-gzip",
        "deflate",
        "br",
        "zstd",
        "compress",
        "x-compress",
        "identity",
        "aes128gcm",
        "dcb",
        "dcz",
        "exi",
        "pack200-gzip",
        "bzip2",
        "xz",
        "lzma",
        "snappy",
        "lz4",
    ];
    known
        .into_iter()
        .find(|known| *known == name)
        .unwrap_or("a coding that is not registered")
}

/// Reads to the end, or to one byte more than there may be.
fn read_all(reader: impl Read, most: u64, out: &mut Vec<u8>) -> io::Result<()> {
    let left = most.saturating_sub(out.len() as u64).saturating_add(1);
    reader.take(left).read_to_end(out).map(drop)
}

/// One gzip member after the other; what follows them and is none is ignored, as browsers do.
fn gunzip(body: &[u8], most: u64, out: &mut Vec<u8>) -> io::Result<()> {
    let mut rest = body;
    loop {
        let mut member = GzDecoder::new(rest);
        read_all(&mut member, most, out)?;
        rest = member.into_inner();
        if out.len() as u64 > most || !rest.starts_with(&GZIP) {
            return Ok(());
        }
    }
}

/// `deflate` means zlib (RFC 9110, section 8.4.1.2); some servers send the bare stream of RFC 1951.
fn inflate_either(body: &[u8], most: u64, out: &mut Vec<u8>) -> io::Result<()> {
    if inflate(Decompress::new(true), body, most, out).is_ok() {
        return Ok(());
    }
    let mut bare = Vec::new();
    let outcome = inflate(Decompress::new(false), body, most, &mut bare);
    if outcome.is_ok() || bare.len() > out.len() {
        *out = bare;
    }
    outcome
}

/// A stream that has no end is damaged, which flate2's readers do not tell.
fn inflate(mut stream: Decompress, body: &[u8], most: u64, out: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let before = (stream.total_in(), out.len());
        out.reserve(STEP);
        let rest = body.get(before.0 as usize..).unwrap_or_default();
        let status = stream.decompress_vec(rest, out, FlushDecompress::None)?;
        if status == Status::StreamEnd || out.len() as u64 > most {
            return Ok(());
        }
        if (stream.total_in(), out.len()) == before {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::*;

    const TEXT: &str = "{\"token\":\"t-1\"}";
    /// TEXT as compressed by `gzip -9n`, `brotli`, `zstd`, and Python's `zlib.compress` with and without
    /// its header.
    const GZIPPED: &str = "H4sIAAAAAAACA6tWKsnPTs1TslIq0TVUqgUANWzh3A8AAAA=";
    const BROTLI: &str = "CweAeyJ0b2tlbiI6InQtMSJ9Aw==";
    const ZSTD: &str = "KLUv/QRYeQAAeyJ0b2tlbiI6InQtMSJ9A2/Cjw==";
    const ZLIB: &str = "eNqrVirJz07NU7JSKtE1VKoFAChfBK4=";
    const BARE: &str = "q1Yqyc9OzVOyUirRNVSqBQA=";
    /// gzip over brotli.
    const TWICE: &str = "H4sIAAAAAAACA+Nmb6hWKsnPTs1TslIq0TVUqmUGAOJDgtoTAAAA";

    fn bytes(text: &str) -> Vec<u8> {
        BASE64_STANDARD.decode(text).expect("base64")
    }

    #[test]
    fn every_coding_gives_the_body_back() {
        for (codings, body) in [
            ("gzip", GZIPPED),
            ("X-GZip", GZIPPED),
            ("br", BROTLI),
            ("zstd", ZSTD),
            ("deflate", ZLIB),
            ("deflate", BARE),
            ("br, gzip", TWICE),
            (" identity ,,GZIP", GZIPPED),
        ] {
            assert_eq!(decoded(codings, &bytes(body), 100), Ok(TEXT.into()), "{codings}");
        }
        assert_eq!(decoded("identity", b"as it is", 100), Ok(b"as it is".into()));
        assert_eq!(
            decoded("gzip", b"", 100),
            Ok(Vec::new()),
            "as the answer to a HEAD"
        );
    }

    #[test]
    fn a_body_that_is_cut_or_something_else_is_never_read() {
        for (coding, body) in [
            ("gzip", GZIPPED),
            ("br", BROTLI),
            ("zstd", ZSTD),
            ("deflate", ZLIB),
            ("deflate", BARE),
        ] {
            let whole = bytes(body);
            for length in 1..whole.len() {
                let outcome = decoded(coding, &whole[..length], 100);
                assert_eq!(
                    outcome.map_err(|unread| unread.kind()),
                    Err("encoding"),
                    "{coding} {length}"
                );
            }
            let plain = decoded(coding, TEXT.as_bytes(), 100);
            assert!(
                matches!(plain, Err(Unread::Damaged { .. })),
                "{coding}: {plain:?}"
            );
        }
        let mut wrong_sum = bytes(GZIPPED);
        let place = wrong_sum.len() - 6;
        wrong_sum[place] ^= 1;
        assert!(decoded("gzip", &wrong_sum, 100).is_err());
    }

    #[test]
    fn an_unknown_coding_is_named_and_a_bomb_meets_its_limit() {
        assert_eq!(decoded("compress", b"x", 9), Err(Unread::Unknown("compress")));
        assert_eq!(
            decoded("gzip,".repeat(6).as_str(), b"x", 9),
            Err(Unread::TooMany(6))
        );
        let exact = TEXT.len() as u64;
        for (coding, body) in [
            ("gzip", GZIPPED),
            ("br", BROTLI),
            ("zstd", ZSTD),
            ("deflate", ZLIB),
            ("deflate", BARE),
        ] {
            assert_eq!(decoded(coding, &bytes(body), exact), Ok(TEXT.into()), "{coding}");
            let most = exact - 1;
            assert_eq!(
                decoded(coding, &bytes(body), most),
                Err(Unread::TooLong { most }),
                "{coding}"
            );
        }
    }

    #[test]
    fn members_follow_one_another_and_padding_is_ignored() {
        let twice = [bytes(GZIPPED), bytes(GZIPPED)].concat();
        assert_eq!(decoded("gzip", &twice, 100), Ok(TEXT.repeat(2).into()));
        let padded = [bytes(GZIPPED), vec![0; 16]].concat();
        assert_eq!(decoded("gzip", &padded, 100), Ok(TEXT.into()));
    }

    #[test]
    fn the_start_of_a_cut_body_can_be_shown() {
        let whole = bytes(GZIPPED);
        assert_eq!(start_of("gzip", &whole[..whole.len() - 8], 100), TEXT.as_bytes());
        assert_eq!(start_of("gzip", &whole, 4), &TEXT.as_bytes()[..4]);
        assert_eq!(start_of("compress", &whole, 100), b"");
    }
}
