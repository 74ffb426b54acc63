//! Checks the limits, sizes and names of `[check]`.

use jiff::ToSpan;

use crate::{
    diagnostic::{Diagnostic, offer},
    measure::gate::Gate,
    study::Study,
    toml_document::Spans,
};

/// Limit below which builds of the same code differ: where code lies in memory changes its speed by as much.
const LEAST_LIMIT: f64 = 0.02;

/// Checks the limits, sizes and names of `[check]`.
pub(crate) fn check_gate(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let Some(gate) = &study.check else { return };
    let limits = gate
        .limits
        .iter()
        .map(|(name, limit)| (vec!["check", "limits", name], *limit));
    for (path, limit) in limits.chain([(vec!["check", "limit"], gate.limit)]) {
        if limit.get() < LEAST_LIMIT {
            found.push(spans.at_value(
                &path,
                format!(
                    "a limit of {:.1} % cannot be told from noise",
                    100.0 * limit.get()
                ),
                "write 2 % or more: two builds of the same code differ by up to as much",
            ));
        }
    }
    for name in gate
        .limits
        .keys()
        .filter(|name| !study.behaviours.contains_key(*name))
    {
        found.push(spans.at_key(
            &["check", "limits", name],
            format!("there is no behaviour `{name}`"),
            offer(name, study.behaviours.keys()),
        ));
    }
    check_money(study, gate, spans, found);
    let sizes = gate.sizes.iter().flatten();
    let bad = |size: &&f64| !(**size > 0.0 && size.is_finite());
    let ascending = gate
        .sizes
        .iter()
        .all(|sizes| sizes.windows(2).all(|pair| pair[0] < pair[1]));
    if sizes.clone().any(|size| bad(&size)) || !ascending || gate.sizes.as_ref().is_some_and(Vec::is_empty) {
        found.push(spans.at_value(
            &["check", "sizes"],
            "`check.sizes` must be numbers above 0, in ascending order",
            "write sizes = [2000, 20000]",
        ));
    }
    if gate.sizes.is_some() && study.data.is_none() {
        found.push(spans.at_key(
            &["check", "sizes"],
            "`check.sizes` needs [data], which says what the sizes count",
            "add [data] with item and sizes, or remove check.sizes",
        ));
    }
    if !(gate.window_s > 0.0 && gate.window_s <= 60.0) {
        found.push(spans.at_value(
            &["check", "window_s"],
            "`check.window_s` must be above 0 and at most 60",
            "write window_s = 2",
        ));
    }
    if gate.start.is_none() && study.target.start.is_none() {
        found.push(spans.at_key(
            &["check"],
            "`check` starts a version itself, but neither `check.start` nor `target.start` says how",
            "add start = \"COMMAND\" under [check]",
        ));
    }
}

/// Cost is compared for a number of customers, or on a day that a growth scenario holds.
fn check_money(study: &Study, gate: &Gate, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let Some(at) = gate.money.as_ref().and_then(|money| money.at.as_ref()) else {
        return;
    };
    let path = ["check", "money", "at"];
    if at.customers.is_some() == at.date.is_some() || (at.growth.is_some() && at.date.is_none()) {
        found.push(spans.at_value(
            &path,
            "`check.money.at` must name either customers or a date",
            "write at = { customers = 200_000 } or at = { growth = \"NAME\", date = 2028-01-01 }",
        ));
    }
    let Some(date) = at.date else { return };
    let name = at.growth.as_ref().or(study.report.growth.as_ref());
    let Some(name) = name.or(study.growth.keys().next()) else {
        found.push(spans.at_value(
            &path,
            "`check.money.at` names a date, but the study has no growth scenario",
            "add [growth.NAME], or write at = { customers = 200_000 }",
        ));
        return;
    };
    let Some(scenario) = study.growth.get(name) else {
        found.push(spans.at_value(
            &["check", "money", "at", "growth"],
            format!("there is no growth scenario `{name}`"),
            offer(name, study.growth.keys()),
        ));
        return;
    };
    // A scenario whose file is read later is checked where it is projected.
    let Some(first) = scenario.begins().map(|start| start.date) else {
        return;
    };
    let last = first.saturating_add(i64::from(scenario.months()).months());
    if date < first || date > last {
        found.push(spans.at_value(
            &["check", "money", "at", "date"],
            format!("{date} is not a day of `growth.{name}`"),
            format!("write a date from {first} to {last}"),
        ));
    }
}
