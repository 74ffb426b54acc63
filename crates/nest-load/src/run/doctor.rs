//! Checks that this machine can run load tests: open files, ports, cgroups, stolen processor time.

use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit};

use crate::observe::{cgroup::Cgroup, machine};

/// Ports that are enough for a few thousand customers, at one each and as many again that wait to be free
/// (TIME_WAIT).
const ENOUGH_PORTS: u32 = 10_000;
/// Open files that are enough for a few thousand customers, at one each.
const ENOUGH_FILES: u64 = 4_096;
/// Share of stolen processor time that is worth a warning. Our choice: service times grow by as much, and
/// steps are doubted from 5 % on.
const STOLEN: f64 = 0.02;

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct DoctorFinding {
    /// What was checked.
    pub what: &'static str,
    /// What was found, in words.
    pub found: String,
    /// What was found, value by value: each has a name.
    pub facts: Vec<(&'static str, DoctorFact)>,
    /// What to do about it; none if all is well.
    pub advice: Option<String>,
}

/// A value that was found.
#[derive(Debug, Clone, PartialEq)]
pub enum DoctorFact {
    /// A count, or a share (0-1) if the name ends in `share`.
    Number(f64),
    /// A name or a version.
    Text(String),
}

impl DoctorFact {
    fn count(count: u64) -> Self {
        Self::Number(count as f64)
    }
}

/// Checks the machine; takes about a second.
#[must_use]
pub fn examine() -> Vec<DoctorFinding> {
    vec![cores(), open_files(), ports(), cgroups(), stolen()]
}

fn cores() -> DoctorFinding {
    let facts = machine::facts();
    let advice = (facts.cores < 2).then(|| {
        "target and generator share the only core: run the target on another \
         machine"
            .to_owned()
    });
    DoctorFinding {
        what: "processors",
        found: format!("{} × {}, kernel {}", facts.cores, facts.cpu, facts.kernel),
        facts: vec![
            ("cores", DoctorFact::count(facts.cores as u64)),
            ("model", DoctorFact::Text(facts.cpu)),
            ("kernel", DoctorFact::Text(facts.kernel)),
        ],
        advice,
    }
}

fn open_files() -> DoctorFinding {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((0, 0));
    let advice = (soft < ENOUGH_FILES).then(|| {
        format!(
            "each customer needs an open file: run `ulimit -n {}`",
            hard.min(65_536)
        )
    });
    DoctorFinding {
        what: "open files",
        found: format!("{soft} (up to {hard})"),
        facts: vec![
            ("soft_limit", DoctorFact::count(soft)),
            ("hard_limit", DoctorFact::count(hard)),
        ],
        advice,
    }
}

fn ports() -> DoctorFinding {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut ends = range.split_whitespace().filter_map(|end| end.parse::<u32>().ok());
    let (low, high) = (ends.next().unwrap_or(0), ends.next().unwrap_or(0));
    let count = high.saturating_sub(low);
    let advice = (count < ENOUGH_PORTS)
        .then(|| "each customer needs a local port: widen net.ipv4.ip_local_port_range".to_owned());
    DoctorFinding {
        what: "ports",
        found: format!("{low} to {high}"),
        facts: vec![
            ("lowest", DoctorFact::count(low.into())),
            ("highest", DoctorFact::count(high.into())),
        ],
        advice,
    }
}

fn cgroups() -> DoctorFinding {
    let version: u32 = if std::path::Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
        2
    } else {
        1
    };
    let readable = Cgroup::of(std::process::id()).is_some_and(|group| group.sample().is_ok());
    let (counters, advice) = if readable {
        ("readable", None)
    } else {
        let advice = "use process probes, which need no control group";
        ("no counters for this process", Some(advice.to_owned()))
    };
    DoctorFinding {
        what: "control groups",
        found: format!("version {version}, {counters}"),
        facts: vec![
            ("version", DoctorFact::count(version.into())),
            ("counters", DoctorFact::Text(counters.to_owned())),
        ],
        advice,
    }
}

fn stolen() -> DoctorFinding {
    let before = machine::ticks();
    std::thread::sleep(Duration::from_secs(1));
    let after = machine::ticks();
    let total = after.0.saturating_sub(before.0).max(1);
    let share = after.1.saturating_sub(before.1) as f64 / total as f64;
    let advice = (share > STOLEN).then(|| {
        "other virtual machines take processor time from this one: measure at another hour or on another \
         machine"
            .to_owned()
    });
    DoctorFinding {
        what: "stolen time",
        found: format!("{:.1} % over one second", share * 100.0),
        facts: vec![("share", DoctorFact::Number(share))],
        advice,
    }
}
