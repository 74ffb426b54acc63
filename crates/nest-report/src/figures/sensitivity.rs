//! Which inputs move the first limit, the total and the cost at the end.

use nest_data::{
    Projection,
    projection::{Headline, RangeBasis, Sensitivity},
};

use super::{PageTable, ReadingPath, Section, next::capital};
use crate::{format, unit::currency};

/// The tornado: what moves the results most.
pub(super) fn sensitivity(projection: &Projection) -> Option<Section> {
    let headline = projection.headline.as_ref()?;
    projection.sensitivity.first()?;
    let mut section = Section::new(
        "sensitivity",
        "Sensitivity",
        ReadingPath::Finance,
        "What moves it most?",
        answer(projection, headline),
    );
    section.tables.push(table(projection, headline));
    section.how = vec![
        "One input at a time, all others at their best guess. A measured range is its 90 % interval, a stated \
         one is the study's own. Where nobody states one, a fifth either way is assumed, and for prices a \
         tenth; a reserve is moved by a tenth of capacity."
            .to_owned(),
    ];
    Some(section)
}

fn answer(projection: &Projection, headline: &Headline) -> String {
    let currency = currency(projection, &headline.config);
    let moving: Vec<&Sensitivity> = projection.sensitivity.iter().filter(|one| one.moves()).collect();
    let Some(widest) = moving.first().filter(|widest| widest.months > 0.0) else {
        let total = moving
            .iter()
            .max_by(|a, b| width(a.total).total_cmp(&width(b.total)))
            .filter(|one| width(one.total) > 0.0);
        return match total {
            Some(one) => format!("{}. No input moves the first limit.", of_total(one, currency)),
            None => {
                "Nothing in its range moves the first limit, the total or the cost at the end.".to_owned()
            }
        };
    };
    let total = moving
        .iter()
        .max_by(|a, b| width(a.total).total_cmp(&width(b.total)))
        .map_or_else(String::new, |one| format!(" {}.", of_total(one, currency)));
    format!(
        "{} moves the first limit most: from {} to {}.{total}",
        capital(&widest.input),
        when(widest, 0),
        when(widest, 1)
    )
}

fn of_total(one: &Sensitivity, currency: &str) -> String {
    format!(
        "{} moves the total most: from {currency} {} to {}",
        capital(&one.input),
        format::number(one.total[0].round()),
        format::number(one.total[1].round())
    )
}

fn width(ends: [f64; 2]) -> f64 {
    (ends[1] - ends[0]).abs()
}

fn when(one: &Sensitivity, end: usize) -> String {
    one.date[end].map_or_else(|| "not before growth ends".to_owned(), format::month)
}

fn table(projection: &Projection, headline: &Headline) -> PageTable {
    let currency = currency(projection, &headline.config);
    let caption = format!(
        "First limit, total and cost of 1,000 customers at the end on `{}`, in {currency}, with one input at \
         either end of its range",
        headline.config
    );
    let titles = [
        "input",
        "#from",
        "#to",
        "unit",
        "first limit, from",
        "first limit, to",
        "#total, from",
        "#total, to",
        "#per 1,000, from",
        "#per 1,000, to",
        "kind",
    ];
    let mut table = PageTable::new(caption, &titles);
    for one in &projection.sensitivity {
        table.row(row(one));
    }
    table
}

fn row(one: &Sensitivity) -> [String; 11] {
    let basis = match one.basis {
        RangeBasis::Measured => "— measured",
        RangeBasis::Stated => "◇ stated",
        RangeBasis::Assumed => "◇ assumed",
        RangeBasis::Choice => "your choice",
    };
    [
        one.input.clone(),
        format::number(one.range[0]),
        format::number(one.range[1]),
        one.unit.clone(),
        when(one, 0),
        when(one, 1),
        format::number(one.total[0].round()),
        format::number(one.total[1].round()),
        format::number(one.per_1000[0]),
        format::number(one.per_1000[1]),
        basis.to_owned(),
    ]
}
