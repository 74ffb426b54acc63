//! `load`: the engine without a study.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use nest_data::{
    BehaviourSpec, Source,
    behaviour::Request,
    customers::{Spacing, Times},
    measurement::Validity,
    study_file::{is_loopback, read_behaviour},
};
use nest_load::{
    Trust,
    code::Registry,
    quick::{QuickLoad, QuickResult, TimeSummary, load},
    secret_names,
};
use nest_report::format::{bytes, number, percent};
use serde_json::json;

use crate::{
    args::{Format, LoadArguments},
    failure::{Failure, INTERRUPTED, INVALID, LOST, USAGE},
    files::trust_also,
    interrupts,
    printer::{Table, data, seconds, talk},
};

/// Longest load, and longest one that ends by a number of requests.
const LONGEST: Duration = Duration::from_secs(86_400);
const LONGEST_COUNTED: Duration = Duration::from_secs(3_600);

/// Runs the verb.
pub fn run(arguments: &LoadArguments, registry: &Registry) -> Result<(), Failure> {
    let quick = quick_load(arguments, registry)?;
    let interrupt = interrupts::watch()?;
    talk(&announcement(arguments, &quick));
    let result = load(&quick, &interrupt)?;
    match arguments.format {
        Format::Json => data(&json_text(&quick, &result))?,
        Format::Human => data(&human(&quick, &result))?,
        format => data(&table(&result).render(format))?,
    }
    if interrupt.is_requested() {
        return Err(Failure::new(
            INTERRUPTED,
            "interrupted; the figures are those until then",
        ));
    }
    ended_well(&result)
}

/// A load of which nothing came back as expected is no load.
fn ended_well(result: &QuickResult) -> Result<(), Failure> {
    if result.requests.completed > 0 {
        return Ok(());
    }
    let first = result.failures.first().map_or_else(
        || "nothing was due; give it more time".to_owned(),
        |failure| {
            format!(
                "{} {}: {}",
                failure.behaviour,
                failure.kind,
                failure.exchange.replace('\n', " | ")
            )
        },
    );
    Err(Failure::new(
        LOST,
        format!("no request was answered as expected: {first}"),
    ))
}

fn quick_load(arguments: &LoadArguments, registry: &Registry) -> Result<QuickLoad, Failure> {
    let (base_url, path) = split(&arguments.url)?;
    guard(&base_url, &arguments.allow_host)?;
    let (base_url, behaviour) = match &arguments.behaviour {
        Some(name) => (arguments.url.clone(), behaviour(name, registry)?),
        None => (base_url, QuickLoad::single(request(arguments, path)?)),
    };
    speaks(&base_url, &behaviour.1, registry)?;
    let mut secrets = BTreeMap::new();
    for name in secret_names([&behaviour.1]) {
        let value = std::env::var(&name)
            .map_err(|_| Failure::new(INVALID, format!("the environment variable {name} is not set")))?;
        secrets.insert(name, value);
    }
    let trust = match &arguments.ca {
        _ if arguments.insecure => Trust::Anybody,
        Some(file) => trust_also(file)?,
        None => Trust::Machine,
    };
    let span = span(arguments)?;
    if span.is_zero() || arguments.timeout.get() <= 0.0 {
        return Err(Failure::new(USAGE, "--for and --timeout must be above zero"));
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let spacing = if arguments.poisson {
        Spacing::Poisson
    } else {
        Spacing::Uniform
    };
    Ok(QuickLoad {
        base_url,
        behaviour,
        registry: registry.clone(),
        customers: arguments.customers as usize,
        rate: arguments.rate.map(|rate| (rate, spacing)),
        think: Times::Constant(arguments.think.get()),
        span,
        warm_up: arguments.warm_up.duration(),
        executions: arguments.requests,
        timeout: arguments.timeout.duration(),
        longest_body: arguments.longest_body,
        workers: arguments
            .workers
            .map_or(cores, |workers| workers as usize)
            .min(arguments.customers as usize),
        http2: arguments.http2,
        trust,
        allow_hosts: arguments.allow_host.clone(),
        secrets,
        seed: arguments.seed,
    })
}

/// How long load is counted: every load is bounded in time.
fn span(arguments: &LoadArguments) -> Result<Duration, Failure> {
    let span = match (arguments.span, arguments.requests) {
        (Some(span), _) => span.duration(),
        (None, Some(_)) => LONGEST_COUNTED,
        (None, None) => Duration::from_secs(10),
    };
    if span
        .max(arguments.warm_up.duration())
        .max(arguments.timeout.duration())
        > LONGEST
    {
        return Err(
            Failure::new(USAGE, "--for, --warm-up and --timeout are at most a day")
                .hint("measure a study where it is to take longer"),
        );
    }
    Ok(span)
}

/// Scheme, host and port of a URL, and what follows them as it was written, templates and all.
fn split(url: &str) -> Result<(String, String), Failure> {
    let bad = || {
        Failure::new(USAGE, format!("{url:?} is not a URL that can be put under load"))
            .hint("write scheme and host, such as http://127.0.0.1:8080/")
    };
    let (scheme, rest) = url.split_once("://").ok_or_else(bad)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if scheme.is_empty() || authority.is_empty() || authority.starts_with(':') {
        return Err(bad());
    }
    let path = path.split('#').next().unwrap_or_default();
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    Ok((format!("{scheme}://{authority}"), path))
}

/// Refuses hosts that are neither this machine nor allowed, as the engine itself will read them.
fn guard(base_url: &str, allowed: &[String]) -> Result<(), Failure> {
    let bad = || {
        Failure::new(USAGE, format!("{base_url:?} is not scheme, host and port"))
            .hint("write them as in http://127.0.0.1:8080/")
    };
    let url = url::Url::parse(base_url).map_err(|_| bad())?;
    // Over HTTP, whatever looks like a path or a user here would make another host of what a reader sees.
    let http = matches!(url.scheme(), "http" | "https");
    let host = url
        .host_str()
        .filter(|_| !http || matches!(url.path(), "" | "/"))
        .ok_or_else(bad)?;
    if !is_loopback(host) && !allowed.iter().any(|allowed| allowed == host) {
        let message = format!("host `{host}` is not allowed: load goes to this machine only");
        return Err(
            Failure::new(USAGE, message).hint(format!("if you may put load on it, add --allow-host {host}"))
        );
    }
    if url.password().is_some() || http && !url.username().is_empty() {
        let hint = "send it as a header: --header 'authorization: ...', with a secret as {{ env(\"NAME\") }}";
        return Err(Failure::new(
            USAGE,
            "a user name or password in the URL would be printed, and is not sent",
        )
        .hint(hint));
    }
    Ok(())
}

/// Refuses requests over a protocol that is not theirs: only behaviours in code speak another one.
fn speaks(base_url: &str, behaviour: &BehaviourSpec, registry: &Registry) -> Result<(), Failure> {
    let scheme = base_url.split_once("://").map_or("", |(scheme, _)| scheme);
    if behaviour.code || matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https") {
        return Ok(());
    }
    let known = registry.names().into_keys().collect::<Vec<_>>().join(", ");
    let hint = if known.is_empty() {
        "write an http or https URL, or run the program that has a behaviour for it in code".to_owned()
    } else {
        format!("name a behaviour in code that does: --behaviour with one of {known}")
    };
    Err(Failure::new(
        USAGE,
        format!("requests are made over http and https, not over {scheme}"),
    )
    .hint(hint))
}

fn request(arguments: &LoadArguments, path: String) -> Result<Request, Failure> {
    let body =
        match arguments
            .body
            .as_deref()
            .map(|body| body.strip_prefix('@').ok_or(body))
        {
            Some(Ok(file)) => Some(fs::read_to_string(file).map_err(|error| {
                Failure::from(error).context(format!("the body cannot be read from {file}"))
            })?),
            Some(Err(text)) => Some(text.to_owned()),
            None => None,
        };
    let method = arguments
        .method
        .as_deref()
        .unwrap_or(if body.is_some() { "POST" } else { "GET" });
    let given = |name: &str| (method == name).then(|| path.clone());
    let request = Request {
        get: given("GET"),
        post: given("POST"),
        put: given("PUT"),
        patch: given("PATCH"),
        delete: given("DELETE"),
        head: given("HEAD"),
        name: Some(format!("{method} {path}")),
        headers: arguments.header.iter().cloned().collect(),
        body,
        ..Request::default()
    };
    // What a file would be refused for is refused here too.
    let text = toml_of(&request);
    read_behaviour(&Source::new("the request", text.clone()))
        .map_err(|found| Failure::diagnostics(found, vec![Source::new("the request", text)]))?;
    Ok(request)
}

/// The behaviour file that makes this one request.
fn toml_of(request: &Request) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let (method, path) = request.method_and_path().unwrap_or(("GET", "/"));
    let headers = request
        .headers
        .iter()
        .map(|(name, value)| format!("{} = {}", quoted(name), quoted(value)))
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

/// A behaviour in code by this name, else of this file.
fn behaviour(name: &str, registry: &Registry) -> Result<(String, BehaviourSpec), Failure> {
    if let Some(needs) = registry.names().get(name) {
        if let Some(needs) = needs {
            return Err(Failure::new(
                USAGE,
                format!("behaviour `{name}` needs `{needs}`, so that it cannot be put under load alone"),
            ));
        }
        let code = BehaviourSpec {
            description: None,
            needs: None,
            variables: BTreeMap::new(),
            steps: Vec::new(),
            code: true,
        };
        return Ok((name.to_owned(), code));
    }
    let text = fs::read_to_string(name).map_err(|error| {
        let known = registry.names().into_keys().collect::<Vec<_>>().join(", ");
        let hint = if known.is_empty() {
            "name a file such as behaviours/browse.toml".to_owned()
        } else {
            format!("name a file, or one in code: {known}")
        };
        Failure::from(error)
            .context(format!("behaviour {name:?} cannot be read"))
            .hint(hint)
    })?;
    let source = Source::new(name, text);
    let behaviour = read_behaviour(&source).map_err(|found| Failure::diagnostics(found, vec![source]))?;
    let stem = Path::new(name)
        .file_stem()
        .map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned());
    Ok((stem, behaviour))
}

fn announcement(arguments: &LoadArguments, quick: &QuickLoad) -> String {
    let how = match quick.rate {
        Some((rate, _)) => format!(
            "{} starts per second over at most {} connections",
            number(rate),
            quick.customers
        ),
        None => format!("{} customers", quick.customers),
    };
    let long = match quick.executions {
        Some(executions) => format!("until {executions} executions have ended"),
        None => format!(
            "for {} after {} of warm-up",
            seconds(quick.span.as_secs_f64()),
            arguments.warm_up
        ),
    };
    let workers = if quick.workers == 1 {
        "1 worker".to_owned()
    } else {
        format!("{} workers", quick.workers)
    };
    format!("{how} on {}, {long} ({workers})", arguments.url)
}

fn human(quick: &QuickLoad, result: &QuickResult) -> String {
    let mut lines = Vec::new();
    let counts = result.requests;
    lines.push(format!(
        "requests    {} completed, {} failed, {} dropped in {}",
        counts.completed,
        counts.failed,
        counts.dropped,
        seconds(result.duration_s)
    ));
    lines.push(format!(
        "rate        {} requests/s, {}/s",
        number(per_s(result.ended, result)),
        bytes(per_s(result.bytes, result))
    ));
    lines.push(format!(
        "in flight   {} of {} connections (mean)",
        number(result.in_flight),
        quick.customers
    ));
    let mut times = Table::new(&[
        "response", "mean", "p50", "p75", "p90", "p95", "p99", "p99.9", "max",
    ]);
    for (name, time) in [("from due", &result.response), ("from sent", &result.service)] {
        let cells = [
            time.mean, time.p50, time.p75, time.p90, time.p95, time.p99, time.p999, time.max,
        ]
        .map(seconds);
        times
            .rows
            .push(std::iter::once(name.to_owned()).chain(cells).collect());
    }
    let mut text = format!(
        "{}\n\n{}\n",
        lines.join("\n"),
        times.render(Format::Human).trim_end()
    );
    if result.endpoints.len() > 1 {
        text.push_str(&format!(
            "\n{}\n",
            endpoints(result).render(Format::Human).trim_end()
        ));
    }
    text.push_str(&format!("\nstatus      {}\n", statuses(result)));
    text.push_str(&format!("errors      {}\n", errors(result)));
    let health = result.generator;
    text.push_str(&format!(
        "generator   {} of a core, late by {} (p50) and {} (p99), {} at its peak\n",
        percent(health.cpu),
        seconds(health.lateness_p50_s),
        seconds(health.lateness_p99_s.max(health.clock_p99_s)),
        bytes(result.peak_memory_bytes as f64)
    ));
    text.push_str(&format!("\nverdict     {}\n", verdict(result)));
    let mut shown: Vec<&str> = Vec::new();
    for failure in &result.failures {
        if shown.len() == 3 || shown.contains(&failure.exchange.as_str()) {
            continue;
        }
        shown.push(&failure.exchange);
        text.push_str(&format!(
            "\nfailed ({}, {}):\n  {}\n",
            failure.behaviour,
            failure.kind,
            failure.exchange.trim().replace('\n', "\n  ")
        ));
    }
    text
}

fn verdict(result: &QuickResult) -> String {
    let meaning = match result.verdict.validity {
        Validity::Valid => "valid: the figures are the target's",
        Validity::Suspect => "suspect",
        Validity::Limited => "limited: the target could not keep up",
        Validity::Invalid => "invalid: the figures are not the target's",
    };
    let reasons = result
        .verdict
        .reasons
        .iter()
        .map(|reason| format!("\n            - {reason}"));
    std::iter::once(meaning.to_owned()).chain(reasons).collect()
}

fn endpoints(result: &QuickResult) -> Table {
    let mut table = Table::new(&["request", "completed", "failed", "p50", "p95", "p99", "sent by"]);
    for endpoint in &result.endpoints {
        let [p50, p95, p99] = endpoint.response_s.map(seconds);
        let counts = endpoint.requests;
        let path = endpoint.path.clone().unwrap_or_else(|| "HTTP/1.1".to_owned());
        table.rows.push(vec![
            endpoint.name.clone(),
            counts.completed.to_string(),
            counts.failed.to_string(),
            p50,
            p95,
            p99,
            path,
        ]);
    }
    table
}

fn statuses(result: &QuickResult) -> String {
    let of = |(status, count): (&u16, &u64)| {
        if *status == 0 {
            format!("none: {count}")
        } else {
            format!("{status}: {count}")
        }
    };
    result.statuses.iter().map(of).collect::<Vec<_>>().join(", ")
}

fn errors(result: &QuickResult) -> String {
    let of = |error: &nest_data::measurement::ErrorCount| format!("{} {}", error.count, error.kind);
    if result.errors.is_empty() {
        "none".to_owned()
    } else {
        result.errors.iter().map(of).collect::<Vec<_>>().join(", ")
    }
}

fn per_s(count: u64, result: &QuickResult) -> f64 {
    if result.duration_s > 0.0 {
        count as f64 / result.duration_s
    } else {
        0.0
    }
}

fn table(result: &QuickResult) -> Table {
    let mut table = Table::new(&["figure", "value"]);
    let mut row = |name: &str, value: String| table.rows.push(vec![name.to_owned(), value]);
    row("completed", result.requests.completed.to_string());
    row("failed", result.requests.failed.to_string());
    row("dropped", result.requests.dropped.to_string());
    row("requests_per_s", per_s(result.ended, result).to_string());
    row("bytes_per_s", per_s(result.bytes, result).to_string());
    for (name, time) in [("response", &result.response), ("service", &result.service)] {
        for (figure, value) in figures(time) {
            row(&format!("{name}_{figure}_s"), value.to_string());
        }
    }
    row("verdict", result.verdict.validity.label().to_owned());
    row("reasons", result.verdict.reasons.join("; "));
    table
}

fn figures(time: &TimeSummary) -> [(&'static str, f64); 8] {
    [
        ("mean", time.mean),
        ("p50", time.p50),
        ("p75", time.p75),
        ("p90", time.p90),
        ("p95", time.p95),
        ("p99", time.p99),
        ("p999", time.p999),
        ("max", time.max),
    ]
}

fn json_text(quick: &QuickLoad, result: &QuickResult) -> String {
    let time = |time: &TimeSummary| {
        figures(time)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect::<serde_json::Map<_, _>>()
    };
    let model = if quick.rate.is_some() { "open" } else { "closed" };
    let document = json!({
        "kind": "nest.load",
        "format": 1,
        "url": quick.base_url,
        "model": model,
        "customers": quick.customers,
        "rate_per_s": quick.rate.map(|(rate, _)| rate),
        "workers": quick.workers,
        "duration_s": result.duration_s,
        "executions": result.executions,
        "requests": result.requests,
        "settling": result.settling,
        "requests_per_s": per_s(result.ended, result),
        "bytes_per_s": per_s(result.bytes, result),
        "active": result.active,
        "in_flight": result.in_flight,
        "response_s": time(&result.response),
        "service_s": time(&result.service),
        "status": result.statuses.iter().map(|(status, count)| (status.to_string(), json!(count))).collect::<serde_json::Map<_, _>>(),
        "endpoints": result.endpoints,
        "errors": result.errors,
        "failures": result.failures,
        "histograms": result.histograms,
        "population": result.population,
        "generator": {
            "cpu": result.generator.cpu,
            "lateness_p50_s": result.generator.lateness_p50_s,
            "lateness_p99_s": result.generator.lateness_p99_s,
            "clock_p99_s": result.generator.clock_p99_s,
            "waiting": result.generator.waiting,
            "lost_connections": result.generator.lost_connections,
            "queued": result.generator.queued,
            "peak_memory_bytes": result.peak_memory_bytes,
        },
        "verdict": result.verdict,
    });
    serde_json::to_string_pretty(&document).expect("maps with text keys") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_cut_before_its_path_and_keeps_templates() {
        let cut = |url: &str| split(url).ok();
        assert_eq!(
            cut("http://h:80/a?b={{ int(1, 9) }}#c"),
            Some(("http://h:80".into(), "/a?b={{ int(1, 9) }}".into()))
        );
        assert_eq!(cut("http://h?x"), Some(("http://h".into(), "/?x".into())));
        assert_eq!(
            cut("https://[::1]:8443"),
            Some(("https://[::1]:8443".into(), "/".into()))
        );
        for bad in ["h:80/a", "http:///a", "http://:80/", "://h/"] {
            assert_eq!(cut(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_behaviours_in_code_speak_other_protocols_than_http() {
        let (_, request) = QuickLoad::single(Request::default());
        let code = BehaviourSpec {
            code: true,
            steps: Vec::new(),
            ..request.clone()
        };
        let none = Registry::new();
        assert!(speaks("http://h", &request, &none).is_ok() && speaks("HTTPS://h", &request, &none).is_ok());
        assert!(speaks("postgres://h:1/d", &code, &none).is_ok());
        assert_eq!(
            speaks("postgres://h:1/d", &request, &none).map_err(|refused| refused.code),
            Err(USAGE)
        );
    }

    #[test]
    fn only_this_machine_and_allowed_hosts_are_put_under_load() {
        let allowed = ["shop.test".to_owned()];
        for good in [
            "http://127.0.0.1:1",
            "http://[::1]:80",
            "http://localhost",
            "http://shop.test:8080",
            "postgres://bank@127.0.0.1:5432/bank",
        ] {
            assert!(guard(good, &allowed).is_ok(), "{good}");
        }
        for bad in [
            "http://example.org",
            "http://127.0.0.1@example.org:80",
            "http://10.0.0.1",
            "postgres://127.0.0.1@10.0.0.1:5432/bank",
            "http://nosuch.invalid\\@127.0.0.1",
            "http://u:p@127.0.0.1",
        ] {
            assert!(guard(bad, &allowed).is_err(), "{bad}");
        }
    }
}
