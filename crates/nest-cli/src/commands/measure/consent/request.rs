//! What a study would do with the rights of whoever measures it, beyond load on this machine.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use nest_data::Study;
use nest_load::{CommandSettings, secret_names};

use super::scripts;
use crate::{
    command_error::CommandError,
    files::{StudyFolder, known_folder, path_text, sha256},
};

/// Letters of each item that are kept, to say later what has changed, and most items.
const KEPT_LETTERS: usize = 500;
const KEPT_ITEMS: usize = 100;
/// Most files that are shown by name.
const SHOWN_FILES: usize = 20;
/// How the names of items that are files begin.
const FILE: &str = "file ";

/// Key of the command that runs a locustfile.
const LOCUSTFILE: &str = "locust.file";

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
    /// The versions that are compared; `None` for a measurement.
    compared: Option<ComparedVersions>,
    /// Files of the study, and of others beside it, that the commands name.
    scripts: Vec<String>,
    /// SHA-256 of each of these, and of each other file of the study, by its path.
    files: BTreeMap<String, String>,
    /// Why commands may run what has no hash.
    unknown: Vec<String>,
    /// Variables that the commands see because the study names them.
    variables: Vec<String>,
    /// Hosts besides this machine that are put under load.
    hosts: Vec<String>,
    /// Variables that behaviours send to the target.
    sent: Vec<String>,
    /// Where they go, a template of a URL.
    base_url: String,
}

/// What is run with a study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsentFor {
    /// A measurement.
    Measuring,
    /// A check of two versions, which are built and started by commands of their own.
    Checking(ComparedVersions),
}

/// The versions that a check compares, as far as git keeps them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComparedVersions {
    /// Two commits; without them, both versions are started in the study's folder.
    pub commits: Option<ComparedCommits>,
}

/// Two commits whose files commands run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedCommits {
    /// Name of base's commit.
    pub base: String,
    /// Name of all that head has in the study's folder.
    pub head_files: String,
    /// Files of the study that differ between them.
    pub differing: Vec<String>,
}

impl ConsentRequest {
    /// What a study asks for.
    pub fn of(folder: &StudyFolder, study: &Study, purpose: ConsentFor) -> Result<Self, CommandError> {
        let target = &study.target;
        let compared = match purpose {
            ConsentFor::Measuring => None,
            ConsentFor::Checking(versions) => Some(versions),
        };
        let commands = commands(study, &folder.nest_text()?.text, compared.is_some());
        let mut request = Self {
            folder: known_folder(folder.path()).display().to_string(),
            compared,
            scripts: Vec::new(),
            files: BTreeMap::new(),
            unknown: Vec::new(),
            variables: Vec::new(),
            hosts: target.allow_hosts.clone(),
            sent: secret_names(study.behaviours.values(), &target.base_url),
            base_url: target.base_url.clone(),
            commands,
        };
        if !request.commands.is_empty() {
            let own = study.locust.iter().flat_map(|locust| &locust.env);
            request.variables = target.env.iter().chain(own).cloned().collect();
            request.add_files(folder);
            // A locustfile and what lies beside it may be outside of the study's folder.
            let sources = study.locust.iter().flat_map(|locust| &locust.sources);
            request
                .files
                .extend(sources.map(|(path, hash)| (path.clone(), hash.clone())));
            request.add_python(study);
        }
        Ok(request)
    }

    /// Adds the Python of a locustfile, if it is a file: it lies in an environment, whose files do not count.
    fn add_python(&mut self, study: &Study) {
        let Some(python) = study.locust.as_ref().map(|locust| &locust.python) else {
            return;
        };
        if !python.contains('/') {
            return;
        }
        let path = Path::new(&self.folder).join(python);
        let link = std::fs::read_link(&path).map(|target| target.as_os_str().as_encoded_bytes().to_vec());
        match link.or_else(|_| std::fs::read(&path)) {
            Ok(bytes) => drop(self.files.insert(python.clone(), sha256(&bytes))),
            Err(error) => self.unknown.push(format!("{python} cannot be read: {error}")),
        }
    }

    /// Adds the files that commands can run.
    fn add_files(&mut self, folder: &StudyFolder) {
        // The Python that runs a locustfile is a program, as `sh` is; the file itself has a hash of its own.
        let of_the_study = self.commands.iter().filter(|command| command.key != LOCUSTFILE);
        let commands = of_the_study.map(|command| command.text.as_str());
        let named = scripts::named_by(commands, |path| folder.script(path));
        let all = folder.hashes();
        self.unknown = named.unknown.into_iter().chain(all.unknown).collect();
        self.files = all.files;
        for (path, hash) in named.files {
            let name = path_text(&path);
            self.scripts.push(name.clone());
            self.files.insert(name, hash);
        }
    }

    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.hosts.is_empty() && self.sent.is_empty()
    }

    /// Whether an earlier answer can count: everything that commands run is known.
    pub fn is_known(&self) -> bool {
        self.unknown.is_empty()
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
        let files = self.files.iter();
        commands
            .map(|command| (format!("command {}", command.key), command.text.clone()))
            .chain(files.map(|(path, hash)| (format!("{FILE}{path}"), hash.clone())))
            .chain(self.compared_items())
            .chain(self.receiver())
            .chain(named("variable that commands see:", &self.variables))
            .chain(named("host under load:", &self.hosts))
            .chain(named("variable that is sent:", &self.sent))
            .collect()
    }

    /// Where variables are sent.
    fn receiver(&self) -> Option<(String, String)> {
        let item = || ("target of variables".to_owned(), self.base_url.clone());
        (!self.sent.is_empty()).then(item)
    }

    fn compared_items(&self) -> Vec<(String, String)> {
        let Some(compared) = &self.compared else {
            return Vec::new();
        };
        let mut items = vec![("check of two versions".to_owned(), String::new())];
        if let Some(commits) = &compared.commits {
            items.push(("commit of base".to_owned(), commits.base.clone()));
            items.push(("the study at head".to_owned(), commits.head_files.clone()));
        }
        items
    }

    /// The same, cut short; files that commands do not name come last.
    pub fn short_items(&self) -> BTreeMap<String, String> {
        let short = |text: String| text.chars().take(KEPT_LETTERS).collect::<String>();
        let rank = |name: &str| match name.strip_prefix(FILE) {
            None => 0,
            Some(file) if self.scripts.iter().any(|script| script == file) => 1,
            Some(_) => 2,
        };
        let mut items: Vec<(String, String)> = self.items().into_iter().collect();
        items.sort_by_cached_key(|(name, _)| rank(name));
        let items = items.into_iter().take(KEPT_ITEMS);
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
        let sends = format!(
            "it sends these variables of your environment to {}: ",
            self.base_url
        );
        for (what, names) in [
            ("they name these files of the study: ", listed(&self.scripts)),
            ("the study puts load on these hosts: ", self.hosts.join(", ")),
            (&sends, self.sent.join(", ")),
        ] {
            if !names.is_empty() {
                let _ = writeln!(text, "{what}{names}");
            }
        }
        let others = self.files.len() - self.scripts.len();
        if others > 0 {
            let _ = writeln!(text, "they can run {others} more files of its folder");
        }
        text + &self.text_of_versions() + &self.text_of_unknown()
    }

    fn text_of_versions(&self) -> String {
        let commits = self
            .compared
            .as_ref()
            .and_then(|compared| compared.commits.as_ref());
        match commits {
            None => String::new(),
            Some(ComparedCommits { base, differing, .. }) if differing.is_empty() => {
                format!("they also run in base, commit {base}, which has the same files of the study\n")
            }
            Some(ComparedCommits { base, differing, .. }) => format!(
                "they also run in base, commit {base}, which has its own version of: {}\n",
                listed(differing)
            ),
        }
    }

    fn text_of_unknown(&self) -> String {
        if self.unknown.is_empty() {
            return String::new();
        }
        let reasons: Vec<String> = self
            .unknown
            .iter()
            .take(SHOWN_FILES)
            .map(|one| format!("\n  {one}"))
            .collect();
        format!("you are asked every time, because:{}\n", reasons.concat())
    }

    /// What is asked.
    pub fn question(&self) -> &'static str {
        match (self.commands.is_empty(), self.hosts.is_empty()) {
            (false, true) => "Run these commands?",
            (false, false) => "Run these commands, and put load on these hosts?",
            (true, false) => "Put load on these hosts?",
            (true, true) => "Send these variables?",
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
            (true, false) => format!("the hosts {} are put under load", self.hosts.join(", ")),
            (true, true) => {
                let names = self.sent.join(", ");
                format!("the study sends {names} of your environment to {}", self.base_url)
            }
        }
    }
}

/// The commands of a study that a measurement runs, or a check.
fn commands(study: &Study, text: &str, checks: bool) -> Vec<StudyCommand> {
    let target = &study.target;
    let gate = study.check.as_ref().filter(|_| checks);
    let build = gate.and_then(|gate| gate.build.as_ref());
    let start = gate.and_then(|gate| gate.start.as_ref());
    let data = study.data.as_ref().filter(|_| checks);
    let count = data.and_then(|data| data.count.as_ref());
    let locustfile = study
        .locust
        .as_ref()
        .map(|locust| format!("{} -m locust -f {}", locust.python, locust.file));
    [
        (LOCUSTFILE, ["locust", "file"], locustfile.as_ref()),
        ("start", ["target", "start"], target.start.as_ref()),
        ("state", ["target", "state"], target.state.as_ref()),
        ("reset", ["target", "reset"], target.reset.as_ref()),
        ("data.count", ["data", "count"], count),
        ("check.build", ["check", "build"], build),
        ("check.start", ["check", "start"], start),
    ]
    .into_iter()
    .filter_map(|(key, path, command)| {
        Some(StudyCommand {
            key,
            place: study.places.of(&path, text),
            text: command?.clone(),
        })
    })
    .collect()
}

/// Names of files, the first of many.
fn listed(names: &[String]) -> String {
    let first = names
        .iter()
        .take(SHOWN_FILES)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(SHOWN_FILES) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// The value of an item on a line of its own, where it has one that tells a reader something.
fn shown(when: &str, name: &str, value: &str) -> String {
    if value.is_empty() || name.starts_with(FILE) {
        return String::new();
    }
    format!("\n    {when}: {}", indented(value))
}

/// A command on several lines, with those after the first below the first.
fn indented(command: &str) -> String {
    command.trim_end().replace('\n', "\n      ")
}
