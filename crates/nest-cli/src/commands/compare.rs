//! `compare`: puts configurations, policies or growth scenarios side by side, on the same draws; or two runs.

mod runs;

use nest_data::Projection;
use nest_load::code::Registry;
use serde::Serialize;

use crate::{
    args::{CompareArguments, CompareProjectedArguments, Compared, Format},
    command_error::{CommandError, INVALID},
    commands::project::{options, projection},
    files::StudyFolder,
    printer::data,
};

/// What of a projection is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Projected {
    Configs,
    Policies,
    Growth,
}

/// Runs the verb.
pub fn run(arguments: &CompareArguments, registry: &Registry) -> Result<(), CommandError> {
    match &arguments.what {
        Compared::Configs(arguments) => projected(Projected::Configs, arguments, registry),
        Compared::Policies(arguments) => projected(Projected::Policies, arguments, registry),
        Compared::Growth(arguments) => projected(Projected::Growth, arguments, registry),
        Compared::Runs(arguments) => runs::run(arguments, registry),
    }
}

fn projected(
    what: Projected,
    arguments: &CompareProjectedArguments,
    registry: &Registry,
) -> Result<(), CommandError> {
    let (folder, study) = StudyFolder::open(&arguments.study.study, &arguments.study.overrides, registry)?;
    let options = options(&arguments.projection);
    let projection = projection(&folder, &study, &folder.scaling()?, &options)?;
    if let Some((message, hint)) = missing(what, &projection) {
        return Err(CommandError::new(INVALID, message).hint(hint));
    }
    match arguments.format {
        Format::Human | Format::Md => data(&nest_report::markdown_section(&projection, section(what))?),
        Format::Json => data(&json(what, &projection)),
        Format::Csv => data(&nest_report::csv_of(&projection, |metric| is_of(what, metric))),
    }
}

/// Why there is nothing to compare, and what to do about it.
fn missing(what: Projected, projection: &Projection) -> Option<(&'static str, &'static str)> {
    match what {
        Projected::Configs if projection.comparison.is_none() => Some((
            "the study has fewer than two configurations",
            "add another [configs.NAME] to nest.toml",
        )),
        Projected::Policies if projection.policies.is_empty() => Some((
            "the study has no policy, or no configuration to compare it on",
            "add [policies.NAME] with set = { PARAMETER = VALUE } to nest.toml",
        )),
        Projected::Growth if projection.growths.len() < 2 => Some((
            "the study has fewer than two growth scenarios",
            "add another [growth.NAME] to nest.toml",
        )),
        _ => None,
    }
}

fn section(what: Projected) -> &'static str {
    match what {
        Projected::Configs => "compare",
        Projected::Policies => "policies",
        Projected::Growth => "growth",
    }
}

fn json(what: Projected, projection: &Projection) -> String {
    fn print(value: &impl Serialize) -> String {
        let mut text =
            serde_json::to_string_pretty(value).expect("documents hold only maps with string keys");
        text.push('\n');
        text
    }
    match what {
        Projected::Configs => print(&projection.comparison),
        Projected::Policies => print(&projection.policies),
        Projected::Growth => print(&projection.growths),
    }
}

fn is_of(what: Projected, metric: &str) -> bool {
    let beginnings: &[&str] = match what {
        Projected::Configs => &[
            "compare_",
            "crossover",
            "break_even_price",
            "same_wall_moved",
            "migration",
            "payback_",
            "regret",
            "bill_total",
            "cost_per_1000",
            "response_forecast",
        ],
        Projected::Policies => &["policy_"],
        Projected::Growth => &["growth_"],
    };
    beginnings.iter().any(|beginning| metric.starts_with(beginning))
}
