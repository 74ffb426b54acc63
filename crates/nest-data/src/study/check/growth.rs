//! Checks growth scenarios beyond their schema.

use crate::{
    diagnostic::Diagnostic,
    study::{
        Study,
        growth::MOST_CUSTOMERS,
        growth::{Change, GrowthScenario},
    },
    toml_document::Spans,
};

/// Checks the scenarios as they stand in `nest.toml`.
pub(crate) fn check_growth(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    for (name, scenario) in &study.growth {
        check_source(name, scenario, spans, found);
        if let (Some(monthly), Some([low, high])) = (scenario.monthly, scenario.range)
            && !(low <= monthly && monthly <= high)
        {
            let message = format!("growth `{name}` is {monthly} a month, outside its range {low} to {high}");
            found.push(spans.at_value(
                &["growth", name, "range"],
                message,
                "write a 90 % range that contains the value: range = [low, high]",
            ));
        }
        if let (Some([low, middle, high]), Some(start)) = (scenario.ceiling, scenario.start)
            && !(start.customers <= low && low <= middle && middle <= high && high <= MOST_CUSTOMERS)
        {
            let message = format!(
                "growth `{name}`: the ceiling {low}, {middle}, {high} is not in ascending order, or below \
                    the {} customers at its start",
                start.customers
            );
            found.push(spans.at_value(
                &["growth", name, "ceiling"],
                message,
                "write ceiling = [low, middle, high], none below the customers at the start",
            ));
        }
        check_events(name, scenario, spans, found);
    }
}

/// Checks that there is exactly one of `monthly`, `plan` and `history`, with the keys that belong to it.
fn check_source(name: &str, scenario: &GrowthScenario, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let mut wrong = |key: &str, message: String, help: &str| {
        found.push(spans.at_key(&["growth", name, key], message, help))
    };
    let sources = [
        ("monthly", scenario.monthly.is_some()),
        ("plan", scenario.plan.is_some()),
        ("history", scenario.history.is_some()),
    ];
    let given: Vec<&str> = sources
        .iter()
        .filter(|(_, given)| *given)
        .map(|(key, _)| *key)
        .collect();
    match given[..] {
        ["monthly"] if scenario.start.is_none() => {
            wrong(
                "monthly",
                format!("growth `{name}` has no start"),
                "add start = { date = 2027-01-01, customers = 1000 }",
            );
        }
        ["monthly"] => {}
        [source] => {
            if scenario.start.is_some() {
                wrong(
                    "start",
                    format!("growth `{name}` has a {source}, which states the start already"),
                    "remove start",
                );
            }
            for (key, _) in [
                ("range", scenario.range.is_some()),
                ("ceiling", scenario.ceiling.is_some()),
            ]
            .iter()
            .filter(|(_, given)| *given)
            {
                wrong(
                    key,
                    format!("`{key}` goes with `monthly`, but growth `{name}` has a {source}"),
                    "remove it; a plan states a range in its columns low and high",
                );
            }
        }
        [] => wrong(
            "",
            format!("growth `{name}` does not say how customers grow"),
            "add monthly = \"7%\", or plan = \"growth.csv\"",
        ),
        _ => wrong(
            given[1],
            format!("growth `{name}` has both {}", given.join(" and ")),
            "keep one of them: each states how customers grow",
        ),
    }
}

fn check_events(name: &str, scenario: &GrowthScenario, spans: &Spans, found: &mut Vec<Diagnostic>) {
    for (index, event) in scenario.events.iter().enumerate() {
        let place = index.to_string();
        if let Some(start) = scenario.start.filter(|start| event.date < start.date) {
            let message = format!(
                "growth `{name}`: the event of {} is before the start on {}",
                event.date, start.date
            );
            found.push(spans.at_value(
                &["growth", name, "events", &place, "date"],
                message,
                "include its customers in those at the start, and remove the event",
            ));
        }
        if let Some([low, high]) = event.range {
            let holds = |a: Change, b: Change| a.is_like(b) && a.number() <= b.number();
            if !(holds(low, event.customers) && holds(event.customers, high)) {
                let message = format!(
                    "growth `{name}`: {} is outside its range {low} to {high}",
                    event.customers
                );
                found.push(spans.at_value(
                    &["growth", name, "events", &place, "range"],
                    message,
                    "write a 90 % range that contains the value, all as customers or all in per cent",
                ));
            }
        }
    }
}
