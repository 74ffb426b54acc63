//! `runs`: list, show or remove runs of a study.

use crate::{
    args::{Format, RunsArguments, RunsVerb},
    commands::measure::steps_table,
    failure::Failure,
    files::StudyFolder,
    printer::{Table, data, talk},
};

/// Runs the verb.
pub fn run(arguments: &RunsArguments) -> Result<(), Failure> {
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

fn list(folder: &StudyFolder, format: Format) -> Result<(), Failure> {
    let mut table = Table::new(&["run", "state", "steps", "started"]);
    for run in folder.runs()?.iter().rev() {
        let manifest = run.manifest()?;
        let steps = run.steps()?.len();
        let planned = run
            .plan()?
            .map_or_else(|| "?".to_owned(), |kept| kept.plan.steps.len().to_string());
        table.rows.push(vec![
            run.id.clone(),
            manifest.state.label().to_owned(),
            format!("{steps} of {planned}"),
            manifest.started_at,
        ]);
    }
    if table.rows.is_empty() {
        talk("no runs yet; measure the study with `locust-nest measure`");
    }
    data(&table.render(format))
}

fn show(folder: &StudyFolder, run: &str, format: Format) -> Result<(), Failure> {
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
