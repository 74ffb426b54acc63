//! Fetches metrics pages, all at once, on a runtime of its own so that no customer waits for them.
//!
//! As in `http`, whatever could lead elsewhere is off: redirects, retries, proxies from the environment.
//! Every fetch opens its own connection: between two of them nothing would notice that a kept one was closed.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use reqwest::{Client, header::ACCEPT, redirect, retry};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{engine::interrupt::Interrupt, error::LoadError};

/// Longest wait for a page.
const LONGEST: Duration = Duration::from_secs(2);
/// Longest page that is read, in bytes.
const LONGEST_PAGE: usize = 16 << 20;
/// The text format that every exporter knows.
const TEXT_FORMAT: &str = "text/plain;version=0.0.4;q=1,*/*;q=0.1";

/// Fetches pages over HTTP.
#[derive(Debug)]
pub struct Fetcher {
    runtime: Option<Runtime>, // none only while it is dropped
    client: Client,
    interrupt: Interrupt,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Status code.
    pub status: u16,
    /// The page; what is not UTF-8 in it is replaced.
    pub text: String,
    /// Half-way between question and answer: when its numbers were read, as well as can be told from here.
    pub at: Instant,
}

impl Fetcher {
    /// A fetcher without connections, which gives up if a stop is asked for.
    ///
    /// # Errors
    /// [`LoadError::System`] if the system gives no timer or sockets.
    pub fn new(interrupt: Interrupt) -> Result<Self, LoadError> {
        let refused = |source| LoadError::System {
            what: "a runtime for metrics",
            source,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(refused)?;
        crate::http::tls::provide();
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .no_proxy()
            .http1_only()
            .pool_max_idle_per_host(0)
            .timeout(LONGEST)
            .build()
            .map_err(|error| refused(std::io::Error::other(error)))?;
        Ok(Self {
            runtime: Some(runtime),
            client,
            interrupt,
        })
    }

    /// Fetches all pages at the same time; one answer per address, in their order, or why there is none.
    pub fn fetch(&self, addresses: &[String]) -> Vec<Result<Page, String>> {
        let mut answers: Vec<Result<Page, String>> = addresses
            .iter()
            .map(|_| Err("it was not asked".to_owned()))
            .collect();
        let Some(runtime) = &self.runtime else {
            return answers;
        };
        runtime.block_on(async {
            let mut fetches = JoinSet::new();
            for (index, address) in addresses.iter().enumerate() {
                let (client, address) = (self.client.clone(), address.clone());
                fetches.spawn(async move { (index, fetch(&client, &address).await) });
            }
            loop {
                tokio::select! {
                    fetched = fetches.join_next() => match fetched {
                        Some(Ok((index, answer))) => answers[index] = answer,
                        _ => break,
                    },
                    () = self.interrupt.requested() => break,
                }
            }
        });
        answers
    }
}

impl Drop for Fetcher {
    fn drop(&mut self) {
        // Whoever still looks up a name is not waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Downloads a text that somebody asked for, within a time and a size. Nothing of it leads elsewhere: a
/// redirect is an error.
///
/// # Errors
/// In words: no connection, another status than 200, too long, too late, not UTF-8.
pub fn download(address: &str, longest: Duration, most_bytes: usize) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    crate::http::tls::provide();
    let client = Client::builder()
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .http1_only()
        .timeout(longest)
        .build();
    let client = client.map_err(|error| error.to_string())?;
    let too_late = |error: reqwest::Error| {
        if error.is_timeout() {
            format!("no answer within {} s", longest.as_secs())
        } else {
            reason(&error)
        }
    };
    runtime.block_on(async {
        let mut response = client.get(address).send().await.map_err(too_late)?;
        if response.status().as_u16() != 200 {
            return Err(format!("status {}", response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(too_late)? {
            if body.len() + chunk.len() > most_bytes {
                return Err(format!("it is longer than {} MiB", most_bytes >> 20));
            }
            body.extend_from_slice(&chunk);
        }
        String::from_utf8(body).map_err(|_| "it is not UTF-8".to_owned())
    })
}

async fn fetch(client: &Client, address: &str) -> Result<Page, String> {
    let asked = Instant::now();
    let mut response = client
        .get(address)
        .header(ACCEPT, TEXT_FORMAT)
        .send()
        .await
        .map_err(|error| reason(&error))?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error))? {
        if body.len() + chunk.len() > LONGEST_PAGE {
            return Err(format!("the page is longer than {} MiB", LONGEST_PAGE >> 20));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Page {
        status,
        text: String::from_utf8_lossy(&body).into_owned(),
        at: asked + asked.elapsed() / 2,
    })
}

/// Why there is no page, in words that need no error number.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", LONGEST.as_secs());
    }
    let mut innermost: &dyn Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    match innermost.downcast_ref::<std::io::Error>() {
        Some(system) if system.raw_os_error().is_some() => system.kind().to_string(),
        _ => innermost.to_string(),
    }
}
