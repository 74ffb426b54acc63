//! The compatibility path, by reqwest: multipart bodies, proxies, redirects to other hosts. One client per
//! customer, so that connections and cookies are the customer's own; a half to a third of the speed of the
//! fast path.
//!
//! Its defaults that would flatter or disturb a target are off: redirects that nobody counts, retries,
//! proxies from the environment, the referer. It shows no socket, so that a connection that ends without an
//! answer is always the target's failure; what had not left hyper sends again by itself.

use std::{
    borrow::Cow,
    error::Error,
    io::ErrorKind,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use reqwest::{
    Client, Method, Url,
    cookie::CookieStore,
    header::HeaderValue,
    multipart::{Form, Part},
    redirect::Policy,
    retry,
};

use super::{
    NoAnswer, Receiver,
    cookies::{Jar, Visit},
    loss::Failed,
    origin::{Origin, bare},
};

/// What hyper says of a head that passes one of its limits.
const TOO_LARGE: &str = "message head is too large";

/// What a customer's client is made for.
#[derive(Debug, Clone, Default)]
pub struct CompatSettings {
    /// Proxy of all requests.
    pub proxy: Option<String>,
    /// Hosts besides the loopback ones that a redirect may lead to.
    pub allow_hosts: Vec<String>,
}

/// A request with everything filled in.
pub struct Outgoing {
    pub method: Cow<'static, str>,
    pub url: String,
    pub headers: Vec<(String, String)>,
    /// Cookies besides those that the customer keeps.
    pub own_cookies: Vec<u8>,
    /// The host that cookies belong to, if it is not the origin's.
    pub cookie_host: Option<String>,
    pub body: FilledBody,
}

/// A body with everything filled in.
pub enum FilledBody {
    None,
    Bytes(Vec<u8>),
    Multipart(Vec<FilledField>),
}

/// One field of a multipart body.
pub struct FilledField {
    pub name: String,
    pub value: Vec<u8>,
    pub file_name: Option<String>,
    pub content_type: Option<String>,
}

/// A customer's client, once it was needed.
#[derive(Default)]
pub struct Compat {
    client: Option<Client>,
    cookies: Option<Arc<SentCookies>>,
}

impl Compat {
    /// Sends a request and reads its answer.
    pub async fn exchange(
        &mut self,
        origin: &Origin,
        settings: &CompatSettings,
        cookies: &Jar,
        outgoing: Outgoing,
        receiver: &mut Receiver<'_>,
    ) -> Result<(), Failed> {
        let store = self
            .cookies
            .get_or_insert_with(|| Arc::new(SentCookies::new(cookies, origin)));
        store.begin(outgoing.own_cookies, outgoing.cookie_host);
        let store = Arc::clone(store);
        let client = self.client(origin, settings, store)?;
        let method = Method::from_bytes(outgoing.method.as_bytes())
            .map_err(|error| NoAnswer::new("request", error))?;
        let mut request = client.request(method, outgoing.url);
        for (name, value) in outgoing.headers {
            request = request.header(name, value);
        }
        request = match outgoing.body {
            FilledBody::None => request,
            FilledBody::Bytes(bytes) => request.body(bytes),
            FilledBody::Multipart(fields) => request.multipart(form(fields)?),
        };
        let mut response = request.send().await.map_err(no_answer)?;
        receiver.start(response.status().as_u16(), response.content_length())?;
        let mut bytes = "HTTP/1.1 200 OK\r\n\r\n".len() as u64;
        for (name, value) in response.headers() {
            // The cookie store has them already.
            if name != "set-cookie" {
                receiver.field(name.as_str(), value.as_bytes());
            }
            bytes += (name.as_str().len() + value.len() + 4) as u64;
        }
        receiver.set_bytes(bytes);
        while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
            bytes += chunk.len() as u64;
            receiver.set_bytes(bytes);
            receiver.data(&chunk)?;
        }
        Ok(())
    }

    fn client(
        &mut self,
        origin: &Origin,
        settings: &CompatSettings,
        cookies: Arc<SentCookies>,
    ) -> Result<Client, NoAnswer> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let client = build(origin, settings, cookies).map_err(|error| NoAnswer::new("request", error))?;
        self.client = Some(client.clone());
        Ok(client)
    }
}

fn build(origin: &Origin, settings: &CompatSettings, cookies: Arc<SentCookies>) -> reqwest::Result<Client> {
    super::tls::provide();
    let mut builder = Client::builder()
        .redirect(Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_proxy()
        .cookie_provider(cookies)
        .user_agent(crate::http::USER_AGENT)
        .http1_only()
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .tcp_nodelay(true)
        .pool_max_idle_per_host(1)
        .pool_idle_timeout(None);
    if let Some(tls) = &origin.tls {
        builder = builder.tls_backend_preconfigured((*tls.http1).clone());
    }
    if let Some(proxy) = &settings.proxy {
        builder = builder.proxy(reqwest::Proxy::all(proxy)?);
    }
    builder.build()
}

fn form(fields: Vec<FilledField>) -> Result<Form, NoAnswer> {
    let mut form = Form::new();
    for field in fields {
        let mut part = Part::bytes(field.value);
        if let Some(name) = field.file_name {
            part = part.file_name(name);
        }
        if let Some(kind) = field.content_type {
            part = part
                .mime_str(&kind)
                .map_err(|error| NoAnswer::new("request", error))?;
        }
        form = form.part(field.name, part);
    }
    Ok(form)
}

/// The customer's cookies, and what its present request says about them.
struct SentCookies {
    jar: Jar,
    origin: String,
    port: Option<u16>,
    request: Mutex<OwnCookies>,
}

/// Cookies that a request brings, and the host that it names.
#[derive(Default)]
struct OwnCookies {
    line: Vec<u8>,
    host: Option<String>,
}

impl SentCookies {
    fn new(jar: &Jar, origin: &Origin) -> Self {
        Self {
            jar: jar.clone(),
            origin: origin.host.clone(),
            port: origin.addresses.first().map(SocketAddr::port),
            request: Mutex::default(),
        }
    }

    /// Takes what the next request says.
    fn begin(&self, line: Vec<u8>, host: Option<String>) {
        *self.request.lock().unwrap_or_else(PoisonError::into_inner) = OwnCookies { line, host };
    }

    /// Gives the host that cookies belong to, and what the request brings for it: nothing for a host that
    /// it was redirected to. `None` for another service of the target's host: RFC 6265 tells no ports apart
    /// (section 8.5), but what the target has given is for the target alone.
    fn on<T>(&self, url: &Url, see: impl FnOnce(&str, &[u8]) -> T) -> Option<T> {
        let request = self.request.lock().unwrap_or_else(PoisonError::into_inner);
        match url.host_str().map(bare).unwrap_or_default() {
            host if host == self.origin => self
                .is_target_port(url)
                .then(|| see(request.host.as_deref().unwrap_or(host), &request.line)),
            other => Some(see(other, &[])),
        }
    }

    /// Whether a port of the target's host is the target's own: its port, or the usual one of HTTP or HTTPS
    /// if its own is the other one of them.
    fn is_target_port(&self, url: &Url) -> bool {
        let usual = [Some(80), Some(443)];
        let port = url.port_or_known_default();
        port == self.port || usual.contains(&port) && usual.contains(&self.port)
    }
}

impl CookieStore for SentCookies {
    fn set_cookies(&self, fields: &mut dyn Iterator<Item = &HeaderValue>, url: &Url) {
        let mut jar = self.jar.clone();
        self.on(url, |host, _| {
            fields.for_each(|field| jar.store(field.as_bytes(), host, url.path()));
        });
    }

    fn cookies(&self, url: &Url) -> Option<HeaderValue> {
        let mut line = Vec::new();
        self.on(url, |host, own| {
            let (path, secure) = (url.path(), url.scheme() == "https");
            self.jar
                .write_with(own, Visit { host, path, secure }, "", &mut line);
        });
        HeaderValue::from_bytes(&line)
            .ok()
            .filter(|line| !line.is_empty())
    }
}

fn no_answer(error: reqwest::Error) -> NoAnswer {
    let kind = match () {
        () if error.is_timeout() => "timeout",
        () if error.is_connect() => NoAnswer::CONNECT,
        () if error.is_builder() => "request",
        () if is_end(&error) => NoAnswer::LOST,
        () if is_malformed(&error) => "malformed",
        () if error.is_body() || error.is_decode() => "body",
        () => "transport",
    };
    let error = error.without_url();
    let innermost = causes(&error).last();
    let reason = innermost.map_or_else(|| error.to_string(), ToString::to_string);
    if reason == TOO_LARGE {
        return NoAnswer::new(
            kind,
            format!("{reason}: more than 100 fields or 408 KiB, hyper's limits"),
        );
    }
    NoAnswer::new(kind, reason)
}

/// Whether the connection ended before the answer did.
fn is_end(error: &reqwest::Error) -> bool {
    let of_system = |cause: &(dyn Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| {
            matches!(
                error.kind(),
                ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::BrokenPipe
                    | ErrorKind::UnexpectedEof
            )
        })
    };
    causes(error)
        .any(|cause| of_system(cause) || of_hyper(cause).is_some_and(hyper::Error::is_incomplete_message))
}

fn is_malformed(error: &reqwest::Error) -> bool {
    causes(error).filter_map(of_hyper).any(hyper::Error::is_parse)
}

fn of_hyper<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a hyper::Error> {
    error.downcast_ref()
}

/// An error and its causes, the innermost last.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        let error: &'a (dyn Error + 'static) = *error;
        error.source()
    })
}
