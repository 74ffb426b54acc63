//! Prints the result of `load`: for a reader, as a table, or as JSON with everything that is known.

mod table;

use nest_data::measurement::{Endpoint, ErrorCount, GeneratorOf, Validity};
use nest_load::quick::{QuickLoad, QuickResult, TimeSummary};
use nest_report::format::{bytes, number, percent};
use serde_json::{Map, Value, json};

use self::table::table;
use crate::{
    args::Format,
    printer::seconds,
    table::{Cell, Column, OutputTable, Shown, Unit},
};

/// Failed exchanges that are shown to a reader.
const SHOWN_FAILURES: usize = 3;

/// The result in one of the forms.
pub(super) fn text(load: &QuickLoad, result: &QuickResult, format: Format) -> String {
    match format {
        Format::Json => json_text(load, result),
        Format::Human => human(load, result),
        Format::Csv => table(result).render(format),
        Format::Md => figures_table(result).render(format),
    }
}

fn human(load: &QuickLoad, result: &QuickResult) -> String {
    let mut parts = vec![
        counts(load, result) + &on_the_wire(result),
        aligned(&times(result)),
    ];
    if result.endpoints.len() > 1 {
        parts.push(aligned(&endpoints(result)));
    }
    parts.push(health(result));
    parts.push(format!("verdict     {}\n", verdict(result)));
    parts.extend(failures(result));
    parts.join("\n")
}

/// A table for a reader, with one line break at its end.
fn aligned(table: &OutputTable) -> String {
    format!("{}\n", table.render(Format::Human).trim_end())
}

fn counts(load: &QuickLoad, result: &QuickResult) -> String {
    let counts = result.requests;
    format!(
        "requests    {} completed, {} failed, {} dropped in {}\n\
         rate        {} requests/s, {}/s\n\
         in flight   {} of {} connections (mean)\n",
        counts.completed,
        counts.failed,
        counts.dropped,
        seconds(result.duration_s),
        number(per_s(result.ended, result)),
        bytes(per_s(result.bytes, result)),
        number(result.in_flight),
        load.customers
    )
}

/// What went over the wire besides one request for each answer: redirects, and requests that were sent again.
fn on_the_wire(result: &QuickResult) -> String {
    let resends = result.resends;
    let redirected = match result.redirected {
        0 => String::new(),
        count => format!("redirects   {count} of the completed requests, which were followed\n"),
    };
    let resent = match resends.total() {
        0 => String::new(),
        total => format!(
            "sent again  {total}: {} that the target had not begun with, {} on idle connections that it had \
             closed\n",
            resends.unprocessed, resends.closed_idle
        ),
    };
    redirected + &resent
}

fn times(result: &QuickResult) -> OutputTable {
    let headings = [
        "response", "mean", "p50", "p75", "p90", "p95", "p99", "p99.9", "max",
    ];
    let mut table = OutputTable::new(&headings.map(Column::for_readers));
    for (name, time) in [("from due", &result.response), ("from sent", &result.service)] {
        let cells = figures(time).map(|(_, value)| time_cell(value));
        table.push(std::iter::once(Cell::text(name)).chain(cells).collect());
    }
    table
}

/// Statuses, errors and how the generator itself did.
fn health(result: &QuickResult) -> String {
    let health = result.generator;
    format!(
        "status      {}\n\
         errors      {}\n\
         generator   {} of a core, late by {} (p50) and {} (p99), {} at its peak\n{}",
        statuses(result),
        errors(result),
        percent(health.cpu),
        seconds(health.lateness_p50_s),
        seconds(health.lateness_p99_s.max(health.clock_p99_s)),
        bytes(result.peak_memory_bytes as f64),
        result.generators.iter().map(worker).collect::<String>()
    )
}

/// How one worker did.
fn worker(one: &GeneratorOf) -> String {
    let health = one.health;
    match one.lost {
        Some(lost) => format!(
            "worker      {}: lost after {}\n",
            one.worker,
            seconds(lost.after_s)
        ),
        None => format!(
            "worker      {}: {} of a core, late by {} (p99)\n",
            one.worker,
            percent(health.cpu),
            seconds(health.lateness_p99_s.max(health.clock_p99_s))
        ),
    }
}

/// The first failed exchanges that differ.
fn failures(result: &QuickResult) -> Vec<String> {
    let mut shown: Vec<(&str, &str)> = Vec::new();
    let mut texts = Vec::new();
    for failure in &result.failures {
        let what = (failure.request.as_str(), failure.reason.as_str());
        if shown.len() == SHOWN_FAILURES || shown.contains(&what) {
            continue;
        }
        shown.push(what);
        texts.push(format!(
            "failed ({}, {}):\n  {failure}\n",
            failure.behaviour, failure.kind
        ));
    }
    texts
}

fn verdict(result: &QuickResult) -> String {
    let meaning = match result.verdict.validity {
        Validity::Valid => "valid: these figures describe the target",
        Validity::Suspect => "suspect: these figures may not describe the target",
        Validity::Limited => "limited: the target could not keep up",
        Validity::Invalid => "invalid: these figures do not describe the target",
    };
    let reasons = result
        .verdict
        .reasons
        .iter()
        .map(|reason| format!("\n            - {reason}"));
    std::iter::once(meaning.to_owned()).chain(reasons).collect()
}

fn endpoints(result: &QuickResult) -> OutputTable {
    let headings = ["request", "completed", "failed", "p50", "p95", "p99", "sent by"];
    let mut table = OutputTable::new(&headings.map(Column::for_readers));
    for endpoint in &result.endpoints {
        let [p50, p95, p99] = endpoint.response_s.map(time_cell);
        table.push(vec![
            Cell::text(&endpoint.name),
            Cell::Count(endpoint.requests.completed),
            Cell::Count(endpoint.requests.failed),
            p50,
            p95,
            p99,
            Cell::text(sent_by(endpoint)),
        ]);
    }
    table
}

/// How a request was sent.
fn sent_by(endpoint: &Endpoint) -> &str {
    endpoint.path.as_deref().unwrap_or("HTTP/1.1")
}

/// A time in seconds.
fn time_cell(value: f64) -> Cell {
    Cell::Number(value, Unit::Seconds, Shown::Fitting)
}

fn statuses(result: &QuickResult) -> String {
    let counted = |(status, count): (&u16, &u64)| {
        if *status == 0 {
            format!("none: {count}")
        } else {
            format!("{status}: {count}")
        }
    };
    result.statuses.iter().map(counted).collect::<Vec<_>>().join(", ")
}

fn errors(result: &QuickResult) -> String {
    let counted = |error: &ErrorCount| format!("{} {}", error.count, error.kind);
    if result.errors.is_empty() {
        "none".to_owned()
    } else {
        result.errors.iter().map(counted).collect::<Vec<_>>().join(", ")
    }
}

fn per_s(count: u64, result: &QuickResult) -> f64 {
    if result.duration_s > 0.0 {
        count as f64 / result.duration_s
    } else {
        0.0
    }
}

/// Figures and their values in Markdown, a row each.
fn figures_table(result: &QuickResult) -> OutputTable {
    let mut table = OutputTable::new(&["figure", "value"].map(Column::for_readers));
    let mut row = |name: &str, value: String| table.push(vec![Cell::text(name), Cell::Text(value)]);
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

fn json_text(load: &QuickLoad, result: &QuickResult) -> String {
    let time = |time: &TimeSummary| {
        figures(time)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect::<Map<_, _>>()
    };
    let statuses: Map<_, _> = result
        .statuses
        .iter()
        .map(|(status, count)| (status.to_string(), json!(count)))
        .collect();
    let model = if load.rate.is_some() { "open" } else { "closed" };
    let document = json!({
        "kind": "nest.load",
        "format": 3,
        "url": load.base_url,
        "model": model,
        "customers": load.customers,
        "rate_per_s": load.rate.map(|(rate, _)| rate),
        "threads": threads(load, result),
        "generators": result.generators,
        "duration_s": result.duration_s,
        "executions": result.executions,
        "requests": result.requests,
        "redirected": result.redirected,
        "resends": result.resends,
        "settling": result.settling,
        "schedule": result.schedule,
        "requests_per_s": per_s(result.ended, result),
        "bytes_per_s": per_s(result.bytes, result),
        "active": result.active,
        "in_flight": result.in_flight,
        "response_s": time(&result.response),
        "service_s": time(&result.service),
        "status": statuses,
        "endpoints": result.endpoints,
        "errors": result.errors,
        "failures": result.failures,
        "histograms": result.histograms,
        "population": result.population,
        "generator": generator(result),
        "verdict": result.verdict,
    });
    serde_json::to_string_pretty(&document).expect("maps with text keys") + "\n"
}

/// Generator threads of this process or of all workers.
fn threads(load: &QuickLoad, result: &QuickResult) -> usize {
    let of_workers: usize = result.generators.iter().map(|one| one.slots).sum();
    if result.generators.is_empty() {
        load.workers
    } else {
        of_workers
    }
}

/// The generator's own health, for JSON.
fn generator(result: &QuickResult) -> Value {
    let health = result.generator;
    json!({
        "cpu": health.cpu,
        "lateness_p50_s": health.lateness_p50_s,
        "lateness_p99_s": health.lateness_p99_s,
        "clock_p99_s": health.clock_p99_s,
        "longest_gap_s": health.longest_gap_s,
        "lost": health.lost,
        "waiting": health.waiting,
        "lost_connections": health.lost_connections,
        "repeated": health.repeated,
        "unprocessed": health.unprocessed,
        "queued": health.queued,
        "peak_memory_bytes": result.peak_memory_bytes,
    })
}
