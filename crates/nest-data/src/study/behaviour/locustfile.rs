//! Behaviours that are tasks of a locustfile.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most generator processes on one machine. Our choice, far above the cores of most.
pub const MOST_PROCESSES: usize = 256;

/// A locustfile, and which of its tasks are behaviours. A real Locust executes them on our schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Locust {
    /// The locustfile, or a folder of models of locust-nest 0.39 (2018), from the study's folder:
    /// `"locustfile.py"`.
    pub file: String,
    /// The Python whose `import locust` works: a command, or a path from the study's folder such as
    /// `".venv/bin/python"`. [default: python3]
    #[serde(default = "python3")]
    pub python: String,
    /// Generator processes on this machine, one core each, 1 to 256. `measure --plan` prints how many the
    /// plan needs. [default: 1]
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(range(min = 1, max = 256))]
    pub processes: usize,
    /// Address at which a Locust master listens for workers that you start, instead of processes on this
    /// machine: `"127.0.0.1:5557"`. Start each with `locust -f - --worker --master-host HOST`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master: Option<String>,
    /// Workers of the master that are waited for, 1 to 256. [default: 1]
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(range(min = 1, max = 256))]
    pub workers: usize,
    /// More options of the `locust` command, such as `["--tags", "smoke"]`. Options that set users, rates,
    /// run time, output or distribution are refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Variables of the environment that the locustfile sees, by name, besides those of `[target] env`. Their
    /// values are masked in everything that is kept. [default: none]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// The task of each behaviour, by the name that `[rates]` uses: `browse = "Shop.browse"`.
    /// `locust-nest init --locust FILE` writes them.
    pub behaviours: BTreeMap<String, LocustTask>,
    /// SHA-256 of each Python file of the locustfile's folder, hexadecimal, by its path; not a key of
    /// `nest.toml`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(skip)]
    pub sources: BTreeMap<String, String>,
}

/// A task of a locustfile: its name, or a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum LocustTask {
    /// `"Class.function"`, with the class that lists it.
    Name(String),
    /// The same, and how it runs.
    Detailed(DetailedTask),
}

/// A task of a locustfile, and how it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetailedTask {
    /// The task: `"Class.function"`, or the name of a task set.
    pub task: String,
    /// What one execution is. [default: `"task"`]
    #[serde(default)]
    pub run: LocustRun,
}

/// What one execution of a task is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LocustRun {
    /// One call of a function, one round of a sequence, or one step of a Markov chain.
    #[default]
    Task,
    /// One run of a task set, from its `on_start` until it interrupts itself.
    Whole,
}

impl LocustTask {
    /// The name that the locustfile's task has.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Detailed(detailed) => &detailed.task,
        }
    }

    /// What one execution is.
    #[must_use]
    pub fn run(&self) -> LocustRun {
        match self {
            Self::Name(_) => LocustRun::Task,
            Self::Detailed(detailed) => detailed.run,
        }
    }
}

impl Locust {
    /// How many generator processes there are: on this machine, or workers of a master.
    #[must_use]
    pub fn slots(&self) -> usize {
        if self.master.is_some() {
            self.workers
        } else {
            self.processes
        }
    }
}

fn python3() -> String {
    "python3".to_owned()
}

fn one() -> usize {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one(value: &usize) -> bool {
    *value == 1
}
