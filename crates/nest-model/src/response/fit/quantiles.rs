//! Quantiles of one behaviour's response times, fitted with what the means say of the wait.

use nalgebra::{DMatrix, DVector};
use nest_data::scaling::QuantileLaw;

use super::{
    FEWEST, Observed,
    means::{LEAST_EXPECTED, MeanLaw, alike},
};
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
/// Euler's constant.
const EULER: f64 = 0.577_215_664_901_532_9;
/// Rounds in which the shape of service times settles.
const SHAPE_ROUNDS: usize = 2;
/// Rounds in which the errors at the level of the fit settle.
const ERROR_ROUNDS: usize = 5;

/// A law, and how badly it fits.
pub(super) struct FittedLaw {
    pub(super) law: QuantileLaw,
    /// Minus twice the log likelihood, apart from what is the same at every multiprogramming level.
    pub(super) misfit: f64,
}

/// What was seen of one behaviour.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) observed: &'a [&'a Observed],
    /// Its share in the executions of all behaviours, above 0.
    pub(super) share: f64,
    /// Squared coefficient of variation of the service time of all behaviours together.
    pub(super) mix_cv2: f64,
}

/// The laws of one behaviour.
pub(super) fn behaviour_laws(
    blank: &QuantileLaw,
    observed: Seen<'_>,
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
            .map(|index| fit_quantile(&law, index, observed, Some(mean)))
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

/// Fits a and b of a law whose rise is known; `mean` is what the means say of b.
fn fit_quantile(
    law: &QuantileLaw,
    index: usize,
    observed: Seen<'_>,
    mean: Option<MeanLaw>,
) -> Option<FittedLaw> {
    let quantile = QUANTILES[index];
    let law = QuantileLaw {
        quantile,
        ..law.clone()
    };
    let rows = QuantileRows::new(&law, index, observed, mean);
    if rows.measured < FEWEST {
        return None;
    }
    let mut variances = rows.variances(&rows.seconds);
    let mut fit = weighted_nnls(&rows.design, &rows.seconds, &variances)?;
    for _ in 1..ERROR_ROUNDS {
        variances = rows.variances(&(&rows.design * &fit.coefficients));
        fit = weighted_nnls(&rows.design, &rows.seconds, &variances)?;
    }
    let residuals = &rows.seconds - &rows.design * &fit.coefficients;
    let squares: f64 = residuals
        .iter()
        .zip(variances.iter())
        .map(|(residual, variance)| residual.powi(2) / variance)
        .sum();
    let log_variances: f64 = variances
        .iter()
        .zip(rows.variances(&rows.seconds).iter())
        .map(|(variance, measured)| (variance / measured).ln())
        .sum();
    let inflate = (squares / (rows.seconds.len() - 2) as f64).max(1.0);
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
    Some(FittedLaw {
        law,
        misfit: squares + log_variances,
    })
}

/// Measured quantiles as rows of a regression on a and b, with one more for what the means say of b.
struct QuantileRows {
    measured: usize, // rows that were measured
    design: DMatrix<f64>,
    seconds: DVector<f64>,
    relative: Vec<f64>, // relative variances of those that were measured
    foretold: f64,      // variance of the last row
}

impl QuantileRows {
    fn new(law: &QuantileLaw, index: usize, seen: Seen<'_>, mean: Option<MeanLaw>) -> Self {
        let usable: Vec<&Observed> = seen
            .observed
            .iter()
            .copied()
            .filter(|one| one.response.count as f64 * (1.0 - law.quantile) >= 1.0)
            .filter(|one| one.response.quantiles_s[index] > 0.0)
            .collect();
        let (mut seconds, relative): (Vec<f64>, Vec<f64>) = usable
            .iter()
            .map(|one| measured_quantile(law.quantile, one.response.quantiles_s[index], one, seen))
            .unzip();
        seconds.extend(mean.map(|mean| mean.wait_s));
        let of_mean = |mean: MeanLaw| (SHAPE_ERROR.powi(2) + mean.wait_error.powi(2)) * mean.wait_s.powi(2);
        Self {
            measured: usable.len(),
            design: DMatrix::from_fn(seconds.len(), 2, |row, column| match (usable.get(row), column) {
                (Some(_), 0) => 1.0,
                (Some(one), _) => queueing_delay(law, law.servers, one.utilisation),
                (None, 0) => 0.0,
                (None, _) => 1.0,
            }),
            seconds: DVector::from_vec(seconds),
            relative,
            foretold: mean.map_or(0.0, of_mean),
        }
    }

    /// Variances in seconds squared, where so much time is expected in each row. A quantile errs in
    /// proportion to what it should have been: in proportion to what was measured, those that chance made low
    /// would count more.
    fn variances(&self, expected: &DVector<f64>) -> DVector<f64> {
        DVector::from_fn(self.seconds.len(), |row, _| {
            self.relative.get(row).map_or(self.foretold, |relative| {
                relative * expected[row].max(LEAST_EXPECTED * self.seconds[row]).powi(2)
            })
        })
    }
}

/// A quantile in seconds as its order statistic tells it, and the relative variance: its rank error, and that
/// between blocks.
///
/// # Formula
/// The order statistic k = ceil(q n) of n exponential times lies at `sum 1/i` for i from n - k + 1 to n on
/// average, with the variance `sum 1/i^2`; the quantile at `ln(1 / (1 - q))`. Of 100 times the 99th is a
/// tenth too low for a p99. Times that follow one another are alike, those of a rare behaviour less.
///
/// Source: David, Nagaraja, "Order Statistics", 3rd ed., 2003, sections 2.5 and 4.6 (Renyi's representation).
fn measured_quantile(quantile: f64, seconds: f64, one: &Observed, seen: Seen<'_>) -> (f64, f64) {
    let count = one.response.count;
    let above = count - ((count as f64 * quantile).ceil() as u64).clamp(1, count);
    let level = harmonic(count) - harmonic(above);
    let spread = reciprocal_squares(above) - reciprocal_squares(count);
    let corrected = seconds * (1.0 / (1.0 - quantile)).ln() / level;
    let alike = 1.0 + seen.share * (alike(one.utilisation, seen.mix_cv2) - 1.0);
    let rank = spread * alike / level.powi(2);
    (corrected, rank + LEAST_ERROR.powi(2))
}

/// `sum 1/i` for i from 1 to n; of many by Euler and Maclaurin.
fn harmonic(count: u64) -> f64 {
    if count <= 50 {
        return (1..=count).map(|i| (i as f64).recip()).sum();
    }
    let n = count as f64;
    n.ln() + EULER + 1.0 / (2.0 * n) - 1.0 / (12.0 * n * n)
}

/// `sum 1/i^2` for i above n.
fn reciprocal_squares(count: u64) -> f64 {
    if count <= 50 {
        let below: f64 = (1..=count).map(|i| (i as f64).powi(-2)).sum();
        return std::f64::consts::PI.powi(2) / 6.0 - below;
    }
    let n = count as f64;
    1.0 / n - 1.0 / (2.0 * n * n) + 1.0 / (6.0 * n.powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::response::StepResponse;

    fn of(count: u64, utilisation: f64) -> Observed {
        Observed {
            utilisation,
            response: StepResponse {
                count,
                mean_s: 1.0,
                deviation_s: 1.0,
                quantiles_s: [1.0; 3],
            },
        }
    }

    /// A behaviour that is a share of all, whose times are exponential.
    fn seen(share: f64) -> Seen<'static> {
        Seen {
            observed: &[],
            share,
            mix_cv2: 1.0,
        }
    }

    /// Mean and variance of the 99th and the 100th of 100 exponential times: sums of 1/i and 1/i^2, by hand
    /// 5.187378 and 1.634984.
    #[test]
    fn a_quantile_of_few_times_is_what_its_order_statistic_tells() {
        let (seconds, variance) = measured_quantile(0.99, 4.187_378, &of(100, 0.0), seen(1.0));
        assert!((seconds - 100.0_f64.ln()).abs() < 1e-5, "{seconds}");
        let rank = 0.634_984 / 4.187_378_f64.powi(2);
        assert!((variance - rank - LEAST_ERROR.powi(2)).abs() < 1e-6, "{variance}");
    }

    #[test]
    fn of_many_times_it_is_the_quantile_with_its_rank_error() {
        let (seconds, variance) = measured_quantile(0.95, 3.0, &of(1_000_000, 0.0), seen(1.0));
        assert!((seconds / 3.0 - 1.0).abs() < 1e-4, "{seconds}");
        // sqrt(q / ((1 - q) n)) / ln(1 / (1 - q))
        let rank = (0.95_f64 / 0.05 / 1e6).sqrt() / 20.0_f64.ln();
        assert!((variance - rank.powi(2) - LEAST_ERROR.powi(2)).abs() < 1e-8);
    }

    #[test]
    fn times_in_a_full_queue_tell_less_than_times_apart() {
        let variance =
            |utilisation, share| measured_quantile(0.99, 1.0, &of(500, utilisation), seen(share)).1;
        assert!(variance(0.7, 1.0) > 2.0 * variance(0.0, 1.0));
        assert!(variance(0.7, 0.01) < 1.3 * variance(0.0, 0.01));
    }
}
