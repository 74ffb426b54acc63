//! Mean response times of all behaviours together: their service times, and the wait that they share.

use nalgebra::{DMatrix, DVector};

use super::{FEWEST, Observed};
use crate::{
    queueing::{ServiceMoments, mixed_service, relative_wait},
    regression::weighted_nnls,
    response::{StepResponse, pool::queued_share},
};

/// Least relative error of a mean between blocks.
const LEAST_MEAN_ERROR: f64 = 0.01;
/// Relative error of the wait as queueing theory foretells it from service times: their spread is that of the
/// whole answer.
const THEORY_ERROR: f64 = 0.3;
/// Rounds in which service times and the wait in proportion to them settle.
const ROUNDS: usize = 8;

/// What the means of a behaviour show: its time without queueing, and how it waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct MeanLaw {
    pub(super) service_s: f64,
    /// Seconds of the whole queue per unit of relative wait.
    pub(super) wait_s: f64,
    /// Relative standard deviation of that, as the executions that were seen leave it.
    pub(super) wait_error: f64,
    /// The wait in seconds that queueing theory foretells.
    pub(super) foretold_s: f64,
}

/// The means of all behaviours for one multiprogramming level.
pub(super) struct FittedMeans {
    /// One per behaviour; `None` for one with fewer than three steps.
    pub(super) laws: Vec<Option<MeanLaw>>,
    /// Sum of squared standardised residuals; infinite if they could not be fitted.
    pub(super) misfit: f64,
}

/// Fits the means of all behaviours together, in rounds in which service times and the wait in proportion to
/// them settle.
pub(super) fn fit_means(
    servers: f64,
    behaviours: &[(String, Vec<&Observed>)],
    level: Option<f64>,
) -> FittedMeans {
    let mut fitted = FittedMeans {
        laws: vec![None; behaviours.len()],
        misfit: f64::INFINITY,
    };
    let Some(rows) = MeanRows::new(servers, behaviours, level) else {
        return fitted;
    };
    let mut service_s = rows.least_means(behaviours);
    for _ in 0..ROUNDS {
        let design = rows.design(&service_s);
        let Some(fit) = weighted_nnls(&design, &rows.means, &rows.variances) else {
            fitted.misfit = f64::INFINITY;
            return fitted;
        };
        let residuals = &rows.means - &design * &fit.coefficients;
        fitted.misfit = residuals
            .iter()
            .zip(rows.variances.iter())
            .map(|(residual, variance)| residual.powi(2) / variance)
            .sum();
        let last = rows.behaviours.len();
        let wait = fit.coefficients[last];
        for (column, behaviour) in rows.behaviours.iter().enumerate() {
            service_s[column] = fit.coefficients[column];
            fitted.laws[*behaviour] = Some(MeanLaw {
                service_s: service_s[column],
                wait_s: wait * rows.foretold_s,
                wait_error: fit.covariance[(last, last)].sqrt() / wait.max(f64::MIN_POSITIVE),
                foretold_s: rows.foretold_s,
            });
        }
    }
    fitted
}

/// Measured means as rows of a regression: a column for each service time, the last for the wait.
struct MeanRows<'a> {
    servers: f64,
    level: Option<f64>,
    behaviours: Vec<usize>,           // that have enough steps: one column each
    rows: Vec<(usize, &'a Observed)>, // with the column of their behaviour
    foretold_s: f64,
    means: DVector<f64>,
    variances: DVector<f64>,
}

impl<'a> MeanRows<'a> {
    /// `None` if no behaviour has enough steps.
    fn new(servers: f64, behaviours: &[(String, Vec<&'a Observed>)], level: Option<f64>) -> Option<Self> {
        let fitted: Vec<usize> = (0..behaviours.len())
            .filter(|index| behaviours[*index].1.len() >= FEWEST)
            .collect();
        let rows: Vec<(usize, &Observed)> = fitted
            .iter()
            .enumerate()
            .flat_map(|(column, index)| behaviours[*index].1.iter().map(move |one| (column, *one)))
            .collect();
        let service = service_seen(&fitted, behaviours)?;
        // The last row holds the wait near what queueing theory makes of the service times.
        let means = DVector::from_iterator(
            rows.len() + 1,
            rows.iter().map(|(_, one)| one.response.mean_s).chain([1.0]),
        );
        let variances = DVector::from_iterator(
            rows.len() + 1,
            rows.iter()
                .map(|(_, one)| mean_variance(one))
                .chain([THEORY_ERROR.powi(2)]),
        );
        Some(Self {
            servers,
            level,
            behaviours: fitted,
            rows,
            foretold_s: service.mean_s * (1.0 + service.cv2) / 2.0,
            means,
            variances,
        })
    }

    /// Where the service times start: at the least means seen, by column.
    fn least_means(&self, behaviours: &[(String, Vec<&Observed>)]) -> Vec<f64> {
        self.behaviours
            .iter()
            .map(|index| {
                behaviours[*index]
                    .1
                    .iter()
                    .map(|one| one.response.mean_s)
                    .fold(f64::INFINITY, f64::min)
            })
            .collect()
    }

    /// The design at service times by column.
    fn design(&self, service_s: &[f64]) -> DMatrix<f64> {
        let columns = self.behaviours.len();
        DMatrix::from_fn(self.rows.len() + 1, columns + 1, |row, column| {
            match (self.rows.get(row), column == columns) {
                (Some((behaviour, one)), true) => self.wait(service_s[*behaviour], one),
                (Some((behaviour, _)), false) => f64::from(u8::from(*behaviour == column)),
                (None, last) => f64::from(u8::from(last)),
            }
        })
    }

    /// Wait that queueing theory foretells for a service time.
    fn wait(&self, service_s: f64, one: &Observed) -> f64 {
        let queued = queued_share(self.level, self.servers, one.utilisation);
        relative_wait(self.servers, one.utilisation) * (queued * self.foretold_s + (1.0 - queued) * service_s)
    }
}

/// Service time of the whole mix as the lightest steps show it.
fn service_seen(fitted: &[usize], behaviours: &[(String, Vec<&Observed>)]) -> Option<ServiceMoments> {
    let part = |index: &usize| {
        let lightest = behaviours[*index]
            .1
            .iter()
            .min_by(|a, b| a.utilisation.total_cmp(&b.utilisation))?;
        let StepResponse {
            count,
            mean_s,
            deviation_s,
            ..
        } = lightest.response;
        Some((
            count as f64,
            ServiceMoments {
                mean_s,
                cv2: (deviation_s / mean_s).powi(2),
            },
        ))
    };
    mixed_service(&fitted.iter().filter_map(part).collect::<Vec<_>>())
}

/// Executions that follow one another, over the independent ones that tell as much of a mean: 1 without load.
///
/// # Formula
/// `1 + 2 rho / (1 - rho)^2`, as the correlation of waits in a queue dies out over about `rho / (1 - rho)^2`
/// executions.
///
/// Source: Daley, "The serial correlation coefficients of waiting times in a stationary single server queue",
/// Journal of the Australian Mathematical Society 8(4), 1968.
pub(super) fn alike(utilisation: f64) -> f64 {
    1.0 + 2.0 * utilisation / (1.0 - utilisation).powi(2)
}

/// Variance of a mean in seconds squared: neighbours in a queue are alike, the more so the fuller it is.
fn mean_variance(one: &Observed) -> f64 {
    let response = &one.response;
    response.deviation_s.powi(2) * alike(one.utilisation) / response.count.max(1) as f64
        + (response.mean_s * LEAST_MEAN_ERROR).powi(2)
}
