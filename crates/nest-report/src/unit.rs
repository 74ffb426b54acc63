//! Units that several forms of the report print.

use nest_data::Projection;

/// Currency of a configuration, or of the study if it has no such configuration.
pub(crate) fn currency<'a>(projection: &'a Projection, config: &str) -> &'a str {
    projection
        .configs
        .iter()
        .find(|candidate| candidate.name == config)
        .map_or(&projection.study.currency, |config| &config.currency)
}

/// Whether a resource, by its name `tier/kind`, is memory: a level, not work that is done.
pub(crate) fn is_memory(resource: &str) -> bool {
    kind_of(resource) == "memory"
}

/// Unit of the measured use of a resource, by its name: busy-seconds per second are cores; memory is a level.
pub(crate) fn use_unit(resource: &str) -> &'static str {
    match kind_of(resource) {
        "cpu" => "cores",
        "memory" => "bytes",
        _ => "bytes/s",
    }
}

/// The last part of the name of a resource.
fn kind_of(resource: &str) -> &str {
    resource.rsplit('/').next().unwrap_or(resource)
}

/// Unit of the quantity that a check compares, found from the last words of its name; empty if the quantity
/// has no unit.
pub(crate) fn check_unit(quantity: &str) -> &'static str {
    if quantity.ends_with("bytes per second") {
        "bytes/s"
    } else if quantity.ends_with("bytes") {
        "bytes"
    } else if quantity.ends_with("seconds") || quantity.ends_with("response time") {
        "s"
    } else {
        ""
    }
}
