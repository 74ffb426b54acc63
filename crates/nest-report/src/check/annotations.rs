//! Annotations for GitHub Actions: lines that its runner shows beside the files they name.
//!
//! Source of the grammar: "Workflow commands for GitHub Actions", docs.github.com, and the runner's
//! `ActionCommand.cs`: `%`, CR and LF are escaped in data, `:` and `,` in properties too.

use nest_data::{
    GateReport,
    gate_report::{DemandComparison, GateVerdict},
};

use super::{change_in_words, one_line, sentence_with_remedy};

/// Annotations of one kind that GitHub shows for a step.
const MOST: usize = 10;

/// The annotations of a check: an error for each failed comparison, a warning for each unclear one, at most
/// ten of a kind, the last of which tells how many there are. `file_of` names the file of a behaviour, and
/// that of the study for `None`, from the top of the repository.
#[must_use]
pub fn annotations(report: &GateReport, file_of: &dyn Fn(Option<&str>) -> String) -> String {
    let of = |verdict| {
        report
            .comparisons
            .iter()
            .filter(move |one| one.verdict == Some(verdict))
    };
    let unclear = if report.exit == 0 { "warning" } else { "error" };
    let mut lines = lines("error", of(GateVerdict::Fail).collect(), file_of);
    lines.extend(self::lines(unclear, of(GateVerdict::Unclear).collect(), file_of));
    // Cost or room may have failed, and no demand.
    let is_shown = report.verdict != GateVerdict::Fail || of(GateVerdict::Fail).next().is_some();
    if lines.is_empty() || !is_shown {
        let kind = match report.verdict {
            GateVerdict::Pass => "notice",
            GateVerdict::Unclear if report.exit == 0 => "warning",
            _ => "error",
        };
        let whole = line(
            kind,
            &file_of(None),
            "locust-nest check",
            &sentence_with_remedy(report),
        );
        lines.insert(0, whole);
    }
    lines.concat()
}

fn lines(
    kind: &str,
    comparisons: Vec<&DemandComparison>,
    file_of: &dyn Fn(Option<&str>) -> String,
) -> Vec<String> {
    let count = comparisons.len();
    let kept = if count > MOST { MOST - 1 } else { count };
    let mut lines: Vec<String> = comparisons[..kept]
        .iter()
        .map(|one| {
            line(
                kind,
                &file_of(one.behaviour.as_deref()),
                &format!("{} uses more", super::subject(one)),
                &change_in_words(one),
            )
        })
        .collect();
    if kept < count {
        lines.push(line(
            kind,
            &file_of(None),
            "locust-nest check",
            &format!("{} more comparisons like these", count - kept),
        ));
    }
    lines
}

fn line(kind: &str, file: &str, title: &str, message: &str) -> String {
    format!(
        "::{kind} file={},line=1,title={}::{}\n",
        property(file),
        property(title),
        data(message)
    )
}

fn data(text: &str) -> String {
    one_line(text).replace('%', "%25")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
