//! The three documents, and what is made of each: a model of measurements, a projection of a model, a report
//! of a projection.

use nest_data::{Document, Measurements, Projection, ScalingModel, Study};
use nest_model::{
    ProjectOptions, fit,
    project::explain::{ExplainRequest, explain},
    project_quickly,
};

use super::{TODAY, prices::others};

/// Most joint draws of a projection: their number is a cost that the user chooses, not one of reading.
const MOST_DRAWS: u32 = 8;

/// `measurements.json`, which is fitted.
pub fn measurements(bytes: &[u8]) -> bool {
    let Some(measurements) = read::<Measurements>(bytes) else {
        return false;
    };
    fit(&measurements).is_ok_and(|model| !model.to_json().is_empty())
}

/// `scaling.json`, which is projected.
pub fn scaling(bytes: &[u8]) -> bool {
    let Some(model) = read::<ScalingModel>(bytes) else {
        return false;
    };
    let study = model.study.clone();
    project(model, &study)
}

/// Projects a study, and explains its first number.
pub fn project(mut model: ScalingModel, study: &Study) -> bool {
    model.draws.count = model.draws.count.min(MOST_DRAWS);
    let options = ProjectOptions {
        as_of: TODAY,
        beyond: false,
    };
    let asked = ExplainRequest {
        number: "per-1000",
        config: None,
        customers: None,
    };
    let _ = explain(&model, study, others(), &options, &asked);
    project_quickly(&model, study, others(), &options).is_ok()
}

/// `projection.json`, of which a report is made.
pub fn projection(bytes: &[u8]) -> bool {
    let Some(projection) = read::<Projection>(bytes) else {
        return false;
    };
    let _ = (nest_report::verdict(&projection), nest_report::csv(&projection));
    let _ = nest_report::charts(&projection);
    nest_report::markdown(&projection).is_ok() && nest_report::html(&projection).is_ok()
}

fn read<T: Document>(bytes: &[u8]) -> Option<T> {
    T::from_json(std::str::from_utf8(bytes).ok()?).ok()
}
