//! A target on a free loopback port that speaks HTTP/1.1 and HTTP/2, keeps what it was asked and answers
//! what it is told to. It ends with the test's process.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use bytes::Bytes;

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub path: String,
    pub headers: Vec<(String, Vec<u8>)>, // names in lower case
    pub body: Vec<u8>,
}

impl Asked {
    /// All values of a header, by its name in lower case.
    pub fn all(&self, name: &str) -> Vec<String> {
        let values = self.headers.iter().filter(|(known, _)| known == name);
        values
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .collect()
    }
}

/// What is sent back, with status 200.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    pub headers: Vec<(&'static str, Vec<u8>)>,
    pub body: Vec<u8>,
}

type Answer = dyn Fn(&Asked) -> Reply + Send + Sync;

/// The server, with everything that it was asked.
pub struct Server {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let server = Self {
            address: listener.local_addr().expect("bound"),
            asked: Arc::default(),
        };
        let (asked, answer): (_, Arc<Answer>) = (Arc::clone(&server.asked), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let target = Target {
                    asked: Arc::clone(&asked),
                    answer: Arc::clone(&answer),
                };
                thread::spawn(move || target.serve(stream));
            }
        });
        server
    }

    /// Everything it was asked since this was last called.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().expect("no thread panics with it"))
    }
}

struct Target {
    asked: Arc<Mutex<Vec<Asked>>>,
    answer: Arc<Answer>,
}

impl Target {
    /// Serves one connection until its peer ends it, in the protocol that the peer begins with.
    fn serve(&self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut start = [0; 3];
        // A look whether anybody listens ends here.
        if stream.peek(&mut start).is_ok_and(|count| count > 0) {
            let _ = if start.starts_with(b"PRI") {
                self.serve_http2(stream)
            } else {
                self.serve_http1(stream)
            };
        }
    }

    fn answer(&self, asked: Asked) -> Reply {
        let reply = (self.answer)(&asked);
        self.asked.lock().expect("no thread panics with it").push(asked);
        reply
    }

    fn serve_http1(&self, mut stream: TcpStream) -> io::Result<()> {
        while let Some((mut asked, length)) = read_head(&mut stream)? {
            asked.body = vec![0; length];
            stream.read_exact(&mut asked.body)?;
            let reply = self.answer(asked);
            let mut out = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n", reply.body.len()).into_bytes();
            for (name, value) in &reply.headers {
                out.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
            }
            out.extend_from_slice(b"\r\n");
            out.extend_from_slice(&reply.body);
            stream.write_all(&out)?;
        }
        Ok(())
    }

    fn serve_http2(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let stream = tokio::net::TcpStream::from_std(stream)?;
            let mut connection = h2::server::handshake(stream).await.map_err(io::Error::other)?;
            while let Some(request) = connection.accept().await {
                let (request, mut respond) = request.map_err(io::Error::other)?;
                // Requests of these tests bring no body over HTTP/2 that would have to be read here.
                let reply = self.answer(of_http2(&request));
                let mut head = http::Response::builder().status(200);
                for (name, value) in &reply.headers {
                    head = head.header(*name, value.as_slice());
                }
                let head = head.body(()).map_err(io::Error::other)?;
                let mut body = respond.send_response(head, false).map_err(io::Error::other)?;
                body.send_data(Bytes::from(reply.body), true)
                    .map_err(io::Error::other)?;
            }
            Ok(())
        })
    }
}

fn of_http2(request: &http::Request<h2::RecvStream>) -> Asked {
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str);
    let mut headers: Vec<(String, Vec<u8>)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    let authority = request.uri().authority().map_or("", http::uri::Authority::as_str);
    headers.push(("host".to_owned(), authority.into()));
    Asked {
        path: path.to_owned(),
        headers,
        body: Vec::new(),
    }
}

/// A head and the length of the body after it; nothing at the end of the connection.
fn read_head(stream: &mut TcpStream) -> io::Result<Option<(Asked, usize)>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let lines: Vec<&[u8]> = head.split(|byte| *byte == b'\n').collect();
    let path = lines[0].split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    let mut asked = Asked {
        path: String::from_utf8_lossy(path).into_owned(),
        ..Asked::default()
    };
    let mut length = 0;
    for line in &lines[1..] {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
        let value = line[colon + 1..].trim_ascii();
        if name == "content-length" {
            length = String::from_utf8_lossy(value).parse().map_err(io::Error::other)?;
        }
        asked.headers.push((name, value.to_vec()));
    }
    Ok(Some((asked, length)))
}
