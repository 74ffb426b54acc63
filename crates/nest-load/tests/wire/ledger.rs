//! What a server was asked, and what it did.

use std::sync::{Arc, Mutex};

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is answered.
    Answered,
    /// It is answered, and the connection announces its end: `Connection: close`, or GOAWAY.
    LastAnswer,
    /// It is read, and the connection closes.
    Dropped,
    /// It is read, and the connection, or its stream, is reset.
    Reset,
    /// It is read, and the connection closes inside the answer.
    HalfAnswered,
    /// It is refused before anything is done (HTTP/2 only).
    Refused,
}

impl Fate {
    /// Whether the client has a whole answer.
    pub fn is_answered(self) -> bool {
        matches!(self, Self::Answered | Self::LastAnswer)
    }

    /// Whether the server took the request and failed.
    pub fn is_lost(self) -> bool {
        matches!(self, Self::Dropped | Self::Reset | Self::HalfAnswered)
    }
}

/// An answer, and whether it is given.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub location: Option<String>,
    /// Length of its body.
    pub length: usize,
    pub fate: Fate,
}

impl Reply {
    /// A plain answer.
    pub fn ok(length: usize) -> Self {
        Self {
            status: 200,
            location: None,
            length,
            fate: Fate::Answered,
        }
    }
}

/// A request that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub method: String,
    pub target: String,
    /// Whether it had a body.
    pub body: bool,
    /// Whether it said what its body is.
    pub typed: bool,
}

/// A line of the ledger.
#[derive(Debug, Clone)]
pub struct Entry {
    pub asked: Asked,
    pub fate: Fate,
    /// Bytes of the answer, as HTTP/1.1 spells them.
    pub bytes: u64,
}

/// Decides what becomes of a request, by its number.
pub type Treat = Arc<dyn Fn(usize, &Asked) -> Reply + Send + Sync>;

/// What a server was asked, in order.
#[derive(Clone)]
pub struct Ledger {
    entries: Arc<Mutex<Vec<Entry>>>,
    treat: Treat,
}

impl Ledger {
    pub fn new(treat: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self {
            entries: Arc::default(),
            treat: Arc::new(treat),
        }
    }

    /// Writes a request down. `head` is the length of the answer's status line and fields.
    pub fn enter(&self, asked: Asked, head: impl Fn(&Reply) -> usize) -> Reply {
        let mut entries = self.entries.lock().expect("no thread panics with it");
        let reply = (self.treat)(entries.len(), &asked);
        let body = if asked.method == "HEAD" { 0 } else { reply.length };
        let bytes = (head(&reply) + body) as u64;
        entries.push(Entry {
            asked,
            fate: reply.fate,
            bytes,
        });
        reply
    }

    /// Takes what was written down so far.
    pub fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut *self.entries.lock().expect("no thread panics with it"))
    }
}

/// The fields of an answer.
pub fn fields(reply: &Reply) -> Vec<(&'static str, String)> {
    let mut fields = vec![("content-length", reply.length.to_string())];
    fields.extend(reply.location.iter().map(|place| ("location", place.clone())));
    fields
}

/// Length of fields as HTTP/1.1 spells them.
pub fn length(fields: &[(&str, String)]) -> usize {
    fields
        .iter()
        .map(|(name, value)| name.len() + value.len() + 4)
        .sum()
}
