//! What the load engine makes of the bytes of an HTTP/1.1 answer: its codec without a socket, for checks from
//! outside.

use std::convert::Infallible;

use crate::http::decoder::{Decoder, Fed, KnownHead, Sink, Stopped};

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

    fn head(
        &mut self,
        status: u16,
        headers: &[httparse::Header<'_>],
        _length: Option<u64>,
    ) -> Result<(), Infallible> {
        self.status = status;
        self.fields = headers
            .iter()
            .map(|header| (header.name.to_owned(), header.value.to_vec()))
            .collect();
        Ok(())
    }

    fn body(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.body.extend_from_slice(bytes);
        Ok(())
    }
}

/// Reads answers to one request, and like the engine remembers the head of the last one, so as not to parse
/// the same bytes again.
#[derive(Debug, Default)]
pub struct AnswerReader {
    head_request: bool,
    known: KnownHead,
}

impl AnswerReader {
    /// A reader of answers to a HEAD, or to a GET.
    #[must_use]
    pub fn new(head_request: bool) -> Self {
        Self {
            head_request,
            known: KnownHead::default(),
        }
    }

    /// Reads an answer from everything that a connection brings until its peer closes, in the pieces in which
    /// it comes. `None` if nothing comes at all. Bytes after the answer are left, but the connection
    /// cannot be used again. Of a head that is known there are no fields.
    ///
    /// # Errors
    /// What the bytes are instead of an HTTP/1.1 answer.
    pub fn read<'a>(
        &mut self,
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Option<ReadAnswer>, String> {
        let (mut decoder, mut answer) = (Decoder::new(self.head_request), ReadAnswer::default());
        let (mut pending, mut received) = (Vec::new(), false);
        let mut pieces = pieces.into_iter().filter(|piece| !piece.is_empty());
        while let Some(piece) = pieces.next() {
            pending.extend_from_slice(piece);
            let fed = if received {
                decoder.feed(&pending, &mut answer)
            } else {
                self.begin(&mut decoder, piece, &mut answer)
            };
            received = true;
            match fed {
                Ok(Fed::More { used }) => drop(pending.drain(..used)),
                Ok(Fed::Done { used, reusable }) => {
                    answer.reusable = reusable && used == pending.len() && pieces.next().is_none();
                    return Ok(Some(answer));
                }
                Err(Stopped::Malformed(malformed)) => return Err(malformed.to_string()),
                Err(Stopped::Refused(never)) => match never {},
            }
        }
        let complete = decoder
            .closed(received)
            .map_err(|malformed| malformed.to_string())?;
        Ok(complete.then_some(answer))
    }

    /// Reads the first piece, which may begin with the head that is known.
    fn begin(
        &mut self,
        decoder: &mut Decoder,
        piece: &[u8],
        answer: &mut ReadAnswer,
    ) -> Result<Fed, Stopped<Infallible>> {
        if let Some(fed) = decoder.feed_known(piece, &self.known, answer)? {
            return Ok(fed);
        }
        let fed = decoder.feed(piece, answer)?;
        self.known.learn(decoder, piece);
        Ok(fed)
    }
}

/// Reads one answer as [`AnswerReader::read`] does.
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
pub fn read_answer<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    head_request: bool,
) -> Result<Option<ReadAnswer>, String> {
    AnswerReader::new(head_request).read(pieces)
}
