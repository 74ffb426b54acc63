//! How long a report takes: 4 configurations, 3 growth scenarios and 60 months, made from the sample of the
//! migration.
//!
//!     cargo run -p nest-report --example report_speed

use std::time::Instant;

use jiff::ToSpan;
use nest_data::Projection;

const CONFIGS: usize = 4;
const SCENARIOS: usize = 3;
const MONTHS: usize = 60;

fn main() {
    let projection = stretched(include_str!("../../../reports/migration/projection.json"));
    time("page", || nest_report::html(&projection).expect("a page").len());
    time("figures at three widths", || {
        nest_report::gallery(&projection).expect("figures").len()
    });
    time("charts as files", || {
        let charts = nest_report::charts(&projection).expect("charts");
        charts.iter().map(|(_, text)| text.len()).sum()
    });
    #[cfg(feature = "png")]
    time("charts as pictures", || {
        nest_report::pictures(&projection).expect("pictures").len()
    });
    time("tables", || nest_report::csv(&projection).len());
}

/// The sample with more months and scenarios.
fn stretched(text: &str) -> Projection {
    let mut projection: Projection = serde_json::from_str(text).expect("the sample is committed");
    assert_eq!(projection.configs.len(), CONFIGS);
    for config in &mut projection.configs {
        while let Some(last) = config.months.last().filter(|_| config.months.len() < MONTHS) {
            let mut next = last.clone();
            next.date = last.date.saturating_add(1.month());
            config.months.push(next);
        }
    }
    while let Some(last) = projection
        .growths
        .last()
        .filter(|_| projection.growths.len() < SCENARIOS)
    {
        let mut next = last.clone();
        next.name = format!("{} again", next.name);
        projection.growths.push(next);
    }
    projection
}

#[allow(clippy::print_stdout, reason = "an example prints what it finds")]
fn time(what: &str, make: impl Fn() -> usize) {
    let mut times: Vec<f64> = (0..9)
        .map(|_| {
            let start = Instant::now();
            assert!(make() > 0);
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{what}: median {:.0} ms of 9, {} kB", times[4], make() / 1_000);
}
