//! Resources: what a tier consumes, and the one place that makes and reads their names.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::DataError;

/// Most servers of one resource that are read: cores of a machine, workers of a pool. Formulas of queueing
/// count
/// them one by one. The largest machines that are rented have fewer than 2,000 cores.
pub const MOST_SERVERS: f64 = 10_000.0;

/// A resource of one tier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// Tier and kind as a [`ResourceName`] writes them: `app/cpu`.
    pub name: String,
    /// Tier that the resource belongs to.
    pub tier: String,
    /// What the resource is.
    pub kind: ResourceKind,
    /// Units in use at full utilisation: cores, bytes per second, or bytes. Without it the resource has no
    /// utilisation.
    pub capacity: Option<f64>,
}

impl Resource {
    /// A resource under the name that its tier and kind give it.
    #[must_use]
    pub fn new(tier: impl Into<String>, kind: ResourceKind, capacity: Option<f64>) -> Self {
        let tier = tier.into();
        Self {
            name: kind.name_in(&tier),
            tier,
            kind,
            capacity,
        }
    }
}

/// Kinds of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceKind {
    /// Processor time, in busy-seconds.
    Cpu,
    /// Bytes read from and written to disk.
    Disk,
    /// Bytes sent to customers, counted by the generator.
    Network,
    /// Resident bytes: a level, not a flow.
    Memory,
    /// Something that a counter of the study counts: its resource has the name of the counter, `queue/sent`.
    Count,
}

impl ResourceKind {
    /// Every kind that has a name of its own.
    pub const ALL: [Self; 4] = [Self::Cpu, Self::Disk, Self::Network, Self::Memory];

    /// The part of a resource's name after the tier.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Disk => "disk",
            Self::Network => "network",
            Self::Memory => "memory",
            Self::Count => "count",
        }
    }

    /// Unit of the demand of one execution.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Cpu => "s",
            Self::Disk | Self::Network | Self::Memory => "bytes",
            Self::Count => "counted",
        }
    }

    /// Name of the resource of this kind in a tier: `app/cpu`.
    #[must_use]
    pub fn name_in(self, tier: &str) -> String {
        format!("{tier}/{}", self.label())
    }
}

/// The name of a resource, taken apart: `app/cpu` is the processor of the tier `app`.
///
/// ```
/// use nest_data::measurement::{ResourceKind, ResourceName};
///
/// let name: ResourceName = "app/cpu".parse().unwrap();
/// assert_eq!((name.tier.as_str(), name.kind), ("app", ResourceKind::Cpu));
/// assert_eq!(name.to_string(), ResourceKind::Cpu.name_in("app"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourceName {
    /// Tier that the resource belongs to; not empty.
    pub tier: String,
    /// What the resource is.
    pub kind: ResourceKind,
}

impl Resource {
    /// A counter of a tier, by its name in the study.
    #[must_use]
    pub fn counter(tier: &str, count: &str) -> Self {
        Self {
            name: format!("{tier}/{count}"),
            tier: tier.to_owned(),
            kind: ResourceKind::Count,
            capacity: None,
        }
    }
}

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind.name_in(&self.tier))
    }
}

impl FromStr for ResourceName {
    type Err = DataError;

    /// Reads a name; the kind is what follows the last slash.
    fn from_str(text: &str) -> Result<Self, DataError> {
        let read = || {
            let (tier, label) = text.rsplit_once('/')?;
            let kind = ResourceKind::ALL.into_iter().find(|kind| kind.label() == label)?;
            (!tier.is_empty()).then(|| Self {
                tier: tier.to_owned(),
                kind,
            })
        };
        read().ok_or_else(|| DataError::Unreadable {
            value: text.to_owned(),
            expected: "the name of a resource, such as \"app/cpu\"",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_as_what_made_it() {
        for kind in ResourceKind::ALL {
            for tier in ["app", "db", "a/b"] {
                let name: ResourceName = kind.name_in(tier).parse().expect("a name");
                assert_eq!((name.tier.as_str(), name.kind), (tier, kind));
                assert_eq!(name.to_string(), Resource::new(tier, kind, None).name);
            }
        }
    }

    #[test]
    fn what_names_no_resource_is_refused() {
        for text in ["", "app", "app/", "/cpu", "app/gpu", "app/cpu "] {
            assert!(text.parse::<ResourceName>().is_err(), "{text}");
        }
    }
}
