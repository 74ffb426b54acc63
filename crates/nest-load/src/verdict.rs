//! What a step is worth: a pure function of its numbers.

use nest_data::measurement::{Counts, GeneratorHealth, Population, Validity, Verdict, Window};

use crate::verdict::settle::Unsettled;

pub mod settle;

/// Lateness (p99) above which the generator is doubted, in seconds.
const LATE_S: f64 = 0.001;
/// Lateness (p99) above which the step says nothing about the target, in seconds.
const TOO_LATE_S: f64 = 0.020;
/// Share of its core above which the generator is doubted, and above which it is the limit.
const GENERATOR_BUSY: f64 = 0.80;
const GENERATOR_FULL: f64 = 0.95;
/// Share of the time without a processor above which the generator is doubted, and above which it was starved.
const WAITING: f64 = 0.05;
const STARVED: f64 = 0.25;
/// Share of processor time taken by the hypervisor above which a step is doubted.
const STOLEN: f64 = 0.05;
/// Share of errors above which a step is doubted, and above which the target counts as overloaded.
const SOME_ERRORS: f64 = 0.005;
const MANY_ERRORS: f64 = 0.05;
/// Share of requests whose connection was lost above which a step is doubted.
const SOME_LOST: f64 = 0.001;
/// Share of requests that were sent again above which a step is doubted.
const SOME_REPEATED: f64 = 0.01;
/// Share of the planned executions that may be missing where sessions bring them.
const SHORT_OF_PLAN: f64 = 0.10;
/// Share of the planned customers below which a step was not what it says.
const POPULATION: f64 = 0.99;
/// Utilisation from which a processor has nothing left.
const FULL: f64 = 0.985;
/// Time without the end of any request after which a target stood still, in seconds, where at least so many were to end in it.
const SILENT_S: f64 = 0.5;
const SILENT_REQUESTS: f64 = 20.0;
/// Share of looks at which its processes were stopped above which a target stood still.
const STOPPED: f64 = 0.005;
/// Share of the time in which a tier was held back by its CPU quota above which it is at its limit.
const THROTTLED: f64 = 0.05;
/// Change of the civil clock against the monotonic one above which a step is doubted, in seconds.
const CLOCK_STEP_S: f64 = 0.1;
/// Difference of a window's length from the others' above which its edges were not where they belong.
const EDGES: f64 = 0.05;

/// The numbers that a verdict rests on.
#[derive(Debug, Clone, Copy)]
pub struct StepFacts<'a> {
    /// Executions over all behaviours.
    pub executions: Counts,
    /// Requests over all behaviours.
    pub requests: Counts,
    /// The windows.
    pub windows: &'a [Window],
    /// The generator's health.
    pub generator: GeneratorHealth,
    /// Customers planned and reached, where there is a population.
    pub population: Option<Population>,
    /// Requests that failed because the generator had no descriptor or port left.
    pub local_errors: u64,
    /// Executions that failed before anything was sent: a feed that ran dry, a request that cannot be made.
    pub own_errors: u64,
    /// Whether the target refused connections.
    pub refused: bool,
    /// Behaviours in code that panicked.
    pub panics: u64,
    /// Executions that were planned to be due in the windows, where a schedule makes them.
    pub planned: Option<f64>,
    /// Time from sending to the answer that nine of ten requests take at least, in seconds.
    pub typical_s: f64,
    /// Why the step had not settled, if so.
    pub unsettled: Option<Unsettled>,
    /// Highest utilisation of a resource over the step, where one is known.
    pub utilisation: Option<f64>,
    /// Longest time without the end of any request while some were in flight, in seconds.
    pub silence_s: f64,
    /// Share of the looks at which the target's processes were stopped, 0-1.
    pub target_stopped: f64,
    /// Whether it was interrupted.
    pub interrupted: bool,
    /// Whether the step offers load.
    pub loaded: bool,
}

type Findings = Vec<(Validity, String)>;

/// Judges a step. The gravest finding decides; every finding is given as a reason.
#[must_use]
pub fn judge(facts: &StepFacts<'_>) -> Verdict {
    let mut found = Vec::new();
    if facts.loaded {
        generator(facts, &mut found);
        population(facts, &mut found);
    }
    errors(facts, &mut found);
    capacity(facts, &mut found);
    standstill(facts, &mut found);
    clocks(facts, &mut found);
    probes(facts, &mut found);
    if facts.interrupted {
        found.push((Validity::Invalid, "it was interrupted".to_owned()));
    }
    let validity = found
        .iter()
        .map(|(validity, _)| *validity)
        .max()
        .unwrap_or(Validity::Valid);
    Verdict {
        validity,
        reasons: found.into_iter().map(|(_, reason)| reason).collect(),
    }
}

/// Whether the generator kept to its schedule.
fn generator(facts: &StepFacts<'_>, found: &mut Findings) {
    let health = &facts.generator;
    let late = health.lateness_p99_s.max(health.clock_p99_s);
    if late > LATE_S {
        let validity = if late > TOO_LATE_S {
            Validity::Invalid
        } else {
            Validity::Suspect
        };
        found.push((
            validity,
            format!("the generator was {:.1} ms late (p99)", late * 1e3),
        ));
    }
    if health.cpu > GENERATOR_BUSY {
        let validity = if health.cpu > GENERATOR_FULL {
            Validity::Invalid
        } else {
            Validity::Suspect
        };
        found.push((
            validity,
            format!("the generator used {:.0} % of its core", health.cpu * 100.0),
        ));
    }
    if health.waiting > WAITING {
        let validity = if health.waiting > STARVED {
            Validity::Invalid
        } else {
            Validity::Suspect
        };
        found.push((
            validity,
            format!(
                "the generator had no processor for {:.0} % of the time",
                health.waiting * 100.0
            ),
        ));
    }
    if facts.local_errors > 0 {
        let reason = format!(
            "{} requests found no file descriptor or port at the generator",
            facts.local_errors
        );
        found.push((Validity::Invalid, reason));
    }
    if facts.own_errors > 0 {
        let share = facts.own_errors as f64 / facts.executions.due.max(1) as f64;
        let validity = if share > SOME_ERRORS {
            Validity::Invalid
        } else {
            Validity::Suspect
        };
        found.push((
            validity,
            format!(
                "{} requests could not be made: a feed ran dry, or they are not valid",
                facts.own_errors
            ),
        ));
    }
    if facts.panics > 0 {
        found.push((
            Validity::Invalid,
            format!("{} executions of a behaviour in code panicked", facts.panics),
        ));
    }
    if facts.executions.due == 0 {
        found.push((Validity::Invalid, "nothing was due in the windows".to_owned()));
    }
    let due = facts.executions.due.max(1) as f64;
    if health.queued as f64 / due > SOME_LOST {
        found.push((
            Validity::Suspect,
            format!("{} starts waited because every customer was busy", health.queued),
        ));
    }
}

/// Whether the step was what it says: as many customers as planned, and settled.
fn population(facts: &StepFacts<'_>, found: &mut Findings) {
    if let Some(Population { planned, reached }) = facts.population
        && f64::from(reached) < POPULATION * f64::from(planned)
    {
        // A target that refuses connections has met its own limit.
        let validity = if facts.refused {
            Validity::Limited
        } else {
            Validity::Invalid
        };
        found.push((
            validity,
            format!("only {reached} of {planned} customers could act"),
        ));
    }
    let due = facts.executions.due as f64;
    if let Some(planned) = facts
        .planned
        .filter(|planned| due < planned * (1.0 - SHORT_OF_PLAN) - 5.0 * planned.sqrt())
    {
        found.push((Validity::Suspect, format!("only {due:.0} of {planned:.0} executions planned came due: sessions had not filled the step yet")));
    }
    match facts.unsettled {
        // Said above, from the windows themselves.
        Some(Unsettled::Population { .. }) | None => {}
        Some(unsettled) => found.push((
            Validity::Suspect,
            format!("not settled when the windows began: {unsettled}"),
        )),
    }
}

/// Executions that failed, starts that were dropped, connections that were lost.
fn errors(facts: &StepFacts<'_>, found: &mut Findings) {
    let counts = facts.executions;
    if counts.due == 0 {
        return;
    }
    let share = (counts.failed + counts.dropped) as f64 / counts.due as f64;
    if share > SOME_ERRORS {
        let validity = if share > MANY_ERRORS {
            Validity::Limited
        } else {
            Validity::Suspect
        };
        found.push((
            validity,
            format!("{:.1} % of the executions failed or were dropped", share * 100.0),
        ));
    }
    if counts.dropped > 0 {
        let validity = if counts.dropped as f64 / counts.due as f64 > MANY_ERRORS {
            Validity::Limited
        } else {
            Validity::Suspect
        };
        found.push((
            validity,
            format!(
                "{} starts were dropped: as many executions as allowed were in progress",
                counts.dropped
            ),
        ));
    }
    let repeated = facts.generator.repeated;
    if repeated as f64 / facts.requests.due.max(1) as f64 > SOME_REPEATED {
        found.push((
            Validity::Suspect,
            format!("{repeated} requests were sent again: the target had closed their idle connections"),
        ));
    }
    let lost = facts.generator.lost_connections;
    if lost as f64 / facts.requests.due.max(1) as f64 > SOME_LOST {
        found.push((
            Validity::Suspect,
            format!("{lost} connections were lost in the middle of a request"),
        ));
    }
}

/// Whether the target kept up.
fn capacity(facts: &StepFacts<'_>, found: &mut Findings) {
    let due = facts.executions.due as f64;
    let ended: u64 = facts
        .windows
        .iter()
        .map(|window| window.completed.values().sum::<u64>() + window.failed)
        .sum();
    let behind = due - ended as f64;
    // What is due and what ends differ by the executions in progress at both edges; five deviations of a Poisson
    // count are beyond chance, and 3 % of the load is beyond what a settled step may keep in progress.
    if behind > 5.0 * due.sqrt().max(2.0) && behind > 0.03 * due {
        found.push((
            Validity::Limited,
            format!("{ended} of {due} executions ended in the windows: a queue was growing"),
        ));
    }
    if let Some(utilisation) = facts.utilisation.filter(|utilisation| *utilisation > FULL) {
        found.push((
            Validity::Limited,
            format!("a resource was {:.0} % busy", utilisation * 100.0),
        ));
    }
    let span: f64 = facts.windows.iter().map(|window| window.duration_s).sum();
    let mut throttled: std::collections::BTreeMap<&String, f64> = std::collections::BTreeMap::new();
    for (tier, seconds) in facts.windows.iter().flat_map(|window| &window.throttled) {
        *throttled.entry(tier).or_default() += seconds;
    }
    for (tier, seconds) in throttled
        .into_iter()
        .filter(|(_, seconds)| *seconds > THROTTLED * span)
    {
        found.push((
            Validity::Limited,
            format!(
                "the CPU quota held tier `{tier}` back for {:.0} % of the time",
                seconds / span * 100.0
            ),
        ));
    }
}

/// Whether the target stood still for a while.
fn standstill(facts: &StepFacts<'_>, found: &mut Findings) {
    if facts.target_stopped > STOPPED {
        found.push((
            Validity::Limited,
            format!(
                "the target's processes were stopped (SIGSTOP) for {:.0} % of the time",
                facts.target_stopped * 100.0
            ),
        ));
    }
    let span: f64 = facts.windows.iter().map(|window| window.duration_s).sum();
    // Customers who act in step are silent for as long as an answer takes, even a quick one.
    let in_step = facts.population.is_some() && facts.silence_s < 3.0 * facts.typical_s;
    if !in_step
        && facts.silence_s > SILENT_S
        && facts.requests.due as f64 / span.max(1e-9) * facts.silence_s > SILENT_REQUESTS
    {
        found.push((
            Validity::Limited,
            format!(
                "the target stood still: nothing ended for {:.2} s while requests were in flight",
                facts.silence_s
            ),
        ));
    }
}

/// Whether time was what it seemed.
fn clocks(facts: &StepFacts<'_>, found: &mut Findings) {
    let step = facts.generator.clock_step_s;
    if step.abs() > CLOCK_STEP_S {
        found.push((
            Validity::Suspect,
            format!("the civil clock was set by {step:+.2} s, or the machine slept"),
        ));
    }
    let stolen = facts
        .windows
        .iter()
        .map(|window| window.stolen)
        .fold(0.0, f64::max);
    if stolen > STOLEN {
        found.push((
            Validity::Suspect,
            format!(
                "the hypervisor took {:.0} % of the processor in a window",
                stolen * 100.0
            ),
        ));
    }
    let lengths = facts.windows.iter().map(|window| window.duration_s);
    let mean = lengths.clone().sum::<f64>() / facts.windows.len().max(1) as f64;
    let most = lengths
        .map(|length| (length / mean - 1.0).abs())
        .fold(0.0, f64::max);
    if most > EDGES {
        found.push((
            Validity::Suspect,
            format!(
                "a window was {:.0} % longer or shorter than the others: the probes were read late",
                most * 100.0
            ),
        ));
    }
}

/// Whether the probes could be read.
fn probes(facts: &StepFacts<'_>, found: &mut Findings) {
    let with_gaps = facts
        .windows
        .iter()
        .filter(|window| !window.gaps.is_empty())
        .count();
    let Some(first) = facts.windows.iter().flat_map(|window| &window.gaps).next() else {
        return;
    };
    let validity = if with_gaps == facts.windows.len() {
        Validity::Invalid
    } else {
        Validity::Suspect
    };
    found.push((
        validity,
        format!(
            "probes had gaps in {with_gaps} of {} windows: {first}",
            facts.windows.len()
        ),
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(completed: u64) -> Window {
        Window {
            duration_s: 1.0,
            completed: [("a".to_owned(), completed)].into_iter().collect(),
            ..Window::default()
        }
    }

    fn verdict(change: impl FnOnce(&mut StepFacts<'_>, &mut [Window; 2])) -> Verdict {
        let windows = [window(500), window(500)];
        let counts = Counts {
            due: 1_000,
            completed: 1_000,
            failed: 0,
            dropped: 0,
        };
        let generator = GeneratorHealth {
            cpu: 0.3,
            lateness_p50_s: 1e-5,
            lateness_p99_s: 5e-4,
            ..GeneratorHealth::default()
        };
        let mut facts = StepFacts {
            executions: counts,
            requests: counts,
            windows: &[],
            generator,
            population: None,
            local_errors: 0,
            own_errors: 0,
            refused: false,
            panics: 0,
            planned: None,
            typical_s: 0.001,
            unsettled: None,
            utilisation: Some(0.5),
            silence_s: 0.01,
            target_stopped: 0.0,
            interrupted: false,
            loaded: true,
        };
        let mut own = windows;
        change(&mut facts, &mut own);
        judge(&StepFacts {
            windows: &own,
            ..facts
        })
    }

    fn validity(change: impl FnOnce(&mut StepFacts<'_>)) -> Validity {
        verdict(|facts, _| change(facts)).validity
    }

    #[test]
    fn a_quiet_step_is_valid() {
        assert_eq!(
            verdict(|_, _| ()),
            Verdict {
                validity: Validity::Valid,
                reasons: Vec::new()
            }
        );
    }

    #[test]
    fn a_generator_at_its_limit_is_never_blamed_on_the_target() {
        assert_eq!(
            validity(|facts| facts.generator.lateness_p99_s = 0.0011),
            Validity::Suspect
        );
        assert_eq!(
            validity(|facts| facts.generator.clock_p99_s = 0.030),
            Validity::Invalid
        );
        assert_eq!(validity(|facts| facts.generator.cpu = 0.85), Validity::Suspect);
        assert_eq!(validity(|facts| facts.generator.cpu = 0.97), Validity::Invalid);
        assert_eq!(
            validity(|facts| facts.generator.waiting = 0.30),
            Validity::Invalid
        );
        assert_eq!(validity(|facts| facts.local_errors = 1), Validity::Invalid);
        assert_eq!(validity(|facts| facts.interrupted = true), Validity::Invalid);
        assert_eq!(validity(|facts| facts.generator.queued = 50), Validity::Suspect);
    }

    #[test]
    fn a_population_that_was_not_reached_makes_a_step_invalid() {
        assert_eq!(
            validity(|facts| facts.population = Some(Population {
                planned: 1_000,
                reached: 995
            })),
            Validity::Valid
        );
        let short = verdict(|facts, _| {
            facts.population = Some(Population {
                planned: 1_000,
                reached: 900,
            })
        });
        assert_eq!(
            (short.validity, short.reasons),
            (
                Validity::Invalid,
                vec!["only 900 of 1000 customers could act".to_owned()]
            )
        );
        assert_eq!(
            validity(|facts| (facts.population, facts.refused) = (
                Some(Population {
                    planned: 10,
                    reached: 5
                }),
                true
            )),
            Validity::Limited
        );
        assert_eq!(validity(|facts| facts.planned = Some(1_000.0)), Validity::Valid);
        assert_eq!(validity(|facts| facts.planned = Some(1_500.0)), Validity::Suspect);
        assert_eq!(validity(|facts| facts.own_errors = 20), Validity::Invalid);
        assert_eq!(validity(|facts| facts.panics = 1), Validity::Invalid);
        assert_eq!(
            validity(|facts| (facts.silence_s, facts.typical_s) = (1.0, 1.0)),
            Validity::Limited
        );
        let in_step = Some(Population {
            planned: 64,
            reached: 64,
        });
        assert_eq!(
            validity(|facts| (facts.silence_s, facts.typical_s, facts.population) = (1.0, 1.0, in_step)),
            Validity::Valid
        );
        assert_eq!(
            validity(|facts| facts.unsettled = Some(Unsettled::Trend { factor: 1.3 })),
            Validity::Suspect
        );
    }

    #[test]
    fn a_target_that_cannot_keep_up_is_limited() {
        assert_eq!(
            validity(|facts| facts.utilisation = Some(0.995)),
            Validity::Limited
        );
        assert_eq!(
            validity(|facts| facts.executions = Counts {
                due: 1_000,
                completed: 900,
                failed: 60,
                dropped: 40
            }),
            Validity::Limited
        );
        assert_eq!(
            validity(|facts| facts.executions = Counts {
                due: 1_300,
                completed: 1_300,
                failed: 0,
                dropped: 0
            }),
            Validity::Limited
        );
        assert_eq!(
            validity(|facts| facts.executions = Counts {
                due: 1_000,
                completed: 990,
                failed: 10,
                dropped: 0
            }),
            Validity::Suspect
        );
        assert_eq!(
            validity(|facts| facts.executions = Counts {
                due: 1_000,
                completed: 999,
                failed: 0,
                dropped: 1
            }),
            Validity::Suspect
        );
        assert_eq!(validity(|facts| facts.target_stopped = 0.4), Validity::Limited);
        assert_eq!(validity(|facts| facts.silence_s = 1.0), Validity::Limited);
        let throttled = verdict(|_, windows| {
            windows[0].throttled.insert("app".to_owned(), 0.4);
        });
        assert_eq!(
            (throttled.validity, throttled.reasons),
            (
                Validity::Limited,
                vec!["the CPU quota held tier `app` back for 20 % of the time".to_owned()]
            )
        );
    }

    #[test]
    fn doubts_about_clocks_connections_and_probes_are_named() {
        assert_eq!(
            validity(|facts| facts.generator.clock_step_s = -3.0),
            Validity::Suspect
        );
        assert_eq!(
            validity(|facts| facts.generator.lost_connections = 2),
            Validity::Suspect
        );
        assert_eq!(
            verdict(|_, windows| windows[0].duration_s = 1.3).validity,
            Validity::Suspect
        );
        let gap = || vec!["db: no answer".to_owned()];
        assert_eq!(
            verdict(|_, windows| windows[0].gaps = gap()).validity,
            Validity::Suspect
        );
        assert_eq!(
            verdict(|_, windows| windows.iter_mut().for_each(|window| window.gaps = gap())).validity,
            Validity::Invalid
        );
    }

    #[test]
    fn the_gravest_finding_decides_and_all_are_named() {
        let verdict = verdict(|facts, windows| {
            facts.executions = Counts {
                due: 100,
                completed: 0,
                failed: 100,
                dropped: 0,
            };
            facts.generator.cpu = 0.99;
            windows.iter_mut().for_each(|window| window.completed.clear());
        });
        assert_eq!((verdict.validity, verdict.reasons.len()), (Validity::Invalid, 3));
    }
}
