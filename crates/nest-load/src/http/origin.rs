//! Where the target is: scheme, host and port, looked up once.

use std::{
    cell::Cell,
    net::{SocketAddr, ToSocketAddrs},
    sync::Arc,
};

use nix::{
    errno::Errno,
    sys::resource::{Resource, getrlimit},
};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;

use super::{NoAnswer, tls::Trust};
use crate::error::LoadError;

/// Scheme, host and port of a base URL, with its addresses and what is needed for TLS.
#[derive(Debug, Clone)]
pub struct Origin {
    /// `http`, `https`, or what a behaviour in code speaks.
    pub scheme: String,
    /// Host name or address, without brackets.
    pub host: String,
    /// As it stands in the `Host` field: with the port if that is not the scheme's own.
    pub authority: String,
    /// The path of the base URL, without its last `/`.
    pub prefix: String,
    /// Where the host is.
    pub addresses: Arc<[SocketAddr]>,
    /// How TLS is spoken, if it is.
    pub tls: Option<Secured>,
    /// Use HTTP/2.
    pub http2: bool,
}

/// TLS to one host.
#[derive(Debug, Clone)]
pub struct Secured {
    /// Settings of a client that speaks HTTP/1.1.
    pub http1: Arc<rustls::ClientConfig>,
    /// The same for HTTP/2.
    pub http2: Arc<rustls::ClientConfig>,
    /// The name that the certificate must bear.
    pub name: ServerName<'static>,
}

impl Origin {
    /// The origin of a base URL; looks its host up.
    ///
    /// # Errors
    /// [`LoadError::BaseUrl`] if it is none; [`LoadError::Unresolved`] if the host has no address.
    pub fn of(base_url: &str, trust: &Trust, http2: bool) -> Result<Self, LoadError> {
        let bad = || LoadError::BaseUrl {
            url: base_url.to_owned(),
        };
        let url = url::Url::parse(base_url).map_err(|_| bad())?;
        let bracketed = url.host_str().filter(|host| !host.is_empty()).ok_or_else(bad)?;
        let host = bare(bracketed).to_owned();
        let port = url.port_or_known_default().ok_or_else(bad)?;
        let addresses = resolve(&host, port)?;
        let tls = match url.scheme() {
            "https" => {
                let name = ServerName::try_from(host.clone()).map_err(|_| bad())?;
                Some(Secured {
                    http1: trust.http1_client()?,
                    http2: trust.http2_client()?,
                    name,
                })
            }
            _ => None,
        };
        let authority = url
            .port()
            .map_or_else(|| bracketed.to_owned(), |port| format!("{bracketed}:{port}"));
        let prefix = url.path().trim_end_matches('/').to_owned();
        Ok(Self {
            scheme: url.scheme().to_owned(),
            host,
            authority,
            prefix,
            addresses,
            tls,
            http2,
        })
    }

    /// The URL of a path and query.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.authority)
    }

    /// Opens a TCP connection to the first address that takes one, beginning with the one that did last.
    pub async fn connect(&self, last_good: &Cell<usize>) -> Result<TcpStream, NoAnswer> {
        let count = self.addresses.len();
        let mut failure = NoAnswer::new(NoAnswer::CONNECT, "the host has no address");
        for turn in 0..count {
            let index = (last_good.get() + turn) % count;
            match TcpStream::connect(self.addresses[index]).await {
                Ok(stream) => {
                    last_good.set(index);
                    // Small requests must not wait for the acknowledgement of earlier ones; if the option
                    // is refused they would merely wait.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => failure = not_connected(&error),
            }
        }
        Err(failure)
    }
}

/// A host without the brackets of an IPv6 address.
pub fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

fn resolve(host: &str, port: u16) -> Result<Arc<[SocketAddr]>, LoadError> {
    let unresolved = |reason: String| LoadError::Unresolved {
        host: host.to_owned(),
        reason,
    };
    let addresses: Vec<SocketAddr> = (host, port)
        .to_socket_addrs()
        .map_err(|error| unresolved(error.to_string()))?
        .collect();
    if addresses.is_empty() {
        Err(unresolved("it has no address".to_owned()))
    } else {
        Ok(addresses.into())
    }
}

fn not_connected(error: &std::io::Error) -> NoAnswer {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EMFILE | Errno::ENFILE) => NoAnswer::new(
            NoAnswer::LOCAL,
            format!(
                "the generator has no file descriptors left, as it may open {} files: raise the limit \
                 (ulimit -n), or use fewer customers",
                open_files()
            ),
        ),
        Some(Errno::EADDRNOTAVAIL) => NoAnswer::new(
            NoAnswer::LOCAL,
            "the generator has no local ports left: the target does not keep connections, or there are too \
             many customers",
        ),
        _ => NoAnswer::new(NoAnswer::CONNECT, error),
    }
}

/// How many files this process may open at once.
fn open_files() -> u64 {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft)
}
