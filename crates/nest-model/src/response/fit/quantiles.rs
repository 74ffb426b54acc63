//! Quantiles of one behaviour's response times, fitted with what the means say of the wait.

use nalgebra::{DMatrix, DVector};
use nest_data::scaling::QuantileLaw;

use super::{FEWEST, Observed, means::MeanLaw};
use crate::{
    regression::weighted_nnls,
    response::{
        QUANTILES,
        queueing_delay::{interval, queueing_delay},
    },
};

/// Least relative error of a quantile between blocks, and of what [`queueing_delay`] makes of it.
const LEAST_ERROR: f64 = 0.06;
/// Relative error of the wait of a quantile as the means and the shape of the tail foretell it.
const SHAPE_ERROR: f64 = 0.15;
/// Rounds in which the shape of service times settles.
const SHAPE_ROUNDS: usize = 2;

/// A law, and how badly it fits.
pub(super) struct FittedLaw {
    pub(super) law: QuantileLaw,
    pub(super) misfit: f64, // sum of squared standardised residuals
}

/// The laws of one behaviour.
pub(super) fn behaviour_laws(
    blank: &QuantileLaw,
    observed: &[&Observed],
    mean: Option<MeanLaw>,
    level: Option<f64>,
) -> Vec<FittedLaw> {
    let indices = 0..QUANTILES.len();
    let Some(mean) = mean.filter(|mean| mean.wait_s > 0.0 && mean.service_s > 0.0) else {
        return indices
            .filter_map(|index| fit_quantile(blank, index, observed, None))
            .collect();
    };
    let shaped = |service: [f64; QUANTILES.len()]| {
        let law = QuantileLaw {
            multiprogramming_level: level,
            service_quantiles: Some(service),
            ..blank.clone()
        };
        indices
            .clone()
            .map(|index| fit_quantile(&law, index, observed, Some(mean.wait_s)))
            .collect::<Vec<_>>()
    };
    // The service time is taken to be exponential first; what is left of the quantiles then shows its real
    // shape.
    let mut service = QUANTILES.map(|quantile| -(1.0 - quantile).ln() * mean.service_s / mean.foretold_s);
    for _ in 0..SHAPE_ROUNDS {
        service = service_shape(service, &shaped(service), mean.foretold_s);
    }
    shaped(service).into_iter().flatten().collect()
}

/// Quantiles of the service time over `foretold_s` as fitted laws show them; `last` are those that the laws
/// were fitted with.
fn service_shape(
    last: [f64; QUANTILES.len()],
    laws: &[Option<FittedLaw>],
    foretold_s: f64,
) -> [f64; QUANTILES.len()] {
    let mut service = last;
    for index in 0..QUANTILES.len() {
        let before = if index > 0 { service[index - 1] } else { 0.0 };
        // A quantile of which too little was seen keeps its ratio to the one before.
        let unseen = if index > 0 {
            before * last[index] / last[index - 1].max(f64::MIN_POSITIVE)
        } else {
            last[0]
        };
        service[index] = laws[index]
            .as_ref()
            .map_or(unseen, |fitted| fitted.law.a.value / foretold_s)
            .max(before);
    }
    service
}

/// Fits a and b of a law whose rise is known; `wait_s` is what the means say of b.
fn fit_quantile(
    law: &QuantileLaw,
    index: usize,
    observed: &[&Observed],
    wait_s: Option<f64>,
) -> Option<FittedLaw> {
    let quantile = QUANTILES[index];
    let law = QuantileLaw {
        quantile,
        ..law.clone()
    };
    let rows = QuantileRows::new(&law, index, observed, wait_s);
    if rows.measured < FEWEST {
        return None;
    }
    let fit = weighted_nnls(&rows.design, &rows.seconds, &rows.variances)?;
    let residuals = &rows.seconds - &rows.design * &fit.coefficients;
    let misfit: f64 = residuals
        .iter()
        .zip(rows.variances.iter())
        .map(|(residual, variance)| residual.powi(2) / variance)
        .sum();
    let inflate = (misfit / (rows.seconds.len() - 2) as f64).max(1.0);
    let estimate = |column: usize| {
        interval(
            fit.coefficients[column],
            fit.covariance[(column, column)] * inflate,
        )
    };
    let relative: f64 = residuals
        .iter()
        .zip(rows.seconds.iter())
        .take(rows.measured)
        .map(|(residual, seconds)| (residual / seconds).powi(2))
        .sum();
    let law = QuantileLaw {
        a: estimate(0),
        b: estimate(1),
        covariance_ab: fit.covariance[(0, 1)] * inflate,
        residual: (relative / rows.measured as f64).sqrt(),
        ..law
    };
    Some(FittedLaw { law, misfit })
}

/// Measured quantiles as rows of a regression on a and b, with one more for what the means say of b.
struct QuantileRows {
    measured: usize, // rows that were measured
    design: DMatrix<f64>,
    seconds: DVector<f64>,
    variances: DVector<f64>,
}

impl QuantileRows {
    fn new(law: &QuantileLaw, index: usize, observed: &[&Observed], wait_s: Option<f64>) -> Self {
        let usable: Vec<&Observed> = observed
            .iter()
            .copied()
            .filter(|one| one.response.count as f64 * (1.0 - law.quantile) >= 1.0)
            .filter(|one| one.response.quantiles_s[index] > 0.0)
            .collect();
        let rows = usable.len() + usize::from(wait_s.is_some());
        let prior = wait_s.unwrap_or(0.0);
        Self {
            measured: usable.len(),
            design: DMatrix::from_fn(rows, 2, |row, column| match (usable.get(row), column) {
                (Some(_), 0) => 1.0,
                (Some(one), _) => queueing_delay(law, law.servers, one.utilisation),
                (None, 0) => 0.0,
                (None, _) => 1.0,
            }),
            seconds: DVector::from_fn(rows, |row, _| {
                usable
                    .get(row)
                    .map_or(prior, |one| one.response.quantiles_s[index])
            }),
            variances: DVector::from_fn(rows, |row, _| {
                usable.get(row).map_or((SHAPE_ERROR * prior).powi(2), |one| {
                    let response = &one.response;
                    quantile_variance(law.quantile, response.quantiles_s[index], response.count as f64)
                })
            }),
        }
    }
}

/// Variance of a measured quantile in seconds squared: its rank error, and that between blocks.
fn quantile_variance(quantile: f64, seconds: f64, count: f64) -> f64 {
    let rank = (quantile / ((1.0 - quantile) * count)).sqrt() / (1.0 / (1.0 - quantile)).ln();
    (seconds * rank).powi(2) + (seconds * LEAST_ERROR).powi(2)
}
