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
            format!("host `{host}` is not allowed: by default load goes only to this machine"),
            help,
        ));
    }
}

/// Checks the proxy's URL. Load goes to the proxy's host, so that it must be allowed too.
fn check_proxy(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let Some(proxy) = &study.target.proxy else { return };
    let path = ["target", "proxy"];
    let Some(url) = Url::parse(proxy)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some())
    else {
        let message = format!("{proxy:?} is not the URL of a proxy");
        return found.push(spans.at_value(
            &path,
            message,
            "write scheme, host and port, such as \"http://127.0.0.1:3128\"",
        ));
    };
    if !url.username().is_empty() || url.password().is_some() {
        found.push(spans.at_value(
            &path,
            "the proxy's URL holds a user name or password, which every run would keep",
            "use a proxy that needs none",
        ));
    }
    let host = url.host_str().unwrap_or_default();
    if !is_loopback(host) && !study.target.allow_hosts.iter().any(|allowed| allowed == host) {
        let help = format!("if you may put load on it, add allow_hosts = [\"{host}\"] under [target]");
        found.push(spans.at_value(
            &path,
            format!("the proxy's host `{host}` is not allowed: by default load goes only to this machine"),
            help,
        ));
    }
}

/// Whether load can be put on the URL: requests of files need HTTP, Rust behaviours may speak any protocol.
fn speaks(study: &Study, url: &Url) -> bool {
    let requests = study.behaviours.values().any(|behaviour| !behaviour.code);
    matches!(url.scheme(), "http" | "https") || !requests && url.port().is_some()
}
