//! Whether the generator offered the load that was planned.

use nest_data::measurement::{GeneratorHealth, Population, Validity};

use super::{
    StepFacts,
    findings::{Bounds, Findings},
    settle::Unsettled,
};

/// What a generator is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GeneratorKind {
    /// Threads of this program.
    #[default]
    Native,
    /// Python processes, which run a locustfile.
    Python,
}

/// Lateness of starts (p99), in seconds. Linux wakes a sleeper within some 60 microseconds (its default timer
/// slack is 50), so that 1 ms is no accident; 20 ms is as long as many an answer takes, and response times
/// count from the due time.
const LATENESS: Bounds = Bounds {
    suspect: 0.001,
    beyond: (0.020, Validity::Invalid),
};
/// Share of its core that the generator used. In a single-server queue a request waits rho / (1 - rho)
/// service times: 4 of the generator's own (some 10 microseconds each) at 80 %, 19 at 95 %.
const CPU: Bounds = Bounds {
    suspect: 0.80,
    beyond: (0.95, Validity::Invalid),
};
/// Lateness of a Python generator (p99): in seconds, and as a share of the median answer; the larger counts.
/// Python wakes a greenlet when whatever it computes is done, and most of that is one request's work: some
/// 0.5 ms with `HttpUser`. Our choice: five times our own bound for doubt, and ten times that is too late.
const PYTHON_LATENESS_S: [f64; 2] = [0.005, 0.050];
const PYTHON_LATENESS_SHARE: [f64; 2] = [0.10, 0.50];
/// Share of its core that a Python generator used. Its handling of one request is a service time of its own,
/// as long as many an answer: at 80 % a request waits four of them, which is more than its answer takes.
const PYTHON_CPU: Bounds = Bounds {
    suspect: 0.65,
    beyond: (0.80, Validity::Invalid),
};
/// Share of the time in which the generator was ready to run and had no processor. Our choice: at 5 % one
/// start in twenty is late, at 25 % one in four.
const WAITING: Bounds = Bounds {
    suspect: 0.05,
    beyond: (0.25, Validity::Invalid),
};
/// Share of the windows in which a worker stood still. Above 1 % the p99 of a step is the generator's own;
/// above 5 % so much of the load was not what was planned that more than a tail is wrong: our choice.
const LOST: Bounds = Bounds {
    suspect: 0.01,
    beyond: (0.05, Validity::Invalid),
};
/// Longest time for which a worker stood still, in seconds. A target that is silent for 0.5 s is said to
/// stand still, so that a generator is doubted from there; 1 s is what interrupts a user (Nielsen, "Usability
/// Engineering", 1993, section 5.5), and what comes due in it then comes in one burst.
const LONGEST_GAP_S: Bounds = Bounds {
    suspect: 0.5,
    beyond: (1.0, Validity::Invalid),
};
/// Share of requests that `max_rate` held back. Our choice: up to one in a thousand shows in no quantile that
/// is reported of a step (p99 is the highest); above one in a hundred its p99 is the generator's own.
const HELD: Bounds = Bounds {
    suspect: 0.001,
    beyond: (0.01, Validity::Invalid),
};
/// Share of executions for which no request could be made. One is worth a look; above 0.5 %, where failed
/// executions are doubted too, the mix is another than planned.
const OWN_ERRORS: Bounds = Bounds {
    suspect: 0.0,
    beyond: (0.005, Validity::Invalid),
};
/// Share of starts that waited for a free customer above which a step is doubted. Our choice: up to one in a
/// thousand shows in no quantile that is reported of a step (p99 is the highest).
const SOME_QUEUED: f64 = 0.001;
/// Share of the planned customers that must be able to act. Our choice: 1 % fewer changes the load by less
/// than the 2 % that repeated steps are assumed to differ by.
const POPULATION: f64 = 0.99;
/// Share of the planned executions that may be missing if sessions bring them. Our choice: as much as the
/// goal for forecasts.
const SHORT_OF_PLAN: f64 = 0.10;
/// Standard deviations of a Poisson count that are no chance: fewer than one step in a million.
const DEVIATIONS: f64 = 5.0;
/// Executions due in the windows above which a step is doubted if the settle check could not look. Forty
/// times as many as the check needs: only settings that settle too briefly bring them about, and so many
/// executions are enough for a p99.
const NEEDS_SETTLE_CHECK: u64 = 2_000;

/// The generator of which a figure is highest: by its name, if there are several.
fn worst(facts: &StepFacts<'_>, figure: impl Fn(&GeneratorHealth) -> f64) -> String {
    let worst = facts
        .generators
        .iter()
        .max_by(|one, other| figure(&one.health).total_cmp(&figure(&other.health)));
    worst.map_or_else(
        || "the generator".to_owned(),
        |worst| format!("the worker {}", worst.worker),
    )
}

/// Whether the generator kept to its schedule.
pub fn schedule(facts: &StepFacts<'_>, findings: &mut Findings) {
    let health = &facts.generator;
    let late_of = |health: &GeneratorHealth| health.lateness_p99_s.max(health.clock_p99_s);
    let late_s = late_of(health);
    let (lateness, cpu) = bounds(facts);
    findings.check(late_s, lateness, || {
        format!("{} was {:.1} ms late (p99)", worst(facts, late_of), late_s * 1e3)
    });
    standstill(facts, findings);
    findings.check(health.cpu, cpu, || {
        format!(
            "{} used {:.0} % of its core",
            worst(facts, |health| health.cpu),
            health.cpu * 100.0
        )
    });
    findings.check(health.waiting, WAITING, || {
        format!(
            "{} had no processor for {:.0} % of the time",
            worst(facts, |health| health.waiting),
            health.waiting * 100.0
        )
    });
    if facts.local_errors > 0 {
        let reason = format!(
            "the generator had no file descriptor or port left, or no room for an answer, for {} requests: \
             raise the limit of open files (ulimit -n), or use fewer customers",
            facts.local_errors
        );
        findings.add(Validity::Invalid, reason);
    }
    let due = facts.executions.due.max(1) as f64;
    findings.check(facts.own_errors as f64 / due, OWN_ERRORS, || {
        format!(
            "the generator could not make {} requests: a feed ran dry, or they are not valid",
            facts.own_errors
        )
    });
    if facts.panics > 0 {
        let reason = format!("{} executions of a behaviour in code panicked", facts.panics);
        findings.add(Validity::Invalid, reason);
    }
    if facts.executions.due == 0 {
        findings.add(
            Validity::Invalid,
            "no execution was due in the windows".to_owned(),
        );
    }
    if health.queued as f64 / due > SOME_QUEUED {
        let reason = format!("{} starts waited because every customer was busy", health.queued);
        findings.add(Validity::Suspect, reason);
    }
}

/// How late and how busy a generator may be.
fn bounds(facts: &StepFacts<'_>) -> (Bounds, Bounds) {
    match facts.kind {
        GeneratorKind::Native => (LATENESS, CPU),
        GeneratorKind::Python => {
            let of =
                |index: usize| PYTHON_LATENESS_S[index].max(PYTHON_LATENESS_SHARE[index] * facts.median_s);
            let lateness = Bounds {
                suspect: of(0),
                beyond: (of(1), Validity::Invalid),
            };
            (lateness, PYTHON_CPU)
        }
    }
}

/// Whether `max_rate` held back so many requests that the load was not the one that was planned.
pub fn bound(facts: &StepFacts<'_>, findings: &mut Findings) -> bool {
    let (held, requests) = (facts.generator.held, facts.requests.due);
    let share = held as f64 / requests.max(held).max(1) as f64;
    let validity = HELD.judge(share);
    if let (Some(validity), Some(max_rate)) = (validity, facts.max_rate) {
        let reason = format!(
            "max_rate held back {held} of {} requests, as no more than {max_rate} per second may be sent: \
             the load was not what was planned; raise {}, or plan less",
            requests.max(held),
            facts.options.max_rate
        );
        findings.add(validity, reason);
    }
    validity == Some(Validity::Invalid)
}

/// Whether the generator stood still for a while. A quantile of its lateness cannot see a single gap.
fn standstill(facts: &StepFacts<'_>, findings: &mut Findings) {
    let GeneratorHealth {
        longest_gap_s, lost, ..
    } = facts.generator;
    let gravest = LOST.judge(lost).max(LONGEST_GAP_S.judge(longest_gap_s));
    if let Some(validity) = gravest {
        let reason = format!(
            "{} stood still for {:.0} % of the time, and for {longest_gap_s:.2} s at once",
            worst(facts, |health| health.longest_gap_s),
            lost * 100.0
        );
        findings.add(validity, reason);
    }
}

/// Whether there were as many customers and executions as planned.
pub fn population(facts: &StepFacts<'_>, findings: &mut Findings) {
    if let Some(Population { planned, reached }) = facts.population
        && f64::from(reached) < POPULATION * f64::from(planned)
    {
        // A target that refuses connections to some has met its own limit; one that refuses all is gone.
        let validity = if facts.refused && reached > 0 {
            Validity::Limited
        } else {
            Validity::Invalid
        };
        findings.add(
            validity,
            format!("only {reached} of {planned} customers could act"),
        );
    }
    let due = facts.executions.due as f64;
    if let Some(planned) = facts
        .planned
        .filter(|planned| due < planned * (1.0 - SHORT_OF_PLAN) - DEVIATIONS * planned.sqrt())
    {
        let reason = format!(
            "only {due:.0} of {planned:.0} planned executions came due: sessions had not filled the step yet"
        );
        findings.add(Validity::Suspect, reason);
    }
}

/// Whether the step had settled when its windows began, and whether that could be told.
pub fn settling(facts: &StepFacts<'_>, findings: &mut Findings) {
    match facts.unsettled {
        // Found above, in the windows themselves.
        Some(Unsettled::Population { .. }) | None => {}
        Some(blind) if blind.is_blind() => {
            let validity = if facts.executions.due >= NEEDS_SETTLE_CHECK {
                Validity::Suspect
            } else {
                Validity::Valid
            };
            findings.add(
                validity,
                format!(
                    "the settle check could not tell whether the load was steady: {blind}; raise {}",
                    facts.options.settle
                ),
            );
        }
        Some(unsettled) => findings.add(
            Validity::Suspect,
            format!("the step had not settled when its windows began: {unsettled}"),
        ),
    }
}
