//! Whether the target kept up with the load.

use std::collections::BTreeMap;

use nest_data::measurement::Validity;

use super::{
    StepFacts,
    findings::{Bounds, Findings},
};

/// Share of executions that failed or were dropped. Our choice: 0.5 % is as much as a service that promises
/// 99.5 % may fail; ten times that is overload.
const ERRORS: Bounds = Bounds {
    suspect: 0.005,
    beyond: (0.05, Validity::Limited),
};
/// Share of executions that met an answer other than the behaviour expects, although one came. Our choice:
/// as for errors; but wrong answers say nothing about capacity, and beyond a twentieth the executions are
/// not what the study is about.
const WRONG_ANSWERS: Bounds = Bounds {
    suspect: 0.005,
    beyond: (0.05, Validity::Invalid),
};
/// Share of starts that were dropped: the first is worth a look, as a step drops only if the target answers
/// too slowly.
const DROPPED: Bounds = Bounds {
    suspect: 0.0,
    beyond: (0.05, Validity::Limited),
};
/// Share of executions that were dropped, or failed as they do at a target that is full. From there on other
/// failures are put down to that too. It is the share at which failures are doubted at all.
const SIGNS_OF_FULLNESS: f64 = ERRORS.suspect;
/// Share of requests that were sent again. Our choice: 1 % more requests change the load by less than the 2 %
/// that repeated steps are assumed to differ by.
const SOME_REPEATED: f64 = 0.01;
/// Share of requests whose connection was lost. Our choice: a server that is not overloaded loses none; one
/// in a thousand leaves room for one that is restarted on purpose.
const SOME_LOST: f64 = 0.001;
/// Standard deviations of a Poisson count that are no chance, and the least deviation that is assumed.
const DEVIATIONS: f64 = 5.0;
const LEAST_DEVIATION: f64 = 2.0;
/// Share of the due executions that may be in progress at the end of the windows in a settled step. Our
/// choice: those due and those ended differ only by the executions in progress at both edges.
const IN_PROGRESS: f64 = 0.03;
/// Utilisation from which a resource has nothing left. A full processor shows 98.5 to 100 %: counters of 10
/// ms and the reading of both edges cost up to 1.5 % of a window of a second.
const FULL: f64 = 0.985;
/// Share of the time in which its CPU quota held a tier back. Our choice: a period of 100 ms that is used up
/// now and then is normal, one in twenty is a limit.
const THROTTLED: f64 = 0.05;
/// Share of the polls at which the target's processes were stopped: one poll (50 ms) of a window of 10 s.
const STOPPED: f64 = 0.005;
/// Time without the end of any request, in seconds. Between what feels immediate (0.1 s) and what interrupts
/// a user (1 s): Nielsen, "Usability Engineering", 1993, section 5.5.
const SILENT_S: f64 = 0.5;
/// Requests that should have ended in a silence: that none of 20 does has a chance of exp(-20), 2 in 1,000
/// million.
const SILENT_REQUESTS: f64 = 20.0;
/// Quick answers after which customers who act in step may be silent. Our choice: most answers take less than
/// three times a quick one.
const QUICK_ANSWERS: f64 = 3.0;

/// Executions that failed, starts that were dropped, connections that were lost.
pub fn errors(facts: &StepFacts<'_>, findings: &mut Findings) {
    let counts = facts.executions;
    if counts.due == 0 {
        return;
    }
    let due = counts.due as f64;
    let share = (counts.failed + counts.dropped - wrong_answers(facts)) as f64 / due;
    if counts.failed > 0 && counts.completed == 0 {
        let reason = format!(
            "every one of the {} executions that ended failed, so this step shows nothing about capacity",
            counts.failed
        );
        findings.add(Validity::Invalid, reason);
    } else {
        failures(facts, share, findings);
    }
    let dropped = (counts.dropped as f64 - facts.due_in_gaps()).max(0.0);
    findings.check(dropped / due, DROPPED, || {
        format!(
            "{} starts were dropped: as many executions as allowed were in progress",
            counts.dropped
        )
    });
    let requests = facts.requests.due.max(1) as f64;
    let (closed, unprocessed) = (facts.generator.repeated, facts.generator.unprocessed);
    for (resent, why) in [
        (closed, "the target had closed their idle connections"),
        (
            unprocessed,
            "the target had not begun with them, as it ended their connections or refused them",
        ),
    ] {
        if resent as f64 / requests > SOME_REPEATED {
            let reason = format!("{resent} requests were sent again: {why}");
            findings.add(Validity::Suspect, reason);
        }
    }
    let lost = facts.generator.lost_connections;
    if lost as f64 / requests > SOME_LOST {
        let reason = format!("{lost} connections were lost in the middle of a request");
        findings.add(Validity::Suspect, reason);
    }
}

/// Executions that failed because of what an answer said.
fn wrong_answers(facts: &StepFacts<'_>) -> u64 {
    facts.wrong_answers.min(facts.executions.failed)
}

/// Answers that came, and were not what the behaviours expect. Where the target was at a limit they may be
/// a sign of it; elsewhere nothing is known of a limit.
pub fn answers(facts: &StepFacts<'_>, findings: &mut Findings) {
    let (wrong, due) = (wrong_answers(facts), facts.executions.due.max(1));
    if facts.executions.completed == 0 {
        return;
    }
    let beyond = if findings.has(Validity::Limited) {
        Validity::Suspect
    } else {
        WRONG_ANSWERS.beyond.1
    };
    let bounds = Bounds {
        beyond: (WRONG_ANSWERS.beyond.0, beyond),
        ..WRONG_ANSWERS
    };
    let share = wrong as f64 / due as f64;
    findings.check(share, bounds, || {
        format!(
            "{:.1} % of the executions got answers that are not what the behaviour expects; that says \
             nothing about capacity",
            share * 100.0
        )
    });
}

/// Whether too many executions failed, and whether that was for want of capacity. A target that answers in
/// time, but not as expected, is not full.
fn failures(facts: &StepFacts<'_>, share: f64, findings: &mut Findings) {
    let due = facts.executions.due as f64;
    let dropped = (facts.executions.dropped as f64 - facts.due_in_gaps()).max(0.0);
    let is_full =
        (dropped + facts.turned_away as f64) / due > SIGNS_OF_FULLNESS || findings.has(Validity::Limited);
    let percent = share * 100.0;
    match ERRORS.judge(share) {
        Some(Validity::Limited) if !is_full => {
            let reason = format!(
                "{percent:.1} % of the executions failed or were dropped, and nothing shows that the target \
                 was full: this step says nothing about its capacity"
            );
            findings.add(Validity::Invalid, reason);
        }
        Some(validity) => findings.add(
            validity,
            format!("{percent:.1} % of the executions failed or were dropped"),
        ),
        None => {}
    }
}

/// Whether the target had room for the load.
pub fn capacity(facts: &StepFacts<'_>, findings: &mut Findings) {
    let due = facts.executions.due as f64;
    let ended: u64 = facts
        .windows
        .iter()
        .map(|window| window.completed.values().sum::<u64>() + window.failed)
        .sum();
    // What came due while the generator stood still ended later for its reasons.
    let behind = due - ended as f64 - facts.due_in_gaps();
    if behind > DEVIATIONS * due.sqrt().max(LEAST_DEVIATION) && behind > IN_PROGRESS * due {
        let reason = format!("{ended} of {due} executions ended in the windows: a queue was growing");
        findings.add(Validity::Limited, reason);
    }
    if let Some(utilisation) = facts.utilisation.filter(|utilisation| *utilisation > FULL) {
        let reason = format!("a resource was {:.0} % busy", utilisation * 100.0);
        findings.add(Validity::Limited, reason);
    }
    throttling(facts, findings);
}

fn throttling(facts: &StepFacts<'_>, findings: &mut Findings) {
    let span_s = facts.span_s();
    let mut throttled_s: BTreeMap<&String, f64> = BTreeMap::new();
    for (tier, seconds) in facts.windows.iter().flat_map(|window| &window.throttled) {
        *throttled_s.entry(tier).or_default() += seconds;
    }
    for (tier, seconds) in throttled_s {
        if seconds > THROTTLED * span_s {
            let percent = seconds / span_s * 100.0;
            let reason = format!("the CPU quota held tier `{tier}` back for {percent:.0} % of the time");
            findings.add(Validity::Limited, reason);
        }
    }
}

/// Whether the target stood still for a while.
pub fn standstill(facts: &StepFacts<'_>, findings: &mut Findings) {
    if facts.target_stopped > STOPPED {
        let reason = format!(
            "the target's processes were stopped (SIGSTOP) for {:.0} % of the time",
            facts.target_stopped * 100.0
        );
        findings.add(Validity::Limited, reason);
    }
    // Customers who act in step are silent for as long as an answer takes, even a quick one.
    let in_step = facts.population.is_some() && facts.silence_s < QUICK_ANSWERS * facts.typical_s;
    let requests_per_s = facts.requests.due as f64 / facts.span_s().max(1e-9);
    // Work explains no pause of a target that was stopped.
    let explained_s = if facts.target_stopped > STOPPED {
        0.0
    } else {
        facts.explained_s
    };
    let is_long = facts.silence_s > SILENT_S.max(explained_s);
    if !in_step && is_long && requests_per_s * facts.silence_s > SILENT_REQUESTS {
        let reason = format!(
            "the target stood still: no request ended for {:.2} s while some were in flight",
            facts.silence_s
        );
        findings.add(Validity::Limited, reason);
    }
}
