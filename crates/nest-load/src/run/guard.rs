//! A process between the program and a command that it runs: it ends the command, and all that the command
//! has started, as soon as the program is gone, even if that was killed.
//!
//! The program holds the one end of a pipe, which the kernel closes with it; the guard reads the other end.
//! First comes a line with the secrets that it masks in the command's messages. It answers with two lines:
//! the number of the command's process, and later the status with which that ended.

use std::{
    io::{self, BufRead, Read, Write},
    os::unix::process::CommandExt,
    process::{Command, ExitStatus, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use nix::{
    sys::{
        signal::{SigSet, Signal, killpg},
        stat::{FileStat, SFlag, fstat},
        wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid},
    },
    unistd::Pid,
};

use crate::exchange::masking::{Masker, SHORTEST_SECRET};

/// How long a command may take to end after SIGTERM.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How often its end is looked for.
const INTERVAL: Duration = Duration::from_millis(20);
/// Most bytes that are kept of what a command writes to its standard error.
const LOG_BYTES: u64 = 64 << 20;
/// Longest that the log of a command that has ended is waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// What stands in the log where the rest is missing.
const CUT: &str = "\n[locust-nest: what came after the first 64 MiB was not kept]\n";

/// Runs a command under `sh`, in a process group of its own, until standard input ends. What it writes to
/// standard error goes to that of the guard, until the log there holds 64 MiB, with stars in the place of
/// secrets.
///
/// # Errors
/// The command cannot be started.
pub fn guard(command: &str) -> io::Result<()> {
    // Only the end of the pipe ends a guard; its command begins with no signal blocked.
    SigSet::all().thread_block()?;
    let masker = masker(&first_line()?);
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let group = Pid::from_raw(child.id().cast_signed());
    let (finished, written) = mpsc::channel();
    if let Some(messages) = child.stderr.take() {
        std::thread::spawn(move || {
            keep_first(
                messages,
                io::stderr(),
                LOG_BYTES.saturating_sub(written_before()),
                &masker,
            );
            let _ = finished.send(()); // nobody may be left to hear it
        });
    }
    say(&group.to_string());
    std::thread::spawn(move || {
        // The child stays unreaped, so that its number is not given to another process.
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        if let Some(raw) = waitid(Id::Pid(group), flags).ok().and_then(raw_status) {
            say(&raw.to_string());
        }
    });
    // An error of the pipe is an end too.
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    end_group(group);
    // What a command said last is in the log, unless somebody whom it left behind could still write there.
    let _ = written.recv_timeout(LAST_WORDS);
    Ok(())
}

/// Ends a process group whose leader is a child of this process: SIGTERM, five seconds, SIGKILL.
pub(super) fn end_group(group: Pid) {
    // The group may be gone already; there is nothing left to end then.
    let _ = killpg(group, Signal::SIGTERM);
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        // The shell may end before the script that it runs, which may have to clean up.
        let is_reaped = waitpid(group, Some(WaitPidFlag::WNOHANG)) != Ok(WaitStatus::StillAlive);
        if is_reaped && killpg(group, None).is_err() {
            return;
        }
        std::thread::sleep(INTERVAL);
    }
    let _ = killpg(group, Signal::SIGKILL);
    let _ = waitpid(group, None);
}

/// Bytes that a log holds already: of the targets that were started before, of a run that goes on.
fn written_before() -> u64 {
    let is_file = |stat: &FileStat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG;
    let log = fstat(io::stderr()).ok().filter(is_file);
    log.map_or(0, |stat| stat.st_size.try_into().unwrap_or(0))
}

/// The line with which the program begins.
fn first_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line)
}

/// Knows the secrets of a line of JSON.
fn masker(line: &str) -> Masker {
    let secrets: Vec<String> = serde_json::from_str(line).unwrap_or_default();
    // A command may also write a secret line by line, and each of its lines is one.
    let all = secrets
        .iter()
        .flat_map(|secret| std::iter::once(secret.as_str()).chain(secret.lines()));
    let long = all
        .map(str::as_bytes)
        .filter(|secret| secret.len() >= SHORTEST_SECRET);
    Masker::new(long)
}

/// Tells the program a line; nobody may be left to hear it.
fn say(line: &str) {
    let mut out = io::stdout();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// The status of a process that has ended, as the kernel writes it.
fn raw_status(status: WaitStatus) -> Option<i32> {
    match status {
        WaitStatus::Exited(_, code) => Some(code << 8),
        WaitStatus::Signaled(_, signal, _) => Some(signal as i32),
        _ => None,
    }
}

/// The status in a line of a guard.
pub(super) fn status_of(line: &str) -> Option<ExitStatus> {
    use std::os::unix::process::ExitStatusExt;
    line.trim().parse().ok().map(ExitStatus::from_raw)
}

/// Copies the first bytes, with secrets masked, and drops the others, so that whoever writes them is never
/// held up.
fn keep_first(mut from: impl Read, mut to: impl Write, most_bytes: u64, masker: &Masker) {
    let is_cut = |copied: io::Result<u64>| copied.is_ok_and(|bytes| bytes == most_bytes && bytes > 0);
    if is_cut(masker.copy(&mut from.by_ref().take(most_bytes), &mut to)) {
        let _ = to.write_all(CUT.as_bytes());
    }
    // A full disk ends the log, not the command.
    let _ = io::copy(&mut from, &mut io::sink());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_keeps_its_first_bytes_and_says_that_it_was_cut() {
        let nothing = masker("");
        let mut log = Vec::new();
        keep_first(&b"0123456789"[..], &mut log, 4, &nothing);
        assert_eq!(log, [b"0123", CUT.as_bytes()].concat());
        log.clear();
        keep_first(&b"012"[..], &mut log, 4, &nothing);
        assert_eq!(log, b"012");
        log.clear();
        keep_first(
            &b"key=token-4711, abc"[..],
            &mut log,
            99,
            &masker("[\"token-4711\",\"abc\"]\n"),
        );
        assert_eq!(log, b"key=***, abc");
    }

    #[test]
    fn a_status_comes_through_the_pipe() {
        assert_eq!(status_of("768\n").and_then(|status| status.code()), Some(3));
        let killed = status_of("9").expect("a status");
        assert_eq!((killed.code(), killed.success()), (None, false));
        assert_eq!(status_of(""), None);
    }
}
