//! Which rows the tidy table has, in the order of the projection.

use nest_data::Projection;

use super::{
    advice, bill, capacity, charts, compared, measured, policy,
    row::{FigureKind, TidyRow},
};
use crate::unit::currency;

/// All rows.
pub(super) fn rows(projection: &Projection) -> Vec<TidyRow> {
    let mut rows = searched(projection);
    let growth = projection.growth.as_deref().unwrap_or_default();
    for config in &projection.configs {
        rows.extend(bill::rows(config));
        let months = config.months.iter();
        rows.extend(months.flat_map(|month| capacity::month_rows(config, growth, month)));
        let points = config.break_points.iter();
        rows.extend(points.flat_map(|point| capacity::break_rows(config, growth, point)));
    }
    for one in &projection.policies {
        rows.extend(policy::rows(one, currency(projection, &one.config)));
    }
    rows.extend(compared::rows(projection));
    rows.extend(advice::rows(projection));
    rows.extend(demand(projection));
    rows.extend(projection.checks.iter().flat_map(measured::check_rows));
    rows.extend(projection.points.iter().flat_map(measured::point_rows));
    rows.extend(projection.charts.iter().flat_map(charts::rows));
    rows.extend(books(projection));
    rows
}

/// How far was tested, and how far the search for break points went.
fn searched(projection: &Projection) -> Vec<TidyRow> {
    let tested = projection.model.tested_customers;
    let mut rows = vec![TidyRow::new("tested_customers", "customers", FigureKind::Measured).value(tested)];
    rows.extend(projection.headline.iter().map(|headline| {
        TidyRow::new("searched_to", "customers", FigureKind::Assumed)
            .config(&headline.config)
            .value(headline.searched_to)
    }));
    rows
}

/// Service demands and rates.
fn demand(projection: &Projection) -> Vec<TidyRow> {
    let demands = projection.demand.iter().map(|row| {
        TidyRow::new("service_demand", &row.unit, FigureKind::Fitted)
            .component(format!("{}: {}", row.resource, row.behaviour))
            .estimate(Some(&row.estimate))
    });
    let rates = projection.rates_per_day.iter().map(|(behaviour, rate)| {
        TidyRow::new("rate", "1/day", FigureKind::Assumed)
            .component(behaviour)
            .value(*rate)
    });
    demands.chain(rates).collect()
}

fn books(projection: &Projection) -> Vec<TidyRow> {
    let age = projection.books.iter().map(|book| {
        TidyRow::new("oldest_price_age", "days", FigureKind::Priced)
            .component(&book.name)
            .value(book.oldest_days as f64)
    });
    age.collect()
}
