//! Probes: where the resource use of a tier is read, and which expressions give it from a metrics endpoint.

pub mod selector;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the resource use of one tier is read: a process, a cgroup, or a metrics endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Tier whose use the probe reads; each tier has one probe. [default: app]
    #[serde(default = "super::default_tier")]
    pub tier: String,
    /// Kind of source. [default: process]
    #[serde(default)]
    pub kind: ProbeKind,
    /// Process ID to read. [default: found by `port`, otherwise the process that serves the base URL]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// TCP port on which the process to read listens, instead of `pid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Address of a metrics page in the Prometheus text format: `"http://127.0.0.1:9187/metrics"`
    /// (prometheus).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scrape: Option<String>,
    /// Address of a Prometheus server to query, instead of `scrape`: `"http://127.0.0.1:9090"` (prometheus).
    /// Windows must be much longer than its scrape interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Exporter whose metrics are read, instead of or together with `collect` (prometheus).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// Labels that the preset's series must have, with their values: `{ name = "db" }` (prometheus).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub only: BTreeMap<String, String>,
    /// Expressions to read: `{ cpu = "process_cpu_seconds_total", memory = ".." }` (prometheus). They replace
    /// the preset's expressions of the same names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collect: Option<Collect>,
    /// Counters of what the tier causes elsewhere, by a name of your own, each with its expression:
    /// `{ queued = "queue_messages_published_total" }` (prometheus). A meter is paid by one with driver
    /// `"counts"`: how much of it an execution of each behaviour causes is found by regression.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, String>,
    /// Cores that the tier can use, 0.01 or more; needed for processor time from metrics.
    /// [default: read from the affinity and the cgroup of the process]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.01))]
    pub cores: Option<f64>,
    /// Disk bytes per second that the tier can move, above 0. [default: unknown, disk has no utilisation]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_bytes_per_s: Option<f64>,
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            tier: super::default_tier(),
            kind: ProbeKind::default(),
            pid: None,
            port: None,
            scrape: None,
            query: None,
            preset: None,
            only: BTreeMap::new(),
            collect: None,
            counts: BTreeMap::new(),
            cores: None,
            disk_bytes_per_s: None,
        }
    }
}

/// Kind of source that a probe reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProbeKind {
    /// The process and all its children, from `/proc`.
    #[default]
    Process,
    /// The whole cgroup (v1 or v2) that the process is in.
    Cgroup,
    /// Metrics in the Prometheus text format (`scrape`), or from a Prometheus server (`query`).
    Prometheus,
}

/// Expressions that give the figures of a tier. With `scrape`, each is a selector
/// (`name{a="x", b!="y", c=~"x|y", d!~"z"}`) or a sum or difference of selectors, and adds up the series that
/// it selects. With `query`, it may be any PromQL that gives numbers. A plain selector is best: with it, a
/// scrape that Prometheus missed is seen as a gap.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Collect {
    /// Counter of processor seconds used, such as `process_cpu_seconds_total`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<String>,
    /// Gauge of memory in use, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// Counter of bytes read from and written to disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<String>,
    /// Counter of seconds for which threads waited for a processor; not part of processor time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<String>,
    /// Counter of seconds for which a CPU quota held threads back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttled: Option<String>,
}

/// A ready set of expressions for a common exporter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// One process that reports itself with a Prometheus client library: processor time and resident memory.
    Process,
    /// A whole machine, from node_exporter: processor time without idle, iowait and steal; memory that is not
    /// available; bytes of whole disks; time that threads waited for a processor.
    NodeExporter,
    /// A container, from cAdvisor. Select it with `only`, such as `only = { name = "db" }`. [default: the
    /// whole machine]
    Cadvisor,
}

/// Excludes devices of node_exporter and cAdvisor that sit on top of another device, or move no bytes of a
/// disk.
const STACKED: &str = "device!~\"(/dev/)?(mapper/|dm-|md|loop|ram|zram|sr|nbd).*\"";

/// The figure that an expression gives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// Processor seconds used.
    Cpu,
    /// Bytes of memory in use.
    Memory,
    /// Bytes read from and written to disk.
    Disk,
    /// Seconds for which threads waited for a processor.
    Waiting,
    /// Seconds for which a processor quota held threads back.
    Throttled,
    /// A counter of something else, by its name.
    Count(String),
}

impl Figure {
    /// Key under `collect` or `counts`.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Waiting => "waiting",
            Self::Throttled => "throttled",
            Self::Count(name) => name,
        }
    }
}

/// One expression that a probe reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    /// The figure that it gives.
    pub figure: Figure,
    /// The selector or PromQL, as written.
    pub text: String,
    /// Whether it is an error when the endpoint lacks it. Not every exporter has what a preset reads beyond
    /// processor time and memory.
    pub needed: bool,
}

impl Collect {
    /// The expressions that are given, each with its figure.
    #[must_use]
    pub fn given(&self) -> Vec<(Figure, &String)> {
        let all = [
            (Figure::Cpu, &self.cpu),
            (Figure::Memory, &self.memory),
            (Figure::Disk, &self.disk),
            (Figure::Waiting, &self.waiting),
            (Figure::Throttled, &self.throttled),
        ];
        all.into_iter()
            .filter_map(|(figure, text)| text.as_ref().map(|text| (figure, text)))
            .collect()
    }
}

impl Preset {
    /// The expressions of the preset, limited to series whose labels have the values of `only`.
    #[must_use]
    pub fn collect(self, only: &BTreeMap<String, String>) -> Collect {
        let of = |name: &str, more: &[&str]| selector(name, more, only);
        let sum = |names: [&str; 2], more: &[&str]| {
            Some(format!("{} + {}", of(names[0], more), of(names[1], more)))
        };
        match self {
            Self::Process => Collect {
                cpu: Some(of("process_cpu_seconds_total", &[])),
                memory: Some(of("process_resident_memory_bytes", &[])),
                ..Collect::default()
            },
            Self::NodeExporter => Collect {
                cpu: Some(of("node_cpu_seconds_total", &["mode!~\"idle|iowait|steal\""])),
                memory: Some(format!(
                    "{} - {}",
                    of("node_memory_MemTotal_bytes", &[]),
                    of("node_memory_MemAvailable_bytes", &[])
                )),
                disk: sum(
                    ["node_disk_read_bytes_total", "node_disk_written_bytes_total"],
                    &[STACKED],
                ),
                waiting: Some(of("node_schedstat_waiting_seconds_total", &[])),
                throttled: None,
            },
            Self::Cadvisor => {
                // Cgroups are nested and each counts those below it: only the root stands for the whole
                // machine.
                let root: &[&str] = if only.is_empty() { &["id=\"/\""] } else { &[] };
                Collect {
                    cpu: Some(of("container_cpu_usage_seconds_total", root)),
                    memory: Some(of("container_memory_working_set_bytes", root)),
                    disk: sum(
                        [
                            "container_fs_reads_bytes_total",
                            "container_fs_writes_bytes_total",
                        ],
                        &[root, &[STACKED]].concat(),
                    ),
                    waiting: Some(of("container_pressure_cpu_waiting_seconds_total", root)),
                    throttled: Some(of("container_cpu_cfs_throttled_seconds_total", root)),
                }
            }
        }
    }
}

impl Probe {
    /// Everything that the probe reads from its endpoint: the preset's expressions, replaced by those under
    /// `collect`, and its counters.
    #[must_use]
    pub fn expressions(&self) -> Vec<Expression> {
        let preset = self
            .preset
            .map(|preset| preset.collect(&self.only))
            .unwrap_or_default();
        let written = self.collect.as_ref().map(Collect::given).unwrap_or_default();
        let mut found: BTreeMap<Figure, Expression> = BTreeMap::new();
        for (figure, text) in preset.given() {
            let needed = matches!(figure, Figure::Cpu | Figure::Memory);
            let text = text.clone();
            found.insert(figure.clone(), Expression { figure, text, needed });
        }
        let counts = self
            .counts
            .iter()
            .map(|(name, text)| (Figure::Count(name.clone()), text));
        for (figure, text) in written.into_iter().chain(counts) {
            let (text, needed) = (text.clone(), true);
            found.insert(figure.clone(), Expression { figure, text, needed });
        }
        found.into_values().collect()
    }
}

fn selector(name: &str, conditions: &[&str], only: &BTreeMap<String, String>) -> String {
    let only = only
        .iter()
        .map(|(label, value)| format!("{label}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")));
    let conditions: Vec<String> = conditions
        .iter()
        .map(|&condition| condition.to_owned())
        .chain(only)
        .collect();
    if conditions.is_empty() {
        name.to_owned()
    } else {
        format!("{name}{{{}}}", conditions.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::probe::selector::Selection;

    /// Series as the exporters write them; from the test fixtures of node_exporter and cAdvisor.
    const SERIES: [(&str, &[(&str, &str)]); 9] = [
        ("node_cpu_seconds_total", &[("cpu", "0"), ("mode", "user")]),
        ("node_cpu_seconds_total", &[("cpu", "0"), ("mode", "idle")]),
        ("node_cpu_seconds_total", &[("cpu", "1"), ("mode", "iowait")]),
        ("node_disk_read_bytes_total", &[("device", "sda")]),
        ("node_disk_read_bytes_total", &[("device", "dm-0")]),
        ("node_disk_written_bytes_total", &[("device", "nvme0n1")]),
        (
            "container_cpu_usage_seconds_total",
            &[("cpu", "total"), ("id", "/"), ("name", "")],
        ),
        (
            "container_cpu_usage_seconds_total",
            &[
                ("cpu", "total"),
                (
                    "id",
                    "/docker/40af7cdcbe507acad47a5a62025743ad3ddc6ab93b77b21363aa1c1d641047c9",
                ),
                ("name", "db"),
            ],
        ),
        (
            "container_fs_writes_bytes_total",
            &[("device", "/dev/sda"), ("id", "/docker/40af"), ("name", "db")],
        ),
    ];

    fn picked(text: &Option<String>) -> Vec<usize> {
        let selection: Selection = text
            .as_ref()
            .expect("the preset has it")
            .parse()
            .expect("a selection");
        let owned = |labels: &[(&str, &str)]| {
            labels
                .iter()
                .map(|(label, value)| ((*label).to_owned(), (*value).to_owned()))
                .collect::<Vec<_>>()
        };
        let picks = |(name, labels): &(&str, &[(&str, &str)])| {
            selection
                .plus
                .iter()
                .any(|selector| selector.picks(name, &owned(labels)))
        };
        SERIES
            .iter()
            .enumerate()
            .filter(|(_, series)| picks(series))
            .map(|(index, _)| index)
            .collect()
    }

    #[test]
    fn presets_count_nothing_twice_and_nothing_idle() {
        let node = Preset::NodeExporter.collect(&BTreeMap::new());
        assert_eq!((picked(&node.cpu), picked(&node.disk)), (vec![0], vec![3, 5]));
        let machine = Preset::Cadvisor.collect(&BTreeMap::new());
        assert_eq!((picked(&machine.cpu), picked(&machine.disk)), (vec![6], vec![]));
        let only = [("name".to_owned(), "db".to_owned())].into_iter().collect();
        let container = Preset::Cadvisor.collect(&only);
        assert_eq!(
            (picked(&container.cpu), picked(&container.disk)),
            (vec![7], vec![8])
        );
    }

    #[test]
    fn every_expression_of_a_preset_is_a_selection_whatever_the_labels_hold() {
        let only = [("name".to_owned(), "a\"b\\c}".to_owned())].into_iter().collect();
        for preset in [Preset::Process, Preset::NodeExporter, Preset::Cadvisor] {
            for (figure, text) in preset.collect(&only).given() {
                let selection: Selection = text.parse().expect("a selection");
                assert!(
                    figure == Figure::Memory || selection.minus.is_empty(),
                    "a counter may not fall: {text}"
                );
            }
        }
    }
}
