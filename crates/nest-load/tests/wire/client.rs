//! Loads of one customer, over each of the three ways that requests take.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use nest_data::{BehaviourSpec, behaviour::Request, customers::Times};
use nest_load::{
    Interrupt, Trust,
    code::Registry,
    quick::{QuickLoad, QuickResult, load},
};

use crate::{http1_server, http2_server, ledger::Ledger};

/// A way that requests take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Http1,
    Http2,
    /// reqwest, which every request with a multipart body needs.
    Compat,
}

pub const WAYS: [Way; 3] = [Way::Http1, Way::Http2, Way::Compat];

impl Way {
    /// Starts a server for it.
    pub fn serve(self, ledger: &Ledger) -> SocketAddr {
        if self == Self::Http2 {
            http2_server::start(ledger)
        } else {
            http1_server::start(ledger)
        }
    }

    /// The methods that it is tried with.
    pub fn methods(self) -> &'static [&'static str] {
        if self == Self::Compat {
            &["POST", "PUT", "PATCH"]
        } else {
            &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
        }
    }

    /// A request that takes it; with a body if the method usually has one.
    pub fn request(self, method: &str, path: &str) -> Request {
        let path = Some(path.to_owned());
        let mut request = match method {
            "GET" => Request {
                get: path,
                ..Request::default()
            },
            "HEAD" => Request {
                head: path,
                ..Request::default()
            },
            "POST" => Request {
                post: path,
                ..Request::default()
            },
            "PUT" => Request {
                put: path,
                ..Request::default()
            },
            "PATCH" => Request {
                patch: path,
                ..Request::default()
            },
            "DELETE" => Request {
                delete: path,
                ..Request::default()
            },
            _ => unreachable!("no such method"),
        };
        if self == Self::Compat {
            let value = nest_data::behaviour::FormPart::Value("no {{ int(1, 9) }}".to_owned());
            request.multipart = [("field".to_owned(), value)].into();
        } else if has_body(method) {
            request.json = Some(serde_json::json!({ "number": "{{ int(1, 1000000) }}" }));
        }
        request
    }
}

/// Whether a request with this method is sent with a body here.
pub fn has_body(method: &str) -> bool {
    matches!(method, "POST" | "PUT" | "PATCH")
}

/// Executes some requests in order so many times, one after the other, by one customer.
pub fn execute(way: Way, address: SocketAddr, steps: Vec<Request>, executions: u64) -> QuickResult {
    let (_, behaviour) = QuickLoad::single(Request::default());
    let quick = QuickLoad {
        base_url: format!("http://{address}"),
        behaviour: ("walk".to_owned(), BehaviourSpec { steps, ..behaviour }),
        registry: Registry::default(),
        customers: 1,
        rate: None,
        max_rate: None,
        think: Times::Constant(0.0),
        span: Duration::from_secs(60),
        warm_up: Duration::ZERO,
        executions: Some(executions),
        timeout: Duration::from_secs(30),
        longest_body: 1 << 20,
        workers: 1,
        http2: way == Way::Http2,
        trust: Trust::Machine,
        allow_hosts: Vec::new(),
        secrets: BTreeMap::new(),
        seed: 1,
    };
    load(&quick, &Interrupt::default()).expect("the load itself does not fail")
}

/// Failures by kind.
pub fn errors(result: &QuickResult) -> BTreeMap<&str, u64> {
    result
        .errors
        .iter()
        .map(|error| (error.kind.as_str(), error.count))
        .collect()
}
