//! Units that several forms of the report print.

use nest_data::Projection;

/// Currency of a configuration; that of the study where there is no such configuration.
pub(crate) fn currency<'a>(projection: &'a Projection, config: &str) -> &'a str {
    projection
        .configs
        .iter()
        .find(|candidate| candidate.name == config)
        .map_or(&projection.study.currency, |config| &config.currency)
}

/// Unit of the measured use of a resource, by its name: busy-seconds per second are cores; memory is a level.
pub(crate) fn use_unit(resource: &str) -> &'static str {
    match resource.rsplit('/').next() {
        Some("cpu") => "cores",
        Some("memory") => "bytes",
        _ => "bytes/s",
    }
}

/// Unit of what a check compares, by the words that it ends with; empty where they say it all.
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
