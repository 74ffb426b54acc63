//! The broker: where it is, who may use it, and a connection to it.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, ServerError};
use nest_data::{Caveat, study::is_loopback};

use crate::error::LoadError;

/// Longest wait for one attempt to connect.
const CONNECT: Duration = Duration::from_secs(5);
/// How a server begins what it says of a subject that a user may not use.
const NOT_PERMITTED: &str = "permissions violation";
/// Longest wait between two attempts to connect again.
const MOST_DELAY: Duration = Duration::from_secs(1);

/// Where the broker is, and how it is used.
#[derive(Clone)]
pub struct BrokerAccess {
    /// `nats://HOST:PORT`, or `tls://HOST:PORT`.
    pub url: String,
    /// Name of the user.
    pub user: String,
    /// Password of the user.
    pub password: String,
    /// File with certificates (PEM) of authorities to trust besides those that the machine trusts.
    pub ca: Option<PathBuf>,
    /// Files with a certificate of ours and its key (PEM).
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// What is done without TLS.
    pub plain: PlainBroker,
}

impl std::fmt::Debug for BrokerAccess {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neither the password nor the URL, in which there may be one.
        out.debug_struct("BrokerAccess")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// What is done with a broker on another machine that is used without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainBroker {
    /// It is refused.
    Refused,
    /// It is used all the same: who can listen on the way learns what is measured, and the password.
    Allowed,
}

/// A connection, and since when it stands.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) client: Client,
    seen: Arc<Mutex<Seen>>,
}

/// What has been seen of a connection.
#[derive(Default)]
struct Seen {
    up: Option<Instant>,
    /// What the server did not permit first, in its own words.
    refusal: Option<String>,
}

impl Connection {
    /// For how long the connection has stood; nothing while it does not.
    pub fn up_for(&self) -> Duration {
        let up = self.seen.lock().unwrap_or_else(PoisonError::into_inner).up;
        up.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// What the server does not permit this user, in its own words.
    pub fn refusal(&self) -> Option<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.refusal.clone()
    }
}

impl BrokerAccess {
    /// Refuses an address that cannot be used, or must not.
    ///
    /// # Errors
    /// [`LoadError::Broker`].
    pub fn check(&self) -> Result<(), LoadError> {
        let refused = |reason: &str| Err(self.unusable(reason));
        let Ok(url) = url::Url::parse(&self.url) else {
            return refused("that is no URL; write tls://HOST:PORT, or nats://127.0.0.1:PORT");
        };
        if !matches!(url.scheme(), "nats" | "tls") {
            return refused("its scheme is neither tls nor nats");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(LoadError::Broker {
                // It must not show up once more.
                url: format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default()),
                reason: "a user or password in the URL shows in the list of processes; set NEST_NATS_USER \
                         and NEST_NATS_PASSWORD, or give --credentials FILE"
                    .to_owned(),
            });
        }
        let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
            return refused("it names no host");
        };
        if url.scheme() == "nats" && !is_loopback(host) && self.plain == PlainBroker::Refused {
            return refused(
                "a server on another machine is used over TLS; write tls://, or allow this one with \
                 --insecure-broker",
            );
        }
        Ok(())
    }

    /// What must be said about results that came over it.
    pub fn caveat(&self) -> Option<Caveat> {
        let url = url::Url::parse(&self.url).ok()?;
        let is_away = url.host_str().is_some_and(|host| !is_loopback(host));
        (url.scheme() == "nats" && is_away).then(|| Caveat::BrokerWithoutTls {
            url: self.url.clone(),
        })
    }

    /// Connects. `inbox` is the prefix of the subjects on which answers come.
    ///
    /// # Errors
    /// [`LoadError::Broker`], in the server's own words.
    pub(super) async fn connect(&self, inbox: &str, name: &str) -> Result<Connection, LoadError> {
        self.connect_once(inbox, name)
            .await
            .map_err(|error| self.unusable(&words_of(&error)))
    }

    /// Connects as soon as the broker can be reached, within `patience`. A refusal is final.
    ///
    /// # Errors
    /// [`LoadError::Broker`], in the server's own words.
    pub(super) async fn connect_within(
        &self,
        inbox: &str,
        name: &str,
        patience: Duration,
    ) -> Result<Connection, LoadError> {
        let begun = Instant::now();
        loop {
            let error = match self.connect_once(inbox, name).await {
                Ok(connection) => return Ok(connection),
                Err(error) => error,
            };
            let is_final = matches!(
                error.kind(),
                ConnectErrorKind::AuthorizationViolation
                    | ConnectErrorKind::Authentication
                    | ConnectErrorKind::ServerParse
                    | ConnectErrorKind::Tls
            );
            if is_final || begun.elapsed() >= patience {
                return Err(self.unusable(&words_of(&error)));
            }
            tokio::time::sleep(MOST_DELAY).await;
        }
    }

    async fn connect_once(&self, inbox: &str, name: &str) -> Result<Connection, async_nats::ConnectError> {
        let seen = Arc::new(Mutex::new(Seen {
            up: Some(Instant::now()),
            refusal: None,
        }));
        let noted = Arc::clone(&seen);
        let mut options = ConnectOptions::with_user_and_password(self.user.clone(), self.password.clone())
            .custom_inbox_prefix(inbox)
            .name(name)
            .require_tls(self.url.starts_with("tls:"))
            .connection_timeout(CONNECT)
            .reconnect_delay_callback(|attempt| {
                (Duration::from_millis(50) * attempt.min(100) as u32).min(MOST_DELAY)
            })
            // Others that the server names were not given by the user.
            .ignore_discovered_servers()
            .event_callback(move |event| {
                let seen = Arc::clone(&noted);
                async move {
                    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                    match event {
                        Event::Connected => seen.up = Some(Instant::now()),
                        Event::Disconnected | Event::Closed => seen.up = None,
                        Event::ServerError(ServerError::Other(said))
                            if said.to_ascii_lowercase().contains(NOT_PERMITTED) =>
                        {
                            seen.refusal.get_or_insert(said);
                        }
                        _ => {}
                    }
                }
            });
        if let Some(ca) = &self.ca {
            options = options.add_root_certificates(ca.clone());
        }
        if let Some((certificate, key)) = &self.certificate {
            options = options.add_client_certificate(certificate.clone(), key.clone());
        }
        let client = options.connect(self.url.as_str()).await?;
        Ok(Connection { client, seen })
    }

    fn unusable(&self, reason: &str) -> LoadError {
        LoadError::Broker {
            url: self.url.clone(),
            reason: reason.to_owned(),
        }
    }
}

/// An error with its causes.
fn words_of(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        cause = inner.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str, plain: PlainBroker) -> Option<String> {
        let access = BrokerAccess {
            url: url.to_owned(),
            user: "worker".to_owned(),
            password: "token-4711".to_owned(),
            ca: None,
            certificate: None,
            plain,
        };
        assert!(!format!("{access:?}").contains("4711"));
        access.check().err().map(|error| error.to_string())
    }

    #[test]
    fn only_a_broker_on_this_machine_is_used_without_tls() {
        for fine in [
            "nats://127.0.0.1:4222",
            "nats://[::1]:4222",
            "tls://broker.example:4222",
        ] {
            assert_eq!(refusal(fine, PlainBroker::Refused), None, "{fine}");
        }
        let plain = "nats://10.0.0.7:4222";
        let said = refusal(plain, PlainBroker::Refused).expect("it is refused");
        assert!(said.contains("--insecure-broker"), "{said}");
        assert_eq!(refusal(plain, PlainBroker::Allowed), None);
    }

    #[test]
    fn odd_addresses_are_refused_and_no_password_is_shown() {
        let said = refusal("tls://me:token-4711@broker:4222", PlainBroker::Refused).expect("refused");
        assert!(
            said.contains("NEST_NATS_PASSWORD") && !said.contains("4711"),
            "{said}"
        );
        for odd in ["broker:4222", "http://127.0.0.1:4222", "not a url", "nats://"] {
            assert!(refusal(odd, PlainBroker::Allowed).is_some(), "{odd}");
        }
    }
}
