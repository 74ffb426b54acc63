//! `runs`: lists, shows or removes runs of a study.

use nest_data::measurement::Step;

use crate::{
    args::{Format, RunsArguments, RunsVerb},
    command_error::CommandError,
    commands::measure::steps_table,
    files::{KeptSteps, RunFolder, StudyFolder},
    printer::{data, talk},
    table::{Cell, Column, OutputTable},
};

/// Runs the verb.
pub fn run(arguments: &RunsArguments) -> Result<(), CommandError> {
    match &arguments.verb {
        RunsVerb::List { study, format } => list(&StudyFolder::new(study)?, *format),
        RunsVerb::Show { run, study, format } => show(&StudyFolder::new(study)?, run, *format),
        RunsVerb::Rm { run, study } => {
            StudyFolder::new(study)?.remove_run(run)?;
            talk(&format!("removed run {run}"));
            Ok(())
        }
    }
}

fn list(folder: &StudyFolder, format: Format) -> Result<(), CommandError> {
    let mut table = OutputTable::new(&[
        Column::new("run", &["run"]),
        Column::new("state", &["state"]),
        Column::new("steps", &["steps", "planned_steps"]),
        Column::new("started", &["started_at"]),
    ]);
    for run in folder.runs()?.iter().rev() {
        let (state, started_at) = match run.manifest() {
            Ok(manifest) => (manifest.state.label(), manifest.started_at),
            Err(error) => {
                talk(&format!("note: {}", error.text()));
                ("damaged", String::new())
            }
        };
        table.push(vec![
            Cell::text(&run.id),
            Cell::text(state),
            Cell::CountOf(finished_steps(run)?.len() as u64, planned_steps(run)),
            Cell::text(started_at),
        ]);
    }
    if table.is_empty() {
        talk(&format!(
            "there are no runs yet; make one with `{}`",
            folder.command("measure")
        ));
    }
    data(&table.render(format))
}

/// Number of steps of a run's plan; `None` if there is no plan that can be read.
fn planned_steps(run: &RunFolder) -> Option<u64> {
    match run.plan() {
        Ok(kept) => kept.map(|kept| kept.plan.steps.len() as u64),
        Err(error) => {
            talk(&format!("note: {}", error.text()));
            None
        }
    }
}

/// The steps of a run that can be read; names the others.
fn finished_steps(run: &RunFolder) -> Result<Vec<Step>, CommandError> {
    let KeptSteps { steps, left_out } = run.steps()?;
    left_out
        .iter()
        .for_each(|one| talk(&format!("note: left out: {one}")));
    Ok(steps)
}

fn show(folder: &StudyFolder, run: &str, format: Format) -> Result<(), CommandError> {
    let steps = finished_steps(&folder.run(run)?)?;
    if format == Format::Json {
        let json = serde_json::to_string_pretty(&steps).map_err(std::io::Error::from)?;
        return data(&(json + "\n"));
    }
    data(&steps_table(&steps).render(format))?;
    for (step, failure) in steps
        .iter()
        .flat_map(|step| step.failures.iter().map(move |failure| (step, failure)))
    {
        talk(&format!(
            "{}, {} ({}): {failure}",
            step.plan.label(),
            failure.behaviour,
            failure.kind,
        ));
    }
    Ok(())
}
