//! What each kind of customers costs.

use nest_data::{
    Projection,
    projection::{Headline, SegmentProjection},
};

use super::{PageTable, ReadingPath, Section};
use crate::{format, unit::currency};

/// Each kind of customers.
pub(super) fn segments(projection: &Projection) -> Option<Section> {
    let headline = projection.headline.as_ref()?;
    projection.segments.first()?;
    let currency = currency(projection, &headline.config);
    let answers: Vec<String> = projection
        .segments
        .iter()
        .map(|segment| {
            format!(
                "{} for `{}`",
                format::money(&segment.per_1000, currency),
                segment.name
            )
        })
        .collect();
    let answer = format!("1,000 customers cost {}.", answers.join("; "));
    let mut section = Section::new(
        "segments",
        "Segments",
        ReadingPath::Product,
        "What does each kind of customers cost?",
        answer,
    );
    section.tables.push(table(projection, headline));
    section.how = vec![
        "Work is charged to those whose behaviour causes it; idle use, reserve, rounding up, spare units and \
         fixed amounts are shared evenly."
            .to_owned(),
        "The floor price leaves the target margin after infrastructure and fees.".to_owned(),
    ];
    Some(section)
}

fn table(projection: &Projection, headline: &Headline) -> PageTable {
    let currency = currency(projection, &headline.config);
    let titles = [
        "segment",
        "#share",
        "#own behaviour",
        "#shared",
        "#1,000 customers",
        "#fees",
        "#price of one",
        "#margin",
        "#floor price",
    ];
    let mut table = PageTable::new(
        format!(
            "Kinds of customers on `{}`, cost of 1,000 a month in {currency}",
            headline.config
        ),
        &titles,
    )
    .leading();
    for segment in &projection.segments {
        table.row(segment_row(segment, currency));
    }
    table
}

fn segment_row(segment: &SegmentProjection, currency: &str) -> [String; 9] {
    [
        format!("`{}`", segment.name),
        format!("◇ {}", format::percent(segment.share)),
        format::amount(segment.direct_per_1000, currency),
        format::amount(segment.shared_per_1000, currency),
        format::money(&segment.per_1000, currency),
        format::amount(segment.fees_per_1000, currency),
        segment
            .price
            .map_or_else(|| "none".to_owned(), |price| format::amount(price, currency)),
        segment.margin.map_or_else(|| "none".to_owned(), format::percent),
        format::amount(segment.floor_price, currency),
    ]
}
