//! Checks how customers arrive, think and hold sessions, beyond the schema.

use crate::{
    diagnostic::{Diagnostic, offer},
    study::{
        Study,
        check::behaviour::THINK_HELP,
        customers::{Arrival, Think},
    },
    toml_document::Spans,
};

/// Checks arrivals, think times and sessions.
pub(crate) fn check_customers(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let customers = &study.customers;
    for (key, think) in [("think", &customers.think), ("pacing", &customers.pacing)] {
        if let Some(Err(reason)) = think.as_ref().map(Think::times) {
            found.push(spans.at_value(
                &["customers", key],
                format!("`customers.{key}`: {reason}"),
                THINK_HELP,
            ));
        }
    }
    if customers.think.is_some() && customers.pacing.is_some() {
        found.push(spans.at_key(
            &["customers", "pacing"],
            "`customers` has both `think` and `pacing`",
            "remove one of the two",
        ));
    }
    let waits = customers.think.is_some() || customers.pacing.is_some();
    match customers.arrival {
        Arrival::Open if waits || customers.session.is_some() => {
            let help = "write arrival = \"partly-open\" or \"closed\", or remove think, pacing and session";
            found.push(spans.at_key(
                &["customers"],
                "with open arrivals customers have neither think times nor sessions",
                help,
            ));
        }
        Arrival::Closed if !waits => {
            let help = "add think = \"8s\", or pacing = \"10s\"";
            found.push(spans.at_value(
                &["customers", "arrival"],
                "closed arrivals need `think` or `pacing`",
                help,
            ));
        }
        Arrival::PartlyOpen
            if customers
                .session
                .as_ref()
                .and_then(|session| session.behaviours)
                .is_none() =>
        {
            let help = "add session = { behaviours = 14 }";
            found.push(spans.at_value(
                &["customers", "arrival"],
                "partly open arrivals need the mean number of behaviours in a session",
                help,
            ));
        }
        _ => {}
    }
    check_session(study, spans, found);
}

/// Checks that the behaviours that begin and end sessions exist, and that each has the rate of the sessions.
fn check_session(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let Some(session) = &study.customers.session else {
        return;
    };
    let ends = [("start", &session.start), ("end", &session.end)];
    let is_end = |name: &String| ends.iter().any(|(_, end)| end.as_ref() == Some(name));
    let Ok(rates) = study.rates_per_day(&study.parameter_values()) else {
        return;
    };
    let others: f64 = rates
        .iter()
        .filter(|(name, _)| !is_end(name))
        .map(|(_, rate)| rate)
        .sum();
    for (key, name) in ends
        .into_iter()
        .filter_map(|(key, name)| name.as_ref().map(|name| (key, name)))
    {
        let path = ["customers", "session", key];
        if !study.behaviours.contains_key(name) {
            let help = offer(name, study.behaviours.keys());
            found.push(spans.at_value(
                &path,
                format!("`{name}` is to {key} every session, but there is no behaviour of that name"),
                help,
            ));
        } else if others <= 0.0 {
            found.push(spans.at_value(
                &path,
                "a session needs a behaviour besides those that begin and end it",
                "give another behaviour a rate above 0",
            ));
        } else if let (Some(behaviours), Some(rate)) = (session.behaviours, rates.get(name))
            && (rate * behaviours / others - 1.0).abs() > 0.01
        {
            let right = others / behaviours;
            let message = format!(
                "`{name}` is to {key} every session: there are {right:.4} sessions a day, but its rate is \
                    {rate:.4} / day"
            );
            found.push(spans.at_key(
                &["rates", name],
                message,
                format!("write \"{right:.4} / day\", or change session.behaviours"),
            ));
        }
    }
}
