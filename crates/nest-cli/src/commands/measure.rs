//! `measure`: loads the target step by step and saves each step as it ends.

pub mod consent;
mod dry_plan;
mod plan_output;
mod steps;

use std::{collections::BTreeMap, path::Path, time::Duration};

use nest_data::{Document, Measurements, Study, measurement::SearchResult};
use nest_load::{
    CommandSettings, Event, Interrupt, LoadError, MeasureOptions, MeasureOutcome, Resume, code::Registry,
    observe::machine, resolve_plan, secret_names,
};

pub use self::steps::steps_table;
use crate::{
    args::{FleetArguments, Format, MeasureArguments},
    clock,
    command_error::{CommandError, LOST, STALE},
    files::{KeptPlan, KeptSteps, RunFolder, RunManifest, RunState, StudyFolder},
    fleet::{self, FleetPurpose},
    interrupts,
    printer::{data, talk},
    progress::RunProgress,
};

/// Longest wait for the targets of runs that were killed: their guards kill them after five seconds, and the
/// machine may be busy. Our choice.
const LONGEST_ENDING: Duration = Duration::from_secs(30);
/// How often they are looked for.
const ENDING_INTERVAL: Duration = Duration::from_millis(20);

/// What the arguments ask for.
enum Task {
    /// Make the plan from what is known already, and print it.
    DryPlan,
    /// Make the plan and print it.
    Plan,
    /// Run load.
    Run(RunMode),
}

/// How a run begins, and what it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunMode {
    /// A new run of the plan.
    Fresh,
    /// The newest interrupted run continues.
    Resume,
    /// A new run with a search instead of the ramp.
    Search,
}

/// Runs the verb.
pub fn run(arguments: &MeasureArguments, registry: &Registry) -> Result<(), CommandError> {
    let (folder, study) = StudyFolder::open(&arguments.study.study, &arguments.study.overrides, registry)?;
    match task(arguments) {
        Task::DryPlan => dry_plan::run(&folder, &study, arguments.format),
        Task::Plan => {
            let interrupt = allowed(&folder, &study, arguments.consent.yes)?;
            let _lock = folder.lock()?;
            let (plan, _) = resolve_plan(&study, options(&folder, &study)?, &interrupt, &mut |_| Ok(()))?;
            plan_output::print(&plan, arguments.format)
        }
        Task::Run(mode) => {
            let interrupt = allowed(&folder, &study, arguments.consent.yes)?;
            let measurements = measure(&folder, &study, mode, &arguments.fleet, &interrupt, &mut |_| ())?;
            match arguments.format {
                Format::Json => data(&measurements.to_json())?,
                format => data(&steps_table(&measurements.steps).render(format))?,
            }
            measurements.search.iter().for_each(talk_of);
            Ok(())
        }
    }
}

/// Goes on if the user allows what the study does, and watches for signals from then on: while a question
/// waits, Ctrl-C leaves at once.
pub fn allowed(folder: &StudyFolder, study: &Study, yes: bool) -> Result<Interrupt, CommandError> {
    consent::check(folder, study, consent::ConsentFor::Measuring, yes)?;
    interrupts::watch()
}

fn task(arguments: &MeasureArguments) -> Task {
    if arguments.dry {
        Task::DryPlan
    } else if arguments.plan {
        Task::Plan
    } else if arguments.search {
        Task::Run(RunMode::Search)
    } else if arguments.resume {
        Task::Run(RunMode::Resume)
    } else {
        Task::Run(RunMode::Fresh)
    }
}

/// Prints the result of a search.
fn talk_of(search: &SearchResult) {
    let number = nest_report::format::number;
    let found = match (search.largest, search.confirmed) {
        (Some(largest), true) => format!(
            "the largest number of customers that meets the objectives is {}, confirmed",
            number(largest)
        ),
        (Some(largest), false) => format!("{} customers met the objectives, not confirmed", number(largest)),
        (None, _) if search.generator_limit.is_some() || search.unclear.is_some() => {
            "whether any number of customers meets the objectives is not known".to_owned()
        }
        (None, _) => "none of the numbers of customers that were tried meets the objectives".to_owned(),
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
    if let Some(unclear) = &search.unclear {
        talk(&format!(
            "more customers may meet the objectives, as a trial showed nothing: {unclear}"
        ));
    }
}

/// Measures a study and saves the result in its folder; `also` sees every event too.
pub fn measure(
    folder: &StudyFolder,
    study: &Study,
    mode: RunMode,
    fleet: &FleetArguments,
    interrupt: &Interrupt,
    also: &mut dyn FnMut(&Event<'_>),
) -> Result<Measurements, CommandError> {
    let options = options(folder, study)?;
    let _lock = folder.lock()?;
    wait_for_targets(folder, interrupt)?;
    // The broker of our own lives as long as the run.
    let planned = fleet::planned(fleet, &FleetPurpose::of(study), &options.trust, interrupt)?;
    let StartedRun {
        run,
        mut manifest,
        resume,
    } = match mode {
        RunMode::Resume => resumed_run(folder, study)?,
        RunMode::Fresh | RunMode::Search => new_run(folder, study)?,
    };
    match (&planned, manifest.workers) {
        (Some(planned), _) => {
            manifest.workers = Some(planned.options.workers);
            run.write_manifest(&manifest)?;
        }
        (None, Some(before)) => talk(&without_workers(folder, &run, before)),
        (None, None) => {}
    }
    let options = MeasureOptions {
        fleet: planned.as_ref().map(|planned| planned.options.clone()),
        search: mode == RunMode::Search,
        target_log: Some(run.target_log()?),
        resume,
        ..options
    };
    talk(&format!("run {} of {}", run.id, study.study.name));
    match watched(study, options, &run, interrupt, also) {
        Ok(outcome) => finished(folder, study, &run, manifest, outcome).map_err(|error| {
            error.hint(format!(
                "all steps are saved: correct that, then continue with `{}`",
                folder.command("measure --resume")
            ))
        }),
        Err(error) => {
            let interrupted = RunManifest {
                state: RunState::Interrupted,
                ..manifest
            };
            // A full disk may be why the run ended. A run that is still called running can continue, too.
            if let Err(error) = run.write_manifest(&interrupted) {
                talk(&format!("note: {}", error.text()));
            }
            Err(ended_early(error, &run))
        }
    }
}

/// What must be said where this machine goes on with a run of workers.
fn without_workers(folder: &StudyFolder, run: &RunFolder, before: usize) -> String {
    let workers = if before == 1 {
        "1 worker".to_owned()
    } else {
        format!("{before} workers")
    };
    format!(
        "note: so far {workers} sent the load of run {}, and this machine sends the rest; for workers, stop \
         and run `{}`",
        run.id,
        folder.command(&format!("measure --resume --workers {before}"))
    )
}

/// Waits until the targets of runs that were killed have ended. One that had hardly started does not listen
/// yet, and would take the address from the next one.
fn wait_for_targets(folder: &StudyFolder, interrupt: &Interrupt) -> Result<(), CommandError> {
    let elapsed = clock::stopwatch();
    for run in folder.runs()? {
        while run.has_target() {
            if interrupt.is_requested() {
                return Err(LoadError::Interrupted.into());
            }
            if elapsed() > LONGEST_ENDING {
                let message = format!("the target of run {}, which was killed, has not ended", run.id);
                return Err(CommandError::new(LOST, message).hint("end what its start command has started"));
            }
            std::thread::sleep(ENDING_INTERVAL);
        }
    }
    Ok(())
}

/// Saves the measurements of a run that has come to its end.
fn finished(
    folder: &StudyFolder,
    study: &Study,
    run: &RunFolder,
    manifest: RunManifest,
    outcome: MeasureOutcome,
) -> Result<Measurements, CommandError> {
    let measurements = Measurements {
        header: Measurements::header(),
        run: run.id.clone(),
        started_at: manifest.started_at.clone(),
        study: study.clone(),
        study_hash: study.hash(),
        machine: machine::facts(),
        generators: outcome.generators,
        resources: outcome.resources,
        pilot: outcome.pilot,
        steps: outcome.steps,
        search: outcome.search,
        caveats: outcome.caveats,
    };
    run.write_measurements(&measurements)?;
    let path = folder.write_measurements(&measurements)?;
    run.write_manifest(&RunManifest {
        state: RunState::Finished,
        ..manifest
    })?;
    talk(&format!(
        "measured {} steps: {}",
        measurements.steps.len(),
        path.display()
    ));
    Ok(measurements)
}

/// Runs load, saves the plan and every step as it ends, and shows how far the run has come.
fn watched(
    study: &Study,
    options: MeasureOptions,
    run: &RunFolder,
    interrupt: &Interrupt,
    also: &mut dyn FnMut(&Event<'_>),
) -> Result<MeasureOutcome, LoadError> {
    let mut progress = RunProgress::new(study);
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
                run.write_plan(&kept)?;
            }
            Event::BodiesKept(step, bodies) => run.write_bodies(*step, bodies)?,
            Event::StepFinished(step) => run.write_step(step)?,
            Event::StepCut(step) | Event::StepAgain(step) => run.write_cut_step(step)?,
            Event::PilotStarted { .. } | Event::StepStarted(_) | Event::Waiting { .. } | Event::Noted(_) => {}
        }
        progress.show(&event);
        also(&event);
        Ok(())
    };
    nest_load::measure(study, options, interrupt, &mut watch)
}

/// How the engine runs a study: its folder, its secrets from the environment, and what its behaviours need.
pub fn options(folder: &StudyFolder, study: &Study) -> Result<MeasureOptions, CommandError> {
    let names = secret_names(study.behaviours.values(), &study.target.base_url);
    let secrets: BTreeMap<String, String> = names
        .into_iter()
        .filter_map(|name| std::env::var(&name).ok().map(|secret| (name, secret)))
        .collect();
    let program = std::env::current_exe()?;
    let environment: BTreeMap<String, String> =
        [("LOCUST_NEST".to_owned(), program.to_string_lossy().into_owned())]
            .into_iter()
            .collect();
    let path = folder.path();
    let working_folder = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    Ok(MeasureOptions {
        commands: CommandSettings {
            folder: working_folder.to_owned(),
            environment,
            passed: study.target.env.clone(),
            secrets: secrets.clone(),
            print: Some(talk),
            guard: Some(program),
        },
        secrets,
        registry: folder.registry().clone(),
        feeds: folder.feeds(study)?,
        trust: folder.trust(study)?,
        ..MeasureOptions::default()
    })
}

/// A run that can begin or continue.
struct StartedRun {
    run: RunFolder,
    manifest: RunManifest,
    /// What an interrupted run has done already.
    resume: Option<Resume>,
}

fn new_run(folder: &StudyFolder, study: &Study) -> Result<StartedRun, CommandError> {
    let now = clock::now();
    let mut id = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    // Two runs that start in the same second must not share a folder.
    while folder.runs()?.iter().any(|run| run.id == id) {
        id.push('b');
    }
    let run = folder.new_run(&id)?;
    let manifest = RunManifest {
        started_at: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        study_hash: study.hash(),
        machine: machine::facts(),
        state: RunState::Running,
        workers: None,
    };
    run.write_manifest(&manifest)?;
    Ok(StartedRun {
        run,
        manifest,
        resume: None,
    })
}

/// A run that did not finish.
struct UnfinishedRun {
    run: RunFolder,
    manifest: RunManifest,
    /// Its plan; `None` if it ended before it had one.
    plan: Option<KeptPlan>,
}

/// The newest run that did not finish, if study and machine are still the same.
fn resumed_run(folder: &StudyFolder, study: &Study) -> Result<StartedRun, CommandError> {
    let UnfinishedRun { run, manifest, plan } = newest_unfinished(folder)?;
    let mut differs = Vec::new();
    if manifest.study_hash != study.hash() {
        differs.push("the study has changed");
    }
    if manifest.machine != machine::facts() {
        differs.push("this is another machine");
    }
    if !differs.is_empty() {
        let message = format!("run {} cannot continue: {}", run.id, differs.join(", and "));
        let hint = format!(
            "undo the change, or start a new run with `{}`",
            folder.command("measure")
        );
        return Err(CommandError::new(STALE, message).hint(hint));
    }
    let resume = match plan {
        None => None,
        Some(kept) => {
            let KeptSteps {
                steps: finished,
                left_out,
            } = run.steps_of(&kept.plan)?;
            talk(&format!("continuing after {} finished steps", finished.len()));
            let again = |one: &String| talk(&format!("note: a step runs again, because {one}"));
            left_out.iter().for_each(again);
            Some(Resume {
                plan: kept.plan,
                pilot: kept.pilot,
                finished,
            })
        }
    };
    Ok(StartedRun {
        run,
        manifest,
        resume,
    })
}

fn newest_unfinished(folder: &StudyFolder) -> Result<UnfinishedRun, CommandError> {
    for run in folder.runs()?.into_iter().rev() {
        let read = run
            .manifest()
            .and_then(|manifest| run.plan().map(|plan| (manifest, plan)));
        match read {
            Ok((manifest, _)) if manifest.state == RunState::Finished => {}
            Ok((manifest, plan)) => return Ok(UnfinishedRun { run, manifest, plan }),
            Err(error) => talk(&format!(
                "note: run {} is left out, because {}",
                run.id,
                error.text()
            )),
        }
    }
    let message = format!("{} has no interrupted run to continue", folder.path().display());
    Err(CommandError::new(STALE, message).hint(format!("start one with `{}`", folder.command("measure"))))
}

fn ended_early(error: LoadError, run: &RunFolder) -> CommandError {
    let steps = run.steps().map(|kept| kept.steps.len()).unwrap_or(0);
    talk(&format!(
        "run {} ended early after {steps} finished steps",
        run.id
    ));
    CommandError::from(error)
}
