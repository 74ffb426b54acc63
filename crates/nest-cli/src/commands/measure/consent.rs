//! Asks before a study runs commands, or puts load on other hosts, for the first time. The answer is
//! remembered outside of the study.

mod request;
mod scripts;

use std::io::{self, BufRead, IsTerminal, Read};

use nest_data::Study;

use self::request::ConsentRequest;
pub use self::request::{ComparedCommits, ComparedVersions, ConsentFor};
use crate::{
    command_error::{CommandError, USAGE},
    files::{StudyFolder, TrustFile, TrustedStudy, known_folder},
    printer::{ask, talk},
};

/// Bytes of an answer that are read.
const ANSWER_BYTES: u64 = 100;

/// Lets a study go on if this user allowed it before, or does now. `yes` is the answer of `--yes`: it
/// counts for this call only.
///
/// # Errors
/// It was not allowed, or nobody can be asked. Nothing has been run then.
pub fn check(
    folder: &StudyFolder,
    study: &Study,
    purpose: ConsentFor,
    yes: bool,
) -> Result<(), CommandError> {
    let also = match &purpose {
        ConsentFor::Measuring => {
            let dry = folder.command("measure --plan --dry");
            format!("; `{dry}` plans without them")
        }
        ConsentFor::Checking(_) => String::new(),
    };
    let request = ConsentRequest::of(folder, study, purpose)?;
    if yes || request.is_empty() {
        return Ok(());
    }
    let file = TrustFile::of_user();
    let earlier = earlier(file.as_ref(), folder);
    let is_same = earlier.iter().any(|one| one.hash == request.hash());
    if is_same && request.is_known() {
        return Ok(());
    }
    if let Some(last) = earlier.first().filter(|_| !is_same) {
        talk(&request.changes_since(&last.items));
    }
    talk(&request.text());
    let Some(file) = file else {
        return Err(refused(&request, "an answer has nowhere to be kept")
            .hint("read them and add --yes; or set HOME, or XDG_STATE_HOME, to an absolute path"));
    };
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(refused(&request, "there is no terminal to ask at").hint(format!(
            "read them and add --yes, or run the verb in a terminal once to confirm them{also}"
        )));
    }
    if !is_yes(request.question())? {
        return Err(CommandError::new(USAGE, "not confirmed; nothing was run"));
    }
    remember(&file, folder, &request);
    Ok(())
}

/// Allows what the program itself wrote into a study's folder.
pub fn trust_own(folder: &StudyFolder, study: &Study) -> Result<(), CommandError> {
    let request = ConsentRequest::of(folder, study, ConsentFor::Measuring)?;
    let is_kept = request.is_known() && !request.is_empty();
    if let Some(file) = TrustFile::of_user().filter(|_| is_kept) {
        let known = earlier(Some(&file), folder);
        if known.first().is_none_or(|one| one.hash != request.hash()) {
            remember(&file, folder, &request);
        }
    }
    Ok(())
}

/// What was allowed to the study before, the newest first.
fn earlier(file: Option<&TrustFile>, folder: &StudyFolder) -> Vec<TrustedStudy> {
    let Some(file) = file else {
        return Vec::new();
    };
    file.of_study(&known_folder(folder.path()))
        .unwrap_or_else(|error| {
            talk(&format!(
                "note: earlier answers are left out, because {}",
                error.text()
            ));
            Vec::new()
        })
}

fn remember(file: &TrustFile, folder: &StudyFolder, request: &ConsentRequest) {
    let answer = TrustedStudy {
        folder: known_folder(folder.path()),
        hash: request.hash(),
        items: request.short_items(),
    };
    if let Err(error) = file.add(answer) {
        let path = file.path().display();
        talk(&format!("note: the answer could not be kept in {path}: {error}"));
    }
}

fn refused(request: &ConsentRequest, why: &str) -> CommandError {
    let what = request.what();
    CommandError::new(
        USAGE,
        format!("{what}, which you have not confirmed before; {why}, so nothing was run"),
    )
}

/// Asks a question; only `y` and `yes` are a yes.
fn is_yes(question: &str) -> Result<bool, CommandError> {
    ask(&format!("{question} [y/N] "))?;
    let mut answer = String::new();
    io::stdin().lock().take(ANSWER_BYTES).read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
