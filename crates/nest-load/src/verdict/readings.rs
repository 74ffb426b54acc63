//! Whether clocks and probes can be trusted.

use nest_data::measurement::Validity;

use super::{StepFacts, findings::Findings};

/// Change of the civil clock against the monotonic one, in seconds. NTP slews a clock by at most 500 ppm,
/// 0.06 s in two minutes, and ntpd sets it in one step from 0.128 s on.
const CLOCK_STEP_S: f64 = 0.1;
/// Share of processor time that the hypervisor took. Service times grow by 1 / (1 - share): 5 % is half of
/// the goal for them.
const STOLEN: f64 = 0.05;
/// Difference of a window's length from the others'. Utilisation is wrong by as much.
const EDGES: f64 = 0.05;

/// Whether the clocks ran evenly.
pub fn clocks(facts: &StepFacts<'_>, findings: &mut Findings) {
    let step_s = facts.generator.clock_step_s;
    if step_s.abs() > CLOCK_STEP_S {
        let reason = format!("the civil clock was set by {step_s:+.2} s, or the machine slept");
        findings.add(Validity::Suspect, reason);
    }
    let stolen = facts
        .windows
        .iter()
        .map(|window| window.stolen)
        .fold(0.0, f64::max);
    if stolen > STOLEN {
        let reason = format!(
            "the hypervisor took {:.0} % of the processor in a window",
            stolen * 100.0
        );
        findings.add(Validity::Suspect, reason);
    }
    let mean_s = facts.span_s() / facts.windows.len().max(1) as f64;
    let most = facts
        .windows
        .iter()
        .map(|window| (window.duration_s / mean_s - 1.0).abs())
        .fold(0.0, f64::max);
    if most > EDGES {
        let reason = format!(
            "a window was {:.0} % longer or shorter than the others: the probes were read late",
            most * 100.0
        );
        findings.add(Validity::Suspect, reason);
    }
}

/// Whether the probes could be read.
pub fn probes(facts: &StepFacts<'_>, findings: &mut Findings) {
    let windows = facts.windows.len();
    let with_gaps = facts
        .windows
        .iter()
        .filter(|window| !window.gaps.is_empty())
        .count();
    let Some(first) = facts.windows.iter().flat_map(|window| &window.gaps).next() else {
        return;
    };
    let validity = if with_gaps == windows {
        Validity::Invalid
    } else {
        Validity::Suspect
    };
    findings.add(
        validity,
        format!("probes had gaps in {with_gaps} of {windows} windows: {first}"),
    );
}
