//! Judges what else the machine did while a test measured it, and holds a forecast to what such a machine
//! allows.

use std::{fmt, fs, path::Path, thread, time::Instant};

use nix::sys::{
    prctl,
    resource::{UsageWho, getrusage},
    time::TimeVal,
    wait::{WaitPidFlag, WaitStatus, waitpid},
};

use super::{Outcome, nest};

/// Share of the two cores of a run that others may use before it counts as disturbed.
const QUIET: f64 = 0.05;
/// How often a test measures at most, in the hope that the machine is quiet.
const MOST_ATTEMPTS: usize = 2;
/// What a test prints that cannot judge.
const UNJUDGED: &str = "not judged: others left the load generator too little in every attempt";
/// Exit code of `fit` if too few steps can be used.
const TOO_FEW_STEPS: i32 = 6;
/// Clock ticks of /proc/stat per second (`USER_HZ`).
const TICKS_PER_S: f64 = 100.0;

/// The core that the load generator takes if a study does not name one: the last.
pub fn generator_core() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get) - 1
}

/// Processor time that others use on the core of the target (0) and on that of the load generator, from now
/// on.
pub struct Watch {
    since: Instant,
    busy_s: f64,
    own_s: f64,
}

impl Watch {
    pub fn start() -> Self {
        adopt_orphans();
        Self {
            since: Instant::now(),
            busy_s: busy_s(),
            own_s: own_s(),
        }
    }

    /// Share of the two cores' time that went to others since the start, 0-1: to processes that are neither
    /// this test nor started by it, and to the hypervisor's other guests.
    pub fn others(&self) -> f64 {
        reap_orphans();
        let others_s = (busy_s() - self.busy_s) - (own_s() - self.own_s);
        (others_s / (2.0 * self.since.elapsed().as_secs_f64())).clamp(0.0, 1.0)
    }

    /// Whether others used more than a quiet machine's share, which it prints.
    pub fn was_disturbed(&self) -> bool {
        let others = self.others();
        println!("others used {:.1} % of the two cores", others * 100.0);
        others > QUIET
    }
}

/// Seconds that core 0 and the generator's core were busy since the machine started, stolen time included.
fn busy_s() -> f64 {
    let text = fs::read_to_string("/proc/stat").expect("Linux has it");
    [0, generator_core()]
        .map(|core| {
            let name = format!("cpu{core}");
            let line = text.lines().find(|line| line.split(' ').next() == Some(&name));
            let ticks: Vec<f64> = line.map_or_else(Vec::new, |line| {
                line.split(' ')
                    .skip(1)
                    .filter_map(|cell| cell.parse().ok())
                    .collect()
            });
            // user, nice, system, (idle, iowait,) irq, softirq, steal
            [0, 1, 2, 5, 6, 7]
                .iter()
                .map(|column| ticks[*column])
                .sum::<f64>()
        })
        .iter()
        .sum::<f64>()
        / TICKS_PER_S
}

/// Makes this process the parent of servers that put themselves into the background, as nginx does, so that
/// their time is counted as the test's own once they have ended.
fn adopt_orphans() {
    prctl::set_child_subreaper(true).expect("every process may adopt");
}

/// Takes note of adopted processes that have ended.
fn reap_orphans() {
    while let Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) =
        waitpid(None, Some(WaitPidFlag::WNOHANG))
    {}
}

/// Processor seconds of this test and of the processes that it started and that have ended.
fn own_s() -> f64 {
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN]
        .map(|who| getrusage(who).expect("every process may ask"))
        .map(|usage| seconds(usage.user_time()) + seconds(usage.system_time()))
        .iter()
        .sum()
}

/// A forecast beside what was measured, in one unit.
pub struct Forecast {
    pub quantity: String,
    pub forecast: f64,
    pub measured: f64,
}

impl Forecast {
    pub fn new(quantity: impl Into<String>, forecast: f64, measured: f64) -> Self {
        Self {
            quantity: quantity.into(),
            forecast,
            measured,
        }
    }

    /// Its error as a share of what was measured.
    fn error(&self) -> f64 {
        self.forecast / self.measured - 1.0
    }
}

impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.error() * 100.0;
        let Self {
            quantity,
            forecast,
            measured,
        } = self;
        write!(
            f,
            "{quantity}: forecast {forecast:.5}, measured {measured:.5}: {error:+.1} %"
        )
    }
}

/// Largest errors of a forecast, as shares of what was measured.
#[derive(Clone, Copy)]
pub struct Bounds {
    /// While nothing else runs.
    pub quiet: f64,
    /// While others run beside it: so large that only a mistake goes beyond it, not noise.
    pub disturbed: f64,
}

impl Bounds {
    /// Holds what `measure` gives to these bounds. If an error is too large for a quiet machine, and others
    /// ran meanwhile, it is measured once more; only if they still run does the wider bound decide. `measure`
    /// gives nothing if others left the load generator too little: see [`usable`]. If that is so each time,
    /// nothing can be judged, and the answer is `false`.
    #[track_caller]
    pub fn hold(&self, measure: impl Fn() -> Option<Vec<Forecast>>) -> bool {
        Self::hold_each(|| {
            let found = measure()?.into_iter();
            Some(found.map(|forecast| (forecast, *self)).collect())
        })
    }

    /// The same for forecasts that have bounds of their own.
    #[track_caller]
    pub fn hold_each(measure: impl Fn() -> Option<Vec<(Forecast, Self)>>) -> bool {
        for attempt in 1..=MOST_ATTEMPTS {
            let watch = Watch::start();
            let found = measure();
            let was_disturbed = watch.was_disturbed();
            let Some(found) = found else {
                assert!(was_disturbed, "no steps can be used, on a quiet machine");
                continue;
            };
            found.iter().for_each(|(forecast, _)| println!("{forecast}"));
            let within = |bound: fn(&Self) -> f64| {
                let mut each = found.iter();
                !found.is_empty() && each.all(|(forecast, bounds)| forecast.error().abs() <= bound(bounds))
            };
            if within(|bounds| bounds.quiet) {
                return true;
            }
            assert!(was_disturbed, "an error is too large for a quiet machine");
            if attempt == MOST_ATTEMPTS {
                assert!(
                    within(|bounds| bounds.disturbed),
                    "an error is too large for noise"
                );
                return true;
            }
        }
        println!("{UNJUDGED}");
        false
    }
}

/// What `measure` gives; once more if that is nothing, which needs others that ran meanwhile.
#[track_caller]
pub fn until_usable<T>(measure: impl Fn() -> Option<T>) -> Option<T> {
    for _ in 0..MOST_ATTEMPTS {
        let watch = Watch::start();
        let found = measure();
        if found.is_some() {
            return found;
        }
        assert!(watch.was_disturbed(), "no steps can be used, on a quiet machine");
    }
    println!("{UNJUDGED}");
    None
}

/// Fits a study, and gives what `fit` printed; nothing if the machine was too busy for it: see [`usable`].
#[track_caller]
pub fn fit(study: &Path) -> Option<Outcome> {
    let folder = study.parent().expect("studies lie in a folder");
    usable(nest(folder, &["fit", study.to_str().expect("UTF-8")]))
}

/// The outcome of a verb that fits, which must be a success; or nothing if too few steps can be used, for
/// which it must blame the load generator.
#[track_caller]
pub fn usable(outcome: Outcome) -> Option<Outcome> {
    if outcome.code == TOO_FEW_STEPS {
        outcome.says("the generator");
        return None;
    }
    Some(outcome.expect(0))
}
