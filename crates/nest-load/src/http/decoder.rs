//! Reads one HTTP/1.1 answer out of bytes as they arrive. Pure: no socket, no clock.

use std::mem::MaybeUninit;

use super::framing::{
    Delimited, Framing, LONGEST_EXTENSIONS, LONGEST_HEAD, LONGEST_TRAILERS, MOST_FIELDS, MOST_INFORMATIONAL,
    Malformed, delimit,
};

/// What ends trailers.
const EMPTY_LINE: &[u8] = b"\r\n";

/// Takes what a [`Decoder`] finds. An error of the sink ends the answer.
pub trait Sink {
    /// What the sink refuses with.
    type Refusal;
    /// The head of the real answer, once. `length` is the body's if it is stated.
    fn head(
        &mut self,
        status: u16,
        headers: &[httparse::Header<'_>],
        length: Option<u64>,
    ) -> Result<(), Self::Refusal>;
    /// The next bytes of the body.
    fn body(&mut self, bytes: &[u8]) -> Result<(), Self::Refusal>;
}

/// How far an answer was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fed {
    /// All of the input that can be used was; the rest must come back with what follows.
    More {
        /// Bytes of the input that are used up.
        used: usize,
    },
    /// The answer is complete.
    Done {
        /// Bytes of the input that belong to it.
        used: usize,
        /// Whether the connection may carry another request.
        reusable: bool,
    },
}

/// Why an answer cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped<R> {
    /// It is not HTTP/1.1.
    Malformed(Malformed),
    /// The sink refused it.
    Refused(R),
}

impl<R> From<Malformed> for Stopped<R> {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// Reads one answer.
#[derive(Debug, Clone)]
pub struct Decoder {
    state: DecoderState,
    head_request: bool,
    reusable: bool,
    informational: u8,
    extensions: usize,
    trailers: Vec<u8>,
    head: Option<(usize, Head)>, // of the real answer, with the length of its bytes
}

/// What a head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    delimited: Delimited,
}

impl Head {
    /// Length of the body if it is stated.
    fn stated(self) -> Option<u64> {
        match self.delimited.framing {
            Framing::Length(length) => Some(length),
            Framing::Chunked | Framing::UntilClosed | Framing::Skip => None,
        }
    }
}

/// The last head of the answers to one request. Servers send the same bytes again and again, at least until
/// their clock moves on by a second, and the same bytes mean the same: they need not be parsed again.
#[derive(Debug, Default)]
pub struct KnownHead {
    bytes: Vec<u8>,
    head: Option<Head>,
    /// What it says of the type of the body, for whoever knows the head and does not read it.
    pub media_type: Option<&'static str>,
}

impl KnownHead {
    /// Remembers the head that `input` begins with, if the decoder has just read it from there.
    pub fn learn(&mut self, decoder: &Decoder, input: &[u8]) {
        self.head = None;
        if let Some((length, head)) = decoder.head
            && let Some(bytes) = input.get(..length)
            && decoder.informational == 0
        {
            self.bytes.clear();
            self.bytes.extend_from_slice(bytes);
            self.head = Some(head);
        }
    }

    /// What `input` begins with, if that is the head that is known.
    fn of(&self, input: &[u8]) -> Option<(usize, Head)> {
        let head = self.head?;
        input.starts_with(&self.bytes).then_some((self.bytes.len(), head))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DecoderState {
    Head,
    Length(u64),
    UntilClosed,
    Chunk(ChunkState),
    Done,
}

/// Where in a chunked body the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChunkState {
    SizeStart,
    Size(u64),
    SizeSpace(u64),
    Extension(u64),
    SizeNewline(u64),
    Data(u64),
    DataReturn,
    DataNewline,
    LineStart,
    Trailer,
    TrailerNewline,
    EndNewline,
}

impl Decoder {
    /// A decoder for the answer to a request; `head_request` says that it was a HEAD.
    pub fn new(head_request: bool) -> Self {
        Self {
            state: DecoderState::Head,
            head_request,
            reusable: false,
            informational: 0,
            extensions: 0,
            trailers: Vec::new(),
            head: None,
        }
    }

    /// Reads the beginning of an answer, after a head that may be known from an earlier one: of that, the
    /// sink is told the status and the length, and no field. `known` must be of answers to the same method.
    pub fn feed_known<S: Sink>(
        &mut self,
        input: &[u8],
        known: &KnownHead,
        sink: &mut S,
    ) -> Result<Option<Fed>, Stopped<S::Refusal>> {
        let Some((length, head)) = known
            .of(input)
            .filter(|_| self.state == DecoderState::Head && self.informational == 0)
        else {
            return Ok(None);
        };
        sink.head(head.status, &[], head.stated())
            .map_err(Stopped::Refused)?;
        self.begin(head.delimited);
        let fed = self.feed(&input[length..], sink)?;
        Ok(Some(match fed {
            Fed::More { used } => Fed::More { used: length + used },
            Fed::Done { used, reusable } => Fed::Done {
                used: length + used,
                reusable,
            },
        }))
    }

    fn begin(&mut self, delimited: Delimited) {
        self.reusable = delimited.reusable;
        self.state = match delimited.framing {
            Framing::Length(length) => after_length(length),
            Framing::Chunked => DecoderState::Chunk(ChunkState::SizeStart),
            Framing::UntilClosed | Framing::Skip => DecoderState::UntilClosed,
        };
    }

    /// Reads on. `input` begins with what the last call left unused.
    pub fn feed<S: Sink>(&mut self, input: &[u8], sink: &mut S) -> Result<Fed, Stopped<S::Refusal>> {
        let mut used = 0;
        loop {
            let rest = &input[used..];
            match self.state {
                DecoderState::Head => match self.head(rest, sink)? {
                    Some(length) => used += length,
                    None => return Ok(Fed::More { used }),
                },
                DecoderState::Done => {
                    return Ok(Fed::Done {
                        used,
                        reusable: self.reusable,
                    });
                }
                _ if rest.is_empty() => return Ok(Fed::More { used }),
                DecoderState::Length(left) => {
                    let take = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
                    sink.body(&rest[..take]).map_err(Stopped::Refused)?;
                    used += take;
                    self.state = after_length(left - take as u64);
                }
                DecoderState::UntilClosed => {
                    sink.body(rest).map_err(Stopped::Refused)?;
                    return Ok(Fed::More { used: input.len() });
                }
                DecoderState::Chunk(ChunkState::Data(left)) => {
                    let take = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
                    sink.body(&rest[..take]).map_err(Stopped::Refused)?;
                    used += take;
                    let left = left - take as u64;
                    self.state = DecoderState::Chunk(if left == 0 {
                        ChunkState::DataReturn
                    } else {
                        ChunkState::Data(left)
                    });
                }
                DecoderState::Chunk(state) => {
                    self.state = self.chunk_byte(state, rest[0])?;
                    used += 1;
                }
            }
        }
    }

    /// The peer has closed: the answer is complete only if that is its end. `false` where not a byte of it
    /// had come.
    pub fn closed(&self, received: bool) -> Result<bool, Malformed> {
        match self.state {
            DecoderState::Done | DecoderState::UntilClosed => Ok(true),
            DecoderState::Head if !received && self.informational == 0 => Ok(false),
            _ => Err(Malformed::Truncated),
        }
    }

    /// Reads a head; its length, or `None` if it is not complete.
    fn head<S: Sink>(&mut self, input: &[u8], sink: &mut S) -> Result<Option<usize>, Stopped<S::Refusal>> {
        let mut fields = [const { MaybeUninit::uninit() }; MOST_FIELDS];
        let mut response = httparse::Response::new(&mut []);
        // No more than that is looked at, so that a head is too long however it is cut.
        let head = &input[..input.len().min(LONGEST_HEAD)];
        let parsed = parser().parse_response_with_uninit_headers(&mut response, head, &mut fields);
        let length = match parsed.map_err(not_a_head)? {
            httparse::Status::Complete(length) => length,
            httparse::Status::Partial if head.len() == LONGEST_HEAD => return Err(Malformed::LongHead.into()),
            httparse::Status::Partial => return Ok(None),
        };
        let (Some(status), Some(version)) = (response.code, response.version) else {
            return Err(Malformed::Head(httparse::Error::Status).into());
        };
        if status < 100 {
            return Err(Malformed::Head(httparse::Error::Status).into());
        }
        if response.headers.iter().any(|header| is_folded(header.value)) {
            let values: Vec<_> = response
                .headers
                .iter()
                .map(|header| unfolded(header.value))
                .collect();
            let lines = response.headers.iter().zip(&values);
            let unfolded: Vec<_> = lines
                .map(|(header, value)| httparse::Header {
                    name: header.name,
                    value,
                })
                .collect();
            return self.take_head(status, version, &unfolded, length, sink);
        }
        self.take_head(status, version, response.headers, length, sink)
    }

    /// Takes a head that is `length` bytes long.
    fn take_head<S: Sink>(
        &mut self,
        status: u16,
        version: u8,
        headers: &[httparse::Header<'_>],
        length: usize,
        sink: &mut S,
    ) -> Result<Option<usize>, Stopped<S::Refusal>> {
        let delimited = delimit(status, version, headers, self.head_request)?;
        if delimited.framing == Framing::Skip {
            self.informational += 1;
            return if self.informational > MOST_INFORMATIONAL {
                Err(Malformed::Informational.into())
            } else {
                Ok(Some(length))
            };
        }
        let head = Head { status, delimited };
        sink.head(status, headers, head.stated())
            .map_err(Stopped::Refused)?;
        self.head = Some((length, head));
        self.begin(delimited);
        Ok(Some(length))
    }

    /// One byte of the lines around the data of chunks.
    fn chunk_byte(&mut self, state: ChunkState, byte: u8) -> Result<DecoderState, Malformed> {
        use ChunkState::{
            Data, DataNewline, DataReturn, EndNewline, Extension, LineStart, Size, SizeNewline, SizeSpace,
            SizeStart, Trailer, TrailerNewline,
        };
        let next = match (state, byte) {
            (SizeStart, byte) => Size(hex(byte).ok_or(Malformed::ChunkSize)?),
            (Size(size) | SizeSpace(size) | Extension(size), b'\r') => SizeNewline(size),
            (Size(size) | SizeSpace(size), b' ' | b'\t') => SizeSpace(size),
            (Size(size) | SizeSpace(size), b';') => Extension(size),
            (Size(size), byte) => {
                let digit = hex(byte).ok_or(Malformed::ChunkSize)?;
                Size(
                    size.checked_mul(16)
                        .and_then(|size| size.checked_add(digit))
                        .ok_or(Malformed::LongChunk)?,
                )
            }
            (Extension(size), byte) if byte != b'\n' => {
                if self.extensions == LONGEST_EXTENSIONS {
                    return Err(Malformed::LongExtensions);
                }
                self.extensions += 1;
                Extension(size)
            }
            (SizeNewline(0), b'\n') => LineStart,
            (SizeNewline(size), b'\n') => Data(size),
            (SizeSpace(_) | Extension(_) | SizeNewline(_), _) => return Err(Malformed::ChunkSize),
            (DataReturn, b'\r') => DataNewline,
            (DataNewline, b'\n') => SizeStart,
            (DataReturn | DataNewline | Data(_), _) => return Err(Malformed::ChunkEnd),
            (LineStart, b'\r') => EndNewline,
            (Trailer, b'\r') => {
                self.trailer_byte(byte)?;
                TrailerNewline
            }
            (LineStart | Trailer, byte) => {
                self.trailer_byte(byte)?;
                Trailer
            }
            (TrailerNewline, b'\n') => {
                self.trailer_byte(byte)?;
                LineStart
            }
            (EndNewline, b'\n') => return self.end_of_trailers(),
            (TrailerNewline | EndNewline, _) => return Err(Malformed::Trailers),
        };
        Ok(DecoderState::Chunk(next))
    }

    fn trailer_byte(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.trailers.len() + EMPTY_LINE.len() >= LONGEST_TRAILERS {
            return Err(Malformed::LongTrailers);
        }
        self.trailers.push(byte);
        Ok(())
    }

    fn end_of_trailers(&mut self) -> Result<DecoderState, Malformed> {
        if !self.trailers.is_empty() {
            self.trailers.extend_from_slice(EMPTY_LINE);
            // Lines of a chunked body end in CRLF, and a field is a line.
            let lines = memchr::memmem::find_iter(&self.trailers, b"\r\n").count() - 1;
            let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
            let fields = fields.get_mut(..lines).ok_or(Malformed::ManyTrailers)?;
            return match httparse::parse_headers(&self.trailers, fields) {
                Ok(httparse::Status::Complete(_)) => Ok(DecoderState::Done),
                _ => Err(Malformed::Trailers),
            };
        }
        Ok(DecoderState::Done)
    }
}

/// Reads heads as a client has to: a field may be folded over several lines (RFC 9112, section 5.2), and
/// blanks before its colon are no part of its name (section 5.1).
fn parser() -> httparse::ParserConfig {
    let mut parser = httparse::ParserConfig::default();
    parser
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true);
    parser
}

fn not_a_head(error: httparse::Error) -> Malformed {
    match error {
        httparse::Error::TooManyHeaders => Malformed::ManyFields,
        error => Malformed::Head(error),
    }
}

fn is_folded(value: &[u8]) -> bool {
    memchr::memchr(b'\n', value).is_some()
}

/// A value with a space for each fold, as RFC 9112, section 5.2 has it.
fn unfolded(value: &[u8]) -> Vec<u8> {
    let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(&b' ')
}

fn after_length(left: u64) -> DecoderState {
    if left == 0 {
        DecoderState::Done
    } else {
        DecoderState::Length(left)
    }
}

fn hex(byte: u8) -> Option<u64> {
    (byte as char).to_digit(16).map(u64::from)
}

#[cfg(test)]
mod tests;
