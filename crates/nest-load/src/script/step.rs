//! One request made ready to run, whether a file or code asks for it.

use std::{borrow::Cow, sync::OnceLock, time::Duration};

use memchr::memmem::Finder;
use nest_data::{behaviour::Expect, customers::Times};
use url::Url;

use super::{capture::Captor, count::RequestCount, settings::ExchangeSettings, text::Text};
use crate::http::{
    NoAnswer, USER_AGENT,
    compat::CompatSettings,
    origin::{Origin, bare},
};

/// The endpoint of a request that is not one of the program's files.
pub const NO_ENDPOINT: usize = usize::MAX;

/// The header field that says where a redirect leads.
pub const LOCATION: &str = "location";

/// A request made ready to run.
pub struct ScriptStep {
    /// Index among all requests of the program's files; [`NO_ENDPOINT`] for one that code asks for.
    pub endpoint: usize,
    pub name: String,
    pub method: Cow<'static, str>,
    pub path: Text,
    pub headers: Vec<(String, Text)>,
    pub body: RequestBody,
    /// The HTTP/1.1 head up to cookies and length, for the fast path.
    pub head: Text,
    /// The path, if nothing in it is filled in: cookies ask for it.
    pub literal_path: Option<String>,
    /// What the behaviour itself sends as cookies; it goes before those that the customer keeps.
    pub own_cookies: Option<Text>,
    /// The host that cookies belong to, if the request names another one than the base URL does.
    pub cookie_host: Option<String>,
    pub think: Option<Times>,
    pub timeout: Duration,
    pub expect: Expect,
    pub contains: Option<Finder<'static>>,
    pub excludes: Option<Finder<'static>>,
    pub save: Vec<(usize, String, Captor)>, // variable, its name, where from
    /// Whether something that it saves is a link somewhere.
    pub gives_links: bool,
    pub counts: Vec<RequestCount>,
    pub wanted_fields: Vec<String>,
    pub wants_body: bool,
    pub route: Route,
    /// Most redirects that are followed.
    pub redirects: usize,
    /// Where among the wanted fields that is which says where a redirect leads, if one is followed.
    pub location: Option<usize>,
    /// Where a redirect led that left the target.
    pub elsewhere: Option<Url>,
    /// The request as HTTP/2 sends it, if nothing in it is filled in.
    pub prebuilt: OnceLock<http::Request<()>>,
}

/// A request that code asks for.
#[derive(Debug, Clone, Copy)]
pub struct PlainRequest<'a> {
    pub name: &'a str,
    pub method: &'a str,
    /// Path and query, relative to the base URL.
    pub path: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a [u8],
    /// Most redirects that are followed.
    pub redirects: usize,
}

impl ScriptStep {
    /// Whether every request is the same but for cookies.
    pub fn is_literal(&self) -> bool {
        self.path.is_literal()
            && matches!(self.body, RequestBody::None)
            && self.own_cookies.is_none()
            && self.headers.iter().all(|(_, value)| value.is_literal())
    }

    /// Method and name, as failures show them. A name is the study's own, or method and path with their
    /// templates.
    pub fn named(&self) -> String {
        if self.name.starts_with(&format!("{} ", self.method)) {
            self.name.clone()
        } else {
            format!("{} {}", self.method, self.name)
        }
    }

    /// A request with nothing to fill in, whose answer is right below status 400, and whose body is wanted.
    ///
    /// # Errors
    /// A method, path or header that would break the request apart.
    pub fn plain(request: PlainRequest<'_>, settings: &ExchangeSettings) -> Result<Self, NoAnswer> {
        check(&request)?;
        let literal_path = format!("{}{}", settings.origin.prefix, request.path);
        let path = Text::literal(&literal_path);
        let headers: Vec<(String, Text)> = request
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Text::literal(value)))
            .collect();
        let cookie_host = named_host(&headers);
        let (headers, own_cookies) = without_cookies(headers);
        let body = match request.body {
            [] => RequestBody::None,
            bytes => RequestBody::Text(Text::of_bytes(bytes)),
        };
        Ok(Self {
            endpoint: NO_ENDPOINT,
            name: request.name.to_owned(),
            head: head(request.method, &path, &headers, &settings.origin),
            route: Route::of(&body, &settings.origin, &settings.compat),
            method: Cow::Owned(request.method.to_owned()),
            path,
            headers,
            body,
            literal_path: Some(literal_path),
            own_cookies,
            cookie_host,
            think: None,
            timeout: Duration::from_secs_f64(settings.timeout_s),
            expect: Expect::default(),
            contains: None,
            excludes: None,
            save: Vec::new(),
            gives_links: false,
            counts: Vec::new(),
            wanted_fields: if request.redirects > 0 {
                vec![LOCATION.to_owned()]
            } else {
                Vec::new()
            },
            wants_body: true,
            redirects: request.redirects,
            location: (request.redirects > 0).then_some(0),
            elsewhere: None,
            prebuilt: OnceLock::new(),
        })
    }
}

/// Header fields without those for cookies, and what these send: one field holds all cookies of a request
/// (RFC 6265, section 5.4).
pub fn without_cookies(headers: Vec<(String, Text)>) -> (Vec<(String, Text)>, Option<Text>) {
    let mut cookies: Option<Text> = None;
    let mut others = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        match &mut cookies {
            _ if !name.eq_ignore_ascii_case("cookie") => others.push((name, value)),
            Some(cookies) => {
                cookies.push(b"; ");
                cookies.append(&value);
            }
            none => *none = Some(value),
        }
    }
    (others, cookies)
}

/// The host of a `Host` field in which nothing is filled in, without its port.
pub fn named_host(headers: &[(String, Text)]) -> Option<String> {
    let (_, value) = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("host"))?;
    let url = url::Url::parse(&format!("http://{}/", value.as_literal()?)).ok()?;
    Some(bare(url.host_str()?).to_owned())
}

fn check(request: &PlainRequest<'_>) -> Result<(), NoAnswer> {
    let is_token = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_token(request.method) {
        return Err(NoAnswer::new(
            "request",
            format!("{:?} is not an HTTP method", request.method),
        ));
    }
    if !request.path.starts_with('/') || !is_token(request.path) {
        return Err(NoAnswer::new(
            "request",
            // It may hold a key.
            "the path does not begin with /, or holds a blank or a letter that is not ASCII",
        ));
    }
    let has_control = |text: &str| text.bytes().any(|byte| byte.is_ascii_control());
    let wrong = request
        .headers
        .iter()
        .find(|(name, value)| name.is_empty() || has_control(name) || has_control(value));
    match wrong {
        Some((name, _)) => Err(NoAnswer::new(
            "request",
            format!("{name:?} is not a header, or its value holds a control character"),
        )),
        None => Ok(()),
    }
}

/// Everything of an HTTP/1.1 head that comes before cookies and the length of the body.
pub fn head(method: &str, path: &Text, headers: &[(String, Text)], origin: &Origin) -> Text {
    let given = |name: &str| {
        headers
            .iter()
            .any(|(header, _)| header.eq_ignore_ascii_case(name))
    };
    let mut head = Text::literal(&format!("{method} "));
    head.append(path);
    head.push(b" HTTP/1.1\r\n");
    for (name, value) in [
        ("host", origin.authority.as_str()),
        ("user-agent", USER_AGENT),
        ("accept", "*/*"),
    ] {
        if !given(name) {
            head.push(format!("{name}: {value}\r\n").as_bytes());
        }
    }
    for (name, value) in headers {
        head.push(format!("{name}: ").as_bytes());
        head.append(value);
        head.push(b"\r\n");
    }
    head.shrink();
    head
}

/// Which client sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    Http1,
    Http2,
    /// reqwest, for this reason.
    Compat(&'static str),
}

impl Route {
    /// The route of a request to the target with this body.
    pub fn of(body: &RequestBody, origin: &Origin, compat: &CompatSettings) -> Self {
        match () {
            () if compat.proxy.is_some() => Self::Compat("proxy"),
            () if matches!(body, RequestBody::Multipart(_)) => Self::Compat("multipart"),
            () if origin.http2 => Self::Http2,
            () => Self::Http1,
        }
    }

    /// How a run names it; nothing for the fast path.
    pub fn label(self) -> Option<String> {
        match self {
            Self::Http1 => None,
            Self::Http2 => Some("HTTP/2".to_owned()),
            Self::Compat(reason) => Some(format!("reqwest ({reason})")),
        }
    }
}

/// A body made ready to run.
#[derive(Clone)]
pub enum RequestBody {
    None,
    Text(Text),
    Multipart(Vec<MultipartField>),
}

/// A field of a multipart body.
#[derive(Clone)]
pub struct MultipartField {
    pub name: String,
    pub value: Text,
    pub file_name: Option<String>,
    pub content_type: Option<String>,
}
