//! The folder of one run: its manifest, plan, steps and measurements.

use std::{fs, path::PathBuf};

use nest_data::{
    Document, Measurements,
    measurement::{Machine, Pilot, Resource, Step},
};
use nest_load::plan::Plan;
use serde::{Deserialize, Serialize};

use super::{read_document, read_json, replace, write, write_json};
use crate::command_error::CommandError;

/// A run of a study: a folder in `runs/`.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
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

impl RunFolder {
    /// The folder of a run that exists.
    pub(super) fn at(path: PathBuf, id: String) -> Self {
        Self { path, id }
    }

    /// Makes the folder of a new run.
    pub(super) fn make(path: PathBuf, id: &str) -> Result<Self, CommandError> {
        fs::create_dir_all(path.join("steps"))?;
        Ok(Self::at(path, id.to_owned()))
    }

    /// The manifest.
    pub fn manifest(&self) -> Result<RunManifest, CommandError> {
        read_json(&self.path.join("run.json"))
    }

    /// Saves the manifest.
    pub fn write_manifest(&self, manifest: &RunManifest) -> Result<(), CommandError> {
        write_json(&self.path.join("run.json"), manifest)
    }

    /// The plan; `None` if the run ended before it had one.
    pub fn plan(&self) -> Result<Option<KeptPlan>, CommandError> {
        let path = self.path.join("plan.json");
        if path.is_file() {
            read_json(&path).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Saves the plan.
    pub fn write_plan(&self, plan: &KeptPlan) -> Result<(), CommandError> {
        write_json(&self.path.join("plan.json"), plan)
    }

    /// The finished steps, in the order of the plan.
    pub fn steps(&self) -> Result<Vec<Step>, CommandError> {
        let mut paths: Vec<PathBuf> = fs::read_dir(self.path.join("steps"))?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        paths.retain(|path| {
            path.extension().is_some_and(|extension| extension == "json")
                && !path.to_string_lossy().ends_with(".cut.json")
        });
        paths.sort();
        paths.iter().map(|path| read_json(path)).collect()
    }

    /// Saves a finished step.
    pub fn write_step(&self, step: &Step) -> std::io::Result<()> {
        replace(
            &self
                .path
                .join("steps")
                .join(format!("{:03}.json", step.plan.index)),
            &serde_json::to_vec_pretty(step)?,
        )
    }

    /// Saves a step that was cut short; it is run again when the run is resumed.
    pub fn write_cut_step(&self, step: &Step) -> std::io::Result<()> {
        replace(
            &self
                .path
                .join("steps")
                .join(format!("{:03}.cut.json", step.plan.index)),
            &serde_json::to_vec_pretty(step)?,
        )
    }

    /// The measurements of a finished run.
    pub fn measurements(&self) -> Result<Measurements, CommandError> {
        read_document(
            &self.path.join("measurements.json"),
            "finish the run with `locust-nest measure --resume`",
        )
    }

    /// Saves the measurements of a finished run.
    pub fn write_measurements(&self, measurements: &Measurements) -> Result<(), CommandError> {
        write(
            &self.path.join("measurements.json"),
            measurements.to_json().as_bytes(),
        )
        .map(drop)
    }

    /// A file for the target's messages.
    pub fn target_log(&self) -> std::io::Result<fs::File> {
        fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path.join("target.log"))
    }

    /// Removes the run.
    pub fn remove(&self) -> Result<(), CommandError> {
        fs::remove_dir_all(&self.path).map_err(CommandError::from)
    }
}
