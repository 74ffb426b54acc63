//! Rows of a configuration month by month, and of its break points.

use nest_data::projection::{BreakPoint, ConfigProjection, MonthProjection};

use super::row::{FigureKind, TidyRow};

/// Customers, servers and cost of a month of growth.
pub(super) fn month_rows(config: &ConfigProjection, growth: &str, month: &MonthProjection) -> Vec<TidyRow> {
    let place = TidyRow {
        config: config.name.clone(),
        growth: growth.to_owned(),
        month: month.date.to_string(),
        customers: Some(month.customers.value),
        ..TidyRow::default()
    };
    let monthly = format!("{}/month", config.currency);
    let (fitted, priced) = if month.extrapolated {
        (FigureKind::Extrapolated, FigureKind::Extrapolated)
    } else {
        (FigureKind::Fitted, FigureKind::Priced)
    };
    let cost = |metric| place.also(metric, &monthly, priced);
    let mut rows = vec![
        place
            .also("customers", "customers", FigureKind::Assumed)
            .estimate(Some(&month.customers)),
    ];
    rows.extend(month.instances.as_ref().map(|instances| {
        place
            .also("instances", "instances", fitted)
            .estimate(Some(instances))
    }));
    rows.push(cost("cost").bounded_money(&month.cost));
    rows.push(cost("cost_per_1000").bounded_money(&month.per_1000));
    rows.extend(month.cash.map(|cash| cost("cash").decimal(Some(cash))));
    rows.extend(month.fees.as_ref().map(|fees| cost("fees").money(fees)));
    rows
}

/// Where and when a configuration breaks, and how probable that is.
pub(super) fn break_rows(config: &ConfigProjection, growth: &str, point: &BreakPoint) -> Vec<TidyRow> {
    let component = format!("{}: {}", point.kind.label(), point.cause);
    let kind = if point.extrapolated {
        FigureKind::Extrapolated
    } else {
        FigureKind::Fitted
    };
    let place = TidyRow::default()
        .config(&config.name)
        .customers(point.customers.as_ref().map(|customers| customers.value));
    let row = |metric, unit| place.also(metric, unit, kind).component(&component);
    let mut rows = vec![
        row("break_point", "customers").estimate(point.customers.as_ref()),
        row("break_is_first", "share").value(point.probability),
        row("break_is_reached", "share").value(point.reached),
    ];
    rows.extend(point.chance_by_month.iter().map(|(date, chance)| TidyRow {
        growth: growth.to_owned(),
        month: date.to_string(),
        ..row("break_chance", "share").value(*chance)
    }));
    let dates = point.date.map(|date| {
        [
            ("break_date", date.value),
            ("break_date_earliest", date.low),
            ("break_date_latest", date.high),
        ]
    });
    for (metric, date) in dates.into_iter().flatten() {
        rows.push(TidyRow {
            growth: growth.to_owned(),
            month: date.map(|date| date.to_string()).unwrap_or_default(),
            ..row(metric, "date")
        });
    }
    rows
}
