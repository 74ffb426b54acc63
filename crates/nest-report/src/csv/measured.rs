//! Rows of measured steps, and of forecasts beside what was measured.

use nest_data::scaling::{ForecastCheck, MeasuredPoint};

use super::row::{FigureKind, TidyRow};
use crate::{
    format,
    unit::{check_unit, use_unit},
};

/// A forecast, and what was measured.
pub(super) fn check_rows(check: &ForecastCheck) -> [TidyRow; 2] {
    let component = format!("{}: {}", check.step, check.quantity);
    let place = TidyRow::default().customers(check.customers);
    let row = |metric, kind| {
        place
            .also(metric, check_unit(&check.quantity), kind)
            .component(&component)
    };
    [
        row("check_forecast", FigureKind::Fitted).estimate(Some(&check.predicted)),
        row("check_measured", FigureKind::Measured).value(check.measured),
    ]
}

/// Load, use of resources and response times of a measured step.
pub(super) fn point_rows(point: &MeasuredPoint) -> Vec<TidyRow> {
    let step = format!("{} ({})", point.label, point.validity.label());
    let place = TidyRow::default().customers(point.customers);
    let row = |metric, unit: &str, part: &str, value| {
        let component = if part.is_empty() {
            step.clone()
        } else {
            format!("{step}: {part}")
        };
        place
            .also(metric, unit, FigureKind::Measured)
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
    let used = point.used.iter();
    rows.extend(used.map(|(resource, used)| row("used", use_unit(resource), resource, *used)));
    for quantile in &point.response {
        let part = format!(
            "{} p{}",
            quantile.behaviour,
            format::number(quantile.quantile * 100.0)
        );
        rows.push(row("response_time", "s", &part, quantile.seconds));
        rows.push(row("response_count", "requests", &part, quantile.count as f64));
    }
    rows
}
