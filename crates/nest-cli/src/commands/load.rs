//! `load`: runs a load test of one URL or behaviour without a study.

mod address;
mod order;
mod outcome;

use nest_load::{
    LoadError,
    code::Registry,
    quick::{QuickResult, load},
};

use self::order::LoadOrder;
use crate::{
    args::LoadArguments,
    command_error::{CommandError, INTERRUPTED, LOST},
    interrupts,
    printer::{data, talk},
};

/// Runs the verb.
pub fn run(arguments: &LoadArguments, registry: &Registry) -> Result<(), CommandError> {
    let order = LoadOrder::resolve(arguments, registry)?;
    let interrupt = interrupts::watch()?;
    talk(&order.announcement());
    let result = load(&order.load, &interrupt).map_err(ended_early)?;
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
