//! `init`: writes a commented study of a URL.

use std::path::Path;

use nest_data::study_file::is_loopback;

use crate::{
    args::{InitArguments, SchemaOf},
    command_error::{CommandError, INTERNAL, INVALID},
    commands::schema,
    files::write,
    printer::{data, talk},
};

const NEST: &str = include_str!("init/nest.toml");
const HOME: &str = include_str!("init/home.toml");
const IGNORED: &str =
    "# Runs are large and can be made again; what they gave is in measurements.json.\n/runs/\n/.nest/\n";

/// Runs the verb.
pub fn run(arguments: &InitArguments) -> Result<(), CommandError> {
    let folder = &arguments.folder;
    if folder.join("nest.toml").exists() {
        return Err(CommandError::new(
            INTERNAL,
            format!("{} is there already", folder.join("nest.toml").display()),
        )
        .hint("name another folder; nothing was changed"));
    }
    let (base_url, path, host) = split(&arguments.url)?;
    let name = arguments.name.clone().unwrap_or_else(|| folder_name(folder));
    let quoted = |text: &str| serde_json::Value::String(text.to_owned()).to_string();
    let nest = NEST
        .replace("\"@NAME@\"", &quoted(&name))
        .replace("\"@BASE_URL@\"", &quoted(&base_url));
    write(&folder.join("nest.toml"), nest.as_bytes())?;
    write(
        &folder.join("behaviours/home.toml"),
        HOME.replace("\"@PATH@\"", &quoted(&path)).as_bytes(),
    )?;
    write(
        &folder.join(".nest/schema.json"),
        schema::text(SchemaOf::Study)?.as_bytes(),
    )?;
    write(
        &folder.join(".nest/behaviour.json"),
        schema::text(SchemaOf::Behaviour)?.as_bytes(),
    )?;
    write(&folder.join(".gitignore"), IGNORED.as_bytes())?;
    talk(&format!(
        "a study of {base_url} with one behaviour, behaviours/home.toml"
    ));
    if !is_loopback(&host) {
        talk(&format!(
            "note: {host} is not this machine; if you are allowed to load it, add allow_hosts = [\"{host}\"] under \
             [target]"
        ));
    }
    talk(&format!(
        "next: start the target, then `locust-nest all {}`",
        folder.display()
    ));
    data(&format!("{}\n", folder.join("nest.toml").display()))
}

/// Base URL, path and host of a URL.
fn split(url: &str) -> Result<(String, String, String), CommandError> {
    let wrong = || {
        CommandError::new(INVALID, format!("{url:?} is not a URL of a target"))
            .hint("write it whole: --url http://127.0.0.1:8080/")
    };
    let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
    if scheme != "http" {
        return Err(
            CommandError::new(INVALID, format!("{scheme} is not available yet, only http is"))
                .hint("measure the target without TLS"),
        );
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
    Ok((
        format!("{scheme}://{authority}"),
        path.to_owned(),
        host.to_owned(),
    ))
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
        let parts = |url| split(url).expect("valid");
        assert_eq!(
            parts("http://127.0.0.1:80/a?b=1"),
            ("http://127.0.0.1:80".into(), "/a?b=1".into(), "127.0.0.1".into())
        );
        assert_eq!(
            parts("http://[::1]:8080"),
            ("http://[::1]:8080".into(), "/".into(), "::1".into())
        );
        assert!(
            split("127.0.0.1").is_err()
                && split("https://x/").is_err()
                && split("http:///x").is_err()
                && split("http://u@h/").is_err()
        );
    }
}
