//! `init --locust`: writes a study whose behaviours are the tasks of a locustfile.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use nest_data::study::is_loopback;
use nest_load::{
    CommandSettings, Interrupt,
    code::Registry,
    locust::{ListedTask, Listing, LocustSettings, TaskKind, list},
};

use super::{RATES, TargetUrl, URL, quoted, study_text, write_study};
use crate::{
    args::InitArguments,
    command_error::{CommandError, INVALID, USAGE},
    commands::measure::consent,
    files::StudyFolder,
    interrupts,
    printer::{data, talk},
};

/// How the configuration of functions begins in the text of a study.
const FUNCTIONS: &str = "[configs.functions]\n";
/// Most letters of the name of a behaviour that is made from a task.
const LONGEST_NAME: usize = 60;

/// A behaviour that is proposed.
struct Proposal<'a> {
    name: String,
    task: &'a ListedTask,
    per_day: f64,
}

/// Lists the tasks of the locustfile and writes the study.
pub fn run(arguments: &InitArguments, file: &Path, name: &str) -> Result<(), CommandError> {
    if !(arguments.per_day > 0.0 && arguments.per_day.is_finite()) {
        return Err(CommandError::new(
            USAGE,
            "--per-day is the number of tasks of a customer, above 0",
        ));
    }
    let place = FilePlace::of(&arguments.folder, file, arguments.python.as_deref())?;
    let interrupt = interrupts::watch()?;
    let listing = listed(&place, &interrupt)?;
    let host = listing.classes.iter().find_map(|class| class.host.clone());
    let url = arguments.url.clone().or(host).unwrap_or_else(|| URL.to_owned());
    let url = TargetUrl::read(&url)?;
    let proposals = proposals(&listing, arguments.per_day);
    if proposals.is_empty() {
        let message = format!("{} has no task that a user chooses", place.file.display());
        return Err(CommandError::new(INVALID, message).hint("give a User class a task with @task"));
    }
    let text = without_functions(&study_text(name, &url))
        .replace(RATES, &rates(&proposals))
        .replace(
            "what each file in behaviours/ describes",
            "what each task of the locustfile does",
        )
        .replace(
            "\n[customers]\n",
            &format!("\n{}\n[customers]\n", table(&place, &listing, &proposals)),
        );
    write_study(&arguments.folder, &text, None)?;
    if let Ok((written, study)) = StudyFolder::open(&arguments.folder, &[], &Registry::new()) {
        consent::trust_own(&written, &study)?;
    }
    tell(arguments, &place, &listing, &proposals, &url);
    data(&format!("{}\n", arguments.folder.join("nest.toml").display()))
}

/// Where the locustfile and its Python are.
struct FilePlace {
    /// Absolute path of the study's folder.
    folder: PathBuf,
    /// Path of the file from there.
    file: PathBuf,
    /// As the study names it.
    python: String,
}

impl FilePlace {
    fn of(folder: &Path, file: &Path, python: Option<&Path>) -> Result<Self, CommandError> {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let there = std::fs::canonicalize(file).map_err(|error| {
            CommandError::new(INVALID, format!("cannot read {}: {error}", file.display()))
                .hint("give the path of a locustfile, or of a folder of models")
        })?;
        let root = std::fs::canonicalize(folder).unwrap_or_else(|_| absolute(folder));
        let Ok(inner) = there.strip_prefix(&root) else {
            let message = format!(
                "{} is not below the study's folder {}",
                file.display(),
                folder.display()
            );
            let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
            let parent = parent.unwrap_or(Path::new("."));
            return Err(CommandError::new(INVALID, message).hint(format!(
                "write the study beside it: `locust-nest init {} --locust {}`",
                parent.display(),
                file.display()
            )));
        };
        let beside = there.parent().unwrap_or(&root).join(".venv/bin/python");
        let python = match python {
            Some(python) if python.components().count() > 1 => absolute(python),
            Some(python) => python.to_owned(),
            None if beside.exists() => beside,
            None => PathBuf::from("python3"),
        };
        let python = python.strip_prefix(&root).unwrap_or(&python);
        Ok(Self {
            file: inner.to_owned(),
            python: python.display().to_string(),
            folder: root,
        })
    }
}

fn listed(place: &FilePlace, interrupt: &Interrupt) -> Result<Listing, CommandError> {
    let commands = CommandSettings {
        folder: place.folder.clone(),
        ..CommandSettings::default()
    };
    let settings = LocustSettings::to_list(&place.python, &place.file, &commands);
    Ok(list(&settings, interrupt)?)
}

/// A behaviour for each task that a user chooses, with rates in proportion to how often.
fn proposals(listing: &Listing, per_day: f64) -> Vec<Proposal<'_>> {
    let weight_of = |task: &ListedTask| {
        let class = listing.classes.iter().find(|class| class.name == task.class);
        task.weight * class.map_or(0.0, |class| class.weight)
    };
    let chosen: Vec<&ListedTask> = listing
        .tasks
        .iter()
        .filter(|task| weight_of(task) > 0.0)
        .collect();
    let total: f64 = chosen.iter().map(|task| weight_of(task)).sum();
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for task in &chosen {
        *taken.entry(short(&task.name)).or_default() += 1;
    }
    let mut used: Vec<String> = Vec::new();
    let mut proposed = Vec::new();
    for task in chosen {
        let own = short(&task.name);
        let mut name = if taken[&own] > 1 { plain(&task.name) } else { own };
        while used.contains(&name) {
            name.push('_');
        }
        used.push(name.clone());
        proposed.push(Proposal {
            name,
            task,
            per_day: per_day * weight_of(task) / total,
        });
    }
    proposed
}

/// The last part of a task's name, as the name of a behaviour.
fn short(task: &str) -> String {
    plain(task.rsplit('.').next().unwrap_or(task))
}

/// A name of letters, digits and underscores.
fn plain(name: &str) -> String {
    let letters = name
        .chars()
        .map(|letter| if letter.is_alphanumeric() { letter } else { '_' });
    letters.flat_map(char::to_lowercase).take(LONGEST_NAME).collect()
}

/// Two digits are more than a guess holds.
fn rounded(per_day: f64) -> f64 {
    let digits = 10_f64.powf(1.0 - per_day.abs().log10().floor());
    (per_day * digits).round() / digits
}

fn rates(proposals: &[Proposal<'_>]) -> String {
    let mut text =
        "# Assumed: the weights of the locustfile, and the number of tasks given with --per-day.\n"
            .to_owned();
    for proposal in proposals {
        let _ = writeln!(
            text,
            "{} = \"{} / day\"",
            proposal.name,
            rounded(proposal.per_day)
        );
    }
    text
}

/// The text of a study without the configuration of functions: a user who asks for Locust did not ask what
/// functions cost.
fn without_functions(text: &str) -> String {
    let from = text.find(FUNCTIONS);
    let length = from.and_then(|from| text[from..].find("\n\n"));
    match (from, length) {
        (Some(from), Some(length)) => format!("{}{}", &text[..from], &text[from + length + 2..]),
        _ => text.to_owned(),
    }
}

fn table(place: &FilePlace, listing: &Listing, proposals: &[Proposal<'_>]) -> String {
    let mut text = format!(
        "# The behaviours are tasks of this file. A real Locust executes them on our schedule; with\n\
         # arrival = \"closed\" under [customers], users act as they are written.\n\
         [locust]\nfile = {}\npython = {}\n\
         # processes = 2                         # generator processes, one core each\n\
         # env = [\"SHOP_PASSWORD\"]               # variables of the environment that the file reads\n\n\
         [locust.behaviours]\n",
        quoted(&place.file.display().to_string()),
        quoted(&place.python),
    );
    for proposal in proposals {
        let _ = writeln!(text, "{} = {}", proposal.name, quoted(&proposal.task.name));
    }
    for task in listing.tasks.iter().filter(|task| task.weight <= 0.0) {
        let name = plain(&task.name);
        let _ = match task.kind {
            TaskKind::OnStart => writeln!(
                text,
                "# {name} = {}   # what a user does first; with a rate, it is priced as well",
                quoted(&task.name)
            ),
            _ => writeln!(
                text,
                "# {name} = {{ task = {}, run = \"whole\" }}   # instead of the tasks in it",
                quoted(&task.name)
            ),
        };
    }
    text
}

fn tell(
    arguments: &InitArguments,
    place: &FilePlace,
    listing: &Listing,
    proposals: &[Proposal<'_>],
    url: &TargetUrl,
) {
    let folder = arguments.folder.display();
    talk(&format!(
        "wrote a study of {} with {} tasks of {} (Locust {}, Python {})",
        url.base_url,
        proposals.len(),
        place.file.display(),
        listing.locust,
        listing.python
    ));
    talk(&format!(
        "note: the rates are assumed: {} tasks a day of one customer, by the weights of the file; correct \
         them under [rates]",
        arguments.per_day
    ));
    if listing.shape {
        talk("note: the file has a load shape of its own, which does not run: the study decides the load");
    }
    for class in listing.classes.iter().filter(|class| class.fixed > 0) {
        talk(&format!(
            "note: {} fixes {} users, which does not count here: the study decides the load",
            class.name, class.fixed
        ));
    }
    if !is_loopback(&url.host) {
        talk(&format!(
            "note: {host} is not this machine; if you are allowed to put load on it, add allow_hosts = \
             [\"{host}\"] under [target]",
            host = url.host
        ));
    }
    talk(&format!(
        "next: start the system at {}, then run `locust-nest all {folder}`",
        url.base_url
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing() -> Listing {
        let task = |name: &str, class: &str, weight: f64, kind: &str| {
            format!(
                r#"{{"name":"{name}","kind":"{kind}","class":"{class}","weight":{weight},"at":["l.py",3]}}"#
            )
        };
        let tasks = [
            task("Shop.on_start", "Shop", 0.0, "on_start"),
            task("Shop.browse", "Shop", 0.9, "task"),
            task("Shop.pay", "Shop", 0.1, "task"),
            task("Forum.browse", "Forum", 1.0, "task"),
        ]
        .join(",");
        let text = format!(
            r#"{{"locust":"2.47.0","python":"3.11.2","pid":1,"master":false,"shape":false,
                "classes":[{{"name":"Shop","weight":3,"fixed":0}},{{"name":"Forum","weight":1,"fixed":0}}],
                "tasks":[{tasks}]}}"#
        );
        serde_json::from_str(&text).expect("a listing")
    }

    #[test]
    fn the_study_has_no_configuration_that_nobody_asked_for() {
        let url = TargetUrl::read(URL).expect("a URL");
        let text = without_functions(&study_text("shop", &url));
        assert!(
            !text.contains("functions") && !text.contains("memory_mb"),
            "{text}"
        );
        assert!(text.contains("[configs.today]") && text.contains("\n\n# How many customers you have"));
    }

    #[test]
    fn rates_follow_the_weights_of_tasks_and_classes() {
        let listing = listing();
        let found = proposals(&listing, 40.0);
        let names: Vec<(&str, f64)> = found
            .iter()
            .map(|proposal| (proposal.name.as_str(), rounded(proposal.per_day)))
            .collect();
        assert_eq!(
            names,
            [("shop_browse", 27.0), ("pay", 3.0), ("forum_browse", 10.0)]
        );
        assert_eq!(rounded(0.123), 0.12);
    }
}
