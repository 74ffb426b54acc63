//! Checks the keys that only one kind of probe has: addresses, expressions and labels of metrics.

use url::Url;

use crate::{
    diagnostic::{Diagnostic, secrets::concealed},
    measurement::{MOST_SERVERS, ResourceKind},
    study::{
        Probe, ProbeKind, Study,
        probe::{Collect, Figure, selector::Selection},
        target::is_loopback,
    },
    toml_document::Spans,
};

/// Checks the keys that only one kind of probe has.
pub fn check(name: &str, probe: &Probe, allowed: &[String], spans: &Spans, found: &mut Vec<Diagnostic>) {
    let place = ProbePlace { name, spans };
    if let Some(cores) = probe
        .cores
        .filter(|cores| !(*cores > 0.0 && *cores <= MOST_SERVERS))
    {
        let message = format!("probe `{name}` cannot have {cores} cores");
        found.push(place.value(
            &["cores"],
            message,
            format!("write a number above 0 and up to {MOST_SERVERS}"),
        ));
    }
    if probe.kind == ProbeKind::Prometheus {
        check_address(&place, probe, allowed, found);
        check_expressions(&place, probe, found);
        check_labels(&place, probe, found);
        for key in [("pid", probe.pid.is_some()), ("port", probe.port.is_some())]
            .into_iter()
            .filter(|(_, given)| *given)
            .map(|(key, _)| key)
        {
            found.push(place.key(
                key,
                format!("probe `{name}` reads metrics, so that `{key}` has no meaning"),
                format!("remove {key}, or remove kind = \"prometheus\""),
            ));
        }
        return;
    }
    let metrics_only = [
        ("scrape", probe.scrape.is_some()),
        ("query", probe.query.is_some()),
        ("preset", probe.preset.is_some()),
        ("only", !probe.only.is_empty()),
        ("collect", probe.collect.is_some()),
        ("counts", !probe.counts.is_empty()),
    ];
    for (key, _) in metrics_only.into_iter().filter(|(_, given)| *given) {
        found.push(place.key(
            key,
            format!("`{key}` of probe `{name}` applies to metrics only"),
            "add kind = \"prometheus\", or remove the key",
        ));
    }
}

/// The probe that is checked, with the places of its keys.
struct ProbePlace<'a> {
    name: &'a str,
    spans: &'a Spans,
}

impl ProbePlace<'_> {
    fn key(&self, key: &str, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        self.spans.at_key(&["probes", self.name, key], message, help)
    }

    fn value(&self, keys: &[&str], message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        self.spans
            .at_value(&[&["probes", self.name], keys].concat(), message, help)
    }
}

fn check_address(place: &ProbePlace<'_>, probe: &Probe, allowed: &[String], found: &mut Vec<Diagnostic>) {
    let name = place.name;
    let (key, address, example) = match (&probe.scrape, &probe.query) {
        (Some(address), None) => ("scrape", address, "http://127.0.0.1:9187/metrics"),
        (None, Some(address)) => ("query", address, "http://127.0.0.1:9090"),
        (Some(_), Some(_)) => {
            let help = "keep scrape to read a metrics page, or query to use a Prometheus server";
            return found.push(place.key("query", format!("probe `{name}` has both scrape and query"), help));
        }
        (None, None) => {
            let help = "add scrape = \"http://127.0.0.1:9187/metrics\", or query = \
                \"http://127.0.0.1:9090\" for a Prometheus server";
            return found.push(place.key(
                "kind",
                format!("probe `{name}` does not say where its metrics are"),
                help,
            ));
        }
    };
    let url = match Url::parse(address) {
        Ok(url) if url.scheme() == "http" && url.host_str().is_some() => url,
        Ok(url) if url.scheme() == "https" => {
            return found.push(place.value(
                &[key],
                "metrics cannot be read over https yet",
                format!("use http, such as \"{example}\""),
            ));
        }
        _ => {
            return found.push(place.value(
                &[key],
                format!(
                    "{:?} is not the address of a metrics endpoint",
                    concealed(address)
                ),
                format!("such as \"{example}\""),
            ));
        }
    };
    let host = url
        .host_str()
        .unwrap_or_default()
        .trim_start_matches('[')
        .trim_end_matches(']');
    if !is_loopback(host) && !allowed.iter().any(|one| one == host) {
        let help = format!("if the probe may read from it, add allow_hosts = [\"{host}\"] under [target]");
        found.push(place.value(
            &[key],
            format!("host `{host}` is not allowed: by default probes read only from this machine"),
            help,
        ));
    }
}

fn check_expressions(place: &ProbePlace<'_>, probe: &Probe, found: &mut Vec<Diagnostic>) {
    let name = place.name;
    let expressions = probe.expressions();
    if expressions.is_empty() {
        let help = "add a preset (process, node_exporter, cadvisor), or collect = { cpu = \
            \"process_cpu_seconds_total\" }";
        found.push(place.key("collect", format!("probe `{name}` reads nothing"), help));
    }
    if expressions
        .iter()
        .any(|expression| expression.figure == Figure::Cpu)
        && probe.cores.is_none()
    {
        let help = "add cores = 4, with the number of cores that the tier can use";
        found.push(place.key(
            "cores",
            format!(
                "probe `{name}` reads processor time, but the study does not say how many cores the tier has"
            ),
            help,
        ));
    }
    for (key, figure, text) in written_expressions(probe) {
        let keys = [key, figure.key()];
        match text.parse::<Selection>() {
            _ if text.trim().is_empty() => found.push(place.value(
                &keys,
                "the expression is empty",
                "such as \"process_cpu_seconds_total\"",
            )),
            // A Prometheus server understands more than we do, and reports itself what it cannot read.
            Err(_) if probe.query.is_some() => {}
            Err(error) => {
                found.push(place.value(
                    &keys,
                    error.to_string(),
                    "write name, name{label=\"value\"}, or several joined by +; other PromQL needs query",
                ));
            }
            Ok(selection) if !selection.minus.is_empty() && figure != Figure::Memory => {
                let help = "only memory may be a difference; exclude series with {label!=\"value\"} instead";
                found.push(place.value(
                    &keys,
                    format!(
                        "`{}` must be a counter, and a difference of counters may fall",
                        figure.key()
                    ),
                    help,
                ));
            }
            Ok(_) => {}
        }
    }
}

/// The expressions that the study writes itself, each with the key of its table.
fn written_expressions(probe: &Probe) -> impl Iterator<Item = (&'static str, Figure, &String)> {
    let collected = probe.collect.as_ref().map(Collect::given).unwrap_or_default();
    let collected = collected
        .into_iter()
        .map(|(figure, text)| ("collect", figure, text));
    let counted = probe
        .counts
        .iter()
        .map(|(name, text)| ("counts", Figure::Count(name.clone()), text));
    collected.chain(counted)
}

/// Names of counters that would be taken for figures of a tier, or for what a behaviour counts itself.
pub fn check_counts(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let mut seen: Vec<&str> = Vec::new();
    for (name, probe) in &study.probes {
        for count in probe.counts.keys() {
            let by_behaviour = study
                .behaviours
                .values()
                .any(|behaviour| behaviour.count_names().contains(count.as_str()));
            let reason = if ResourceKind::ALL.iter().any(|kind| kind.label() == count) {
                Some("is the name of a resource of every tier")
            } else if by_behaviour {
                Some("is counted by a behaviour already")
            } else if seen.contains(&count.as_str()) {
                Some("is counted by another probe already")
            } else if count.is_empty() || count.contains('/') {
                Some("is no name: it is empty or has a / in it")
            } else {
                None
            };
            seen.push(count);
            found.extend(reason.map(|reason| {
                let path = ["probes", name, "counts", count];
                spans.at_key(
                    &path,
                    format!("the counter `{count}` of probe `{name}` {reason}"),
                    "give it another name",
                )
            }));
        }
    }
}

fn check_labels(place: &ProbePlace<'_>, probe: &Probe, found: &mut Vec<Diagnostic>) {
    let inside = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    for label in probe.only.keys() {
        if label.is_empty()
            || label.starts_with(|letter: char| letter.is_ascii_digit())
            || !label.chars().all(inside)
        {
            found.push(place.key(
                "only",
                format!("{label:?} is not a label"),
                "write labels of letters, digits and _, such as { name = \"db\" }",
            ));
        }
    }
    if !probe.only.is_empty() && probe.preset.is_none() {
        let help = "add a preset, or write the labels into the selectors of collect: name{label=\"value\"}";
        found.push(place.key(
            "only",
            format!(
                "`only` of probe `{}` selects series of a preset, but the probe has no preset",
                place.name
            ),
            help,
        ));
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Source,
        study::read::{StudyTexts, read_study},
    };

    /// What is wrong with a probe, each with its line of the probe and its help.
    fn errors(probe: &str) -> Vec<String> {
        let head = "nest = 1\n[study]\nname = \"s\"\ncustomer = \"c\"\n\
            [target]\nbase_url = \"http://127.0.0.1:1\"\nallow_hosts = [\"metrics.example\"]\n\
            [customers]\npeak_hour_share = \"12%\"\nburst = 1.5\n[rates]\na = \"1 / day\"\n[probes.db]\n";
        let nest = Source::new("nest.toml", format!("{head}tier = \"db\"\n{probe}"));
        let behaviours = [("a".to_owned(), Source::new("a.toml", "steps = [{ get = \"/\" }]"))]
            .into_iter()
            .collect();
        match read_study(
            &StudyTexts {
                nest: nest.clone(),
                behaviours,
                code: Default::default(),
            },
            &[],
        ) {
            Ok(_) => Vec::new(),
            Err(found) => found
                .iter()
                .map(|one| {
                    format!(
                        "{}: {} ({})",
                        nest.position(one.span.start).0 as i64 - 14,
                        one.message,
                        one.help
                    )
                })
                .collect(),
        }
    }

    const GOOD: &str = "kind = \"prometheus\"\nscrape = \"http://127.0.0.1:9187/metrics\"\ncores = \
        4\ncollect = { cpu = \"a_total + b{c!='d'}\", memory = \"a - b\" }\n";

    #[test]
    fn good_metrics_probes_are_accepted() {
        let query = GOOD
            .replace("scrape", "query")
            .replace("a_total + b{c!='d'}", "sum(rate(a[1m])) by (b)");
        let preset = "kind = \"prometheus\"\nscrape = \"http://metrics.example/\"\ncores = 4\npreset = \
            \"cadvisor\"\nonly = { name = \"db\" }\n";
        for probe in [
            GOOD,
            &query,
            preset,
            "kind = \"prometheus\"\nscrape = \"http://[::1]:1/\"\ncollect = { memory = \"a\" }\n",
        ] {
            assert_eq!(errors(probe), Vec::<String>::new(), "{probe}");
        }
    }

    #[test]
    fn each_slip_is_named_at_its_line_with_a_remedy() {
        let both = GOOD.replace("cores", "query = \"http://127.0.0.1:9090\"\ncores");
        let cases = [
            (both, "3: probe `db` has both scrape and query (keep scrape"),
            (
                "kind = \"prometheus\"\ncollect = { memory = \"a\" }".to_owned(),
                "1: probe `db` does not say where its metrics are (add scrape",
            ),
            (
                GOOD.replace("127.0.0.1:9187", "db.example"),
                "2: host `db.example` is not allowed: by default probes read only from this machine (if the \
                    probe may read from it, add allow_hosts = [\"db.example\"]",
            ),
            (
                GOOD.replace("127.0.0.1:9187", "u:p@127.0.0.1:9187"),
                "2: the address of probe `db` holds a user name or password",
            ),
            (
                GOOD.replace("http:", "https:"),
                "2: metrics cannot be read over https",
            ),
            (
                GOOD.replace("http://", ""),
                "2: \"127.0.0.1:9187/metrics\" is not the address of a metrics endpoint",
            ),
            (
                GOOD.replace("{ cpu", "{ cpuu"),
                "4: unknown key `probes.db.collect.cpuu` (did you mean `cpu`?)",
            ),
            (
                GOOD.replace("a_total + b{c!='d'}", "sum(a)"),
                "4: \"sum(a)\" is not a selector such as",
            ),
            (
                GOOD.replace("a_total +", "a_total -"),
                "4: `cpu` must be a counter, and a difference of counters may fall",
            ),
            (
                GOOD.replace("a_total + b{c!='d'}", " "),
                "4: the expression is empty",
            ),
            (
                GOOD.replace("cores = 4\n", ""),
                "reads processor time, but the study does not say how many cores the tier has (add cores",
            ),
            (
                GOOD.replace("cores = 4", "cores = 4\nport = 80"),
                "4: probe `db` reads metrics, so that `port` has no meaning",
            ),
            (
                GOOD.replace(
                    "cores = 4",
                    "cores = 4\npreset = \"process\"\nonly = { \"a-b\" = \"x\" }",
                ),
                "5: \"a-b\" is not a label",
            ),
            (
                GOOD.replace("cores = 4", "cores = 4\nonly = { a = \"x\" }"),
                "4: `only` of probe `db` selects series of a preset, but the probe has no preset",
            ),
            (
                GOOD.replace("cores = 4", "preset = \"postgres\""),
                "3: `probes.db.preset` cannot be \"postgres\" (one of: process",
            ),
            (
                "kind = \"prometheus\"\nscrape = \"http://127.0.0.1:1/\"\n".to_owned(),
                "probe `db` reads nothing (add a preset",
            ),
            (
                "port = 5432\ncollect = { cpu = \"a\" }\n".to_owned(),
                "2: `collect` of probe `db` applies to metrics only (add kind",
            ),
        ];
        for (probe, part) in cases {
            let found = errors(&probe);
            assert!(
                found.iter().any(|one| one.contains(part)),
                "{part:?} is not in {found:#?} of\n{probe}"
            );
            assert_eq!(found.len(), 1, "{found:#?} of\n{probe}");
        }
    }
}
