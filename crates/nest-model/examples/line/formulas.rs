//! The formulas of `nest_model::queueing` on open and closed models.

use nest_model::queueing::{
    ClassForecast, ClassesForecast, ClosedClass, ClosedStation, ServiceMoments, approximate_classes,
    closed_forecast, exact_classes, general_wait, mixed_service, open_classes, relative_wait, seidmann,
};

use crate::model::{Class, Forecast, Model};

/// Closed classes: exactly where the library can, approximately, and as a projection takes them: as offered.
pub fn closed(model: &Model) -> Vec<Forecast> {
    let solved = match (
        model.classes.as_slice(),
        model.servers.iter().all(|servers| *servers == 1.0),
    ) {
        ([one], _) => vec![("one class", one_class(model, one))],
        (_, true) => vec![
            (
                "several classes",
                exact_classes(&without_servers(model)).map(|found| found.classes),
            ),
            (
                "Schweitzer",
                approximate_classes(&without_servers(model)).map(|found| found.classes),
            ),
        ],
        (_, false) => vec![("Seidmann", with_servers(model))],
    };
    solved
        .into_iter()
        .chain([("as offered", as_offered(model))])
        .filter_map(|(method, classes)| {
            Some(Forecast {
                method,
                classes: classes?,
            })
        })
        .collect()
}

fn one_class(model: &Model, class: &Class) -> Option<Vec<ClassForecast>> {
    let station = |(demand_s, servers): (&f64, &f64)| ClosedStation {
        demand_s: *demand_s,
        servers: *servers,
    };
    let stations: Vec<ClosedStation> = class.demand_s.iter().zip(&model.servers).map(station).collect();
    let last = closed_forecast(&stations, class.think_s, class.customers).pop()?;
    Some(vec![ClassForecast {
        throughput_per_s: last.throughput_per_s,
        response_s: last.response_s,
    }])
}

fn without_servers(model: &Model) -> Vec<ClosedClass> {
    let class = |class: &Class| ClosedClass {
        customers: class.customers,
        think_time_s: class.think_s,
        demand_s: class.demand_s.clone(),
    };
    model.classes.iter().map(class).collect()
}

/// Several servers as one fast server and a delay, which is taken off the think time again.
fn with_servers(model: &Model) -> Option<Vec<ClassForecast>> {
    let split = |class: &Class| -> (ClosedClass, f64) {
        let parts = class.demand_s.iter().zip(&model.servers);
        let (demand_s, delays): (Vec<f64>, Vec<f64>) = parts
            .map(|(demand_s, servers)| {
                seidmann(ClosedStation {
                    demand_s: *demand_s,
                    servers: *servers,
                })
            })
            .unzip();
        let delay_s: f64 = delays.iter().sum();
        let think_time_s = class.think_s + delay_s;
        (
            ClosedClass {
                customers: class.customers,
                think_time_s,
                demand_s,
            },
            delay_s,
        )
    };
    let (classes, delays): (Vec<ClosedClass>, Vec<f64>) = model.classes.iter().map(split).unzip();
    let ClassesForecast { classes, .. } = exact_classes(&classes)?;
    let with_delay = |(one, delay_s): (ClassForecast, f64)| ClassForecast {
        response_s: one.response_s + delay_s,
        ..one
    };
    Some(classes.into_iter().zip(delays).map(with_delay).collect())
}

/// The load of a closed population at light load, offered whatever the answers take; `None` if it is more
/// than a station can do.
fn as_offered(model: &Model) -> Option<Vec<ClassForecast>> {
    let rate =
        |class: &Class| f64::from(class.customers) / (class.think_s + class.demand_s.iter().sum::<f64>());
    let rates: Vec<f64> = model.classes.iter().map(rate).collect();
    shared(model, &rates)
}

/// Open classes whose executions share the servers; that of single servers by the library's own function.
pub fn open(model: &Model) -> Vec<Forecast> {
    let rates: Vec<f64> = model.classes.iter().map(|class| class.rate_per_s).collect();
    let demand_s: Vec<Vec<f64>> = model.classes.iter().map(|class| class.demand_s.clone()).collect();
    let single = model.servers.iter().all(|servers| *servers == 1.0);
    let classes = if single {
        open_classes(&rates, &demand_s).map(|found| found.classes)
    } else {
        shared(model, &rates)
    };
    let method = if single { "open classes" } else { "several servers" };
    classes
        .map(|classes| Forecast { method, classes })
        .into_iter()
        .collect()
}

/// Utilisation of each station (0-1, more if it is overloaded) at executions per second of each class.
pub fn utilisation(model: &Model, rates: &[f64]) -> Vec<f64> {
    let busy = |station: usize| -> f64 {
        model
            .classes
            .iter()
            .zip(rates)
            .map(|(class, rate)| rate * class.demand_s[station])
            .sum()
    };
    (0..model.servers.len())
        .map(|station| busy(station) / model.servers[station])
        .collect()
}

/// `R_r = sum_k D_rk (1 + h(c_k, U_k))`; what a class needs beyond the stations does not queue. `None` if a
/// station is full.
pub fn shared(model: &Model, rates: &[f64]) -> Option<Vec<ClassForecast>> {
    let used = utilisation(model, rates);
    let stretched = |class: &Class| -> f64 {
        let at = |(station, demand): (usize, &f64)| {
            let wait = used
                .get(station)
                .map_or(0.0, |used| relative_wait(model.servers[station], *used));
            demand * (1.0 + wait)
        };
        class.demand_s.iter().enumerate().map(at).sum()
    };
    let class = |(class, rate): (&Class, &f64)| ClassForecast {
        throughput_per_s: *rate,
        response_s: stretched(class),
    };
    (used.iter().all(|used| *used < 1.0)).then(|| model.classes.iter().zip(rates).map(class).collect())
}

/// Open classes served in turn at one station: all wait alike, for the mix of their exponential services.
pub fn in_turn(model: &Model) -> Option<Forecast> {
    let service = |class: &Class| ServiceMoments {
        mean_s: class.demand_s[0],
        cv2: 1.0,
    };
    let parts: Vec<(f64, ServiceMoments)> = model
        .classes
        .iter()
        .map(|class| (class.rate_per_s, service(class)))
        .collect();
    let mix = mixed_service(&parts)?;
    let rates: Vec<f64> = model.classes.iter().map(|class| class.rate_per_s).collect();
    let wait_s = general_wait(model.servers[0], utilisation(model, &rates)[0], 1.0, mix.cv2) * mix.mean_s;
    let class = |class: &Class| ClassForecast {
        throughput_per_s: class.rate_per_s,
        response_s: class.demand_s[0] + wait_s,
    };
    Some(Forecast {
        method: "in turn",
        classes: model.classes.iter().map(class).collect(),
    })
}
