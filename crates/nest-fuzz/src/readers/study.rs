//! A study: `nest.toml`, the files of `behaviours/`, and the tables that it names.

use std::{collections::BTreeMap, sync::OnceLock};

use nest_data::{
    Document, ScalingModel, Source, Study,
    feed::Feed,
    formula::Formula,
    growth::file::{GrowthFile, read_rows},
    measurement::{Pilot, Resource, ResourceKind},
    study::read::{StudyTexts, read_behaviour, read_study},
};
use nest_load::plan::{RampSteps, resolve};

use super::{documents, refused, source};

/// A behaviour for each rate of a study.
const BEHAVIOUR: &str = "steps = [{ get = \"/\" }]\n";
/// The model that studies are projected with.
const MODEL: &str = include_str!("../../../../fuzz/corpus/scaling/whole.json");

/// `nest.toml` with a behaviour for each of its rates: read, and planned.
pub fn study(bytes: &[u8]) -> bool {
    let Some(study) = read(bytes) else { return false };
    let rates = study.rates_per_day(&study.parameter_values());
    let _ = (study.measured_hash(), serde_json::to_string(&study));
    let pilots: Vec<Pilot> = rates.into_iter().flatten().map(|(name, _)| pilot(name)).collect();
    let resources = [Resource::new("app", ResourceKind::Cpu, Some(2.0))];
    let _ = resolve(&study, &pilots, &resources, RampSteps::Planned);
    true
}

/// `nest.toml`, which is projected with a model of the same behaviours.
pub fn projected(bytes: &[u8]) -> bool {
    static SCALING: OnceLock<ScalingModel> = OnceLock::new();
    let model = SCALING.get_or_init(|| ScalingModel::from_json(MODEL).expect("the committed model"));
    read(bytes).is_some_and(|study| documents::project(model.clone(), &study))
}

fn pilot(behaviour: String) -> Pilot {
    Pilot {
        behaviour,
        executions: 100,
        cpu_s: BTreeMap::from([("app".to_owned(), 0.001)]),
        mean_s: 0.002,
        requests: 100,
    }
}

fn read(bytes: &[u8]) -> Option<Study> {
    let nest = source("nest.toml", bytes)?;
    let rates = toml::from_str::<toml::Table>(&nest.text)
        .ok()
        .and_then(|table| table.get("rates")?.as_table().cloned());
    let behaviour = |name: String| {
        (
            name.clone(),
            Source::new(format!("behaviours/{name}.toml"), BEHAVIOUR),
        )
    };
    let texts = StudyTexts {
        behaviours: rates
            .into_iter()
            .flatten()
            .map(|(name, _)| behaviour(name))
            .collect(),
        code: BTreeMap::new(),
        nest,
    };
    match read_study(&texts, &[]) {
        Ok(study) => Some(study),
        Err(found) => {
            refused(&found, std::slice::from_ref(&texts.nest));
            None
        }
    }
}

/// A file of `behaviours/`.
pub fn behaviour(bytes: &[u8]) -> bool {
    let Some(text) = source("behaviours/a.toml", bytes) else {
        return false;
    };
    match read_behaviour(&text) {
        Ok(behaviour) => {
            let _ = nest_load::secret_names([&behaviour], "http://127.0.0.1/");
            true
        }
        Err(found) => refused(&found, &[text]),
    }
}

/// A feed in CSV.
pub fn feed_csv(bytes: &[u8]) -> bool {
    feed("feed.csv", bytes)
}

/// A feed in JSON, one object a line.
pub fn feed_jsonl(bytes: &[u8]) -> bool {
    feed("feed.jsonl", bytes)
}

fn feed(name: &str, bytes: &[u8]) -> bool {
    let Some(text) = source(name, bytes) else {
        return false;
    };
    match Feed::read(&text) {
        Ok(feed) => {
            for row in 0..feed.rows() {
                let _ = (0..feed.columns().len())
                    .map(|column| feed.cell(row, column).len())
                    .sum::<usize>();
            }
            true
        }
        Err(found) => refused(&[found], &[text]),
    }
}

/// A plan of growth.
pub fn growth_plan(bytes: &[u8]) -> bool {
    growth_file(bytes, GrowthFile::Plan)
}

/// A history of growth.
pub fn growth_history(bytes: &[u8]) -> bool {
    growth_file(bytes, GrowthFile::History)
}

fn growth_file(bytes: &[u8], kind: GrowthFile) -> bool {
    let Some(text) = source("growth.csv", bytes) else {
        return false;
    };
    match read_rows(&text, kind) {
        Ok(_) => true,
        Err(found) => refused(&found, &[text]),
    }
}

/// Formulas, one a line.
pub fn formula(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let numbers = [0.0, 1.5, -1.0, 1e300, f64::MIN_POSITIVE];
    let mut understood = false;
    for line in text.lines() {
        let Ok(formula) = Formula::parse(line) else {
            continue;
        };
        understood = true;
        let names = formula.names();
        for number in numbers {
            let values = names.iter().map(|name| (name.clone(), number)).collect();
            let _ = (formula.number(&values), formula.per_day(&values));
        }
        let _ = (
            Formula::parse_rate(line).is_ok(),
            Formula::parse_number(line).is_ok(),
        );
    }
    understood
}
