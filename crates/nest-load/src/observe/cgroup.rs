//! Counters and limits of a control group, versions 1 and 2.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::{error::LoadError, observe::TierUse};

/// Where control groups are mounted.
const ROOT: &str = "/sys/fs/cgroup";

/// The control group of a process: one folder (v2) or one for each controller (v1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cgroup {
    unified: Option<PathBuf>,
    cpu_time: Option<PathBuf>,
    cpu_quota: Option<PathBuf>,
    memory: Option<PathBuf>,
    block: Option<PathBuf>,
}

impl Cgroup {
    /// The group of a process; none if no controller of it can be read.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        let memberships = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let group = Self::from_memberships(&memberships, Path::new(ROOT));
        (group.unified.is_some() || group.cpu_time.is_some()).then_some(group)
    }

    /// Finds the folders that `/proc/PID/cgroup` names below `root`, and that exist.
    fn from_memberships(memberships: &str, root: &Path) -> Self {
        let place = |controller: &str| {
            let path = v1_path(memberships, controller)?;
            [controller.to_owned(), "cpu,cpuacct".to_owned()]
                .into_iter()
                .filter(|folder| folder == controller || controller.starts_with("cpu"))
                .map(|folder| root.join(folder).join(path.trim_start_matches('/')))
                .find(|folder| folder.is_dir())
        };
        let unified = v2_path(memberships)
            .map(|path| root.join(path.trim_start_matches('/')))
            .filter(|folder| folder.join("cpu.stat").is_file() && folder.join("memory.current").is_file());
        Self {
            unified,
            cpu_time: place("cpuacct"),
            cpu_quota: place("cpu"),
            memory: place("memory"),
            block: place("blkio"),
        }
    }

    /// Cores that the group may use, if it is limited.
    #[must_use]
    pub fn cpu_quota(&self) -> Option<f64> {
        if let Some(folder) = &self.unified {
            return parse_cpu_max(&read(folder, "cpu.max").ok()?);
        }
        let folder = self.cpu_quota.as_ref()?;
        let number = |file| read(folder, file).ok()?.trim().parse::<f64>().ok();
        let (quota, period) = (number("cpu.cfs_quota_us")?, number("cpu.cfs_period_us")?);
        (quota > 0.0 && period > 0.0).then(|| quota / period)
    }

    /// Bytes of memory that the group may use, if it is limited.
    #[must_use]
    pub fn memory_limit(&self) -> Option<f64> {
        let (folder, file) = match (&self.unified, &self.memory) {
            (Some(folder), _) => (folder, "memory.max"),
            (None, Some(folder)) => (folder, "memory.limit_in_bytes"),
            (None, None) => return None,
        };
        // Version 1 writes a number near 2^63 for no limit.
        read(folder, file)
            .ok()?
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|limit| *limit < 1e18)
    }

    /// Reads the group's counters. Waiting is known from version 2 only: seconds in which at least one thread
    /// waited.
    ///
    /// # Errors
    /// [`LoadError::Read`] if a file cannot be read, [`LoadError::Probe`] if it is not understood.
    pub fn sample(&self) -> Result<TierUse, LoadError> {
        let odd = |what: &str| LoadError::Probe {
            reason: format!("the control group's {what} is not understood"),
        };
        let whole =
            |folder: &Path, file: &str| read(folder, file)?.trim().parse::<f64>().map_err(|_| odd(file));
        let breaks = (0, String::new());
        if let Some(folder) = &self.unified {
            let stat = read(folder, "cpu.stat")?;
            return Ok(TierUse {
                cpu_s: parse_stat(&stat, "usage_usec").ok_or_else(|| odd("cpu.stat"))? * 1e-6,
                disk_bytes: read(folder, "io.stat").ok().map(|text| parse_io_stat(&text)),
                memory_bytes: Some(whole(folder, "memory.current")?),
                waiting_s: read(folder, "cpu.pressure")
                    .ok()
                    .and_then(|text| parse_pressure(&text)),
                throttled_s: self.throttled_s(),
                breaks,
            });
        }
        let folder = self.cpu_time.as_ref().ok_or_else(|| odd("place"))?;
        let memory = self
            .memory
            .as_ref()
            .map(|folder| whole(folder, "memory.usage_in_bytes"));
        // Processor time and memory are those of the groups below too, so bytes must be.
        let bytes = |folder: &PathBuf| {
            let files = [
                "blkio.throttle.io_service_bytes_recursive",
                "blkio.throttle.io_service_bytes",
            ];
            files.into_iter().find_map(|file| read(folder, file).ok())
        };
        Ok(TierUse {
            cpu_s: whole(folder, "cpuacct.usage")? * 1e-9,
            disk_bytes: self.block.as_ref().and_then(bytes).map(|text| parse_blkio(&text)),
            memory_bytes: memory.transpose()?,
            waiting_s: None,
            throttled_s: self.throttled_s(),
            breaks,
        })
    }

    /// Seconds for which the group's quota held it back, since it was made; none if it is not counted.
    #[must_use]
    pub fn throttled_s(&self) -> Option<f64> {
        match (&self.unified, &self.cpu_quota) {
            (Some(folder), _) => parse_stat(&read(folder, "cpu.stat").ok()?, "throttled_usec")
                .map(|microseconds| microseconds * 1e-6),
            (None, Some(folder)) => parse_stat(&read(folder, "cpu.stat").ok()?, "throttled_time")
                .map(|nanoseconds| nanoseconds * 1e-9),
            (None, None) => None,
        }
    }

    /// The processes of the group and of those below it.
    #[must_use]
    pub fn processes(&self) -> BTreeSet<u32> {
        let mut found = BTreeSet::new();
        let mut folders: Vec<PathBuf> = self
            .unified
            .iter()
            .chain(&self.cpu_time)
            .take(1)
            .cloned()
            .collect();
        while let Some(folder) = folders.pop() {
            let listed = read(&folder, "cgroup.procs").unwrap_or_default();
            found.extend(listed.lines().filter_map(|line| line.trim().parse::<u32>().ok()));
            let below = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            folders.extend(
                below
                    .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
                    .map(|entry| entry.path()),
            );
        }
        found
    }
}

fn read(folder: &Path, file: &str) -> Result<String, LoadError> {
    let path = folder.join(file);
    std::fs::read_to_string(&path).map_err(|source| LoadError::Read {
        what: path.display().to_string(),
        source,
    })
}

/// Path of the unified hierarchy in `/proc/PID/cgroup`.
fn v2_path(memberships: &str) -> Option<&str> {
    memberships.lines().find_map(|line| line.strip_prefix("0::"))
}

/// Path of one controller of version 1 in `/proc/PID/cgroup`.
fn v1_path<'a>(memberships: &'a str, controller: &str) -> Option<&'a str> {
    memberships.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        controllers
            .split(',')
            .any(|one| one == controller)
            .then_some(path)
    })
}

/// Cores of `cpu.max`: quota over period, none for `max`.
fn parse_cpu_max(text: &str) -> Option<f64> {
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period) = (quota.parse::<f64>().ok()?, period.parse::<f64>().ok()?);
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

/// One number of `cpu.stat`.
fn parse_stat(text: &str, key: &str) -> Option<f64> {
    text.lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

/// Seconds in which at least one thread waited, of `cpu.pressure`.
fn parse_pressure(text: &str) -> Option<f64> {
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let microseconds: f64 = some
        .split_whitespace()
        .find_map(|field| field.strip_prefix("total="))?
        .parse()
        .ok()?;
    Some(microseconds * 1e-6)
}

/// Bytes read and written of `io.stat`, over all devices.
fn parse_io_stat(text: &str) -> f64 {
    let value = |field: &str| {
        field
            .strip_prefix("rbytes=")
            .or(field.strip_prefix("wbytes="))
            .and_then(|bytes| bytes.parse::<f64>().ok())
    };
    text.split_whitespace().filter_map(value).sum()
}

/// Bytes read and written of `blkio.throttle.io_service_bytes`, over all devices.
fn parse_blkio(text: &str) -> f64 {
    let value = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let kind = fields.next()?;
        matches!(kind, "Read" | "Write")
            .then(|| fields.next()?.parse::<f64>().ok())
            .flatten()
    };
    text.lines().filter_map(value).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = "9:name=systemd:/\n7:blkio:/\n4:memory:/box\n2:cpu,cpuacct:/shop\n0::/\n";

    #[test]
    fn memberships_of_both_versions_are_found() {
        assert_eq!(v1_path(V1, "cpuacct"), Some("/shop"));
        assert_eq!(v1_path(V1, "memory"), Some("/box"));
        assert_eq!(v1_path(V1, "pids"), None);
        assert_eq!(
            v2_path("0::/system.slice/shop.service\n"),
            Some("/system.slice/shop.service")
        );
    }

    fn used(cpu_s: f64, disk_bytes: Option<f64>, memory_bytes: f64) -> TierUse {
        TierUse {
            cpu_s,
            disk_bytes,
            memory_bytes: Some(memory_bytes),
            ..TierUse::default()
        }
    }

    #[test]
    fn counters_of_version_two_are_read() {
        let stat = "usage_usec 2500000\nuser_usec 1\nnr_throttled 3\nthrottled_usec 40000\n";
        assert_eq!(
            (
                parse_stat(stat, "usage_usec"),
                parse_stat(stat, "throttled_usec"),
                parse_stat(stat, "user")
            ),
            (Some(2.5e6), Some(4e4), None)
        );
        let pressure = "some avg10=1.50 avg60=0.40 avg300=0.10 total=1250000\nfull avg10=0.00 avg60=0.00 \
         avg300=0.00 total=7\n";
        assert_eq!(
            (
                parse_pressure(pressure),
                parse_pressure("full avg10=0.00 total=7\n")
            ),
            (Some(1.25), None)
        );
        assert_eq!(parse_cpu_max("150000 100000\n"), Some(1.5));
        assert_eq!(parse_cpu_max("max 100000\n"), None);
        assert_eq!(
            parse_io_stat(
                "254:0 rbytes=100 wbytes=20 rios=3 wios=1 dbytes=0 dios=0\n8:0 rbytes=1 wbytes=2\n"
            ),
            123.0
        );
    }

    #[test]
    fn counters_of_version_one_are_read() {
        assert_eq!(
            parse_blkio("254:0 Read 100\n254:0 Write 20\n254:0 Sync 120\n254:0 Total 120\nTotal 120\n"),
            120.0
        );
    }

    #[test]
    fn a_group_of_version_one_reads_from_its_folders() {
        let root = std::env::temp_dir().join(format!("nest-cgroup-{}", std::process::id()));
        for (folder, file, text) in [
            ("cpu,cpuacct/shop", "cpuacct.usage", "1500000000\n"),
            ("cpu,cpuacct/shop", "cpu.cfs_quota_us", "50000\n"),
            (
                "cpu,cpuacct/shop",
                "cpu.stat",
                "nr_periods 9\nnr_throttled 5\nthrottled_time 2500000000\n",
            ),
            ("cpu,cpuacct/shop", "cgroup.procs", "7\n"),
            ("cpu,cpuacct/shop/below", "cgroup.procs", "8\n"),
            ("cpu,cpuacct/shop", "cpu.cfs_period_us", "100000\n"),
            ("memory/box", "memory.usage_in_bytes", "4096\n"),
            ("memory/box", "memory.limit_in_bytes", "9223372036854771712\n"),
        ] {
            std::fs::create_dir_all(root.join(folder)).expect("a folder");
            std::fs::write(root.join(folder).join(file), text).expect("a file");
        }
        let group = Cgroup::from_memberships(V1, &root);
        assert_eq!(
            group.sample().expect("counters"),
            TierUse {
                throttled_s: Some(2.5),
                ..used(1.5, None, 4096.0)
            }
        );
        assert_eq!(
            (group.throttled_s(), group.processes()),
            (Some(2.5), BTreeSet::from([7, 8]))
        );
        assert_eq!((group.cpu_quota(), group.memory_limit()), (Some(0.5), None));
        std::fs::remove_dir_all(&root).expect("cleaned up");
    }

    #[test]
    fn a_group_of_version_two_reads_from_its_folder() {
        let root = std::env::temp_dir().join(format!("nest-cgroup2-{}", std::process::id()));
        std::fs::create_dir_all(root.join("shop")).expect("a folder");
        for (file, text) in [
            ("cpu.stat", "usage_usec 2000000\n"),
            ("memory.current", "7\n"),
            ("io.stat", "1:0 rbytes=3 wbytes=4\n"),
            ("cpu.max", "max 100000\n"),
            ("memory.max", "1000\n"),
        ] {
            std::fs::write(root.join("shop").join(file), text).expect("a file");
        }
        let group = Cgroup::from_memberships("0::/shop\n", &root);
        assert_eq!(group.sample().expect("counters"), used(2.0, Some(7.0), 7.0));
        assert_eq!((group.cpu_quota(), group.memory_limit()), (None, Some(1000.0)));
        std::fs::remove_dir_all(&root).expect("cleaned up");
    }
}
