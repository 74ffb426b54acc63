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

/// Checks that the counts which drive a meter of configuration `config` are some of the study's behaviours.
pub(crate) fn check_counted(
    config: &str,
    meter: &str,
    used: &MeterUse,
    study: &Study,
    spans: &Spans,
    found: &mut Vec<Diagnostic>,
) {
    let place = ["configs", config, "meters", meter];
    if let Some((message, help)) = wrong_words(used) {
        found.push(spans.at_value(
            &place,
            format!("configuration `{config}` pays {meter} by {message}"),
            help,
        ));
        return;
    }
    for (key, count) in [("count", used.count()), ("without", used.without())] {
        let Some(count) = count else { continue };
        if let Some((message, help)) = wrong_count(count, used, study) {
            found.push(spans.at_value(
                &[&place[..], &[key]].concat(),
                format!("configuration `{config}` pays {meter} by `{count}`, but {message}"),
                help,
            ));
        }
    }
}

/// What is wrong with the keys of a meter, as the end of a sentence, and what to do.
fn wrong_words(used: &MeterUse) -> Option<(String, &'static str)> {
    match (used.driver(), used.count(), used.named_counts().next()) {
        (Driver::Counts, None, _) => Some((
            "a count, but does not say by which".to_owned(),
            "write { driver = \"counts\", count = \"NAME\" }",
        )),
        (Driver::Counts, Some(_), _) | (_, _, None) => None,
        (driver, _, Some(named)) => Some((
            format!("`{}`, but names the count `{named}`", driver.key()),
            "write driver = \"counts\", or remove count and without",
        )),
    }
}

/// Why a count cannot drive a meter, as the end of a sentence, and what to do.
fn wrong_count(count: &str, used: &MeterUse, study: &Study) -> Option<(String, String)> {
    let known: BTreeSet<String> = study
        .behaviours
        .values()
        .flat_map(BehaviourSpec::count_names)
        .map(str::to_owned)
        .chain(
            study
                .probes
                .values()
                .flat_map(|probe| probe.counts.keys().cloned()),
        )
        .collect();
    if !known.contains(count) {
        return Some((
            "no behaviour and no probe has a count of that name".to_owned(),
            offer(count, known.iter()),
        ));
    }
    if study
        .probes
        .values()
        .any(|probe| probe.counts.contains_key(count))
    {
        return None;
    }
    let mut chosen = study.behaviours.iter().filter(|(name, _)| used.names(name));
    let (name, _) = chosen.find(|(_, behaviour)| !behaviour.count_names().contains(count))?;
    Some((
        format!("`{name}` has no such count"),
        format!("remove `{name}` from its behaviours, or add {count} to the counts of `{name}`"),
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::{
        diagnostic::Source,
        study::read::{StudyTexts, read_study},
    };

    const NEST: &str = r#"
nest = 1
[study]
name = "Shop"
customer = "anybody"
[target]
base_url = "http://127.0.0.1:8080"
[customers]
peak_hour_share = "12%"
burst = 1.5
[rates]
browse = "20 / day"
ask = "1 / day"
[configs.today]
platform = "vm"
book = "aws/us-east-1"
sku = "m7i.large"
[configs.today.meters]
"#;

    /// Everything that is wrong with a study whose only meter is stated like this.
    fn errors(meter: &str) -> Vec<String> {
        let file = |name: &str, text: &str| (name.to_owned(), Source::new(format!("{name}.toml"), text));
        let texts = StudyTexts {
            nest: Source::new("nest.toml", format!("{NEST}\"model.output\" = {meter}\n")),
            behaviours: [
                file("browse", "steps = [{ get = \"/\" }]\n"),
                file(
                    "ask",
                    "counts = { tokens_out = { json = \"$.n\" } }\nsteps = [{ get = \"/\" }]\n",
                ),
            ]
            .into(),
            code: BTreeMap::new(),
        };
        let found = read_study(&texts, &[]).err().unwrap_or_default();
        found
            .iter()
            .map(|one| format!("{} ({})", one.message, one.help))
            .collect()
    }

    #[test]
    fn a_meter_is_paid_by_a_count_that_a_behaviour_has() {
        let none: Vec<String> = Vec::new();
        assert_eq!(errors(r#"{ driver = "counts", count = "tokens_out" }"#), none);
        for (meter, parts) in [
            (
                r#"{ driver = "counts", count = "token_out" }"#,
                [
                    "no behaviour and no probe has a count of that name",
                    "did you mean `tokens_out`?",
                ],
            ),
            (
                r#"{ driver = "counts", count = "tokens_out", without = "cached" }"#,
                ["by `cached`, but no behaviour", "use one of: tokens_out"],
            ),
            (r#""counts""#, ["does not say by which", "count = \"NAME\""]),
            (
                r#"{ driver = "requests", count = "tokens_out" }"#,
                [
                    "by `requests`, but names the count `tokens_out`",
                    "driver = \"counts\"",
                ],
            ),
            (
                r#"{ driver = "counts", count = "tokens_out", behaviours = ["browse"] }"#,
                ["`browse` has no such count", "remove `browse`"],
            ),
        ] {
            let found = errors(meter);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(parts.iter().all(|part| found[0].contains(part)), "{found:?}");
        }
    }
}
