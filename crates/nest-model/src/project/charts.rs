//! The charts of a report: curves with their bands, measured points and limits.

mod configs;
mod machine;
mod resource_uses;
mod response;

use nest_data::{
    Estimate,
    measurement::{Purpose, Validity},
    projection::Chart,
    scaling::MeasuredPoint,
};

use crate::project::{context::Context, drawn_config::DrawnConfig};

/// Points of a drawn curve.
const POINTS: usize = 60;
/// Draws that bands rest on: no eye tells more of them apart.
const SHOWN_DRAWS: usize = 2_000;

/// All charts of a projection.
pub fn charts(context: &Context<'_>, configs: &[DrawnConfig<'_>]) -> Vec<Chart> {
    let mut charts = Vec::new();
    charts.extend(configs::cost(context, configs));
    charts.extend(configs::response_by_config(context, configs));
    charts.extend(machine::utilisation(context));
    charts.extend(response::response(context));
    charts.extend(machine::throughput(context));
    charts.extend(machine::memory(context));
    charts
}

/// Customer counts from a twentieth of `to` up to it, evenly spaced.
fn even_grid(to: f64) -> Vec<f64> {
    let low = to / 20.0;
    shares().map(|share| low + (to - low) * share).collect()
}

/// Customer counts from a twentieth of `to` up to it, geometrically spaced.
fn geometric_grid(to: f64) -> Vec<f64> {
    let low = to / 20.0;
    shares().map(|share| low * 20_f64.powf(share)).collect()
}

/// Shares from 0 to 1, one for each point of a curve.
fn shares() -> impl Iterator<Item = f64> {
    (0..POINTS).map(|point| point as f64 / (POINTS - 1) as f64)
}

/// Measured steps of the plain mix with load, but not those that are invalid.
fn plotted(points: &[MeasuredPoint]) -> impl Iterator<Item = &MeasuredPoint> {
    points.iter().filter(|point| {
        point.customers.is_some() && point.purpose != Purpose::Idle && point.validity != Validity::Invalid
    })
}

/// A point of a curve: the point estimate's value with the 90 % interval of the draws; `None` if no draw is
/// a number there.
fn banded(customers: f64, value: f64, mut draws: Vec<f64>) -> Option<[f64; 4]> {
    let estimate = Estimate::from_draws(value, &mut draws)?;
    Some([customers, estimate.low, value, estimate.high])
}
