//! Caveats: doubts about a usable result. Every caveat that is raised reaches the report.

use std::fmt;

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
    /// The ramp ended early because the target could not keep up twice in a row.
    RampEnded {
        /// Last step that was run.
        step: String,
    },
    /// The pilot could not read a tier's processor, and the plan does not take it into account.
    TierUnplanned {
        /// The tier.
        tier: String,
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
        /// First such month.
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

impl fmt::Display for Caveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RateCapped {
                step,
                wanted_per_s,
                offered_per_s,
                others,
            } => {
                let with_it = match others {
                    0 => String::new(),
                    1 => ", and one lower step is scaled down with it".to_owned(),
                    others => format!(", and {others} lower steps are scaled down with it"),
                };
                write!(
                    f,
                    "{step}: {wanted_per_s:.0} executions/s were planned, {offered_per_s:.0} offered\
                     {with_it}. Raise [measure] max_rate if the generator can do more"
                )
            }
            Self::RampEnded { step } => write!(
                f,
                "the ramp ended after {step} because the target could not keep up; later steps were not run"
            ),
            Self::TierUnplanned { tier } => {
                write!(
                    f,
                    "the pilot could not read the processor of tier `{tier}`: the plan took it for free. \
                        Give [measure] a longer pilot"
                )
            }
            Self::StepLeftOut { step, reasons } => write!(
                f,
                "{step} is not fitted: {}. Repeat it on a quieter machine",
                reasons.join("; ")
            ),
            Self::StepSuspect { step, reasons } => {
                write!(
                    f,
                    "{step} counts less in the fit than others: {}",
                    reasons.join("; ")
                )
            }
            Self::CountUnknown {
                count,
                behaviour,
                executions,
                missing,
                not_numbers,
            } => write!(
                f,
                "`{count}` of {behaviour} is not known for {} of {executions} executions ({missing} answers \
                 without it, {not_numbers} with something else than a number of 0 or more), so its mean is \
                 {}. Check where `counts` of the behaviour reads it",
                missing + not_numbers,
                if missing + not_numbers < *executions {
                    "that of the others"
                } else {
                    "not known"
                }
            ),
            Self::DataGrows { ratio, resource } => {
                write!(
                    f,
                    "{resource} use changed by a factor of {ratio:.2} against the model from the first to \
                        the last ramp step. If stored data grows, give the study a reset command"
                )
            }
            Self::NotSeparable { resource, condition } => {
                write!(
                    f,
                    "{resource}: demands of single behaviours cannot be told apart (condition \
                     {condition:.0}); only totals of measured mixes are meant. Run boosted steps for every \
                     behaviour"
                )
            }
            Self::FewRepeats { repeats, prior } => {
                write!(
                    f,
                    "{repeats:.0} repeats are too few to know how much visits differ; {:.0} % is assumed. \
                        Add ramp steps to narrow the intervals",
                    prior * 100.0
                )
            }
            Self::PlateauNotSeen { utilisation } => write!(
                f,
                "no fitted step came above {:.0} % utilisation: the plateau is from demand, not seen. \
                    Measure closer to saturation to see it",
                utilisation * 100.0
            ),
            Self::HiddenBottleneck { ratio } => {
                write!(
                    f,
                    "throughput levels off at {:.0} % of what demand allows: a lock, a pool or a remote \
                        service may bind. Look for waiting that no probe reads",
                    ratio * 100.0
                )
            }
            Self::UnmeasuredWait {
                probability,
                customers,
                behaviour,
                hold_s,
            } => {
                let who = behaviour.as_ref().map_or("executions".to_owned(), |behaviour| {
                    format!("executions of `{behaviour}`")
                });
                write!(
                    f,
                    "response times grow faster than the measured resources explain: with probability \
                     {:.0} % {who} queue for something that no probe reads, held for about {:.1} ms each \
                     and full at {:.0} ({:.0} … {:.0}) customers. A lock, a pool or a remote service; look \
                     there before buying servers",
                    probability * 100.0,
                    hold_s * 1e3,
                    customers.value,
                    customers.low,
                    customers.high
                )
            }
            Self::Contention { resource, change } => write!(
                f,
                "{resource}: an execution takes {:.0} % more at full load than without load. Look for locks \
                    and caches that executions share",
                change * 100.0
            ),
            Self::DemandAboveResponse {
                behaviour,
                demand_s,
                response_s,
            } => write!(
                f,
                "an execution of {behaviour} takes {:.1} ms of processor time or more, but its fastest 5 % \
                    were answered within {:.1} ms: it works after its answer, on several processors, or \
                    something else works with it",
                demand_s * 1e3,
                response_s * 1e3
            ),
            Self::MemoryLeaks {
                resource,
                behaviour,
                bytes,
            } => {
                let per = behaviour.as_ref().map_or_else(
                    || "second".to_owned(),
                    |behaviour| format!("execution of {behaviour}"),
                );
                write!(
                    f,
                    "{resource} grows by {bytes:.0} bytes per {per} while the load stays the same. Measure \
                        longer, or find what is never given back"
                )
            }
            Self::Extrapolated { what, factor } => write!(
                f,
                "{what} is {factor:.1} times as large as what was tested. Measure there before relying on it"
            ),
            Self::BeforeMeasurement { as_of, measured_at } => write!(
                f,
                "the forecast is made for {as_of}, before the measurement of {measured_at}. Give --as-of a \
                 day after it, if prices and months should count from there"
            ),
            Self::CustomersUnstated { customers, has_room } => write!(
                f,
                "the study does not say how many customers there are, so the headline is about \
                 {customers:.0}, the largest number that was tested{}. Write the number as customers under \
                 [report], or as the start of a scenario under [growth]",
                if *has_room { " with room" } else { "" }
            ),
            Self::SpeedAssumed { config, low, high } => {
                write!(
                    f,
                    "`{config}`: one virtual CPU is assumed to do {low:.2} to {high:.2} of the work of one \
                        measured core. Run the study there once and give its speed"
                )
            }
            Self::ColdStartAssumed {
                config,
                host,
                share: [rare, often],
                extra_ms: [short, long],
                observed: [from, to],
            } => write!(
                f,
                "`{config}`: the study does not state cold starts. Assumed is that {} to {} % of the \
                 requests on {host} meet one, which takes {:.0} to {:.0} ms: the range of public figures \
                 from {from} to {to}. State yours: cold_start = {{ share = \"1%\", extra_ms = 400 }}",
                rare * 100.0,
                often * 100.0,
                short,
                long
            ),
            Self::ColdStartUnknown {
                config,
                host,
                share_is_public,
                time_is_public,
            } => {
                let unknown = match (share_is_public, time_is_public) {
                    (true, _) => "how long they take",
                    (_, true) => "how often they happen",
                    _ => "how often they happen or how long they take",
                };
                write!(
                    f,
                    "`{config}`: the study does not state cold starts, and no range of dated public \
                     figures says {unknown} on {host}. None are counted, so that response times and cost \
                     are at least what is shown. State them: cold_start = {{ share = \"1%\", \
                     extra_ms = 400 }}"
                )
            }
            Self::LocalState {
                config,
                tier,
                shown_by,
            } => {
                let state = match shown_by {
                    StateEvidence::DiskUse { behaviour, bytes } => format!(
                        "works with files of its own ({:.1} kB to or from its disk per execution of \
                         {behaviour}), and a function keeps no files",
                        bytes / 1e3
                    ),
                    StateEvidence::StoredData { item } => {
                        format!("stores data ([data], {item}), and a function keeps none")
                    }
                };
                write!(
                    f,
                    "`{config}` puts tier `{tier}` on functions, but it {state}. Say what replaces them as \
                     files_replaced_by in the placement, and price that under meters or monthly"
                )
            }
            Self::TierNotPlaced { config, tier } => write!(
                f,
                "`{config}` does not place tier `{tier}`; it is neither sized nor priced there"
            ),
            Self::PriceUnknown { config, lines } => {
                write!(
                    f,
                    "`{config}`: {lines} lines have no price, so its cost is at least what is shown. Add \
                        the price to a book of your own"
                )
            }
            Self::Converted {
                config,
                book,
                currency,
                rate,
                date,
            } => {
                write!(
                    f,
                    "`{config}`: amounts of {book} are converted at {rate} for 1 {currency}, the rate of \
                        {date}. Give a newer one under [exchange.{currency}]"
                )
            }
            Self::PriceMayFall { config, meter } => write!(
                f,
                "`{config}`: the whole quantity of {meter} pays the tier that it reaches, so that more \
                    customers can cost less in all. Look at the cost just below each bound"
            ),
            Self::MoreThanAllowed { config, from } => {
                write!(
                    f,
                    "`{config}`: from {from} on growth needs more instances than `max` allows; they are \
                        priced as if it did not. Raise max, or plan for the break point"
                )
            }
            Self::PriceOld {
                config,
                prices,
                share,
                oldest,
                days,
            } => write!(
                f,
                "`{config}`: {prices} of the prices are older than their book allows, and {:.0} % of the \
                 bill rests on them. The oldest is that of {oldest}, seen {days} days ago. Check them before \
                 signing",
                share * 100.0
            ),
            Self::UndefinedDraws { config, share } => write!(
                f,
                "`{config}`: a formula has no value in {:.1} % of the draws, because the ranges of its \
                 parameters are wide. These draws use the stated values instead. Narrow the ranges under \
                 [parameters]",
                share * 100.0
            ),
            Self::ValueOffCentre { what } => write!(
                f,
                "{what}: the central value lies outside the middle half of its draws; read the interval"
            ),
        }
    }
}
