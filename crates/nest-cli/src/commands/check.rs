//! `check`: compares two versions of the target by what each behaviour uses, and says whether the change may
//! go in.

mod findings;
mod noise;
mod outputs;
mod repository;
mod studies;
mod target_log;
mod unmeasured;
mod versions;
mod visits;

use std::time::Duration;

use nest_data::{
    GateReport, Study,
    gate_report::GateVerdict,
    measure::gate::{Gate, IfUnclear},
};
use nest_load::code::Registry;
use nest_model::comparison::Prior;

pub use noise::of_runs as noise_of_runs;

use self::{
    findings::Findings,
    repository::Revisions,
    versions::{Versions, prepare},
    visits::{GateVisits, compare},
};
use crate::{
    args::CheckArguments,
    clock,
    command_error::{CommandError, GATE_FAILED, GATE_UNCLEAR, LOST, USAGE},
    commands::measure::consent::{self, ComparedVersions, ConsentFor},
    files::StudyFolder,
    interrupts,
    printer::talk,
};

/// Runs the verb. Whatever happens is written in all forms that were asked for: an old result must not be
/// taken for this one's.
pub fn run(arguments: &CheckArguments, registry: &Registry) -> Result<(), CommandError> {
    if arguments.base.is_none() && arguments.base_start.is_none() && !arguments.calibrate {
        return Err(nothing_to_compare());
    }
    let elapsed = clock::stopwatch();
    let opened = StudyFolder::open(&arguments.study.study, &arguments.study.overrides, registry);
    let name = match &opened {
        Ok((_, study)) => study.study.name.clone(),
        Err(_) => unmeasured::study_name(&arguments.study.study),
    };
    let found = opened.and_then(|(folder, study)| {
        let gate = study.check.clone().unwrap_or_default();
        Ok((check(arguments, &folder, &study, &gate, &elapsed)?, gate))
    });
    match found {
        Ok((report, gate)) => {
            outputs::write(arguments, &report)?;
            ended(&report, &gate, arguments.calibrate)
        }
        Err(error) => {
            unmeasured::write(arguments, &name, &error, elapsed());
            Err(error)
        }
    }
}

fn nothing_to_compare() -> CommandError {
    CommandError::new(USAGE, "nothing says which version to compare with").hint(
        "give --base REVISION; without git both --base-start COMMAND and --head-start COMMAND; or \
         --calibrate to learn this machine's noise",
    )
}

/// Compares the versions.
fn check(
    arguments: &CheckArguments,
    folder: &StudyFolder,
    study: &Study,
    gate: &Gate,
    elapsed: &dyn Fn() -> Duration,
) -> Result<GateReport, CommandError> {
    let revisions = Revisions::of(arguments, folder)?;
    let compared = ComparedVersions {
        commits: revisions.as_ref().map(Revisions::compared).transpose()?,
    };
    consent::check(
        folder,
        study,
        ConsentFor::Checking(compared),
        arguments.consent.yes,
    )?;
    let interrupt = interrupts::watch()?;
    let _lock = folder.lock()?;
    let prior = noise::prior(folder)?;
    noise::check_limits(folder, study, gate, prior)?;
    let versions = prepare(arguments, folder, study, gate, revisions.as_ref(), &interrupt)?;
    // Building may take longer than the visits: it is no part of their budget.
    let visiting = clock::stopwatch();
    let findings = if versions.matters {
        let visits = GateVisits {
            folder,
            study,
            gate,
            versions: &versions,
            interrupt: &interrupt,
            prior,
            budget: arguments.budget.duration(),
            base_broken_ok: arguments.base_broken_ok,
        };
        compare(&visits, &visiting)?
    } else {
        Findings::nothing_changed(study)
    };
    let report = findings.report(&Checked {
        folder,
        study,
        gate,
        versions: &versions,
        prior,
        projection: &arguments.projection,
        seconds: elapsed().as_secs_f64(),
    })?;
    if arguments.calibrate {
        noise::save(folder, &report, findings.blocks.len())?;
    }
    Ok(report)
}

/// What a report is made of besides its findings.
pub struct Checked<'a> {
    folder: &'a StudyFolder,
    study: &'a Study,
    gate: &'a Gate,
    versions: &'a Versions,
    prior: Prior,
    projection: &'a crate::args::ProjectionArguments,
    seconds: f64,
}

/// Exit code of a verdict.
fn exit_code(verdict: GateVerdict, gate: &Gate) -> u8 {
    match verdict {
        GateVerdict::Pass => 0,
        GateVerdict::Unclear if gate.if_unclear == IfUnclear::Warn => 0,
        GateVerdict::Unclear => GATE_UNCLEAR,
        GateVerdict::Fail => GATE_FAILED,
        GateVerdict::Void => LOST,
    }
}

/// Ends the program with the code of the verdict; a calibration only measures.
fn ended(report: &GateReport, gate: &Gate, calibrating: bool) -> Result<(), CommandError> {
    let sentence = nest_report::check::sentence(report);
    if calibrating || report.exit == 0 {
        talk(&sentence);
        return Ok(());
    }
    let hint = match report.verdict {
        GateVerdict::Unclear if !report.reasons.is_empty() => {
            "see why above; visits that were disturbed are fewer on a machine that does nothing else"
        }
        GateVerdict::Unclear => "give the check a longer --budget, or a wider limit under [check]",
        GateVerdict::Void => "see why the visits do not count, and run the check again",
        _ => "make it use less, or state under [check.limits] how much more it may use",
    };
    Err(CommandError::new(exit_code(report.verdict, gate), sentence).hint(hint))
}
