//! Puts one URL under load, without a study: from threads of this process, or from workers (`fleet`).

use std::{cell::Cell, collections::BTreeMap, time::Duration};

use nest_data::{
    BehaviourSpec,
    behaviour::Request,
    customers::{Spacing, Times},
    measurement::{
        Counts, Endpoint, ErrorCount, FailedExchange, GeneratorHealth, GeneratorOf, Histogram, Population,
        Resends, ResponseClock, Verdict, Window,
    },
};

use nix::errno::Errno;

use crate::{
    code::registry::Registry,
    engine::interrupt::Interrupt,
    engine::{Engine, StepLimits, StepResult},
    error::LoadError,
    http::tls::Trust,
    http::{
        NoAnswer, compat::CompatSettings, connection::Http1Connection, http2::Http2Connection, origin::Origin,
    },
    observe::threads,
    run::target::Address,
    schedule::load::{LoadModel, Pause, SessionLaw, StepLoad},
    script::{self, Sources, base_url, program::Program},
    verdict::{OF_COMMAND, StepFacts, judge},
    worker::offer::BEGIN_PER_S,
};

mod fleet;

pub use fleet::load_by_fleet;

/// Name under which a URL's single request is counted.
pub const REQUEST: &str = "request";
/// Starts that may wait for a free customer at a rate; beyond that they are dropped.
const LONGEST_QUEUE: usize = 1_000_000;
/// Longest handshake that is waited for before the load.
const HANDSHAKE: Duration = Duration::from_secs(2);
/// Length of the windows that a load is cut into.
const WINDOW: Duration = Duration::from_secs(1);

/// What is put under load, and how.
#[derive(Debug, Clone)]
pub struct QuickLoad {
    /// Scheme, host and port, and a path that requests of a behaviour are relative to.
    pub base_url: String,
    /// What is executed again and again: a behaviour of a file, or one in code under this name.
    pub behaviour: (String, BehaviourSpec),
    /// Behaviours in code.
    pub registry: Registry,
    /// Active customers; with a rate, the most connections.
    pub customers: usize,
    /// Starts per second on a schedule, and how they follow one another; customers act as fast as they can
    /// without.
    pub rate: Option<(f64, Spacing)>,
    /// Most requests per second, redirects and those sent again among them; `None` for as many as come.
    pub max_rate: Option<f64>,
    /// Pause of a customer between two executions.
    pub think: Times,
    /// Load that is counted.
    pub span: Duration,
    /// Load before it that is not counted.
    pub warm_up: Duration,
    /// Executions after which the load ends; there is no warm-up then.
    pub executions: Option<u64>,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// Longest body of an answer, in bytes.
    pub longest_body: u64,
    /// Threads; or workers, on this machine or others.
    pub workers: usize,
    /// Use HTTP/2.
    pub http2: bool,
    /// Whom to trust over TLS.
    pub trust: Trust,
    /// Hosts besides the loopback ones that may be put under load.
    pub allow_hosts: Vec<String>,
    /// Secrets that templates read, by name.
    pub secrets: BTreeMap<String, String>,
    /// Seed of random choices.
    pub seed: u64,
}

/// What a load gave.
#[derive(Debug, Clone, PartialEq)]
pub struct QuickResult {
    /// Length of what was counted, in seconds.
    pub duration_s: f64,
    /// Executions due in it.
    pub executions: Counts,
    /// Requests due in it.
    pub requests: Counts,
    /// Requests of these that were answered with a redirect which was followed.
    pub redirected: u64,
    /// Requests that were sent again; they are among no others.
    pub resends: Resends,
    /// Requests that ended in it, those that were sent again among them.
    pub ended: u64,
    /// Bytes that came in it.
    pub bytes: u64,
    /// Response times from the due time.
    pub response: TimeSummary,
    /// Response times from sending.
    pub service: TimeSummary,
    /// Answers by status; 0 counts requests without one.
    pub statuses: BTreeMap<u16, u64>,
    /// Each request on its own.
    pub endpoints: Vec<Endpoint>,
    /// Failed and dropped ones by kind.
    pub errors: Vec<ErrorCount>,
    /// The first failed exchanges of each kind.
    pub failures: Vec<FailedExchange>,
    /// Histograms, as documents hold them.
    pub histograms: Vec<Histogram>,
    /// Mean executions in progress.
    pub active: f64,
    /// Mean requests in flight.
    pub in_flight: f64,
    /// Customers as planned and as reached, if customers decide when to act.
    pub population: Option<Population>,
    /// Executions due in the warm-up; not in any other number.
    pub settling: Counts,
    /// Checksum of the schedule, as [`nest_data::measurement::Step::schedule`].
    pub schedule: String,
    /// The generator's own health; the worst of each figure of several workers.
    pub generator: GeneratorHealth,
    /// One per worker of a fleet.
    pub generators: Vec<GeneratorOf>,
    /// Most resident bytes that this process has had.
    pub peak_memory_bytes: u64,
    /// Validity of the figures, and why.
    pub verdict: Verdict,
}

/// Mean, quantiles and maximum of a time, in seconds; all 0 if there was none.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TimeSummary {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// Three quarters are below.
    pub p75: f64,
    /// 90 % are below.
    pub p90: f64,
    /// 95 % are below.
    pub p95: f64,
    /// 99 % are below.
    pub p99: f64,
    /// 99.9 % are below.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

impl QuickLoad {
    /// A behaviour of one request.
    #[must_use]
    pub fn single(request: Request) -> (String, BehaviourSpec) {
        let behaviour = BehaviourSpec {
            description: None,
            needs: None,
            variables: BTreeMap::new(),
            counts: BTreeMap::new(),
            steps: vec![request],
            code: false,
        };
        (REQUEST.to_owned(), behaviour)
    }
}

/// Puts a URL under load.
///
/// # Errors
/// [`LoadError::TooManyArrivals`], [`LoadError::BaseUrl`], [`LoadError::Unresolved`],
/// [`LoadError::TargetDown`] if nothing listens there, [`LoadError::BehaviourFails`] if the target's
/// certificate is refused.
pub fn load(quick: &QuickLoad, interrupt: &Interrupt) -> Result<QuickResult, LoadError> {
    let program = ready(quick, &quick.secrets, interrupt)?;
    let engine = Engine::new(program, &[], quick.workers)?;
    run(quick, &engine, interrupt)
}

/// What is executed, once it is known that something listens there.
fn ready(
    quick: &QuickLoad,
    secrets: &BTreeMap<String, String>,
    interrupt: &Interrupt,
) -> Result<Program, LoadError> {
    load_of(quick).check()?;
    let origin = origin(quick, interrupt)?;
    let down = |error: std::io::Error| match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EMFILE | Errno::ENFILE) => LoadError::System {
            what: "a connection",
            source: error,
        },
        _ => LoadError::TargetDown {
            url: quick.base_url.clone(),
            reason: error.to_string(),
        },
    };
    let connected = Address::of(&quick.base_url)?.connect(interrupt);
    if interrupt.is_requested() {
        return Err(LoadError::Interrupted);
    }
    connected.map_err(down)?;
    let program = script::compile(Sources {
        locust: None,
        behaviours: &[quick.behaviour.clone()].into_iter().collect(),
        feeds: Vec::new(),
        registry: &quick.registry,
        secrets,
        origin,
        compat: CompatSettings {
            proxy: None,
            allow_hosts: quick.allow_hosts.clone(),
        },
        longest_body: quick.longest_body,
        timeout_s: quick.timeout.as_secs_f64(),
        max_rate: quick.max_rate,
        keep_bodies: false,
    })?;
    if program.settings.origin.tls.is_some() {
        try_handshake(&program, interrupt)?;
    }
    Ok(program)
}

fn run(quick: &QuickLoad, engine: &Engine, interrupt: &Interrupt) -> Result<QuickResult, LoadError> {
    let result = engine.run_step(&load_of(quick), limits(quick), None, interrupt)?;
    Ok(close(engine, result))
}

/// Where the target is. Looking up its name may take long, and is given up if a stop is asked for.
fn origin(quick: &QuickLoad, interrupt: &Interrupt) -> Result<Origin, LoadError> {
    let base_url = base_url::filled(&quick.base_url, &quick.secrets)?;
    let (trust, http2) = (quick.trust.clone(), quick.http2);
    interrupt.unless_requested(move || Origin::of(&base_url, &trust, http2))?
}

/// Shakes hands once before the load: a certificate that is refused once is refused each time.
fn try_handshake(program: &Program, interrupt: &Interrupt) -> Result<(), LoadError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| LoadError::System {
        what: "a runtime",
        source,
    })?;
    let shaken = runtime.block_on(async {
        let (last_good, origin) = (Cell::new(0), &program.settings.origin);
        let shake = async {
            if origin.http2 {
                Http2Connection::default().ready(origin, &last_good).await
            } else {
                Http1Connection::default().open(origin, &last_good).await
            }
        };
        tokio::select! {
            shaken = tokio::time::timeout(HANDSHAKE, shake) => Ok(shaken),
            () = interrupt.requested() => Err(LoadError::Interrupted),
        }
    });
    match shaken? {
        Ok(Err(no_answer)) if no_answer.kind == NoAnswer::TLS => {
            let request = program
                .requests()
                .next()
                .map_or_else(String::new, |(_, step)| step.name.clone());
            let behaviour = program.names().join(", ");
            Err(LoadError::BehaviourFails {
                behaviour,
                reason: format!("{request}: tls: {}", no_answer.reason),
            })
        }
        // Whatever else is wrong may pass, and shows in the load.
        _ => Ok(()),
    }
}

fn load_of(quick: &QuickLoad) -> StepLoad {
    StepLoad {
        model: match quick.rate {
            Some((_, spacing)) => LoadModel::Open {
                spacing,
                most: quick.customers,
                queue: LONGEST_QUEUE,
            },
            None => LoadModel::Closed {
                customers: quick.customers,
            },
        },
        rates: vec![quick.rate.map_or(1.0, |(rate, _)| rate)],
        pause: Pause::Think(quick.think),
        session: SessionLaw::default(),
        seed: quick.seed,
    }
}

fn limits(quick: &QuickLoad) -> StepLimits {
    // Whole windows of about a second; what is counted is as long as was asked for.
    let windows = if quick.executions.is_some() {
        1
    } else {
        (quick.span.as_secs_f64() / WINDOW.as_secs_f64()).round().max(1.0) as u32
    };
    StepLimits {
        settle: quick.warm_up,
        // Customers begin one after the other.
        settle_most: (quick.warm_up * 3).max(
            quick.warm_up
                + Duration::from_secs_f64(quick.customers as f64 / (BEGIN_PER_S * quick.workers as f64)),
        ),
        window: quick.span / windows,
        windows: windows as usize,
        drain: quick.timeout,
        executions: quick.executions,
        run: None,
    }
}

fn close(engine: &Engine, result: StepResult) -> QuickResult {
    let names = engine.program().names();
    let recorder = &result.recorder;
    let mut executions = Counts::default();
    let mut requests = Counts::default();
    for record in &recorder.behaviours {
        executions.merge(&record.executions);
        requests.merge(&record.requests);
    }
    let window_s = result.span_s / recorder.windows.len().max(1) as f64;
    let windows: Vec<Window> = recorder
        .windows
        .iter()
        .map(|window| Window {
            duration_s: window_s,
            completed: names
                .iter()
                .cloned()
                .zip(window.completed.iter().copied())
                .collect(),
            failed: window.failed,
            ..Window::default()
        })
        .collect();
    let facts = StepFacts {
        options: OF_COMMAND,
        ..result.facts(executions, requests, &windows)
    };
    let verdict = judge(&facts).verdict;
    QuickResult {
        duration_s: result.span_s,
        executions,
        requests,
        redirected: recorder.behaviours.iter().map(|record| record.redirected).sum(),
        resends: recorder.resends(),
        ended: recorder.windows.iter().map(|window| window.requests).sum(),
        bytes: recorder.windows.iter().map(|window| window.bytes).sum(),
        response: times(&recorder.response_times(ResponseClock::Due)),
        service: times(&recorder.response_times(ResponseClock::Sent)),
        statuses: recorder.statuses.clone(),
        endpoints: recorder.endpoints(&names),
        errors: recorder.error_counts(&names),
        failures: recorder.kept_failures(&names),
        histograms: recorder.histograms(&names),
        active: recorder.active.mean(result.span_s),
        in_flight: recorder.in_flight.mean(result.span_s),
        population: result.population,
        settling: recorder.settling,
        schedule: recorder.schedule.to_string(),
        generator: result.generator,
        generators: result.generators.clone(),
        peak_memory_bytes: threads::peak_memory_bytes(),
        verdict,
    }
}

fn times(hdr: &hdrhistogram::Histogram<u64>) -> TimeSummary {
    if hdr.is_empty() {
        return TimeSummary::default();
    }
    let quantile_s = |quantile| hdr.value_at_quantile(quantile) as f64 / 1e6;
    TimeSummary {
        mean: hdr.mean() / 1e6,
        p50: quantile_s(0.5),
        p75: quantile_s(0.75),
        p90: quantile_s(0.9),
        p95: quantile_s(0.95),
        p99: quantile_s(0.99),
        p999: quantile_s(0.999),
        max: hdr.max() as f64 / 1e6,
    }
}
