//! The files of a study that its commands name, and those that these name in turn, as far as that can be
//! read.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::{Component, Path, PathBuf},
};

/// Most files that are followed, and most names that are looked up.
const MOST_FILES: usize = 500;
const MOST_NAMES: usize = 20_000;
/// What the program itself reads or writes in a study's folder: no script, and it changes with every run.
const OWN: [&str; 7] = [
    "nest.toml",
    "behaviours",
    "runs",
    "reports",
    ".nest",
    "measurements.json",
    "scaling.json",
];

/// The texts of the files that `commands` name, by path from the study's folder. `read` gives the text of a
/// file, and `None` where there is no such file or no text.
pub fn named_by<'a>(
    commands: impl Iterator<Item = &'a str>,
    read: impl Fn(&Path) -> Option<String>,
) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut seen = BTreeSet::new();
    // What commands name comes first, before what scripts name.
    let mut next: VecDeque<PathBuf> = commands
        .flat_map(words)
        .flat_map(|word| paths(word, Path::new("")))
        .collect();
    while let Some(path) = next.pop_front() {
        if found.len() >= MOST_FILES || seen.len() >= MOST_NAMES {
            break;
        }
        if is_own(&path) || !seen.insert(path.clone()) {
            continue;
        }
        if let Some(text) = read(&path).filter(|text| !text.contains('\0')) {
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            // A bare word of a script is hardly ever a file.
            let words = words(&text).filter(|word| word.contains(['.', '/']));
            let named = words.flat_map(|word| {
                let beside = paths(word, &folder);
                paths(word, Path::new("")).into_iter().chain(beside)
            });
            next.extend(named);
            found.insert(path, text);
        }
    }
    found
}

/// The words of a shell command or script that may name files, but for those that it writes to.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |letter: char| letter.is_alphanumeric() || "._-/+@~,%".contains(letter);
    let bare = text.split(move |letter| !is_part(letter));
    let quoted = text
        .split(['"', '\''])
        .filter(|part| part.contains(' ') && !part.contains('\n'));
    let words = bare.chain(quoted).filter(|word| !word.is_empty());
    let is_written = |word: &&str| {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        text[..start].trim_end_matches(['"', '\'', ' ']).ends_with('>')
    };
    let written: BTreeSet<&str> = words.clone().filter(is_written).collect();
    words.filter(move |word| !written.contains(word))
}

/// The paths that a word may mean, from a folder. A variable may stand before it: `$HERE/serve.py`.
fn paths(word: &str, folder: &Path) -> Vec<PathBuf> {
    let after_slash = word.split_once('/').map(|(_, rest)| rest);
    [Some(word.trim_start_matches('/')), after_slash]
        .into_iter()
        .flatten()
        .filter(|name| !name.is_empty() && !name.starts_with('/'))
        .map(|name| plain(&folder.join(name)))
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

fn is_own(path: &Path) -> bool {
    let first = path.components().next();
    first.is_some_and(|first| OWN.iter().any(|own| first.as_os_str() == *own))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(commands: &[&str], files: &[(&str, &str)]) -> Vec<String> {
        let read = |path: &Path| {
            let text = files.iter().find(|(name, _)| Path::new(name) == path)?.1;
            Some(text.to_owned())
        };
        let found = named_by(commands.iter().copied(), read);
        found.into_keys().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn scripts_that_a_command_names_are_found_with_those_that_they_name() {
        let files = [
            (
                "start.sh",
                "#!/bin/sh\n. \"$(dirname \"$0\")/lib/common.sh\"\nrun",
            ),
            ("lib/common.sh", "python3 $HERE/serve.py; source more.sh"),
            ("lib/more.sh", "exit"),
            ("serve.py", "print(1)"),
            ("../shared/run", "exit"),
            ("my script.sh", "exit"),
            ("run", "the command does not name it"),
        ];
        assert_eq!(
            named(&["exec ./start.sh --fast"], &files),
            ["lib/common.sh", "lib/more.sh", "serve.py", "start.sh"]
        );
        assert_eq!(named(&["A=1 ../shared/run"], &files), ["../shared/run"]);
        assert_eq!(named(&["sh 'my script.sh'"], &files), ["my script.sh"]);
        assert_eq!(named(&["sh run"], &files), ["run"]);
    }

    #[test]
    fn what_a_command_writes_or_the_program_itself_keeps_is_no_script() {
        let files = [
            ("ran", "x"),
            ("log", "x"),
            ("runs/a", "x"),
            ("nest.toml", "x"),
            ("tool", "\0\u{1}ELF"),
        ];
        assert_eq!(
            named(
                &[
                    "./tool >log 2>> \"log\" < nest.toml; cat runs/a",
                    "echo ran >> ran; cat log > log"
                ],
                &files
            ),
            Vec::<String>::new()
        );
    }

    #[test]
    fn scripts_that_name_each_other_come_to_an_end() {
        let files = [("a.sh", "./b.sh"), ("b.sh", "./a.sh ./././b.sh x/../a.sh")];
        assert_eq!(named(&["./a.sh"], &files), ["a.sh", "b.sh"]);
    }
}
