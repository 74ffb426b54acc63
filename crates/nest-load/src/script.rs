//! A study's behaviours made ready to run: templates compiled, names resolved, secrets read.
//!
//! - `compile`: makes a `program` out of the study's behaviours
//! - `body_place`: how values stand in a body that is stated as a text
//! - `base_url`: the base URL with what its path takes from the environment
//! - `step`, `text`, `capture`, `count`, `feeds`: one request, and what is filled in, saved and counted
//! - `settings`: what every exchange shares

use nest_data::{
    BehaviourSpec,
    behaviour::texts_of,
    study::behaviour::template::{Template, TemplatePart},
};

pub mod base_url;
mod body_place;
pub mod capture;
mod compile;
pub mod count;
pub mod feeds;
pub mod program;
pub mod settings;
pub mod step;
pub mod text;

pub use compile::{Sources, compile, feed_readers};

/// Names of the environment variables that behaviours and a base URL read.
pub fn secret_names<'a>(
    behaviours: impl IntoIterator<Item = &'a BehaviourSpec>,
    base_url: &'a str,
) -> Vec<String> {
    let steps = behaviours.into_iter().flat_map(|behaviour| &behaviour.steps);
    let mut names: Vec<String> = steps
        .flat_map(texts_of)
        .map(|(_, text)| text)
        .chain([base_url])
        .filter_map(|text| text.parse::<Template>().ok())
        .flat_map(|template| template.segments().to_vec())
        .filter_map(|segment| match segment {
            TemplatePart::Env(name) => Some(name),
            _ => None,
        })
        .collect();
    names.sort();
    names.dedup();
    names
}
