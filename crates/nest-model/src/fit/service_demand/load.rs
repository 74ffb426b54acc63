//! How demand depends on the load of its resource.

use nalgebra::DVector;

use crate::{
    fit::mixed_effects::{MixedFit, Observations, fit_mixed},
    laws::load_law::{LoadLaw, LoadShape},
};

/// Standard errors that a slope of demand over load must lie above zero to be believed.
const LEAST_EVIDENCE: f64 = 2.0;
/// Rounds in which the work that a slope over load applies to is found; it settles in three.
const ROUNDS: usize = 4;

/// A fit in which demand depends on load.
pub(super) struct LoadedFit {
    pub(super) mixed: MixedFit,
    pub(super) law: LoadLaw,
    evidence: f64, // for the law, in standard errors
}

/// Fits demand that depends on load, in the shape with more evidence; `None` if the windows show neither.
/// `capacities`: one per window.
pub(super) fn fit_load(
    observations: &Observations,
    behaviours: usize,
    capacities: &[f64],
    plain: &MixedFit,
) -> Option<LoadedFit> {
    [LoadShape::Falling, LoadShape::Rising]
        .into_iter()
        .filter_map(|shape| fit_shape(observations, behaviours, capacities, plain, shape))
        .max_by(|a, b| a.evidence.total_cmp(&b.evidence))
}

/// Fits one shape; `None` if the windows do not show it.
///
/// The slope becomes linear with the work of a window taken from the fit before:
/// `slope (g(U_w) - mean) sum_j rate_jw D_j`.
fn fit_shape(
    observations: &Observations,
    behaviours: usize,
    capacities: &[f64],
    plain: &MixedFit,
    shape: LoadShape,
) -> Option<LoadedFit> {
    let columns = observations.design.ncols();
    let place = behaviours + 1;
    let executions: DVector<f64> = DVector::from_fn(observations.used.len(), |row, _| {
        observations.design.row(row).columns(1, behaviours).sum() * observations.seconds[row]
    });
    let plain_use = &observations.design * &plain.coefficients;
    let mut work = plain_use.add_scalar(-plain.coefficients[0]);
    let mut fitted = plain_use;
    let mut loaded: Option<(MixedFit, f64)> = None;
    for _ in 0..ROUNDS {
        // The mean is one over executions, so that the stated demand is what an execution of the run took on
        // average.
        let driver = DVector::from_fn(fitted.len(), |row, _| {
            shape.driver((fitted[row] / capacities[row]).max(0.0))
        });
        let mean = executions.dot(&driver) / executions.sum();
        let slope = DVector::from_fn(driver.len(), |row, _| (driver[row] - mean) * work[row]);
        let mut wider = observations.clone();
        wider.design = wider.design.insert_column(place, 0.0);
        wider.design.set_column(place, &slope);
        wider
            .known
            .iter_mut()
            .filter(|(column, _, _)| *column >= place)
            .for_each(|(column, _, _)| *column += 1);
        let fit = fit_mixed(&wider)?;
        fitted = &wider.design * &fit.coefficients;
        work = &fitted - &slope * fit.coefficients[place];
        work.add_scalar_mut(-fit.coefficients[0]);
        loaded = Some((fit, mean));
    }
    let (fit, mean) = loaded?;
    debug_assert_eq!(fit.coefficients.len(), columns + 1);
    let (slope, error) = (
        fit.coefficients[place],
        fit.covariance[(place, place)].max(0.0).sqrt(),
    );
    (slope > LEAST_EVIDENCE * error && slope <= 1.0).then_some(LoadedFit {
        mixed: fit,
        law: LoadLaw { shape, slope, mean },
        evidence: slope / error,
    })
}
