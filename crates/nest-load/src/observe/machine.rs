//! Facts of the machine: processors, memory, kernel, time taken by the hypervisor.

use nest_data::measurement::Machine;
use procfs::{Current, CurrentSI};

use super::cgroup::Cgroup;

/// Where Linux says how the first processor chooses its clock rate.
const GOVERNOR: &str = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";

/// What must stay as it is while versions are compared on a machine; what cannot be read is empty or `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct Conditions {
    /// Model name of the processor.
    pub cpu: String,
    /// Processors of the machine.
    pub cores: usize,
    /// How the clock rate is chosen: `performance`, `powersave`.
    pub governor: Option<String>,
    /// Cores that the control group of this process may use, if it is limited.
    pub quota: Option<f64>,
}

/// The conditions of this moment.
#[must_use]
pub fn conditions() -> Conditions {
    let Machine { cpu, cores, .. } = facts();
    let governor = std::fs::read_to_string(GOVERNOR).ok();
    Conditions {
        cpu,
        cores,
        governor: governor.map(|text| text.trim().to_owned()),
        quota: Cgroup::of(std::process::id()).and_then(|group| group.cpu_quota()),
    }
}

impl Conditions {
    /// What is no longer as it was, in words; `None` if nothing has changed.
    #[must_use]
    pub fn changed_to(&self, now: &Self) -> Option<String> {
        let quota = |quota: Option<f64>| quota.map_or_else(|| "none".to_owned(), |cores| cores.to_string());
        let governor = |governor: &Option<String>| governor.clone().unwrap_or_default();
        [
            ("processor", self.cpu.clone(), now.cpu.clone()),
            ("number of cores", self.cores.to_string(), now.cores.to_string()),
            (
                "frequency governor",
                governor(&self.governor),
                governor(&now.governor),
            ),
            ("CPU quota in cores", quota(self.quota), quota(now.quota)),
        ]
        .into_iter()
        .find(|(_, before, after)| before != after)
        .map(|(what, before, after)| format!("{what}: {before} before, {after} now"))
    }
}

/// Facts of this machine; what cannot be read is empty or 0.
#[must_use]
pub fn facts() -> Machine {
    let cpus = procfs::CpuInfo::current().ok();
    let cpu = cpus
        .as_ref()
        .and_then(|cpus| cpus.model_name(0))
        .unwrap_or("unknown processor")
        .to_owned();
    let kernel = procfs::sys::kernel::Version::current()
        .map(|version| format!("{}.{}.{}", version.major, version.minor, version.patch))
        .unwrap_or_default();
    Machine {
        cpu,
        cores: cpus.map_or(0, |cpus| cpus.num_cores()),
        memory_bytes: memory_bytes(),
        kernel,
    }
}

/// Memory in bytes.
#[must_use]
pub fn memory_bytes() -> u64 {
    procfs::Meminfo::current()
        .map(|memory| memory.mem_total)
        .unwrap_or(0)
}

/// Processor time since the machine started, and the part that the hypervisor took, in ticks.
#[must_use]
pub fn ticks() -> (u64, u64) {
    let Ok(stat) = procfs::KernelStats::current() else {
        return (0, 0);
    };
    let total = stat.total;
    let stolen = total.steal.unwrap_or(0);
    let sum = total.user
        + total.nice
        + total.system
        + total.idle
        + total.iowait.unwrap_or(0)
        + total.irq.unwrap_or(0)
        + total.softirq.unwrap_or(0)
        + stolen;
    (sum, stolen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_changes_is_seen() {
        let before = conditions();
        assert!(before.cores > 0, "{before:?}");
        assert_eq!(before.changed_to(&conditions()), None);
        let other = |change: &dyn Fn(&mut Conditions)| {
            let mut now = before.clone();
            change(&mut now);
            before.changed_to(&now).unwrap_or_default()
        };
        let seen = other(&|now| now.quota = Some(0.5));
        assert!(
            seen.starts_with("CPU quota in cores: ") && seen.ends_with(", 0.5 now"),
            "{seen}"
        );
        let seen = other(&|now| now.governor = Some("slow".to_owned()));
        assert!(
            seen.starts_with("frequency governor: ") && seen.ends_with(", slow now"),
            "{seen}"
        );
        let seen = other(&|now| now.cpu = "other".to_owned());
        assert!(
            seen.starts_with("processor: ") && seen.ends_with(", other now"),
            "{seen}"
        );
        assert!(other(&|now| now.cores += 1).starts_with("number of cores: "));
    }
}
