//! Checks the limits, sizes and names of `[check]`.

use crate::{
    diagnostic::{Diagnostic, offer},
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
