//! `measure`: put the target under load, keep each step as it ends.

use std::{collections::BTreeMap, path::Path};

use jiff::Timestamp;
use nest_data::{Document, Measurements, Study, measurement::SearchResult};
use nest_load::{
    Event, Interrupt, LoadError, MeasureOptions, Resume, code::Registry, observe::machine, plan::Plan,
    resolve_plan, secret_names,
};

use crate::{
    args::{Format, MeasureArguments},
    failure::{Failure, STALE},
    files::{KeptPlan, RunFolder, RunManifest, RunState, StudyFolder},
    interrupts,
    printer::{Table, data, seconds, talk},
    progress::Progress,
};

/// Runs the verb.
pub fn run(arguments: &MeasureArguments, registry: &Registry) -> Result<(), Failure> {
    let folder = StudyFolder::new(&arguments.study.study)?.with_code(registry);
    let study = folder.study(&arguments.study.overrides)?;
    let interrupt = interrupts::watch()?;
    if arguments.plan {
        let plan = resolve_plan(&study, options(&folder, &study)?, &interrupt, &mut |_| Ok(()))?;
        return print_plan(&plan, arguments.format);
    }
    let mode = if arguments.search {
        Mode::Search
    } else {
        Mode::resumed(arguments.resume)
    };
    let measurements = measure(&folder, &study, mode, &interrupt, &mut |_| ())?;
    match arguments.format {
        Format::Json => data(&measurements.to_json())?,
        format => data(&steps_table(&measurements.steps).render(format))?,
    }
    if let Some(search) = &measurements.search {
        talk_of(search);
    }
    Ok(())
}

/// How a run begins, and what it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A new run of the plan.
    Fresh,
    /// The newest interrupted run goes on.
    Resume,
    /// A new run with a search instead of the ramp.
    Search,
}

impl Mode {
    /// A new run, or the newest interrupted one.
    pub fn resumed(resume: bool) -> Self {
        if resume { Self::Resume } else { Self::Fresh }
    }
}

/// Says what a search found.
fn talk_of(search: &SearchResult) {
    let number = nest_report::format::number;
    let found = match (search.largest, search.confirmed) {
        (Some(largest), true) => format!(
            "the largest number of customers that meets the objectives is {}, confirmed",
            number(largest)
        ),
        (Some(largest), false) => format!("{} customers met the objectives, not confirmed", number(largest)),
        (None, _) if search.generator_limit.is_some() => {
            "whether any number of customers meets the objectives is not known".to_owned()
        }
        (None, _) => "no number of customers that was tried meets the objectives".to_owned(),
    };
    talk(&found);
    if let Some(failed) = search.smallest_failed {
        talk(&format!(
            "at {} customers: {}",
            number(failed),
            search.missed.join("; ")
        ));
    }
    if let Some(limit) = &search.generator_limit {
        talk(&format!(
            "the search ended because the generator, not the target, was the limit: {limit}"
        ));
    }
}

/// Measures a study and keeps the result in its folder; `also` sees every event too.
pub fn measure(
    folder: &StudyFolder,
    study: &Study,
    mode: Mode,
    interrupt: &Interrupt,
    also: &mut dyn FnMut(&Event<'_>),
) -> Result<Measurements, Failure> {
    let mut options = options(folder, study)?;
    options.search = mode == Mode::Search;
    let (run, mut manifest) = if mode == Mode::Resume {
        resumed_run(folder, study, &mut options)?
    } else {
        new_run(folder, study)?
    };
    options.target_log = Some(run.target_log()?);
    talk(&format!("run {} of {}", run.id, study.study.name));
    let mut progress = Progress::new(study);
    let mut resources = Vec::new();
    let mut watch = |event: Event<'_>| -> std::io::Result<()> {
        match &event {
            Event::Ready(found) => resources = found.to_vec(),
            Event::Planned(plan, pilot) => {
                let kept = KeptPlan {
                    plan: (*plan).clone(),
                    pilot: pilot.to_vec(),
                    resources: resources.clone(),
                };
                run.write_plan(&kept)
                    .map_err(|_| std::io::Error::other("the plan could not be written"))?;
            }
            Event::StepFinished(step) => run.write_step(step)?,
            Event::StepCut(step) => run.write_cut_step(step)?,
            Event::PilotStarted { .. } | Event::StepStarted(_) => {}
        }
        progress.show(&event);
        also(&event);
        Ok(())
    };
    let outcome = nest_load::measure(study, options, interrupt, &mut watch);
    drop(progress);
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            run.write_manifest(&RunManifest {
                state: RunState::Interrupted,
                ..manifest
            })?;
            return Err(ended_early(error, &run));
        }
    };
    let measurements = Measurements {
        header: Measurements::header(),
        run: run.id.clone(),
        started_at: manifest.started_at.clone(),
        study: study.clone(),
        study_hash: study.hash(),
        machine: machine::facts(),
        resources: outcome.resources,
        pilot: outcome.pilot,
        steps: outcome.steps,
        search: outcome.search,
        caveats: outcome.caveats,
    };
    run.write_measurements(&measurements)?;
    let path = folder.write_measurements(&measurements)?;
    manifest.state = RunState::Finished;
    run.write_manifest(&manifest)?;
    talk(&format!(
        "measured {} steps: {}",
        measurements.steps.len(),
        path.display()
    ));
    Ok(measurements)
}

/// The steps of a run as a table.
pub fn steps_table(steps: &[nest_data::measurement::Step]) -> Table {
    let mut table = Table::new(&[
        "step",
        "customers",
        "active",
        "in flight",
        "offered/s",
        "due",
        "completed",
        "failed",
        "dropped",
        "lateness p99",
        "verdict",
        "reasons",
    ]);
    for step in steps {
        let counts = step.total();
        table.rows.push(vec![
            step.plan.label(),
            step.plan
                .customers
                .map_or_else(String::new, |customers| format!("{customers:.0}")),
            format!("{:.1}", step.active),
            format!("{:.1}", step.in_flight),
            format!("{:.1}", step.plan.total_per_s()),
            counts.due.to_string(),
            counts.completed.to_string(),
            counts.failed.to_string(),
            counts.dropped.to_string(),
            seconds(step.generator.lateness_p99_s),
            step.verdict.validity.label().to_owned(),
            step.verdict.reasons.join("; "),
        ]);
    }
    table
}

/// Options of a run: where commands are run, and the secrets from the environment.
fn options(folder: &StudyFolder, study: &Study) -> Result<MeasureOptions, Failure> {
    let secrets = secret_names(study.behaviours.values())
        .into_iter()
        .filter_map(|name| std::env::var(&name).ok().map(|secret| (name, secret)))
        .collect();
    let program = std::env::current_exe()?;
    let environment: BTreeMap<String, String> =
        [("LOCUST_NEST".to_owned(), program.to_string_lossy().into_owned())]
            .into_iter()
            .collect();
    let (registry, feeds, trust) = (
        folder.registry().clone(),
        folder.feeds(study)?,
        folder.trust(study)?,
    );
    let path = folder.path();
    let folder = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    Ok(MeasureOptions {
        folder: folder.to_owned(),
        environment,
        secrets,
        registry,
        feeds,
        trust,
        ..MeasureOptions::default()
    })
}

fn new_run(folder: &StudyFolder, study: &Study) -> Result<(RunFolder, RunManifest), Failure> {
    let now = Timestamp::now();
    let mut id = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    // A run that was removed and made again in the same second would otherwise share its folder.
    while folder.runs()?.iter().any(|run| run.id == id) {
        id.push('b');
    }
    let run = folder.new_run(&id)?;
    let started_at = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let manifest = RunManifest {
        started_at,
        study_hash: study.hash(),
        machine: machine::facts(),
        state: RunState::Running,
    };
    run.write_manifest(&manifest)?;
    Ok((run, manifest))
}

/// The newest run that did not finish, where study and machine are still the same.
fn resumed_run(
    folder: &StudyFolder,
    study: &Study,
    options: &mut MeasureOptions,
) -> Result<(RunFolder, RunManifest), Failure> {
    let nothing = || {
        Failure::new(
            STALE,
            format!("{} has no interrupted run to go on with", folder.path().display()),
        )
        .hint("start one with `locust-nest measure`")
    };
    let mut newest = None;
    for run in folder.runs()?.into_iter().rev() {
        let manifest = run.manifest()?;
        if manifest.state != RunState::Finished {
            newest = Some((run, manifest));
            break;
        }
    }
    let (run, manifest) = newest.ok_or_else(nothing)?;
    let mut differs = Vec::new();
    if manifest.study_hash != study.hash() {
        differs.push("the study has changed");
    }
    if manifest.machine != machine::facts() {
        differs.push("the machine is another one");
    }
    if !differs.is_empty() {
        let message = format!("run {} cannot go on: {}", run.id, differs.join(", and "));
        return Err(
            Failure::new(STALE, message).hint("undo the change, or start anew with `locust-nest measure`")
        );
    }
    if let Some(kept) = run.plan()? {
        let finished = run.steps()?;
        talk(&format!("going on after {} finished steps", finished.len()));
        options.resume = Some(Resume {
            plan: kept.plan,
            pilot: kept.pilot,
            finished,
        });
    }
    Ok((run, manifest))
}

fn ended_early(error: LoadError, run: &RunFolder) -> Failure {
    let steps = run.steps().map(|steps| steps.len()).unwrap_or(0);
    talk(&format!("run {} ended early with {steps} finished steps", run.id));
    Failure::from(error)
}

fn print_plan(plan: &Plan, format: Format) -> Result<(), Failure> {
    let mut table = Table::new(&["step", "customers", "executions/s", "mix"]);
    for step in &plan.steps {
        let mix: Vec<String> = step
            .offered_per_s
            .iter()
            .map(|(name, rate)| format!("{name} {rate:.2}"))
            .collect();
        let customers = step
            .customers
            .map_or_else(String::new, |customers| format!("{customers:.0}"));
        table.rows.push(vec![
            step.label(),
            customers,
            format!("{:.1}", step.total_per_s()),
            mix.join(", "),
        ]);
    }
    if format == Format::Json {
        let json = serde_json::to_string_pretty(plan).map_err(std::io::Error::from)?;
        return data(&(json + "\n"));
    }
    data(&table.render(format))?;
    talk(&format!(
        "{} steps, up to {:.0} executions/s, {:.0} executions, about {}",
        plan.steps.len(),
        plan.peak_per_s,
        plan.executions,
        seconds(plan.duration_s)
    ));
    plan.caveats
        .iter()
        .for_each(|caveat| talk(&format!("note: {caveat}")));
    Ok(())
}
