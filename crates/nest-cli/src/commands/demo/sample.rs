//! The demo's answer from the committed measurement: nothing is started, measured or written.

use std::collections::BTreeMap;

use nest_data::{
    Document, Measurements, Source, Study,
    study::read::{StudyTexts, read_study},
    units::read_date,
};
use nest_model::ProjectOptions;
use nest_report::format;

use super::FILES;
use crate::{
    book_set::BookSet,
    clock,
    command_error::{CommandError, INTERNAL},
    printer::data,
};

/// The committed measurement of `models/shop`.
const MEASUREMENTS: &str = include_str!("../../../../../models/shop/measurements.json");
const BEHAVIOURS: &str = "behaviours/";

/// Prints verdict and actions as of today, and where the figures come from.
pub fn show() -> Result<(), CommandError> {
    let measurements = Measurements::from_json(MEASUREMENTS)
        .map_err(|error| CommandError::new(INTERNAL, error.to_string()))?;
    let study = study()?;
    let model = nest_model::fit(&measurements)?;
    if study.measured_hash() != model.measured_hash {
        let message = "the measurement that comes with locust-nest is of another study than the demo's";
        return Err(CommandError::new(INTERNAL, message));
    }
    let books = BookSet::shipped().books_of(&study)?;
    let options = ProjectOptions {
        as_of: clock::today(),
        beyond: false,
    };
    let projection = nest_model::project(&model, &study, &books, &options)?;
    data(&format!(
        "{}\n\n{}\n",
        nest_report::verdict(&projection).text(),
        origin(&measurements)
    ))
}

/// The study that is compiled in.
fn study() -> Result<Study, CommandError> {
    let source = |name: &str, text: &str| Source::new(format!("models/shop/{name}"), text);
    let nest = FILES.iter().find(|(name, _)| !name.starts_with(BEHAVIOURS));
    let (name, text) = nest.ok_or_else(|| CommandError::new(INTERNAL, "the demo has no nest.toml"))?;
    let behaviours = FILES.iter().filter_map(|(name, text)| {
        let behaviour = name.strip_prefix(BEHAVIOURS)?.strip_suffix(".toml")?;
        Some((behaviour.to_owned(), source(name, text)))
    });
    let texts = StudyTexts {
        nest: source(name, text),
        behaviours: behaviours.collect(),
        code: BTreeMap::new(),
    };
    read_study(&texts, &[]).map_err(|found| {
        let sources = std::iter::once(texts.nest)
            .chain(texts.behaviours.into_values())
            .collect();
        CommandError::diagnostics(found, sources)
    })
}

/// When and where it was measured, and how to measure here.
fn origin(measurements: &Measurements) -> String {
    let started = measurements.started_at.as_str();
    let day = started.split('T').next().and_then(|day| read_date(day).ok());
    let machine = &measurements.machine;
    format!(
        "Nothing was measured now. This is from the measurement that comes with locust-nest, made on {} \
         on {} with {} cores,\nwith built-in prices. `locust-nest demo` measures the shop on this machine \
         in under two minutes and writes the report.",
        day.map_or_else(|| started.to_owned(), format::day),
        machine.cpu,
        machine.cores
    )
}
