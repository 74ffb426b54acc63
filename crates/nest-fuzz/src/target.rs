//! The list of what is fuzzed.

use crate::readers::{documents, fleet, histograms, http, metrics, prices, runs, study, tables};

/// A reader of bytes from outside, with what is made of the bytes next.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Name of the target and of its folder in `fuzz/corpus`.
    pub name: &'static str,
    /// How its inputs are written, which decides how they are changed.
    pub language: Language,
    /// Reads an input; says whether it was understood.
    pub read: fn(&[u8]) -> bool,
    /// How many inputs `tests/run` reads.
    pub in_tests: u64,
    /// How many inputs `bench/run fuzz` reads.
    pub in_bench: u64,
}

/// How inputs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// TOML.
    Toml,
    /// JSON.
    Json,
    /// Lines of text: CSV, metrics, header fields.
    Lines,
    /// Bytes without lines.
    Bytes,
}

use Language::{Bytes, Json, Lines, Toml};

/// Inputs of readers of small files in `bench/run fuzz`, and of those that also compute a document.
const SMALL: u64 = 1_000_000;
const DOCUMENT: u64 = 100_000;

const fn target(
    name: &'static str,
    language: Language,
    read: fn(&[u8]) -> bool,
    in_tests: u64,
    in_bench: u64,
) -> Target {
    Target {
        name,
        language,
        read,
        in_tests,
        in_bench,
    }
}

/// Everything that is fuzzed. Counts for `tests/run` are such that each takes one to three seconds of
/// processor time, with making its inputs, and all of them 45 seconds.
pub const TARGETS: &[Target] = &[
    // Files that people write.
    target("study", Toml, study::study, 330, SMALL),
    target("study_projected", Toml, study::projected, 40, DOCUMENT),
    target("behaviour", Toml, study::behaviour, 2_100, SMALL),
    target("feed_csv", Lines, study::feed_csv, 11_000, SMALL),
    target("feed_jsonl", Lines, study::feed_jsonl, 15_000, SMALL),
    target("growth_plan", Lines, study::growth_plan, 4_000, SMALL),
    target("growth_history", Lines, study::growth_history, 3_700, SMALL),
    target("formula", Lines, study::formula, 30_000, SMALL),
    target("price_book", Toml, prices::book, 410, SMALL),
    target("curve", Lines, tables::curve, 260, SMALL),
    target("growth", Lines, tables::growth, 1_100, SMALL),
    target("demand", Lines, tables::demand, 1_000, SMALL),
    // Price lists of vendors, and tables that become books.
    target("aws_offer_csv", Lines, prices::import, 1_700, SMALL),
    target("aws_offer_json", Json, prices::import, 1_200, SMALL),
    target("aws_products", Json, prices::import, 1_500, SMALL),
    target("aws_savings", Json, prices::import, 1_800, SMALL),
    target("aws_savings_csv", Lines, prices::import, 2_000, SMALL),
    target("azure", Json, prices::import, 910, SMALL),
    target("gcp", Json, prices::import, 780, SMALL),
    target("price_tables", Lines, prices::import, 2_900, SMALL),
    target("price_file", Bytes, prices::import, 6_000, SMALL),
    // What the program wrote, and anyone may have changed.
    target("run_manifest", Json, runs::manifest, 14_000, SMALL),
    target("run_plan", Json, runs::plan, 9_200, SMALL),
    target("run_step", Json, runs::step, 7_700, SMALL),
    target("measurements", Json, documents::measurements, 400, DOCUMENT),
    target("scaling", Json, documents::scaling, 24, DOCUMENT),
    target("projection", Json, documents::projection, 600, DOCUMENT),
    target("histogram", Lines, histograms::text, 4_600, SMALL),
    target("histogram_counts", Bytes, histograms::counts, 5_000, SMALL),
    // What a target answers.
    target("answer", Lines, http::answer, 20_000, SMALL),
    target("encoded", Bytes, http::encoded, 1_400, SMALL),
    target("saved", Json, http::saved, 13_000, SMALL),
    target("cookies", Lines, http::cookies, 30_000, SMALL),
    target("metrics", Lines, metrics::page, 7_700, SMALL),
    target("metrics_answer", Json, metrics::server_answer, 14_000, SMALL),
    target("selector", Lines, metrics::selector, 2_200, SMALL),
    // What coordinator and workers tell each other.
    target("fleet_message", Json, fleet::message, 4_000, SMALL),
];

/// The target of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Reads one input of a target, for cargo-fuzz.
///
/// # Panics
/// If there is no such target, or the reader panics.
pub fn read(name: &str, input: &[u8]) {
    let target = find(name).unwrap_or_else(|| panic!("there is no target {name}"));
    (target.read)(input);
}
