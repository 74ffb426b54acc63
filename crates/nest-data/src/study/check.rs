//! Checks that a study must pass beyond its schema: names that must exist, numbers that must fit together.

pub(crate) mod behaviour;
pub(crate) mod config;
mod counts;
pub(crate) mod customers;
mod gate;
pub(crate) mod growth;
mod locust;
mod names;
pub(crate) mod policy;
pub mod prices;
pub(crate) mod probe;
pub(crate) mod stored_data;
pub(crate) mod target;

use std::collections::BTreeMap;

use crate::{
    diagnostic::{Diagnostic, nearest, offer},
    error::DataError,
    formula::is_unit_of_time,
    study::{Study, growth::MOST_CUSTOMERS, read::texts::StudyTexts},
    toml_document::Spans,
};

/// Fewest customers of a step. A share of one customer is the load of a day with few of them.
const FEWEST_CUSTOMERS: f64 = 1e-3;
/// Most requests per second that `max_rate` may allow. Our choice: twice the executions per second that a
/// schedule can have, which is far more than the threads of a generator can send.
const MOST_REQUESTS_PER_S: f64 = 1e6;

pub(crate) fn check_study(study: &Study, texts: &StudyTexts, spans: &Spans, found: &mut Vec<Diagnostic>) {
    names::check_names(study, spans, found);
    let own = texts;
    let texts = &texts.with_tasks(study.locust.as_ref());
    locust::check_locust(study, own, spans, found);
    target::check_target(study, spans, found);
    check_currency(study, spans, found);
    check_rates(study, texts, spans, found);
    check_needs(study, texts, found);
    check_probes(study, spans, found);
    check_numbers(study, spans, found);
    check_objectives(study, texts, spans, found);
    for (name, config) in &study.configs {
        self::config::check(name, config, study, spans, found);
    }
    config::check_money(study, spans, found);
    policy::check_policies(study, spans, found);
    check_report(study, spans, found);
    gate::check_gate(study, spans, found);
}

fn check_objectives(study: &Study, texts: &StudyTexts, spans: &Spans, found: &mut Vec<Diagnostic>) {
    for (name, slo) in &study.slo {
        if let Some(behaviour) = &slo.applies_to
            && !texts.has(behaviour)
        {
            let help = offer(behaviour, texts.names());
            found.push(spans.at_value(
                &["slo", name, "applies_to"],
                format!(
                    "objective `{name}` applies to `{behaviour}`, but there is no behaviour of that name"
                ),
                help,
            ));
        }
        if slo.limits().is_empty() {
            found.push(spans.at_key(
                &["slo", name],
                format!("objective `{name}` has no limit"),
                "add p50, p95 or p99, such as p95 = \"300ms\"",
            ));
        }
    }
}

/// Checks that the currency is a code of three capital letters.
fn check_currency(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let currency = &study.study.currency;
    if currency.len() != 3 || !currency.bytes().all(|letter| letter.is_ascii_uppercase()) {
        found.push(spans.at_value(
            &["study", "currency"],
            format!("`study.currency` is {currency:?}, which is no ISO 4217 code"),
            "write three capital letters, such as \"USD\" or \"EUR\"",
        ));
    }
}

/// Checks that every rate has a behaviour, every behaviour a rate, and every formula a value.
fn check_rates(study: &Study, texts: &StudyTexts, spans: &Spans, found: &mut Vec<Diagnostic>) {
    for (name, rate) in &study.rates {
        if !texts.has(name) {
            let help = match nearest(name, texts.names().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`? If not, add {}", place_of(study, name)),
                None => format!("add {}, or remove the rate", place_of(study, name)),
            };
            found.push(spans.at_key(
                &["rates", name],
                format!("`{name}` has a rate but there is no behaviour of that name"),
                help,
            ));
        }
        for used in rate
            .formula()
            .names()
            .into_iter()
            .filter(|used| !study.defines(used))
        {
            let message = format!(
                "the rate of `{name}` uses `{used}`, but there is no {} of that name",
                if used.contains('.') { "value" } else { "parameter" }
            );
            found.push(spans.at_value(
                &["rates", name],
                message,
                offer(&used, study.names_of_formulas().iter()),
            ));
        }
    }
    check_behaviours_have_rates(study, texts, spans, found);
    if study.defines_all_names()
        && let Err(error) = study.rates_per_day(&study.parameter_values())
    {
        let path = match &error {
            DataError::Rate { behaviour, .. } => vec!["rates", behaviour.as_str()],
            _ => vec!["rates"],
        };
        found.push(spans.at_value(
            &path,
            error.to_string(),
            "choose parameters for which every rate is 0 or more",
        ));
    }
}

/// Where a behaviour of this name would be added.
fn place_of(study: &Study, name: &str) -> String {
    if study.locust.is_some() {
        format!("{name} = \"Class.task\" under [locust.behaviours]")
    } else {
        format!("behaviours/{name}.toml")
    }
}

fn check_behaviours_have_rates(
    study: &Study,
    texts: &StudyTexts,
    spans: &Spans,
    found: &mut Vec<Diagnostic>,
) {
    for (name, source) in texts
        .behaviours
        .iter()
        .filter(|(name, _)| !study.rates.contains_key(*name))
    {
        let help = format!(
            "add `{name} = \"1 / day\"` under [rates] in {}, or remove the file",
            texts.nest.name
        );
        found.push(Diagnostic::at(
            &source.name,
            0..0,
            format!("behaviour `{name}` has no rate"),
            help,
        ));
    }
    for name in texts.code.keys().filter(|name| !study.rates.contains_key(*name)) {
        let origin = if study.locust.is_some() {
            "is a task of the locustfile"
        } else {
            "this program has as Rust code"
        };
        let message = format!("behaviour `{name}`, which {origin}, has no rate");
        found.push(spans.at_key(
            &["rates"],
            message,
            format!("add `{name} = \"1 / day\"` under [rates]"),
        ));
    }
    if study.rates.is_empty() {
        found.push(spans.at_key(
            &["rates"],
            "the study has no rate",
            "add a behaviour, and its rate under [rates]",
        ));
    }
}

/// Checks that the behaviour which another one needs exists and itself needs none.
fn check_needs(study: &Study, texts: &StudyTexts, found: &mut Vec<Diagnostic>) {
    for (name, behaviour) in &study.behaviours {
        let Some(needed) = &behaviour.needs else { continue };
        let source = texts.behaviours.get(name).unwrap_or(&texts.nest);
        let span = source
            .text
            .find("needs")
            .map_or(0..0, |start| start..start + "needs".len());
        if !texts.has(needed) {
            let help = offer(needed, texts.names());
            found.push(Diagnostic::at(
                &source.name,
                span,
                format!("`{name}` needs `{needed}`, but there is no behaviour of that name"),
                help,
            ));
        } else if study
            .behaviours
            .get(needed)
            .is_some_and(|needed| needed.needs.is_some())
        {
            let message = format!("`{name}` needs `{needed}`, which itself needs another behaviour");
            found.push(Diagnostic::at(
                &source.name,
                span,
                message,
                "put the requests of both into one behaviour",
            ));
        }
    }
}

fn check_probes(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let mut tiers: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, probe) in &study.probes {
        if let Some(other) = tiers.insert(&probe.tier, name) {
            let message = format!(
                "probes `{other}` and `{name}` both read the tier `{}`",
                probe.tier
            );
            found.push(spans.at_key(
                &["probes", name],
                message,
                "give each probe a tier of its own, or remove one of them",
            ));
        }
        self::probe::check(name, probe, &study.target.allow_hosts, spans, found);
    }
    self::probe::check_counts(study, spans, found);
}

fn check_numbers(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    customers::check_customers(study, spans, found);
    stored_data::check_stored_data(study, spans, found);
    check_measure(study, spans, found);
    growth::check_growth(study, spans, found);
    check_parameters(study, spans, found);
}

/// Checks the numbers and names of `[measure]`.
fn check_measure(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let measure = &study.measure;
    for (key, span) in [
        ("window", measure.window),
        ("timeout", measure.timeout),
        ("pilot", measure.pilot),
    ] {
        if span.get() <= 0.0 {
            found.push(spans.at_value(
                &["measure", key],
                format!("`measure.{key}` must be above zero"),
                "write a time such as \"10s\"",
            ));
        }
    }
    let counts = measure.customers.as_deref().unwrap_or(&[1.0]);
    if counts.is_empty()
        || !counts
            .iter()
            .all(|count| (FEWEST_CUSTOMERS..=MOST_CUSTOMERS).contains(count))
    {
        found.push(spans.at_value(
            &["measure", "customers"],
            "`measure.customers` must hold numbers from 0.001 to 1e11, at least one",
            "write customer counts, such as [1000, 2000, 4000]",
        ));
    }
    if let Some(policy) = measure
        .confirm_policy
        .as_ref()
        .filter(|policy| !study.policies.contains_key(*policy))
    {
        let message = format!("`measure.confirm_policy` is `{policy}`, but there is no policy of that name");
        found.push(spans.at_value(
            &["measure", "confirm_policy"],
            message,
            offer(policy, study.policies.keys()),
        ));
    }
    if !(measure.max_rate > 0.0 && measure.max_rate <= MOST_REQUESTS_PER_S) {
        found.push(spans.at_value(
            &["measure", "max_rate"],
            "`measure.max_rate` must be a number above zero, at most 1,000,000",
            "write requests per second, such as 5000",
        ));
    }
}

fn check_parameters(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let table = ["parameters".to_owned()];
    let written = spans.names_in(&table);
    for (name, parameter) in &study.parameters {
        if spans.is_only_set(&[&table[..], std::slice::from_ref(name)].concat()) {
            let help = match nearest(name, written.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write the parameter into nest.toml first, and a formula that uses it".to_owned(),
            };
            let message = format!("{} has no `parameters.{name}`", spans.file());
            found.push(spans.at_value(&["parameters", name], message, help));
        }
        if is_unit_of_time(name) {
            found.push(spans.at_key(
                &["parameters", name],
                format!("the parameter `{name}` has the name of a unit of time"),
                "rename the parameter",
            ));
        }
        if let Some([low, high]) = parameter.range()
            && !(low <= parameter.value() && parameter.value() <= high)
        {
            let message = format!(
                "parameter `{name}` is {}, outside its range {low} to {high}",
                parameter.value()
            );
            found.push(spans.at_value(
                &["parameters", name],
                message,
                "write a 90 % range that contains the value: range = [low, high]",
            ));
        }
    }
}

fn check_report(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    if let Some(config) = study
        .report
        .config
        .as_ref()
        .filter(|config| !study.configs.contains_key(*config))
    {
        found.push(spans.at_value(
            &["report", "config"],
            format!("`report.config` is `{config}`, but there is no configuration of that name"),
            offer(config, study.configs.keys()),
        ));
    }
    if let Some(growth) = study
        .report
        .growth
        .as_ref()
        .filter(|growth| !study.growth.contains_key(*growth))
    {
        found.push(spans.at_value(
            &["report", "growth"],
            format!("`report.growth` is `{growth}`, but there is no growth scenario of that name"),
            offer(growth, study.growth.keys()),
        ));
    }
    if study
        .report
        .customers
        .is_some_and(|customers| !(1.0..=MOST_CUSTOMERS).contains(&customers))
    {
        found.push(spans.at_value(
            &["report", "customers"],
            "`report.customers` must be from 1 to 1e11",
            "write a number of customers, such as 42000",
        ));
    }
}
