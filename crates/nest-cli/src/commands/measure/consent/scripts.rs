//! The files that a study's commands name, and those that these name in turn, as far as that can be read.
//! All files of the study count in any case: here are those to show, those of other studies beside it, and
//! what only a shell can tell.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::{Component, Path, PathBuf},
};

use crate::files::{holds_own, path_text, sha256};

/// Most files that are followed, and most names that are looked up.
const MOST_FILES: usize = 500;
const MOST_NAMES: usize = 20_000;

/// The files that commands name.
#[derive(Debug, Default)]
pub struct NamedFiles {
    /// SHA-256 of each, hexadecimal, by its path from the study's folder.
    pub files: BTreeMap<PathBuf, String>,
    /// Why commands may run more than can be told here: sentences without a full stop.
    pub unknown: BTreeSet<String>,
}

/// The files that `commands` name. `read` gives the bytes of a file, and `None` where there is none.
pub fn named_by<'a>(
    commands: impl Iterator<Item = &'a str>,
    read: impl Fn(&Path) -> Option<Vec<u8>>,
) -> NamedFiles {
    let mut found = NamedFiles::default();
    let mut next: VecDeque<PathBuf> = VecDeque::new();
    for command in commands {
        // What commands name comes first, before what scripts name.
        next.extend(of_command(command, &read, &mut found.unknown));
    }
    let mut seen = BTreeSet::new();
    while let Some(path) = next.pop_front() {
        if seen.contains(&path) {
            continue;
        }
        if found.files.len() >= MOST_FILES || seen.len() >= MOST_NAMES {
            let many = "the files that commands name have more names than are followed";
            found.unknown.insert(many.to_owned());
            break;
        }
        if let Some(bytes) = read(&path) {
            for named in of_script(&bytes, &path) {
                if holds_own(&named) {
                    let (script, own) = (path_text(&path), path_text(&named));
                    let what = format!("{script} names {own}, where the program writes");
                    found.unknown.insert(what);
                }
                next.push_back(named);
            }
            found.files.insert(path.clone(), sha256(&bytes));
        }
        seen.insert(path);
    }
    found
}

/// The paths that a command names.
fn of_command(
    command: &str,
    read: impl Fn(&Path) -> Option<Vec<u8>>,
    unknown: &mut BTreeSet<String>,
) -> BTreeSet<PathBuf> {
    let command = command.replace("\\\n", " ");
    if command.contains('\\') {
        unknown.insert("a command has a backslash, which may be part of a name".to_owned());
    }
    // A name may be in quotes, have some within it, or have blanks.
    let bare = command.replace(['"', '\''], "");
    let named: BTreeSet<PathBuf> = words(&command)
        .chain(words(&bare))
        .flat_map(|word| paths(word, Path::new("")))
        .collect();
    for path in &named {
        if holds_own(path) {
            let what = format!("a command names {}, where the program writes", path_text(path));
            unknown.insert(what);
        } else if path.starts_with("..") && read(path).is_none() {
            let what = format!(
                "a command names {}, which is no file of the study",
                path_text(path)
            );
            unknown.insert(what);
        }
    }
    for pattern in patterns(&command).chain(patterns(&bare)) {
        unknown.insert(format!("a command names the pattern {pattern}"));
    }
    named
}

/// The paths that a script at `place` names. What follows a NUL byte is none of its text.
fn of_script(bytes: &[u8], place: &Path) -> BTreeSet<PathBuf> {
    let folder = place.parent().unwrap_or(Path::new(""));
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let text = String::from_utf8_lossy(&bytes[..end]);
    // A bare word of a script is hardly ever a file.
    let words = words(&text).filter(|word| word.contains(['.', '/']));
    words
        .flat_map(|word| paths(word, Path::new("")).into_iter().chain(paths(word, folder)))
        .collect()
}

fn is_part_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || "._-/+@~,%".contains(letter)
}

/// The words of a shell command or script that may name files.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let bare = text.split(|letter| !is_part_of_name(letter));
    let quoted = text
        .split(['"', '\''])
        .filter(|part| part.contains(' ') && !part.contains('\n'));
    bare.chain(quoted).filter(|word| !word.is_empty())
}

/// The paths that a word may mean, from a folder. A variable may stand before it: `$HERE/serve.py`.
fn paths(word: &str, folder: &Path) -> Vec<PathBuf> {
    let after_slash = word.split_once('/').map(|(_, rest)| rest);
    [Some(word.trim_start_matches('/')), after_slash]
        .into_iter()
        .flatten()
        .filter(|name| !name.is_empty() && !name.starts_with('/'))
        .map(|name| plain(&folder.join(name)))
        .filter(|path| !path.as_os_str().is_empty())
        .collect()
}

/// The path without `.` and, where it can be, without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// The patterns of a command that a shell may complete to names outside of the study, or to what the program
/// writes. All files that `data/*` stands for count in any case.
fn patterns(command: &str) -> impl Iterator<Item = &str> {
    let is_part = |letter: char| is_part_of_name(letter) || "*?[]".contains(letter);
    let words = command.split(move |letter| !is_part(letter));
    words.filter(|word| {
        let start = word.as_ptr() as usize - command.as_ptr() as usize;
        let before = command[..start].chars().next_back();
        let after_variable = match before {
            // `$?` and `$*` are variables, and `$HERE/*` begins behind one.
            Some('$') => word.split_once('/').map_or("", |(_, rest)| rest),
            Some('}' | ')' | '"' | '\'' | '`') => word.trim_start_matches('/'),
            _ => word,
        };
        let named = after_variable.trim_start_matches("./");
        let mut parts = named.split('/');
        is_pattern(parts.next().unwrap_or_default()) || is_pattern(named) && parts.any(|part| part == "..")
    })
}

fn is_pattern(word: &str) -> bool {
    word.contains(['*', '?']) || word.split_once('[').is_some_and(|(_, rest)| rest.contains(']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(commands: &[&str], files: &[(&str, &str)]) -> NamedFiles {
        let read = |path: &Path| {
            let text = files.iter().find(|(name, _)| Path::new(name) == path)?.1;
            Some(text.as_bytes().to_vec())
        };
        named_by(commands.iter().copied(), read)
    }

    fn named(commands: &[&str], files: &[(&str, &str)]) -> Vec<String> {
        let found = found(commands, files);
        assert!(found.unknown.is_empty(), "{:?}", found.unknown);
        found
            .files
            .keys()
            .map(|path| path.display().to_string())
            .collect()
    }

    #[test]
    fn scripts_that_a_command_names_are_found_with_those_that_they_name() {
        let files = [
            (
                "start.sh",
                "#!/bin/sh\n. \"$(dirname \"$0\")/lib/common.sh\"\nrun",
            ),
            ("lib/common.sh", "python3 $HERE/serve.py; source more.sh"),
            ("lib/more.sh", "exit\0. ./after.sh"),
            ("lib/after.sh", "exit"),
            ("serve.py", "print(1)"),
            ("../shared/run", "exit"),
            ("my script.sh", "exit"),
            ("run", "the command does not name it"),
            ("nest.toml", "nest = 1"),
        ];
        assert_eq!(
            named(&["exec ./start.sh --fast"], &files),
            ["lib/common.sh", "lib/more.sh", "serve.py", "start.sh"]
        );
        assert_eq!(named(&["A=1 ../shared/run"], &files), ["../shared/run"]);
        assert_eq!(named(&["sh 'my script.sh'"], &files), ["my script.sh"]);
        assert_eq!(named(&["sh r'u'n"], &files), ["run"]);
        assert_eq!(named(&["sh run; : > run"], &files), ["run"]);
        assert_eq!(named(&["sh nest.toml"], &files), ["nest.toml"]);
    }

    #[test]
    fn what_only_a_shell_can_tell_is_named() {
        for command in [
            "sh run?.sh",
            "sh ./[r]un.sh",
            "sh \"$HERE\"/*.sh",
            "sh $HERE/*.sh",
            "sh a/../*/run.sh",
            "sh ru\\n.sh",
            "sh .nest/start.sh",
            "sh .ne''st/start.sh",
            "cd runs && sh x",
            "sh \"$PWD/.nest/x\"",
            "cd .. && ./run.sh",
            "sh ../../run.sh",
            "sh scaling.json",
            "sh start.sh",
        ] {
            let files = [("start.sh", ". .nest/lib.sh")];
            let found = found(&[command], &files);
            assert!(!found.unknown.is_empty(), "{command}");
        }
        for command in [
            "cd server && ./run.sh",
            "rm -rf data/*",
            "./run.sh --wait \\\n --port 1",
            "make || exit $?",
            "if [ -f a ]; then b; fi",
            "sh /opt/runs/start.sh > log 2>&1",
        ] {
            assert!(named(&[command], &[]).is_empty(), "{command}");
        }
    }

    #[test]
    fn more_names_than_are_followed_are_no_secret() {
        let many: String = (0..=MOST_NAMES).map(|number| format!("x.{number} ")).collect();
        let text = many + "\n. ./lib.sh";
        let found = found(&["sh run.sh"], &[("run.sh", &text)]);
        assert!(
            found.unknown.iter().any(|why| why.contains("more names")),
            "{:?}",
            found.unknown
        );
    }

    #[test]
    fn scripts_that_name_each_other_come_to_an_end() {
        let files = [("a.sh", "./b.sh"), ("b.sh", "./a.sh ./././b.sh x/../a.sh")];
        assert_eq!(named(&["./a.sh"], &files), ["a.sh", "b.sh"]);
    }
}
