//! Which input moves the cost most.

use nest_data::{
    Projection,
    projection::{Headline, Sensitivity},
};

use super::{PageTable, ReadingPath, Section};
use crate::{format, unit::currency};

/// The tornado: what moves the headline most.
pub(super) fn sensitivity(projection: &Projection) -> Option<Section> {
    let headline = projection.headline.as_ref()?;
    let widest = projection.sensitivity.first()?;
    let currency = currency(projection, &headline.config);
    let answer = format!(
        "Most by {}: from {currency} {} to {}.",
        widest.input,
        format::number(widest.per_1000[0]),
        format::number(widest.per_1000[1])
    );
    let mut section = Section::new(
        "sensitivity",
        "Sensitivity",
        ReadingPath::Finance,
        "What moves the cost most?",
        answer,
    );
    section.tables.push(table(projection, headline));
    section.how = vec![
        "One input at a time, all others in the central world: ranges are 90 % intervals, or \
        a tenth of capacity for a reserve and a fifth for the burst."
            .to_owned(),
    ];
    Some(section)
}

fn table(projection: &Projection, headline: &Headline) -> PageTable {
    let currency = currency(projection, &headline.config);
    let caption = format!(
        "Cost of 1,000 customers on `{}` with one input at either end of its range, in {currency}",
        headline.config
    );
    let mut table = PageTable::new(
        caption,
        &["input", "#from", "#to", "#cost there", "#cost there", "kind"],
    );
    for Sensitivity {
        input,
        range,
        per_1000,
        assumed,
    } in &projection.sensitivity
    {
        table.row([
            input.clone(),
            format::number(range[0]),
            format::number(range[1]),
            format::number(per_1000[0]),
            format::number(per_1000[1]),
            if *assumed {
                "◇ assumed".to_owned()
            } else {
                "— fitted".to_owned()
            },
        ]);
    }
    table
}
