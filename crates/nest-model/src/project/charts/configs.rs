//! Charts that compare the configurations: what customers cost, and how long they wait.

use nest_data::{
    Study,
    projection::{Axis, Chart, Curve},
    scaling::QuantileLaw,
};
use rayon::prelude::*;

use super::{POINTS, SHOWN_DRAWS, banded, geometric_grid};
use crate::project::{context::Context, drawn_config::DrawnConfig, performance::seconds};

/// How far the curves reach, as a multiple of the tested customers.
const REACH: f64 = 2.0;
/// Draws that the bands of response times rest on. They are computed for each configuration, quantile and
/// point, so that fewer must do.
const FEW: usize = 400;

/// Cost of 1,000 customers on each configuration.
pub(super) fn cost(context: &Context<'_>, configs: &[DrawnConfig<'_>]) -> Option<Chart> {
    configs.first()?;
    let to = configs_to(context);
    let curves: Vec<Curve> = configs.par_iter().map(|drawn| cost_curve(drawn, to)).collect();
    Some(Chart {
        id: "cost-per-1000".to_owned(),
        title: "What do 1,000 customers cost a month?".to_owned(),
        answer: cheapest_in_words(configs, &curves),
        y: Axis::Money(context.study.study.currency.clone()),
        curves,
        measured: Vec::new(),
        limits: Vec::new(),
        tested_to: context.tested_customers(),
        logarithmic: true,
    })
}

fn cost_curve(drawn: &DrawnConfig<'_>, to: f64) -> Curve {
    let point = |customers: f64| {
        let per_1000 = |inputs| drawn.priced.cost(customers, inputs) / customers * 1e3;
        banded(
            customers,
            per_1000(&drawn.central),
            drawn.draws.iter().take(SHOWN_DRAWS).map(per_1000).collect(),
        )
    };
    Curve {
        name: drawn.priced.name.to_owned(),
        points: geometric_grid(to).into_iter().filter_map(point).collect(),
        stepped: drawn.priced.counted(&drawn.central).is_some(),
    }
}

/// Which configuration costs least for few customers, and which for many.
fn cheapest_in_words(configs: &[DrawnConfig<'_>], curves: &[Curve]) -> String {
    // A curve with a line that has no price is a lower bound, and not to be called cheap.
    let priced: Vec<&Curve> = curves
        .iter()
        .zip(configs)
        .filter(|(_, drawn)| drawn.priced.unknown_lines() == 0)
        .map(|(curve, _)| curve)
        .collect();
    let cheapest = |index: usize| {
        priced
            .iter()
            .min_by(|a, b| a.points[index][2].total_cmp(&b.points[index][2]))
            .map_or("", |curve| curve.name.as_str())
    };
    let (small, large) = (cheapest(0), cheapest(POINTS - 1));
    if let [only] = configs {
        format!("On `{}`, the one configuration of the study.", only.priced.name)
    } else if priced.is_empty() {
        "No configuration has all its prices, so each curve is a lower bound.".to_owned()
    } else if small == large {
        format!("`{small}` costs least per customer over the whole range shown.")
    } else {
        format!("`{small}` costs least for few customers, `{large}` for many.")
    }
}

/// Response times of the most frequent behaviour on each configuration, a chart per quantile: on the units
/// that it runs at each number of customers, and on functions. Empty for a single configuration.
pub(super) fn response_by_config(context: &Context<'_>, configs: &[DrawnConfig<'_>]) -> Vec<Chart> {
    if configs.len() < 2 {
        return Vec::new();
    }
    [0.5, 0.95, 0.99]
        .into_iter()
        .filter_map(|quantile| quantile_chart(context, configs, quantile))
        .collect()
}

fn quantile_chart(context: &Context<'_>, configs: &[DrawnConfig<'_>], quantile: f64) -> Option<Chart> {
    let (index, law) = most_frequent_law(context, quantile)?;
    let percent = quantile * 100.0;
    Some(Chart {
        id: format!("response-p{percent:.0}"),
        title: format!(
            "How long does {} take on each configuration (p{percent:.0})?",
            law.behaviour
        ),
        answer: "A curve ends where its configuration has no unit left to add.".to_owned(),
        y: Axis::Seconds,
        curves: configs
            .iter()
            .map(|drawn| response_curve(context, drawn, index))
            .filter(|curve| !curve.points.is_empty())
            .collect(),
        measured: Vec::new(),
        limits: limits(context.study, law),
        tested_to: context.tested_customers(),
        logarithmic: true,
    })
}

/// The law of one quantile of the behaviour that is executed most often, with its position in the model.
fn most_frequent_law<'a>(context: &Context<'a>, quantile: f64) -> Option<(usize, &'a QuantileLaw)> {
    let rate = |law: &QuantileLaw| context.measured_rates.get(&law.behaviour).copied().unwrap_or(0.0);
    let laws = context.model.quantiles.iter().enumerate();
    laws.filter(|(_, law)| law.quantile == quantile)
        .max_by(|a, b| rate(a.1).total_cmp(&rate(b.1)))
}

/// Response times on one configuration, of the law at a position in the model.
fn response_curve(context: &Context<'_>, drawn: &DrawnConfig<'_>, law: usize) -> Curve {
    let customers = geometric_grid(configs_to(context));
    let points = customers.into_iter().filter_map(|customers| {
        let seconds = seconds(drawn, context, law, customers, FEW)?;
        Some([customers, seconds.low, seconds.value, seconds.high])
    });
    Curve {
        name: drawn.priced.name.to_owned(),
        points: points.collect(),
        stepped: false,
    }
}

/// Objectives for a behaviour's quantile, with their limits in seconds.
fn limits(study: &Study, law: &QuantileLaw) -> Vec<(String, f64)> {
    let objectives = study.slo.iter().filter(|(_, slo)| {
        slo.applies_to
            .as_ref()
            .is_none_or(|behaviour| *behaviour == law.behaviour)
    });
    let limits = objectives.flat_map(|(name, slo)| {
        slo.limits()
            .into_iter()
            .filter(|(quantile, _)| *quantile == law.quantile)
            .map(|(_, limit_s)| (name.clone(), limit_s))
    });
    limits.collect()
}

/// Customers up to which configurations are drawn: those at the end of growth, or twice those tested if that
/// is more.
fn configs_to(context: &Context<'_>) -> f64 {
    let tested = context.tested_customers();
    let end = context.growth().map_or(tested, |growth| {
        growth.central.at(f64::from(growth.model.months()))
    });
    end.max(tested * REACH)
}
