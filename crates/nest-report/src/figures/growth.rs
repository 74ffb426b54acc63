//! Growth scenarios side by side.

use nest_data::{Projection, projection::Headline};

use super::{PageTable, ReadingPath, Section};
use crate::{format, sentence, unit::currency};

/// Each growth scenario.
pub(super) fn growths(projection: &Projection) -> Option<Section> {
    let headline = projection.headline.as_ref()?;
    projection.growths.get(1)?;
    let answers: Vec<String> = projection
        .growths
        .iter()
        .map(|growth| {
            format!(
                "`{}`: {} over {} months",
                growth.name,
                format::money(&growth.total, currency(projection, &headline.config)),
                growth.months
            )
        })
        .collect();
    let mut section = Section::new(
        "growth",
        "Growth",
        ReadingPath::Product,
        "What if growth is another?",
        format!("{}.", answers.join("; ")),
    );
    section.tables.push(table(projection, headline));
    section.how = vec!["◇ Growth is assumed. Each scenario runs on the same draws of the model.".to_owned()];
    Some(section)
}

fn table(projection: &Projection, headline: &Headline) -> PageTable {
    let titles = [
        "growth",
        "#months",
        "#customers at first",
        "#at the end",
        "#cost of all months",
        "#per 1,000 at the end",
        "#chance of a limit",
        "first limit",
    ];
    let mut table = PageTable::new(format!("Growth scenarios on `{}`", headline.config), &titles).leading();
    for growth in &projection.growths {
        let currency = currency(projection, &headline.config);
        table.row([
            format!("`{}`", growth.name),
            growth.months.to_string(),
            format!("◇ {}", format::estimate(&growth.start)),
            format!("◇ {}", format::estimate(&growth.end)),
            format::money(&growth.total, currency),
            format::money(&growth.per_1000, currency),
            format::chance_cell(growth.breaks),
            growth.cause.as_ref().map_or_else(
                || "no limit".to_owned(),
                |cause| format!("{} ({cause})", sentence::date(growth.date.as_ref())),
            ),
        ]);
    }
    table
}
