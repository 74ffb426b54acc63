//! `load`: runs a load test of one URL or behaviour without a study.

mod address;
mod order;
mod outcome;

use nest_load::{
    LoadError,
    code::Registry,
    quick::{QuickResult, load, load_by_fleet},
};

use self::order::LoadOrder;
use crate::{
    args::LoadArguments,
    command_error::{CommandError, INTERRUPTED, LOST},
    fleet, interrupts,
    printer::{data, talk},
};

/// Runs the verb.
pub fn run(arguments: &LoadArguments, registry: &Registry) -> Result<(), CommandError> {
    let order = LoadOrder::resolve(arguments, registry)?;
    let interrupt = interrupts::watch()?;
    // The broker of our own lives as long as the load.
    let planned = fleet::planned(&order.fleet, &order.purpose(), &order.load.trust, &interrupt)?;
    talk(&order.announcement());
    let result = match &planned {
        None => load(&order.load, &interrupt),
        Some(planned) => load_by_fleet(&order.load, planned.options.clone(), &interrupt),
    };
    let result = result.map_err(ended_early)?;
    data(&outcome::text(&order.load, &result, order.format))?;
    if interrupt.is_requested() {
        return Err(CommandError::new(
            INTERRUPTED,
            "interrupted; the figures cover the time until then",
        ));
    }
    ended_well(&result)
}

/// Why there are no figures.
fn ended_early(error: LoadError) -> CommandError {
    match error {
        LoadError::Interrupted => CommandError::new(INTERRUPTED, "interrupted before the load began"),
        LoadError::TargetDown { .. } | LoadError::TargetLost { .. } => {
            CommandError::from(error).hint("start the target, or correct its URL")
        }
        LoadError::WorkersLost { .. } => {
            CommandError::from(error).hint("run the command again, and start the workers anew")
        }
        other => other.into(),
    }
}

/// Refuses a load in which no request was answered as expected.
fn ended_well(result: &QuickResult) -> Result<(), CommandError> {
    if result.requests.completed > 0 {
        return Ok(());
    }
    let first = result.failures.first().map_or_else(
        || "no request was due in this time; measure longer".to_owned(),
        |failure| format!("{} {}: {failure}", failure.behaviour, failure.kind),
    );
    Err(CommandError::new(
        LOST,
        format!("no request was answered as expected: {first}"),
    ))
}
