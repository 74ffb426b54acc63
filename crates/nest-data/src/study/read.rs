//! Turns the texts of a study into a [`Study`], or into everything that is wrong with them.

pub(crate) mod texts;

use std::collections::BTreeMap;

pub use self::texts::{CodeBehaviour, StudyTexts};
use crate::{
    diagnostic::{Diagnostic, Source, offer},
    study::{
        Study, StudyPlaces,
        behaviour::{
            BehaviourSpec,
            template::{Template, TemplatePart},
            texts_of,
        },
        check::{behaviour::check_behaviour, check_study},
        feed::Feed,
    },
    toml_document,
};

/// Reads and checks a whole study. `overrides` are the `path=value` pairs of `--set`.
///
/// # Errors
/// Everything that is wrong, over all files, in file order.
pub fn read_study(texts: &StudyTexts, overrides: &[(String, String)]) -> Result<Study, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let mut read = BTreeMap::new();
    for (name, source) in &texts.behaviours {
        match toml_document::read::<BehaviourSpec>(source, &[]) {
            Ok(behaviour) => drop(read.insert(name.clone(), behaviour)),
            Err(errors) => found.extend(errors),
        }
    }
    let study = toml_document::read::<Study>(&texts.nest, overrides);
    let feeds: Option<Vec<String>> = study
        .as_ref()
        .ok()
        .map(|(study, _)| study.feeds.keys().cloned().collect());
    for (behaviour, spans) in read.values() {
        let needed = behaviour.needs.as_ref().and_then(|needed| read.get(needed));
        let saved = needed
            .into_iter()
            .flat_map(|(needed, _)| &needed.steps)
            .flat_map(|step| step.save.keys().cloned());
        check_behaviour(behaviour, saved.collect(), feeds.as_deref(), spans, &mut found);
    }
    let mut behaviours: BTreeMap<String, BehaviourSpec> = read
        .into_iter()
        .map(|(name, (behaviour, _))| (name, behaviour))
        .collect();
    for (name, code) in &texts.code {
        if let Some(source) = texts.behaviours.get(name) {
            let message = format!("behaviour `{name}` is both a file and Rust code of this program");
            found.push(Diagnostic::at(&source.name, 0..0, message, "rename one of them"));
        }
        behaviours.insert(name.clone(), code.spec());
    }
    match study {
        Ok((mut study, spans)) => {
            let tasks = study.locust.iter().flat_map(|locust| locust.behaviours.keys());
            behaviours.extend(tasks.map(|name| (name.clone(), CodeBehaviour::default().spec())));
            study.behaviours = behaviours;
            study.places = StudyPlaces::new(spans.clone());
            check_study(&study, texts, &spans, &mut found);
            if found.is_empty() { Ok(study) } else { Err(found) }
        }
        Err(mut errors) => {
            errors.extend(found);
            Err(errors)
        }
    }
}

/// Reads one behaviour that runs alone, as `load` does: it has no feeds and needs no other behaviour.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_behaviour(source: &Source) -> Result<BehaviourSpec, Vec<Diagnostic>> {
    let (behaviour, spans) = toml_document::read::<BehaviourSpec>(source, &[])?;
    let mut found = Vec::new();
    check_behaviour(&behaviour, Vec::new(), Some(&[]), &spans, &mut found);
    if behaviour.needs.is_some() {
        found.push(spans.at_value(
            &["needs"],
            "a behaviour that is run alone cannot need another",
            "put the requests of both into one file",
        ));
    }
    if found.is_empty() {
        Ok(behaviour)
    } else {
        Err(found)
    }
}

/// Reads the feeds of a study from the texts of their files, by file name, and checks that the behaviours'
/// columns are there.
///
/// # Errors
/// Everything that is wrong, over all feeds.
pub fn read_feeds(
    study: &Study,
    files: &BTreeMap<String, Source>,
) -> Result<BTreeMap<String, Feed>, Vec<Diagnostic>> {
    let (mut feeds, mut found) = (BTreeMap::new(), Vec::new());
    for (name, feed) in &study.feeds {
        match files.get(&feed.file).map(Feed::read) {
            Some(Ok(feed)) => drop(feeds.insert(name.clone(), feed)),
            Some(Err(error)) => found.push(error),
            None => found.push(Diagnostic::at(
                &feed.file,
                0..0,
                format!("the file of feed `{name}` does not exist"),
                "put it into the study's folder",
            )),
        }
    }
    for (behaviour, feed, column) in feed_columns(study) {
        if let Some(rows) = feeds.get(&feed).filter(|rows| !rows.columns().contains(&column)) {
            let message = format!(
                "behaviour `{behaviour}` uses {{{{ {feed}.{column} }}}}, but the feed has no column \
                    `{column}`"
            );
            found.push(Diagnostic::at(
                &study.feeds[&feed].file,
                0..0,
                message,
                offer(&column, rows.columns().iter()),
            ));
        }
    }
    if found.is_empty() { Ok(feeds) } else { Err(found) }
}

/// Behaviour, feed and column of every `{{ feed.column }}` of a study.
fn feed_columns(study: &Study) -> Vec<(String, String, String)> {
    let mut columns = Vec::new();
    for (name, behaviour) in &study.behaviours {
        for text in behaviour.steps.iter().flat_map(texts_of) {
            let template: Option<Template> = text.1.parse().ok();
            for segment in template.iter().flat_map(Template::segments) {
                if let TemplatePart::Feed { feed, column } = segment {
                    columns.push((name.clone(), feed.clone(), column.clone()));
                }
            }
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::{measure::Multiples, target::is_loopback};

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
        let behaviours = [("browse".to_owned(), Source::new("behaviours/browse.toml", browse))]
            .into_iter()
            .collect();
        StudyTexts {
            nest: Source::new("nest.toml", nest),
            behaviours,
            code: BTreeMap::new(),
        }
    }

    fn errors(nest: &str, browse: &str) -> String {
        let found = read_study(&texts(nest, browse), &[]).expect_err("must be refused");
        found
            .iter()
            .map(|one| format!("{}: {} ({})\n", one.file, one.message, one.help))
            .collect()
    }

    const BROWSE: &str = "steps = [{ get = \"/items?page={{ int(1, 40) }}\" }]\n";

    #[test]
    fn a_plain_study_reads_and_its_rates_follow_parameters() {
        let study = read_study(&texts(NEST, BROWSE), &[]).expect("valid");
        assert_eq!(
            study.rates_per_day(&study.parameter_values()).expect("rates")["browse"],
            20.0
        );
        let json = serde_json::to_string(&study).expect("serialises");
        assert_eq!(serde_json::from_str::<Study>(&json).expect("reads back"), study);
    }

    #[test]
    fn a_rate_without_a_behaviour_and_the_reverse_name_both() {
        let found = errors(&NEST.replace("browse =", "brwose ="), BROWSE);
        assert!(
            found.contains("`brwose` has a rate but there is no behaviour")
                && found.contains("did you mean `browse`?"),
            "{found}"
        );
        assert!(
            found.contains("behaviours/browse.toml: behaviour `browse` has no rate"),
            "{found}"
        );
    }

    #[test]
    fn code_speaks_any_protocol_and_its_bytes_have_no_price() {
        let nest = NEST.replace("http://127.0.0.1:8080", "postgres://127.0.0.1:5432/shop");
        let code = |nest: &str| StudyTexts {
            behaviours: BTreeMap::new(),
            code: [("browse".to_owned(), CodeBehaviour::default())].into(),
            ..texts(nest, BROWSE)
        };
        assert!(read_study(&code(&nest), &[]).is_ok());
        assert!(
            errors(&nest, BROWSE).contains("is not a base URL"),
            "requests of a file are made over HTTP"
        );
        let priced = format!(
            "{nest}[configs.one]\nplatform = \"vm\"\nbook = \"aws/us-east-1\"\nsku = \"m7i.large\"\nmeters \
                = {{ \"egress.internet\" = \"bytes_sent\" }}\n"
        );
        let found = read_study(&code(&priced), &[]).expect_err("must be refused");
        assert!(
            found.iter().any(|one| one.message.contains("pays for bytes")),
            "{found:?}"
        );
    }

    #[test]
    fn load_goes_to_listed_hosts_only() {
        let elsewhere = NEST.replace("127.0.0.1:8080", "shop.example.com");
        let found = errors(&elsewhere, BROWSE);
        assert!(
            found.contains("host `shop.example.com` is not allowed") && found.contains("allow_hosts"),
            "{found}"
        );
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
    fn a_forecast_is_confirmed_at_multiples_in_range_under_a_policy_that_is_there() {
        let with = |measure: &str| {
            format!("{NEST}[measure]\n{measure}\n[policies.more]\nset = {{ min_payment = 20 }}\n")
        };
        for (measure, part) in [
            ("confirm = 5", "above 4"),
            ("confirm = [1.5, -1]", "below 0"),
            ("confirm = 2\nconfirm_policy = \"mroe\"", "did you mean `more`?"),
        ] {
            let found = errors(&with(measure), BROWSE);
            assert!(found.contains(part), "{part} in {found}");
        }
        for (measure, numbers) in [
            ("confirm = 1.5", vec![1.5]),
            ("confirm = [1.5, 3]\nconfirm_policy = \"more\"", vec![1.5, 3.0]),
        ] {
            let study = read_study(&texts(&with(measure), BROWSE), &[]).expect("valid");
            assert_eq!(
                study.measure.confirm.as_ref().map(Multiples::numbers),
                Some(numbers.as_slice())
            );
        }
    }

    #[test]
    fn everything_wrong_in_all_files_comes_at_once() {
        let nest = NEST.replace("burst = 1.5", "burst = 0.5\nbursts = 2") + "pay = \"0.3\"\n";
        let found = errors(
            &nest,
            "steps = [{ get = \"items\", post = \"/x\" }, { get = \"/{{ id }}\", sve = {} }]\n",
        );
        for part in [
            "below 1",
            "unknown key `customers.bursts`",
            "is not a rate",
            "unknown key `steps.1.sve`",
        ] {
            assert!(found.contains(part), "{part} in {found}");
        }
    }

    #[test]
    fn steps_are_checked_where_they_stand() {
        for (browse, part) in [
            ("steps = []", "makes no request"),
            ("steps = [{ get = \"/a\", post = \"/b\" }]", "exactly one of"),
            ("steps = [{ get = \"/{{ id }}\" }]", "has no value yet"),
            (
                "steps = [{ get = \"/\", save = { id = { regex = \"a(b\" } } }]",
                "not a regular expression",
            ),
            (
                "steps = [{ get = \"/\", save = { id = { regex = \"(a)(b)\" } } }]",
                "more than one group",
            ),
            (
                "steps = [{ get = \"/\", save = { id = { header = \"a b\" } } }]",
                "from one place",
            ),
            (
                "steps = [{ get = \"/{{ users.name }}\" }]",
                "there is no feed `users`",
            ),
            (
                "steps = [{ get = \"/\", think = { dist = \"uniform\" } }]",
                "needs `from`",
            ),
            (
                "steps = [{ get = \"/\", save = { id = \"items\" } }]",
                "not a JSON path",
            ),
            (
                "counts = { mail = -1 }\nsteps = [{ get = \"/\" }]",
                "the count `mail` adds -1, out of range",
            ),
            (
                "counts = { n = {} }\nsteps = [{ get = \"/\" }]",
                "the count `n` must be read from one place",
            ),
            (
                "steps = [{ get = \"/\", counts = { n = { json = \"usage\" } } }]",
                "\"usage\" is not a JSON path",
            ),
            (
                "steps = [{ get = \"/\", counts = { n = { header = \"a b\" } } }]",
                "is not the name of a header",
            ),
            (
                "steps = [{ post = \"/\", body = \"x\", json = { a = 1 } }]",
                "one body",
            ),
            (
                "needs = \"login\"\nsteps = [{ get = \"/\" }]",
                "needs `login`, but there is no behaviour",
            ),
        ] {
            let found = errors(NEST, browse);
            assert!(found.contains(part), "{part} in {found}");
        }
        assert!(
            read_study(
                &texts(
                    NEST,
                    "steps = [{ get = \"/a\", save = { id = \"$.id\" } }, { get = \"/{{ id }}\" }]"
                ),
                &[]
            )
            .is_ok()
        );
    }
}
