//! Turns the texts of a study into a [`Study`], or into everything that is wrong with them.

use std::{collections::BTreeMap, net::IpAddr};

use url::{Host, Url};

use crate::{
    behaviour::{Behaviour, Capture, Request, json_pointer},
    diagnostic::{Diagnostic, Source, nearest},
    formula::is_unit_of_time,
    probe_check,
    study::{Arrival, Config, Platform, Study},
    template::{Segment, Template},
    toml_document::{self, Spans},
};

/// Most customers that are projected: more than there are people.
pub const MOST_CUSTOMERS: f64 = 1e11;

/// The texts of a study folder.
#[derive(Debug, Clone)]
pub struct StudyTexts {
    /// `nest.toml`.
    pub nest: Source,
    /// Each file of `behaviours/`, by behaviour name.
    pub behaviours: BTreeMap<String, Source>,
}

/// Reads and checks a whole study. `overrides` are `path=value` pairs of `--set`.
///
/// # Errors
/// Everything that is wrong, over all files, in file order.
pub fn read_study(texts: &StudyTexts, overrides: &[(String, String)]) -> Result<Study, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let mut read = BTreeMap::new();
    for (name, source) in &texts.behaviours {
        match toml_document::read::<Behaviour>(source, &[]) {
            Ok(behaviour) => drop(read.insert(name.clone(), behaviour)),
            Err(errors) => found.extend(errors),
        }
    }
    for (behaviour, spans) in read.values() {
        let needed = behaviour.needs.as_ref().and_then(|needed| read.get(needed));
        let saved = needed.into_iter().flat_map(|(needed, _)| &needed.steps).flat_map(|step| step.save.keys().cloned());
        check_behaviour(behaviour, saved.collect(), spans, &mut found);
    }
    let behaviours: BTreeMap<String, Behaviour> = read.into_iter().map(|(name, (behaviour, _))| (name, behaviour)).collect();
    match toml_document::read::<Study>(&texts.nest, overrides) {
        Ok((mut study, spans)) => {
            study.behaviours = behaviours;
            check_study(&study, texts, &spans, &mut found);
            if found.is_empty() { Ok(study) } else { Err(found) }
        }
        Err(mut errors) => {
            errors.extend(found);
            Err(errors)
        }
    }
}

/// Whether a host is this machine, without asking a name server.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn check_study(study: &Study, texts: &StudyTexts, spans: &Spans, found: &mut Vec<Diagnostic>) {
    check_target(study, spans, found);
    check_rates(study, texts, spans, found);
    check_needs(study, texts, found);
    check_probes(study, spans, found);
    check_numbers(study, spans, found);
    for (name, slo) in &study.slo {
        if let Some(behaviour) = &slo.applies_to
            && !texts.behaviours.contains_key(behaviour)
        {
            let help = offer(behaviour, texts.behaviours.keys());
            found.push(spans.at_value(&["slo", name, "applies_to"], format!("objective `{name}` is for `{behaviour}`, which is no behaviour"), help));
        }
        if slo.limits().is_empty() {
            found.push(spans.at_key(&["slo", name], format!("objective `{name}` has no limit"), "add p50, p95 or p99, such as p95 = \"300ms\""));
        }
    }
    for (name, config) in &study.configs {
        check_config(name, config, spans, found);
    }
    for (name, policy) in &study.policies {
        for parameter in policy.set.keys().filter(|parameter| !study.parameters.contains_key(*parameter)) {
            let help = offer(parameter, study.parameters.keys());
            found.push(spans.at_key(
                &["policies", name, "set", parameter],
                format!("policy `{name}` sets `{parameter}`, which is no parameter"),
                help,
            ));
        }
        let mut parameters = study.parameter_values();
        parameters.extend(policy.set.clone());
        if let Err(error) = study.rates_per_day(&parameters) {
            found.push(spans.at_key(&["policies", name], format!("policy `{name}`: {error}"), "choose values at which every rate is 0 or more"));
        }
    }
    check_report(study, spans, found);
}

fn check_target(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let path = ["target", "base_url"];
    let url = match Url::parse(&study.target.base_url) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => url,
        _ => {
            let message = format!("{:?} is not a base URL", study.target.base_url);
            return found.push(spans.at_value(&path, message, "write scheme, host and port, such as \"http://127.0.0.1:8080\""));
        }
    };
    let host = match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => return,
    };
    if !is_loopback(&host) && !study.target.allow_hosts.contains(&host) {
        let help = format!("if you may put load on it, add allow_hosts = [\"{host}\"] under [target]");
        found.push(spans.at_value(&path, format!("host `{host}` is not allowed: load goes to this machine only"), help));
    }
}

fn check_rates(study: &Study, texts: &StudyTexts, spans: &Spans, found: &mut Vec<Diagnostic>) {
    for (name, rate) in &study.rates {
        if !texts.behaviours.contains_key(name) {
            let help = match nearest(name, texts.behaviours.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`? Else add behaviours/{name}.toml"),
                None => format!("add behaviours/{name}.toml, or remove the rate"),
            };
            found.push(spans.at_key(&["rates", name], format!("`{name}` has a rate but there is no behaviour of that name"), help));
        }
        for parameter in rate.formula().names().into_iter().filter(|parameter| !study.parameters.contains_key(parameter)) {
            let message = format!("the rate of `{name}` uses `{parameter}`, which is no parameter");
            found.push(spans.at_value(&["rates", name], message, offer(&parameter, study.parameters.keys())));
        }
    }
    for (name, source) in texts.behaviours.iter().filter(|(name, _)| !study.rates.contains_key(*name)) {
        let help = format!("add `{name} = \"1 / day\"` under [rates] in {}, or remove the file", texts.nest.name);
        found.push(Diagnostic::at(&source.name, 0..0, format!("behaviour `{name}` has no rate"), help));
    }
    if study.rates.is_empty() {
        found.push(spans.at_key(&["rates"], "there is no rate", "add at least one behaviour and its rate"));
    }
    let known_parameters = study.rates.values().all(|rate| rate.formula().names().iter().all(|name| study.parameters.contains_key(name)));
    if known_parameters && let Err(error) = study.rates_per_day(&study.parameter_values()) {
        found.push(spans.at_key(&["rates"], error.to_string(), "choose parameters at which every rate is 0 or more"));
    }
}

fn check_needs(study: &Study, texts: &StudyTexts, found: &mut Vec<Diagnostic>) {
    for (name, behaviour) in &study.behaviours {
        let Some(needed) = &behaviour.needs else { continue };
        let source = &texts.behaviours[name];
        let span = source.text.find("needs").map_or(0..0, |start| start..start + "needs".len());
        if !texts.behaviours.contains_key(needed) {
            let help = offer(needed, texts.behaviours.keys());
            found.push(Diagnostic::at(&source.name, span, format!("`{name}` needs `{needed}`, which is no behaviour"), help));
        } else if study.behaviours.get(needed).is_some_and(|needed| needed.needs.is_some()) {
            let message = format!("`{name}` needs `{needed}`, which needs another behaviour itself");
            found.push(Diagnostic::at(&source.name, span, message, "put the requests of both into one behaviour"));
        }
    }
}

fn check_probes(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let mut tiers: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, probe) in &study.probes {
        if let Some(other) = tiers.insert(&probe.tier, name) {
            let message = format!("probes `{other}` and `{name}` both read the tier `{}`", probe.tier);
            found.push(spans.at_key(&["probes", name], message, "give each its own tier = \"..\", or keep one"));
        }
        probe_check::check(name, probe, &study.target.allow_hosts, spans, found);
    }
}

fn check_numbers(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let measure = &study.measure;
    if study.customers.arrival == Arrival::Closed {
        found.push(spans.at_value(&["customers", "arrival"], "closed arrivals are not available yet", "use arrival = \"open\""));
    }
    if study.customers.peak_hour_share.get() < 1.0 / 24.0 {
        let help = "the busiest of 24 hours holds at least 1/24 = 4.17% of the day";
        found.push(spans.at_value(&["customers", "peak_hour_share"], "the busiest hour cannot hold less than an even share", help));
    }
    for (key, span) in [("window", measure.window), ("timeout", measure.timeout), ("pilot", measure.pilot)] {
        if span.get() <= 0.0 {
            found.push(spans.at_value(&["measure", key], format!("`measure.{key}` must be above zero"), "write a time such as \"10s\""));
        }
    }
    let counts = measure.customers.as_deref().unwrap_or(&[1.0]);
    if counts.is_empty() || counts.iter().any(|count| !count.is_finite() || *count <= 0.0) {
        found.push(spans.at_value(
            &["measure", "customers"],
            "every step of the ramp needs a number of customers above zero",
            "such as [1000, 2000, 4000]",
        ));
    }
    if measure.max_rate <= 0.0 {
        found.push(spans.at_value(&["measure", "max_rate"], "`measure.max_rate` must be above zero", "such as 5000"));
    }
    for (name, scenario) in &study.growth {
        if let Some([low, high]) = scenario.range
            && !(low <= scenario.monthly && scenario.monthly <= high)
        {
            let message = format!("growth `{name}` is {} a month, outside its range {low} to {high}", scenario.monthly);
            found.push(spans.at_value(&["growth", name, "range"], message, "the 90 % range holds the value: range = [low, high]"));
        }
    }
    for (name, parameter) in &study.parameters {
        if is_unit_of_time(name) {
            found.push(spans.at_key(&["parameters", name], format!("`{name}` is a unit of time in formulas"), "call the parameter something else"));
        }
        if let Some([low, high]) = parameter.range()
            && !(low <= parameter.value() && parameter.value() <= high)
        {
            let message = format!("`{name}` is {}, outside its range {low} to {high}", parameter.value());
            found.push(spans.at_value(&["parameters", name], message, "the 90 % range holds the value: range = [low, high]"));
        }
    }
}

fn check_config(name: &str, config: &Config, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let mut missing = |key: &str, example: &str| {
        found.push(spans.at_key(&["configs", name], format!("configuration `{name}` needs `{key}`"), format!("add {key} = {example}")));
    };
    match config.platform {
        Platform::Vm if config.sku.is_none() => missing("sku", "\"m7i.large\""),
        Platform::Function if config.memory_mb.is_none() => missing("memory_mb", "1769"),
        _ => {}
    }
    if config.max.is_some_and(|max| max < config.min) {
        found.push(spans.at_value(&["configs", name, "max"], format!("`{name}`: max is below min"), "give max at least the value of min"));
    }
    for (key, amount) in
        config.monthly.iter().filter(|(_, amount)| amount.0.is_sign_negative() || amount.0 > rust_decimal::Decimal::from(1_000_000_000_u64))
    {
        found.push(spans.at_value(
            &["configs", name, "monthly", key],
            format!("`{name}`: {amount} a month for `{key}` is out of range"),
            "from \"0\" to \"1000000000\"",
        ));
    }
    if config.reserve.get() >= 1.0 {
        found.push(spans.at_value(
            &["configs", name, "reserve"],
            format!("`{name}` reserves everything"),
            "a reserve is below 100%, such as \"30%\"",
        ));
    }
    if let Some([low, high]) = config.speed
        && !(0.0 < low && low <= high && high.is_finite())
    {
        found.push(spans.at_value(
            &["configs", name, "speed"],
            format!("`{name}`: speed must be two numbers above 0, the smaller first"),
            "such as [0.9, 1.1]",
        ));
    }
}

fn check_report(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    if let Some(config) = study.report.config.as_ref().filter(|config| !study.configs.contains_key(*config)) {
        found.push(spans.at_value(
            &["report", "config"],
            format!("the report leads with `{config}`, which is no configuration"),
            offer(config, study.configs.keys()),
        ));
    }
    if let Some(growth) = study.report.growth.as_ref().filter(|growth| !study.growth.contains_key(*growth)) {
        found.push(spans.at_value(
            &["report", "growth"],
            format!("the report leads with `{growth}`, which is no growth scenario"),
            offer(growth, study.growth.keys()),
        ));
    }
    if study.report.customers.is_some_and(|customers| !(1.0..=MOST_CUSTOMERS).contains(&customers)) {
        found.push(spans.at_value(
            &["report", "customers"],
            "the headline needs at least one customer, and fewer than there are people",
            "such as 42000",
        ));
    }
}

/// Checks one behaviour; `saved` are the variables that the behaviour it needs has saved.
fn check_behaviour(behaviour: &Behaviour, saved: Vec<String>, spans: &Spans, found: &mut Vec<Diagnostic>) {
    if behaviour.steps.is_empty() {
        found.push(spans.at_key(&["steps"], "the behaviour makes no request", "add a step such as { get = \"/\" }"));
    }
    let mut known = saved;
    known.extend(behaviour.variables.keys().cloned());
    for (index, step) in behaviour.steps.iter().enumerate() {
        check_request(step, &index.to_string(), spans, &mut known, found);
    }
}

fn check_request(step: &Request, index: &str, spans: &Spans, known: &mut Vec<String>, found: &mut Vec<Diagnostic>) {
    let Some((method, path)) = step.method_and_path() else {
        let help = "such as { get = \"/items\" } or { post = \"/orders\", json = { .. } }";
        return found.push(spans.at_value(&["steps", index], "a step names exactly one of get, post, put, patch, delete, head", help));
    };
    let method_key = method.to_ascii_lowercase();
    if !path.starts_with('/') {
        let help = "write the path from the base URL, starting with /";
        found.push(spans.at_value(&["steps", index, &method_key], format!("{path:?} is not a path"), help));
    }
    let bodies = usize::from(step.json.is_some()) + usize::from(!step.form.is_empty()) + usize::from(step.body.is_some());
    if bodies > 1 {
        found.push(spans.at_value(&["steps", index], "a step has one body", "keep one of json, form and body"));
    }
    let mut json_texts = Vec::new();
    step.json.iter().for_each(|json| collect_texts(json, &mut json_texts));
    let places = std::iter::once((method_key.as_str(), path))
        .chain(step.headers.values().map(|text| ("headers", text.as_str())))
        .chain(step.form.values().map(|text| ("form", text.as_str())))
        .chain(step.body.iter().map(|text| ("body", text.as_str())))
        .chain(json_texts.into_iter().map(|text| ("json", text)));
    for (key, text) in places {
        match text.parse::<Template>() {
            Err(error) => {
                found.push(spans.at_value(&["steps", index, key], error.to_string(), "write {{ name }}, {{ int(1, 9) }} or {{ pick(\"a\", \"b\") }}"))
            }
            Ok(template) => {
                for segment in template.segments() {
                    if let Segment::Variable(name) = segment
                        && !known.contains(name)
                    {
                        let help = "save it in an earlier step, or give it a value under [variables]";
                        found.push(spans.at_value(&["steps", index, key], format!("`{{{{ {name} }}}}` has no value yet at this step"), help));
                    }
                }
            }
        }
    }
    for (name, capture) in &step.save {
        match capture {
            Capture::Json(path) if json_pointer(path).is_none() => {
                found.push(spans.at_value(
                    &["steps", index, "save", name],
                    format!("{path:?} is not a JSON path"),
                    "write $ and names or indices, such as \"$.items[0].id\"",
                ));
            }
            Capture::Elsewhere(_) => {
                found.push(spans.at_value(
                    &["steps", index, "save", name],
                    "captures from headers and by regular expression are not available yet",
                    "use a JSON path, such as \"$.id\"",
                ));
            }
            Capture::Json(_) => {}
        }
        known.push(name.clone());
    }
}

/// Every text inside a JSON value, depth first.
fn collect_texts<'a>(value: &'a serde_json::Value, texts: &mut Vec<&'a str>) {
    match value {
        serde_json::Value::String(text) => texts.push(text),
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect_texts(item, texts)),
        serde_json::Value::Object(fields) => fields.values().for_each(|field| collect_texts(field, texts)),
        _ => {}
    }
}

fn offer<'a>(written: &str, known: impl Iterator<Item = &'a String> + Clone) -> String {
    match nearest(written, known.clone().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("defined here: {}", known.cloned().collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEST: &str = r#"
nest = 1
[study]
name = "Shop"
customer = "a person with an account"
[target]
base_url = "http://127.0.0.1:8080"
[customers]
peak_hour_share = "12%"
burst = 1.5
[parameters]
min_payment = 10
[rates]
browse = "20 / day"
"#;

    fn texts(nest: &str, browse: &str) -> StudyTexts {
        let behaviours = [("browse".to_owned(), Source::new("behaviours/browse.toml", browse))].into_iter().collect();
        StudyTexts { nest: Source::new("nest.toml", nest), behaviours }
    }

    fn errors(nest: &str, browse: &str) -> String {
        let found = read_study(&texts(nest, browse), &[]).expect_err("must be refused");
        found.iter().map(|one| format!("{}: {} ({})\n", one.file, one.message, one.help)).collect()
    }

    const BROWSE: &str = "steps = [{ get = \"/items?page={{ int(1, 40) }}\" }]\n";

    #[test]
    fn a_plain_study_reads_and_its_rates_follow_parameters() {
        let study = read_study(&texts(NEST, BROWSE), &[]).expect("valid");
        assert_eq!(study.rates_per_day(&study.parameter_values()).expect("rates")["browse"], 20.0);
        let json = serde_json::to_string(&study).expect("serialises");
        assert_eq!(serde_json::from_str::<Study>(&json).expect("reads back"), study);
    }

    #[test]
    fn a_rate_without_a_behaviour_and_the_reverse_name_both() {
        let found = errors(&NEST.replace("browse =", "brwose ="), BROWSE);
        assert!(found.contains("`brwose` has a rate but there is no behaviour") && found.contains("did you mean `browse`?"), "{found}");
        assert!(found.contains("behaviours/browse.toml: behaviour `browse` has no rate"), "{found}");
    }

    #[test]
    fn load_goes_to_listed_hosts_only() {
        let elsewhere = NEST.replace("127.0.0.1:8080", "shop.example.com");
        let found = errors(&elsewhere, BROWSE);
        assert!(found.contains("host `shop.example.com` is not allowed") && found.contains("allow_hosts"), "{found}");
        let listed = elsewhere.replace("[customers]", "allow_hosts = [\"shop.example.com\"]\n[customers]");
        assert!(read_study(&texts(&listed, BROWSE), &[]).is_ok());
        assert!(
            is_loopback("127.9.9.9")
                && is_loopback("::1")
                && is_loopback("localhost")
                && !is_loopback("10.0.0.1")
                && !is_loopback("localhost.evil.org")
        );
    }

    #[test]
    fn everything_wrong_in_all_files_comes_at_once() {
        let nest = NEST.replace("burst = 1.5", "burst = 0.5\nbursts = 2") + "pay = \"0.3\"\n";
        let found = errors(&nest, "steps = [{ get = \"items\", post = \"/x\" }, { get = \"/{{ id }}\", sve = {} }]\n");
        for part in ["below 1", "unknown key `customers.bursts`", "is not a rate", "unknown key `steps.1.sve`"] {
            assert!(found.contains(part), "{part} in {found}");
        }
    }

    #[test]
    fn steps_are_checked_where_they_stand() {
        for (browse, part) in [
            ("steps = []", "makes no request"),
            ("steps = [{ get = \"/a\", post = \"/b\" }]", "exactly one of"),
            ("steps = [{ get = \"/{{ id }}\" }]", "has no value yet"),
            ("steps = [{ get = \"/\", save = { id = { regex = \"a(b)\" } } }]", "not available yet"),
            ("steps = [{ get = \"/\", save = { id = \"items\" } }]", "not a JSON path"),
            ("steps = [{ post = \"/\", body = \"x\", json = { a = 1 } }]", "one body"),
            ("needs = \"login\"\nsteps = [{ get = \"/\" }]", "needs `login`, which is no behaviour"),
        ] {
            let found = errors(NEST, browse);
            assert!(found.contains(part), "{part} in {found}");
        }
        assert!(read_study(&texts(NEST, "steps = [{ get = \"/a\", save = { id = \"$.id\" } }, { get = \"/{{ id }}\" }]"), &[]).is_ok());
    }
}
