//! Whether workers on other machines offered the load together: all of them, at the same time, unhindered.

use nest_data::measurement::{GeneratorOf, Validity};

use super::{
    StepFacts,
    findings::{Bounds, Findings},
};
use crate::fleet::clock;

/// Share of the windows for which a CPU quota held a worker back. Such times show neither as waiting nor as
/// use; their bounds are those of a worker that stood still.
const THROTTLED: Bounds = Bounds {
    suspect: 0.01,
    beyond: (0.05, Validity::Invalid),
};
/// Share of its core from which a worker is busy, and below which another one idles. Our choice.
const BUSY: f64 = 0.80;
const IDLE: f64 = 0.30;

/// Whether the step was not what was planned because of a worker, which everything else that is found of it
/// may follow from.
pub fn loss(facts: &StepFacts<'_>, findings: &mut Findings) {
    if let Some(reason) = facts.broken {
        findings.add(Validity::Invalid, reason.to_owned());
    }
}

/// Judges each worker; the worst is named.
pub fn workers(facts: &StepFacts<'_>, findings: &mut Findings) {
    let span_s = facts.span_s();
    throttled(facts.generators, span_s, findings);
    clocks(facts, span_s, findings);
    uneven(facts.generators, findings);
}

fn throttled(generators: &[GeneratorOf], span_s: f64, findings: &mut Findings) {
    let worst = generators
        .iter()
        .max_by(|one, other| one.throttled_s.total_cmp(&other.throttled_s));
    let Some(worst) = worst.filter(|_| span_s > 0.0) else {
        return;
    };
    findings.check(worst.throttled_s / span_s, THROTTLED, || {
        format!(
            "its CPU quota held the worker {} back for {:.1} of {span_s:.0} s: give it whole cores",
            worst.worker, worst.throttled_s
        )
    });
}

/// Whether the windows of all workers lay at the same time.
fn clocks(facts: &StepFacts<'_>, span_s: f64, findings: &mut Findings) {
    if facts.windows.is_empty() {
        return; // the step ended before any window
    }
    let window_s = span_s / facts.windows.len().max(1) as f64;
    let error_s = |one: &GeneratorOf| one.offset_error_s + (one.drift_ppm * 1e-6 * span_s).abs();
    let worst = facts
        .generators
        .iter()
        .max_by(|one, other| error_s(one).total_cmp(&error_s(other)));
    let Some(worst) = worst else { return };
    if let Some(validity) = clock::judge(error_s(worst), window_s) {
        let reason = format!(
            "the clock of the worker {} is known to {:.1} ms only: its windows may lie beside the others'",
            worst.worker,
            error_s(worst) * 1e3
        );
        findings.add(validity, reason);
    }
}

/// A worker at its limit beside one that has nothing to do: a remark, as the limit itself is judged by its
/// own figures.
fn uneven(generators: &[GeneratorOf], findings: &mut Findings) {
    let present = || generators.iter().filter(|one| one.lost.is_none());
    let busiest = present().max_by(|one, other| one.health.cpu.total_cmp(&other.health.cpu));
    let idlest = present().min_by(|one, other| one.health.cpu.total_cmp(&other.health.cpu));
    if let (Some(busiest), Some(idlest)) = (busiest, idlest)
        && busiest.health.cpu > BUSY
        && idlest.health.cpu < IDLE
    {
        let reason = format!(
            "the worker {} used {:.0} % of its core while {} used {:.0} %: start it with fewer --slots",
            busiest.worker,
            busiest.health.cpu * 100.0,
            idlest.worker,
            idlest.health.cpu * 100.0
        );
        findings.add(Validity::Valid, reason);
    }
}

#[cfg(test)]
mod tests {
    use nest_data::measurement::{GeneratorHealth, Window};

    use super::*;
    use crate::verdict::{judge, tests::facts};

    fn worker(name: &str) -> GeneratorOf {
        GeneratorOf {
            worker: name.to_owned(),
            slots: 1,
            health: GeneratorHealth::default(),
            offset_s: 12_345.0,
            offset_error_s: 0.0005,
            drift_ppm: 1.0,
            throttled_s: 0.0,
            lost: None,
        }
    }

    /// What is found about two workers in two windows of 5 s, the second of which is changed.
    fn found(change: impl FnOnce(&mut GeneratorOf)) -> (Validity, Vec<String>) {
        let mut generators = [worker("host-a"), worker("host-b")];
        change(&mut generators[1]);
        let windows = [(); 2].map(|()| Window {
            duration_s: 5.0,
            ..Window::default()
        });
        let mut findings = Findings::default();
        let facts = StepFacts {
            generators: &generators,
            windows: &windows,
            ..facts()
        };
        workers(&facts, &mut findings);
        let verdict = findings.verdict();
        (verdict.validity, verdict.reasons)
    }

    #[test]
    fn a_step_that_lost_a_worker_says_that_first_and_nothing_of_the_target() {
        let windows = [(); 2].map(|()| Window {
            duration_s: 5.0,
            ..Window::default()
        });
        let whole = facts();
        let facts = StepFacts {
            broken: Some("the worker w1 was lost"),
            planned: Some(1e6),
            turned_away: whole.executions.due,
            windows: &windows,
            ..whole
        };
        let judgement = judge(&facts);
        assert_eq!(judgement.verdict.validity, Validity::Invalid);
        assert_eq!(judgement.verdict.reasons, ["the worker w1 was lost"]);
        assert!(judgement.generator_failed && judgement.limits.is_empty());
    }

    #[test]
    fn the_worst_worker_decides_and_is_named() {
        assert_eq!(found(|_| ()), (Validity::Valid, Vec::new()));
        for (change, validity, said) in [
            (
                &(|one: &mut GeneratorOf| one.throttled_s = 0.2) as &dyn Fn(&mut GeneratorOf),
                Validity::Suspect,
                "CPU quota held the worker host-b",
            ),
            (&|one| one.throttled_s = 0.6, Validity::Invalid, "0.6 of 10 s"),
            (
                &|one| one.offset_error_s = 0.006,
                Validity::Suspect,
                "the worker host-b is known to 6.0 ms",
            ),
            (
                &|one| one.drift_ppm = 6_000.0,
                Validity::Invalid,
                "host-b is known to 60.5 ms",
            ),
            (
                &|one| one.health.cpu = 0.9,
                Validity::Valid,
                "host-b used 90 % of its core while host-a",
            ),
        ] {
            let (found, reasons) = found(change);
            assert_eq!(found, validity, "{reasons:?}");
            assert!(reasons.iter().any(|reason| reason.contains(said)), "{reasons:?}");
        }
    }
}
