//! A chart with its answer and the numbers behind it.

use nest_data::{
    Estimate, Projection,
    projection::{Axis, Chart, Curve},
};

use super::{PageTable, ReadingPath, Section};
use crate::{chart::Drawing, format, sentence::EXTRAPOLATED};

/// Most rows of one curve in a table; the CSV has all of them.
const ROWS_OF_A_CURVE: usize = 24;

/// The section of one chart.
pub(super) fn section(projection: &Projection, drawing: &Drawing) -> Section {
    let chart = drawing.chart;
    let path = if drawing.is_money() {
        ReadingPath::Product
    } else {
        ReadingPath::Architect
    };
    let mut section = Section::new(
        &format!("chart-{}", drawing.slug),
        &format!("{} curve", chart.id),
        path,
        &chart.title,
        chart.answer.clone(),
    );
    section.drawing = Some(drawing.inline());
    section.tables.push(table(chart));
    let customer = format!("Customers: {}.", projection.study.customer);
    let legend = format!(
        "● measured, — fitted with its 90 % band, hatched and {EXTRAPOLATED} beyond the tested {} customers, \
         where lines are dashed.",
        format::number(chart.tested_to)
    );
    section.how = vec![legend, customer];
    section
}

fn table(chart: &Chart) -> PageTable {
    let mut table = PageTable::new(
        "The numbers behind the chart",
        &["what", "#customers", "#value", "kind"],
    );
    for curve in &chart.curves {
        for point in thinned(curve) {
            table.row(curve_row(chart, curve, point));
        }
    }
    for scatter in &chart.measured {
        for [customers, value] in &scatter.points {
            let value = axis_value(&chart.y, *value);
            table.row([
                scatter.name.clone(),
                format::number(customers.round()),
                value,
                "● measured".to_owned(),
            ]);
        }
    }
    for (name, value) in &chart.limits {
        table.row([
            name.clone(),
            String::new(),
            axis_value(&chart.y, *value),
            "limit".to_owned(),
        ]);
    }
    table
}

fn curve_row(chart: &Chart, curve: &Curve, [customers, low, value, high]: [f64; 4]) -> [String; 4] {
    let kind = if customers > chart.tested_to {
        format!("{EXTRAPOLATED} extrapolated")
    } else {
        "— fitted".to_owned()
    };
    let estimate = Estimate {
        value,
        standard_error: 0.0,
        low,
        high,
    };
    [
        curve.name.clone(),
        format::number(customers.round()),
        axis_estimate(&chart.y, &estimate),
        kind,
    ]
}

/// Evenly chosen points of a curve at which it has a value, including its first and last.
fn thinned(curve: &Curve) -> Vec<[f64; 4]> {
    let points: Vec<[f64; 4]> = curve
        .points
        .iter()
        .copied()
        .filter(|point| point[2].is_finite())
        .collect();
    let last = points.len().saturating_sub(1);
    if last < ROWS_OF_A_CURVE {
        return points;
    }
    (0..ROWS_OF_A_CURVE)
        .filter_map(|row| points.get(row * last / (ROWS_OF_A_CURVE - 1)).copied())
        .collect()
}

fn axis_value(axis: &Axis, value: f64) -> String {
    match unit(axis) {
        Ok(unit) => format::quantity(value, unit),
        Err(currency) => format!("{currency} {}", format::number(value)),
    }
}

fn axis_estimate(axis: &Axis, estimate: &Estimate) -> String {
    match unit(axis) {
        Ok(unit) => format::quantity_estimate(estimate, unit),
        Err(currency) => format!("{currency} {}", format::estimate(estimate)),
    }
}

/// Unit of an axis, or its currency, which stands in front.
fn unit(axis: &Axis) -> Result<&'static str, &str> {
    match axis {
        Axis::Share => Ok("share"),
        Axis::Seconds => Ok("s"),
        Axis::PerSecond => Ok("/s"),
        Axis::Bytes => Ok("bytes"),
        Axis::Money(currency) => Err(currency),
    }
}
