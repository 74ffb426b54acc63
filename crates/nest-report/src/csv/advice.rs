//! Rows of what moves the results: inputs, levers and prices.

use nest_data::{
    Estimate, Projection,
    projection::{Headline, Lever, PriceRow, RangeBasis, Sensitivity},
};

use super::row::{FigureKind, TidyRow};
use crate::unit::currency;

/// All of them.
pub(super) fn rows(projection: &Projection) -> Vec<TidyRow> {
    let mut rows = Vec::new();
    if let Some(headline) = &projection.headline {
        let money = currency(projection, &headline.config);
        let inputs = projection.sensitivity.iter();
        rows.extend(inputs.flat_map(|one| sensitivity_rows(one, headline, money)));
    }
    for lever in &projection.levers {
        rows.extend(lever_rows(lever, currency(projection, &lever.config)));
    }
    for row in &projection.prices {
        rows.extend(price_rows(row, currency(projection, &row.config)));
    }
    rows
}

fn sensitivity_rows(one: &Sensitivity, headline: &Headline, money: &str) -> Vec<TidyRow> {
    let place = TidyRow::default()
        .config(&headline.config)
        .customers(Some(headline.customers));
    let kind = match one.basis {
        RangeBasis::Measured => FigureKind::Fitted,
        RangeBasis::Stated | RangeBasis::Assumed | RangeBasis::Choice => FigureKind::Assumed,
    };
    let range = Estimate {
        value: f64::midpoint(one.range[0], one.range[1]),
        standard_error: 0.0,
        low: one.range[0],
        high: one.range[1],
    };
    let row = |metric, unit: &str, kind| place.also(metric, unit, kind).component(&one.input);
    let monthly = format!("{money}/month");
    let mut rows = vec![
        row("sensitivity_input", &one.unit, kind).estimate(Some(&range)),
        row("sensitivity_total_at_low", money, FigureKind::Priced).value(one.total[0]),
        row("sensitivity_total_at_high", money, FigureKind::Priced).value(one.total[1]),
        row("sensitivity_per_1000_at_low", &monthly, FigureKind::Priced).value(one.per_1000[0]),
        row("sensitivity_per_1000_at_high", &monthly, FigureKind::Priced).value(one.per_1000[1]),
        row("sensitivity_months", "months", FigureKind::Fitted).value(one.months),
    ];
    let dates = ["sensitivity_date_at_low", "sensitivity_date_at_high"]
        .into_iter()
        .zip(one.date);
    rows.extend(dates.map(|(metric, date)| TidyRow {
        month: date.map(|date| date.to_string()).unwrap_or_default(),
        ..row(metric, "date", FigureKind::Fitted)
    }));
    rows
}

fn lever_rows(lever: &Lever, money: &str) -> Vec<TidyRow> {
    let place = TidyRow::default().config(&lever.config);
    let row = |metric, unit: &str, kind| place.also(metric, unit, kind).component(&lever.key);
    let mut rows = vec![
        row("lever_from", "", FigureKind::Assumed).value(lever.from),
        row("lever_to", "", FigureKind::Assumed).value(lever.to),
        row("lever_chance_before", "share", FigureKind::Fitted).value(lever.chance[0]),
        row("lever_chance_after", "share", FigureKind::Fitted).value(lever.chance[1]),
        row("lever_cost_change", money, FigureKind::Priced).money(&lever.change),
    ];
    let dates = [
        ("lever_date", lever.date.and_then(|date| date.value)),
        ("lever_next_date", lever.next_date.and_then(|date| date.value)),
    ];
    rows.extend(dates.map(|(metric, date)| TidyRow {
        month: date.map(|date| date.to_string()).unwrap_or_default(),
        ..row(metric, "date", FigureKind::Fitted)
    }));
    rows.extend(lever.unit_month.map(|price| {
        row("lever_unit_price", &format!("{money}/month"), FigureKind::Priced).decimal(Some(price))
    }));
    rows
}

fn price_rows(price: &PriceRow, money: &str) -> [TidyRow; 3] {
    let place = TidyRow::default().config(&price.config);
    let row = |metric, unit: &str| {
        place
            .also(metric, unit, FigureKind::Priced)
            .component(format!("{} [{}] {}", price.book, price.source, price.item))
    };
    [
        row("price_amount", &format!("{money}/month")).decimal(price.amount),
        row("price_share", "share").value(price.share),
        row("price_age", "days").value(price.age_days as f64),
    ]
}
