//! Turns the arguments of `load` into the load that they ask for.

use std::{collections::BTreeMap, path::Path, time::Duration};

use nest_data::{
    BehaviourSpec, Source,
    behaviour::{Request, Texts},
    customers::{Spacing, Times},
    study::read::read_behaviour,
};
use nest_load::{Trust, code::Registry, quick::QuickLoad, secret_names};
use nest_report::format::number;

use super::address;
use crate::{
    args::{FleetArguments, Format, LoadArguments},
    command_error::{CommandError, INVALID, USAGE},
    files::{source, trust_also},
    fleet::FleetPurpose,
    printer::seconds,
};

/// Longest load that may be asked for.
const LONGEST: Duration = Duration::from_secs(86_400);
/// Longest load that ends after a number of executions, when no time is given.
const LONGEST_COUNTED: Duration = Duration::from_secs(3_600);
/// Length of a load when neither a time nor a number of executions is given.
const USUAL: Duration = Duration::from_secs(10);

/// A load as the arguments ask for it, with everything that they leave out.
pub(super) struct LoadOrder {
    /// What the engine runs.
    pub load: QuickLoad,
    /// How the result is printed.
    pub format: Format,
    /// Workers that run it, if any.
    pub fleet: FleetArguments,
    /// Variables of the environment that it reads.
    variables: Vec<String>,
    url: String,
}

impl LoadOrder {
    /// Checks the arguments and reads the files and environment variables that they name.
    pub(super) fn resolve(arguments: &LoadArguments, registry: &Registry) -> Result<Self, CommandError> {
        let (base_url, behaviour) = target(arguments, registry)?;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let customers = arguments.customers as usize;
        let workers = match arguments.fleet.workers {
            Some(workers) => workers as usize,
            None => arguments
                .threads
                .map_or(cores, |threads| threads as usize)
                .min(customers),
        };
        let variables = secret_names([&behaviour.1], &base_url);
        // Workers read those of requests in their own environment; what the URL reads is needed here too.
        let own = match arguments.fleet.workers {
            Some(_) => secret_names([], &base_url),
            None => variables.clone(),
        };
        let secrets = secrets(own)?;
        let load = QuickLoad {
            base_url,
            customers,
            rate: arguments.rate.map(|rate| (rate, spacing(arguments))),
            max_rate: arguments.max_rate,
            think: Times::Constant(arguments.think.get()),
            span: span(arguments)?,
            warm_up: arguments.warm_up.duration(),
            executions: arguments.requests,
            timeout: arguments.timeout.duration(),
            longest_body: arguments.longest_body,
            workers,
            http2: arguments.http2,
            trust: trust(arguments)?,
            allow_hosts: arguments.allow_host.clone(),
            secrets,
            seed: arguments.seed,
            registry: registry.clone(),
            behaviour,
        };
        Ok(Self {
            load,
            format: arguments.format,
            fleet: arguments.fleet.clone().into(),
            variables,
            url: arguments.url.clone(),
        })
    }

    /// What workers are gathered for.
    pub(super) fn purpose(&self) -> FleetPurpose<'_> {
        FleetPurpose {
            workers: 0,
            hosts: &self.load.allow_hosts,
            variables: self.variables.clone(),
            is_locust: false,
        }
    }

    /// A message about the load that is about to start.
    pub(super) fn announcement(&self) -> String {
        let load = &self.load;
        let how = match load.rate {
            Some((rate, _)) => format!(
                "{} starts per second over at most {} connections",
                number(rate),
                load.customers
            ),
            None => format!("{} customers", load.customers),
        };
        let long = match load.executions {
            Some(executions) => format!("until {executions} executions have ended"),
            None => format!(
                "for {} after a warm-up of {}",
                seconds(load.span.as_secs_f64()),
                seconds(load.warm_up.as_secs_f64())
            ),
        };
        let who = match (self.fleet.workers, load.workers) {
            (Some(1), _) => "1 worker".to_owned(),
            (Some(workers), _) => format!("{workers} workers"),
            (None, 1) => "1 thread".to_owned(),
            (None, threads) => format!("{threads} threads"),
        };
        format!("{how} on {}, {long} ({who})", self.url)
    }
}

/// The base URL, and what is executed there.
fn target(
    arguments: &LoadArguments,
    registry: &Registry,
) -> Result<(String, (String, BehaviourSpec)), CommandError> {
    let (base_url, path) = address::split(&arguments.url)?;
    address::check_hosts(&arguments.allow_host)?;
    address::guard(&base_url, &arguments.allow_host)?;
    address::refuse_secrets(&arguments.url)?;
    let (base_url, behaviour) = match &arguments.behaviour {
        Some(name) => (arguments.url.clone(), behaviour(name, registry)?),
        None => (base_url, QuickLoad::single(request(arguments, path)?)),
    };
    address::check_protocol(&base_url, &behaviour.1, registry)?;
    Ok((base_url, behaviour))
}

fn spacing(arguments: &LoadArguments) -> Spacing {
    if arguments.poisson {
        Spacing::Poisson
    } else {
        Spacing::Uniform
    }
}

fn trust(arguments: &LoadArguments) -> Result<Trust, CommandError> {
    match &arguments.ca {
        _ if arguments.insecure => Ok(Trust::Anybody),
        Some(file) => trust_also(file),
        None => Ok(Trust::Machine),
    }
}

/// Environment variables by name.
fn secrets(names: Vec<String>) -> Result<BTreeMap<String, String>, CommandError> {
    let secret = |name: String| {
        let value = std::env::var(&name)
            .map_err(|_| CommandError::new(INVALID, format!("the environment variable {name} is not set")))?;
        Ok((name, value))
    };
    names.into_iter().map(secret).collect()
}

/// How long load is measured. Every load is bounded in time.
fn span(arguments: &LoadArguments) -> Result<Duration, CommandError> {
    let span = match (arguments.span, arguments.requests) {
        (Some(span), _) => span.duration(),
        (None, Some(_)) => LONGEST_COUNTED,
        (None, None) => USUAL,
    };
    let (warm_up, timeout) = (arguments.warm_up.duration(), arguments.timeout.duration());
    if span.max(warm_up).max(timeout) > LONGEST {
        return Err(
            CommandError::new(USAGE, "--for, --warm-up and --timeout must not exceed a day")
                .hint("measure a study if you need more time"),
        );
    }
    if span.is_zero() || arguments.timeout.get() <= 0.0 {
        return Err(CommandError::new(USAGE, "--for and --timeout must be above zero"));
    }
    Ok(span)
}

fn request(arguments: &LoadArguments, path: String) -> Result<Request, CommandError> {
    let body = arguments.body.as_deref().map(body_text).transpose()?;
    let method = match &arguments.method {
        Some(method) => method.as_str(),
        None if body.is_some() => "POST",
        None => "GET",
    };
    let given = |name: &str| (method == name).then(|| path.clone());
    let request = Request {
        get: given("GET"),
        post: given("POST"),
        put: given("PUT"),
        patch: given("PATCH"),
        delete: given("DELETE"),
        head: given("HEAD"),
        name: Some(format!("{method} {path}")),
        headers: headers(&arguments.header),
        body,
        ..Request::default()
    };
    // A request that a behaviour file could not contain is refused here too.
    let text = toml_of(&request);
    // Its text is not shown: headers and body may hold what was given for this once.
    read_behaviour(&Source::new("the request", text))
        .map_err(|found| CommandError::diagnostics(found, Vec::new()))?;
    Ok(request)
}

/// The headers that were given, those of one name together, whatever its case. A request has one field of
/// cookies.
fn headers(given: &[(String, String)]) -> BTreeMap<String, Texts> {
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in given {
        let known = headers
            .keys()
            .find(|known| known.eq_ignore_ascii_case(name))
            .cloned();
        headers
            .entry(known.unwrap_or_else(|| name.clone()))
            .or_default()
            .push(value.clone());
    }
    let values = |(name, values): (String, Vec<String>)| {
        if name.eq_ignore_ascii_case("cookie") {
            (name, Texts::One(values.join("; ")))
        } else {
            (name, Texts::Several(values))
        }
    };
    headers.into_iter().map(values).collect()
}

/// The body as given, or the text of the file behind `@`.
fn body_text(body: &str) -> Result<String, CommandError> {
    match body.strip_prefix('@') {
        None => Ok(body.to_owned()),
        Some(file) => source(Path::new(file))
            .map(|source| source.text)
            .map_err(|error| error.context(format!("cannot read the body from {file}"))),
    }
}

/// The text of a behaviour file with this one request.
fn toml_of(request: &Request) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let (method, path) = request.method_and_path().unwrap_or(("GET", "/"));
    let headers = request
        .headers
        .iter()
        .map(|(name, values)| {
            let values: Vec<String> = values.texts().iter().map(|value| quoted(value)).collect();
            format!("{} = [{}]", quoted(name), values.join(", "))
        })
        .collect::<Vec<_>>()
        .join(", ");
    let body = request
        .body
        .as_ref()
        .map(|body| format!(", body = {}", quoted(body)))
        .unwrap_or_default();
    format!(
        "steps = [{{ {} = {}, headers = {{ {headers} }}{body} }}]\n",
        method.to_ascii_lowercase(),
        quoted(path)
    )
}

/// The behaviour in code of this name, otherwise the behaviour in the file of this name.
fn behaviour(name: &str, registry: &Registry) -> Result<(String, BehaviourSpec), CommandError> {
    match registry.names().get(name) {
        Some(code) => match &code.needs {
            None => Ok((name.to_owned(), code.spec())),
            Some(needs) => Err(CommandError::new(
                USAGE,
                format!("behaviour `{name}` needs `{needs}` first, so it cannot be loaded alone"),
            )),
        },
        None => behaviour_in_file(name, registry),
    }
}

fn behaviour_in_file(name: &str, registry: &Registry) -> Result<(String, BehaviourSpec), CommandError> {
    let source = source(Path::new(name)).map_err(|error| {
        let known = registry.names().into_keys().collect::<Vec<_>>().join(", ");
        let hint = if known.is_empty() {
            "give a file such as behaviours/browse.toml".to_owned()
        } else {
            format!("give a file, or one of the behaviours written in Rust: {known}")
        };
        error
            .context(format!("cannot read behaviour {name:?}"))
            .hint(hint)
    })?;
    let behaviour =
        read_behaviour(&source).map_err(|found| CommandError::diagnostics(found, vec![source]))?;
    let stem = Path::new(name)
        .file_stem()
        .map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned());
    Ok((stem, behaviour))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_that_is_given_is_sent() {
        let given = [
            ("X-Tag", "a"),
            ("x-tag", "b"),
            ("Cookie", "a=1"),
            ("Cookie", "b=2"),
            ("Accept", "*/*"),
        ];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let texts = |name: &str| headers(&given)[name].texts().to_vec();
        assert_eq!(texts("X-Tag"), ["a", "b"]);
        assert_eq!(texts("Cookie"), ["a=1; b=2"]);
        assert_eq!(texts("Accept"), ["*/*"]);
    }
}
