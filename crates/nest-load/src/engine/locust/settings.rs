//! How Locust is started.

use std::{collections::BTreeMap, path::PathBuf};

use nest_data::{
    Study,
    behaviour::locustfile::{Locust, LocustRun},
};

use crate::run::CommandSettings;

/// How Locust is started, and for what.
#[derive(Debug, Clone, Default)]
pub struct LocustSettings {
    /// Command or absolute path of a Python that has Locust.
    pub python: PathBuf,
    /// Absolute path of the locustfile, or of a folder of models.
    pub file: PathBuf,
    /// Scheme, host and port of the target.
    pub host: String,
    /// More options of `locust`.
    pub args: Vec<String>,
    /// Hosts that may be put under load besides this machine.
    pub allow_hosts: Vec<String>,
    /// The variables that it sees.
    pub environment: BTreeMap<String, String>,
    /// Values that are masked in what is kept of its messages.
    pub secrets: Vec<String>,
    /// Processes on this machine, or workers of a master.
    pub slots: usize,
    /// Where a master listens.
    pub master: Option<String>,
    /// Cores of the processes, in turn; none if they may run anywhere.
    pub cores: Vec<usize>,
    /// Task of each behaviour of the study, in their order; none to list them.
    pub tasks: Vec<BehaviourTask>,
}

/// The task of a behaviour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BehaviourTask {
    /// Name of the behaviour.
    pub behaviour: String,
    /// Name of the task.
    pub task: String,
    /// What one execution is.
    pub run: LocustRun,
}

impl LocustSettings {
    /// How a locustfile is started to list its tasks; `file` and `python` start from the folder of the
    /// commands.
    #[must_use]
    pub fn to_list(python: &str, file: &std::path::Path, commands: &CommandSettings) -> Self {
        Self {
            python: command_in(&commands.folder, python),
            file: commands.folder.join(file),
            host: "http://127.0.0.1".to_owned(),
            environment: commands.passed_environment(),
            slots: 1,
            ..Self::default()
        }
    }

    /// How the locustfile of a study is started. Paths start from the folder of its commands, and variables
    /// are passed as to them.
    #[must_use]
    pub fn of(study: &Study, locust: &Locust, commands: &CommandSettings, cores: &[usize]) -> Self {
        let folder = std::path::absolute(&commands.folder).unwrap_or_else(|_| commands.folder.clone());
        let own = |names: &[String]| -> BTreeMap<String, String> {
            let read = |name: &String| Some((name.clone(), std::env::var(name).ok()?));
            names.iter().filter_map(read).collect()
        };
        let named = own(&locust.env);
        let mut environment = commands.passed_environment();
        environment.extend(named.clone());
        Self {
            python: command_in(&folder, &locust.python),
            file: folder.join(&locust.file),
            host: study.target.base_url.clone(),
            args: locust.args.clone(),
            allow_hosts: study.target.allow_hosts.clone(),
            environment,
            secrets: named
                .into_values()
                .chain(own(&study.target.env).into_values())
                .collect(),
            slots: locust.slots(),
            master: locust.master.clone(),
            cores: cores.to_vec(),
            tasks: locust
                .behaviours
                .iter()
                .map(|(behaviour, task)| BehaviourTask {
                    behaviour: behaviour.clone(),
                    task: task.name().to_owned(),
                    run: task.run(),
                })
                .collect(),
        }
    }

    /// What to do about a Python without Locust. Whoever only lists tasks has no study yet to name one in.
    pub(super) fn other_python(&self) -> String {
        let name = if self.tasks.is_empty() {
            "then give `--python .venv/bin/python`"
        } else {
            "then write python = \".venv/bin/python\" under [locust]"
        };
        format!(
            "make one that has Locust 2.32 or newer: `python3 -m venv .venv && .venv/bin/pip install \
             locust`, {name}"
        )
    }
}

/// A command that is looked up, or a path from a folder.
fn command_in(folder: &std::path::Path, command: &str) -> PathBuf {
    if command.contains('/') {
        folder.join(command)
    } else {
        PathBuf::from(command)
    }
}
