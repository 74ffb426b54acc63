//! `fit`: fits a scaling model to measurements.

use nest_data::{Document, Measurements, ScalingModel, measurement::ResourceKind};
use nest_report::format;

use crate::{
    args::{FitArguments, Format},
    command_error::CommandError,
    files::StudyFolder,
    printer::{data, talk},
    table::{Cell, Column, OutputTable, Shown, Unit},
};

/// Runs the verb.
pub fn run(arguments: &FitArguments) -> Result<(), CommandError> {
    let folder = StudyFolder::new(&arguments.study)?;
    let measurements = match &arguments.run {
        Some(run) => folder.run(run)?.measurements()?,
        None => folder.measurements()?,
    };
    let model = fit(&folder, &measurements)?;
    match arguments.format {
        Format::Json => data(&model.to_json()),
        format => data(&demand_table(&model).render(format)),
    }?;
    talk_of(&model);
    Ok(())
}

/// Fits measurements and saves the model in the study's folder.
pub fn fit(folder: &StudyFolder, measurements: &Measurements) -> Result<ScalingModel, CommandError> {
    let model = nest_model::fit(measurements)?;
    let path = folder.write_scaling(&model)?;
    talk(&format!("fitted run {}: {}", model.run, path.display()));
    Ok(model)
}

/// Service demands by resource and behaviour, then what executions add to counts, with their 90 % intervals.
pub fn demand_table(model: &ScalingModel) -> OutputTable {
    let mut table = OutputTable::new(&[
        Column::new("resource", &["resource"]),
        Column::new("behaviour", &["behaviour"]),
        Column::new("demand", &["demand"]),
        Column::new("90 % interval", &["low", "high"]),
        Column::new("unit", &["unit"]),
        Column::new("condition", &["condition"]),
    ]);
    for resource in &model.resources {
        let rows = resource
            .demand
            .iter()
            .map(|(name, estimate)| (name.as_str(), estimate))
            .chain([("idle", &resource.idle)]);
        for (behaviour, estimate) in rows {
            let unit = Unit::Named(resource.kind.unit());
            table.push(vec![
                Cell::text(&resource.name),
                Cell::text(behaviour),
                Cell::Number(estimate.value, unit, Shown::Fitting),
                Cell::Interval([estimate.low, estimate.high], unit, Shown::Fitting),
                Cell::text(if behaviour == "idle" && resource.kind != ResourceKind::Memory {
                    format!("{}/s", resource.kind.unit())
                } else {
                    resource.kind.unit().to_owned()
                }),
                Cell::Number(resource.condition, Unit::One, Shown::Decimals(1)),
            ]);
        }
    }
    for behaviour in &model.behaviours {
        for (count, amount) in &behaviour.counts {
            table.push(vec![
                Cell::text(count),
                Cell::text(&behaviour.name),
                Cell::Number(amount.value, Unit::One, Shown::Fitting),
                Cell::Interval([amount.low, amount.high], Unit::One, Shown::Fitting),
                Cell::text("counted"),
                Cell::Missing(""),
            ]);
        }
    }
    table
}

fn talk_of(model: &ScalingModel) {
    if let Some(law) = &model.throughput {
        talk(&format!(
            "{} saturates at {} customers ({} executions/s)",
            law.binding,
            format::estimate(&law.saturation_customers),
            format::estimate(&law.ceiling_per_s)
        ));
    }
    for check in &model.checks {
        let error = (check.predicted.value / check.measured - 1.0) * 100.0;
        talk(&format!(
            "check {}: {} forecast {:.4}, measured {:.4} ({error:+.1} %)",
            check.step, check.quantity, check.predicted.value, check.measured
        ));
    }
    model
        .caveats
        .iter()
        .for_each(|caveat| talk(&format!("note: {caveat}")));
}
