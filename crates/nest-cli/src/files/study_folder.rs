//! The study folder: its texts, documents, runs and reports.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use nest_data::{
    Document, Measurements, Projection, ScalingModel, Source, Study,
    feed::Feed,
    study::growth::file::{growth_file, read_growth_files},
    study::read::{StudyTexts, read_feeds, read_study},
};
use nest_load::{Trust, code::Registry};

use super::{read_document, run_folder::RunFolder, shorten, source, trust_also, write};
use crate::command_error::{CommandError, INVALID};

/// A folder with a `nest.toml`.
#[derive(Debug, Clone)]
pub struct StudyFolder {
    path: PathBuf,
    registry: Registry,
}

impl StudyFolder {
    /// The folder of a study, or that of a `nest.toml`.
    pub fn new(path: &Path) -> Result<Self, CommandError> {
        Self::with_code(path, &Registry::new())
    }

    /// The folder of a study with behaviours in code beside those of its files.
    pub fn with_code(path: &Path, registry: &Registry) -> Result<Self, CommandError> {
        let path = if path.is_file() {
            path.parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
        } else {
            path.to_owned()
        };
        let folder = Self {
            path,
            registry: registry.clone(),
        };
        if folder.path.join("nest.toml").is_file() {
            return Ok(folder);
        }
        let message = format!("{} is not a study: it has no nest.toml", folder.path.display());
        Err(CommandError::new(INVALID, message)
            .hint("give the folder of a study, or write a new one with `locust-nest init`"))
    }

    /// The folder of a study, and the study with `overrides` of single values (path and value).
    pub fn open(
        path: &Path,
        overrides: &[(String, String)],
        registry: &Registry,
    ) -> Result<(Self, Study), CommandError> {
        let folder = Self::with_code(path, registry)?;
        let study = folder.study(overrides)?;
        Ok((folder, study))
    }

    /// Behaviours in code.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The rows of the study's feeds.
    pub fn feeds(&self, study: &Study) -> Result<BTreeMap<String, Feed>, CommandError> {
        let mut files = BTreeMap::new();
        for (name, feed) in &study.feeds {
            let path = self.path.join(&feed.file);
            // A missing file is reported below, together with all other errors of the feeds.
            if !path.exists() {
                continue;
            }
            let read = source(&path)
                .map_err(|error| error.context(format!("cannot read feed `{name}` from {}", feed.file)))?;
            files.insert(feed.file.clone(), Source::new(&feed.file, read.text));
        }
        read_feeds(study, &files)
            .map_err(|found| CommandError::diagnostics(found, files.into_values().collect()))
    }

    /// Whom the study trusts over TLS.
    pub fn trust(&self, study: &Study) -> Result<Trust, CommandError> {
        match &study.target.ca {
            _ if study.target.insecure => Ok(Trust::Anybody),
            Some(file) => trust_also(&self.path.join(file)),
            None => Ok(Trust::Machine),
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its name, which is that of the folder.
    pub fn name(&self) -> String {
        let absolute = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        absolute
            .file_name()
            .map_or_else(|| "study".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// The text of `nest.toml`.
    pub fn nest_text(&self) -> Result<Source, CommandError> {
        source(&self.path.join("nest.toml"))
    }

    /// Reads and checks the study, with `overrides` of single values.
    pub fn study(&self, overrides: &[(String, String)]) -> Result<Study, CommandError> {
        let texts = self.texts()?;
        let mut study = read_study(&texts, overrides).map_err(|found| {
            let sources = std::iter::once(texts.nest)
                .chain(texts.behaviours.into_values())
                .collect();
            let error = CommandError::diagnostics(found, sources);
            if self.has_code_elsewhere() {
                error.hint(self.own_program())
            } else {
                error
            }
        })?;
        self.add_growth_files(&mut study)?;
        Ok(study)
    }

    /// Reads the plans and histories that growth scenarios name.
    fn add_growth_files(&self, study: &mut Study) -> Result<(), CommandError> {
        let mut files = BTreeMap::new();
        for (file, _) in study.growth.values().filter_map(growth_file) {
            let path = self.path.join(file);
            // A missing file is reported below, together with all other errors of the scenarios.
            if path.exists() {
                let read = source(&path)
                    .map_err(|error| error.context(format!("cannot read growth from {file}")))?;
                files.insert(file.to_owned(), Source::new(file, read.text));
            }
        }
        read_growth_files(study, &files)
            .map_err(|found| CommandError::diagnostics(found, files.into_values().collect()))
    }

    /// Whether the folder is a crate with behaviours in code, and this program is not that crate's.
    fn has_code_elsewhere(&self) -> bool {
        self.registry.names().is_empty() && self.path.join("Cargo.toml").is_file()
    }

    fn own_program(&self) -> String {
        let folder = self.path.display();
        format!(
            "this folder is a crate with behaviours written in Rust; run its own program: \
             `cargo run --manifest-path {folder}/Cargo.toml -- VERB {folder}`"
        )
    }

    fn texts(&self) -> Result<StudyTexts, CommandError> {
        let mut behaviours = BTreeMap::new();
        let folder = self.path.join("behaviours");
        if folder.is_dir() {
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == "toml") {
                    let name = path
                        .file_stem()
                        .map(|stem| stem.to_string_lossy().into_owned())
                        .unwrap_or_default();
                    behaviours.insert(name, source(&path)?);
                }
            }
        }
        Ok(StudyTexts {
            nest: self.nest_text()?,
            behaviours,
            code: self.registry.names(),
        })
    }

    /// Makes the folder of a new run.
    pub fn new_run(&self, id: &str) -> Result<RunFolder, CommandError> {
        RunFolder::make(self.path.join("runs").join(id), id)
    }

    /// All runs, oldest first.
    pub fn runs(&self) -> Result<Vec<RunFolder>, CommandError> {
        let folder = self.path.join("runs");
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let mut runs = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.join("run.json").is_file() {
                let id = path
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned())
                    .unwrap_or_default();
                runs.push(RunFolder::at(path, id));
            }
        }
        runs.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(runs)
    }

    /// One run, by its name.
    pub fn run(&self, id: &str) -> Result<RunFolder, CommandError> {
        let runs = self.runs()?;
        let known: Vec<String> = runs.iter().map(|run| run.id.clone()).collect();
        runs.into_iter().find(|run| run.id == id).ok_or_else(|| {
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            CommandError::new(INVALID, format!("{} has no run {id}", self.path.display()))
                .hint(format!("its runs: {known}"))
        })
    }

    /// The measurements.
    pub fn measurements(&self) -> Result<Measurements, CommandError> {
        read_document(&self.path.join("measurements.json"), "run `locust-nest measure`")
    }

    /// Saves the measurements.
    pub fn write_measurements(&self, measurements: &Measurements) -> Result<PathBuf, CommandError> {
        write(
            &self.path.join("measurements.json"),
            measurements.to_json().as_bytes(),
        )
    }

    /// The fitted model.
    pub fn scaling(&self) -> Result<ScalingModel, CommandError> {
        read_document(&self.path.join("scaling.json"), "run `locust-nest fit`")
    }

    /// Saves the fitted model.
    pub fn write_scaling(&self, model: &ScalingModel) -> Result<PathBuf, CommandError> {
        write(&self.path.join("scaling.json"), model.to_json().as_bytes())
    }

    /// The projection.
    pub fn projection(&self) -> Result<Projection, CommandError> {
        read_document(
            &self.reports().join("projection.json"),
            "run `locust-nest project`",
        )
    }

    /// Saves a file of the report.
    pub fn write_report(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, CommandError> {
        write(&self.reports().join(name), bytes)
    }

    /// Where reports go: `reports/STUDY` beside the folder `models` if the study lies there, otherwise
    /// `reports` in the study.
    pub fn reports(&self) -> PathBuf {
        let absolute = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        match absolute
            .parent()
            .filter(|parent| parent.file_name().is_some_and(|name| name == "models"))
            .and_then(Path::parent)
        {
            Some(repository) => shorten(&repository.join("reports").join(self.name())),
            None => self.path.join("reports"),
        }
    }

    /// Folders in which price books are looked up, the first taking precedence.
    pub fn pricing(&self) -> Vec<PathBuf> {
        let absolute = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let repository = absolute
            .parent()
            .filter(|parent| parent.file_name().is_some_and(|name| name == "models"))
            .and_then(Path::parent);
        std::iter::once(self.path.join("pricing"))
            .chain(repository.map(|repository| shorten(&repository.join("pricing"))))
            .collect()
    }
}
