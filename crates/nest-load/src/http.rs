//! HTTP through reqwest: one client per customer, so that connections and cookies are the customer's own.
//!
//! The only file that knows reqwest. Its defaults that would flatter or disturb a target are off: redirects, retries,
//! proxies from the environment, the referer.

use std::time::Duration;

use reqwest::{Client, Method, header::CONTENT_TYPE, redirect, retry};

/// Longest answer body that is read, in bytes; a longer one fails the request.
const LONGEST_BODY: usize = 64 << 20;

/// A customer's own connection and cookies.
pub struct Connection {
    client: Client,
    base_url: String,
}

/// A request with everything filled in.
pub struct Outgoing {
    pub method: &'static str,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Body,
    pub timeout: Duration,
}

/// A body with everything filled in.
pub enum Body {
    None,
    Json(serde_json::Value),
    Form(Vec<(String, String)>),
    Text(String),
}

/// An answer, read to its last byte.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    pub bytes: u64, // status line, headers and body
}

/// Why there is no answer.
pub struct NoAnswer {
    pub kind: &'static str, // `connect`, `timeout`, `body`, `request`, `transport`
    pub reason: String,
}

impl Connection {
    /// A connection that is opened with its first request.
    pub fn new(base_url: &str) -> reqwest::Result<Self> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .no_proxy()
            .cookie_store(true)
            .http1_only()
            .tcp_nodelay(true)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(None)
            .build()?;
        Ok(Self { client, base_url: base_url.trim_end_matches('/').to_owned() })
    }

    /// Sends a request and reads its answer.
    pub async fn send(&self, outgoing: Outgoing) -> Result<Answer, NoAnswer> {
        // Joined to the base URL, anything else could change the host: "@elsewhere/" or ".elsewhere/".
        if !outgoing.path.starts_with('/') {
            return Err(NoAnswer { kind: "request", reason: format!("{:?} is not a path on the target", outgoing.path) });
        }
        let method = Method::from_bytes(outgoing.method.as_bytes()).expect("methods are constants of nest-data");
        let mut request = self.client.request(method, format!("{}{}", self.base_url, outgoing.path)).timeout(outgoing.timeout);
        request = match outgoing.body {
            Body::None => request,
            Body::Json(json) => request.header(CONTENT_TYPE, "application/json").body(json.to_string()),
            Body::Form(pairs) => {
                let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
                request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(encoded)
            }
            Body::Text(text) => request.body(text),
        };
        for (name, value) in outgoing.headers {
            request = request.header(name, value);
        }
        let mut response = request.send().await.map_err(NoAnswer::from)?;
        let status = response.status().as_u16();
        let header_bytes: usize = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(NoAnswer::from)? {
            if body.len() + chunk.len() > LONGEST_BODY {
                return Err(NoAnswer { kind: "body", reason: format!("the answer is longer than {LONGEST_BODY} bytes") });
            }
            body.extend_from_slice(&chunk);
        }
        let status_line = 17; // "HTTP/1.1 200 OK\r\n"
        Ok(Answer { status, bytes: (status_line + header_bytes + 2 + body.len()) as u64, body })
    }
}

impl From<reqwest::Error> for NoAnswer {
    fn from(error: reqwest::Error) -> Self {
        let kind = match () {
            () if error.is_timeout() => "timeout",
            () if error.is_connect() => "connect",
            () if error.is_builder() => "request",
            () if error.is_body() || error.is_decode() => "body",
            () => "transport",
        };
        let error = error.without_url();
        let mut reason = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            reason = inner.to_string();
            cause = inner.source();
        }
        Self { kind, reason }
    }
}

impl Answer {
    /// The body as text, for a report of what went wrong.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
