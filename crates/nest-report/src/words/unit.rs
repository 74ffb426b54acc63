//! What the units of a set-up are called.

use nest_data::{
    projection::{ConfigProjection, CostDriver},
    study::Platform,
};

use super::name::{listed, name};

/// What one unit of a platform is called.
pub(crate) fn unit_word(platform: Option<Platform>) -> &'static str {
    match platform {
        Some(Platform::Vm | Platform::Database) => "server",
        Some(other) => other.unit(),
        None => "unit",
    }
}

/// What one unit of a resource (`tier/kind`, or `tier/kind of behaviours`) of a set-up is called: `server`,
/// `database server`, ``server of `cache` ``.
pub(crate) fn unit_of(config: &ConfigProjection, resource: &str) -> String {
    let (place, pair) = resource.split_once(" of ").unwrap_or((resource, ""));
    let tier = place.split('/').next().unwrap_or(place);
    let unit = match config.platform {
        Platform::Function => "server",
        platform => unit_word(Some(platform)),
    };
    let of_tier = match tier {
        "app" => unit.to_owned(),
        "db" | "database" => "database server".to_owned(),
        tier => format!("server of {}", name(tier)),
    };
    if pair.is_empty() {
        return of_tier;
    }
    let behaviours: Vec<String> = pair.split(", ").map(name).collect();
    format!("{of_tier} for {}", listed(&behaviours))
}

/// Whether units stand by in a set-up, beside those that carry load.
pub(crate) fn has_stand_by(config: &ConfigProjection) -> bool {
    config
        .bill
        .lines
        .iter()
        .any(|line| line.driver == CostDriver::Spare)
}
