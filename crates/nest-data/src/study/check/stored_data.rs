//! Checks the sizes and names of stored data.

use crate::{
    diagnostic::{Diagnostic, offer},
    study::Study,
    toml_document::Spans,
};

/// Checks the sizes and names of stored data.
pub(crate) fn check_stored_data(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let Some(data) = &study.data else { return };
    let ascending = data.sizes.windows(2).all(|pair| pair[0] < pair[1]);
    if data.sizes.len() < 2 || !ascending || data.sizes.iter().any(|size| !(*size > 0.0 && size.is_finite()))
    {
        found.push(spans.at_value(
            &["data", "sizes"],
            "`data.sizes` must be two or more numbers above 0, in ascending order",
            "write sizes = [1000, 2000]",
        ));
    }
    let named = data
        .behaviours
        .iter()
        .flatten()
        .map(|name| ("behaviours", name))
        .chain(data.added_by.iter().map(|name| ("added_by", name)));
    for (key, name) in named.filter(|(_, name)| !study.behaviours.contains_key(*name)) {
        found.push(spans.at_value(
            &["data", key],
            format!("there is no behaviour `{name}`"),
            offer(name, study.behaviours.keys()),
        ));
    }
    // A command that fills the target may read $NEST_SIZE inside; one that starts it is only run again for
    // another size if it names it.
    let start_is_sized = study
        .target
        .start
        .as_ref()
        .is_some_and(|command| command.contains("NEST_SIZE"));
    if study.target.state.is_none() && !start_is_sized {
        let help =
            "write state = \"./fill $NEST_SIZE\" under [target], or a start command that uses $NEST_SIZE";
        found.push(spans.at_key(
            &["data"],
            "no command fills the target: it would hold the same data at every size",
            help,
        ));
    }
}
