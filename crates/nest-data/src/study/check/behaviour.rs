//! Checks a behaviour beyond its schema: paths, bodies, headers, templates and captures.

use std::collections::BTreeMap;

use crate::{
    diagnostic::Diagnostic,
    study::{
        behaviour::{
            BehaviourSpec, Capture, CountSource, Request, json_pointer,
            template::{Template, TemplatePart},
            texts_of,
        },
        customers::Think,
    },
    toml_document::Spans,
};

/// Help on how to write a think time.
pub(crate) const THINK_HELP: &str = "write \"8s\", or { dist = \"uniform\", from, to }, { dist = \
    \"exponential\", mean } or { dist = \"lognormal\", median, p95 }";

/// Most that one execution may add to a count.
const MOST_COUNTED: f64 = 1e15;

/// Checks one behaviour. `saved` are the variables that the behaviour it needs saves, `feeds` the names of
/// all feeds; with `None` they are not known and not checked.
pub(crate) fn check_behaviour(
    behaviour: &BehaviourSpec,
    saved: Vec<String>,
    feeds: Option<&[String]>,
    spans: &Spans,
    found: &mut Vec<Diagnostic>,
) {
    if behaviour.steps.is_empty() {
        found.push(spans.at_key(
            &["steps"],
            "the behaviour makes no request",
            "add a step such as { get = \"/\" }",
        ));
    }
    check_counts(&behaviour.counts, &["counts"], spans, found);
    let mut known = saved;
    known.extend(behaviour.variables.keys().cloned());
    for (index, step) in behaviour.steps.iter().enumerate() {
        check_request(step, &index.to_string(), feeds, spans, &mut known, found);
    }
}

fn check_request(
    step: &Request,
    index: &str,
    feeds: Option<&[String]>,
    spans: &Spans,
    known: &mut Vec<String>,
    found: &mut Vec<Diagnostic>,
) {
    let Some((method, path)) = step.method_and_path() else {
        let help = "write { get = \"/items\" } or { post = \"/orders\", json = { .. } }";
        return found.push(spans.at_value(
            &["steps", index],
            "a step must name exactly one of get, post, put, patch, delete and head",
            help,
        ));
    };
    if !path.starts_with('/') && !path.starts_with("{{") {
        let help =
            "write the path from the base URL, starting with /, or begin with a saved link: {{ next }}";
        found.push(spans.at_value(
            &["steps", index, &method.to_ascii_lowercase()],
            format!("{path:?} is not a path"),
            help,
        ));
    }
    let bodies = [
        step.json.is_some(),
        !step.form.is_empty(),
        !step.multipart.is_empty(),
        step.body.is_some(),
    ];
    if bodies.into_iter().filter(|given| *given).count() > 1 {
        found.push(spans.at_value(
            &["steps", index],
            "a step can have only one body",
            "keep one of json, form, multipart and body",
        ));
    }
    if let Some(Err(reason)) = step.think.as_ref().map(Think::times) {
        found.push(spans.at_value(&["steps", index, "think"], reason, THINK_HELP));
    }
    if let Some(name) = step.headers.keys().find(|name| !is_header_name(name)) {
        found.push(spans.at_key(
            &["steps", index, "headers", name],
            format!("{name:?} is not the name of a header"),
            "use letters, digits and hyphens",
        ));
    }
    for (name, values) in &step.headers {
        let mut bytes = values.texts().iter().flat_map(|text| text.bytes());
        if bytes.any(|byte| byte.is_ascii_control() && byte != b'\t') {
            found.push(spans.at_value(
                &["steps", index, "headers", name],
                "the value of a header must be one line",
                "remove the line break",
            ));
        }
        if ["content-length", "transfer-encoding"]
            .iter()
            .any(|own| name.eq_ignore_ascii_case(own))
        {
            found.push(spans.at_key(
                &["steps", index, "headers", name],
                format!("the load generator sets `{name}` itself"),
                "remove the header",
            ));
        }
    }
    for (key, text) in texts_of(step) {
        check_template(text, &["steps", index, key], feeds, spans, known, found);
    }
    check_counts(&step.counts, &["steps", index, "counts"], spans, found);
    for (name, capture) in &step.save {
        if let Some((message, help)) = wrong_capture(capture) {
            found.push(spans.at_value(&["steps", index, "save", name], message, help));
        }
        known.push(name.clone());
    }
}

/// Checks the counts at `place`.
fn check_counts(
    counts: &BTreeMap<String, CountSource>,
    place: &[&str],
    spans: &Spans,
    found: &mut Vec<Diagnostic>,
) {
    for (name, source) in counts {
        if let Some((message, help)) = wrong_count(name, source) {
            found.push(spans.at_value(&[place, &[name]].concat(), message, help));
        }
    }
}

fn check_template(
    text: &str,
    place: &[&str],
    feeds: Option<&[String]>,
    spans: &Spans,
    known: &[String],
    found: &mut Vec<Diagnostic>,
) {
    let template = match text.parse::<Template>() {
        Ok(template) => template,
        Err(error) => {
            let help = "write {{ name }}, {{ feed.column }}, {{ int(1, 9) }} or {{ pick(\"a\", \"b\") }}";
            return found.push(spans.at_value(place, error.to_string(), help));
        }
    };
    for segment in template.segments() {
        match segment {
            TemplatePart::Variable(name) if !known.contains(name) => {
                let help = "save it in an earlier step, or give it a value under [variables]";
                found.push(spans.at_value(
                    place,
                    format!("`{{{{ {name} }}}}` has no value yet at this step"),
                    help,
                ));
            }
            TemplatePart::Feed { feed, .. } if feeds.is_some_and(|feeds| !feeds.contains(feed)) => {
                let help = format!("add [feeds.{feed}] with file = \"{feed}.csv\" to nest.toml");
                found.push(spans.at_value(place, format!("there is no feed `{feed}`"), help));
            }
            _ => {}
        }
    }
}

/// What is wrong with a capture, and what to do.
fn wrong_capture(capture: &Capture) -> Option<(String, String)> {
    match capture {
        Capture::Json(path) if json_pointer(path).is_none() => Some((
            format!("{path:?} is not a JSON path"),
            "write $ and names or indices, such as \"$.items[0].id\"".to_owned(),
        )),
        Capture::Json(_) => None,
        Capture::Elsewhere(from) => match (&from.header, &from.regex) {
            (Some(header), None) if is_header_name(header) => None,
            (None, Some(expression)) => match regex::bytes::Regex::new(expression) {
                Ok(expression) if expression.captures_len() <= 2 => None,
                Ok(_) => Some((
                    "the regular expression has more than one group".to_owned(),
                    "keep one group and write the others as (?:..)".to_owned(),
                )),
                Err(error) => Some((
                    format!("not a regular expression: {error}"),
                    "see docs.rs/regex for the syntax".to_owned(),
                )),
            },
            _ => Some((
                "a value must be saved from one place".to_owned(),
                "write { header = \"X-Token\" } or { regex = \"id=([0-9]+)\" }".to_owned(),
            )),
        },
    }
}

/// What is wrong with a count, and what to do.
fn wrong_count(name: &str, source: &CountSource) -> Option<(String, &'static str)> {
    match source {
        CountSource::Constant(amount) if !(0.0..=MOST_COUNTED).contains(amount) => Some((
            format!("the count `{name}` adds {amount}, out of range"),
            "write a number from 0 to 1e15",
        )),
        CountSource::Constant(_) => None,
        CountSource::Read(place) => match (&place.json, &place.header) {
            (Some(path), None) if json_pointer(path).is_none() => Some((
                format!("{path:?} is not a JSON path"),
                "write $ and names or indices, such as \"$.usage.completion_tokens\"",
            )),
            (None, Some(header)) if !is_header_name(header) => Some((
                format!("{header:?} is not the name of a header"),
                "use letters, digits and hyphens",
            )),
            (Some(_), None) | (None, Some(_)) => None,
            _ => Some((
                format!("the count `{name}` must be read from one place"),
                "write { json = \"$.usage.completion_tokens\" } or { header = \"X-Queued\" }",
            )),
        },
    }
}

/// Whether a text is a token of RFC 9110, section 5.6.2.
fn is_header_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
