//! Checks the counts by which meters are paid.

use std::collections::BTreeSet;

use crate::{
    diagnostic::{Diagnostic, offer},
    study::{
        BehaviourSpec, Study,
        config::{Driver, MeterUse},
    },
    toml_document::Spans,
};

/// Checks that the count which drives a meter of configuration `config` is one of the study's behaviours.
pub(crate) fn check_counted(
    config: &str,
    meter: &str,
    used: &MeterUse,
    study: &Study,
    spans: &Spans,
    found: &mut Vec<Diagnostic>,
) {
    let place = ["configs", config, "meters", meter];
    let count = match (used.driver(), used.count()) {
        (Driver::Counts, Some(count)) => count,
        (Driver::Counts, None) => {
            return found.push(spans.at_value(
                &place,
                format!("configuration `{config}` pays {meter} by a count, but does not say by which"),
                "write { driver = \"counts\", count = \"NAME\" }",
            ));
        }
        (_, None) => return,
        (driver, Some(count)) => {
            return found.push(spans.at_value(
                &place,
                format!(
                    "configuration `{config}` pays {meter} by `{}`, but names the count `{count}`",
                    driver.key()
                ),
                "write driver = \"counts\", or remove count",
            ));
        }
    };
    let known: BTreeSet<String> = study
        .behaviours
        .values()
        .flat_map(BehaviourSpec::count_names)
        .map(str::to_owned)
        .collect();
    if !known.contains(count) {
        return found.push(spans.at_value(
            &[&place[..], &["count"]].concat(),
            format!("configuration `{config}` pays {meter} by `{count}`, but no behaviour counts that"),
            offer(count, known.iter()),
        ));
    }
    let without = study
        .behaviours
        .iter()
        .find(|(name, behaviour)| used.names(name) && !behaviour.count_names().contains(count));
    if let Some((name, _)) = without {
        found.push(spans.at_value(
            &[&place[..], &["behaviours"]].concat(),
            format!(
                "configuration `{config}` pays {meter} by the `{count}` of `{name}`, which has no such count"
            ),
            format!("remove `{name}`, or add {count} to its counts"),
        ));
    }
}
