//! The measured steps as one tidy table in Parquet. The only module that knows polars.

use nest_data::{ScalingModel, scaling::MeasuredPoint};
use polars::prelude::{Column, DataFrame, ParquetWriter};

use crate::error::ModelError;

/// One row: a metric of a step.
struct TableRow<'a> {
    point: &'a MeasuredPoint,
    behaviour: &'a str,
    resource: &'a str,
    metric: String,
    value: f64,
    unit: &'static str,
}

/// The measured steps of a model in long form, as Parquet bytes.
///
/// Columns: `study, run, step, label, purpose, worth, customers, behaviour, resource, metric, value, unit`;
/// `behaviour` and `resource` are empty if a metric has none, `customers` is null if a step has none.
///
/// # Errors
/// [`ModelError::Table`] if the library refuses.
pub fn to_parquet(model: &ScalingModel) -> Result<Vec<u8>, ModelError> {
    let rows: Vec<TableRow<'_>> = model.points.iter().flat_map(rows).collect();
    let text = |name: &str, value: &dyn Fn(&TableRow<'_>) -> String| {
        Column::new(name.into(), rows.iter().map(value).collect::<Vec<_>>())
    };
    let study = model.study.study.name.clone();
    let columns = vec![
        text("study", &|_| study.clone()),
        text("run", &|_| model.run.clone()),
        Column::new(
            "step".into(),
            rows.iter().map(|row| row.point.index as u32).collect::<Vec<_>>(),
        ),
        text("label", &|row| row.point.label.clone()),
        text("purpose", &|row| row.point.purpose.label().to_owned()),
        text("worth", &|row| row.point.validity.label().to_owned()),
        Column::new(
            "customers".into(),
            rows.iter().map(|row| row.point.customers).collect::<Vec<_>>(),
        ),
        text("behaviour", &|row| row.behaviour.to_owned()),
        text("resource", &|row| row.resource.to_owned()),
        text("metric", &|row| row.metric.clone()),
        Column::new(
            "value".into(),
            rows.iter().map(|row| row.value).collect::<Vec<_>>(),
        ),
        text("unit", &|row| row.unit.to_owned()),
    ];
    let refused = |error: polars::error::PolarsError| ModelError::Table {
        reason: error.to_string(),
    };
    let mut frame = DataFrame::new(rows.len(), columns).map_err(refused)?;
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .finish(&mut frame)
        .map_err(refused)?;
    Ok(bytes)
}

fn rows(point: &MeasuredPoint) -> Vec<TableRow<'_>> {
    let plain = |metric: &str, value: f64, unit| TableRow {
        point,
        behaviour: "",
        resource: "",
        metric: metric.to_owned(),
        value,
        unit,
    };
    let mut rows = vec![
        plain("offered_per_s", point.offered_per_s, "1/s"),
        plain("completed_per_s", point.completed_per_s, "1/s"),
        plain("active", point.active, "1"),
        plain("in_flight", point.in_flight, "1"),
        plain("error_share", point.error_share, "1"),
    ];
    rows.extend(point.used.iter().map(|(resource, value)| {
        let unit = if resource.ends_with("cpu") {
            "s/s"
        } else if resource.ends_with("memory") {
            "bytes"
        } else {
            "bytes/s"
        };
        TableRow {
            point,
            behaviour: "",
            resource,
            metric: "used_per_s".to_owned(),
            value: *value,
            unit,
        }
    }));
    rows.extend(point.response.iter().map(|one| TableRow {
        point,
        behaviour: &one.behaviour,
        resource: "",
        metric: format!("response_p{:.0}_s", one.quantile * 100.0),
        value: one.seconds,
        unit: "s",
    }));
    rows
}
