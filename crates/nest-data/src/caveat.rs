//! Caveats: doubts about a usable result. Every caveat that is raised reaches the report.

mod text;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{estimate::Estimate, units::QuotedDecimal};

/// A reason for doubt, with its facts. Its text tells the reader what to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "caveat", rename_all = "snake_case")]
pub enum Caveat {
    /// A step was lowered because it would have gone beyond the highest rate that the study allows.
    RateCapped {
        /// The step; of a ladder the highest.
        step: String,
        /// Rate asked for, executions per second.
        wanted_per_s: f64,
        /// Rate offered.
        offered_per_s: f64,
        /// Other steps that were multiplied by the same factor, so that they keep their proportions.
        #[serde(default, skip_serializing_if = "is_zero")]
        others: usize,
    },
    /// After a step that was too much for it, the target did not answer again as it did in the pilot.
    NotRecovered {
        /// The step.
        step: String,
        /// How long the run waited, in seconds.
        waited_s: f64,
    },
    /// The ramp ended early because the target could not keep up in two steps.
    RampEnded {
        /// Last step that was run.
        step: String,
    },
    /// The messages of a fleet went over the network without TLS.
    BrokerWithoutTls {
        /// The broker.
        url: String,
    },
    /// Workers found the target at different addresses.
    AddressesDiffer {
        /// Who found it where.
        found: String,
    },
    /// Users of a locustfile made requests that belong to no behaviour of the study.
    LocustOutside {
        /// Those requests, in all steps.
        requests: u64,
        /// Their share of all requests, 0-1.
        share: f64,
        /// The tasks that the study does not name, and the requests outside of any task, that made most.
        of: Vec<String>,
    },
    /// Executions of tasks make several requests, and only the first is timed from when it was due.
    LocustInner {
        /// The behaviours.
        behaviours: Vec<String>,
    },
    /// Users of a closed load start fewer tasks when the target is slow.
    LocustClosed {
        /// Their classes.
        classes: Vec<String>,
    },
    /// The pilot could not read a tier's processor, and the plan does not take it into account.
    TierUnplanned {
        /// The tier.
        tier: String,
    },
    /// A behaviour that carries much of the work comes too rarely in a step: what its response times are, and
    /// whether a pause is chance, cannot be told there.
    FewExecutions {
        /// The behaviour.
        behaviour: String,
        /// The step in which it comes most rarely.
        step: String,
        /// Executions of it that the step plans.
        executions: f64,
        /// Executions that would be enough.
        enough: f64,
    },
    /// A step was left out of the fit.
    StepLeftOut {
        /// The step.
        step: String,
        /// Its reasons.
        reasons: Vec<String>,
    },
    /// A step was fitted with a wider error.
    StepSuspect {
        /// The step.
        step: String,
        /// Its reasons.
        reasons: Vec<String>,
    },
    /// Some executions did not tell what they added to a count; the mean is that of the others.
    CountUnknown {
        /// The count.
        count: String,
        /// The behaviour.
        behaviour: String,
        /// Completed executions of it.
        executions: u64,
        /// Executions with an answer that lacked the number.
        missing: u64,
        /// Executions with an answer that held something else than a number of 0 or more.
        not_numbers: u64,
    },
    /// Stored data grew in the run while the study has no reset command.
    DataGrows {
        /// Use divided by forecast in the last ramp step, relative to the same in the first.
        ratio: f64,
        /// The resource.
        resource: String,
    },
    /// The demands of single behaviours cannot be told apart.
    NotSeparable {
        /// The resource.
        resource: String,
        /// Condition number of the design.
        condition: f64,
    },
    /// There are too few repeats to know how much steps of equal load differ; a prior is used.
    FewRepeats {
        /// Repeats seen.
        repeats: f64,
        /// Prior of the relative deviation.
        prior: f64,
    },
    /// No step came above half utilisation: the ceiling is inferred from demand, not observed.
    PlateauNotSeen {
        /// Highest utilisation of a fitted step, 0-1.
        utilisation: f64,
    },
    /// The observed plateau is below the ceiling from demand: something else is the limit.
    HiddenBottleneck {
        /// Plateau divided by ceiling.
        ratio: f64,
    },
    /// Response times grow faster than the measured resources explain.
    UnmeasuredWait {
        /// Probability that a hidden bottleneck is full before every measured resource, 0-1.
        probability: f64,
        /// Customers at which it is full.
        customers: Estimate,
        /// The behaviour whose executions wait there; `None` if all do, or it is not known which.
        behaviour: Option<String>,
        /// Seconds for which an execution holds it.
        hold_s: f64,
    },
    /// Demand rises with load: executions get in each other's way.
    Contention {
        /// The resource.
        resource: String,
        /// Relative change from no load to full load.
        change: f64,
    },
    /// The processor time of an execution is longer than its fastest answers took.
    DemandAboveResponse {
        /// The behaviour.
        behaviour: String,
        /// Lower end of its processor time, over all tiers, in seconds.
        demand_s: f64,
        /// Time within which the fastest 5 % of its requests were answered, in seconds.
        response_s: f64,
    },
    /// Memory grows within steps of constant load.
    MemoryLeaks {
        /// The resource.
        resource: String,
        /// Behaviour whose executions leave it behind; `None` if memory grows with time alone.
        behaviour: Option<String>,
        /// Bytes per execution, or per second.
        bytes: f64,
    },
    /// A figure is beyond the measured range.
    Extrapolated {
        /// What is extrapolated.
        what: String,
        /// How far, as a multiple of what was tested.
        factor: f64,
    },
    /// The projection is made for a day before the measurement.
    BeforeMeasurement {
        /// Day of the projection.
        as_of: Date,
        /// When it was measured, ISO 8601 in UTC.
        measured_at: String,
    },
    /// The study does not say how many customers there are.
    CustomersUnstated {
        /// Customers that the headline speaks of instead: the largest number that was tested with room.
        customers: f64,
        /// Whether the configuration of the headline carries them.
        has_room: bool,
    },
    /// A configuration's processor was never compared with the measured one.
    SpeedAssumed {
        /// The configuration.
        config: String,
        /// Assumed range.
        low: f64,
        /// Assumed range.
        high: f64,
    },
    /// The study does not state the cold starts of a function host: they are drawn from public measurements.
    ColdStartAssumed {
        /// The configuration.
        config: String,
        /// The host.
        host: String,
        /// Assumed 90 % range of the share of requests that meet a cold start, 0-1.
        share: [f64; 2],
        /// Assumed 90 % range of the time that a cold start adds, in milliseconds.
        extra_ms: [f64; 2],
        /// The earliest and the latest date of the measurements, as written by their sources.
        observed: [String; 2],
    },
    /// The term of a commitment ends before growth does.
    TermEnds {
        /// The configuration.
        config: String,
        /// The commitment.
        commitment: String,
        /// The day on which its term ends, if it begins with growth.
        ends: Date,
        /// Whether the same is bought again at the same price; the list price is paid if not.
        renewed: bool,
    },
    /// The term of a commitment ends after growth does: what is paid later is in no total.
    TermOutlasts {
        /// The configuration.
        config: String,
        /// The commitment.
        commitment: String,
        /// Months of its term after the last projected one.
        months: u32,
    },
    /// Growth leads to fewer customers than one, or more than can be projected.
    GrowthLeft {
        /// The scenario.
        scenario: String,
        /// Months that are projected.
        months: u32,
        /// First day of the month that is not.
        from: Date,
    },
    /// The last row of a history lies far from what the rows before it say: its month may not be complete.
    HistoryEnd {
        /// The scenario.
        scenario: String,
        /// Customers of the last row.
        customers: f64,
        /// Customers that the rows before it say.
        expected: f64,
    },
    /// The level of a history changed once, which two or three years cannot tell from a season.
    HistoryShift {
        /// The scenario.
        scenario: String,
        /// Rows from the first one on the new level to the last one, both counted.
        ago: usize,
        /// New level over the old one, where customers are never 0.
        ratio: Option<f64>,
    },
    /// Growth begins before the day of the forecast: the first of its months are past.
    GrowthBegun {
        /// The scenario.
        scenario: String,
        /// Its first day.
        start: Date,
        /// The day of the forecast.
        as_of: Date,
    },
    /// An instance type runs on credits, and its book does not say which share of its processors lasts.
    CreditsUnknown {
        /// The configuration.
        config: String,
        /// The instance type.
        sku: String,
    },
    /// A price that a configuration pays changes before growth ends.
    PriceChanges {
        /// The configuration.
        config: String,
        /// The meter or instance type.
        price: String,
        /// The day from which the new price holds.
        from: Date,
    },
    /// More of a meter is used than its book has a price for: the cost is a lower bound.
    PriceUnknownBeyond {
        /// The configuration.
        config: String,
        /// The meter.
        meter: String,
        /// What the book has a price for in a month, with its unit.
        known: String,
    },
    /// Neither the study nor public measurements say what cold starts a function host has: none are counted.
    ColdStartUnknown {
        /// The configuration.
        config: String,
        /// The host.
        host: String,
        /// Whether measurements say how often requests meet one.
        share_is_public: bool,
        /// Whether measurements say how long one takes.
        time_is_public: bool,
    },
    /// A tier with state of its own is put on a function, and the study does not say what replaces that.
    LocalState {
        /// The configuration.
        config: String,
        /// The tier.
        tier: String,
        /// What shows that it keeps state.
        shown_by: StateEvidence,
    },
    /// A configuration does not place a tier, which is not priced there.
    TierNotPlaced {
        /// The configuration.
        config: String,
        /// The tier.
        tier: String,
    },
    /// A total has lines without a price.
    PriceUnknown {
        /// The configuration.
        config: String,
        /// Lines without a price.
        lines: usize,
    },
    /// Amounts of a book in another currency are converted.
    Converted {
        /// The configuration.
        config: String,
        /// The book.
        book: String,
        /// Its currency.
        currency: String,
        /// Units of the study's currency that one unit of it buys.
        rate: QuotedDecimal,
        /// The day of that rate.
        date: Date,
    },
    /// More of a meter can cost less, because the whole quantity pays the price of the tier that it reaches.
    PriceMayFall {
        /// The configuration.
        config: String,
        /// The meter.
        meter: String,
    },
    /// Some months are priced with more instances than a configuration allows.
    MoreThanAllowed {
        /// The configuration.
        config: String,
        /// The day on which growth needs the first of them, in the best guess.
        from: Date,
    },
    /// A price is old.
    PriceOld {
        /// The configuration on whose bill they are.
        config: String,
        /// How many prices on it are older than their book allows.
        prices: usize,
        /// Share of the bill that rests on them, 0-1.
        share: f64,
        /// What the oldest is the price of.
        oldest: String,
        /// Its age in days.
        days: i64,
    },
    /// A formula has no value in some draws of the parameters.
    UndefinedDraws {
        /// The configuration.
        config: String,
        /// Share of such draws, 0-1.
        share: f64,
    },
    /// The point estimate is outside the central half of its draws.
    ValueOffCentre {
        /// The figure.
        what: String,
    },
}

/// What shows that a tier keeps state of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateEvidence {
    /// It was measured to use its disk.
    DiskUse {
        /// The behaviour that moves most bytes.
        behaviour: String,
        /// Bytes that one execution moves to or from the disk.
        bytes: f64,
    },
    /// The study says what the target stores.
    StoredData {
        /// Name of one stored item.
        item: String,
    },
}

fn is_zero(value: &usize) -> bool {
    *value == 0
}
