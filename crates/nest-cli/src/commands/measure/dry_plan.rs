//! `measure --plan --dry`: plans from a pilot that was kept, and starts, runs and sends nothing.

use nest_data::{
    Study,
    measurement::{Pilot, Resource},
};
use nest_load::plan::{self, RampSteps};

use super::plan_output;
use crate::{
    args::Format,
    command_error::CommandError,
    files::StudyFolder,
    printer::{seconds, talk},
};

/// A pilot that an earlier run kept.
struct KeptPilot {
    /// Where it was kept, in words.
    place: String,
    pilots: Vec<Pilot>,
    resources: Vec<Resource>,
    /// Whether the study was another one then.
    is_changed: bool,
}

/// Prints the plan that the study has by its newest pilot, or as much of it as is known without one.
pub fn run(folder: &StudyFolder, study: &Study, format: Format) -> Result<(), CommandError> {
    let Some(kept) = newest_pilot(folder, study)? else {
        return outline(folder, study, format);
    };
    let plan = plan::resolve(study, &kept.pilots, &kept.resources, RampSteps::Planned)?;
    plan_output::print(&plan, format)?;
    let changed = if kept.is_changed {
        "; the study has changed since, so a new pilot may find another plan"
    } else {
        ""
    };
    talk(&format!(
        "planned from the pilot of {}; nothing was started{changed}",
        kept.place
    ));
    Ok(())
}

/// The newest pilot that ran every behaviour of the study: of a run, otherwise of the measurements.
fn newest_pilot(folder: &StudyFolder, study: &Study) -> Result<Option<KeptPilot>, CommandError> {
    for run in folder.runs()?.into_iter().rev() {
        let kept = match run.plan() {
            Ok(Some(kept)) => kept,
            Ok(None) => continue,
            Err(error) => {
                talk(&format!(
                    "note: run {} is left out, because {}",
                    run.id,
                    error.text()
                ));
                continue;
            }
        };
        let hash = run.manifest().map(|manifest| manifest.study_hash).ok();
        let pilot = KeptPilot {
            place: format!("run {}", run.id),
            pilots: kept.pilot,
            resources: kept.resources,
            is_changed: hash.is_none_or(|hash| hash != study.hash()),
        };
        if let Some(pilot) = covering(study, pilot) {
            return Ok(Some(pilot));
        }
    }
    let Some(measured) = folder.measurements().ok() else {
        return Ok(None);
    };
    let pilot = KeptPilot {
        place: format!("run {}, in measurements.json", measured.run),
        pilots: measured.pilot,
        resources: measured.resources,
        is_changed: measured.study_hash != study.hash(),
    };
    Ok(covering(study, pilot))
}

/// The pilot of the study's own behaviours, if it ran them all.
fn covering(study: &Study, mut kept: KeptPilot) -> Option<KeptPilot> {
    kept.pilots
        .retain(|pilot| study.behaviours.contains_key(&pilot.behaviour));
    let ran = |name: &String| kept.pilots.iter().any(|pilot| pilot.behaviour == *name);
    study.behaviours.keys().all(ran).then_some(kept)
}

/// Prints the steps and bounds of a plan without a pilot.
fn outline(folder: &StudyFolder, study: &Study, format: Format) -> Result<(), CommandError> {
    let outline = plan::outline(study)?;
    plan_output::print_outline(&outline, format)?;
    let measure = &study.measure;
    talk(&format!(
        "{} steps, about {} after the pilot; at most {} a second (max_rate), {} in progress \
         (max_in_flight) and {} (max_duration)",
        outline.steps.len(),
        seconds(outline.duration_s),
        measure.max_rate,
        measure.max_in_flight,
        seconds(measure.max_duration.get()),
    ));
    talk(&format!(
        "no run has a pilot of these behaviours, so the other rates and numbers of customers are not known: \
         `{}` runs one; nothing was started",
        folder.command("measure --plan")
    ));
    Ok(())
}
