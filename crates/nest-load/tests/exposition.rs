//! The reader of the text format against anything that a socket may bring.

use nest_load::observe::exposition::{MetricSeries, parse};
use proptest::prelude::*;

/// Letters that the format gives a meaning, so that random texts come near to it.
const TELLING: &str = "[a-z_:{}=\"\\\\,# \t\n0-9.+-]{0,200}";

fn any_series() -> impl Strategy<Value = MetricSeries> {
    let labels = prop::collection::btree_map("[a-zA-Z_][a-zA-Z0-9_]{0,5}", any::<String>(), 0..4);
    // Milliseconds, so that seconds are read back exactly as often as they are written.
    (
        "[a-zA-Z_:][a-zA-Z0-9_:]{0,12}",
        labels,
        any::<f64>(),
        prop::option::of(-4_000_000_000_000_i64..4_000_000_000_000),
    )
        .prop_map(|(name, labels, value, at)| MetricSeries {
            name,
            labels: labels.into_iter().collect(),
            value,
            at_s: at.map(|at| at as f64 * 1e-3),
        })
}

/// Writes a series as the documentation of the format says.
fn write(series: &MetricSeries) -> String {
    let escape = |value: &str| {
        value
            .replace('\\', "\\\\")
            .replace('\n', "\\n")
            .replace('"', "\\\"")
    };
    let labels: Vec<String> = series
        .labels
        .iter()
        .map(|(label, value)| format!("{label}=\"{}\"", escape(value)))
        .collect();
    let labels = if labels.is_empty() {
        String::new()
    } else {
        format!("{{{}}}", labels.join(", "))
    };
    let value = match series.value {
        value if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value => value.to_string(),
    };
    let at = series
        .at_s
        .map_or_else(String::new, |at_s| format!(" {}", (at_s * 1e3).round()));
    format!("{}{labels} {value}{at}\n", series.name)
}

/// Equal, where NaN is equal to itself.
fn same(read: &MetricSeries, written: &MetricSeries) -> bool {
    let value = read.value == written.value || read.value.is_nan() && written.value.is_nan();
    value && (&read.name, &read.labels, read.at_s) == (&written.name, &written.labels, written.at_s)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn random_bytes_are_read_or_refused_by_line(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&bytes);
        if let Err(bad) = parse(&text) {
            prop_assert!(bad.line >= 1 && bad.line <= text.lines().count());
        }
    }

    #[test]
    fn random_signs_are_read_or_refused_by_line(text in TELLING) {
        match parse(&text) {
            Ok(series) => {
                prop_assert!(series.len() <= text.lines().count());
                prop_assert!(series.iter().all(|one| !one.name.is_empty()));
            }
            Err(bad) => prop_assert!(bad.line >= 1 && bad.line <= text.lines().count()),
        }
    }

    #[test]
    fn a_page_that_is_written_is_read_back(series in prop::collection::vec(any_series(), 0..8)) {
        let line = |one: &MetricSeries| format!("# HELP {} {{\"\n{}", one.name, write(one));
        let page: String = series.iter().map(line).collect();
        let read = parse(&page).expect("a page");
        prop_assert_eq!(read.len(), series.len());
        for (read, written) in read.iter().zip(&series) {
            prop_assert!(same(read, written), "{:?} of {:?}", read, written);
        }
    }

    #[test]
    fn a_damaged_page_never_gives_more_series_than_lines(
        series in any_series(),
        place in any::<prop::sample::Index>(),
        letter in any::<char>(),
    ) {
        let mut letters: Vec<char> = write(&series).chars().collect();
        let place = place.index(letters.len());
        letters[place] = letter;
        let text: String = letters.into_iter().collect();
        if let Ok(read) = parse(&text) {
            prop_assert!(read.len() <= text.lines().count());
        }
    }
}
