//! `compare`: puts configurations, policies or growth scenarios side by side, on the same draws.

use nest_data::Projection;
use nest_load::code::Registry;
use serde::Serialize;

use crate::{
    args::{CompareArguments, Compared, Format},
    command_error::{CommandError, INVALID},
    commands::project::{options, projection},
    files::StudyFolder,
    printer::data,
};

/// Runs the verb.
pub fn run(arguments: &CompareArguments, registry: &Registry) -> Result<(), CommandError> {
    let (folder, study) = StudyFolder::open(&arguments.study.study, &arguments.study.overrides, registry)?;
    let options = options(&arguments.projection);
    let projection = projection(&folder, &study, &folder.scaling()?, &options)?;
    if let Some((message, hint)) = missing(arguments.what, &projection) {
        return Err(CommandError::new(INVALID, message).hint(hint));
    }
    match arguments.format {
        Format::Human | Format::Md => data(&nest_report::markdown_section(
            &projection,
            section(arguments.what),
        )?),
        Format::Json => data(&json(arguments.what, &projection)),
        Format::Csv => data(&nest_report::csv_of(&projection, |metric| {
            is_of(arguments.what, metric)
        })),
    }
}

/// Why there is nothing to compare, and what to do about it.
fn missing(what: Compared, projection: &Projection) -> Option<(&'static str, &'static str)> {
    match what {
        Compared::Configs if projection.comparison.is_none() => Some((
            "the study has fewer than two configurations",
            "add another [configs.NAME] to nest.toml",
        )),
        Compared::Policies if projection.policies.is_empty() => Some((
            "the study has no policy, or no configuration to compare it on",
            "add [policies.NAME] with set = { PARAMETER = VALUE } to nest.toml",
        )),
        Compared::Growth if projection.growths.len() < 2 => Some((
            "the study has fewer than two growth scenarios",
            "add another [growth.NAME] to nest.toml",
        )),
        _ => None,
    }
}

fn section(what: Compared) -> &'static str {
    match what {
        Compared::Configs => "compare",
        Compared::Policies => "policies",
        Compared::Growth => "growth",
    }
}

fn json(what: Compared, projection: &Projection) -> String {
    fn print(value: &impl Serialize) -> String {
        let mut text =
            serde_json::to_string_pretty(value).expect("documents hold only maps with string keys");
        text.push('\n');
        text
    }
    match what {
        Compared::Configs => print(&projection.comparison),
        Compared::Policies => print(&projection.policies),
        Compared::Growth => print(&projection.growths),
    }
}

fn is_of(what: Compared, metric: &str) -> bool {
    let beginnings: &[&str] = match what {
        Compared::Configs => &[
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
        Compared::Policies => &["policy_"],
        Compared::Growth => &["growth_"],
    };
    beginnings.iter().any(|beginning| metric.starts_with(beginning))
}
