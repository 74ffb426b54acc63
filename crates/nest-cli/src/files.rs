//! The study folder: its texts, its documents, its runs, and where its reports go.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use nest_data::{
    Document, Measurements, Projection, ScalingModel, Source, Study,
    feed::Feed,
    growth_file::{growth_file, read_growth_files},
    measurement::{Machine, Pilot, Resource, Step},
    study_file::{StudyTexts, read_feeds, read_study},
};
use nest_load::{Trust, code::Registry, plan::Plan};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::failure::{Failure, INVALID, STALE};

/// A folder with a `nest.toml`.
#[derive(Debug, Clone)]
pub struct StudyFolder {
    path: PathBuf,
    registry: Registry,
}

/// A run of a study: a folder in `runs/`.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
    /// Its name: the time it started.
    pub id: String,
}

/// What a run says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunManifest {
    /// When it started, ISO 8601 in UTC.
    pub started_at: String,
    /// SHA-256 of the study.
    pub study_hash: String,
    /// The machine it ran on.
    pub machine: Machine,
    /// Whether it came to its end.
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
    /// It came to its end.
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

/// Trust in the certificates of a file, besides those that the machine trusts.
pub fn trust_also(path: &Path) -> Result<Trust, Failure> {
    let file = path.display().to_string();
    let pem = fs::read_to_string(path).map_err(|error| {
        Failure::from(error).context(format!("the certificates in {file} cannot be read"))
    })?;
    Ok(Trust::Also { file, pem })
}

impl StudyFolder {
    /// The folder of a study; also taken from the path of its `nest.toml`.
    pub fn new(path: &Path) -> Result<Self, Failure> {
        let path = if path.is_file() {
            path.parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
        } else {
            path.to_owned()
        };
        let folder = Self {
            path,
            registry: Registry::new(),
        };
        if folder.path.join("nest.toml").is_file() {
            return Ok(folder);
        }
        let message = format!(
            "there is no study in {}: it has no nest.toml",
            folder.path.display()
        );
        Err(Failure::new(INVALID, message)
            .hint("name the folder of a study, or write one with `locust-nest init`"))
    }

    /// Takes behaviours in code beside those of the folder.
    #[must_use]
    pub fn with_code(mut self, registry: &Registry) -> Self {
        self.registry = registry.clone();
        self
    }

    /// Behaviours in code.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The rows of the study's feeds.
    pub fn feeds(&self, study: &Study) -> Result<BTreeMap<String, Feed>, Failure> {
        let mut files = BTreeMap::new();
        for (name, feed) in &study.feeds {
            let path = self.path.join(&feed.file);
            // One that is missing is an error of the study, beside all others of its feeds.
            if !path.exists() {
                continue;
            }
            let read = source(&path)
                .map_err(|error| error.context(format!("feed `{name}` cannot be read from {}", feed.file)))?;
            files.insert(feed.file.clone(), Source::new(&feed.file, read.text));
        }
        read_feeds(study, &files).map_err(|found| Failure::diagnostics(found, files.into_values().collect()))
    }

    /// Whom the study trusts over TLS.
    pub fn trust(&self, study: &Study) -> Result<Trust, Failure> {
        match &study.target.ca {
            _ if study.target.insecure => Ok(Trust::Anybody),
            Some(file) => trust_also(&self.path.join(file)),
            None => Ok(Trust::Machine),
        }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its name: that of the folder.
    pub fn name(&self) -> String {
        let absolute = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        absolute
            .file_name()
            .map_or_else(|| "study".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// Reads and checks the study, with `overrides` of single values.
    pub fn study(&self, overrides: &[(String, String)]) -> Result<Study, Failure> {
        let texts = self.texts()?;
        let mut study = read_study(&texts, overrides).map_err(|found| {
            let sources = std::iter::once(texts.nest)
                .chain(texts.behaviours.into_values())
                .collect();
            let failure = Failure::diagnostics(found, sources);
            if self.has_code_elsewhere() {
                failure.hint(self.own_program())
            } else {
                failure
            }
        })?;
        self.add_growth_files(&mut study)?;
        Ok(study)
    }

    /// Reads the plans and histories that growth scenarios name.
    fn add_growth_files(&self, study: &mut Study) -> Result<(), Failure> {
        let mut files = BTreeMap::new();
        for (file, _) in study.growth.values().filter_map(growth_file) {
            let path = self.path.join(file);
            // One that is missing is an error of the study, beside all others of its scenarios.
            if path.exists() {
                let read = source(&path)
                    .map_err(|error| error.context(format!("growth cannot be read from {file}")))?;
                files.insert(file.to_owned(), Source::new(file, read.text));
            }
        }
        read_growth_files(study, &files)
            .map_err(|found| Failure::diagnostics(found, files.into_values().collect()))
    }

    /// Whether the folder is a crate, and this program is not its own.
    fn has_code_elsewhere(&self) -> bool {
        self.registry.names().is_empty() && self.path.join("Cargo.toml").is_file()
    }

    fn own_program(&self) -> String {
        let folder = self.path.display();
        format!(
            "the folder is a crate, whose behaviours are code: `cargo run --manifest-path {folder}/Cargo.toml -- VERB {folder}` has them"
        )
    }

    fn texts(&self) -> Result<StudyTexts, Failure> {
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
            nest: source(&self.path.join("nest.toml"))?,
            behaviours,
            code: self.registry.names(),
        })
    }

    /// Makes the folder of a new run.
    pub fn new_run(&self, id: &str) -> Result<RunFolder, Failure> {
        let run = RunFolder {
            path: self.path.join("runs").join(id),
            id: id.to_owned(),
        };
        fs::create_dir_all(run.path.join("steps"))?;
        Ok(run)
    }

    /// All runs, the oldest first.
    pub fn runs(&self) -> Result<Vec<RunFolder>, Failure> {
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
                runs.push(RunFolder { path, id });
            }
        }
        runs.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(runs)
    }

    /// One run, by its name.
    pub fn run(&self, id: &str) -> Result<RunFolder, Failure> {
        let runs = self.runs()?;
        let known: Vec<String> = runs.iter().map(|run| run.id.clone()).collect();
        runs.into_iter().find(|run| run.id == id).ok_or_else(|| {
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            Failure::new(
                INVALID,
                format!("there is no run {id} in {}", self.path.display()),
            )
            .hint(format!("runs that are there: {known}"))
        })
    }

    /// What was measured.
    pub fn measurements(&self) -> Result<Measurements, Failure> {
        read_document(&self.path.join("measurements.json"), "run `locust-nest measure`")
    }

    /// Keeps what was measured.
    pub fn write_measurements(&self, measurements: &Measurements) -> Result<PathBuf, Failure> {
        write(
            &self.path.join("measurements.json"),
            measurements.to_json().as_bytes(),
        )
    }

    /// What was fitted.
    pub fn scaling(&self) -> Result<ScalingModel, Failure> {
        read_document(&self.path.join("scaling.json"), "run `locust-nest fit`")
    }

    /// Keeps what was fitted.
    pub fn write_scaling(&self, model: &ScalingModel) -> Result<PathBuf, Failure> {
        write(&self.path.join("scaling.json"), model.to_json().as_bytes())
    }

    /// What was projected.
    pub fn projection(&self) -> Result<Projection, Failure> {
        read_document(
            &self.reports().join("projection.json"),
            "run `locust-nest project`",
        )
    }

    /// Keeps a file of the report.
    pub fn write_report(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, Failure> {
        write(&self.reports().join(name), bytes)
    }

    /// Where reports go: `reports/STUDY` beside a folder `models`, else `reports` in the study.
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

    /// Folders in which price books are looked up, the first before the others.
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

impl RunFolder {
    /// What the run says of itself.
    pub fn manifest(&self) -> Result<RunManifest, Failure> {
        read_json(&self.path.join("run.json"))
    }

    /// Keeps what the run says of itself.
    pub fn write_manifest(&self, manifest: &RunManifest) -> Result<(), Failure> {
        write_json(&self.path.join("run.json"), manifest)
    }

    /// The plan; none where the run ended before it had one.
    pub fn plan(&self) -> Result<Option<KeptPlan>, Failure> {
        let path = self.path.join("plan.json");
        if path.is_file() {
            read_json(&path).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Keeps the plan.
    pub fn write_plan(&self, plan: &KeptPlan) -> Result<(), Failure> {
        write_json(&self.path.join("plan.json"), plan)
    }

    /// The finished steps, in the order of the plan.
    pub fn steps(&self) -> Result<Vec<Step>, Failure> {
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

    /// Keeps a finished step.
    pub fn write_step(&self, step: &Step) -> std::io::Result<()> {
        replace(
            &self
                .path
                .join("steps")
                .join(format!("{:03}.json", step.plan.index)),
            &serde_json::to_vec_pretty(step)?,
        )
    }

    /// Keeps a step that was cut short; it is run again on resuming.
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
    pub fn measurements(&self) -> Result<Measurements, Failure> {
        read_document(
            &self.path.join("measurements.json"),
            "finish the run with `locust-nest measure --resume`",
        )
    }

    /// Keeps the measurements of a finished run.
    pub fn write_measurements(&self, measurements: &Measurements) -> Result<(), Failure> {
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
    pub fn remove(&self) -> Result<(), Failure> {
        fs::remove_dir_all(&self.path).map_err(Failure::from)
    }
}

/// Reads a text file that a person wrote.
pub fn source(path: &Path) -> Result<Source, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::from(error).context(format!("cannot read {}", path.display())))?;
    Ok(Source::new(
        path.display().to_string().trim_start_matches("./"),
        text,
    ))
}

/// Writes a file whole or not at all, with its folder.
pub fn write(path: &Path, bytes: &[u8]) -> Result<PathBuf, Failure> {
    let cannot =
        |error: std::io::Error| Failure::from(error).context(format!("cannot write {}", path.display()));
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(cannot)?;
    }
    replace(path, bytes).map_err(cannot)?;
    Ok(path.to_owned())
}

/// Writes beside the file and moves it into place, so that an interrupted write leaves the old one.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

fn read_document<T: Document>(path: &Path, hint: &str) -> Result<T, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => T::from_json(&text)
            .map_err(|error| Failure::from(error).context(format!("cannot use {}", path.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Failure::new(STALE, format!("{} is not there", path.display())).hint(hint))
        }
        Err(error) => Err(Failure::from(error).context(format!("cannot read {}", path.display()))),
    }
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::from(error).context(format!("cannot read {}", path.display())))?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::new(INVALID, format!("{} is damaged: {error}", path.display()))
            .hint("remove the run with `locust-nest runs rm`")
    })
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let json = serde_json::to_vec_pretty(value).map_err(std::io::Error::from)?;
    write(path, &json).map(drop)
}

/// The path from the current folder where it lies below it.
fn shorten(path: &Path) -> PathBuf {
    let current = std::env::current_dir()
        .and_then(fs::canonicalize)
        .unwrap_or_default();
    path.strip_prefix(&current)
        .map_or_else(|_| path.to_owned(), Path::to_owned)
}
