//! What `fit` makes of light loads of an open model, and says of its own load.
//!
//! A projection knows several resources but lets an execution wait at the one that binds. Its laws are fitted
//! here on the response times of the loads below, taken as exponential with the means of theory, which LINE
//! confirms.

use nest_model::{
    queueing::ClassForecast,
    response::{MeasuredStation, Observed, QUANTILES, StepResponse, estimate_at, fit_laws},
};

use crate::{
    formulas::{shared, utilisation},
    model::{Forecast, Model},
};

/// Loads that are fitted, as the utilisation of the resource that binds.
const FITTED: [f64; 6] = [0.1, 0.2, 0.35, 0.5, 0.6, 0.7];
/// Executions of a class in each of them.
const EXECUTIONS: u64 = 20_000;
/// The quantile that stands for the mean: the median, over `ln 2`.
const MEDIAN: f64 = QUANTILES[0];

/// The law of every class at the model's own load.
pub fn fitted(model: &Model) -> Option<Forecast> {
    let rates: Vec<f64> = model.classes.iter().map(|class| class.rate_per_s).collect();
    let used = utilisation(model, &rates);
    let binding = (0..used.len()).max_by(|one, other| used[*one].total_cmp(&used[*other]))?;
    let station = MeasuredStation {
        resource: "binding".to_owned(),
        servers: model.servers[binding],
        threads: None,
    };
    let laws = fit_laws(&station, &steps(model, &rates, used[binding])?);
    let class = |(index, rate): (usize, &f64)| {
        let law = laws
            .iter()
            .find(|law| law.behaviour == index.to_string() && law.quantile == MEDIAN)?;
        let median_s = estimate_at(law, used[binding])?.value;
        Some(ClassForecast {
            throughput_per_s: *rate,
            response_s: median_s / 2_f64.ln(),
        })
    };
    let classes = rates.iter().enumerate().map(class).collect::<Option<_>>()?;
    Some(Forecast {
        method: "fit",
        classes,
    })
}

/// Response times of every class at the loads that are fitted.
fn steps(model: &Model, rates: &[f64], used: f64) -> Option<Vec<(String, Vec<Observed>)>> {
    let step = |utilisation: f64| {
        let scaled: Vec<f64> = rates.iter().map(|rate| rate * utilisation / used).collect();
        shared(model, &scaled)
    };
    let by_step: Vec<Vec<ClassForecast>> = FITTED.into_iter().map(step).collect::<Option<_>>()?;
    let observed = |class: usize| {
        let of = |(utilisation, step): (&f64, &Vec<ClassForecast>)| Observed {
            utilisation: *utilisation,
            response: exponential(step[class].response_s),
        };
        (class.to_string(), FITTED.iter().zip(&by_step).map(of).collect())
    };
    Some((0..rates.len()).map(observed).collect())
}

fn exponential(mean_s: f64) -> StepResponse {
    StepResponse {
        count: EXECUTIONS,
        mean_s,
        deviation_s: mean_s,
        quantiles_s: QUANTILES.map(|quantile| -(1.0 - quantile).ln() * mean_s),
    }
}
