//! Annotations for GitHub Actions: lines that its runner shows beside the files they name.
//!
//! Source of the grammar: "Workflow commands for GitHub Actions", docs.github.com, and the runner's
//! `ActionCommand.cs`: `%`, CR and LF are escaped in data, `:` and `,` in properties too.

use nest_data::{
    GateReport,
    gate_report::{DemandComparison, GateVerdict},
};

use super::{change_in_words, one_line, sentence};

/// Annotations of one kind that GitHub shows for a step.
const MOST: usize = 10;

/// The annotations of a check: an error for each failed comparison, a warning for each unclear one, at most
/// ten of a kind, the last of which tells how many there are.
#[must_use]
pub fn annotations(report: &GateReport) -> String {
    let of = |verdict| {
        report
            .comparisons
            .iter()
            .filter(move |one| one.verdict == Some(verdict))
    };
    let unclear = if report.exit == 0 { "warning" } else { "error" };
    let mut lines = lines("error", of(GateVerdict::Fail).collect());
    lines.extend(self::lines(unclear, of(GateVerdict::Unclear).collect()));
    if lines.is_empty() {
        let kind = match report.verdict {
            GateVerdict::Pass => "notice",
            GateVerdict::Unclear if report.exit == 0 => "warning",
            _ => "error",
        };
        lines.push(line(kind, "nest.toml", "locust-nest check", &sentence(report)));
    }
    lines.concat()
}

fn lines(kind: &str, comparisons: Vec<&DemandComparison>) -> Vec<String> {
    let count = comparisons.len();
    let kept = if count > MOST { MOST - 1 } else { count };
    let mut lines: Vec<String> = comparisons[..kept]
        .iter()
        .map(|one| {
            let file = match &one.behaviour {
                Some(behaviour) => format!("behaviours/{behaviour}.toml"),
                None => "nest.toml".to_owned(),
            };
            line(
                kind,
                &file,
                &format!("{} uses more", super::subject(one)),
                &change_in_words(one),
            )
        })
        .collect();
    if kept < count {
        lines.push(line(
            kind,
            "nest.toml",
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
