//! The system under load.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Seconds;

/// The system under load: where it is, how it is started, and how requests reach it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Scheme, host and port of the target: `"http://127.0.0.1:8080"`. A path after them begins the path of
    /// every request; `{{ env("NAME") }}` in it is read from the environment. A user name, a password or a
    /// query is refused.
    pub base_url: String,
    /// Command that starts the target and stays in the foreground. `sh` runs it in the study's folder; it is
    /// ended after the run. [default: the target is already running]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Path that answers with a status below 400 once the target is ready: `"/health"`. [default: ready once
    /// it accepts a connection]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<String>,
    /// Longest wait until the target is ready. [default: 30s]
    #[serde(default = "thirty_seconds")]
    pub ready_within: Seconds,
    /// Hosts that may be put under load besides this machine. [default: this machine only]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_hosts: Vec<String>,
    /// Use HTTP/2. [default: false, HTTP/1.1]
    #[serde(default, skip_serializing_if = "is_false")]
    pub http2: bool,
    /// File in the study's folder with certificates (PEM) to trust besides those that the machine trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Accept any certificate: for your own target with a self-signed certificate. [default: false]
    #[serde(default, skip_serializing_if = "is_false")]
    pub insecure: bool,
    /// Proxy for all requests: `"http://127.0.0.1:3128"`. Requests then take the compatibility path, which is
    /// slower.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Cores that a target started by `start` may use, by number from 0. [default: all]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<Vec<usize>>,
    /// Variables of the environment that `start`, `reset` and `state` see, by name. They always see PATH,
    /// HOME, LANG, TMPDIR and those that begin with NEST_, unless a behaviour reads them as secrets, and no
    /// others. [default: none]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// Command that `sh` runs between steps, to bring stored data back to where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<String>,
    /// Command that `sh` runs once before the first step, to fill the target to a stated data size. With
    /// `data.sizes` it runs once for each size, which it finds in $NEST_SIZE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn thirty_seconds() -> Seconds {
    Seconds::new(30.0).expect("30 is a valid span")
}

/// Whether a host is this machine: `localhost` or a loopback address. It asks no name server.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
