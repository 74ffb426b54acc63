//! What a study would do with the rights of whoever measures it, beyond load on this machine.

use std::{collections::BTreeMap, fmt::Write as _};

use nest_data::Study;
use nest_load::{CommandSettings, secret_names};
use sha2::{Digest, Sha256};

use super::scripts;
use crate::{
    command_error::CommandError,
    files::{StudyFolder, known_folder},
};

/// Letters of each item that are kept, to say later what has changed, and most items.
const KEPT_LETTERS: usize = 500;
const KEPT_ITEMS: usize = 100;

/// A command of a study.
struct StudyCommand {
    /// Its key, without the name of `[target]`.
    key: &'static str,
    /// Where it stands: `nest.toml:15`.
    place: String,
    text: String,
}

/// What a study would do with the rights of whoever measures it, beyond load on this machine.
pub struct ConsentRequest {
    folder: String,
    commands: Vec<StudyCommand>,
    /// SHA-256 of each script of the study that the commands name, by its path.
    scripts: BTreeMap<String, String>,
    /// Variables that the commands see because the study names them.
    variables: Vec<String>,
    /// Hosts besides this machine that are put under load.
    hosts: Vec<String>,
    /// Variables that behaviours send there.
    sent: Vec<String>,
}

/// What is run with a study.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentFor {
    /// A measurement.
    Measuring,
    /// A check of two versions, which are built and started by commands of their own.
    Checking,
}

impl ConsentRequest {
    /// What a study asks for.
    pub fn of(folder: &StudyFolder, study: &Study, purpose: ConsentFor) -> Result<Self, CommandError> {
        let target = &study.target;
        let text = folder.nest_text()?.text;
        let gate = study.check.as_ref().filter(|_| purpose == ConsentFor::Checking);
        let locust = study.locust.as_ref();
        let locustfile = locust.map(|locust| format!("{} -m locust -f {}", locust.python, locust.file));
        let commands: Vec<StudyCommand> = [
            ("locust.file", ["locust", "file"], locustfile.as_ref()),
            ("start", ["target", "start"], target.start.as_ref()),
            ("state", ["target", "state"], target.state.as_ref()),
            ("reset", ["target", "reset"], target.reset.as_ref()),
            (
                "check.build",
                ["check", "build"],
                gate.and_then(|gate| gate.build.as_ref()),
            ),
            (
                "check.start",
                ["check", "start"],
                gate.and_then(|gate| gate.start.as_ref()),
            ),
        ]
        .into_iter()
        .filter_map(|(key, path, command)| {
            Some(StudyCommand {
                key,
                place: study.places.of(&path, &text),
                text: command?.clone(),
            })
        })
        .collect();
        let scripts = scripts::named_by(commands.iter().map(|command| command.text.as_str()), |path| {
            folder.script(path)
        });
        let hosts = target.allow_hosts.clone();
        let is_local = hosts.is_empty();
        Ok(Self {
            folder: known_folder(folder.path()).display().to_string(),
            scripts: scripts
                .into_iter()
                .map(|(path, text)| (path.display().to_string(), sha256(text.as_bytes())))
                .chain(locust.map(|locust| locust.sources.clone()).unwrap_or_default())
                .collect(),
            variables: if commands.is_empty() {
                Vec::new()
            } else {
                let own = locust.map(|locust| locust.env.clone()).unwrap_or_default();
                target.env.iter().cloned().chain(own).collect()
            },
            sent: if is_local {
                Vec::new()
            } else {
                secret_names(study.behaviours.values(), &target.base_url)
            },
            commands,
            hosts,
        })
    }

    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.hosts.is_empty()
    }

    /// SHA-256 of everything that it asks for and of the study's folder, hexadecimal.
    pub fn hash(&self) -> String {
        let all = serde_json::to_vec(&(&self.folder, self.items()));
        sha256(&all.expect("a map of texts is JSON"))
    }

    /// Everything that it asks for, by name.
    fn items(&self) -> BTreeMap<String, String> {
        let named = |kind: &'static str, names: &[String]| {
            let names: Vec<String> = names.iter().map(|name| format!("{kind} {name}")).collect();
            names.into_iter().map(|name| (name, String::new()))
        };
        let commands = self.commands.iter();
        let scripts = self.scripts.iter();
        commands
            .map(|command| (format!("command {}", command.key), command.text.clone()))
            .chain(scripts.map(|(path, hash)| (format!("file {path}"), hash.clone())))
            .chain(named("variable that commands see:", &self.variables))
            .chain(named("host under load:", &self.hosts))
            .chain(named("variable that is sent:", &self.sent))
            .collect()
    }

    /// The same, cut short.
    pub fn short_items(&self) -> BTreeMap<String, String> {
        let short = |text: String| text.chars().take(KEPT_LETTERS).collect::<String>();
        let items = self.items().into_iter().take(KEPT_ITEMS);
        items.map(|(name, text)| (short(name), short(text))).collect()
    }

    /// What is other than it was when it was allowed.
    pub fn changes_since(&self, earlier: &BTreeMap<String, String>) -> String {
        let now = self.short_items();
        let mut text = String::new();
        for (name, was) in earlier.iter().filter(|(name, _)| !now.contains_key(*name)) {
            let _ = write!(text, "\n  gone: {name}{}", shown("was", name, was));
        }
        for (name, is) in &now {
            match earlier.get(name) {
                Some(was) if was == is => {}
                Some(was) => {
                    let parts = [shown("was", name, was), shown("now", name, is)].concat();
                    let _ = write!(text, "\n  changed: {name}{parts}");
                }
                None => drop(write!(text, "\n  new: {name}{}", shown("now", name, is))),
            }
        }
        if text.is_empty() {
            text =
                format!("\n  beyond the first {KEPT_LETTERS} letters or {KEPT_ITEMS} items, which are kept");
        }
        format!("what this study does has changed since you confirmed it:\n{text}\n")
    }

    /// What it asks for, in full.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if !self.commands.is_empty() {
            let _ = writeln!(
                text,
                "this study runs commands with your rights, in {}:\n",
                self.folder
            );
            for command in &self.commands {
                let _ = writeln!(
                    text,
                    "  {}  {} = {}",
                    command.place,
                    command.key,
                    indented(&command.text)
                );
            }
            let always = CommandSettings::ALWAYS_PASSED.map(str::to_owned);
            let own = format!("{}*", CommandSettings::OWN_PREFIX);
            let names: Vec<String> = always
                .into_iter()
                .chain([own])
                .chain(self.variables.clone())
                .collect();
            let _ = writeln!(
                text,
                "\nthey see these variables of your environment: {}",
                names.join(", ")
            );
        }
        let scripts: Vec<&str> = self.scripts.keys().map(String::as_str).collect();
        for (what, names) in [
            ("they name these files of the study: ", scripts.join(", ")),
            ("the study puts load on these hosts: ", self.hosts.join(", ")),
            (
                "it sends them these variables of your environment: ",
                self.sent.join(", "),
            ),
        ] {
            if !names.is_empty() {
                let _ = writeln!(text, "{what}{names}");
            }
        }
        text
    }

    /// What is asked.
    pub fn question(&self) -> &'static str {
        match (self.commands.is_empty(), self.hosts.is_empty()) {
            (false, true) => "Run these commands?",
            (false, false) => "Run these commands, and put load on these hosts?",
            (true, _) => "Put load on these hosts?",
        }
    }

    /// What the study does, as the beginning of a sentence.
    pub fn what(&self) -> String {
        let keys: Vec<String> = self
            .commands
            .iter()
            .map(|command| format!("`{}` ({})", command.key, command.place))
            .collect();
        match (keys.is_empty(), self.hosts.is_empty()) {
            (false, _) => format!("the study's commands {} run with your rights", keys.join(", ")),
            (true, _) => format!("the hosts {} are put under load", self.hosts.join(", ")),
        }
    }
}

/// The value of an item on a line of its own, where it has one that tells a reader something.
fn shown(when: &str, name: &str, value: &str) -> String {
    if value.is_empty() || name.starts_with("file ") {
        return String::new();
    }
    format!("\n    {when}: {}", indented(value))
}

/// A command on several lines, with those after the first below the first.
fn indented(command: &str) -> String {
    command.trim_end().replace('\n', "\n      ")
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
