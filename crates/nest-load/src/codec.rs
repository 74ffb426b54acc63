//! What the load engine makes of the bytes of an HTTP/1.1 answer: its codec without a socket, for checks from outside.

use std::convert::Infallible;

use crate::http::decoder::{Decoder, Fed, Sink, Stopped};

/// An answer as the load engine reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadAnswer {
    /// Status, after any informational answers.
    pub status: u16,
    /// Header fields in the order in which they came.
    pub fields: Vec<(String, Vec<u8>)>,
    /// The body, out of its chunks.
    pub body: Vec<u8>,
    /// Whether the connection may carry another request.
    pub reusable: bool,
}

impl Sink for ReadAnswer {
    type Refusal = Infallible;

    fn head(&mut self, status: u16, headers: &[httparse::Header<'_>], _length: Option<u64>) -> Result<(), Infallible> {
        self.status = status;
        self.fields = headers.iter().map(|header| (header.name.to_owned(), header.value.to_vec())).collect();
        Ok(())
    }

    fn body(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.body.extend_from_slice(bytes);
        Ok(())
    }
}

/// Reads the answer to a GET, or to a HEAD, from everything that a connection brings until its peer closes, in the pieces in which
/// it comes. `None` where nothing comes at all. Bytes after the answer are left, but the connection cannot be used again.
///
/// # Errors
/// What the bytes are instead of an HTTP/1.1 answer.
///
/// ```
/// let pieces: [&[u8]; 2] = [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", b"lo"];
/// let answer = nest_load::codec::read_answer(pieces, false)?.ok_or("nothing came")?;
/// assert_eq!((answer.status, answer.body.as_slice(), answer.reusable), (200, &b"hello"[..], true));
/// # Ok::<(), String>(())
/// ```
pub fn read_answer<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, head_request: bool) -> Result<Option<ReadAnswer>, String> {
    let (mut decoder, mut answer) = (Decoder::new(head_request), ReadAnswer::default());
    let (mut pending, mut received) = (Vec::new(), false);
    let mut pieces = pieces.into_iter().filter(|piece| !piece.is_empty());
    while let Some(piece) = pieces.next() {
        received = true;
        pending.extend_from_slice(piece);
        match decoder.feed(&pending, &mut answer) {
            Ok(Fed::More { used }) => drop(pending.drain(..used)),
            Ok(Fed::Done { used, reusable }) => {
                answer.reusable = reusable && used == pending.len() && pieces.next().is_none();
                return Ok(Some(answer));
            }
            Err(Stopped::Malformed(malformed)) => return Err(malformed.to_string()),
            Err(Stopped::Refused(never)) => match never {},
        }
    }
    let complete = decoder.closed(received).map_err(|malformed| malformed.to_string())?;
    Ok(complete.then_some(answer))
}
