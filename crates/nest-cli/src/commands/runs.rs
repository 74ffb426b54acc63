//! `runs`: lists, shows or removes runs of a study.

use crate::{
    args::{Format, RunsArguments, RunsVerb},
    command_error::CommandError,
    commands::measure::steps_table,
    files::StudyFolder,
    printer::{data, talk},
    table::{Cell, Column, OutputTable},
};

/// Runs the verb.
pub fn run(arguments: &RunsArguments) -> Result<(), CommandError> {
    match &arguments.verb {
        RunsVerb::List { study, format } => list(&StudyFolder::new(study)?, *format),
        RunsVerb::Show { run, study, format } => show(&StudyFolder::new(study)?, run, *format),
        RunsVerb::Rm { run, study } => {
            StudyFolder::new(study)?.run(run)?.remove()?;
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
        let manifest = run.manifest()?;
        let planned = run.plan()?.map(|kept| kept.plan.steps.len() as u64);
        table.push(vec![
            Cell::text(&run.id),
            Cell::text(manifest.state.label()),
            Cell::CountOf(run.steps()?.len() as u64, planned),
            Cell::text(manifest.started_at),
        ]);
    }
    if table.is_empty() {
        talk("there are no runs yet; make one with `locust-nest measure`");
    }
    data(&table.render(format))
}

fn show(folder: &StudyFolder, run: &str, format: Format) -> Result<(), CommandError> {
    let steps = folder.run(run)?.steps()?;
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
            "{}, {} ({}): {}",
            step.plan.label(),
            failure.behaviour,
            failure.kind,
            failure.exchange.replace('\n', " | ")
        ));
    }
    Ok(())
}
