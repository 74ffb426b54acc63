//! A shop or a second tier on a thread of its own, and the least HTTP client that can talk to it.

// Each test binary uses its own part of this.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use nest_target::{Ledger, ShopOptions, TargetError, TierOptions, serve, serve_tier};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;

/// A running service; stopped and joined when dropped.
pub struct RunningService {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), TargetError>>>,
}

impl RunningService {
    fn start<F>(run: F) -> Self
    where
        F: FnOnce(mpsc::Sender<SocketAddr>, oneshot::Receiver<()>) -> Result<(), TargetError>
            + Send
            + 'static,
    {
        let (sender, ready) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || run(sender, stopped));
        let address = ready.recv();
        let Ok(address) = address else {
            panic!("not started: {:?}", thread.join())
        };
        Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for RunningService {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            assert!(matches!(ended, Some(Ok(Ok(())))), "{ended:?}");
        }
    }
}

/// A folder for a shop's file, and the options of a plain shop in it.
pub fn shop_options() -> (TempDir, ShopOptions) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let options = ShopOptions::new(folder.path().join("shop.sqlite"));
    (folder, options)
}

pub fn start_shop(options: &ShopOptions) -> RunningService {
    let options = options.clone();
    RunningService::start(move |ready, stopped| {
        serve(
            &options,
            |address| ready.send(address).expect("the test waits"),
            async { drop(stopped.await) },
        )
    })
}

pub fn start_tier() -> RunningService {
    let options = TierOptions {
        listen: ([127, 0, 0, 1], 0).into(),
        cores: Vec::new(),
    };
    RunningService::start(move |ready, stopped| {
        serve_tier(
            &options,
            |address| ready.send(address).expect("the test waits"),
            async { drop(stopped.await) },
        )
    })
}

/// An answer: status, header lines as they came, and the body.
#[derive(Debug)]
pub struct HttpAnswer {
    pub status: u16,
    pub headers: Vec<String>,
    pub body: String,
}

impl HttpAnswer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.headers.iter().filter_map(|line| line.split_once(": "));
        lines
            .into_iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// A client with one connection, kept alive, and at most one session.
pub struct HttpClient {
    stream: BufReader<TcpStream>,
    session: Option<String>,
}

impl HttpClient {
    pub fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the shop listens");
        stream
            .set_nodelay(true)
            .expect("a fresh connection can be set up");
        Self {
            stream: BufReader::new(stream),
            session: None,
        }
    }

    pub fn logged_in(address: SocketAddr) -> Self {
        let mut client = Self::new(address);
        let session = client.post("/login", r#"{"customer": 7}"#).json()["session"]
            .as_str()
            .expect("a login opens a session")
            .to_owned();
        client.session = Some(session);
        client
    }

    pub fn get(&mut self, path: &str) -> HttpAnswer {
        self.exchange("GET", path, "")
    }

    pub fn post(&mut self, path: &str, body: &str) -> HttpAnswer {
        self.exchange("POST", path, body)
    }

    pub fn ledger(&mut self) -> Ledger {
        serde_json::from_str(&self.get("/ledger").body).expect("the ledger reads back")
    }

    fn exchange(&mut self, method: &str, path: &str, body: &str) -> HttpAnswer {
        self.send(method, path, body);
        self.receive()
    }

    fn send(&mut self, method: &str, path: &str, body: &str) {
        let cookie = self
            .session
            .as_ref()
            .map_or(String::new(), |session| format!("cookie: session={session}\r\n"));
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: shop\r\n{cookie}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream
            .get_mut()
            .write_all(request.as_bytes())
            .expect("the shop reads");
    }

    fn receive(&mut self) -> HttpAnswer {
        let status = self
            .line()
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .expect("a status line comes first");
        let headers: Vec<String> = std::iter::repeat_with(|| self.line())
            .take_while(|line| !line.is_empty())
            .collect();
        let mut answer = HttpAnswer {
            status,
            headers,
            body: String::new(),
        };
        let length: usize = answer
            .header("content-length")
            .and_then(|length| length.parse().ok())
            .expect("every answer carries its length");
        let mut body = vec![0; length];
        self.stream
            .read_exact(&mut body)
            .expect("the body is as long as it says");
        answer.body = String::from_utf8(body).expect("bodies are text");
        answer
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("the shop answers");
        line.trim_end().to_owned()
    }
}
