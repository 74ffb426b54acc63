//! What `compare runs` found: two runs compared by what one execution of each behaviour uses.

use serde::{Deserialize, Serialize};

use crate::{
    document::{Document, Header},
    estimate::Estimate,
    gate_report::{LeftOut, VersionMoney, VersionRoom},
    measurement::Machine,
};

/// Two runs of one study compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunsReport {
    /// Kind, format and writer.
    pub header: Header,
    /// Name of the study.
    pub study: String,
    /// The run that is compared with.
    pub before: ComparedRun,
    /// The run that is compared.
    pub after: ComparedRun,
    /// What else differs between the runs, in sentences: each may be the cause of a change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unlike: Vec<String>,
    /// Relative standard deviation of a demand from run to run of one version that the intervals take for
    /// granted.
    pub deviation: f64,
    /// Demands compared, the clearest change first.
    pub demands: Vec<RunDemand>,
    /// Cost of 1,000 customers before and after; `None` if the study prices no configuration.
    pub money: Option<VersionMoney>,
    /// Customers at which something first fails, before and after.
    pub room: Option<VersionRoom>,
    /// Behaviours that are not compared, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// Doubts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caveats: Vec<String>,
}

impl Document for RunsReport {
    const KIND: &'static str = "nest.runs";
    const FORMAT: u32 = 1;
    const MADE_BY_VERB: &str = "compare runs";
}

/// One of the two runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedRun {
    /// Its name.
    pub run: String,
    /// When it began, as in its measurements.
    pub started_at: String,
    /// Hash of the study that was measured.
    pub study_hash: String,
    /// Where it ran.
    pub machine: Machine,
    /// Steps that were measured.
    pub steps: usize,
}

/// One demand in both runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunDemand {
    /// The behaviour.
    pub behaviour: String,
    /// Tier and kind: `app/cpu`.
    pub resource: String,
    /// Unit of the demands: `s` or `bytes`.
    pub unit: String,
    /// Demand of one execution in the older run.
    pub before: Estimate,
    /// Demand of one execution in the newer run.
    pub after: Estimate,
    /// Relative change (0.1 is 10 % more), with its 90 % interval.
    pub change: Estimate,
    /// Whether the interval of the change leaves out 0.
    pub is_clear: bool,
}
