//! What is inside of requests and answers, over HTTP/1.1, HTTP/2 and the compatibility path: cookies (RFC
//! 6265), content codings (RFC 9110, section 8.4) and values of templates (RFC 3986) on several hundred
//! exchanges that were drawn at random. `make-expectations` draws them and says what is right.

mod cookies;
mod encodings;
mod server;
mod templates;

use std::{collections::BTreeMap, time::Duration};

use nest_data::{
    BehaviourSpec,
    behaviour::{FormPart, Request},
    customers::Times,
};
use nest_load::{
    Interrupt, Trust,
    code::Registry,
    quick::{self, QuickLoad, QuickResult},
};

use server::Server;

/// How a request gets to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Path {
    Http1,
    Http2,
    /// What has a multipart body is sent by reqwest.
    Compat,
}

const PATHS: [Path; 3] = [Path::Http1, Path::Http2, Path::Compat];

impl Path {
    /// A request for a path.
    pub fn request(self, path: impl Into<String>) -> Request {
        let path = Some(path.into());
        match self {
            Self::Http1 | Self::Http2 => Request {
                get: path,
                ..Request::default()
            },
            Self::Compat => Request {
                post: path,
                multipart: [("part".to_owned(), FormPart::Value("value".to_owned()))].into(),
                ..Request::default()
            },
        }
    }
}

fn spec(steps: Vec<Request>) -> BehaviourSpec {
    BehaviourSpec {
        steps,
        ..QuickLoad::single(Request::default()).1
    }
}

/// Executes a behaviour once, by one customer.
fn run(server: &Server, path: Path, behaviour: BehaviourSpec) -> QuickResult {
    run_with(server, path, behaviour, Registry::new(), 1 << 20)
}

fn run_with(
    server: &Server,
    path: Path,
    behaviour: BehaviourSpec,
    registry: Registry,
    longest_body: u64,
) -> QuickResult {
    let load = QuickLoad {
        base_url: format!("http://{}", server.address),
        behaviour: ("look".to_owned(), behaviour),
        registry,
        customers: 1,
        rate: None,
        max_rate: None,
        think: Times::Constant(0.0),
        span: Duration::from_secs(60),
        warm_up: Duration::ZERO,
        executions: Some(1),
        timeout: Duration::from_secs(20),
        longest_body,
        workers: 1,
        http2: path == Path::Http2,
        trust: Trust::Anybody,
        allow_hosts: Vec::new(),
        secrets: BTreeMap::new(),
        seed: 1,
    };
    quick::load(&load, &Interrupt::default()).expect("a target that listens")
}

/// Fails the test unless every request of the execution was answered as expected.
#[track_caller]
fn assert_completed(result: &QuickResult) {
    assert_eq!(result.executions.completed, 1, "{:?}", result.failures);
    assert!(result.errors.is_empty(), "{:?}", result.errors);
}

/// How the requests of an execution were sent, by name.
#[track_caller]
fn assert_sent_by(result: &QuickResult, path: Path) {
    let expected = match path {
        Path::Http1 => None,
        Path::Http2 => Some("HTTP/2"),
        Path::Compat => Some("reqwest (multipart)"),
    };
    for endpoint in &result.endpoints {
        assert_eq!(endpoint.path.as_deref(), expected, "{}", endpoint.name);
    }
}
