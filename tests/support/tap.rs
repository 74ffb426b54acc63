//! A connection to a NATS server that speaks its protocol line by line, and a tap that records every message
//! that passes through the server. None of our own code is in between.
//!
//! Source: <https://docs.nats.io/reference/reference-protocols/nats-protocol>

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use serde_json::json;

/// How long an answer may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A message that came.
#[derive(Debug, Clone)]
pub struct Message {
    pub subject: String,
    pub reply: Option<String>,
    pub payload: Vec<u8>,
}

/// What the server says.
#[derive(Debug, Clone)]
pub enum Heard {
    Message(Message),
    /// It refuses what it was asked, in its own words.
    Refused(String),
    Pong,
}

/// A connection with the credentials of a user.
pub struct Connection {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
    subscriptions: u32, // so far: the server ignores a second one of the same number
}

impl Connection {
    /// Connects; gives nothing if the server refuses the user.
    pub fn open(address: SocketAddr, user: &str, password: &str) -> Option<Self> {
        let stream = TcpStream::connect(address).expect("the broker listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
        let mut connection = Self {
            reader: BufReader::new(stream.try_clone().expect("a free descriptor")),
            stream,
            subscriptions: 0,
        };
        let options = json!({
            "verbose": false, "pedantic": true, "tls_required": false, "lang": "test", "version": "0",
            "headers": true, "no_responders": true, "user": user, "pass": password,
        });
        connection.write(&format!("CONNECT {options}\r\nPING\r\n"), b"");
        matches!(connection.next(), Some(Heard::Pong)).then_some(connection)
    }

    /// Asks for all messages of a subject.
    pub fn subscribe(&mut self, subject: &str) {
        self.subscriptions += 1;
        self.write(&format!("SUB {subject} {}\r\n", self.subscriptions), b"");
    }

    /// Sends a message.
    pub fn publish(&mut self, subject: &str, reply: &str, payload: &[u8]) {
        let head = format!("PUB {subject} {reply} {}\r\n", payload.len());
        self.write(&head, &[payload, b"\r\n"].concat());
    }

    /// Sends a message, and waits for what comes. Without a further word, the server would keep back that
    /// nobody listens.
    pub fn ask(&mut self, subject: &str, reply: &str, payload: &[u8]) -> Message {
        self.publish(subject, reply, payload);
        self.write("PING\r\n", b"");
        self.message()
    }

    /// Everything that the server says until it has done all that it was asked.
    pub fn flush(&mut self) -> Vec<Heard> {
        self.write("PING\r\n", b"");
        let mut heard = Vec::new();
        while let Some(one) = self.next() {
            if matches!(one, Heard::Pong) {
                break;
            }
            heard.push(one);
        }
        heard
    }

    /// Whether the server has refused something that it was asked since the last look.
    pub fn was_refused(&mut self) -> bool {
        let heard = self.flush();
        heard.iter().any(|one| matches!(one, Heard::Refused(_)))
    }

    /// Waits for the next message.
    pub fn message(&mut self) -> Message {
        loop {
            match self.next().expect("the broker still runs") {
                Heard::Message(message) => return message,
                Heard::Refused(why) => panic!("refused: {why}"),
                Heard::Pong => {}
            }
        }
    }

    /// What the server says next; nothing if the connection has ended.
    fn next(&mut self) -> Option<Heard> {
        loop {
            let mut line = String::new();
            self.reader
                .read_line(&mut line)
                .ok()
                .filter(|length| *length > 0)?;
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["PING"] => self.write("PONG\r\n", b""),
                ["PONG"] => return Some(Heard::Pong),
                ["-ERR", why @ ..] => return Some(Heard::Refused(why.join(" "))),
                ["MSG" | "HMSG", subject, more @ ..] => {
                    return self.rest_of(subject, more, words[0] == "HMSG");
                }
                _ => {} // INFO, +OK
            }
        }
    }

    /// The payload after the line of a message; its headers go.
    fn rest_of(&mut self, subject: &str, more: &[&str], has_headers: bool) -> Option<Heard> {
        // Subscription, then the reply's subject if there is one, then the lengths.
        let lengths = more.len() - 1 - usize::from(has_headers);
        let number = |word: &str| word.parse::<usize>().expect("a length");
        let whole = number(more.last()?);
        let skipped = if has_headers { number(more[lengths]) } else { 0 };
        let mut bytes = vec![0; whole + 2];
        self.reader.read_exact(&mut bytes).ok()?;
        Some(Heard::Message(Message {
            subject: subject.to_owned(),
            reply: (lengths > 1).then(|| more[1].to_owned()),
            payload: bytes[skipped..whole].to_vec(),
        }))
    }

    fn write(&mut self, head: &str, tail: &[u8]) {
        // A server that has closed the connection is seen when its answer is read.
        let _ = self.stream.write_all(&[head.as_bytes(), tail].concat());
    }
}

/// Everything that passes through a server, while it lives.
pub struct Tap {
    messages: Arc<Mutex<Vec<Message>>>,
    stream: TcpStream,
}

impl Tap {
    /// Listens to all subjects, as a user who may.
    pub fn open(address: SocketAddr, user: &str, password: &str) -> Self {
        let mut connection = Connection::open(address, user, password).expect("the tap's user is known");
        connection.subscribe(">");
        assert!(!connection.was_refused(), "{user} may not hear everything");
        connection
            .stream
            .set_read_timeout(None)
            .expect("a TCP connection");
        let messages = Arc::<Mutex<Vec<Message>>>::default();
        let tap = Self {
            messages: Arc::clone(&messages),
            stream: connection.stream.try_clone().expect("a free descriptor"),
        };
        thread::spawn(move || {
            while let Some(heard) = connection.next() {
                if let Heard::Message(message) = heard {
                    messages.lock().expect("no thread panics with it").push(message);
                }
            }
        });
        tap
    }

    /// What was recorded so far.
    pub fn messages(&self) -> Vec<Message> {
        self.messages.lock().expect("no thread panics with it").clone()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        // The server may be gone already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
