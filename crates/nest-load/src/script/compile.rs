//! Compiles the behaviours of a study into a [`Program`].

use std::{
    borrow::Cow,
    collections::{BTreeMap, hash_map::RandomState},
    sync::{Arc, OnceLock},
    time::Duration,
};

use memchr::memmem::Finder;
use nest_data::{
    BehaviourSpec, Study,
    behaviour::{Capture, CountSource, FormPart, Request, locustfile::Locust},
    feed::Feed,
};

mod texts;

use super::{
    capture::{Captor, JsonPath},
    count::{AmountSource, RequestCount},
    feeds::FeedReader,
    program::{Program, Script, Work},
    settings::ExchangeSettings,
    step::{
        LOCATION, MultipartField, NO_ENDPOINT, RequestBody, Route, ScriptStep, head, named_host,
        without_cookies,
    },
    text::{Escape, Text},
};
use crate::{
    clock::MonotonicTime,
    code::registry::Registry,
    error::LoadError,
    http::{compat::CompatSettings, kept_bodies::KeptBodies, origin::Origin},
    schedule::rate_bound::RateBound,
};

/// What a program is made from.
pub struct Sources<'a> {
    pub behaviours: &'a BTreeMap<String, BehaviourSpec>,
    pub feeds: Vec<FeedReader>,
    pub registry: &'a Registry,
    /// The locustfile whose tasks the behaviours in code are, if there is one.
    pub locust: Option<&'a Locust>,
    pub secrets: &'a BTreeMap<String, String>,
    pub origin: Origin,
    pub compat: CompatSettings,
    pub longest_body: u64,
    pub timeout_s: f64,
    /// Most requests per second, from now on.
    pub max_rate: Option<f64>,
    /// Whether bodies of answers that fail are kept.
    pub keep_bodies: bool,
}

/// Compiles a study.
///
/// # Errors
/// [`LoadError::SecretMissing`], [`LoadError::CodeMissing`].
pub fn compile(sources: Sources<'_>) -> Result<Program, LoadError> {
    let names: Vec<&String> = sources.behaviours.keys().collect();
    let variables = variable_names(sources.behaviours);
    let links = link_names(sources.behaviours);
    let counts: Vec<Vec<String>> = sources.behaviours.values().map(count_names).collect();
    let mut scripts = Vec::new();
    for ((name, behaviour), counts) in sources.behaviours.iter().zip(&counts) {
        let compiler = Compiler {
            behaviour: name,
            variables: &variables,
            links: &links,
            counts,
            sources: &sources,
        };
        let needs = behaviour
            .needs
            .as_ref()
            .and_then(|needed| names.iter().position(|name| *name == needed));
        scripts.push(Script {
            name: name.clone(),
            needs,
            work: compiler.work(behaviour)?,
        });
    }
    number_endpoints(&mut scripts);
    let settings = ExchangeSettings {
        origin: sources.origin,
        feeds: sources.feeds,
        behaviours: sources.behaviours.keys().cloned().collect(),
        counts,
        variables: variables.len(),
        secrets: sources.secrets.values().cloned().collect(),
        keep_bodies: sources.keep_bodies,
        digest_key: RandomState::new(),
        compat: sources.compat,
        longest_body: sources.longest_body,
        bodies: KeptBodies::new(sources.longest_body),
        timeout_s: sources.timeout_s,
        bound: sources
            .max_rate
            .map(|per_s| RateBound::new(per_s, MonotonicTime::now())),
    };
    Ok(Program {
        settings: Arc::new(settings),
        scripts,
    })
}

fn number_endpoints(scripts: &mut [Script]) {
    let mut next = 0;
    for script in scripts {
        if let Work::Requests { steps, .. } = &mut script.work {
            for step in steps {
                step.endpoint = next;
                next += 1;
            }
        }
    }
}

/// The feeds of a study with their rows.
pub fn feed_readers(study: &Study, feeds: &BTreeMap<String, Feed>) -> Vec<FeedReader> {
    let reader = |(index, (name, source)): (usize, (&String, &nest_data::feed::FeedSource))| {
        let seed = study.study.seed ^ (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        feeds
            .get(name)
            .map(|feed| FeedReader::new(name, feed.clone(), source.order, seed))
    };
    study.feeds.iter().enumerate().filter_map(reader).collect()
}

/// Every name that a behaviour presets or saves, once.
fn variable_names(behaviours: &BTreeMap<String, BehaviourSpec>) -> Vec<String> {
    let saved = behaviours
        .values()
        .flat_map(|behaviour| &behaviour.steps)
        .flat_map(|step| step.save.keys());
    let mut names: Vec<String> = behaviours
        .values()
        .flat_map(|behaviour| behaviour.variables.keys())
        .chain(saved)
        .cloned()
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Every variable with which the path of a request begins.
fn link_names(behaviours: &BTreeMap<String, BehaviourSpec>) -> Vec<String> {
    let steps = behaviours.values().flat_map(|behaviour| &behaviour.steps);
    steps
        .filter_map(|step| texts::link_of(step.method_and_path()?.1))
        .collect()
}

fn count_names(behaviour: &BehaviourSpec) -> Vec<String> {
    behaviour.count_names().into_iter().map(str::to_owned).collect()
}

struct Compiler<'a> {
    behaviour: &'a str,
    variables: &'a [String],
    links: &'a [String],
    counts: &'a [String],
    sources: &'a Sources<'a>,
}

impl Compiler<'_> {
    fn work(&self, behaviour: &BehaviourSpec) -> Result<Work, LoadError> {
        if behaviour.code && self.sources.locust.is_some() {
            return Ok(Work::Task);
        }
        if behaviour.code {
            let code = self.sources.registry.get(self.behaviour);
            return code.map(Work::Code).ok_or_else(|| LoadError::CodeMissing {
                behaviour: self.behaviour.to_owned(),
            });
        }
        let preset = behaviour
            .variables
            .iter()
            .filter_map(|(name, value)| Some((self.variable(name)?, value.clone())))
            .collect();
        // With its last request an execution is complete.
        let last = behaviour.steps.len().saturating_sub(1);
        let nothing = BTreeMap::new();
        let of_execution = |index| {
            if index == last {
                &behaviour.counts
            } else {
                &nothing
            }
        };
        let steps: Vec<ScriptStep> = behaviour
            .steps
            .iter()
            .enumerate()
            .map(|(index, step)| self.step(step, of_execution(index)))
            .collect::<Result<_, _>>()?;
        Ok(Work::Requests {
            preset,
            is_random: !steps.iter().all(|step| step.is_literal() && step.think.is_none()),
            steps,
        })
    }

    fn variable(&self, name: &str) -> Option<usize> {
        self.variables.iter().position(|known| known == name)
    }

    /// Makes a request ready; `more` are counts of the behaviour that are read from its answer.
    fn step(&self, step: &Request, more: &BTreeMap<String, CountSource>) -> Result<ScriptStep, LoadError> {
        let (method, path) = step
            .method_and_path()
            .expect("read_study accepts only steps with one method");
        let mut compiled_path = self.address(path)?;
        let headers = step
            .headers
            .iter()
            .flat_map(|(name, values)| values.texts().iter().map(move |text| (name, text)))
            .map(|(name, text)| Ok((name.clone(), self.text(text, Escape::Header)?)))
            .collect::<Result<Vec<_>, LoadError>>()?;
        let cookie_host = named_host(&headers);
        let (mut headers, own_cookies) = without_cookies(headers);
        let (body, content_type) = self.body(step)?;
        if let Some(content_type) = content_type
            && !headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        {
            headers.push(("content-type".to_owned(), Text::literal(content_type)));
        }
        let head = head(method, &compiled_path, &headers, &self.sources.origin);
        let literal_path = compiled_path.as_literal().map(Cow::into_owned);
        compiled_path.shrink();
        let redirects = usize::from(step.redirects.unwrap_or(0));
        let expect = step.expect.clone().unwrap_or_default();
        let finder = |text: &Option<String>| {
            text.as_ref()
                .map(|text| Finder::new(text.as_bytes()).into_owned())
        };
        let mut wanted_fields = Vec::new();
        let save = self.captures(step, &mut wanted_fields);
        let counts = step.counts.iter().chain(more);
        let counts: Vec<RequestCount> = counts
            .filter_map(|(name, source)| self.count(name, source, &mut wanted_fields))
            .collect();
        let location = (redirects > 0).then(|| wanted_location(&mut wanted_fields));
        let looks = expect.body_contains.is_some() || expect.body_excludes.is_some();
        Ok(ScriptStep {
            endpoint: NO_ENDPOINT,
            name: step.name.clone().unwrap_or_else(|| format!("{method} {path}")),
            method: Cow::Borrowed(method),
            path: compiled_path,
            headers,
            head,
            literal_path,
            own_cookies,
            cookie_host,
            think: step.think.as_ref().and_then(|think| think.times().ok()),
            timeout: Duration::from_secs_f64(
                step.timeout
                    .map_or(self.sources.timeout_s, |timeout| timeout.get()),
            ),
            contains: finder(&expect.body_contains),
            excludes: finder(&expect.body_excludes),
            wants_body: looks
                || save.iter().any(|(_, _, captor)| captor.wants_body())
                || counts.iter().any(RequestCount::wants_body),
            route: Route::of(&body, &self.sources.origin, &self.sources.compat),
            expect,
            gives_links: save.iter().any(|(_, name, _)| self.links.contains(name)),
            save,
            counts,
            wanted_fields,
            redirects,
            location,
            elsewhere: None,
            prebuilt: OnceLock::new(),
            body,
        })
    }

    fn body(&self, step: &Request) -> Result<(RequestBody, Option<&'static str>), LoadError> {
        if let Some(json) = &step.json {
            let mut text = Text::default();
            self.json(json, &mut text)?;
            return Ok((RequestBody::Text(text), Some("application/json")));
        }
        if !step.form.is_empty() {
            let mut text = Text::default();
            let fields = step
                .form
                .iter()
                .flat_map(|(name, values)| values.texts().iter().map(move |value| (name, value)));
            for (index, (name, value)) in fields.enumerate() {
                let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
                text.push(format!("{}{name}=", if index > 0 { "&" } else { "" }).as_bytes());
                text.append(&self.text(value, Escape::Form)?);
            }
            return Ok((RequestBody::Text(text), Some("application/x-www-form-urlencoded")));
        }
        if !step.multipart.is_empty() {
            let field = |(name, part): (&String, &FormPart)| {
                let (value, file_name, content_type) = match part {
                    FormPart::Value(value) => (value, None, None),
                    FormPart::File(file) => (
                        &file.content,
                        Some(file.file_name.clone()),
                        file.content_type.clone(),
                    ),
                };
                let content_type = content_type
                    .or_else(|| file_name.is_some().then(|| "application/octet-stream".to_owned()));
                Ok(MultipartField {
                    name: name.clone(),
                    value: self.text(value, Escape::None)?,
                    file_name,
                    content_type,
                })
            };
            return Ok((
                RequestBody::Multipart(
                    step.multipart
                        .iter()
                        .map(field)
                        .collect::<Result<_, LoadError>>()?,
                ),
                None,
            ));
        }
        match &step.body {
            Some(body) => Ok((RequestBody::Text(self.plain_body(step, body)?), None)),
            None => Ok((RequestBody::None, None)),
        }
    }

    /// Writes a JSON value whose texts are templates. A text that is one `int` or `customer` becomes a
    /// number.
    fn json(&self, value: &serde_json::Value, out: &mut Text) -> Result<(), LoadError> {
        use serde_json::Value;
        match value {
            Value::String(template) => {
                let text = self.text(template, Escape::Json)?;
                if text.is_one_number() {
                    out.append(&text);
                } else {
                    out.push(b"\"");
                    out.append(&text);
                    out.push(b"\"");
                }
            }
            Value::Array(items) => {
                out.push(b"[");
                for (index, item) in items.iter().enumerate() {
                    out.push(if index > 0 { b"," } else { b"" });
                    self.json(item, out)?;
                }
                out.push(b"]");
            }
            Value::Object(fields) => {
                out.push(b"{");
                for (index, (name, field)) in fields.iter().enumerate() {
                    let name = Value::from(name.as_str());
                    out.push(format!("{}{name}:", if index > 0 { "," } else { "" }).as_bytes());
                    self.json(field, out)?;
                }
                out.push(b"}");
            }
            plain => out.push(plain.to_string().as_bytes()),
        }
        Ok(())
    }

    /// What is saved from an answer; the header fields that it takes are added to `fields`.
    fn captures(&self, step: &Request, fields: &mut Vec<String>) -> Vec<(usize, String, Captor)> {
        let mut captor = |capture: &Capture| match capture {
            Capture::Json(path) => Some(Captor::Json(JsonPath::parse(path)?)),
            Capture::Elsewhere(from) => match (&from.header, &from.regex) {
                (Some(header), _) => Some(field(header, fields)),
                (None, Some(expression)) => regex::bytes::Regex::new(expression).ok().map(Captor::Pattern),
                (None, None) => None,
            },
        };
        step.save
            .iter()
            .filter_map(|(name, capture)| Some((self.variable(name)?, name.clone(), captor(capture)?)))
            .collect()
    }

    /// What an answer adds to a count; the header field that it takes is added to `fields`.
    fn count(&self, name: &str, source: &CountSource, fields: &mut Vec<String>) -> Option<RequestCount> {
        let source = match source {
            CountSource::Constant(amount) => AmountSource::Constant(*amount),
            CountSource::Read(place) => AmountSource::Read(match (&place.json, &place.header) {
                (Some(path), _) => Captor::Json(JsonPath::parse(path)?),
                (None, Some(header)) => field(header, fields),
                (None, None) => return None,
            }),
        };
        Some(RequestCount {
            count: self.counts.iter().position(|known| known == name)?,
            source,
        })
    }
}

/// Takes a header field, which is added to those that are wanted if it is not among them.
fn field(header: &str, fields: &mut Vec<String>) -> Captor {
    let header = header.to_ascii_lowercase();
    let place = fields.iter().position(|known| *known == header);
    Captor::Field(place.unwrap_or_else(|| {
        fields.push(header);
        fields.len() - 1
    }))
}

/// The place of the field that says where a redirect leads; it is added if nothing else takes it.
fn wanted_location(fields: &mut Vec<String>) -> usize {
    let known = fields.iter().position(|field| field == LOCATION);
    known.unwrap_or_else(|| {
        fields.push(LOCATION.to_owned());
        fields.len() - 1
    })
}
