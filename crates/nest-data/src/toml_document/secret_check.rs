//! Secrets in the URLs of a document, which is kept with what is made of it.

use serde_json::Value;

use super::Spans;
use crate::diagnostic::{Diagnostic, secrets::secret_in};

/// Every text of a document that holds a URL with a secret, in the order of the text.
pub fn secrets(value: &Value, spans: &Spans) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    collect(value, &mut Vec::new(), spans, &mut found);
    found.sort_by_key(|diagnostic| diagnostic.span.start);
    found
}

fn collect(value: &Value, path: &mut Vec<String>, spans: &Spans, found: &mut Vec<Diagnostic>) {
    match value {
        Value::String(text) if is_address(text) => {
            if let Some(place) = secret_in(text) {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                let message = format!("{} holds {place}; it would be kept and shown", name_of(&path));
                found.push(spans.at_secret(&path, message, help(&path)));
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                path.push(number.to_string());
                collect(item, path, spans, found);
                path.pop();
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                path.push(name.clone());
                collect(field, path, spans, found);
                path.pop();
            }
        }
        _ => {}
    }
}

/// Whether a text is, or holds, a URL or a path on a target.
fn is_address(text: &str) -> bool {
    text.contains("://") || text.starts_with(['/', '{']) || text.contains(':') && text.contains('@')
}

fn name_of(path: &[&str]) -> String {
    match path {
        ["probes", name, "scrape" | "query"] => format!("the address of probe `{name}`"),
        ["target", "proxy"] => "the proxy's URL".to_owned(),
        _ => format!("`{}`", path.join(".")),
    }
}

/// What to do about it.
fn help(path: &[&str]) -> &'static str {
    match path {
        ["probes", ..] => "let the endpoint answer without one, on an address that only this machine reaches",
        ["target", "proxy"] => "use a proxy that needs none",
        ["target", "start" | "reset" | "state"] => {
            "put it into an environment variable: name that in env of [target], and write $NAME here"
        }
        ["target", "ready"] => "let a path answer that needs none",
        ["steps", ..] => "put it into an environment variable, and write {{ env(\"NAME\") }} here",
        ["target", ..] => {
            "put it into an environment variable; in the path of base_url, and in the headers, queries and \
             bodies of requests, write {{ env(\"NAME\") }}"
        }
        _ => "remove it: this file and what is made of it are kept and shown",
    }
}
