//! Threads that hold a processor, a connection and remote work: the law with which `fit` looks for limits
//! that no probe reads (`docs/method/hidden-bottleneck.md`), with nothing fitted.

use nest_model::queueing::{ClassForecast, ClosedStation, closed_forecast, relative_wait};

use crate::{
    formulas::shared,
    model::{Class, Forecast, Model},
};

/// Rounds in which a closed population and its response time agree.
const ROUNDS: usize = 500;

/// A pool of permits and the executions per second at which it is full.
struct Pool {
    permits: f64,
    full_per_s: f64,
}

impl Pool {
    /// The wait for a permit at executions per second: `(m / B) h_m(L / B)`.
    fn wait_s(&self, rate_per_s: f64) -> f64 {
        self.permits / self.full_per_s * relative_wait(self.permits, rate_per_s / self.full_per_s)
    }
}

/// Open arrivals, or a closed population whose load is taken as offered at the throughput that follows.
pub fn pools(model: &Model) -> Option<Forecast> {
    let offered: Vec<f64> = model.classes.iter().map(|class| class.rate_per_s).collect();
    let classes = if model.classes.iter().all(|class| class.customers == 0) {
        at(model, &offered)?
    } else {
        settled(model)?
    };
    Some(Forecast {
        method: "pools",
        classes,
    })
}

/// Response times at executions per second of each class; `None` if something is full.
fn at(model: &Model, rates: &[f64]) -> Option<Vec<ClassForecast>> {
    let total: f64 = rates.iter().sum();
    let mean = |station: usize| -> f64 {
        let used = model
            .classes
            .iter()
            .zip(rates)
            .map(|(class, rate)| rate * class.demand_s[station]);
        used.sum::<f64>() / total
    };
    let station = |index: usize| ClosedStation {
        demand_s: mean(index),
        servers: model.servers[index],
    };
    let held = [
        pool(&[station(0), station(1)], mean(2), model.threads),
        pool(&[station(1)], mean(2), model.connections),
    ];
    let wait_s: f64 = held.into_iter().flatten().map(|pool| pool.wait_s(total)).sum();
    let classes = shared(model, rates)?;
    let waiting = |one: ClassForecast| ClassForecast {
        response_s: one.response_s + wait_s,
        ..one
    };
    wait_s
        .is_finite()
        .then(|| classes.into_iter().map(waiting).collect())
}

/// A pool is full when all its permits are out: at the throughput of so many customers who do nothing else.
fn pool(stations: &[ClosedStation], remote_s: f64, permits: u32) -> Option<Pool> {
    let full = closed_forecast(stations, remote_s, permits).pop()?;
    Some(Pool {
        permits: f64::from(permits),
        full_per_s: full.throughput_per_s,
    })
}

/// `X = N / (Z + R(X))`, for one class by bisection.
fn settled(model: &Model) -> Option<Vec<ClassForecast>> {
    let [
        Class {
            customers,
            think_s,
            demand_s,
            ..
        },
    ] = model.classes.as_slice()
    else {
        return None;
    };
    let most = f64::from(*customers) / (think_s + demand_s.iter().sum::<f64>());
    let (mut low, mut high) = (0.0, most);
    for _ in 0..ROUNDS {
        let rate = (low + high) / 2.0;
        let response_s = at(model, &[rate]).map_or(f64::INFINITY, |classes| classes[0].response_s);
        if rate * (think_s + response_s) > f64::from(*customers) {
            high = rate
        } else {
            low = rate
        }
    }
    at(model, &[low])
}
