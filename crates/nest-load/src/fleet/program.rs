//! What workers run: the study without its commands, made ready by each worker for itself.

use std::{collections::BTreeMap, net::SocketAddr};

use nest_data::{
    Source, Study,
    feed::Feed,
    study::{Target, is_loopback},
};
use serde::{Deserialize, Serialize};

use crate::{
    code::registry::Registry,
    engine::threads::SlotRange,
    error::LoadError,
    http::{
        compat::CompatSettings,
        origin::{Origin, bare},
        tls::Trust,
    },
    script::{self, Sources, base_url, program::Program, secret_names},
};

/// What a worker is to run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Assignment {
    /// The study, without what only the coordinator does.
    pub study: Study,
    /// Certificates (PEM) that are trusted besides those of the worker's machine.
    pub ca: Option<String>,
}

/// What a worker lets a study do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorkerRules {
    /// Hosts besides the loopback ones that it may put under load, if the study allows them too.
    pub allow_hosts: Vec<String>,
    /// Variables of its environment that the study's behaviours and base URL may read.
    pub allow_env: Vec<String>,
    /// Most requests per second that it sends; `None` for no bound of its own.
    pub max_rate: Option<f64>,
    /// Most customers that it plays at once; `None` for no bound of its own.
    pub max_customers: Option<u64>,
}

/// A program that a worker has made ready.
pub struct ReadyProgram {
    pub program: Program,
    /// Where it found the target.
    pub addresses: Vec<String>,
}

impl Assignment {
    /// What workers are to run of a study.
    pub fn of(study: &Study, trust: &Trust) -> Self {
        let target = Target {
            start: None,
            reset: None,
            state: None,
            ca: None,
            env: Vec::new(),
            ..study.target.clone()
        };
        let study = Study {
            target,
            probes: BTreeMap::new(),
            slo: BTreeMap::new(),
            configs: BTreeMap::new(),
            fees: BTreeMap::new(),
            exchange: BTreeMap::new(),
            growth: BTreeMap::new(),
            policies: BTreeMap::new(),
            check: None,
            ..study.clone()
        };
        let ca = match trust {
            Trust::Also { pem, .. } => Some(pem.clone()),
            Trust::Machine | Trust::Anybody => None,
        };
        Self { study, ca }
    }

    /// Why a worker with these rules does not take it; `None` if it does. What a name resolves to is seen
    /// later.
    pub fn refusal(&self, rules: &WorkerRules) -> Option<String> {
        let target = &self.study.target;
        let commands = [
            ("start", &target.start),
            ("reset", &target.reset),
            ("state", &target.state),
        ];
        if let Some((name, _)) = commands.iter().find(|(_, command)| command.is_some()) {
            return Some(format!(
                "the study has a command, [target] {name}; workers run none"
            ));
        }
        self.refused_host(rules).or_else(|| self.refused_variables(rules))
    }

    /// Why it may not read the variables that it reads, which go to the target. Its values could otherwise be
    /// those of any variable: a study names them.
    fn refused_variables(&self, rules: &WorkerRules) -> Option<String> {
        let names = self.secret_names();
        let refused: Vec<&String> = names
            .iter()
            .filter(|name| !rules.allow_env.contains(name))
            .collect();
        let (first, others) = refused.split_first()?;
        let listed = |before: &str| {
            let other = |name: &&String| format!("{before}{name}");
            others.iter().map(other).collect::<String>()
        };
        Some(format!(
            "it may not send {first}{} of its environment to the target: start it with --allow-env {first}{} \
             if the target may have that",
            listed(", "),
            listed(" --allow-env ")
        ))
    }

    /// Why no load may go to its hosts.
    fn refused_host(&self, rules: &WorkerRules) -> Option<String> {
        let target = &self.study.target;
        let urls = [Some(&target.base_url), target.proxy.as_ref()];
        urls.into_iter().flatten().find_map(|url| {
            let parsed = url::Url::parse(url).ok();
            let host = parsed.as_ref().and_then(url::Url::host_str).map(bare);
            match host {
                None => Some("the study has no usable base URL".to_owned()),
                Some(host) if self.may_load(host, rules) => None,
                Some(host) => Some(self.not_allowed(host, rules)),
            }
        })
    }

    /// Hosts besides the loopback ones that the study and the worker both allow.
    fn allowed(&self, rules: &WorkerRules) -> Vec<String> {
        let hosts = self.study.target.allow_hosts.iter();
        hosts
            .filter(|host| rules.allow_hosts.contains(host))
            .cloned()
            .collect()
    }

    fn may_load(&self, host: &str, rules: &WorkerRules) -> bool {
        is_loopback(host) || self.allowed(rules).iter().any(|allowed| bare(allowed) == host)
    }

    fn not_allowed(&self, host: &str, rules: &WorkerRules) -> String {
        let of_worker = rules.allow_hosts.iter().any(|allowed| bare(allowed) == host);
        let remedy = if of_worker {
            "the study does not list it under [target] allow_hosts".to_owned()
        } else {
            format!("start it with --allow-host {host} if you may put load on it")
        };
        format!("it may not put load on the host {host}: {remedy}")
    }

    /// Names of the secrets that the study reads.
    pub fn secret_names(&self) -> Vec<String> {
        secret_names(self.study.behaviours.values(), &self.study.target.base_url)
    }

    /// Makes the study ready for some slots. Looks up the target's host.
    ///
    /// # Errors
    /// As compiling a study; [`LoadError::WorkerRefuses`] with an empty name if the target is where no load
    /// may go.
    pub fn ready(
        &self,
        feeds: &BTreeMap<String, Feed>,
        registry: &Registry,
        secrets: &BTreeMap<String, String>,
        rules: &WorkerRules,
        slots: SlotRange,
    ) -> Result<ReadyProgram, LoadError> {
        let target = &self.study.target;
        let url = base_url::filled(&target.base_url, secrets)?;
        let origin = Origin::of(&url, &self.trust(), target.http2)?;
        if let Some(reason) = self.refused_address(&origin.host, &origin.addresses, rules) {
            return Err(LoadError::WorkerRefuses {
                worker: String::new(),
                reason,
            });
        }
        let addresses = origin.addresses.iter().map(SocketAddr::to_string).collect();
        let program = script::compile(Sources {
            behaviours: &self.study.behaviours,
            feeds: script::feed_readers(&self.study, feeds),
            registry,
            secrets,
            origin,
            compat: CompatSettings {
                proxy: target.proxy.clone(),
                allow_hosts: self.allowed(rules),
            },
            longest_body: self.study.measure.longest_body,
            timeout_s: self.study.measure.timeout.get(),
            max_rate: Some(share(self.study.measure.max_rate, slots)),
            keep_bodies: self.study.measure.keep_bodies,
            locust: None,
        })?;
        Ok(ReadyProgram { program, addresses })
    }

    /// Why no load may go to the addresses of a host. A host that nobody names must be this machine, whatever
    /// its name.
    fn refused_address(&self, host: &str, addresses: &[SocketAddr], rules: &WorkerRules) -> Option<String> {
        let is_named = self.allowed(rules).iter().any(|allowed| bare(allowed) == host);
        let away = addresses.iter().find(|address| !address.ip().is_loopback());
        away.filter(|_| !is_named)
            .map(|address| format!("the host {host} is at {address}, which is another machine"))
    }

    fn trust(&self) -> Trust {
        match &self.ca {
            _ if self.study.target.insecure => Trust::Anybody,
            Some(pem) => Trust::Also {
                file: "the study's certificates".to_owned(),
                pem: pem.clone(),
            },
            None => Trust::Machine,
        }
    }
}

/// What falls to some slots of a bound that is shared over all.
pub fn share(total: f64, slots: SlotRange) -> f64 {
    total * slots.count as f64 / slots.of.max(1) as f64
}

/// A study asks more requests per second of a worker than that allows.
pub fn too_fast(asked: f64, most: f64) -> String {
    format!(
        "its share of the study's [measure] max_rate, or of --max-rate of `load`, is {asked:.0} requests per \
         second, above its --max-rate {most:.0}"
    )
}

/// A feed as JSON lines.
pub fn feed_text(feed: &Feed) -> String {
    let mut text = String::new();
    for row in 0..feed.rows() {
        let cells = feed.columns().iter().enumerate();
        let object: serde_json::Map<String, serde_json::Value> = cells
            .map(|(column, name)| (name.clone(), feed.cell(row, column).into()))
            .collect();
        text.push_str(&serde_json::Value::Object(object).to_string());
        text.push('\n');
    }
    text
}

/// The feed of JSON lines.
///
/// # Errors
/// What is wrong with them.
pub fn feed_of(name: &str, text: &str) -> Result<Feed, String> {
    Feed::read(&Source::new(format!("{name}.jsonl"), text)).map_err(|found| found.message)
}

#[cfg(test)]
mod tests {
    use nest_data::study::read::{StudyTexts, read_study};

    use super::*;

    fn assignment(target: &str) -> Assignment {
        let text = format!(
            "nest = 1\n[study]\nname = \"a\"\ncustomer = \"one\"\n[target]\n{target}\n[customers]\n\
             burst = 2\npeak_hour_share = \"12%\"\n[rates]\nlook = \"1 / day\"\n"
        );
        let look = "[[steps]]\nget = \"/\"\n";
        let texts = StudyTexts {
            nest: Source::new("nest.toml", text),
            behaviours: [("look".to_owned(), Source::new("behaviours/look.toml", look))].into(),
            code: BTreeMap::new(),
        };
        let study = read_study(&texts, &[]).expect("a valid study");
        Assignment { study, ca: None }
    }

    fn rules(hosts: &[&str]) -> WorkerRules {
        WorkerRules {
            allow_hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            ..WorkerRules::default()
        }
    }

    #[test]
    fn load_goes_to_this_machine_or_where_both_allow_it() {
        let away = "base_url = \"http://10.0.0.5:8080\"\nallow_hosts = [\"10.0.0.5\"]";
        let refused = |target: &str, hosts: &[&str]| assignment(target).refusal(&rules(hosts));
        assert_eq!(refused("base_url = \"http://127.0.0.1:8080\"", &[]), None);
        assert_eq!(refused(away, &["10.0.0.5"]), None);
        let said = refused(away, &["10.0.0.6"]).expect("the worker does not allow it");
        assert!(said.contains("--allow-host 10.0.0.5"), "{said}");
        let mut forged = assignment(away);
        forged.study.target.allow_hosts.clear();
        let said = forged
            .refusal(&rules(&["10.0.0.5"]))
            .expect("the study does not allow it");
        assert!(said.contains("[target] allow_hosts"), "{said}");
        let mut proxied = assignment(away);
        proxied.study.target.proxy = Some("http://10.0.0.9:3128".to_owned());
        let said = proxied.refusal(&rules(&["10.0.0.5"])).expect("nobody allows it");
        assert!(said.contains("10.0.0.9"), "{said}");
    }

    #[test]
    fn a_study_reads_only_the_variables_that_the_worker_lists() {
        let url = "base_url = 'http://127.0.0.1:8080/{{ env(\"SHOP_KEY\") }}/{{ env(\"SHOP_ID\") }}'";
        let refused = |names: &[&str]| {
            let allow_env = names.iter().map(|name| (*name).to_owned()).collect();
            assignment(url).refusal(&WorkerRules {
                allow_env,
                ..WorkerRules::default()
            })
        };
        let said = refused(&["SHOP"]).expect("neither is listed");
        assert!(
            said.contains("SHOP_ID, SHOP_KEY") && said.contains("--allow-env SHOP_ID --allow-env SHOP_KEY"),
            "{said}"
        );
        let said = refused(&["SHOP_KEY"]).expect("one is not listed");
        assert!(said.contains("--allow-env SHOP_ID if"), "{said}");
        assert_eq!(refused(&["SHOP_KEY", "SHOP_ID"]), None);
    }

    #[test]
    fn a_name_that_nobody_names_must_be_this_machine_after_it_was_looked_up() {
        let local = assignment("base_url = \"http://localhost:8080\"");
        let address = |text: &str| [text.parse().expect("an address")];
        let refused = |host: &str, text: &str| local.refused_address(host, &address(text), &rules(&[]));
        assert_eq!(refused("localhost", "127.0.0.1:80"), None);
        assert!(refused("localhost", "10.0.0.5:80").is_some());
    }

    #[test]
    fn commands_are_neither_sent_nor_taken() {
        let with = assignment(
            "base_url = \"http://127.0.0.1:8080\"\nstart = \"./shop\"\nreset = \"./reset\"\nenv = [\"KEY\"]",
        );
        let said = with.refusal(&rules(&[])).expect("it has commands");
        assert!(said.contains("[target] start"), "{said}");
        let sent = Assignment::of(&with.study, &Trust::Machine);
        assert_eq!(sent.refusal(&rules(&[])), None);
        let text = serde_json::to_string(&sent).expect("it is text");
        assert!(!text.contains("./shop") && !text.contains("KEY"), "{text}");
        let again: Assignment = serde_json::from_str(&text).expect("it is read");
        assert_eq!(again.study, sent.study);
    }

    #[test]
    fn a_feed_comes_over_cell_by_cell() {
        let source = Source::new("a.csv", "id,name\n007,\"Grace, \"\"H.\"\"\"\n1e400,\" ä\n\"\n");
        let feed = Feed::read(&source).expect("valid");
        assert_eq!(feed_of("users", &feed_text(&feed)), Ok(feed));
    }

    #[test]
    fn slots_share_a_bound() {
        let slots = SlotRange {
            first: 2,
            count: 1,
            of: 4,
        };
        assert_eq!(share(1_000.0, slots), 250.0);
    }
}
