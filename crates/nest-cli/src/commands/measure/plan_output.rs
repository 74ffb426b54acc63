//! Prints plans: resolved ones, and outlines of those that no pilot has resolved.

use nest_load::plan::{Outline, Plan};
use serde::Serialize;

use super::steps::{outline_table, plan_table};
use crate::{
    args::Format,
    command_error::CommandError,
    printer::{data, talk},
    progress::summary,
};

/// Prints a plan.
pub fn print(plan: &Plan, format: Format) -> Result<(), CommandError> {
    match format {
        Format::Json => json(plan)?,
        format => {
            data(&plan_table(&plan.steps).render(format))?;
            talk(&summary(plan));
            if let Some(processes) = plan.processes {
                let plural = if processes == 1 { "process" } else { "processes" };
                talk(&format!(
                    "its highest rate needs {processes} Locust {plural}, one core each"
                ));
            }
        }
    }
    plan.caveats
        .iter()
        .for_each(|caveat| talk(&format!("note: {caveat}")));
    Ok(())
}

/// Prints the outline of a plan.
pub fn print_outline(outline: &Outline, format: Format) -> Result<(), CommandError> {
    match format {
        Format::Json => json(outline),
        format => data(&outline_table(&outline.steps).render(format)),
    }
}

fn json(value: &impl Serialize) -> Result<(), CommandError> {
    let json = serde_json::to_string_pretty(value).map_err(std::io::Error::from)?;
    data(&(json + "\n"))
}
