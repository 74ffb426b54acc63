//! What each kind of customers costs.

use nest_data::{Projection, projection::SegmentProjection, units::QuotedDecimal};
use rust_decimal::prelude::ToPrimitive;

use super::{Cell, PageTable, Section};
use crate::{
    chart::{Figure, FigureKind},
    verdict::Subject,
    words,
};

/// Each kind of customers.
pub(super) fn segments(projection: &Projection, figures: &[Figure]) -> Option<Section> {
    let subject = Subject::of(projection)?;
    projection.segments.first()?;
    let mut section = Section::new("segments", "Kinds of customers", finding(&subject))
        .drawn(figures, &[FigureKind::Segments]);
    section.tables.push(table(&subject));
    section.how = vec![
        "Work is charged to those whose behaviour causes it; capacity that is not used and fixed amounts \
         are shared \
         evenly."
            .to_owned(),
        "The floor price leaves the margin that the study asks for, after servers and fees; if it asks for \
         none, it covers the cost."
            .to_owned(),
    ];
    Some(section)
}

fn finding(subject: &Subject) -> String {
    let cost = |segment: &&SegmentProjection| segment.per_1000.value.0 + segment.fees_per_1000.0;
    let dearest = subject.projection.segments.iter().max_by_key(cost);
    dearest.map_or_else(String::new, |segment| {
        let total = cost(&segment).to_f64().unwrap_or(0.0);
        format!(
            "{} cost most: {} a month for 1,000",
            words::name(&segment.name),
            words::amount(total, subject.currency())
        )
    })
}

fn table(subject: &Subject) -> PageTable {
    let titles = [
        "customers",
        "#share",
        "#cost of 1,000",
        "#fees of 1,000",
        "#price of one",
        "#margin",
        "#floor price",
    ];
    let caption = format!(
        "Kinds of customers on {}, a month, in {}",
        words::name(&subject.config.name),
        words::clean(subject.currency())
    );
    let mut table = PageTable::new(caption, &titles).opened();
    for segment in &subject.projection.segments {
        table.row(row(segment, subject.currency()));
    }
    table.cut()
}

fn row(segment: &SegmentProjection, currency: &str) -> [Cell; 7] {
    let amount = |value: QuotedDecimal| words::amount(value.0.to_f64().unwrap_or(f64::NAN), currency);
    let parts = format!(
        "own {}, shared {}",
        amount(segment.direct_per_1000),
        amount(segment.shared_per_1000)
    );
    [
        words::name(&segment.name).into(),
        words::share(segment.share).into(),
        Cell::noted(words::money(&segment.per_1000, currency), parts),
        amount(segment.fees_per_1000).into(),
        segment.price.map_or_else(|| "none".to_owned(), amount).into(),
        Cell::noted(
            segment.margin.map_or_else(|| "none".to_owned(), words::share),
            segment.target_margin.map_or_else(String::new, |target| {
                format!("you ask for {}", words::share(target))
            }),
        ),
        amount(segment.floor_price).into(),
    ]
}
