//! Checks that a locustfile can take the place of behaviours in files.

use crate::{
    diagnostic::Diagnostic,
    study::{Study, behaviour::locustfile::MOST_PROCESSES, customers::Arrival, read::texts::StudyTexts},
    toml_document::Spans,
};

/// Options of `locust` that would take the load out of our hands, or open more than loopback.
const REFUSED: [&str; 24] = [
    "-f",
    "--locustfile",
    "-H",
    "--host",
    "-u",
    "--users",
    "-r",
    "--spawn-rate",
    "-t",
    "--run-time",
    "--headless",
    "--autostart",
    "--autoquit",
    "--csv",
    "--html",
    "--json",
    "--master",
    "--worker",
    "--processes",
    "--expect-workers",
    "--stop-timeout",
    "--reset-stats",
    "--config",
    "--web",
];

pub(crate) fn check_locust(study: &Study, texts: &StudyTexts, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let Some(locust) = &study.locust else { return };
    let others = texts.behaviours.keys().chain(texts.code.keys()).next();
    if let Some(other) = others {
        found.push(spans.at_key(
            &["locust"],
            format!("the study has both a locustfile and the behaviour `{other}` of its own"),
            "remove [locust], or the files of behaviours/",
        ));
    }
    if locust.behaviours.is_empty() {
        found.push(spans.at_key(
            &["locust"],
            "no task of the locustfile is a behaviour",
            "list tasks under [locust.behaviours], such as browse = \"Shop.browse\"; `locust-nest init \
             --locust FILE` writes them",
        ));
    }
    if study.customers.arrival == Arrival::PartlyOpen {
        found.push(spans.at_value(
            &["customers", "arrival"],
            "a locustfile runs with arrival \"open\" or \"closed\"",
            "write \"open\" for our schedule, or \"closed\" for users as they are written",
        ));
    }
    for (key, count) in [("processes", locust.processes), ("workers", locust.workers)] {
        if !(1..=MOST_PROCESSES).contains(&count) {
            found.push(spans.at_value(
                &["locust", key],
                format!("`locust.{key}` must be from 1 to {MOST_PROCESSES}"),
                "write how many generator processes there are",
            ));
        }
    }
    if locust.master.is_some() && locust.processes != 1 {
        found.push(spans.at_value(
            &["locust", "processes"],
            "processes on this machine and a master exclude each other",
            "write `workers` for how many join the master, and remove `processes`",
        ));
    }
    if let Some(master) = &locust.master
        && !is_address(master)
    {
        found.push(spans.at_value(
            &["locust", "master"],
            format!("{master:?} is not an address to listen at"),
            "write host and port, such as \"127.0.0.1:5557\"",
        ));
    }
    for (index, option) in locust.args.iter().enumerate() {
        let name = option.split('=').next().unwrap_or_default();
        if REFUSED.iter().any(|refused| is_of(name, refused)) {
            found.push(spans.at_value(
                &["locust", "args", &index.to_string()],
                format!("the option {name} is not passed on to Locust"),
                "remove it: load, output and distribution are this study's",
            ));
        }
    }
}

/// Whether an option is one of a name, or of a family such as `--web-port`; a short one may have its value
/// attached.
fn is_of(option: &str, name: &str) -> bool {
    match option.strip_prefix(name) {
        Some(rest) if name.starts_with("--") => rest.is_empty() || rest.starts_with('-'),
        Some(_) => true,
        None => false,
    }
}

fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_take_the_load_out_of_our_hands_are_known_in_every_form() {
        for refused in [
            "-u",
            "-u5",
            "--users",
            "--csv-full-history",
            "--web-port",
            "--master-host",
            "-t10s",
        ] {
            assert!(REFUSED.iter().any(|name| is_of(refused, name)), "{refused}");
        }
        for passed in ["--tags", "--exclude-tags", "--own-option", "smoke", "--usersfile"] {
            assert!(!REFUSED.iter().any(|name| is_of(passed, name)), "{passed}");
        }
        assert!(is_address("127.0.0.1:5557") && !is_address("127.0.0.1") && !is_address(":1"));
    }
}
