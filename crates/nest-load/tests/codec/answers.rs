//! Makes answers of HTTP/1.1, right ones and wrong ones, from a grammar.

use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Longest head that the codec reads, in bytes.
pub const LONGEST_HEAD: usize = 64 << 10;

/// Draws answers; equal seeds draw equal ones.
pub struct Answers {
    random: Xoshiro256PlusPlus,
}

/// Fields that say nothing about body or connection, some of them in a way that is not allowed.
const FIELDS: [&str; 22] = [
    "Server: x\r\n",
    "Date: Tue, 15 Nov 1994 08:12:31 GMT\r\n",
    "X-Empty:\r\n",
    "Set-Cookie: a=b; Path=/\r\n",
    "x: \t spaced \t \r\n",
    "X-Latin: caf\u{e9}\r\n",
    "Warning: 199 - \"a, b\"\r\n",
    "A: 1\nB: 2\n",
    "Trailer: X-Sum\r\n",
    "Upgrade: h2c\r\n",
    "Content-Type: text/plain\r\n",
    "ETag: \"x\"\r\n",
    "X-Folded: a\r\n b\r\n",
    "X-Folded: a\r\n\tb\r\n",
    " leading: x\r\n",
    "no colon\r\n",
    "space before : x\r\n",
    ": no name\r\n",
    "X-Null: a\0b\r\n",
    "X-Return: a\rb\r\n",
    "X(y): z\r\n",
    "X-Delete: \u{7f}\r\n",
];

const STATUS_LINES: [&str; 15] = [
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200 \r\n",
    "HTTP/1.1 200\r\n",
    "HTTP/1.1 200 OK\n",
    "\r\n\r\nHTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200 a\tb  c\r\n",
    "HTTP/1.1 200 d\u{e9}j\u{e0} vu\r\n",
    "HTTP/2.0 200 OK\r\n",
    "HTTP/1.1  200 OK\r\n",
    "HTTP/1.1 2000 OK\r\n",
    "HTTP/1.1 20 OK\r\n",
    "http/1.1 200 OK\r\n",
    "HTTP/1.1 099 x\r\n",
    "ICY 200 OK\r\n",
    "HTTP/1.1 200 a\0b\r\n",
];

const LENGTHS: [&str; 14] = [
    "",
    "x",
    "-1",
    "+5",
    "0x5",
    "5 5",
    "5,",
    ",5",
    "5.0",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775807",
    "99999999999999999999999",
    "00",
];

const CODINGS: [&str; 16] = [
    "chunked",
    "Chunked",
    "gzip, chunked",
    "gzip,chunked",
    " chunked ",
    "identity, CHUNKED",
    "chunked, gzip",
    "gzip",
    "identity",
    "",
    "chunked,",
    ",chunked",
    "chunked;q=1",
    "xchunked",
    "chunked, chunked",
    "\u{e9}, chunked",
];

const CONNECTIONS: [&str; 13] = [
    "close",
    "keep-alive",
    "Close",
    "KEEP-ALIVE",
    "keep-alive, close",
    "close, keep-alive",
    "upgrade, Close ",
    "closed",
    "x-close",
    "",
    ",",
    "keep-alive\t,\tTE",
    "\u{e9}, close",
];

const CHUNK_SIZES: [&str; 15] = [
    "",
    " 5",
    "5 ",
    "5\t \t",
    "0x5",
    "-5",
    "5;",
    "5;a=b",
    "5 ; a=\"b\"",
    "g",
    "5\n",
    "FFFFFFFFFFFFFFFF",
    "10000000000000000",
    "000000000000000000005",
    "5;a\nb",
];

const TRAILERS: [&str; 9] = [
    "X-Sum: 1\r\n",
    "A: 1\r\nB: 2\r\n",
    "A: 1\nB: 2\r\n",
    "\nA: 1\r\n",
    "a b\r\n",
    ": x\r\n",
    "A: b\rc\r\n",
    "X-Folded: a\r\n b\r\n",
    "Content-Length: 3\r\n",
];

impl Answers {
    /// Draws from the start.
    pub fn new(seed: u64) -> Self {
        Self {
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
        }
    }

    /// Any number; to cut answers with.
    pub fn number(&mut self) -> u64 {
        self.random.next_u64()
    }

    /// Whether something that has this probability happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.random.random_bool(probability)
    }

    /// One of several.
    pub fn one_of<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    fn below(&mut self, end: usize) -> usize {
        self.random.random_range(0..end)
    }

    /// An answer, perhaps after informational ones, perhaps cut off, changed, or followed by bytes of no
    /// answer.
    pub fn answer(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.happens(0.15) {
            self.informational(&mut out);
        }
        self.real(&mut out);
        if self.happens(0.1) {
            out.extend_from_slice(self.one_of(&[
                &b"\r\n"[..],
                b"\0",
                b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                b"0\r\n\r\n",
                b"x",
            ]));
        }
        if self.happens(0.12) {
            out.truncate(self.random.random_range(0..=out.len()));
        }
        if self.happens(0.12) {
            self.change(&mut out);
        }
        out
    }

    /// Changes, inserts or removes a few bytes.
    pub fn change(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..1 + self.below(3) {
            let at = self.below(bytes.len() + 1);
            let byte = self.one_of(&[
                &b'\r', &b'\n', &b' ', &b':', &b'0', &b'1', &b'5', &b',', &b';', &0, &0xff, &b'\t', &b'a',
            ]);
            match self.below(4) {
                0 => bytes.insert(at, *byte),
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                3 if at < bytes.len() => {
                    let end = bytes.len().min(at + 1 + self.below(32));
                    let again = bytes[at..end].to_vec();
                    bytes.splice(at..at, again);
                }
                _ => bytes.truncate(at),
            }
        }
    }

    fn informational(&mut self, out: &mut Vec<u8>) {
        let count = if self.happens(0.06) {
            33 + self.below(8)
        } else {
            1 + self.below(4)
        };
        for _ in 0..count {
            let status = self.one_of(&["100 Continue", "102 Processing", "103 Early Hints", "199 ?"]);
            let field = self.one_of(&[
                "",
                "Link: </a.css>\r\n",
                "Content-Length: 7\r\n",
                "Content-Length: x\r\n",
                "Connection: close\r\n",
                "Transfer-Encoding: chunked\r\n",
            ]);
            text(out, &format!("HTTP/1.1 {status}\r\n{field}\r\n"));
        }
    }

    fn real(&mut self, out: &mut Vec<u8>) {
        self.status_line(out);
        let mut fields = Vec::new();
        for _ in 0..self.below(4) {
            // The first dozen are valid.
            let most = if self.happens(0.1) { FIELDS.len() } else { 12 };
            fields.push(FIELDS[self.below(most)].to_owned());
        }
        if self.happens(0.2) {
            for _ in 0..1 + self.below(2) {
                let value = self.one_of(&CONNECTIONS);
                let name = self.name("Connection");
                fields.push(format!("{name}: {value}\r\n"));
            }
        }
        if self.happens(0.01) {
            fields.extend((0..95 + self.below(10)).map(|number| format!("x-{number}: y\r\n")));
        }
        let body = self.framed(&mut fields);
        self.shuffle(&mut fields);
        fields.iter().for_each(|field| text(out, field));
        if self.happens(0.004) {
            // Around the longest head, on both sides.
            let room = LONGEST_HEAD.saturating_sub(out.len() + 12) + self.below(16);
            text(out, &format!("x-long: {}\r\n", "y".repeat(room)));
        }
        text(out, if self.happens(0.98) { "\r\n" } else { "\n" });
        out.extend_from_slice(&body);
    }

    fn status_line(&mut self, out: &mut Vec<u8>) {
        if self.happens(0.12) {
            return text(out, STATUS_LINES[self.below(STATUS_LINES.len())]);
        }
        let status = self.one_of(&[
            "200", "200", "200", "201", "204", "304", "101", "404", "500", "299", "600", "999", "302", "205",
        ]);
        let version = if self.happens(0.15) { '0' } else { '1' };
        text(out, &format!("HTTP/1.{version} {status} Reason\r\n"));
    }

    /// A body in some framing, whose fields are added.
    fn framed(&mut self, fields: &mut Vec<String>) -> Vec<u8> {
        match self.below(20) {
            0..6 => self.body_of_length(fields),
            6..8 => self.body_of_odd_length(fields),
            8..14 => {
                fields.push("Transfer-Encoding: chunked\r\n".to_owned());
                self.chunks()
            }
            14..18 => self.body_of_odd_coding(fields),
            _ => self.bytes(),
        }
    }

    fn body_of_length(&mut self, fields: &mut Vec<String>) -> Vec<u8> {
        let body = self.bytes();
        let length = body.len();
        let name = self.name("Content-Length");
        fields.push(match self.below(8) {
            0 => format!("{name}: {length}\r\nContent-length: {length}\r\n"),
            1 => format!("{name}: {length}, {length} ,{length}\r\n"),
            2 => format!("{name}:{length}\r\n"),
            3 => format!("{name}: 00{length}\r\n"),
            _ => format!("{name}: {length}\r\n"),
        });
        body
    }

    fn body_of_odd_length(&mut self, fields: &mut Vec<String>) -> Vec<u8> {
        let body = self.bytes();
        let (length, other) = (body.len(), self.below(80));
        fields.push(match self.below(4) {
            0 => format!("Content-Length: {length}\r\nContent-Length: {other}\r\n"),
            1 => format!("Content-Length: {length}, {other}\r\n"),
            2 => format!("Content-Length: {other}\r\n"),
            _ => format!("Content-Length: {}\r\n", self.one_of(&LENGTHS)),
        });
        body
    }

    fn body_of_odd_coding(&mut self, fields: &mut Vec<String>) -> Vec<u8> {
        for _ in 0..1 + self.below(2) {
            let value = self.one_of(&CODINGS);
            let name = self.name("Transfer-Encoding");
            fields.push(format!("{name}: {value}\r\n"));
        }
        if self.happens(0.3) {
            fields.push(format!(
                "Content-Length: {}\r\n",
                self.one_of(&["5", "0", "x", "7, 8"])
            ));
        }
        if self.happens(0.7) {
            self.chunks()
        } else {
            self.bytes()
        }
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        for _ in 0..self.below(5) {
            if self.happens(0.06) {
                text(&mut out, &format!("{}\r\nhello\r\n", self.one_of(&CHUNK_SIZES)));
                continue;
            }
            let data = self.bytes();
            if data.is_empty() {
                continue;
            }
            let extension = self.one_of(&["", "", "", ";a=b", " ", ";a=\"\u{e9};b\""]);
            let size = if self.happens(0.5) {
                format!("{:x}", data.len())
            } else {
                format!("{:X}", data.len())
            };
            text(&mut out, &format!("{size}{extension}\r\n"));
            out.extend_from_slice(&data);
            text(
                &mut out,
                if self.happens(0.97) {
                    "\r\n"
                } else {
                    self.one_of(&["\n", "", "\r", "\r\r\n", "\n\r\n"])
                },
            );
        }
        if self.happens(0.003) {
            text(
                &mut out,
                &format!("5;{}\r\nhello\r\n", "e".repeat((16 << 10) - 20 + self.below(40))),
            );
        }
        text(
            &mut out,
            if self.happens(0.97) {
                "0\r\n"
            } else {
                self.one_of(&["", "0\n", "0;x\r\n", "00\r\n", "0 \r\n"])
            },
        );
        self.trailers(&mut out);
        text(
            &mut out,
            if self.happens(0.97) {
                "\r\n"
            } else {
                self.one_of(&["\n", "\r", "", "\r\r\n"])
            },
        );
        out
    }

    fn trailers(&mut self, out: &mut Vec<u8>) {
        if self.happens(0.2) {
            text(out, self.one_of(&TRAILERS));
        }
        if self.happens(0.003) {
            (0..95 + self.below(10)).for_each(|_| text(out, "t: u\r\n"));
        }
        if self.happens(0.003) {
            text(
                out,
                &format!("t: {}\r\n", "u".repeat(LONGEST_HEAD - 30 + self.below(40))),
            );
        }
    }

    /// A few bytes, now and then bytes that look like protocol, or many.
    fn bytes(&mut self) -> Vec<u8> {
        match self.below(40) {
            0 => vec![b'z'; 1 + self.below(40_000)],
            1..4 => self
                .one_of(&[
                    &b"0\r\n\r\n"[..],
                    b"5\r\nhello\r\n",
                    b"HTTP/1.1 200 OK\r\n\r\n",
                    b"\r\n",
                ])
                .to_vec(),
            4..10 => Vec::new(),
            _ => (0..self.below(60)).map(|_| self.random.random()).collect(),
        }
    }

    /// A name in some mixture of cases.
    fn name(&mut self, name: &str) -> String {
        match self.below(3) {
            0 => name.to_lowercase(),
            1 => name.to_uppercase(),
            _ => name.to_owned(),
        }
    }

    fn shuffle(&mut self, fields: &mut [String]) {
        for last in (1..fields.len()).rev() {
            fields.swap(last, self.below(last + 1));
        }
    }
}

/// Writes a text as Latin-1, so that its letters beyond ASCII are single bytes.
fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(
        text.chars()
            .map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?')),
    );
}
