//! What `check` found: two versions of a target compared, and whether the change may go in.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    document::{Document, Header},
    estimate::Estimate,
    measurement::Machine,
    projection::{BreakPoint, MoneyEstimate},
};

/// Two versions of a target compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateReport {
    /// Kind, format and writer.
    pub header: Header,
    /// Name of the study.
    pub study: String,
    /// Where the gate ended.
    pub verdict: GateVerdict,
    /// Exit code of the program.
    pub exit: u8,
    /// Why nothing could be compared, or what kept the gate from a verdict, in a sentence; empty otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// What to do where nothing could be compared, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The old version: a revision, or a command.
    pub base: String,
    /// The new version.
    pub head: String,
    /// The machine that both ran on.
    pub machine: Machine,
    /// Blocks of four visits that were compared.
    pub blocks: usize,
    /// Visits that do not count, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub void_visits: Vec<String>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Relative standard deviation of a block's comparisons: the noise of this machine. `None` if too few
    /// blocks tell it.
    pub noise: Option<f64>,
    /// Demands compared, worst first.
    pub comparisons: Vec<DemandComparison>,
    /// What the visits measured: behaviour and resource of each demand in `visits`, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<GateSubject>,
    /// The demands in each visit, by block.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub visits: Vec<GateBlock>,
    /// Cost of 1,000 customers before and after; `None` if the study prices no configuration.
    pub money: Option<GateMoney>,
    /// Customers at which something first fails, before and after.
    pub room: Option<GateRoom>,
    /// What head costs and carries, where base is broken and nothing was compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_alone: Option<HeadAlone>,
    /// What differs between the versions' studies, in words, each with its exact effect where it has one:
    /// prices, rates, plans. It is no part of the verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exact: Vec<String>,
    /// Behaviours that are not compared, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// Doubts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caveats: Vec<String>,
}

impl Document for GateReport {
    const KIND: &'static str = "nest.check";
    const FORMAT: u32 = 1;
    const MADE_BY_VERB: &str = "check";
}

/// Where a gate, or one of its comparisons, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GateVerdict {
    /// Demand has grown for certain, and by more than the limit.
    Fail,
    /// Demand has for certain grown by less than the limit.
    Pass,
    /// Neither is certain.
    Unclear,
    /// Nothing could be compared: a version does not build, start or answer, or the check ended early.
    Void,
}

/// What of a demand is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ComparedDemand {
    /// Demand of one execution.
    Demand,
    /// How much more demand grows from the smallest stored size to the largest, as a share of base's demand
    /// at the largest.
    Growth,
}

/// One demand compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DemandComparison {
    /// The behaviour; `None` for the whole mix.
    pub behaviour: Option<String>,
    /// Tier and kind: `app/cpu`.
    pub resource: String,
    /// Unit of the demands: `s` or `bytes`.
    pub unit: String,
    /// What is compared.
    pub kind: ComparedDemand,
    /// Base's demand by one execution, a geometric mean over visits.
    pub base: f64,
    /// Head's.
    pub head: f64,
    /// Relative change (0.1 is 10 % more); of a growth, a share of base's demand.
    pub change: f64,
    /// Lower end of its 90 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Change that is tolerated.
    pub limit: f64,
    /// Share of the resource's use on the plain mix, 0 to 1.
    pub share: f64,
    /// Where it ended; `None` if it is shown but not judged.
    pub verdict: Option<GateVerdict>,
    /// Blocks in all from which on it would be clear; `None` if it is, or is not judged.
    pub blocks_needed: Option<usize>,
    /// The least limit that it would pass now.
    pub passing_limit: f64,
}

/// What one demand of a visit is of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateSubject {
    /// The behaviour; `None` for the whole mix.
    pub behaviour: Option<String>,
    /// Tier and kind: `app/cpu`.
    pub resource: String,
    /// Share of the resource's use on the plain mix, 0 to 1.
    pub share: f64,
    /// Change that is tolerated.
    pub limit: f64,
}

/// The demands in four visits, in the order base, head, head, base.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateBlock {
    /// Stored items at which all four were made; `None` if the study states no sizes.
    pub size: Option<f64>,
    /// The first and the last visit.
    pub base: [Vec<Option<GateDemand>>; 2],
    /// The second and the third visit.
    pub head: [Vec<Option<GateDemand>>; 2],
}

/// One demand in one visit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GateDemand {
    /// Use by one execution, in seconds or bytes, above 0; for the whole mix, use in a second of it.
    pub value: f64,
    /// Standard error that the visit itself shows, as a share of the value.
    pub relative_error: f64,
}

/// Behaviours that are not compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The behaviour.
    pub behaviour: String,
    /// Why, in words.
    pub reason: String,
}

/// Cost of 1,000 customers a month with each version, on the same draws of all else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionMoney {
    /// The configuration.
    pub config: String,
    /// Currency code.
    pub currency: String,
    /// How many customers there are.
    pub customers: f64,
    /// The day of the growth scenario on which there are so many; `None` if the number was stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// With base.
    pub before: MoneyEstimate,
    /// With head.
    pub after: MoneyEstimate,
    /// The difference, paired by draw.
    pub change: MoneyEstimate,
}

/// What head costs and carries, where base cannot be measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadAlone {
    /// The configuration.
    pub config: String,
    /// Currency code.
    pub currency: String,
    /// How many customers there are.
    pub customers: f64,
    /// The day of the growth scenario on which there are so many; `None` if the number was stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// Cost of 1,000 customers a month.
    pub cost: MoneyEstimate,
    /// Customers at which something first fails; `None` if nothing does within the search.
    pub room: Option<BreakPoint>,
}

/// Customers at which something first fails with each version, on the same draws of all else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionRoom {
    /// With base; `None` if nothing fails within the search.
    pub before: Option<BreakPoint>,
    /// With head.
    pub after: Option<BreakPoint>,
    /// Relative change, paired by draw.
    pub change: Option<Estimate>,
    /// Change of the day on which growth gets there, in days, paired by draw.
    pub date_change_days: Option<Estimate>,
}

/// Cost before and after, with its judgement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateMoney {
    /// The amounts.
    #[serde(flatten)]
    pub money: VersionMoney,
    /// Growth that is tolerated, as a share; `None` if it is not judged.
    pub limit: Option<f64>,
    /// Where it ended.
    pub verdict: Option<GateVerdict>,
}

/// Room before and after, with its judgement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateRoom {
    /// The limits.
    #[serde(flatten)]
    pub room: VersionRoom,
    /// Drop that is tolerated, as a share; `None` if it is not judged.
    pub limit: Option<f64>,
    /// Where it ended.
    pub verdict: Option<GateVerdict>,
}

/// How much equal versions differ on one machine: what `check --calibrate` saves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateNoise {
    /// Kind, format and writer.
    pub header: Header,
    /// Relative standard deviation of a block's comparisons, above 0.
    pub deviation: f64,
    /// Blocks that showed it.
    pub blocks: usize,
    /// Model name of the processor; the noise of another says nothing.
    pub cpu: String,
}

impl Document for GateNoise {
    const KIND: &'static str = "nest.noise";
    const FORMAT: u32 = 1;
    const MADE_BY_VERB: &str = "check --calibrate";

    fn damage(&self) -> Option<String> {
        let fine = self.deviation > 0.0 && self.deviation < 1.0;
        (!fine).then(|| format!("a deviation of {}", self.deviation))
    }
}
