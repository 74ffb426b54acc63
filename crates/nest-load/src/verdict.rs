//! What a step is worth: a pure function of its numbers.

use nest_data::measurement::{Counts, GeneratorHealth, Verdict, Window, Worth};

/// Lateness (p99) above which the generator is doubted, in seconds.
const LATE_S: f64 = 0.005;
/// Lateness (p99) above which the step says nothing about the target, in seconds.
const TOO_LATE_S: f64 = 0.050;
/// Share of its core above which the generator is the limit.
const GENERATOR_FULL: f64 = 0.95;
/// Share of processor time taken by the hypervisor above which a step is doubted.
const STOLEN: f64 = 0.05;
/// Share of errors above which a step is doubted, and above which the target counts as overloaded.
const SOME_ERRORS: f64 = 0.005;
const MANY_ERRORS: f64 = 0.05;
/// Utilisation from which a processor has nothing left.
const FULL: f64 = 0.985;

/// The numbers that a verdict rests on.
#[derive(Debug, Clone, Copy)]
pub struct StepFacts<'a> {
    /// Executions over all behaviours.
    pub executions: Counts,
    /// The windows.
    pub windows: &'a [Window],
    /// The generator's health.
    pub generator: GeneratorHealth,
    /// Highest utilisation of a resource over the step, where one is known.
    pub utilisation: Option<f64>,
    /// Whether the step offers load.
    pub loaded: bool,
}

/// Judges a step. The gravest finding decides; every finding is given as a reason.
#[must_use]
pub fn judge(facts: &StepFacts<'_>) -> Verdict {
    let mut found = Vec::new();
    generator(facts, &mut found);
    target(facts, &mut found);
    let stolen = facts.windows.iter().map(|window| window.stolen).fold(0.0, f64::max);
    if stolen > STOLEN {
        found.push((Worth::Suspect, format!("the hypervisor took {:.0} % of the processor in a window", stolen * 100.0)));
    }
    let worth = found.iter().map(|(worth, _)| *worth).max().unwrap_or(Worth::Valid);
    Verdict { worth, reasons: found.into_iter().map(|(_, reason)| reason).collect() }
}

fn generator(facts: &StepFacts<'_>, found: &mut Vec<(Worth, String)>) {
    if !facts.loaded {
        return;
    }
    let late = facts.generator.lateness_p99_s;
    if late > TOO_LATE_S {
        found.push((Worth::Invalid, format!("the generator started requests {:.0} ms late (p99)", late * 1e3)));
    } else if late > LATE_S {
        found.push((Worth::Suspect, format!("the generator started requests {:.0} ms late (p99)", late * 1e3)));
    }
    if facts.generator.cpu > GENERATOR_FULL {
        found.push((Worth::Invalid, format!("the generator used {:.0} % of its core", facts.generator.cpu * 100.0)));
    }
    if facts.executions.due == 0 {
        found.push((Worth::Invalid, "nothing was due in the windows".to_owned()));
    }
}

fn target(facts: &StepFacts<'_>, found: &mut Vec<(Worth, String)>) {
    let counts = facts.executions;
    if counts.due == 0 {
        return;
    }
    let errors = (counts.failed + counts.dropped) as f64 / counts.due as f64;
    if errors > MANY_ERRORS {
        found.push((Worth::Limited, format!("{:.1} % of the executions failed", errors * 100.0)));
    } else if errors > SOME_ERRORS {
        found.push((Worth::Suspect, format!("{:.1} % of the executions failed", errors * 100.0)));
    }
    let ended: u64 = facts.windows.iter().map(|window| window.completed.values().sum::<u64>() + window.failed).sum();
    let behind = counts.due as f64 - ended as f64;
    // What is due and what ends differ by the executions in progress at both edges; five deviations of a Poisson
    // count are beyond chance, and 3 % of the load is beyond what a settled step may keep in progress.
    if behind > 5.0 * (counts.due as f64).sqrt().max(2.0) && behind > 0.03 * counts.due as f64 {
        found.push((Worth::Limited, format!("{ended} of {} executions ended in the windows: a queue was growing", counts.due)));
    }
    if let Some(utilisation) = facts.utilisation.filter(|utilisation| *utilisation > FULL) {
        found.push((Worth::Limited, format!("a resource was {:.0} % busy", utilisation * 100.0)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(completed: u64) -> Window {
        Window { duration_s: 1.0, completed: [("a".to_owned(), completed)].into_iter().collect(), ..Window::default() }
    }

    fn worth(change: impl FnOnce(&mut StepFacts<'_>)) -> Worth {
        let windows = [window(500), window(500)];
        let mut facts = StepFacts {
            executions: Counts { due: 1_000, completed: 1_000, failed: 0, dropped: 0 },
            windows: &windows,
            generator: GeneratorHealth { cpu: 0.3, lateness_p50_s: 1e-4, lateness_p99_s: 1e-3 },
            utilisation: Some(0.5),
            loaded: true,
        };
        change(&mut facts);
        judge(&facts).worth
    }

    #[test]
    fn a_quiet_step_is_valid() {
        assert_eq!(worth(|_| ()), Worth::Valid);
    }

    #[test]
    fn a_late_generator_is_never_blamed_on_the_target() {
        assert_eq!(worth(|facts| facts.generator.lateness_p99_s = 0.006), Worth::Suspect);
        assert_eq!(worth(|facts| facts.generator.lateness_p99_s = 0.060), Worth::Invalid);
        assert_eq!(worth(|facts| facts.generator.cpu = 0.97), Worth::Invalid);
    }

    #[test]
    fn a_target_that_cannot_keep_up_is_limited() {
        assert_eq!(worth(|facts| facts.utilisation = Some(0.995)), Worth::Limited);
        assert_eq!(worth(|facts| facts.executions = Counts { due: 1_000, completed: 900, failed: 60, dropped: 40 }), Worth::Limited);
        assert_eq!(worth(|facts| facts.executions = Counts { due: 1_300, completed: 1_300, failed: 0, dropped: 0 }), Worth::Limited);
        assert_eq!(worth(|facts| facts.executions = Counts { due: 1_000, completed: 990, failed: 10, dropped: 0 }), Worth::Suspect);
    }

    #[test]
    fn the_gravest_finding_decides_and_all_are_named() {
        let windows = [window(0)];
        let facts = StepFacts {
            executions: Counts { due: 100, completed: 0, failed: 100, dropped: 0 },
            windows: &windows,
            generator: GeneratorHealth { cpu: 0.99, lateness_p50_s: 0.0, lateness_p99_s: 0.0 },
            utilisation: None,
            loaded: true,
        };
        let verdict = judge(&facts);
        assert_eq!((verdict.worth, verdict.reasons.len()), (Worth::Invalid, 3));
    }
}
