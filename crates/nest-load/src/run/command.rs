//! A command of a study that runs: it and all that it started end when it is dropped.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
};

use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use super::guard::{end_group, status_of};

/// How a study's commands are run.
#[derive(Debug, Clone, Default)]
pub struct CommandSettings {
    /// Folder in which they are run.
    pub folder: PathBuf,
    /// Variables added to their environment.
    pub environment: BTreeMap<String, String>,
    /// Variables of our own environment that they see too, by name.
    pub passed: Vec<String>,
    /// Those that hold secrets of the requests, by name, with their values: commands see them only if they
    /// are passed.
    pub secrets: BTreeMap<String, String>,
    /// Prints a line of the messages of commands that run to their end, such as `reset`; without it they go
    /// to standard error as they are.
    pub print: Option<fn(&str)>,
    /// Program whose verb `guard` runs a command and ends it as soon as we are gone; without one, a command
    /// outlives us if we are killed.
    pub guard: Option<PathBuf>,
}

impl CommandSettings {
    /// The environment of a command.
    pub(crate) fn passed_environment(&self) -> BTreeMap<String, String> {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let own = self.environment.clone();
        passed(self).filter_map(text).chain(own).collect()
    }

    /// Variables of our own environment that commands always see, besides those that begin with
    /// [`Self::OWN_PREFIX`]. Others may be secrets of whoever runs the study.
    pub const ALWAYS_PASSED: [&str; 4] = ["PATH", "HOME", "LANG", "TMPDIR"];
    /// How the names of other variables begin that commands always see.
    pub const OWN_PREFIX: &str = "NEST_";
}

/// A command that runs, or has ended and not been waited for.
#[derive(Debug)]
pub struct RunningCommand {
    /// The guard; without one, the command itself.
    child: Child,
    /// What the guard says.
    said: Option<BufReader<ChildStdout>>,
    group: Pid,
    ended: Option<ExitStatus>,
}

impl RunningCommand {
    /// Starts a command; what it writes to standard error goes to `log`.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(command: &str, settings: &CommandSettings, log: Stdio) -> std::io::Result<Self> {
        let mut started = match &settings.guard {
            Some(program) => Command::new(program),
            None => Command::new("sh"),
        };
        let is_guarded = settings.guard.is_some();
        started
            .args([if is_guarded { "guard" } else { "-c" }, command])
            .current_dir(&settings.folder)
            .env_clear()
            .envs(passed(settings))
            .envs(&settings.environment)
            .stdin(if is_guarded { Stdio::piped() } else { Stdio::null() })
            .stdout(if is_guarded { Stdio::piped() } else { Stdio::null() })
            .stderr(log)
            .process_group(0);
        let mut child = started.spawn()?;
        let Some(said) = child.stdout.take() else {
            let group = Pid::from_raw(child.id().cast_signed());
            return Ok(Self {
                child,
                said: None,
                group,
                ended: None,
            });
        };
        if let Some(guard) = &mut child.stdin {
            // A guard that is gone says so where it is read from.
            let _ = writeln!(guard, "{}", masked_line(settings));
        }
        let mut said = BufReader::new(said);
        let mut line = String::new();
        said.read_line(&mut line)?;
        let Ok(group) = line.trim().parse() else {
            let status = child.wait()?;
            return Err(std::io::Error::other(format!("its guard ended with {status}")));
        };
        // From here on, only a status that is there already is read.
        fcntl(said.get_ref(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok(Self {
            child,
            said: Some(said),
            group: Pid::from_raw(group),
            ended: None,
        })
    }

    /// Number of its process, which is that of its process group too.
    pub fn pid(&self) -> u32 {
        self.group.as_raw().cast_unsigned()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = match &mut self.said {
                None => self.child.try_wait().ok().flatten(),
                Some(said) => {
                    let mut line = String::new();
                    // Nothing to read yet is an error; the line is short enough to come at once.
                    said.read_line(&mut line).ok().and_then(|_| status_of(&line))
                }
            };
        }
        self.ended
    }

    /// Kills it, without giving it time to clean up.
    pub fn kill(&self) {
        // It may end by itself at this very moment; then there is nothing left to kill.
        let _ = killpg(self.group, Signal::SIGKILL);
    }
}

impl Drop for RunningCommand {
    fn drop(&mut self) {
        if self.said.is_some() {
            // The guard ends the command when its input ends.
            drop(self.child.stdin.take());
        } else {
            end_group(self.group);
        }
        // Nothing is left to be done if it cannot be waited for.
        let _ = self.child.wait();
    }
}

/// The variables of our own environment that commands see.
fn passed(settings: &CommandSettings) -> impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)> {
    std::env::vars_os().filter(|(name, _)| {
        name.to_str().is_some_and(|name| {
            let is_named = settings.passed.iter().any(|passed| passed == name);
            let is_secret =
                settings.secrets.contains_key(name) && name.starts_with(CommandSettings::OWN_PREFIX);
            is_named || may_be_seen(name) && !is_secret
        })
    })
}

/// What a guard masks in a command's messages: secrets of the requests, and values that the study passes by
/// name. One line of JSON.
fn masked_line(settings: &CommandSettings) -> String {
    let passed = settings
        .passed
        .iter()
        .filter(|name| !CommandSettings::ALWAYS_PASSED.contains(&name.as_str()));
    let passed = passed.filter_map(|name| std::env::var(name).ok());
    let all: Vec<String> = settings.secrets.values().cloned().chain(passed).collect();
    serde_json::Value::from(all).to_string()
}

fn may_be_seen(name: &str) -> bool {
    CommandSettings::ALWAYS_PASSED.contains(&name) || name.starts_with(CommandSettings::OWN_PREFIX)
}

/// The settings of commands in a folder, for tests.
#[cfg(test)]
pub(super) fn unguarded(folder: &std::path::Path) -> CommandSettings {
    CommandSettings {
        folder: folder.to_owned(),
        ..CommandSettings::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET_BY_SHELL: [&str; 4] = ["PWD", "OLDPWD", "SHLVL", "_"];

    #[test]
    fn a_command_sees_only_the_variables_that_it_may_see() {
        let folder = tempfile::tempdir().expect("a folder");
        let own = std::env::vars().map(|(name, _)| name);
        let mut hidden = own.filter(|name| !may_be_seen(name) && !SET_BY_SHELL.contains(&name.as_str()));
        let named = hidden.next().expect("a test has variables");
        let settings = CommandSettings {
            environment: [("NEST_SIZE".to_owned(), "7".to_owned())].into_iter().collect(),
            passed: vec![named.clone()],
            ..unguarded(folder.path())
        };
        let mut running = RunningCommand::start("env > seen", &settings, Stdio::null()).expect("sh runs");
        while running.ended().is_none() {
            std::thread::yield_now();
        }
        let seen = std::fs::read_to_string(folder.path().join("seen")).expect("written");
        let names: Vec<&str> = seen.lines().filter_map(|line| line.split('=').next()).collect();
        assert!(
            names.contains(&"NEST_SIZE") && names.contains(&"PATH"),
            "{names:?}"
        );
        assert!(names.contains(&named.as_str()), "{named} in {names:?}");
        let seen_too = hidden.filter(|name| names.contains(&name.as_str()));
        assert_eq!(seen_too.collect::<Vec<_>>(), Vec::<String>::new());
    }
}
