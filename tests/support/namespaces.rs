//! Hosts on one machine: network namespaces that are joined by veth, and clocks that begin elsewhere. A
//! namespace lives as long as a process that sleeps in it. That ends when the host is dropped, with the
//! thread that made it, however that ends, and by itself after a while.

use std::{
    ffi::OsStr,
    net::Ipv4Addr,
    process::{Child, Command},
};

use super::{start_silent, wait_until};

/// Seconds after which a namespace ends by itself.
const MOST_S: &str = "900";

/// A namespace.
pub struct Host {
    anchor: Child,
    /// How `nsenter` finds it.
    entry: String,
    /// Where the other hosts reach it; the loopback address if it has the network of the test.
    pub address: Ipv4Addr,
}

impl Host {
    /// A hub and hosts with a line to it each. The hub is the first; it forwards nothing, so that the others
    /// do not reach one another. `None`, and a line that says so, if no namespace can be made here.
    pub fn joined(others: u8) -> Option<Vec<Self>> {
        let hub = Self::start("net", &[], Ipv4Addr::new(10, 77, 0, 1))?;
        hub.ip("address add 10.77.0.1/32 dev lo");
        hub.ip("link set lo up");
        let mut hosts = vec![hub];
        for number in 1..=others {
            let host = Self::start("net", &[], Ipv4Addr::new(10, 77, number, 2))?;
            host.ip("link set lo up");
            let (anchor, hub) = (host.anchor.id(), &hosts[0]);
            hub.ip(&format!(
                "link add line{number} type veth peer name line netns {anchor}"
            ));
            hub.ip(&format!("address add 10.77.{number}.1/30 dev line{number}"));
            hub.ip(&format!("link set line{number} up"));
            host.ip(&format!("address add 10.77.{number}.2/30 dev line"));
            host.connect();
            hosts.push(host);
        }
        Some(hosts)
    }

    /// A host with the network of the test, whose monotonic clock is so many seconds ahead of the test's.
    /// `None`, and a line that says so, if there can be none here.
    pub fn with_clock(ahead_s: i64) -> Option<Self> {
        let ahead = ahead_s.to_string();
        Self::start("time", &["--monotonic", &ahead], Ipv4Addr::LOCALHOST)
    }

    /// Starts a process that sleeps in a namespace of its own.
    fn start(kind: &str, options: &[&str], address: Ipv4Addr) -> Option<Self> {
        let mut command = Command::new("unshare");
        command.arg(format!("--{kind}")).args(options).args([
            "setpriv",
            "--pdeathsig",
            "KILL",
            "sleep",
            MOST_S,
        ]);
        let anchor = start_silent(command);
        // A process is in a new clock's namespace from its next child on.
        let place = if kind == "time" { "time_for_children" } else { kind };
        let mut host = Self {
            entry: format!("--{kind}=/proc/{}/ns/{place}", anchor.id()),
            anchor,
            address,
        };
        let mut ended = false;
        wait_until("the namespace is there", || {
            ended = matches!(host.anchor.try_wait(), Ok(Some(_)));
            let name = std::fs::read_to_string(format!("/proc/{}/comm", host.anchor.id()));
            ended || name.is_ok_and(|name| name.trim() == "sleep")
        });
        if ended {
            println!("NOT TESTED: no namespace can be made here (unshare --{kind}); root can");
            return None;
        }
        Some(host)
    }

    /// Makes a command that runs on this host, as the process that is started.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(&self.entry).arg("--").arg(program);
        command
    }

    /// Takes its line down: nothing reaches it, and nobody is told.
    pub fn disconnect(&self) {
        self.ip("link set line down");
    }

    /// Brings its line up, with a route to the hub, which goes when the line goes down.
    pub fn connect(&self) {
        self.ip("link set line up");
        let octets = self.address.octets();
        self.ip(&format!("route replace 10.77.0.1/32 via 10.77.{}.1", octets[2]));
    }

    /// Runs `ip` on this host.
    fn ip(&self, arguments: &str) {
        let output = self.command("ip").args(arguments.split(' ')).output();
        let output = output.expect("ip is a part of iproute2 (tests/run installs it)");
        assert!(output.status.success(), "ip {arguments}: {output:?}");
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.anchor.kill();
        let _ = self.anchor.wait();
    }
}
