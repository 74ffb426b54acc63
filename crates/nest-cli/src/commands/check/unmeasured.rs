//! What a check that could not compare anything leaves behind, in every form that was asked for: otherwise
//! the summary, the test cases and the comment of an earlier check would be taken for its own.

use std::{path::Path, time::Duration};

use nest_data::{Document, GateReport, diagnostic::secrets::concealed, gate_report::GateVerdict};
use nest_load::observe::machine;

use super::outputs;
use crate::{
    args::{CheckArguments, Format},
    command_error::{CommandError, ErrorCause},
    files::StudyFolder,
    printer::talk,
};

/// Writes why nothing was compared. What cannot be written is said, and changes nothing.
pub fn write(arguments: &CheckArguments, study: &str, error: &CommandError, elapsed: Duration) {
    let report = report(arguments, study, error, elapsed);
    // A person reads the error itself, just below.
    let written = if arguments.format == Format::Human {
        outputs::write_files(arguments, &report)
    } else {
        outputs::write(arguments, &report)
    };
    if let Err(error) = written {
        talk(&format!(
            "note: the result could not be written: {}",
            error.text()
        ));
    }
}

fn report(arguments: &CheckArguments, study: &str, error: &CommandError, elapsed: Duration) -> GateReport {
    let (reason, remedy) = why(error);
    let version = |start: &Option<String>, else_name: &str| -> String {
        start.clone().unwrap_or_else(|| else_name.to_owned())
    };
    let checked_out = "the checked-out commit";
    GateReport {
        header: GateReport::header(),
        study: study.to_owned(),
        verdict: GateVerdict::Void,
        exit: error.code,
        reasons: vec![concealed(&reason).into_owned()],
        remedy: remedy.map(|remedy| concealed(&remedy).into_owned()),
        base: version(
            &arguments.base_start,
            arguments.base.as_deref().unwrap_or(checked_out),
        ),
        head: version(&arguments.head_start, checked_out),
        machine: machine::facts(),
        blocks: 0,
        void_visits: Vec::new(),
        seconds: elapsed.as_secs_f64(),
        noise: None,
        comparisons: Vec::new(),
        subjects: Vec::new(),
        visits: Vec::new(),
        money: None,
        room: None,
        head_alone: None,
        exact: Vec::new(),
        left_out: Vec::new(),
        caveats: Vec::new(),
    }
}

/// An error and what to do about it, each on one line.
fn why(error: &CommandError) -> (String, Option<String>) {
    if let ErrorCause::Diagnostics(found, _) = &error.cause
        && let Some(first) = found.first()
    {
        let more = match found.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        return (
            format!("{}: {}{more}", first.file, first.message),
            Some(first.help.clone()),
        );
    }
    (error.text(), error.hint.as_deref().map(shortened))
}

/// The first line of a hint. The others are what a target said, which is for those who see the output of the
/// check: a comment has other readers.
fn shortened(hint: &str) -> String {
    match hint.split_once('\n') {
        None => hint.to_owned(),
        Some((first, _)) => format!("{}, in the output of this check", first.trim_end_matches(':')),
    }
}

/// The name of a study that cannot be read: what stands below `[study]`, or the name of its folder.
pub fn study_name(path: &Path) -> String {
    let Ok(folder) = StudyFolder::new(path) else {
        return path.display().to_string();
    };
    let text = folder.nest_text().map(|source| source.text).unwrap_or_default();
    stated_name(&text).unwrap_or_else(|| folder.name())
}

fn stated_name(text: &str) -> Option<String> {
    let lines = text.lines().map(str::trim);
    let mut about = lines
        .skip_while(|line| *line != "[study]")
        .skip(1)
        .take_while(|line| !line.starts_with('['));
    let (_, value) = about.find_map(|line| line.split_once('=').filter(|(key, _)| key.trim() == "name"))?;
    let mut parts = value.trim().split(['"', '\'']);
    (parts.next() == Some("")).then(|| parts.next().map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_study_that_cannot_be_read_still_has_its_name() {
        let text =
            "nest = 1\n[target]\nname = \"no\"\n[study]\ncustomer = \"x\"\nname = \"shop\" # it\n[rates\n";
        assert_eq!(stated_name(text).as_deref(), Some("shop"));
        assert_eq!(stated_name("[study]\nname = 5\n"), None);
        assert_eq!(stated_name("[study]\n[rates]\nname = \"rate\"\n"), None);
    }

    #[test]
    fn what_a_target_said_stays_in_the_output() {
        let hint = "see what the start command of head said last:\n    password 4711";
        assert_eq!(
            shortened(hint),
            "see what the start command of head said last, in the output of this check"
        );
    }
}
