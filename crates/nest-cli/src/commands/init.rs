//! `init`: writes a commented study of a URL.

use std::{
    io::{self, Write},
    path::Path,
};

use nest_data::{diagnostic::secrets::secret_in, study::is_loopback};
use nest_load::code::Registry;

use crate::{
    args::{InitArguments, SchemaOf},
    command_error::{CommandError, INTERNAL, INVALID},
    commands::{measure::consent, schema},
    files::{Folder, StudyFolder, bounded::TEXT_BYTES, cannot},
    printer::{data, talk},
};

mod locust;

const NEST: &str = include_str!("init/nest.toml");
/// The rates of the one behaviour that a study of a URL begins with.
const RATES: &str = "home = \"20 / day\"\n";
const URL: &str = "http://127.0.0.1:8080/";
const HOME: &str = include_str!("init/home.toml");
const GIT_IGNORE: &str = ".gitignore";
const IGNORED: &str = "# Runs are large. Their results are in measurements.json.\n/runs/\n/.nest/\n";

/// Runs the verb.
pub fn run(arguments: &InitArguments) -> Result<(), CommandError> {
    let folder = &arguments.folder;
    let name = arguments.name.clone().unwrap_or_else(|| folder_name(folder));
    if let Some(file) = &arguments.locust {
        return locust::run(arguments, file, &name);
    }
    let url = TargetUrl::read(arguments.url.as_deref().unwrap_or(URL))?;
    write_study(folder, &study_text(&name, &url), Some(&url))?;
    // A study of a host that it does not list yet cannot be read, and asks for nothing.
    if let Ok((written, study)) = StudyFolder::open(folder, &[], &Registry::new()) {
        consent::trust_own(&written, &study)?;
    }
    talk(&format!(
        "wrote a study of {} with one behaviour, behaviours/home.toml",
        url.base_url
    ));
    if !is_loopback(&url.host) {
        talk(&format!(
            "note: {host} is not this machine; if you are allowed to put load on it, add \
             allow_hosts = [\"{host}\"] under [target]",
            host = url.host
        ));
    }
    talk(&format!(
        "next: start the system at {}, then run `locust-nest all {}`",
        url.base_url,
        folder.display()
    ));
    data(&format!("{}\n", folder.join("nest.toml").display()))
}

/// A text as it stands in TOML, in quotes.
fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

/// The text of `nest.toml`.
fn study_text(name: &str, url: &TargetUrl) -> String {
    NEST.replace("\"@NAME@\"", &quoted(name))
        .replace("\"@BASE_URL@\"", &quoted(&url.base_url))
}

/// Writes the files of a study, and the schemas that editors read; with `home`, a behaviour that asks for the
/// path of its URL.
fn write_study(folder: &Path, nest: &str, home: Option<&TargetUrl>) -> Result<(), CommandError> {
    let cannot_write = |name: &str, error| cannot("write", &folder.join(name), error);
    let target = Folder::make(folder).map_err(|error| cannot("open", folder, error))?;
    let behaviour = home.map(|url| HOME.replace("\"@PATH@\"", &quoted(&url.path)));
    let files: Vec<(&str, String)> = behaviour
        .map(|text| ("behaviours/home.toml", text))
        .into_iter()
        .chain([
            (".nest/schema.json", schema::text(SchemaOf::Study)?),
            (".nest/behaviour.json", schema::text(SchemaOf::Behaviour)?),
            ("nest.toml", nest.to_owned()),
        ])
        .collect();
    let there: Vec<&str> = files
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| target.has(name))
        .collect();
    if !there.is_empty() {
        let message = format!("already exists in {}: {}", folder.display(), there.join(", "));
        return Err(CommandError::new(INTERNAL, message).hint("choose another folder; nothing was changed"));
    }
    for (name, text) in &files {
        target
            .write_new(name, text.as_bytes())
            .map_err(|error| cannot_write(name, error))?;
    }
    ignore(&target).map_err(|error| cannot_write(GIT_IGNORE, error))
}

/// Adds what git need not keep to the file that lists it, which may be there with lines of the user's own.
fn ignore(target: &Folder) -> io::Result<()> {
    let there = if target.has(GIT_IGNORE) {
        target.read_text(GIT_IGNORE, TEXT_BYTES)?
    } else {
        String::new()
    };
    let missing: Vec<&str> = IGNORED
        .lines()
        .filter(|line| there.lines().all(|one| one.trim() != *line))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let gap = if there.is_empty() || there.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let added = format!("{gap}{}\n", missing.join("\n"));
    target.append(GIT_IGNORE)?.write_all(added.as_bytes())
}

/// The parts of the URL of a system to measure.
#[derive(Debug, PartialEq, Eq)]
struct TargetUrl {
    /// Scheme, host and port.
    base_url: String,
    /// What follows them, at least `/`.
    path: String,
    /// The host alone.
    host: String,
}

impl TargetUrl {
    fn read(url: &str) -> Result<Self, CommandError> {
        let wrong = || {
            CommandError::new(INVALID, format!("{url:?} is not a URL of a system to measure"))
                .hint("write it in full, for example --url http://127.0.0.1:8080/")
        };
        if let Some(place) = secret_in(url) {
            let message = format!("the URL holds {place}; the study would keep it");
            let hint = "leave it out, and write it as {{ env(\"NAME\") }} into behaviours/home.toml";
            return Err(CommandError::new(INVALID, message).hint(hint));
        }
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        if !matches!(scheme, "http" | "https") {
            let message = format!("`init` writes requests over http or https, not over {scheme}");
            let hint = "for another protocol, write behaviours in Rust: copy models/bank from the repository";
            return Err(CommandError::new(INVALID, message).hint(hint));
        }
        let (authority, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
        let host = match authority
            .strip_prefix('[')
            .and_then(|inner| inner.split_once(']'))
        {
            Some((inner, _)) => inner,
            None => authority.split(':').next().unwrap_or_default(),
        };
        if host.is_empty() || authority.contains('@') || authority.chars().any(char::is_whitespace) {
            return Err(wrong());
        }
        Ok(Self {
            base_url: format!("{scheme}://{authority}"),
            path: path.to_owned(),
            host: host.to_owned(),
        })
    }
}

fn folder_name(folder: &Path) -> String {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    absolute
        .file_name()
        .map_or_else(|| "study".to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_cut_into_its_parts() {
        let parts = |url| {
            let TargetUrl { base_url, path, host } = TargetUrl::read(url).expect("valid");
            [base_url, path, host]
        };
        assert_eq!(
            parts("http://127.0.0.1:80/a?b=1"),
            ["http://127.0.0.1:80", "/a?b=1", "127.0.0.1"]
        );
        assert_eq!(parts("http://[::1]:8080"), ["http://[::1]:8080", "/", "::1"]);
        assert_eq!(
            parts("https://shop.test"),
            ["https://shop.test", "/", "shop.test"]
        );
        for wrong in [
            "127.0.0.1",
            "ftp://x/",
            "http:///x",
            "http://u@h/",
            "http://h/?token=1",
        ] {
            assert!(TargetUrl::read(wrong).is_err(), "{wrong}");
        }
    }
}
