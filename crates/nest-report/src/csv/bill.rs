//! Rows of the bill of a configuration.

use nest_data::projection::{ConfigProjection, CostLine, FeeBill, QuantityBasis};

use super::row::{FigureKind, TidyRow};
use crate::format;

/// The lines, totals and fees of a bill, and the response times at these customers.
pub(super) fn rows(config: &ConfigProjection) -> Vec<TidyRow> {
    let (bill, monthly) = (&config.bill, format!("{}/month", config.currency));
    let place = TidyRow::default()
        .config(&config.name)
        .customers(Some(bill.customers));
    let priced = |metric| place.also(metric, &monthly, FigureKind::Priced);
    let mut rows: Vec<TidyRow> = bill
        .lines
        .iter()
        .flat_map(|line| line_rows(&place, line, &monthly))
        .collect();
    rows.push(priced("bill_total").bounded_money(&bill.total));
    rows.push(priced("cost_per_1000").bounded_money(&bill.per_1000));
    rows.push(priced("cost_of_next_1000").decimal(Some(bill.marginal_1000)));
    rows.extend(bill.fees.iter().flat_map(|fees| fee_rows(&place, fees, &monthly)));
    rows.extend(config.performance.iter().map(|row| {
        let quantile = format::number(row.quantile * 100.0);
        place
            .also("response_forecast", "s", FigureKind::Fitted)
            .component(format!("{} p{quantile}", row.behaviour))
            .estimate(Some(&row.seconds))
    }));
    rows.extend(bill.next_stair.map(|stair| {
        place
            .also("next_instance_at", "customers", FigureKind::Fitted)
            .value(stair)
    }));
    rows
}

/// Quantity and amount of a line of the bill.
fn line_rows(place: &TidyRow, line: &CostLine, monthly: &str) -> [TidyRow; 2] {
    let parts = [
        Some(line.driver.label()),
        line.behaviour.as_deref(),
        Some(line.meter.as_str()),
    ];
    let component = parts.into_iter().flatten().collect::<Vec<_>>().join(": ");
    let kind = match line.quantity_basis() {
        QuantityBasis::Fitted => FigureKind::Fitted,
        QuantityBasis::Assumed => FigureKind::Assumed,
        QuantityBasis::Agreed => FigureKind::Agreed,
    };
    [
        place
            .also("bill_quantity", &line.unit, kind)
            .component(&component)
            .decimal(Some(line.quantity)),
        place
            .also("bill_line", monthly, FigureKind::Priced)
            .component(&component)
            .decimal(line.amount),
    ]
}

/// Lines and totals of the fees of third parties.
fn fee_rows(place: &TidyRow, fees: &FeeBill, monthly: &str) -> Vec<TidyRow> {
    let priced = |metric| place.also(metric, monthly, FigureKind::Priced);
    let mut rows = Vec::new();
    for line in &fees.lines {
        let behaviour = line.behaviour.as_deref().unwrap_or_default();
        let component = format!("{behaviour}: {}", line.meter);
        rows.push(
            place
                .also("fee_quantity", &line.unit, FigureKind::Assumed)
                .component(&component)
                .decimal(Some(line.quantity)),
        );
        rows.push(priced("fee_line").component(&component).decimal(line.amount));
    }
    rows.push(priced("fee_total").money(&fees.total));
    rows.push(priced("fees_per_1000").money(&fees.per_1000));
    rows
}
