//! Turns the texts of a study into a [`Study`], or into everything that is wrong with them.

use std::{collections::BTreeMap, net::IpAddr};

use url::{Host, Url};

use crate::{
    diagnostic::{Diagnostic, Source, nearest},
    formula::is_unit_of_time,
    study::{
        Study,
        behaviour::{
            BehaviourSpec,
            template::{Segment, Template},
        },
        check::{
            behaviour::{check_behaviour, texts_of},
            config::{self as config_check, check_money},
            customers::check_customers,
            growth::check_growth,
            policy::check_policies,
            probe as probe_check,
        },
        feed::Feed,
        stored_data::check_stored_data,
    },
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
    /// Behaviours that are Rust code of the running program, by name, with the behaviour that each needs.
    pub code: BTreeMap<String, Option<String>>,
}

impl StudyTexts {
    fn names(&self) -> impl Iterator<Item = &String> + Clone {
        self.behaviours.keys().chain(self.code.keys())
    }

    fn has(&self, behaviour: &str) -> bool {
        self.behaviours.contains_key(behaviour) || self.code.contains_key(behaviour)
    }
}

/// Reads and checks a whole study. `overrides` are `path=value` pairs of `--set`.
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
    for (name, needs) in &texts.code {
        if let Some(source) = texts.behaviours.get(name) {
            let message = format!("`{name}` is both a file and Rust code of this program");
            found.push(Diagnostic::at(
                &source.name,
                0..0,
                message,
                "rename one of the two",
            ));
        }
        behaviours.insert(
            name.clone(),
            BehaviourSpec {
                description: None,
                needs: needs.clone(),
                variables: BTreeMap::new(),
                steps: Vec::new(),
                code: true,
            },
        );
    }
    match study {
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

/// Reads one behaviour that stands alone, for `load`: no feeds, no needs.
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
            "a behaviour that stands alone can need no other",
            "put the requests of both into one file",
        ));
    }
    if found.is_empty() {
        Ok(behaviour)
    } else {
        Err(found)
    }
}

/// Reads the feeds of a study from the texts of their files, by file name, and checks that the behaviours' columns are there.
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
                format!("the file of feed `{name}` is not there"),
                "put it into the study's folder",
            )),
        }
    }
    for (behaviour, feed, column) in feed_columns(study) {
        if let Some(rows) = feeds.get(&feed).filter(|rows| !rows.columns().contains(&column)) {
            let message = format!(
                "behaviour `{behaviour}` takes {{{{ {feed}.{column} }}}}, but the feed has no column `{column}`"
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
                if let Segment::Feed { feed, column } = segment {
                    columns.push((name.clone(), feed.clone(), column.clone()));
                }
            }
        }
    }
    columns
}

/// Whether a host is this machine, without asking a name server.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn check_study(study: &Study, texts: &StudyTexts, spans: &Spans, found: &mut Vec<Diagnostic>) {
    check_target(study, spans, found);
    check_rates(study, texts, spans, found);
    check_needs(study, texts, found);
    check_probes(study, spans, found);
    check_numbers(study, spans, found);
    for (name, slo) in &study.slo {
        if let Some(behaviour) = &slo.applies_to
            && !texts.has(behaviour)
        {
            let help = offer(behaviour, texts.names());
            found.push(spans.at_value(
                &["slo", name, "applies_to"],
                format!("objective `{name}` is for `{behaviour}`, which is no behaviour"),
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
    for (name, config) in &study.configs {
        config_check::check(name, config, study, spans, found);
    }
    check_money(study, spans, found);
    check_policies(study, spans, found);
    check_report(study, spans, found);
}

fn check_target(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let path = ["target", "base_url"];
    let url = match Url::parse(&study.target.base_url) {
        Ok(url) if url.host_str().is_some_and(|host| !host.is_empty()) && speaks(study, &url) => url,
        _ => {
            let message = format!("{:?} is not a base URL", study.target.base_url);
            return found.push(spans.at_value(
                &path,
                message,
                "write scheme, host and port, such as \"http://127.0.0.1:8080\"",
            ));
        }
    };
    let host = match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => return,
    };
    check_proxy(study, spans, found);
    if !is_loopback(&host) && !study.target.allow_hosts.contains(&host) {
        let help = format!("if you may put load on it, add allow_hosts = [\"{host}\"] under [target]");
        found.push(spans.at_value(
            &path,
            format!("host `{host}` is not allowed: load goes to this machine only"),
            help,
        ));
    }
}

/// A proxy is a host that load goes to.
fn check_proxy(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let Some(proxy) = &study.target.proxy else { return };
    let path = ["target", "proxy"];
    let Some(url) = Url::parse(proxy)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some())
    else {
        let message = format!("{proxy:?} is not a proxy's URL");
        return found.push(spans.at_value(
            &path,
            message,
            "write scheme, host and port, such as \"http://127.0.0.1:3128\"",
        ));
    };
    if !url.username().is_empty() || url.password().is_some() {
        found.push(spans.at_value(
            &path,
            "a user name or password here would be kept with every run",
            "use a proxy that asks for none",
        ));
    }
    let host = url.host_str().unwrap_or_default();
    if !is_loopback(host) && !study.target.allow_hosts.iter().any(|allowed| allowed == host) {
        let help = format!("if you may put load on it, add allow_hosts = [\"{host}\"] under [target]");
        found.push(spans.at_value(
            &path,
            format!("the proxy's host `{host}` is not allowed: load goes to this machine only"),
            help,
        ));
    }
}

/// Whether the scheme is one that requests are made over, or all behaviours are code, which may speak anything.
fn speaks(study: &Study, url: &Url) -> bool {
    let requests = study.behaviours.values().any(|behaviour| !behaviour.code);
    matches!(url.scheme(), "http" | "https") || !requests && url.port().is_some()
}

fn check_rates(study: &Study, texts: &StudyTexts, spans: &Spans, found: &mut Vec<Diagnostic>) {
    for (name, rate) in &study.rates {
        if !texts.has(name) {
            let help = match nearest(name, texts.names().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`? Else add behaviours/{name}.toml"),
                None => format!("add behaviours/{name}.toml, or remove the rate"),
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
                "the rate of `{name}` uses `{used}`, which is no {}",
                if used.contains('.') { "value" } else { "parameter" }
            );
            found.push(spans.at_value(
                &["rates", name],
                message,
                offer(&used, study.names_of_formulas().iter()),
            ));
        }
    }
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
        let message = format!("behaviour `{name}`, which is code of this program, has no rate");
        found.push(spans.at_key(
            &["rates"],
            message,
            format!("add `{name} = \"1 / day\"` under [rates]"),
        ));
    }
    if study.rates.is_empty() {
        found.push(spans.at_key(
            &["rates"],
            "there is no rate",
            "add at least one behaviour and its rate",
        ));
    }
    let known = study
        .rates
        .values()
        .all(|rate| rate.formula().names().iter().all(|name| study.defines(name)));
    if known && let Err(error) = study.rates_per_day(&study.parameter_values()) {
        found.push(spans.at_key(
            &["rates"],
            error.to_string(),
            "choose parameters at which every rate is 0 or more",
        ));
    }
}

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
                format!("`{name}` needs `{needed}`, which is no behaviour"),
                help,
            ));
        } else if study
            .behaviours
            .get(needed)
            .is_some_and(|needed| needed.needs.is_some())
        {
            let message = format!("`{name}` needs `{needed}`, which needs another behaviour itself");
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
                "give each its own tier = \"..\", or keep one",
            ));
        }
        probe_check::check(name, probe, &study.target.allow_hosts, spans, found);
    }
}

fn check_numbers(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let measure = &study.measure;
    check_customers(study, spans, found);
    check_stored_data(study, spans, found);
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
    if counts.is_empty() || counts.iter().any(|count| !count.is_finite() || *count <= 0.0) {
        found.push(spans.at_value(
            &["measure", "customers"],
            "every step of the ramp needs a number of customers above zero",
            "such as [1000, 2000, 4000]",
        ));
    }
    if let Some(policy) = measure
        .confirm_policy
        .as_ref()
        .filter(|policy| !study.policies.contains_key(*policy))
    {
        let message = format!("the forecast is confirmed under `{policy}`, which is no policy");
        found.push(spans.at_value(
            &["measure", "confirm_policy"],
            message,
            offer(policy, study.policies.keys()),
        ));
    }
    if measure.max_rate <= 0.0 {
        found.push(spans.at_value(
            &["measure", "max_rate"],
            "`measure.max_rate` must be above zero",
            "such as 5000",
        ));
    }
    check_growth(study, spans, found);
    for (name, parameter) in &study.parameters {
        if is_unit_of_time(name) {
            found.push(spans.at_key(
                &["parameters", name],
                format!("`{name}` is a unit of time in formulas"),
                "call the parameter something else",
            ));
        }
        if let Some([low, high]) = parameter.range()
            && !(low <= parameter.value() && parameter.value() <= high)
        {
            let message = format!(
                "`{name}` is {}, outside its range {low} to {high}",
                parameter.value()
            );
            found.push(spans.at_value(
                &["parameters", name],
                message,
                "the 90 % range holds the value: range = [low, high]",
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
            format!("the report leads with `{config}`, which is no configuration"),
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
            format!("the report leads with `{growth}`, which is no growth scenario"),
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
            "the headline needs at least one customer, and fewer than there are people",
            "such as 42000",
        ));
    }
}

pub(crate) fn offer<'a>(written: &str, known: impl Iterator<Item = &'a String> + Clone) -> String {
    match nearest(written, known.clone().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("defined here: {}", known.cloned().collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::measure::Multiples;

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
            code: [("browse".to_owned(), None)].into_iter().collect(),
            ..texts(nest, BROWSE)
        };
        assert!(read_study(&code(&nest), &[]).is_ok());
        assert!(
            errors(&nest, BROWSE).contains("is not a base URL"),
            "requests of a file are made over HTTP"
        );
        let priced = format!(
            "{nest}[configs.one]\nplatform = \"vm\"\nbook = \"aws/us-east-1\"\nsku = \"m7i.large\"\nmeters = {{ \"egress.internet\" = \"bytes_sent\" }}\n"
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
                "steps = [{ post = \"/\", body = \"x\", json = { a = 1 } }]",
                "one body",
            ),
            (
                "needs = \"login\"\nsteps = [{ get = \"/\" }]",
                "needs `login`, which is no behaviour",
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
