//! A small HTTP/1.1 server on a free loopback port, for answers that no real server would give: it keeps what
//! it was asked and answers what it is told to. One thread per connection; it ends with the test's process.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asked {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Method, path and body: what the template of a request decides.
    pub fn line(&self) -> String {
        format!("{} {} {}", self.method, self.path, self.body)
    }
}

/// What is sent back.
#[derive(Debug, Clone)]
pub enum Reply {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// Half an answer, then the end of the connection.
    Cut,
}

impl Reply {
    pub fn text(body: impl Into<String>) -> Self {
        Self::Answer {
            status: 200,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub fn status(status: u16) -> Self {
        Self::Answer {
            status,
            headers: Vec::new(),
            body: String::new(),
        }
    }

    /// The same answer with one more header.
    pub fn with(self, name: &'static str, value: impl Into<String>) -> Self {
        match self {
            Self::Answer {
                status,
                mut headers,
                body,
            } => {
                headers.push((name, value.into()));
                Self::Answer {
                    status,
                    headers,
                    body,
                }
            }
            Self::Cut => Self::Cut,
        }
    }
}

/// The server, with everything that it was asked.
pub struct Server {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Starts answering.
    pub fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let server = Self {
            address: listener.local_addr().expect("bound"),
            asked: Arc::default(),
        };
        let (asked, answer) = (Arc::clone(&server.asked), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (asked, answer) = (Arc::clone(&asked), Arc::clone(&answer));
                thread::spawn(move || serve(&stream, &asked, answer.as_ref()));
            }
        });
        server
    }

    /// Everything it was asked so far, in the order in which it came.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no thread panics with it").clone()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// Serves one connection until its peer ends it.
fn serve(stream: &TcpStream, asked: &Mutex<Vec<Asked>>, answer: &(dyn Fn(&Asked) -> Reply + Send + Sync)) {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        asked
            .lock()
            .expect("no thread panics with it")
            .push(request.clone());
        let reply = answer(&request);
        // A peer that is gone wants no answer.
        if (&mut &*stream)
            .write_all(bytes(&reply, &request.method).as_bytes())
            .is_err()
            || matches!(reply, Reply::Cut)
        {
            return;
        }
    }
}

fn bytes(reply: &Reply, method: &str) -> String {
    let Reply::Answer {
        status,
        headers,
        body,
    } = reply
    else {
        return "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nthe first bytes of a thousand".to_owned();
    };
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let sent = if method == "HEAD" { "" } else { body };
    format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n{sent}",
        body.len()
    )
}

/// The next request; nothing if the connection ends.
fn read(reader: &mut BufReader<&TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked {
        method,
        path,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}
