//! Rows of a policy, before and after.

use nest_data::projection::{PolicyMonth, PolicyProjection, PolicyTotals};

use super::row::{FigureKind, TidyRow};

/// Cost, capacity and inputs before and after a policy, and its months.
pub(super) fn rows(policy: &PolicyProjection, currency: &str) -> Vec<TidyRow> {
    let place = TidyRow {
        policy: policy.name.clone(),
        config: policy.config.clone(),
        customers: Some(policy.customers),
        ..TidyRow::default()
    };
    let monthly = format!("{currency}/month");
    let mut rows = cost_rows(&place, policy, &monthly);
    for (metric, customers) in [
        ("policy_break_before", &policy.break_before),
        ("policy_break_after", &policy.break_after),
    ] {
        let row = place.also(metric, "customers", FigureKind::Fitted);
        let customers = customers.as_ref().and_then(|point| point.customers.as_ref());
        rows.push(row.estimate(customers));
    }
    rows.push(
        place
            .also("policy_room_change", "customers", FigureKind::Fitted)
            .estimate(policy.room_change.as_ref()),
    );
    rows.push(
        place
            .also("policy_date_change", "days", FigureKind::Fitted)
            .estimate(policy.date_change_days.as_ref()),
    );
    rows.extend(total_rows(&place, &policy.totals, currency));
    rows.push(
        place
            .also("policy_demand_change", "share", FigureKind::Fitted)
            .estimate(Some(&policy.demand_change)),
    );
    rows.extend(change_rows(
        &place,
        ["policy_parameter_before", "policy_parameter_after"],
        "",
        &policy.parameters,
    ));
    rows.extend(change_rows(
        &place,
        ["policy_rate_before", "policy_rate_after"],
        "1/day",
        &policy.rates_per_day,
    ));
    rows.extend(change_rows(
        &place,
        ["policy_open_items_before", "policy_open_items_after"],
        "items",
        &policy.open_items,
    ));
    let months = policy.months.iter();
    rows.extend(months.flat_map(|month| month_rows(&place, month, &monthly)));
    rows
}

/// Cost and fees of 1,000 customers.
fn cost_rows(place: &TidyRow, policy: &PolicyProjection, monthly: &str) -> Vec<TidyRow> {
    let priced = |metric| place.also(metric, monthly, FigureKind::Priced);
    let mut rows = vec![
        priced("policy_cost_per_1000_before").bounded_money(&policy.before),
        priced("policy_cost_per_1000_after").bounded_money(&policy.after),
        priced("policy_cost_per_1000_change").bounded_money(&policy.change),
    ];
    if let Some([before, after, change]) = &policy.fees {
        rows.push(priced("policy_fees_per_1000_before").money(before));
        rows.push(priced("policy_fees_per_1000_after").money(after));
        rows.push(priced("policy_fees_per_1000_change").money(change));
    }
    rows
}

/// Cost and fees over all months.
fn total_rows(place: &TidyRow, totals: &PolicyTotals, money: &str) -> Vec<TidyRow> {
    let priced = |metric| place.also(metric, money, FigureKind::Priced);
    let mut rows = vec![
        priced("policy_total_before").bounded_money(&totals.before),
        priced("policy_total_after").bounded_money(&totals.after),
        priced("policy_total_change").bounded_money(&totals.change),
        priced("policy_total_change_with_fees").bounded_money(&totals.change_with_fees),
    ];
    if let Some([before, after, change]) = &totals.fees {
        rows.push(priced("policy_fees_total_before").money(before));
        rows.push(priced("policy_fees_total_after").money(after));
        rows.push(priced("policy_fees_total_change").money(change));
    }
    rows
}

/// Two rows for each input that a policy changes: its value before and its value after.
fn change_rows(
    place: &TidyRow,
    [before_metric, after_metric]: [&'static str; 2],
    unit: &str,
    changes: &[(String, f64, f64)],
) -> Vec<TidyRow> {
    let row = |metric, name: &String, value: f64| {
        place
            .also(metric, unit, FigureKind::Assumed)
            .component(name)
            .value(value)
    };
    let pairs = changes.iter().flat_map(|(name, before, after)| {
        [row(before_metric, name, *before), row(after_metric, name, *after)]
    });
    pairs.collect()
}

fn month_rows(place: &TidyRow, month: &PolicyMonth, monthly: &str) -> Vec<TidyRow> {
    let place = TidyRow {
        month: month.date.to_string(),
        customers: None,
        ..place.clone()
    };
    let priced = |metric| place.also(metric, monthly, FigureKind::Priced);
    let mut rows = vec![
        place
            .also("policy_adopted", "share", FigureKind::Assumed)
            .value(month.adopted),
        priced("policy_cost_change").bounded_money(&month.change),
    ];
    rows.extend(
        month
            .fees
            .as_ref()
            .map(|fees| priced("policy_fees_change").money(fees)),
    );
    rows.extend(month.open_items.iter().map(|(name, items)| {
        place
            .also("policy_open_items", "items", FigureKind::Assumed)
            .component(name)
            .value(*items)
    }));
    rows
}
