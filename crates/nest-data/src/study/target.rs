//! The system under load.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Seconds;

/// The system under load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Scheme, host and port: `"http://127.0.0.1:8080"`.
    pub base_url: String,
    /// Command that starts the target and stays in the foreground; run by `sh` in the study's folder, ended after the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Path that answers below 400 once the target is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<String>,
    /// Longest wait for the target to be ready.
    #[serde(default = "thirty_seconds")]
    pub ready_within: Seconds,
    /// Hosts besides the loopback ones that may be put under load.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_hosts: Vec<String>,
    /// Whether HTTP/2 is spoken.
    #[serde(default, skip_serializing_if = "is_false")]
    pub http2: bool,
    /// File (PEM, in the study's folder) with certificates to trust besides those that the machine trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Trust any certificate, for a target of one's own whose certificate nobody has signed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub insecure: bool,
    /// Proxy of all requests: `"http://127.0.0.1:3128"`. They take the compatibility path then, which is slower.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Cores that a started target may use, by number; all where missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<Vec<usize>>,
    /// Command that is run between steps, to bring stored data back to where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<String>,
    /// Command that is run once before the first step, to fill the target to a stated data size; where `data.sizes` states
    /// several, once for each of them, with the size in $NEST_SIZE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn thirty_seconds() -> Seconds {
    Seconds::new(30.0).expect("30 is a valid span")
}

/// Whether a host is this machine, without asking a name server.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
