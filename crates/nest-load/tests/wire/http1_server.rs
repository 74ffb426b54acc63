//! A server of HTTP/1.1 that keeps a ledger.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use nix::{
    libc,
    sys::socket::{setsockopt, sockopt::Linger},
};

use crate::ledger::{Asked, Fate, Ledger, Reply, fields, length};

/// How long it works before it dies with a reset: one that comes at once may come from a connection that
/// nobody had looked at.
const WORK: Duration = Duration::from_millis(60);

/// Starts a server on a free port, with a thread for each connection; it ends with the test.
pub fn start(ledger: &Ledger) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let ledger = ledger.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let ledger = ledger.clone();
            thread::spawn(move || serve(stream, &ledger));
        }
    });
    address
}

fn serve(stream: TcpStream, ledger: &Ledger) {
    stream.set_nodelay(true).expect("a socket");
    let mut reader = BufReader::new(stream.try_clone().expect("a descriptor"));
    let mut stream = stream;
    while let Some(asked) = read(&mut reader) {
        let head = asked.method == "HEAD";
        let reply = ledger.enter(asked, |reply| head_of(reply).len());
        let mut answer = head_of(&reply).into_bytes();
        if !head {
            answer.extend(vec![b'x'; reply.length]);
        }
        match reply.fate {
            Fate::Answered if stream.write_all(&answer).is_ok() => {}
            Fate::Answered | Fate::Dropped | Fate::Refused => return,
            Fate::LastAnswer => {
                // A peer that is gone wants no answer.
                let _ = stream.write_all(&answer);
                return;
            }
            Fate::HalfAnswered => {
                let _ = stream.write_all(&answer[..answer.len() / 2]);
                return;
            }
            Fate::Reset => {
                thread::sleep(WORK);
                let at_once = libc::linger {
                    l_onoff: 1,
                    l_linger: 0,
                };
                setsockopt(&stream, Linger, &at_once).expect("a socket");
                return;
            }
        }
    }
}

/// Its length is that of any head with a reason of two letters.
fn head_of(reply: &Reply) -> String {
    let mut fields = fields(reply);
    if reply.fate == Fate::LastAnswer {
        fields.push(("connection", "close".to_owned()));
    }
    let mut head = format!("HTTP/1.1 {} OK\r\n", reply.status);
    for (name, value) in &fields {
        head += &format!("{name}: {value}\r\n");
    }
    head += "\r\n";
    assert_eq!(head.len(), "HTTP/1.1 200 OK\r\n\r\n".len() + length(&fields));
    head
}

/// Reads a request to its end, whether its body has a length or chunks.
fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let (mut length, mut typed, mut chunked) = (0_usize, false, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        typed |= line.starts_with("content-type:");
        chunked |= line == "transfer-encoding: chunked";
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    if chunked {
        length = read_chunks(reader)?;
    } else {
        reader.read_exact(&mut vec![0; length]).ok()?;
    }
    Some(Asked {
        method,
        target,
        body: length > 0,
        typed,
    })
}

fn read_chunks(reader: &mut BufReader<TcpStream>) -> Option<usize> {
    let mut all = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let size = usize::from_str_radix(line.trim(), 16).ok()?;
        reader.read_exact(&mut vec![0; size + 2]).ok()?;
        if size == 0 {
            return Some(all);
        }
        all += size;
    }
}
