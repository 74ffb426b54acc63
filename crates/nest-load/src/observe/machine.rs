//! Facts of the machine: processors, memory, kernel, time taken by the hypervisor.

use nest_data::measurement::Machine;
use procfs::{Current, CurrentSI};

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
