//! What each target does with its bytes: it reads them, and makes of them what the program would make next.

pub mod documents;
pub mod fleet;
pub mod histograms;
pub mod http;
pub mod metrics;
pub mod prices;
pub mod runs;
pub mod study;
pub mod tables;

use jiff::civil::{Date, date};
use nest_data::{Diagnostic, Source};

/// The day on which everything is read.
const TODAY: Date = date(2026, 11, 30);

/// The bytes as a file of a name; `None` if they are no text, which every reader of text refuses first.
fn source(name: &str, bytes: &[u8]) -> Option<Source> {
    std::str::from_utf8(bytes)
        .ok()
        .map(|text| Source::new(name, text))
}

/// Prints what was found as a command would; false, since the file was not understood.
fn refused(found: &[Diagnostic], sources: &[Source]) -> bool {
    let _ = locust_nest::readers::rendered(found, sources);
    false
}
