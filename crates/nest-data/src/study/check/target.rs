//! Checks that load can go where the study sends it, and may.

use url::{Host, Url};

use crate::{
    diagnostic::Diagnostic,
    study::{Study, target::is_loopback},
    toml_document::Spans,
};

pub(crate) fn check_target(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let path = ["target", "base_url"];
    let url = match Url::parse(&study.target.base_url) {
        Ok(url) if url.host_str().is_some_and(|host| !host.is_empty()) && speaks(study, &url) => url,
        _ => {
            let message = format!("{:?} is not a base URL", study.target.base_url);
            return found.push(spans.at_value(
                &path,
                message,
                "write scheme, host and port, such as \"http://127.0.0.1:8080\"",
            ));
        }
    };
    let host = match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => return,
    };
    check_proxy(study, spans, found);
    if !is_loopback(&host) && !study.target.allow_hosts.contains(&host) {
        let help = format!("if you may put load on it, add allow_hosts = [\"{host}\"] under [target]");
        found.push(spans.at_value(
            &path,
            format!("host `{host}` is not allowed: load goes to this machine only"),
            help,
        ));
    }
}

/// A proxy is a host that load goes to.
fn check_proxy(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let Some(proxy) = &study.target.proxy else { return };
    let path = ["target", "proxy"];
    let Some(url) = Url::parse(proxy)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some())
    else {
        let message = format!("{proxy:?} is not a proxy's URL");
        return found.push(spans.at_value(
            &path,
            message,
            "write scheme, host and port, such as \"http://127.0.0.1:3128\"",
        ));
    };
    if !url.username().is_empty() || url.password().is_some() {
        found.push(spans.at_value(
            &path,
            "a user name or password here would be kept with every run",
            "use a proxy that asks for none",
        ));
    }
    let host = url.host_str().unwrap_or_default();
    if !is_loopback(host) && !study.target.allow_hosts.iter().any(|allowed| allowed == host) {
        let help = format!("if you may put load on it, add allow_hosts = [\"{host}\"] under [target]");
        found.push(spans.at_value(
            &path,
            format!("the proxy's host `{host}` is not allowed: load goes to this machine only"),
            help,
        ));
    }
}

/// Whether the scheme is one that requests are made over, or all behaviours are code, which may speak anything.
fn speaks(study: &Study, url: &Url) -> bool {
    let requests = study.behaviours.values().any(|behaviour| !behaviour.code);
    matches!(url.scheme(), "http" | "https") || !requests && url.port().is_some()
}
