//! What a locustfile has: its classes of users and their tasks.

use std::time::Duration;

use serde::Deserialize;

use crate::error::LoadError;

/// Oldest Locust whose users can be led: every place that is taken over is there since then.
pub const OLDEST: (u32, u32) = (2, 32);
/// How long a locustfile may take until it has listed its tasks. Our choice: some build test data first.
pub const LOADING: Duration = Duration::from_secs(60);

/// What a locustfile has.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Listing {
    /// Version of Locust.
    pub locust: String,
    /// Version of Python.
    pub python: String,
    /// Number of the process.
    pub pid: u32,
    /// Whether it is a master, which has no users.
    pub master: bool,
    /// Whether the file has a load shape of its own, which does not run.
    pub shape: bool,
    /// Its classes of users.
    pub classes: Vec<ListedClass>,
    /// What they can be asked to do.
    pub tasks: Vec<ListedTask>,
}

/// A class of users.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ListedClass {
    /// Its name.
    pub name: String,
    /// How many of its users there are, relative to those of other classes.
    pub weight: f64,
    /// The host that the file gives its users.
    #[serde(default)]
    pub host: Option<String>,
    /// A number of users that the file fixes, which does not count here; 0 without one.
    pub fixed: u32,
    /// Whether its users wait by `constant_pacing` or `constant_throughput`.
    #[serde(default)]
    pub paced: bool,
}

/// Something that a user can be asked to do.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ListedTask {
    /// `Class.function`, or the name of a task set.
    pub name: String,
    /// What it is.
    pub kind: TaskKind,
    /// The class of users that executes it.
    pub class: String,
    /// Executions for each choice of a user of that class; 0 if none of them chooses it.
    pub weight: f64,
    /// File and line, 0 if they are not known.
    pub at: (Option<String>, u32),
}

/// What a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// A function.
    Task,
    /// A sequence of functions, of which one round is an execution.
    Sequence,
    /// A Markov chain, of which one step is an execution.
    Markov,
    /// A set of tasks, which can run as a whole.
    Set,
    /// What a user does first of all.
    OnStart,
}

impl Listing {
    /// Refuses a Locust that is too old.
    ///
    /// # Errors
    /// [`LoadError::Locustfile`].
    pub(super) fn check(&self) -> Result<(), LoadError> {
        let mut parts = self.locust.split('.').map(|part| part.parse().unwrap_or(0));
        let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        if version >= OLDEST {
            return Ok(());
        }
        Err(LoadError::Locustfile {
            reason: format!(
                "this is Locust {}, and {}.{} is the oldest that works",
                self.locust, OLDEST.0, OLDEST.1
            ),
            remedy: "make an environment with a newer one: `python3 -m venv .venv && .venv/bin/pip install \
                     locust`, and name .venv/bin/python"
                .to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locust_that_is_too_old_is_refused_with_a_remedy() {
        let of = |version: &str| Listing {
            locust: version.to_owned(),
            python: "3.11.2".to_owned(),
            pid: 1,
            master: false,
            shape: false,
            classes: Vec::new(),
            tasks: Vec::new(),
        };
        for (version, is_right) in [
            ("2.32.0", true),
            ("2.47.0", true),
            ("3.0", true),
            ("2.12.1", false),
            ("?", false),
        ] {
            let checked = of(version).check();
            assert_eq!(checked.is_ok(), is_right, "{version}");
            assert!(checked.map_or_else(|error| error.to_string().contains(version), |()| true));
        }
    }
}
