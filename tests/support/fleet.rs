//! Starts coordinators and workers of a fleet.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    BINARY, Running, SmallStudy,
    broker::{Broker, COORDINATOR, WORKER},
    confirmed,
    namespaces::Host,
    start_command,
};

/// Name of the session.
pub const SESSION: &str = "s";

/// The folder of everything, and the broker that all of it is told.
pub struct Session<'a> {
    pub folder: &'a Path,
    pub broker: SocketAddr,
}

impl<'a> Session<'a> {
    /// A session on a broker that the test has.
    pub fn on(broker: &Broker, folder: &'a Path) -> Self {
        Self {
            folder,
            broker: broker.address,
        }
    }

    /// Starts a worker with one slot, on a host if there is one.
    pub fn worker(&self, host: Option<&Host>, name: &str, more: &[&str]) -> Running {
        self.worker_with(host, name, more, &[])
    }

    /// Starts a worker with more variables in its environment.
    pub fn worker_with(
        &self,
        host: Option<&Host>,
        name: &str,
        more: &[&str],
        variables: &[(&str, &str)],
    ) -> Running {
        let mut command = binary(host);
        command
            .args([
                "worker",
                "--join",
                &self.url(),
                "--session",
                SESSION,
                "--name",
                name,
            ])
            .args(["--slots", "1"])
            .args(more)
            .envs(credentials(WORKER))
            .envs(variables.iter().copied());
        start_command(command, &self.place(name))
    }

    /// Starts a measurement by so many workers.
    pub fn measure(&self, host: Option<&Host>, study: &SmallStudy, workers: usize, more: &[&str]) -> Running {
        self.measure_with(host, study, workers, more, &[])
    }

    /// Starts a measurement with more variables in its environment.
    pub fn measure_with(
        &self,
        host: Option<&Host>,
        study: &SmallStudy,
        workers: usize,
        more: &[&str],
        variables: &[(&str, &str)],
    ) -> Running {
        let mut command = binary(host);
        command
            .args(confirmed(&["measure"]))
            .arg(&study.path)
            .args([
                "--workers",
                &workers.to_string(),
                "--nats",
                &self.url(),
                "--session",
                SESSION,
            ])
            .args(more)
            .envs(credentials(COORDINATOR))
            .envs(variables.iter().copied());
        start_command(command, &self.place("coordinator"))
    }

    fn url(&self) -> String {
        format!("nats://{}", self.broker)
    }

    /// Where the files of a program are.
    fn place(&self, name: &str) -> PathBuf {
        place(self.folder, name)
    }
}

/// What stands in the line that starts a worker.
pub const JOIN: &str = " worker --join ";

/// The line that starts a worker, which a coordinator prints.
pub fn worker_line(coordinator: &Running) -> String {
    let said = coordinator.stderr();
    let line = said.lines().find(|line| line.contains(JOIN));
    line.expect("it is printed").trim().to_owned()
}

/// Starts a worker with one slot by such a line, with its files below a folder.
pub fn start_by_line(line: &str, folder: &Path, name: &str, variables: &[(&str, &str)]) -> Running {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec {line} --name {name} --slots 1")]);
    command.envs(variables.iter().copied());
    start_command(command, &place(folder, name))
}

/// A folder below another.
pub fn place(folder: &Path, name: &str) -> PathBuf {
    let place = folder.join(name);
    fs::create_dir_all(&place).expect("a temporary folder");
    place
}

/// A command of the binary, on a host if there is one.
fn binary(host: Option<&Host>) -> Command {
    host.map_or_else(|| Command::new(BINARY), |host| host.command(BINARY))
}

/// Credentials of a user of the broker.
fn credentials((user, password): (&'static str, &'static str)) -> [(&'static str, &'static str); 2] {
    [("NEST_NATS_USER", user), ("NEST_NATS_PASSWORD", password)]
}
