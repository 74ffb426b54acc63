//! Which rows the tidy table has, in the order of the projection.

use nest_data::{
    Projection,
    projection::{Axis, BreakPoint, Chart, ConfigProjection, CostDriver, MonthProjection, PolicyProjection},
    scaling::MeasuredPoint,
};

use super::{
    compared,
    row::{Kind, Row, lower_bound},
};
use crate::unit::{check_unit, currency, use_unit};

/// All rows.
pub(super) fn rows(projection: &Projection) -> Vec<Row> {
    let mut rows = vec![
        Row::new("tested_customers", "customers", Kind::Measured).value(projection.model.tested_customers),
    ];
    if let Some(headline) = &projection.headline {
        rows.push(
            Row::new("searched_to", "customers", Kind::Assumed)
                .config(&headline.config)
                .value(headline.searched_to),
        );
    }
    for config in &projection.configs {
        bill(config, &mut rows);
        let growth = projection.growth.as_deref().unwrap_or_default();
        rows.extend(
            config
                .months
                .iter()
                .flat_map(|month| month_rows(config, growth, month)),
        );
        rows.extend(
            config
                .break_points
                .iter()
                .flat_map(|point| break_rows(config, growth, point)),
        );
    }
    rows.extend(
        projection
            .policies
            .iter()
            .flat_map(|policy| policy_rows(policy, currency(projection, &policy.config))),
    );
    rows.extend(compared::rows(projection));
    for row in &projection.demand {
        let component = format!("{}: {}", row.resource, row.behaviour);
        rows.push(
            Row::new("service_demand", &row.unit, Kind::Fitted)
                .component(component)
                .estimate(Some(&row.estimate)),
        );
    }
    for (behaviour, rate) in &projection.rates_per_day {
        rows.push(
            Row::new("rate", "1/day", Kind::Assumed)
                .component(behaviour)
                .value(*rate),
        );
    }
    checks(projection, &mut rows);
    rows.extend(projection.points.iter().flat_map(point_rows));
    rows.extend(projection.charts.iter().flat_map(chart_rows));
    for book in &projection.books {
        rows.push(
            Row::new("oldest_price_age", "days", Kind::Priced)
                .component(&book.name)
                .value(book.oldest_days as f64),
        );
    }
    rows
}

fn bill(config: &ConfigProjection, rows: &mut Vec<Row>) {
    let (bill, monthly) = (&config.bill, format!("{}/month", config.currency));
    let place = Row::default()
        .config(&config.name)
        .customers(Some(bill.customers));
    for line in &bill.lines {
        let parts = [
            Some(line.driver.label()),
            line.behaviour.as_deref(),
            Some(line.meter.as_str()),
        ];
        let component = parts.into_iter().flatten().collect::<Vec<_>>().join(": ");
        let kind = if line.driver == CostDriver::Fixed {
            Kind::Assumed
        } else {
            Kind::Fitted
        };
        rows.push(
            place
                .also("bill_quantity", &line.unit, kind)
                .component(&component)
                .decimal(Some(line.quantity)),
        );
        rows.push(
            place
                .also("bill_line", &monthly, Kind::Priced)
                .component(&component)
                .decimal(line.amount),
        );
    }
    rows.push(
        place
            .also("bill_total", &monthly, Kind::Priced)
            .component(lower_bound(bill.total.at_least))
            .money(&bill.total),
    );
    rows.push(
        place
            .also("cost_per_1000", &monthly, Kind::Priced)
            .component(lower_bound(bill.per_1000.at_least))
            .money(&bill.per_1000),
    );
    rows.push(
        place
            .also("cost_of_next_1000", &monthly, Kind::Priced)
            .decimal(Some(bill.marginal_1000)),
    );
    for line in bill.fees.iter().flat_map(|fees| &fees.lines) {
        let component = format!(
            "{}: {}",
            line.behaviour.as_deref().unwrap_or_default(),
            line.meter
        );
        rows.push(
            place
                .also("fee_quantity", &line.unit, Kind::Assumed)
                .component(&component)
                .decimal(Some(line.quantity)),
        );
        rows.push(
            place
                .also("fee_line", &monthly, Kind::Priced)
                .component(&component)
                .decimal(line.amount),
        );
    }
    if let Some(fees) = &bill.fees {
        rows.push(place.also("fee_total", &monthly, Kind::Priced).money(&fees.total));
        rows.push(
            place
                .also("fees_per_1000", &monthly, Kind::Priced)
                .money(&fees.per_1000),
        );
    }
    for row in &config.performance {
        let component = format!(
            "{} p{}",
            row.behaviour,
            crate::format::number(row.quantile * 100.0)
        );
        rows.push(
            place
                .also("response_forecast", "s", Kind::Fitted)
                .component(component)
                .estimate(Some(&row.seconds)),
        );
    }
    rows.extend(bill.next_stair.map(|stair| {
        place
            .also("next_instance_at", "customers", Kind::Fitted)
            .value(stair)
    }));
}

fn month_rows(config: &ConfigProjection, growth: &str, month: &MonthProjection) -> Vec<Row> {
    let place = Row {
        growth: growth.to_owned(),
        month: month.date.to_string(),
        ..Row::default()
    };
    let place = place.config(&config.name).customers(Some(month.customers.value));
    let monthly = format!("{}/month", config.currency);
    let (fitted, priced) = if month.extrapolated {
        (Kind::Extrapolated, Kind::Extrapolated)
    } else {
        (Kind::Fitted, Kind::Priced)
    };
    let mut rows = vec![
        place
            .also("customers", "customers", Kind::Assumed)
            .estimate(Some(&month.customers)),
    ];
    rows.extend(month.instances.as_ref().map(|instances| {
        place
            .also("instances", "instances", fitted)
            .estimate(Some(instances))
    }));
    rows.push(
        place
            .also("cost", &monthly, priced)
            .component(lower_bound(month.cost.at_least))
            .money(&month.cost),
    );
    rows.push(
        place
            .also("cost_per_1000", &monthly, priced)
            .component(lower_bound(month.per_1000.at_least))
            .money(&month.per_1000),
    );
    rows.extend(
        month
            .cash
            .map(|cash| place.also("cash", &monthly, priced).decimal(Some(cash))),
    );
    rows.extend(
        month
            .fees
            .as_ref()
            .map(|fees| place.also("fees", &monthly, priced).money(fees)),
    );
    rows
}

fn break_rows(config: &ConfigProjection, growth: &str, point: &BreakPoint) -> Vec<Row> {
    let component = format!("{}: {}", point.kind.label(), point.cause);
    let kind = if point.extrapolated {
        Kind::Extrapolated
    } else {
        Kind::Fitted
    };
    let place = Row::default()
        .config(&config.name)
        .customers(point.customers.as_ref().map(|customers| customers.value));
    let mut rows = vec![
        place
            .also("break_point", "customers", kind)
            .component(&component)
            .estimate(point.customers.as_ref()),
        place
            .also("break_is_first", "share", kind)
            .component(&component)
            .value(point.probability),
        place
            .also("break_is_reached", "share", kind)
            .component(&component)
            .value(point.reached),
    ];
    let dates = point.date.map(|date| {
        [
            ("break_date", date.value),
            ("break_date_earliest", date.low),
            ("break_date_latest", date.high),
        ]
    });
    for (metric, date) in dates.into_iter().flatten() {
        let month = date.map(|date| date.to_string()).unwrap_or_default();
        rows.push(Row {
            growth: growth.to_owned(),
            month,
            ..place.also(metric, "date", kind).component(&component)
        });
    }
    rows
}

fn policy_rows(policy: &PolicyProjection, currency: &str) -> Vec<Row> {
    let place = Row {
        policy: policy.name.clone(),
        ..Row::default()
    }
    .config(&policy.config)
    .customers(Some(policy.customers));
    let monthly = format!("{currency}/month");
    let mut rows = Vec::new();
    for (metric, money) in [
        ("policy_cost_per_1000_before", &policy.before),
        ("policy_cost_per_1000_after", &policy.after),
        ("policy_cost_per_1000_change", &policy.change),
    ] {
        rows.push(
            place
                .also(metric, &monthly, Kind::Priced)
                .component(lower_bound(money.at_least))
                .money(money),
        );
    }
    for (metric, money) in policy
        .fees
        .iter()
        .flatten()
        .zip([
            "policy_fees_per_1000_before",
            "policy_fees_per_1000_after",
            "policy_fees_per_1000_change",
        ])
        .map(|(money, metric)| (metric, money))
    {
        rows.push(place.also(metric, &monthly, Kind::Priced).money(money));
    }
    for (metric, customers) in [
        ("policy_break_before", &policy.break_before),
        ("policy_break_after", &policy.break_after),
    ] {
        rows.push(
            place
                .also(metric, "customers", Kind::Fitted)
                .estimate(customers.as_ref()),
        );
    }
    rows.push(
        place
            .also("policy_demand_change", "share", Kind::Fitted)
            .estimate(Some(&policy.demand_change)),
    );
    for (name, before, after) in &policy.parameters {
        rows.push(
            place
                .also("policy_parameter_before", "", Kind::Assumed)
                .component(name)
                .value(*before),
        );
        rows.push(
            place
                .also("policy_parameter_after", "", Kind::Assumed)
                .component(name)
                .value(*after),
        );
    }
    for (name, before, after) in &policy.rates_per_day {
        rows.push(
            place
                .also("policy_rate_before", "1/day", Kind::Assumed)
                .component(name)
                .value(*before),
        );
        rows.push(
            place
                .also("policy_rate_after", "1/day", Kind::Assumed)
                .component(name)
                .value(*after),
        );
    }
    for (name, before, after) in &policy.open_items {
        rows.push(
            place
                .also("policy_open_items_before", "items", Kind::Assumed)
                .component(name)
                .value(*before),
        );
        rows.push(
            place
                .also("policy_open_items_after", "items", Kind::Assumed)
                .component(name)
                .value(*after),
        );
    }
    for month in &policy.months {
        let place = Row {
            month: month.date.to_string(),
            customers: None,
            ..place.clone()
        };
        rows.push(
            place
                .also("policy_adopted", "share", Kind::Assumed)
                .value(month.adopted),
        );
        rows.push(
            place
                .also("policy_cost_change", &monthly, Kind::Priced)
                .component(lower_bound(month.change.at_least))
                .money(&month.change),
        );
        rows.extend(month.fees.as_ref().map(|fees| {
            place
                .also("policy_fees_change", &monthly, Kind::Priced)
                .money(fees)
        }));
        rows.extend(month.open_items.iter().map(|(name, items)| {
            place
                .also("policy_open_items", "items", Kind::Assumed)
                .component(name)
                .value(*items)
        }));
    }
    rows
}

fn checks(projection: &Projection, rows: &mut Vec<Row>) {
    for check in &projection.checks {
        let (component, unit) = (
            format!("{}: {}", check.step, check.quantity),
            check_unit(&check.quantity),
        );
        let place = Row::default().customers(check.customers);
        rows.push(
            place
                .also("check_forecast", unit, Kind::Fitted)
                .component(&component)
                .estimate(Some(&check.predicted)),
        );
        rows.push(
            place
                .also("check_measured", unit, Kind::Measured)
                .component(&component)
                .value(check.measured),
        );
    }
}

fn point_rows(point: &MeasuredPoint) -> Vec<Row> {
    let step = format!("{} ({})", point.label, point.validity.label());
    let place = Row::default().customers(point.customers);
    let row = |metric, unit: &str, part: &str, value| {
        let component = if part.is_empty() {
            step.clone()
        } else {
            format!("{step}: {part}")
        };
        place
            .also(metric, unit, Kind::Measured)
            .component(component)
            .value(value)
    };
    let mut rows = vec![
        row("active", "executions", "", point.active),
        row("in_flight", "requests", "", point.in_flight),
        row("offered", "1/s", "", point.offered_per_s),
        row("completed", "1/s", "", point.completed_per_s),
        row("error_share", "share", "", point.error_share),
    ];
    rows.extend(
        point
            .used
            .iter()
            .map(|(resource, used)| row("used", use_unit(resource), resource, *used)),
    );
    for quantile in &point.response {
        let part = format!(
            "{} p{}",
            quantile.behaviour,
            crate::format::number(quantile.quantile * 100.0)
        );
        rows.push(row("response_time", "s", &part, quantile.seconds));
        rows.push(row("response_count", "requests", &part, quantile.count as f64));
    }
    rows
}

fn chart_rows(chart: &Chart) -> Vec<Row> {
    let unit = match &chart.y {
        Axis::Share => "share",
        Axis::Seconds => "s",
        Axis::PerSecond => "1/s",
        Axis::Bytes => "bytes",
        Axis::Money(currency) => currency,
    };
    let mut rows = Vec::new();
    for curve in &chart.curves {
        for [customers, low, value, high] in &curve.points {
            let kind = if *customers > chart.tested_to {
                Kind::Extrapolated
            } else {
                Kind::Fitted
            };
            let estimate = nest_data::Estimate {
                value: *value,
                standard_error: 0.0,
                low: *low,
                high: *high,
            };
            let row = Row::new("chart_curve", unit, kind).component(format!("{}: {}", chart.id, curve.name));
            rows.push(row.customers(Some(*customers)).estimate(Some(&estimate)));
        }
    }
    for scatter in &chart.measured {
        for [customers, value] in &scatter.points {
            let row = Row::new("chart_point", unit, Kind::Measured)
                .component(format!("{}: {}", chart.id, scatter.name));
            rows.push(row.customers(Some(*customers)).value(*value));
        }
    }
    for (name, value) in &chart.limits {
        rows.push(
            Row::new("chart_limit", unit, Kind::Assumed)
                .component(format!("{}: {name}", chart.id))
                .value(*value),
        );
    }
    rows
}
