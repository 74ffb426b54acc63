//! The files of a study's folder that the program itself writes, and those that it reads as data: they
//! change from run to run, and no command has to run them.

use std::path::{Component, Path};

/// Documents that verbs write beside `nest.toml`.
const DOCUMENTS: [&str; 3] = ["measurements.json", "scaling.json", "noise.json"];
/// Folders that the program, or git, writes to.
const FOLDERS: [&str; 4] = ["runs", "reports", ".nest", ".git"];
/// How the names of files in runs end, and in reports.
const IN_RUNS: [&str; 3] = ["json", "log", "gitignore"];
const IN_REPORTS: [&str; 7] = ["html", "md", "csv", "json", "svg", "png", "parquet"];
const IN_NEST: [&str; 3] = ["lock", "schema.json", "behaviour.json"];

/// Whether a file or a link is one that the program writes, or a TOML file that it reads: another file in
/// their place, such as a script in `runs`, is none of them. `behaviours` may be a link to a folder of them.
pub fn is_own(path: &Path) -> bool {
    let parts: Vec<&str> = path
        .components()
        .filter_map(|part| part.as_os_str().to_str())
        .collect();
    let ends_in = |endings: &[&str]| {
        let name = parts.last().copied().unwrap_or_default();
        let ending = name.rsplit_once('.').map(|(_, ending)| ending);
        ending.is_some_and(|ending| endings.contains(&ending))
    };
    match parts.as_slice() {
        ["nest.toml" | "behaviours"] => true,
        [document] => DOCUMENTS.contains(document),
        ["behaviours", _] => ends_in(&["toml"]),
        [".nest", file] => IN_NEST.contains(file),
        ["runs", _, .., _] => ends_in(&IN_RUNS),
        ["reports", .., _] => ends_in(&IN_REPORTS),
        _ => false,
    }
}

/// Whether a folder holds what git or cargo writes, and no script of the study: `.git`, and `target` of a
/// study in Rust.
pub fn is_foreign(folder: &Path, is_crate: bool) -> bool {
    folder == Path::new(".git") || is_crate && folder == Path::new("target")
}

/// Whether a command that names this may run what the program writes: a folder of it, or a file there.
pub fn holds_own(path: &Path) -> bool {
    let mut parts = path.components();
    let Some(Component::Normal(first)) = parts.next() else {
        return false;
    };
    let is_file = parts.next().is_none();
    let is = |names: &[&str]| names.iter().any(|name| first == *name);
    is(&FOLDERS) || is_file && (is(&DOCUMENTS) || is(&["behaviours"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_program_writes_is_its_own() {
        for own in [
            "nest.toml",
            "behaviours/home.toml",
            "measurements.json",
            ".nest/lock",
            "runs/20261201T000000Z/steps/001.json",
            "runs/20261201T000000Z/target.log",
            "runs/20261201T000000Z/failures/.gitignore",
            "reports/report.html",
        ] {
            assert!(is_own(Path::new(own)), "{own}");
        }
        for other in [
            "start.sh",
            ".nest",
            ".nest/start.sh",
            "runs/a",
            "runs/a.json",
            "runs/a/start.sh",
            "reports/run.sh",
            "behaviours/run.sh",
            "behaviours/a/b.toml",
            "sub/nest.toml",
            "sub/measurements.json",
        ] {
            assert!(!is_own(Path::new(other)), "{other}");
        }
    }

    #[test]
    fn a_name_in_a_folder_of_the_program_may_run_what_it_writes() {
        for own in [
            "runs",
            ".nest/start.sh",
            "reports/a",
            "scaling.json",
            "behaviours",
        ] {
            assert!(holds_own(Path::new(own)), "{own}");
        }
        assert!(is_foreign(Path::new("target"), true) && is_foreign(Path::new(".git"), false));
        assert!(!is_foreign(Path::new("target"), false) && !is_foreign(Path::new("a/target"), true));
        for other in [
            "",
            "run",
            "nest.toml",
            "behaviours/home.toml",
            "a/runs",
            "../runs",
        ] {
            assert!(!holds_own(Path::new(other)), "{other}");
        }
    }
}
