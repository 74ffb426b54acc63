//! How much equal versions differ on this machine: saved by `--calibrate`, read by every check.

use nest_data::{Document, GateReport, gate_report::GateNoise, measure::gate::Gate};
use nest_load::observe::machine;
use nest_model::comparison::Prior;

use crate::{
    command_error::{CommandError, INVALID},
    files::StudyFolder,
    printer::talk,
};

/// Least deviation that is saved: blocks that happen to agree show none.
const LEAST_DEVIATION: f64 = 1e-3;
/// A limit must be this many times the standard error that the most blocks leave.
const STANDARD_ERRORS: f64 = 2.0;

/// What is expected of the deviation of a block on this machine.
pub fn prior(folder: &StudyFolder) -> Result<Prior, CommandError> {
    let noise = folder.noise()?.filter(|noise| noise.cpu == machine::facts().cpu);
    Ok(noise.map_or(Prior::UNCALIBRATED, |noise| {
        Prior::calibrated(noise.deviation, noise.blocks)
    }))
}

/// Refuses a limit that the noise of this machine hides even after the most blocks.
pub fn check_limits(gate: &Gate, prior: Prior) -> Result<(), CommandError> {
    let least = gate
        .limits
        .values()
        .fold(gate.limit.get(), |least, limit| least.min(limit.get()));
    let floor = STANDARD_ERRORS * prior.deviation / f64::from(gate.blocks).sqrt();
    if least >= floor || prior == Prior::UNCALIBRATED {
        return Ok(());
    }
    let needed = (STANDARD_ERRORS * prior.deviation / least).powi(2).ceil();
    let message = format!(
        "a limit of {:.1} % is below what this machine can tell: {:.1} % after {} blocks",
        100.0 * least,
        100.0 * floor,
        gate.blocks
    );
    Err(CommandError::new(INVALID, message).hint(format!(
        "write a wider limit under [check], or blocks = {needed:.0}"
    )))
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
