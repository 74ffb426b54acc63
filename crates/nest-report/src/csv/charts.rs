//! Rows of the curves, points and limits of a chart.

use nest_data::{
    Estimate,
    projection::{Axis, Chart},
};

use super::row::{FigureKind, TidyRow};

/// Everything that a chart draws.
pub(super) fn rows(chart: &Chart) -> Vec<TidyRow> {
    let mut rows = curve_rows(chart);
    for scatter in &chart.measured {
        for [customers, value] in &scatter.points {
            let row = row(chart, "chart_point", FigureKind::Measured, &scatter.name);
            rows.push(row.customers(Some(*customers)).value(*value));
        }
    }
    for (name, value) in &chart.limits {
        rows.push(row(chart, "chart_limit", FigureKind::Assumed, name).value(*value));
    }
    rows
}

fn curve_rows(chart: &Chart) -> Vec<TidyRow> {
    let mut rows = Vec::new();
    for curve in &chart.curves {
        for [customers, low, value, high] in &curve.points {
            let kind = if *customers > chart.tested_to {
                FigureKind::Extrapolated
            } else {
                FigureKind::Fitted
            };
            let estimate = Estimate {
                value: *value,
                standard_error: 0.0,
                low: *low,
                high: *high,
            };
            let row = row(chart, "chart_curve", kind, &curve.name);
            rows.push(row.customers(Some(*customers)).estimate(Some(&estimate)));
        }
    }
    rows
}

fn row(chart: &Chart, metric: &'static str, kind: FigureKind, name: &str) -> TidyRow {
    let unit = match &chart.y {
        Axis::Share => "share",
        Axis::Seconds => "s",
        Axis::PerSecond => "1/s",
        Axis::Bytes => "bytes",
        Axis::Money(currency) => currency,
    };
    TidyRow::new(metric, unit, kind).component(format!("{}: {name}", chart.id))
}
