//! Reads what the target uses: processor, disk and memory of each tier, by process tree, by control group or
//! by metrics.

use std::{collections::BTreeMap, time::Instant};

use nest_data::{
    Study,
    measurement::{Resource, ResourceKind},
    study::probe::Figure,
    study::{Probe, ProbeKind},
};

use crate::{
    engine::interrupt::Interrupt,
    error::LoadError,
    http::fetch::{Fetcher, Page},
};

pub mod cgroup;
pub mod exposition;
pub mod machine;
pub mod members;
pub mod process;
pub mod sample;
pub(crate) mod threads;

mod overlap;
mod prometheus;
mod query;
mod trouble;

use cgroup::Cgroup;
use exposition::MetricSeries;
use members::Members;
use process::ProcessTree;
use prometheus::MetricsEndpoint;
pub use sample::{CounterPoint, ProbeReading, Sample, WindowUsage};
use trouble::Trouble;

/// The series in an answer of a Prometheus server's query API: for checks from outside.
///
/// # Errors
/// What the answer is instead.
pub fn server_answer(status: u16, text: &str) -> Result<Vec<MetricSeries>, String> {
    let page = Page {
        status,
        text: text.to_owned(),
        at: Instant::now(),
    };
    query::parse(&page).map_err(|trouble| match trouble {
        Trouble::Status(status) => format!("status {status}"),
        Trouble::NoAnswer(what) | Trouble::Unreadable(what) | Trouble::Refused(what) => what,
    })
}

/// Counters of one local tier since an unknown start. What the system does not count is none, never 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TierUse {
    /// Busy-seconds of processors.
    pub cpu_s: f64,
    /// Bytes read from and written to disk.
    pub disk_bytes: Option<f64>,
    /// Resident bytes.
    pub memory_bytes: Option<f64>,
    /// Seconds of waiting for a processor.
    pub waiting_s: Option<f64>,
    /// Seconds held back by a processor quota.
    pub throttled_s: Option<f64>,
    /// How often use was lost between two samples, and what was the last time.
    pub breaks: (u64, String),
}

/// Reads the resources of a study.
#[derive(Debug)]
pub struct Observer {
    tiers: Vec<LocalTier>,
    endpoints: Vec<MetricsEndpoint>,
    fetcher: Option<Fetcher>,
    interrupt: Interrupt,
    resources: Vec<Resource>,
    start: Instant,
}

/// A tier that runs on this machine.
#[derive(Debug)]
struct LocalTier {
    name: String,
    source: LocalSource,
    figures: Vec<Figure>, // what the first sample had
}

#[derive(Debug)]
enum LocalSource {
    /// A process tree, and the group whose quota holds it.
    Tree(ProcessTree, Option<Cgroup>),
    Group(Cgroup, Members),
}

impl Observer {
    /// Finds the processes of a study's probes, and reads its metrics once. `started` is the target that the
    /// study started; `port` the one it is reached at. Metrics are not waited for if a stop is asked for.
    ///
    /// # Errors
    /// [`LoadError::Probe`] if a process cannot be found, or metrics do not answer or are not there.
    pub fn new(
        study: &Study,
        started: Option<u32>,
        port: u16,
        interrupt: &Interrupt,
    ) -> Result<Self, LoadError> {
        let default = [("app".to_owned(), Probe::default())].into_iter().collect();
        let probes = if study.probes.is_empty() {
            &default
        } else {
            &study.probes
        };
        let mut observer = Self {
            tiers: Vec::new(),
            endpoints: Vec::new(),
            fetcher: None,
            interrupt: interrupt.clone(),
            resources: Vec::new(),
            start: Instant::now(),
        };
        for (name, probe) in probes {
            if probe.kind == ProbeKind::Prometheus {
                observer.add_endpoint(name, probe)?;
                continue;
            }
            let root = match (probe.pid, probe.port, started) {
                (Some(pid), _, _) => pid,
                (None, Some(port), _) => process::listener(port)?,
                (None, None, Some(started)) => started,
                (None, None, None) => process::listener(port)?,
            };
            observer.add_local(probe, root)?;
        }
        Ok(observer)
    }

    fn add_local(&mut self, probe: &Probe, root: u32) -> Result<(), LoadError> {
        let tree = ProcessTree::new(root)?;
        let group = Cgroup::of(root);
        let quota = group.as_ref().and_then(Cgroup::cpu_quota);
        let cores = probe
            .cores
            .unwrap_or_else(|| quota.unwrap_or(f64::INFINITY).min(tree.cores() as f64));
        let memory = group
            .as_ref()
            .and_then(Cgroup::memory_limit)
            .unwrap_or(f64::INFINITY)
            .min(machine::memory_bytes() as f64);
        let mut source = match (probe.kind, group) {
            (ProbeKind::Cgroup, Some(group)) => LocalSource::Group(group, Members::default()),
            (ProbeKind::Cgroup, None) => {
                return Err(LoadError::Probe {
                    reason: format!("process {root} is in no cgroup that has counters"),
                });
            }
            (_, group) => LocalSource::Tree(tree, group),
        };
        let figures: Vec<Figure> = source
            .sample()?
            .figures()
            .into_iter()
            .map(|(figure, _)| figure)
            .collect();
        self.add_resources(
            probe,
            &figures,
            [Some(cores), probe.disk_bytes_per_s, Some(memory)],
        );
        self.tiers.push(LocalTier {
            name: probe.tier.clone(),
            source,
            figures,
        });
        Ok(())
    }

    fn add_endpoint(&mut self, name: &str, probe: &Probe) -> Result<(), LoadError> {
        let fetcher = match self.fetcher.take() {
            Some(fetcher) => fetcher,
            None => Fetcher::new(self.interrupt.clone())?,
        };
        let mut endpoint = MetricsEndpoint::new(name, probe, self.start);
        endpoint.check(&fetcher)?;
        self.fetcher = Some(fetcher);
        self.add_resources(
            probe,
            &endpoint.figures().collect::<Vec<_>>(),
            [probe.cores, probe.disk_bytes_per_s, None],
        );
        self.endpoints.push(endpoint);
        Ok(())
    }

    /// Lists those of a tier's resources that are read, with the capacities of processor, disk and memory.
    fn add_resources(&mut self, probe: &Probe, figures: &[Figure], capacities: [Option<f64>; 3]) {
        let kinds = [
            (Figure::Cpu, ResourceKind::Cpu),
            (Figure::Disk, ResourceKind::Disk),
            (Figure::Memory, ResourceKind::Memory),
        ];
        for ((_, kind), capacity) in kinds
            .into_iter()
            .zip(capacities)
            .filter(|((figure, _), _)| figures.contains(figure))
        {
            self.resources.push(Resource {
                name: kind.name_in(&probe.tier),
                tier: probe.tier.clone(),
                kind,
                capacity,
            });
        }
        let counters = probe
            .counts
            .keys()
            .map(|count| Resource::counter(&probe.tier, count));
        self.resources.extend(counters);
    }

    /// The resources that are read, without those that the generator counts.
    #[must_use]
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// Whether every probed process is still there.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.tiers.iter().all(|tier| match &tier.source {
            LocalSource::Tree(tree, _) => tree.is_alive(),
            LocalSource::Group(..) => true,
        })
    }

    /// Whether a local tier is stopped (SIGSTOP): every process that does its work, as of the last sample.
    /// Cheap enough to be asked many times a second. Tiers that are read by metrics are not looked at.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped_tier().is_some()
    }

    /// The first local tier that is stopped, as [`Self::is_stopped`] finds it.
    #[must_use]
    pub fn stopped_tier(&self) -> Option<&str> {
        let is_stopped = |tier: &&LocalTier| match &tier.source {
            LocalSource::Tree(tree, _) => tree.is_stopped(),
            LocalSource::Group(_, members) => members.is_stopped(),
        };
        self.tiers.iter().find(is_stopped).map(|tier| tier.name.as_str())
    }

    /// Threads that have done the work of each local tier since the first sample, as of the last.
    #[must_use]
    pub fn working_threads(&self) -> BTreeMap<String, u32> {
        let working = |tier: &LocalTier| match &tier.source {
            LocalSource::Tree(tree, _) => tree.working_threads(),
            LocalSource::Group(_, members) => members.working_threads(),
        };
        self.tiers
            .iter()
            .filter_map(|tier| Some((tier.name.clone(), working(tier)?)))
            .collect()
    }

    /// Reads all counters now: local ones first, then all metrics at the same time. Metrics that do not
    /// answer are a gap.
    ///
    /// # Errors
    /// [`LoadError::Probe`] or [`LoadError::Read`] if a local process or group is gone.
    pub fn sample(&mut self) -> Result<Sample, LoadError> {
        let local = self
            .tiers
            .iter_mut()
            .map(|tier| tier.source.sample())
            .collect::<Result<Vec<_>, _>>()?;
        let (at, machine_ticks) = (Instant::now(), machine::ticks());
        let at_s = at.saturating_duration_since(self.start).as_secs_f64();
        let mut readings = BTreeMap::new();
        for (tier, used) in self.tiers.iter().zip(&local) {
            readings.extend(tier.readings(used, at_s));
        }
        if let Some(fetcher) = &self.fetcher {
            let requests: Vec<Vec<String>> = self.endpoints.iter().map(MetricsEndpoint::requests).collect();
            let mut answers = fetcher.fetch(&requests.concat()).into_iter();
            for (endpoint, requests) in self.endpoints.iter().zip(requests) {
                let own = answers.by_ref().take(requests.len()).collect();
                readings.extend(
                    endpoint
                        .readings(own)
                        .into_iter()
                        .map(|(figure, reading)| ((endpoint.tier.clone(), figure), reading)),
                );
            }
        }
        Ok(Sample {
            at,
            readings,
            machine_ticks,
        })
    }
}

impl LocalTier {
    /// Readings of what the first sample had, and missing ones if that is not there any more.
    fn readings(&self, used: &TierUse, at_s: f64) -> BTreeMap<(String, Figure), ProbeReading> {
        let now: BTreeMap<Figure, f64> = used.figures().into_iter().collect();
        let reading = |figure: &Figure| {
            let reading = match (now.get(figure), figure) {
                // What ended processes waited is not counted anyway, and a group's throttling goes on without
                // them.
                (Some(value), Figure::Cpu | Figure::Disk) => {
                    ProbeReading::single(*value, at_s).with_breaks(&used.breaks)
                }
                (Some(value), _) => ProbeReading::single(*value, at_s),
                (None, _) => ProbeReading::Missing(format!(
                    "{}/{} could not be read from the system",
                    self.name,
                    figure.key()
                )),
            };
            ((self.name.clone(), figure.clone()), reading)
        };
        self.figures.iter().map(reading).collect()
    }
}

impl LocalSource {
    fn sample(&mut self) -> Result<TierUse, LoadError> {
        match self {
            Self::Tree(tree, group) => Ok(TierUse {
                throttled_s: group.as_ref().and_then(Cgroup::throttled_s),
                ..tree.sample()?
            }),
            Self::Group(group, members) => {
                let used = group.sample()?;
                members.update(
                    &group
                        .processes()
                        .into_iter()
                        .filter_map(|pid| Some((pid, process::busy_s(pid)?)))
                        .collect::<Vec<_>>(),
                );
                Ok(TierUse {
                    waiting_s: used.waiting_s.or(members.waiting_s()),
                    ..used
                })
            }
        }
    }
}

impl TierUse {
    /// What is known, by figure.
    fn figures(&self) -> Vec<(Figure, f64)> {
        let all = [
            (Figure::Cpu, Some(self.cpu_s)),
            (Figure::Disk, self.disk_bytes),
            (Figure::Memory, self.memory_bytes),
            (Figure::Waiting, self.waiting_s),
            (Figure::Throttled, self.throttled_s),
        ];
        all.into_iter()
            .filter_map(|(figure, value)| value.map(|value| (figure, value)))
            .collect()
    }
}
