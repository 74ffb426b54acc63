//! Checks that load can go where the study sends it, and may.

use url::{Host, Url};

use crate::{
    diagnostic::{Diagnostic, secrets::concealed},
    study::{
        Study,
        behaviour::template::{Template, TemplatePart},
        target::is_loopback,
    },
    toml_document::Spans,
};

pub(crate) fn check_target(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let path = ["target", "base_url"];
    let url = match Url::parse(&study.target.base_url) {
        Ok(url) if url.host_str().is_some_and(|host| !host.is_empty()) && speaks(study, &url) => url,
        _ => {
            let message = format!("{:?} is not a base URL", concealed(&study.target.base_url));
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
    check_base_path(study, &url, spans, found);
    check_ready(study, spans, found);
    check_proxy(study, spans, found);
    check_allowed(study, spans, found);
    if !is_loopback(&host) && !study.target.allow_hosts.contains(&host) {
        let help = format!("if you may put load on it, add allow_hosts = [\"{host}\"] under [target]");
        found.push(spans.at_value(
            &path,
            format!("host `{host}` is not allowed: by default load goes only to this machine"),
            help,
        ));
    }
}

/// Checks the path that is asked for until the target is ready: it stands in the request as it is.
///
/// Source of the characters: RFC 3986, sections 3.3 and 3.4.
fn check_ready(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let Some(ready) = &study.target.ready else { return };
    let may_stand = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte);
    if !ready.starts_with('/') || !ready.bytes().all(may_stand) {
        found.push(spans.at_value(
            &["target", "ready"],
            format!("{ready:?} is not a path"),
            "write a path from the base URL, such as \"/health\", other characters as %20",
        ));
    }
}

/// Checks what follows the host of the base URL: a path, in which variables of the environment may stand.
fn check_base_path(study: &Study, url: &Url, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let path = ["target", "base_url"];
    if matches!(url.scheme(), "http" | "https") && (url.query().is_some() || url.fragment().is_some()) {
        found.push(spans.at_value(
            &path,
            "a base URL has no query: no request would send it",
            "write the query into the paths of the requests, and a secret in it as {{ env(\"NAME\") }}",
        ));
    }
    let is_fixed = |part: &TemplatePart| matches!(part, TemplatePart::Literal(_) | TemplatePart::Env(_));
    let template = study.target.base_url.parse::<Template>();
    if !template.is_ok_and(|template| template.segments().iter().all(is_fixed)) {
        found.push(spans.at_value(
            &path,
            "a base URL takes no template but {{ env(\"NAME\") }}",
            "write other values into the paths of the requests",
        ));
    }
}

/// Checks that hosts that may be put under load are hosts, and no URLs.
fn check_allowed(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    for (index, host) in study.target.allow_hosts.iter().enumerate() {
        if host.contains(['/', '@', '?', '#', '\\']) {
            let number = index.to_string();
            let path = ["target", "allow_hosts", &number];
            let message = "an entry of allow_hosts is more than a host";
            found.push(spans.at_secret(&path, message, "write the host alone, such as \"shop.example\""));
        }
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
        let message = format!("{:?} is not the URL of a proxy", concealed(proxy));
        return found.push(spans.at_value(
            &path,
            message,
            "write scheme, host and port, such as \"http://127.0.0.1:3128\"",
        ));
    };
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
