//! Reads what the target uses: processor, disk and memory of each tier, by process tree or by cgroup.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use nest_data::{
    Study,
    measurement::{Resource, ResourceKind},
    study::{Probe, ProbeKind},
};

use crate::LoadError;

pub mod cgroup;
pub mod machine;
pub mod process;

use cgroup::Cgroup;
use process::ProcessTree;

/// Counters of all tiers at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// When it was taken.
    pub at: Instant,
    /// By resource: busy-seconds or bytes since an unknown start, or resident bytes.
    pub values: BTreeMap<String, f64>,
    /// Processor time of the whole machine since it started, and the part that the hypervisor took, in ticks.
    pub machine_ticks: (u64, u64),
}

/// Counters of one tier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TierUse {
    /// Busy-seconds of processors.
    pub cpu_s: f64,
    /// Bytes read from and written to disk.
    pub disk_bytes: f64,
    /// Resident bytes.
    pub memory_bytes: f64,
}

/// Reads the resources of a study.
#[derive(Debug)]
pub struct Observer {
    tiers: Vec<(String, TierSource)>,
    resources: Vec<Resource>,
}

#[derive(Debug)]
enum TierSource {
    Tree(ProcessTree),
    Cgroup(Cgroup),
}

impl Observer {
    /// Finds the processes of a study's probes. `started` is the target that the study started; `port` the one it is
    /// reached at.
    ///
    /// # Errors
    /// [`LoadError::Probe`] where a process cannot be found.
    pub fn new(study: &Study, started: Option<u32>, port: u16) -> Result<Self, LoadError> {
        let default = Probe { tier: "app".to_owned(), kind: ProbeKind::Process, pid: None, port: None, cores: None, disk_bytes_per_s: None };
        let probes: Vec<&Probe> = if study.probes.is_empty() { vec![&default] } else { study.probes.values().collect() };
        let mut observer = Self { tiers: Vec::new(), resources: Vec::new() };
        for probe in probes {
            let root = match (probe.pid, probe.port, started) {
                (Some(pid), _, _) => pid,
                (None, Some(port), _) => process::listener(port)?,
                (None, None, Some(started)) => started,
                (None, None, None) => process::listener(port)?,
            };
            observer.add(probe, root)?;
        }
        Ok(observer)
    }

    fn add(&mut self, probe: &Probe, root: u32) -> Result<(), LoadError> {
        let mut tree = ProcessTree::new(root)?;
        let cgroup = Cgroup::of(root);
        let quota = cgroup.as_ref().and_then(Cgroup::cpu_quota);
        let cores = probe.cores.unwrap_or_else(|| quota.unwrap_or(f64::INFINITY).min(tree.cores() as f64));
        let memory = cgroup.as_ref().and_then(Cgroup::memory_limit).unwrap_or(f64::INFINITY).min(machine::memory_bytes() as f64);
        let capacities = [(ResourceKind::Cpu, Some(cores)), (ResourceKind::Disk, probe.disk_bytes_per_s), (ResourceKind::Memory, Some(memory))];
        for (kind, capacity) in capacities {
            self.resources.push(Resource { name: format!("{}/{}", probe.tier, kind.label()), tier: probe.tier.clone(), kind, capacity });
        }
        let source = match probe.kind {
            ProbeKind::Process => {
                tree.sample()?;
                TierSource::Tree(tree)
            }
            ProbeKind::Cgroup => {
                TierSource::Cgroup(cgroup.ok_or_else(|| LoadError::Probe { reason: format!("process {root} is in no cgroup that has counters") })?)
            }
        };
        self.tiers.push((probe.tier.clone(), source));
        Ok(())
    }

    /// The resources that are read, without those that the generator counts.
    #[must_use]
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// Whether every probed process is still there.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.tiers.iter().all(|(_, source)| match source {
            TierSource::Tree(tree) => tree.is_alive(),
            TierSource::Cgroup(_) => true,
        })
    }

    /// Reads all counters now.
    ///
    /// # Errors
    /// [`LoadError::Probe`] where a process is gone.
    pub fn sample(&mut self) -> Result<Sample, LoadError> {
        let mut values = BTreeMap::new();
        for (tier, source) in &mut self.tiers {
            let used = match source {
                TierSource::Tree(tree) => tree.sample()?,
                TierSource::Cgroup(cgroup) => cgroup.sample()?,
            };
            for (kind, value) in [(ResourceKind::Cpu, used.cpu_s), (ResourceKind::Disk, used.disk_bytes), (ResourceKind::Memory, used.memory_bytes)] {
                *values.entry(format!("{tier}/{}", kind.label())).or_insert(0.0) += value;
            }
        }
        Ok(Sample { at: Instant::now(), values, machine_ticks: machine::ticks() })
    }
}

impl Sample {
    /// Use of each resource between an earlier sample and this one: differences of flows, this sample's levels.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> BTreeMap<String, f64> {
        let of = |(name, value): (&String, &f64)| {
            let used =
                if name.ends_with(ResourceKind::Memory.label()) { *value } else { (value - earlier.values.get(name).unwrap_or(value)).max(0.0) };
            (name.clone(), used)
        };
        self.values.iter().map(of).collect()
    }

    /// Time since an earlier sample.
    #[must_use]
    pub fn elapsed_since(&self, earlier: &Self) -> Duration {
        self.at.saturating_duration_since(earlier.at)
    }

    /// Share of the machine's processor time that the hypervisor took since an earlier sample, 0-1.
    #[must_use]
    pub fn stolen_since(&self, earlier: &Self) -> f64 {
        let total = self.machine_ticks.0.saturating_sub(earlier.machine_ticks.0);
        let stolen = self.machine_ticks.1.saturating_sub(earlier.machine_ticks.1);
        if total == 0 { 0.0 } else { stolen as f64 / total as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_are_differences_and_memory_is_a_level() {
        let sample = |cpu: f64, memory: f64, ticks| Sample {
            at: Instant::now(),
            values: [("app/cpu".to_owned(), cpu), ("app/memory".to_owned(), memory)].into_iter().collect(),
            machine_ticks: ticks,
        };
        let (earlier, later) = (sample(1.0, 100.0, (1_000, 10)), sample(3.5, 80.0, (1_200, 30)));
        assert_eq!(later.since(&earlier), [("app/cpu".to_owned(), 2.5), ("app/memory".to_owned(), 80.0)].into_iter().collect());
        assert_eq!(later.stolen_since(&earlier), 0.1);
        assert_eq!(earlier.stolen_since(&later), 0.0);
    }
}
