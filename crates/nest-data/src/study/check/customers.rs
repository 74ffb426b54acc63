//! What is wrong with how customers come and think, beyond what its schema says.

use crate::{
    diagnostic::{Diagnostic, offer},
    study::{
        Study,
        check::behaviour::THINK_HELP,
        customers::{Arrival, Think},
    },
    toml_document::Spans,
};

/// Checks how customers come and think.
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
            "customers either think or keep a pace",
            "keep one of think and pacing",
        ));
    }
    let waits = customers.think.is_some() || customers.pacing.is_some();
    match customers.arrival {
        Arrival::Open if waits || customers.session.is_some() => {
            let help = "write arrival = \"partly-open\" or \"closed\", or remove think, pacing and session";
            found.push(spans.at_key(
                &["customers"],
                "open arrivals have neither think times nor sessions",
                help,
            ));
        }
        Arrival::Closed if !waits => {
            let help = "add think = \"8s\", or pacing";
            found.push(spans.at_value(
                &["customers", "arrival"],
                "closed customers need a think time or a pacing between behaviours",
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
                "partly open arrivals need the mean number of behaviours of a session",
                help,
            ));
        }
        _ => {}
    }
    check_session(study, spans, found);
}

/// Checks the behaviours that begin and end sessions, and that their rates are those of the sessions.
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
                format!("`{name}` is to {key} every session, but is no behaviour"),
                help,
            ));
        } else if others <= 0.0 {
            found.push(spans.at_value(
                &path,
                "a session needs a behaviour besides those that begin and end it",
                "give another one a rate above 0",
            ));
        } else if let (Some(behaviours), Some(rate)) = (session.behaviours, rates.get(name))
            && (rate * behaviours / others - 1.0).abs() > 0.01
        {
            let right = others / behaviours;
            let message = format!(
                "`{name}` is to {key} every session, of which there are {right:.4} / day, but its rate is {rate:.4} / day"
            );
            found.push(spans.at_key(
                &["rates", name],
                message,
                format!("write \"{right:.4} / day\", or change session.behaviours"),
            ));
        }
    }
}
