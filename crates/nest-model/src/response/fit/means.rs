//! Mean response times of all behaviours together: their service times, and the wait that they share.

use nalgebra::{DMatrix, DVector};

use super::{FEWEST, Observed};
use crate::{
    queueing::{ServiceMoments, mixed_service, relative_wait},
    regression::weighted_nnls,
    response::pool::queued_share,
};

/// Least relative error of a mean between blocks.
const LEAST_MEAN_ERROR: f64 = 0.01;
/// Relative error of the wait as queueing theory foretells it from service times: their spread is that of the
/// whole answer.
const THEORY_ERROR: f64 = 0.3;
/// Relative error of the squared coefficient of variation of one execution's time. Chosen by hand:
/// sqrt(8) = 2.8 is that of the variance of exponential times; a few late executions make it larger.
const OF_ONE: f64 = 3.5;
/// Rounds in which service times, the wait in proportion to them, and the errors at their level settle.
const ROUNDS: usize = 8;
/// Least share of a measured time that its error is taken to be in proportion to.
pub(super) const LEAST_EXPECTED: f64 = 0.1;

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
    /// Squared coefficient of variation of the service time of all behaviours together; 1 if it is unknown.
    pub(super) mix_cv2: f64,
    /// Minus twice the log likelihood, apart from what is the same at every multiprogramming level; infinite
    /// if they could not be fitted.
    pub(super) misfit: f64,
}

/// Fits the means of all behaviours together, in rounds in which service times, the wait in proportion to
/// them, and the errors settle. An error is in proportion to the fitted mean: in proportion to the measured
/// one, steps that chance made fast would count more.
pub(super) fn fit_means(
    servers: f64,
    behaviours: &[(String, Vec<&Observed>)],
    level: Option<f64>,
) -> FittedMeans {
    let mut fitted = FittedMeans {
        laws: vec![None; behaviours.len()],
        mix_cv2: 1.0,
        misfit: f64::INFINITY,
    };
    let Some(rows) = MeanRows::new(servers, behaviours, level) else {
        return fitted;
    };
    let mut service_s = rows.least_means(behaviours);
    let Some(mut mix) = rows.mix(&service_s) else {
        return fitted;
    };
    let mut expected = rows.means.clone();
    for _ in 0..ROUNDS {
        mix = rows.mix(&service_s).unwrap_or(mix);
        let foretold_s = mix.mean_s * (1.0 + mix.cv2) / 2.0;
        let (design, variances) = (
            rows.design(&service_s, foretold_s),
            rows.variances(&expected, mix.cv2),
        );
        let Some(fit) = weighted_nnls(&design, &rows.means, &variances) else {
            fitted.misfit = f64::INFINITY;
            return fitted;
        };
        expected = &design * &fit.coefficients;
        fitted.mix_cv2 = mix.cv2;
        fitted.misfit = (&rows.means - &expected)
            .iter()
            .zip(variances.iter())
            .map(|(residual, variance)| residual.powi(2) / variance + variance.ln())
            .sum();
        let last = rows.behaviours.len();
        let wait = fit.coefficients[last];
        for (column, behaviour) in rows.behaviours.iter().enumerate() {
            service_s[column] = fit.coefficients[column];
            fitted.laws[*behaviour] = Some(MeanLaw {
                service_s: service_s[column],
                wait_s: wait * foretold_s,
                wait_error: fit.covariance[(last, last)].sqrt() / wait.max(f64::MIN_POSITIVE),
                foretold_s,
            });
        }
    }
    fitted
}

/// How the times of a behaviour vary, over all its steps.
struct Variation {
    executions: f64,
    /// Squared coefficient of variation of response times, each execution counting alike.
    response_cv2: f64,
    /// The same of the service time: a step counts the less, the fewer executions it has and the more of
    /// their time may be waiting.
    service_cv2: f64,
}

impl Variation {
    fn of(observed: &[&Observed]) -> Self {
        let count = |one: &Observed| one.response.count.max(1) as f64;
        let certainty = |one: &Observed| {
            let of_few = OF_ONE.powi(2) * alike(one.utilisation, 1.0) / count(one);
            (of_few + one.utilisation.powi(2)).recip()
        };
        let mean_cv2 = |weight: &dyn Fn(&Observed) -> f64| {
            let (sum, weights) = observed.iter().fold((0.0, 0.0), |sum, one| {
                let (weight, response) = (weight(one), &one.response);
                let cv2 = (response.deviation_s / response.mean_s).powi(2);
                (sum.0 + weight * cv2, sum.1 + weight)
            });
            sum / weights
        };
        Self {
            executions: observed.iter().map(|one| count(one)).sum(),
            response_cv2: mean_cv2(&count),
            service_cv2: mean_cv2(&certainty),
        }
    }
}

/// Measured means as rows of a regression: a column for each service time, the last for the wait. The last
/// row holds the wait near what queueing theory makes of the service times.
struct MeanRows<'a> {
    servers: f64,
    level: Option<f64>,
    behaviours: Vec<usize>,           // that have enough steps: one column each
    variations: Vec<Variation>,       // by column
    rows: Vec<(usize, &'a Observed)>, // with the column of their behaviour
    means: DVector<f64>,
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
        let means = DVector::from_iterator(
            rows.len() + 1,
            rows.iter().map(|(_, one)| one.response.mean_s).chain([1.0]),
        );
        (!fitted.is_empty()).then(|| Self {
            servers,
            level,
            variations: fitted
                .iter()
                .map(|index| Variation::of(&behaviours[*index].1))
                .collect(),
            behaviours: fitted,
            rows,
            means,
        })
    }

    /// Service time of all behaviours together; `None` if it is none.
    fn mix(&self, service_s: &[f64]) -> Option<ServiceMoments> {
        let part = |(variation, mean_s): (&Variation, &f64)| {
            let (mean_s, cv2) = (*mean_s, variation.service_cv2);
            (variation.executions, ServiceMoments { mean_s, cv2 })
        };
        mixed_service(
            &self
                .variations
                .iter()
                .zip(service_s)
                .map(part)
                .collect::<Vec<_>>(),
        )
    }

    /// Variances in seconds squared, where so much time is expected in each row: neighbours in a queue are
    /// alike, the more so the fuller it is.
    fn variances(&self, expected: &DVector<f64>, mix_cv2: f64) -> DVector<f64> {
        DVector::from_fn(self.rows.len() + 1, |row, _| {
            let Some((column, one)) = self.rows.get(row) else {
                return THEORY_ERROR.powi(2);
            };
            let of_few = self.variations[*column].response_cv2 * alike(one.utilisation, mix_cv2)
                / one.response.count.max(1) as f64;
            expected[row].max(LEAST_EXPECTED * self.means[row]).powi(2) * (of_few + LEAST_MEAN_ERROR.powi(2))
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

    /// The design at service times by column, and the wait in seconds that they foretell.
    fn design(&self, service_s: &[f64], foretold_s: f64) -> DMatrix<f64> {
        let columns = self.behaviours.len();
        let wait = |service_s: f64, one: &Observed| {
            let queued = queued_share(self.level, self.servers, one.utilisation);
            relative_wait(self.servers, one.utilisation) * (queued * foretold_s + (1.0 - queued) * service_s)
        };
        DMatrix::from_fn(self.rows.len() + 1, columns + 1, |row, column| {
            match (self.rows.get(row), column == columns) {
                (Some((behaviour, one)), true) => wait(service_s[*behaviour], one),
                (Some((behaviour, _)), false) => f64::from(u8::from(*behaviour == column)),
                (None, last) => f64::from(u8::from(last)),
            }
        })
    }
}

/// Executions that follow one another, over the independent ones that tell as much of a mean: 1 without load.
/// `cv2` is of the service time of all behaviours together.
///
/// # Formula
/// `1 + rho (1 + cv^2) / (1 - rho)^2`: the correlation of waits in a queue of exponential times dies out over
/// about `rho / (1 - rho)^2` executions, and over more in proportion to `1 + cv^2` where times vary more.
///
/// Sources: Daley, "The serial correlation coefficients of waiting times in a stationary single server
/// queue", Journal of the Australian Mathematical Society 8(4), 1968; Whitt, "Planning queueing simulations",
/// Management Science 35(11), 1989, for the factor.
pub(super) fn alike(utilisation: f64, cv2: f64) -> f64 {
    1.0 + utilisation * (1.0 + cv2) / (1.0 - utilisation).powi(2)
}
