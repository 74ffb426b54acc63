//! Metrics pages, answers of a Prometheus server, and selectors of series.

use nest_data::study::probe::selector::Selection;
use nest_load::observe::{self, exposition};

/// Selectors that pick from every page.
const SELECTORS: [&str; 3] = [
    "process_cpu_seconds_total",
    "node_cpu_seconds_total{mode!=\"idle\", cpu=~\"[0-3]\"}",
    "{__name__=~\".*_total\"} - up",
];

/// A page in the text format.
pub fn page(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Ok(series) = exposition::parse(&text) else {
        return false;
    };
    for selection in SELECTORS.iter().filter_map(|text| text.parse::<Selection>().ok()) {
        let picked = series.iter().filter(|one| {
            let picks = |selectors: &[nest_data::study::probe::selector::Selector]| {
                selectors
                    .iter()
                    .any(|selector| selector.picks(&one.name, &one.labels))
            };
            picks(&selection.plus) || picks(&selection.minus)
        });
        let _: Vec<String> = picked.map(exposition::MetricSeries::id).collect();
    }
    true
}

/// An answer of a Prometheus server.
pub fn server_answer(bytes: &[u8]) -> bool {
    observe::server_answer(200, &String::from_utf8_lossy(bytes)).is_ok()
}

/// A selector, on a page of its own.
pub fn selector(bytes: &[u8]) -> bool {
    let parsed = std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.parse::<Selection>().ok());
    let Some(selection) = parsed else { return false };
    let labels = [
        ("cpu".to_owned(), "0".to_owned()),
        ("mode".to_owned(), "x".repeat(60)),
    ];
    for selector in selection.plus.iter().chain(&selection.minus) {
        let _ = selector.picks("node_cpu_seconds_total", &labels);
    }
    true
}
