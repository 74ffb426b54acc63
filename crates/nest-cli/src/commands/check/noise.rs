//! How much equal versions differ on this machine: saved by `--calibrate`, read by every check.

use nest_data::{
    Diagnostic, Document, GateReport, Study, gate_report::GateNoise, measure::gate::Gate,
    measurement::Machine,
};
use nest_load::observe::machine;
use nest_model::comparison::Prior;

use crate::{command_error::CommandError, files::StudyFolder, printer::talk};

/// Least deviation that is saved: blocks that happen to agree show none.
const LEAST_DEVIATION: f64 = 1e-3;
/// A limit must be this many times the standard error that the most blocks leave.
const STANDARD_ERRORS: f64 = 2.0;

/// What is expected of the deviation of a block on this machine.
pub fn prior(folder: &StudyFolder) -> Result<Prior, CommandError> {
    let here = machine::facts();
    of_runs(folder, [&here, &here])
}

/// What is expected of the deviation between two runs: what a calibration showed if both ran on its machine.
pub fn of_runs(folder: &StudyFolder, machines: [&Machine; 2]) -> Result<Prior, CommandError> {
    let noise = folder.noise()?;
    let noise = noise.filter(|noise| machines.iter().all(|machine| machine.cpu == noise.cpu));
    Ok(noise.map_or(Prior::UNCALIBRATED, |noise| {
        Prior::calibrated(noise.deviation, noise.blocks)
    }))
}

/// Refuses a limit that the noise of this machine hides even after the most blocks.
pub fn check_limits(
    folder: &StudyFolder,
    study: &Study,
    gate: &Gate,
    prior: Prior,
) -> Result<(), CommandError> {
    if prior == Prior::UNCALIBRATED {
        return Ok(());
    }
    let floor = STANDARD_ERRORS * prior.deviation / f64::from(gate.blocks).sqrt();
    let own = gate
        .limits
        .iter()
        .map(|(name, limit)| (vec!["check", "limits", name], limit.get()));
    let limits = own.chain([(vec!["check", "limit"], gate.limit.get())]);
    let found: Vec<Diagnostic> = limits
        .filter(|(_, limit)| *limit < floor)
        .map(|(path, limit)| {
            let needed = (STANDARD_ERRORS * prior.deviation / limit).powi(2).ceil();
            let message = format!(
                "a limit of {:.1} % is below what this machine can tell: {:.1} % after {} blocks",
                100.0 * limit,
                100.0 * floor,
                gate.blocks
            );
            let help = format!("write a wider limit, or blocks = {needed:.0} under [check]");
            study.places.finding(&path, &message, &help)
        })
        .collect();
    if found.is_empty() {
        return Ok(());
    }
    Err(CommandError::diagnostics(found, vec![folder.nest_text()?]))
}

/// Saves what a calibration showed.
pub fn save(folder: &StudyFolder, report: &GateReport, blocks: usize) -> Result<(), CommandError> {
    let Some(deviation) = report.noise else {
        talk("the calibration says nothing: fewer than two blocks count");
        return Ok(());
    };
    let noise = GateNoise {
        header: GateNoise::header(),
        deviation: deviation.max(LEAST_DEVIATION),
        blocks,
        cpu: machine::facts().cpu,
    };
    let path = folder.write_noise(&noise)?;
    talk(&format!(
        "noise of this machine: {:.1} % from block to block, saved in {}",
        100.0 * deviation,
        path.display()
    ));
    Ok(())
}
