//! The folder of one run: its manifest, plan, steps and measurements.

use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
};

use nest_data::{
    Document, Measurements,
    measurement::{Machine, Pilot, PlannedStep, Resource, Step},
};
use nest_load::{FailedBody, plan::Plan};
use serde::{Deserialize, Serialize};

use super::{Folder, cannot, command, read_document, read_json, write_json};
use crate::command_error::CommandError;

const MANIFEST: &str = "run.json";
const PLAN: &str = "plan.json";
const STEPS: &str = "steps";
const CUT: &str = ".cut.json";
const TARGET_LOG: &str = "target.log";
const FAILURES: &str = "failures";
const MEASUREMENTS: &str = "measurements.json";

/// A run of a study: a folder in `runs/`.
#[derive(Debug, Clone)]
pub struct RunFolder {
    folder: Folder,
    /// Its name: the time it started.
    pub id: String,
}

/// When, from what and where a run was made, and whether it finished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunManifest {
    /// When it started, ISO 8601 in UTC.
    pub started_at: String,
    /// SHA-256 of the study.
    pub study_hash: String,
    /// The machine it ran on.
    pub machine: Machine,
    /// How far it got.
    pub state: RunState,
    /// Workers that offer its load; `None` for threads of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<usize>,
}

/// How far a run got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// It is under way, or its process was killed.
    Running,
    /// It was stopped or lost its target.
    Interrupted,
    /// It finished.
    Finished,
}

impl RunState {
    /// The word for it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Running => "running or killed",
            Self::Interrupted => "interrupted",
            Self::Finished => "finished",
        }
    }
}

/// The resolved plan of a run, kept before its first step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptPlan {
    /// The plan.
    pub plan: Plan,
    /// The pilot it was made from.
    pub pilot: Vec<Pilot>,
    /// The resources that were found.
    pub resources: Vec<Resource>,
}

/// The steps of a run.
#[derive(Debug, Default)]
pub struct KeptSteps {
    /// Those that can be used.
    pub steps: Vec<Step>,
    /// Why others cannot, a sentence each.
    pub left_out: Vec<String>,
}

impl RunFolder {
    /// The folder of a run that exists; `None` if it is no folder of a run.
    pub(super) fn at(runs: &Folder, id: &str) -> Option<Self> {
        let folder = runs.folder(id).ok()?;
        folder.has(MANIFEST).then(|| Self {
            folder,
            id: id.to_owned(),
        })
    }

    /// Makes the folder of a new run.
    pub(super) fn make(runs: &Folder, id: &str) -> io::Result<Self> {
        let folder = runs.make_folder(id)?;
        folder.make_folder(STEPS)?;
        Ok(Self {
            folder,
            id: id.to_owned(),
        })
    }

    /// The manifest.
    pub fn manifest(&self) -> Result<RunManifest, CommandError> {
        read_json(&self.folder, MANIFEST, &self.damaged())
    }

    /// Saves the manifest.
    pub fn write_manifest(&self, manifest: &RunManifest) -> Result<(), CommandError> {
        write_json(&self.folder, MANIFEST, manifest).map_err(|error| self.cannot_write(MANIFEST, error))
    }

    /// The plan; `None` if the run ended before it had one.
    pub fn plan(&self) -> Result<Option<KeptPlan>, CommandError> {
        if self.folder.has(PLAN) {
            read_json(&self.folder, PLAN, &self.damaged()).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Saves the plan.
    pub fn write_plan(&self, plan: &KeptPlan) -> io::Result<()> {
        write_named(&self.folder, PLAN, plan)
    }

    /// The finished steps that can be read, in the order of the plan, each once, and why others cannot.
    pub fn steps(&self) -> Result<KeptSteps, CommandError> {
        let mut kept = KeptSteps::default();
        let folder = match self.folder.folder(STEPS) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(kept),
            Err(error) => return Err(cannot("read", &self.folder.path_of(STEPS), error)),
        };
        let names = folder.names()?;
        for name in names.iter().filter(|name| is_finished_step(name)) {
            match read_json::<Step>(&folder, name, &self.damaged()) {
                Ok(step) if file_of_step(&step) == *name => kept.steps.push(step),
                Ok(step) => kept.left_out.push(format!(
                    "{}: it holds step {}, which belongs into {}",
                    folder.path_of(name).display(),
                    step.plan.index,
                    file_of_step(&step)
                )),
                Err(error) => kept.left_out.push(error.text()),
            }
        }
        Ok(kept)
    }

    /// The finished steps of a plan, and why others cannot be used. Steps that a search added come after
    /// those of the plan.
    pub fn steps_of(&self, plan: &Plan) -> Result<KeptSteps, CommandError> {
        let KeptSteps { steps, mut left_out } = self.steps()?;
        let planned = |step: &Step| plan.steps.iter().find(|planned| planned.index == step.plan.index);
        let is_of_plan = |step: &Step| planned(step).is_none_or(|planned| *planned == step.plan);
        let (steps, others): (Vec<Step>, Vec<Step>) = steps.into_iter().partition(is_of_plan);
        left_out.extend(others.iter().map(|step| {
            format!(
                "{}: it was not made for the plan of this run",
                self.folder.path_of(STEPS).join(file_of_step(step)).display()
            )
        }));
        Ok(KeptSteps { steps, left_out })
    }

    /// Saves a finished step.
    pub fn write_step(&self, step: &Step) -> io::Result<()> {
        write_named(&self.folder.make_folder(STEPS)?, &file_of_step(step), step)
    }

    /// Saves a step that was cut short; it is run again when the run is resumed.
    pub fn write_cut_step(&self, step: &Step) -> io::Result<()> {
        let name = format!("{:03}{CUT}", step.plan.index);
        write_named(&self.folder.make_folder(STEPS)?, &name, step)
    }

    /// Saves bodies of answers that failed, of a step or of the pilot. They may hold secrets that nobody
    /// knows: git ignores them wherever the study lies, and nothing reads them again.
    pub fn write_bodies(&self, step: Option<&PlannedStep>, bodies: &[FailedBody]) -> io::Result<()> {
        let folder = self.folder.make_folder(FAILURES)?;
        folder.write(".gitignore", b"*\n")?;
        let name = step.map_or_else(
            || "pilot.json".to_owned(),
            |step| format!("{:03}.json", step.index),
        );
        write_named(&folder, &name, &bodies)
    }

    /// The measurements of a finished run.
    pub fn measurements(&self) -> Result<Measurements, CommandError> {
        let finish = format!(
            "finish the run with `{}`",
            command("measure --resume", self.study())
        );
        let again = command("measure", self.study());
        read_document(&self.folder, MEASUREMENTS, &again, &finish)
    }

    /// The folder of its study, which is above `runs/RUN`.
    fn study(&self) -> &Path {
        self.folder.path().ancestors().nth(2).unwrap_or(Path::new(""))
    }

    /// What to do if a file of it is damaged.
    fn damaged(&self) -> String {
        format!(
            "remove the run with `{}`",
            command(&format!("runs rm {}", self.id), self.study())
        )
    }

    /// Saves the measurements of a finished run.
    pub fn write_measurements(&self, measurements: &Measurements) -> Result<(), CommandError> {
        self.folder
            .write(MEASUREMENTS, measurements.to_json().as_bytes())
            .map_err(|error| self.cannot_write(MEASUREMENTS, error))
    }

    /// A file for the target's messages. It stays locked until the guard of the target ends, which holds it
    /// too: that may be after this process was killed.
    pub fn target_log(&self) -> Result<File, CommandError> {
        let log = self
            .folder
            .append(TARGET_LOG)
            .map_err(|error| self.cannot_write(TARGET_LOG, error))?;
        // Where a file system has no locks, the target's address alone tells whether it has ended.
        let _ = log.try_lock();
        Ok(log)
    }

    /// Whether a target of this run, whose process was killed, has not ended yet.
    pub fn has_target(&self) -> bool {
        self.folder.has(TARGET_LOG)
            && self
                .folder
                .append(TARGET_LOG)
                .is_ok_and(|log| matches!(log.try_lock(), Err(TryLockError::WouldBlock)))
    }

    fn cannot_write(&self, name: &str, error: io::Error) -> CommandError {
        cannot("write", &self.folder.path_of(name), error)
    }
}

/// Writes a file; an error names it.
fn write_named(folder: &Folder, name: &str, value: &impl Serialize) -> io::Result<()> {
    write_json(folder, name, value).map_err(|error| {
        let path = folder.path_of(name);
        io::Error::new(error.kind(), format!("{}: {error}", path.display()))
    })
}

/// The name of a finished step's file.
fn file_of_step(step: &Step) -> String {
    format!("{:03}.json", step.plan.index)
}

fn is_finished_step(name: &str) -> bool {
    name.ends_with(".json") && !name.ends_with(CUT)
}
