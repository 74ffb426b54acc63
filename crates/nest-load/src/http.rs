//! HTTP as a customer speaks it: its own connection, its own cookies.
//!
//! - `decoder`, `framing`: HTTP/1.1 answers out of bytes (pure)
//! - `connection`: the fast path, one HTTP/1.1 connection over TCP or TLS
//! - `http2`: the same over HTTP/2, by hyper
//! - `compat`: what neither does (multipart bodies, proxies, redirects to other hosts), by reqwest
//! - `loss`, `socket`: what a connection that ended means for its request
//! - `encoding`, `media_type`: content codings and types of bodies; `kept_bodies`: how much is in memory
//! - `cookies`, `tls`, `origin`: what they share

pub mod codec;
pub mod compat;
pub mod connection;
pub mod cookies;
pub mod decoder;
pub mod encoding;
pub mod fetch;
mod framing;
pub mod http2;
pub mod kept_bodies;
pub mod loss;
mod media_type;
pub mod origin;
mod socket;
pub mod tls;

use std::cell::Cell;

use kept_bodies::{KeptBodies, KeptBody};

/// How the generator names itself to the target.
pub const USER_AGENT: &str = concat!("locust-nest/", env!("CARGO_PKG_VERSION"));

/// An answer, read to its last byte.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct HttpAnswer {
    pub status: u16,
    pub bytes: u64,  // of status line, headers and body as they came
    pub length: u64, // of the body as it came, also of what of it was not wanted
    /// Nothing of an answer at which nothing looks. On the heap, as an answer is handed on from call to call.
    pub kept: Option<Box<KeptParts>>,
}

/// What is kept of an answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct KeptParts {
    pub body: Vec<u8>,                    // as much of it as was wanted
    pub fields: Vec<Option<String>>,      // the wanted header fields, in the order in which they were wanted
    pub media_type: Option<&'static str>, // of the body
    pub codings: String,                  // of the body, as the answer names them; empty if it is plain
}

impl HttpAnswer {
    /// What is kept of the body.
    pub fn body(&self) -> &[u8] {
        self.kept.as_ref().map_or(&[], |kept| &kept.body)
    }

    /// The wanted header fields.
    pub fn fields(&self) -> &[Option<String>] {
        self.kept.as_ref().map_or(&[], |kept| &kept.fields)
    }

    /// What is known of the type of a body that is kept.
    pub fn media_type(&self) -> Option<&'static str> {
        self.kept.as_ref().and_then(|kept| kept.media_type)
    }

    /// Notes the type of the body.
    pub fn set_media_type(&mut self, media_type: Option<&'static str>) {
        if media_type.is_some() || self.kept.is_some() {
            self.kept_mut().media_type = media_type;
        }
    }

    fn kept_mut(&mut self) -> &mut KeptParts {
        self.kept.get_or_insert_default()
    }
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub struct NoAnswer {
    /// `connect`, `tls`, `timeout`, `lost`, `closed`, `unprocessed`, `malformed`, `body`, `request`,
    /// `local`, `memory`, `held` or `transport`.
    pub kind: &'static str,
    pub reason: String,
}

impl NoAnswer {
    /// The kind of failures that are the generator's own: no descriptors or ports left.
    pub const LOCAL: &'static str = "local";
    /// The kind of failures to open a connection.
    pub const CONNECT: &'static str = "connect";
    /// The kind of answers that did not come in time.
    pub const TIMEOUT: &'static str = "timeout";
    /// The kind of handshakes that failed.
    pub const TLS: &'static str = "tls";
    /// The kind of connections that the target ended after it had taken a request.
    pub const LOST: &'static str = "lost";
    /// The kind of requests that met an idle connection which the target had closed.
    pub const CLOSED: &'static str = "closed";
    /// The kind of requests that the target did not begin with, however often they were sent.
    pub const UNPROCESSED: &'static str = "unprocessed";
    /// The kind of answers for which the generator has no room.
    pub const MEMORY: &'static str = "memory";
    /// The kind of requests that the bound of requests per second held back for too long.
    pub const HELD: &'static str = "held";

    /// A reason with its kind.
    pub fn new(kind: &'static str, reason: impl ToString) -> Self {
        Self {
            kind,
            reason: reason.to_string(),
        }
    }
}

/// What has come of an answer, for whoever gives up waiting for the rest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Arrived {
    pub status: u16, // 0 as long as the head is not complete
    pub bytes: u64,
}

/// What of an answer is wanted.
#[derive(Debug, Clone, Copy)]
pub struct WantedAnswer<'a> {
    /// Whether something looks at the body of an answer that is accepted.
    pub body: bool,
    /// Longest body that is read, in bytes; a longer one fails the request.
    pub longest_body: u64,
    /// Header fields to keep, in lower case.
    pub fields: &'a [String],
    /// Statuses that are accepted. The start of the body of any other is kept, for the reader of the failure.
    pub expect: &'a nest_data::behaviour::Expect,
    /// What bodies that are kept whole count towards.
    pub bodies: Option<&'a KeptBodies>,
}

/// How much of the body of an answer that is not accepted is kept, in bytes.
pub const KEPT_OF_REFUSED: usize = 8_192;

/// Collects what is wanted of an answer as it comes in, whatever protocol brings it.
pub struct Receiver<'a> {
    pub answer: HttpAnswer,
    wanted: WantedAnswer<'a>,
    keep: usize,
    /// Whether a field was of any use.
    pub used_fields: bool,
    cookies: &'a mut cookies::Jar,
    host: &'a str,
    path: Option<&'a str>,
    unplaced: Vec<Vec<u8>>, // cookies that wait for the path
    body: KeptBody<'a>,
    arrived: Option<&'a Cell<Arrived>>,
}

impl<'a> Receiver<'a> {
    /// Nothing received yet.
    pub fn new(
        wanted: WantedAnswer<'a>,
        cookies: &'a mut cookies::Jar,
        host: &'a str,
        path: &'a str,
    ) -> Self {
        Self {
            answer: HttpAnswer::default(),
            wanted,
            keep: 0,
            used_fields: false,
            cookies,
            host,
            path: Some(path),
            unplaced: Vec::new(),
            body: KeptBody::of(wanted.bodies),
            arrived: None,
        }
    }

    /// The same, which tells how much has come so far.
    pub fn telling(self, arrived: &'a Cell<Arrived>) -> Self {
        arrived.set(Arrived::default());
        Self {
            arrived: Some(arrived),
            ..self
        }
    }

    /// Takes how many bytes of the answer have come in all.
    #[inline]
    pub fn set_bytes(&mut self, bytes: u64) {
        self.answer.bytes = bytes;
        if let Some(arrived) = self.arrived {
            let status = self.answer.status;
            arrived.set(Arrived { status, bytes });
        }
    }

    /// The same for a request whose path is put together only if a cookie asks for it: [`Self::place`].
    pub fn without_path(wanted: WantedAnswer<'a>, cookies: &'a mut cookies::Jar, host: &'a str) -> Self {
        Self {
            path: None,
            ..Self::new(wanted, cookies, host, "")
        }
    }

    /// Whether cookies came that ask for the path.
    pub fn asks_for_path(&self) -> bool {
        !self.unplaced.is_empty()
    }

    /// Stores the cookies that came before the path was known.
    pub fn place(&mut self, path: &str) {
        for field in std::mem::take(&mut self.unplaced) {
            self.cookies.store(&field, self.host, path);
        }
    }

    /// Takes status and stated length.
    pub fn start(&mut self, status: u16, length: Option<u64>) -> Result<(), NoAnswer> {
        self.answer.status = status;
        if !self.wanted.fields.is_empty() {
            let fields = &mut self.answer.kept_mut().fields;
            fields.resize(self.wanted.fields.len(), None);
        }
        self.keep = match () {
            () if !self.wanted.expect.accepts(status) => KEPT_OF_REFUSED,
            () if self.wanted.body => usize::MAX,
            () => 0,
        };
        length.map_or(Ok(()), |length| self.within(length))
    }

    /// Takes one header field.
    pub fn field(&mut self, name: &str, value: &[u8]) {
        if name.len() == 10 && name.eq_ignore_ascii_case("set-cookie") {
            match self.path {
                Some(path) => self.cookies.store(value, self.host, path),
                None => self.unplaced.push(value.to_vec()),
            }
            self.used_fields = true;
        }
        // Of a body that nothing looks at it does not matter.
        if self.keep > 0 && name.len() == 16 && name.eq_ignore_ascii_case("content-encoding") {
            append(
                &mut self.answer.kept_mut().codings,
                &String::from_utf8_lossy(value),
            );
            self.used_fields = true;
        }
        if self.keep > 0 && name.len() == 12 && name.eq_ignore_ascii_case("content-type") {
            self.answer.set_media_type(media_type::known(value));
        }
        if let Some(place) = self
            .wanted
            .fields
            .iter()
            .position(|wanted| wanted.eq_ignore_ascii_case(name))
        {
            self.used_fields = true;
            let value = String::from_utf8_lossy(value);
            match &mut self.answer.kept_mut().fields[place] {
                // Cookies are the one field whose values cannot be joined: RFC 9110, section 5.3.
                Some(known) if !name.eq_ignore_ascii_case("set-cookie") => append(known, &value),
                field => *field = Some(value.into_owned()),
            }
        }
    }

    /// Takes the next bytes of the body.
    pub fn data(&mut self, bytes: &[u8]) -> Result<(), NoAnswer> {
        self.answer.length += bytes.len() as u64;
        self.within(self.answer.length)?;
        if self.keep > 0 {
            let body = &mut self.answer.kept_mut().body;
            let room = self.keep.saturating_sub(body.len()).min(bytes.len());
            self.body.append(body, &bytes[..room])?;
        }
        Ok(())
    }

    #[inline]
    fn within(&self, length: u64) -> Result<(), NoAnswer> {
        if length <= self.wanted.longest_body {
            Ok(())
        } else {
            Err(too_long(self.wanted.longest_body))
        }
    }
}

fn too_long(longest: u64) -> NoAnswer {
    NoAnswer::new(
        "answer too long",
        format!("the answer's body is longer than {longest} bytes, which is the limit (`longest_body`)"),
    )
}

/// Adds a value to a list with commas: RFC 9110, section 5.3.
fn append(list: &mut String, value: &str) {
    if !list.is_empty() {
        list.push_str(", ");
    }
    list.push_str(value);
}

impl decoder::Sink for Receiver<'_> {
    type Refusal = NoAnswer;

    fn head(
        &mut self,
        status: u16,
        headers: &[httparse::Header<'_>],
        length: Option<u64>,
    ) -> Result<(), NoAnswer> {
        self.start(status, length)?;
        headers
            .iter()
            .for_each(|header| self.field(header.name, header.value));
        Ok(())
    }

    fn body(&mut self, bytes: &[u8]) -> Result<(), NoAnswer> {
        self.data(bytes)
    }
}
