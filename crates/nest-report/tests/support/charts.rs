//! Charts of the fixture.

use nest_data::projection::*;

use super::TESTED;

pub fn charts() -> Vec<Chart> {
    let customers = || (1..=60).map(|step| f64::from(step) * 1_500.0);
    let use_of = |n: f64| n / 66_600.0;
    let response = |n: f64, base: f64| {
        if use_of(n) < 0.995 {
            base / (1.0 - use_of(n))
        } else {
            f64::INFINITY
        }
    };
    let curve = |name: &str, stepped, points| Curve {
        name: name.to_owned(),
        points,
        stepped,
    };
    let steps = [500.0, 4_000.0, 9_000.0, 16_000.0, 22_000.0, 26_000.0, TESTED];
    let wobble = |index: usize| 1.0 + [0.02, -0.015, 0.01, -0.02, 0.012, 0.0, -0.01][index];
    let dots = |of: &dyn Fn(f64) -> f64| {
        steps
            .iter()
            .enumerate()
            .map(|(index, n)| [*n, of(*n) * wobble(index)])
            .collect()
    };
    let stair = |n: f64| ((n / 12_100.0).ceil() + 1.0) * 70.08 / n * 1_000.0 + 6.5 + 180_000.0 / n;
    vec![
        Chart {
            id: "cost".to_owned(),
            title: "What do 1,000 customers cost at each size?".to_owned(),
            answer: "Functions cost less than `today` at 42,000 customers, and more from 71,000 on."
                .to_owned(),
            y: Axis::Money("USD".to_owned()),
            curves: vec![
                curve(
                    "today",
                    true,
                    customers()
                        .map(|n| [n, stair(n) * 0.96, stair(n), stair(n) * 1.06])
                        .collect(),
                ),
                curve(
                    "functions",
                    false,
                    customers()
                        .map(|n| [n, 10.26, 11.46 + 9_000.0 / n, 12.86 + 9_000.0 / n])
                        .collect(),
                ),
            ],
            measured: Vec::new(),
            limits: Vec::new(),
            tested_to: TESTED,
            logarithmic: true,
        },
        Chart {
            id: "app/cpu".to_owned(),
            title: "How much of app/cpu is used?".to_owned(),
            answer: "app/cpu reaches its reserve at 46,600 customers.".to_owned(),
            y: Axis::Share,
            curves: vec![curve(
                "app/cpu",
                false,
                customers()
                    .map(|n| [n, use_of(n) * 0.93, use_of(n), use_of(n) * 1.07])
                    .collect(),
            )],
            measured: vec![Scatter {
                name: "app/cpu, measured".to_owned(),
                points: dots(&use_of),
            }],
            limits: vec![
                ("reserve begins, 70 %".to_owned(), 0.7),
                ("saturated".to_owned(), 1.0),
            ],
            tested_to: TESTED,
            logarithmic: false,
        },
        Chart {
            id: "response".to_owned(),
            title: "How long do customers wait?".to_owned(),
            answer: "95 % of browse requests are answered within 300 ms up to 58,200 customers.".to_owned(),
            y: Axis::Seconds,
            curves: ["browse p50", "browse p95", "browse p99"]
                .into_iter()
                .zip([0.018, 0.038, 0.061])
                .map(|(name, base)| {
                    curve(
                        name,
                        false,
                        customers()
                            .map(|n| {
                                [
                                    n,
                                    response(n, base * 0.9),
                                    response(n, base),
                                    response(n, base * 1.15),
                                ]
                            })
                            .collect(),
                    )
                })
                .collect(),
            measured: vec![Scatter {
                name: "browse p95, measured".to_owned(),
                points: dots(&|n| response(n, 0.038)),
            }],
            limits: vec![("objective: p95 within 300 ms".to_owned(), 0.3)],
            tested_to: TESTED,
            logarithmic: false,
        },
    ]
}
