//! What was fitted: service demand, the throughput law, response time against utilisation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    caveat::Caveat,
    document::{Document, Header},
    estimate::Estimate,
    measurement::{GeneratorMachine, MOST_SERVERS, Machine, Purpose, ResourceKind, Validity},
    study::Study,
};

/// The fitted model of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScalingModel {
    /// Kind, format and writer.
    pub header: Header,
    /// Run it was fitted from.
    pub run: String,
    /// When that run started, ISO 8601 in UTC.
    pub measured_at: String,
    /// SHA-256 of the measured behaviours, target and probes; a changed study needs a new run.
    pub measured_hash: String,
    /// The study as it was measured.
    pub study: Study,
    /// The machine it was measured on.
    pub machine: Machine,
    /// The machines of workers that offered the load; none if it came from `machine`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub generators: Vec<GeneratorMachine>,
    /// Demand on each resource.
    pub resources: Vec<ResourceModel>,
    /// What one execution of each behaviour sends, and how long it takes without queueing.
    pub behaviours: Vec<BehaviourFacts>,
    /// The throughput law.
    pub throughput: Option<ThroughputLaw>,
    /// Response-time quantiles against utilisation.
    pub quantiles: Vec<QuantileLaw>,
    /// Customer count at which executions start to fail; `None` if the steps do not show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_onset: Option<ErrorOnset>,
    /// The measured steps, as the report draws them.
    pub points: Vec<MeasuredPoint>,
    /// Forecasts compared with steps that were left out of the fit.
    pub checks: Vec<ForecastCheck>,
    /// How far the measurements reach.
    pub tested: Tested,
    /// How to draw the parameters of the fit jointly.
    pub draws: DrawPlan,
    /// Doubts, including those of the measurement.
    pub caveats: Vec<Caveat>,
}

impl Document for ScalingModel {
    const KIND: &'static str = "nest.scaling";
    const FORMAT: u32 = 3;
    const OLDEST_FORMAT: u32 = 3;
    const MADE_BY_VERB: &str = "fit";

    fn damage(&self) -> Option<String> {
        if !(1..=100_000).contains(&self.draws.count) {
            return Some(format!("{} draws", self.draws.count));
        }
        let falls = |own: &[f64; 3]| own[0] < 0.0 || !own.is_sorted();
        if let Some(law) = self.quantiles.iter().find(|law| {
            law.multiprogramming_level.is_some_and(|multiprogramming_level| {
                multiprogramming_level.is_nan() || multiprogramming_level < 1.0
            }) || law.service_quantiles.as_ref().is_some_and(falls)
        }) {
            return Some(format!(
                "the response times of {} do not hold together",
                law.behaviour
            ));
        }
        if let Some(servers) = self
            .servers()
            .find(|servers| !(*servers > 0.0 && *servers <= MOST_SERVERS))
        {
            return Some(format!("{servers} servers of a resource"));
        }
        let odd = self.resources.iter().find(|resource| {
            let growth = resource
                .size_dependence
                .as_ref()
                .map_or(0, |size| size.growth.len());
            let size = 1 + resource.demand.len() + usize::from(resource.load_dependence.is_some()) + growth;
            let square =
                resource.covariance.len() == size && resource.covariance.iter().all(|row| row.len() == size);
            !square
                || !(1.0..1e6).contains(&resource.degrees_of_freedom)
                || resource.capacity.is_some_and(|capacity| capacity <= 0.0)
        });
        odd.map(|resource| format!("the fit of {} does not hold together", resource.name))
    }
}

/// Service demand of every behaviour on one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResourceModel {
    /// Tier and kind: `app/cpu`.
    pub name: String,
    /// Tier it belongs to.
    pub tier: String,
    /// What it is.
    pub kind: ResourceKind,
    /// Units in use at full utilisation (cores, bytes/s, bytes).
    pub capacity: Option<f64>,
    /// Use without load: busy-seconds or bytes per second; for memory, resident bytes.
    pub idle: Estimate,
    /// Demand of one execution, by behaviour: seconds or bytes. For memory: resident bytes per execution a
    /// second.
    pub demand: BTreeMap<String, Estimate>,
    /// How demand depends on load; `None` if the steps show no dependence.
    pub load_dependence: Option<LoadDependence>,
    /// How demand depends on stored data; `None` if it was measured at one size, or the steps show no
    /// dependence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_dependence: Option<SizeDependence>,
    /// By how much memory keeps growing at constant load; `None` if the windows do not show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leak: Option<Leak>,
    /// Covariance of idle, demands, the slope over load and growth with stored data, in the order idle,
    /// behaviours by name, slope where there is one, growth by name.
    pub covariance: Vec<Vec<f64>>,
    /// Condition number of the design with columns scaled to length one; 1 is best.
    pub condition: f64,
    /// Whether the demands of single behaviours are reliable (condition up to 30). If not, only totals for
    /// measured mixes are.
    pub separable: bool,
    /// Steps that were fitted.
    pub fitted_steps: usize,
    /// Relative standard deviation between steps that the intervals include.
    pub between_steps: f64,
    /// Degrees of freedom of that deviation: repeats seen, or the six that the prior stands for.
    pub degrees_of_freedom: f64,
}

/// Demand that falls, or rises, as a resource fills.
///
/// # Formula
/// `D(U) = D (1 + slope (g(U) - mean_idleness))`, `g(U) = (1 - U)^2` where it falls and `U^2` where it rises.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LoadDependence {
    /// Relative change of demand from full to no utilisation, 0 to 1.
    pub slope: Estimate,
    /// g at which demands are stated, 0-1: its mean over the executions that were fitted.
    pub mean_idleness: f64,
    /// Whether demand rises (contention).
    #[serde(default, skip_serializing_if = "is_false")]
    pub rising: bool,
}

fn is_false(value: &bool) -> bool {
    !*value
}

/// Demand that grows with stored data.
///
/// # Formula
/// `D(S) = D + growth (S - reference)` where the shape is linear, `D + growth log2(S / reference)` where it
/// goes by doublings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SizeDependence {
    /// How it grows.
    pub shape: SizeShape,
    /// Stored items at which the demands of the resource are stated; above 0.
    pub reference: f64,
    /// Most stored items that were measured.
    pub largest: f64,
    /// Growth of the demand of one execution per item, or per doubling, by behaviour; the others do not grow.
    pub growth: BTreeMap<String, Estimate>,
}

/// How demand grows with stored data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SizeShape {
    /// By as much with every item: a scan.
    Linear,
    /// By as much with every doubling: a tree.
    Doubling,
}

impl SizeShape {
    /// What growth is multiplied by at `stored` items: items, or doublings, beyond `reference`. 0 for a size
    /// that is not above 0.
    #[must_use]
    pub fn growth(self, stored: f64, reference: f64) -> f64 {
        match self {
            _ if !(stored > 0.0 && reference > 0.0) => 0.0,
            Self::Linear => stored - reference,
            Self::Doubling => (stored / reference).log2(),
        }
    }
}

impl SizeDependence {
    /// What the demand of one execution of a behaviour has more, or less, at `stored` items than is stated.
    #[must_use]
    pub fn added(&self, behaviour: &str, stored: f64) -> f64 {
        self.growth.get(behaviour).map_or(0.0, |growth| {
            growth.value * self.shape.growth(stored, self.reference)
        })
    }
}

/// What a level keeps on growing by while the target runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leak {
    /// Behaviour whose executions leave something behind; none where it grows with time alone.
    pub behaviour: Option<String>,
    /// Bytes per execution, or per second where no behaviour is named.
    pub rate: Estimate,
    /// Two-sided p value of the Mann-Kendall test against no trend.
    pub p_value: f64,
}

/// Facts of one behaviour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BehaviourFacts {
    /// The behaviour.
    pub name: String,
    /// Requests per execution.
    pub requests: f64,
    /// Mean time of one request from sending, at light load, in seconds; `None` if none was completed.
    pub light_request_s: Option<f64>,
    /// What one execution adds to each count of the behaviour; a count that was never read is missing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, Estimate>,
}

/// Completed against offered executions, on the plain mix with open arrivals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThroughputLaw {
    /// Executions per second that one customer offers in the busiest minute.
    pub per_customer_per_s: f64,
    /// Largest number of executions per second, from demand: `min_k (c_k - idle_k) / sum_j share_j D_jk`.
    pub ceiling_per_s: Estimate,
    /// Customers at which that throughput is reached.
    pub saturation_customers: Estimate,
    /// Resource that binds there.
    pub binding: String,
    /// Largest number of executions per second on steps where the target could not keep up.
    pub plateau_per_s: Option<f64>,
    /// Customers at saturation from demand alone, if a hidden bottleneck lowers `saturation_customers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demand_customers: Option<Estimate>,
    /// A hidden bottleneck; `None` if the steps show no sign of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden_bottleneck: Option<HiddenBottleneck>,
}

/// A hidden bottleneck: a lock, a pool or a remote service that no probe reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HiddenBottleneck {
    /// Probability that it binds before every measured resource, 0-1.
    pub probability: f64,
    /// Customers at which it is full, given that it exists.
    pub customers: Estimate,
    /// Executions per second that pass through it when it is full.
    pub most_per_s: Estimate,
    /// The behaviour whose executions pass through it; `None` if all do, or it is not known which.
    pub behaviour: Option<String>,
    /// Seconds for which an execution holds it; `None` if only its plateau was seen.
    pub hold_s: Option<Estimate>,
    /// What points to it.
    pub evidence: BottleneckEvidence,
    /// Where it may be, as nodes to draw from.
    pub nodes: Vec<BottleneckNode>,
}

/// What points to a hidden bottleneck.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BottleneckEvidence {
    /// Throughput levelled off while the measured resources had room.
    Plateau,
    /// Response times grew faster than the measured resources explain.
    ResponseTimes,
}

impl ScalingModel {
    /// Numbers of servers that formulas of queueing count: cores, pools and places of a hidden bottleneck.
    fn servers(&self) -> impl Iterator<Item = f64> {
        let cores = self
            .resources
            .iter()
            .filter(|resource| resource.kind == ResourceKind::Cpu);
        let hidden = self
            .throughput
            .iter()
            .filter_map(|law| law.hidden_bottleneck.as_ref());
        cores
            .filter_map(|resource| resource.capacity)
            .chain(self.quantiles.iter().map(|law| law.servers))
            .chain(
                hidden
                    .flat_map(|hidden| &hidden.nodes)
                    .map(|node| f64::from(node.servers)),
            )
    }
}

/// One place at which a hidden bottleneck may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BottleneckNode {
    /// The behaviour whose executions pass through it; `None` if all do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behaviour: Option<String>,
    /// Executions per second that pass when it is full, above 0.
    pub most_per_s: f64,
    /// Executions that it takes at once.
    pub servers: u32,
    /// Probability of the node, given that there is a hidden bottleneck; over all nodes they add up to 1.
    pub weight: f64,
}

/// A quantile of response time against utilisation of the binding resource.
///
/// # Formula
/// `R_q = a + b delay_q(c, rho)`. The queueing delay is the quantile of the response time of a pool less that
/// of the service time; in the pool `multiprogramming_level` executions share a server and the others wait in
/// turn. Without `service_quantiles` it is the mean wait in service times, `C(c, c rho) / (c (1 - rho))`,
/// with C Erlang's delay probability. See docs/method/response-times.md.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuantileLaw {
    /// The behaviour.
    pub behaviour: String,
    /// The quantile, 0-1.
    pub quantile: f64,
    /// Resource whose utilisation drives it.
    pub resource: String,
    /// Servers c of that resource, above 0; a fraction is a quota.
    pub servers: f64,
    /// Seconds without queueing, 0 or more.
    pub a: Estimate,
    /// Seconds per unit of queueing, 0 or more.
    pub b: Estimate,
    /// Covariance of a and b.
    pub covariance_ab: f64,
    /// Relative residual standard deviation.
    pub residual: f64,
    /// Executions that share a server before others wait in turn, 1 (a plain queue) or more; `None` if all
    /// share. Assumption: the number of workers grows with the number of servers.
    #[serde(default)]
    pub multiprogramming_level: Option<f64>,
    /// p50, p95 and p99 of the service time, in units of the wait that queueing theory predicts; `None` if
    /// the queueing delay is the mean wait itself.
    #[serde(default)]
    pub service_quantiles: Option<[f64; 3]>,
}

/// Customer count at which executions start to fail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorOnset {
    /// Share of failed executions above which a level counts as failing, 0-1.
    pub tolerated: f64,
    /// Customers of the last level below the first failing one: the onset lies above it. `None` if the first
    /// level already failed.
    pub last_clean: Option<f64>,
    /// The first failing level; `None` if no step failed.
    pub first_failing: Option<ErrorLevel>,
    /// Whether a level above the first failing one did not fail: then load is not the cause.
    pub clean_above: bool,
    /// Share of failed executions below the onset, 0-1.
    pub background: f64,
    /// How the failed share grows beyond the onset; `None` without a failing level above a clean one.
    pub hinge: Option<ErrorHinge>,
}

/// Failed executions at one number of customers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ErrorLevel {
    /// Customers of the level.
    pub customers: f64,
    /// Failed and dropped executions divided by all that were due, 0-1; the interval is exact.
    pub share: Estimate,
}

/// Growth of the failed share beyond its onset.
///
/// # Formula
/// `p(N) = b + (1 - b) (1 - (N_0 / N)^s)` above the onset N_0, with b the background.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorHinge {
    /// Equally likely onsets N_0 in customers, ascending, each with its steepness s, above 0; a steepness of
    /// 1 is a limited room that turns away what its servers cannot do.
    pub nodes: Vec<[f64; 2]>,
}

/// One measured step as a point of the charts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredPoint {
    /// Position in the plan.
    pub index: usize,
    /// Name of the step.
    pub label: String,
    /// Why it was run.
    pub purpose: Purpose,
    /// Customers; `None` for steps without a customer count.
    pub customers: Option<f64>,
    /// Executions offered per second.
    pub offered_per_s: f64,
    /// Executions completed per second.
    pub completed_per_s: f64,
    /// Mean executions in progress.
    pub active: f64,
    /// Mean requests in flight.
    pub in_flight: f64,
    /// Share of failed and dropped executions, 0-1.
    pub error_share: f64,
    /// Use of each resource per second (or resident bytes).
    pub used: BTreeMap<String, f64>,
    /// Response times of all requests from the due time, in seconds.
    pub response: Vec<QuantilePoint>,
    /// Whether the step was fitted.
    pub validity: Validity,
}

/// A quantile of measured response time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuantilePoint {
    /// The behaviour.
    pub behaviour: String,
    /// The quantile, 0-1.
    pub quantile: f64,
    /// Response time from the due time, in seconds.
    pub seconds: f64,
    /// Requests it is taken from.
    pub count: u64,
}

/// A forecast compared with a measurement that was left out of the fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForecastCheck {
    /// Step that was left out.
    pub step: String,
    /// Customers of that step.
    pub customers: Option<f64>,
    /// What is compared: `app/cpu busy-seconds per second`.
    pub quantity: String,
    /// Forecast at the executions that were completed in the step.
    pub predicted: Estimate,
    /// What was measured.
    pub measured: f64,
}

/// How far the measurements reach.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// Largest customer count of a valid or suspect step.
    pub customers: f64,
    /// Highest utilisation of a valid or suspect step on the plain mix, by resource.
    pub utilisation: BTreeMap<String, f64>,
}

/// The joint draws of a fit, which are made again from seed and index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrawPlan {
    /// Number of draws, 1 to 100,000.
    pub count: u32,
    /// Seed of the random streams.
    pub seed: u64,
}
