//! Debian's nats-server with the users and permissions of `deploy/nats.conf`, and one more who hears
//! everything.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::{free_address, namespaces::Host, replaced, repository, wait_until};

/// Who may hear everything, with the password.
pub const TAP: (&str, &str) = ("tap", "tap0e7f");
/// Who commands.
pub const COORDINATOR: (&str, &str) = ("coordinator", "c4d81a");
/// Who obeys.
pub const WORKER: (&str, &str) = ("worker", "w9f20c");
/// Its port on a host of its own.
const PORT: u16 = 4222;

/// A broker. Killed when dropped.
pub struct Broker {
    child: Option<Child>,
    folder: PathBuf,
    pub address: SocketAddr,
}

impl Broker {
    /// Starts one on a free loopback port, with its files in `folder`.
    pub fn start(folder: &Path) -> Self {
        let mut broker = Self::new(folder, free_address());
        broker.restart();
        broker
    }

    /// Starts one on a host.
    pub fn start_on(host: &Host, folder: &Path) -> Self {
        let mut broker = Self::new(folder, SocketAddr::from((host.address, PORT)));
        broker.spawn(host.command(program()));
        broker
    }

    /// Starts one on a free loopback port over TLS, which asks for client certificates: those that it and the
    /// others have are in `folder`.
    pub fn start_secured(folder: &Path) -> Self {
        let address = free_address();
        let text = committed();
        let text = replaced(&text, "  # ca_file", "  ca_file");
        let text = replaced(&text, "  # verify", "  verify");
        let mut broker = Self::with_text(folder, address, &text);
        broker.restart();
        broker
    }

    fn new(folder: &Path, address: SocketAddr) -> Self {
        fs::create_dir_all(folder).expect("a temporary folder");
        let text = committed();
        // Without TLS: who could read along on this machine could read the files too.
        let (start, end) = (text.find("\ntls {"), text.find("\n}\n"));
        let (start, end) = (start.expect("a table of TLS"), end.expect("its end"));
        Self::with_text(
            folder,
            address,
            &format!("{}{}", &text[..start], &text[end + 2..]),
        )
    }

    fn with_text(folder: &Path, address: SocketAddr, text: &str) -> Self {
        let tap = format!(
            "  users: [\n    {{ user: \"{}\", password: \"{}\", permissions: {{ subscribe: \">\" }} }}\n",
            TAP.0, TAP.1
        );
        let text = replaced(text, "  users: [\n", &tap);
        let text = replaced(&text, "\"0.0.0.0:4222\"", &format!("\"{address}\""));
        fs::write(folder.join("nats.conf"), text).expect("a temporary folder");
        Self {
            child: None,
            folder: folder.to_owned(),
            address,
        }
    }

    /// Kills it: nobody is told.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again, on loopback, with what it had.
    pub fn restart(&mut self) {
        assert_eq!(self.address.ip(), Ipv4Addr::LOCALHOST, "it is on a host");
        self.spawn(Command::new(program()));
    }

    fn spawn(&mut self, mut command: Command) {
        let log = fs::File::create(self.folder.join("nats.log")).expect("a temporary folder");
        command
            .args(["-c", "nats.conf"])
            .current_dir(&self.folder)
            .env("NEST_COORDINATOR_PASSWORD", COORDINATOR.1)
            .env("NEST_WORKER_PASSWORD", WORKER.1)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.child = Some(command.spawn().expect("nats-server runs (tests/run installs it)"));
        wait_until("the broker is ready", || {
            let said = fs::read_to_string(self.folder.join("nats.log"));
            said.is_ok_and(|said| said.contains("Server is ready"))
        });
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

fn committed() -> String {
    fs::read_to_string(repository().join("deploy/nats.conf")).expect("it is committed")
}

fn program() -> &'static str {
    let places = ["/usr/sbin/nats-server", "/usr/local/bin/nats-server"];
    let found = places.into_iter().find(|path| Path::new(path).is_file());
    found.unwrap_or("nats-server")
}
