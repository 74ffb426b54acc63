//! Where the body of an answer ends, and whether its connection may carry another request: RFC 9112, sections
//! 6.3 and 9.3.

/// Longest head in bytes.
pub const LONGEST_HEAD: usize = 64 << 10;
/// Most fields of one head, or of the trailers.
pub const MOST_FIELDS: usize = 100;
/// Most informational answers before the real one.
pub const MOST_INFORMATIONAL: u8 = 32;
/// Longest trailers in bytes, with the empty line after them: below the longest head, as in hyper.
pub const LONGEST_TRAILERS: usize = LONGEST_HEAD - 1;
/// Longest extensions of all chunks of a body, in bytes: they say nothing that is used. As in hyper, below 16
/// KiB.
pub const LONGEST_EXTENSIONS: usize = (16 << 10) - 1;

/// Why bytes are not an HTTP/1.1 answer, or which limit they pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("the head is not HTTP: {0}")]
    Head(httparse::Error),
    #[error("the head is longer than {LONGEST_HEAD} bytes, which is the limit")]
    LongHead,
    #[error("the head has more than {MOST_FIELDS} fields, which is the limit")]
    ManyFields,
    #[error("the content length is not a number below 2^64, or contradicts itself")]
    ContentLength,
    #[error("an HTTP/1.0 answer cannot have a transfer encoding")]
    TransferEncodingInHttp10,
    #[error(
        "more than {MOST_INFORMATIONAL} informational answers came before the real one, which is the limit"
    )]
    Informational,
    #[error("a chunk has no valid size")]
    ChunkSize,
    #[error("a chunk is longer than 2^64 - 1 bytes, which is the limit")]
    LongChunk,
    #[error("the chunks have extensions of more than {LONGEST_EXTENSIONS} bytes, which is the limit")]
    LongExtensions,
    #[error("a chunk does not end where its size says")]
    ChunkEnd,
    #[error("the trailers are not valid")]
    Trailers,
    #[error("the trailers are longer than {LONGEST_TRAILERS} bytes, which is the limit")]
    LongTrailers,
    #[error("the trailers have more than {MOST_FIELDS} fields, which is the limit")]
    ManyTrailers,
    #[error("the connection ended inside the answer")]
    Truncated,
}

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// The answer was informational; another head follows.
    Skip,
    /// This many bytes.
    Length(u64),
    /// Chunks, each with its size before it.
    Chunked,
    /// Everything until the peer closes.
    UntilClosed,
}

/// What the head of an answer says about its body and its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimited {
    pub framing: Framing,
    /// Whether the connection may carry another request once the body has ended.
    pub reusable: bool,
}

/// Reads framing and keep-alive from a parsed head. `head_request` says that the request was a HEAD.
pub fn delimit(
    status: u16,
    minor_version: u8,
    headers: &[httparse::Header<'_>],
    head_request: bool,
) -> Result<Delimited, Malformed> {
    let fields = Fields::of(headers);
    let reusable = if fields.close {
        false
    } else {
        minor_version == 1 || fields.keep_alive
    };
    let done = |framing| {
        Ok(Delimited {
            framing,
            reusable: reusable && framing != Framing::UntilClosed,
        })
    };
    match status {
        // The connection speaks another protocol from here on.
        101 => {
            return Ok(Delimited {
                framing: Framing::Length(0),
                reusable: false,
            });
        }
        100..=199 => return done(Framing::Skip),
        204 | 304 => return done(Framing::Length(0)),
        _ if head_request => return done(Framing::Length(0)),
        _ => {}
    }
    match fields.coding {
        // A length matters only here, so that a wrong one does no harm anywhere else.
        Coding::None if fields.bad_length => Err(Malformed::ContentLength),
        Coding::None => done(fields.length.map_or(Framing::UntilClosed, Framing::Length)),
        _ if minor_version == 0 => Err(Malformed::TransferEncodingInHttp10),
        Coding::Chunked => done(Framing::Chunked),
        Coding::Other => done(Framing::UntilClosed),
    }
}

/// The fields that matter, over all lines of a head.
#[derive(Default)]
struct Fields {
    length: Option<u64>,
    bad_length: bool,
    coding: Coding,
    close: bool,
    keep_alive: bool,
}

#[derive(Default, PartialEq)]
enum Coding {
    #[default]
    None,
    Chunked,
    Other,
}

impl Fields {
    fn of(headers: &[httparse::Header<'_>]) -> Self {
        let mut fields = Self::default();
        for header in headers {
            // The length of a name tells most of the others apart without comparing them.
            match header.name.len() {
                10 if header.name.eq_ignore_ascii_case("connection") => {
                    // Nearly always it is one word.
                    if header.value == b"keep-alive" {
                        fields.keep_alive = true;
                    } else {
                        fields.close |= has_token(header.value, b"close");
                        fields.keep_alive |= has_token(header.value, b"keep-alive");
                    }
                }
                14 if header.name.eq_ignore_ascii_case("content-length") => {
                    fields.bad_length |= fields.add_length(header.value).is_none()
                }
                17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                    // Chunked must be the last coding, or the end of the body is the end of the connection.
                    let last = header
                        .value
                        .rsplit(|byte| *byte == b',')
                        .next()
                        .unwrap_or_default();
                    fields.coding = if last.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                        Coding::Chunked
                    } else {
                        Coding::Other
                    };
                }
                _ => {}
            }
        }
        fields
    }

    /// Takes a length field, which may be a list of equal numbers. `None` if it is none or contradicts an
    /// earlier one.
    fn add_length(&mut self, value: &[u8]) -> Option<()> {
        // Nearly always it is one number.
        if let Some(number) = digits(value) {
            return self.add_number(number);
        }
        value
            .split(|byte| *byte == b',')
            .try_for_each(|part| self.add_number(digits(part.trim_ascii())?))
    }

    fn add_number(&mut self, number: u64) -> Option<()> {
        (*self.length.get_or_insert(number) == number).then_some(())
    }
}

fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

fn has_token(value: &[u8], token: &[u8]) -> bool {
    value
        .split(|byte| *byte == b',')
        .any(|part| part.trim_ascii().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(
        status: u16,
        minor: u8,
        fields: &[(&str, &str)],
        head_request: bool,
    ) -> Result<(Framing, bool), Malformed> {
        let headers: Vec<httparse::Header<'_>> = fields
            .iter()
            .map(|(name, value)| httparse::Header {
                name,
                value: value.as_bytes(),
            })
            .collect();
        delimit(status, minor, &headers, head_request)
            .map(|delimited| (delimited.framing, delimited.reusable))
    }

    #[test]
    fn the_end_of_a_body_follows_the_order_of_rfc_9112() {
        assert_eq!(
            of(200, 1, &[("Content-Length", "5")], false),
            Ok((Framing::Length(5), true))
        );
        assert_eq!(
            of(
                200,
                1,
                &[("Content-Length", "5, 5"), ("content-length", "5")],
                false
            ),
            Ok((Framing::Length(5), true))
        );
        assert_eq!(
            of(
                200,
                1,
                &[("Transfer-Encoding", "gzip, Chunked"), ("Content-Length", "x")],
                false
            ),
            Ok((Framing::Chunked, true))
        );
        assert_eq!(
            of(200, 1, &[("Transfer-Encoding", "chunked, gzip")], false),
            Ok((Framing::UntilClosed, false))
        );
        assert_eq!(of(200, 1, &[], false), Ok((Framing::UntilClosed, false)));
        for (status, head) in [(204, false), (304, false), (200, true)] {
            for value in ["5", "x"] {
                assert_eq!(
                    of(status, 1, &[("Content-Length", value)], head),
                    Ok((Framing::Length(0), true)),
                    "{status} {head} {value}"
                );
            }
        }
        assert_eq!(of(100, 1, &[], false), Ok((Framing::Skip, true)));
        assert_eq!(of(101, 1, &[], false), Ok((Framing::Length(0), false)));
    }

    #[test]
    fn a_length_that_is_none_or_contradicts_itself_is_malformed() {
        for value in ["", "x", "-1", "+1", "1,2", "18446744073709551616", "1 2"] {
            assert_eq!(
                of(200, 1, &[("Content-Length", value)], false),
                Err(Malformed::ContentLength),
                "{value}"
            );
        }
        assert_eq!(
            of(200, 0, &[("Transfer-Encoding", "chunked")], false),
            Err(Malformed::TransferEncodingInHttp10)
        );
    }

    #[test]
    fn a_connection_is_kept_as_its_version_and_fields_say() {
        let kept =
            |minor, value| of(204, minor, &[("Connection", value)], false).map(|(_, reusable)| reusable);
        assert_eq!(
            (kept(1, ""), kept(1, "close"), kept(1, "Upgrade, Close")),
            (Ok(true), Ok(false), Ok(false))
        );
        assert_eq!(
            (kept(0, ""), kept(0, "Keep-Alive"), kept(0, "keep-alive, close")),
            (Ok(false), Ok(true), Ok(false))
        );
    }
}
