//! The study folder: its texts, documents, runs and reports.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use nest_data::{
    Document, Measurements, Projection, ScalingModel, Source, Study,
    feed::Feed,
    gate_report::GateNoise,
    study::growth::file::{growth_file, read_growth_files},
    study::read::{StudyTexts, read_feeds, read_study},
};
use nest_load::{Trust, code::Registry};

use super::{
    FileHashes, Folder,
    bounded::{TABLE_BYTES, TEXT_BYTES},
    cannot, command, file_hashes, read_document,
    run_folder::RunFolder,
    shorten, shown,
    study_lock::StudyLock,
    trust_also,
};
use crate::{
    command_error::{CommandError, INVALID, STALE},
    files::python_files::hashes_of_python,
};

const NEST: &str = "nest.toml";
const BEHAVIOURS: &str = "behaviours";
const RUNS: &str = "runs";
const MEASUREMENTS: &str = "measurements.json";
const SCALING: &str = "scaling.json";
const NOISE: &str = "noise.json";
const PROJECTION: &str = "projection.json";
const REPORTS: &str = "reports";
const PRICING: &str = "pricing";

/// A folder with a `nest.toml`.
#[derive(Debug, Clone)]
pub struct StudyFolder {
    folder: Folder,
    /// The same folder for reading: studies that lie side by side below `models` may share files by links.
    shared: Folder,
    registry: Registry,
    /// Keys and values of `--set`, which stand for those of nest.toml.
    overrides: Vec<(String, String)>,
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
        let folder = Folder::open(&path).map_err(|error| cannot("open", &path, error))?;
        if folder.has(NEST) {
            let shared = match models(&path)
                .and_then(|(models, name)| Folder::reading_within(&models, name, &path).ok())
            {
                Some(within) => within,
                None => folder.clone(),
            };
            return Ok(Self {
                folder,
                shared,
                registry: registry.clone(),
                overrides: Vec::new(),
            });
        }
        let message = format!("{} is not a study: it has no nest.toml", path.display());
        Err(CommandError::new(INVALID, message)
            .hint("give the folder of a study, or write a new one with `locust-nest init`"))
    }

    /// The folder of a study, and the study with `overrides` of single values (path and value).
    pub fn open(
        path: &Path,
        overrides: &[(String, String)],
        registry: &Registry,
    ) -> Result<(Self, Study), CommandError> {
        let mut folder = Self::with_code(path, registry)?;
        let study = folder.study(overrides)?;
        folder.overrides = overrides.to_vec();
        Ok((folder, study))
    }

    /// Keys and values of `--set` with which the study was opened.
    pub fn overrides(&self) -> &[(String, String)] {
        &self.overrides
    }

    /// Behaviours in code.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The rows of the study's feeds.
    pub fn feeds(&self, study: &Study) -> Result<BTreeMap<String, Feed>, CommandError> {
        let mut files = BTreeMap::new();
        for (name, feed) in &study.feeds {
            // A missing file is reported below, together with all other errors of the feeds.
            if let Some(text) = self
                .text_if_there(&feed.file, TABLE_BYTES)
                .map_err(|error| error.context(format!("cannot read feed `{name}` from {}", feed.file)))?
            {
                files.insert(feed.file.clone(), Source::new(&feed.file, text));
            }
        }
        read_feeds(study, &files)
            .map_err(|found| CommandError::diagnostics(found, files.into_values().collect()))
    }

    /// Whom the study trusts over TLS.
    pub fn trust(&self, study: &Study) -> Result<Trust, CommandError> {
        match &study.target.ca {
            _ if study.target.insecure => Ok(Trust::Anybody),
            Some(file) => trust_also(&self.path().join(file)),
            None => Ok(Trust::Machine),
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Its name, which is that of the folder.
    pub fn name(&self) -> String {
        let absolute = fs::canonicalize(self.path()).unwrap_or_else(|_| self.path().to_owned());
        absolute
            .file_name()
            .map_or_else(|| "study".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// The text of `nest.toml`.
    pub fn nest_text(&self) -> Result<Source, CommandError> {
        source_in(&self.shared, NEST)
    }

    /// The bytes of a file that the study may read; `None` if there is no such file.
    pub fn script(&self, name: &Path) -> Option<Vec<u8>> {
        self.shared.read(name, TEXT_BYTES).ok()
    }

    /// The files in the folder, but for those that the program itself writes.
    pub fn hashes(&self) -> FileHashes {
        file_hashes::hashes(&self.folder, &self.shared)
    }

    /// The text of a file of the study; `None` if it is not there.
    fn text_if_there(&self, name: &str, most_bytes: u64) -> Result<Option<String>, CommandError> {
        match self.shared.read_text(name, most_bytes) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(cannot("read", &self.folder.path_of(name), error)),
        }
    }

    /// Reads and checks the study, with `overrides` of single values.
    pub fn study(&self, overrides: &[(String, String)]) -> Result<Study, CommandError> {
        let texts = self.texts()?;
        let mut study = read_study(&texts, overrides).map_err(|found| {
            let sources = std::iter::once(texts.nest.clone())
                .chain(texts.behaviours.clone().into_values())
                .collect();
            let error = CommandError::diagnostics(found, sources);
            if self.has_code_elsewhere() {
                error.hint(self.own_program())
            } else {
                error
            }
        })?;
        self.add_growth_files(&mut study)?;
        self.add_python_files(&mut study, &texts.nest)?;
        Ok(study)
    }

    /// Notes which Python files a locustfile may be made of.
    fn add_python_files(&self, study: &mut Study, nest: &Source) -> Result<(), CommandError> {
        let places = study.places.clone();
        let Some(locust) = &mut study.locust else {
            return Ok(());
        };
        if !self.shared.has(&locust.file) {
            let found = places.finding(
                &["locust", "file"],
                &format!("{} is not in the study's folder", locust.file),
                "write the path of a locustfile below the folder of nest.toml",
            );
            return Err(CommandError::diagnostics(vec![found], vec![nest.clone()]));
        }
        locust.sources = hashes_of_python(&self.shared, &locust.file)
            .map_err(|error| cannot("read", &self.folder.path_of(&locust.file), error))?;
        Ok(())
    }

    /// Reads the plans and histories that growth scenarios name.
    fn add_growth_files(&self, study: &mut Study) -> Result<(), CommandError> {
        let mut files = BTreeMap::new();
        for (file, _) in study.growth.values().filter_map(growth_file) {
            // A missing file is reported below, together with all other errors of the scenarios.
            if let Some(text) = self
                .text_if_there(file, TABLE_BYTES)
                .map_err(|error| error.context(format!("cannot read growth from {file}")))?
            {
                files.insert(file.to_owned(), Source::new(file, text));
            }
        }
        read_growth_files(study, &files)
            .map_err(|found| CommandError::diagnostics(found, files.into_values().collect()))
    }

    /// Whether the folder is a crate with behaviours in code, and this program is not that crate's.
    fn has_code_elsewhere(&self) -> bool {
        self.registry.names().is_empty() && self.folder.has("Cargo.toml")
    }

    fn own_program(&self) -> String {
        let folder = self.path().display();
        format!(
            "this folder is a crate with behaviours written in Rust; run its own program: \
             `cargo run --manifest-path {folder}/Cargo.toml -- VERB {folder}`"
        )
    }

    fn texts(&self) -> Result<StudyTexts, CommandError> {
        let mut behaviours = BTreeMap::new();
        if self.shared.has(BEHAVIOURS) {
            let folder = self
                .shared
                .folder(BEHAVIOURS)
                .map_err(|error| cannot("read", &self.folder.path_of(BEHAVIOURS), error))?;
            for file in folder.names()? {
                if let Some(name) = file.strip_suffix(".toml") {
                    behaviours.insert(name.to_owned(), source_in(&folder, &file)?);
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
        let made = self
            .folder
            .make_folder(RUNS)
            .and_then(|runs| RunFolder::make(&runs, id));
        made.map_err(|error| cannot("write", &self.folder.path_of(RUNS).join(id), error))
    }

    /// All runs, oldest first.
    pub fn runs(&self) -> Result<Vec<RunFolder>, CommandError> {
        let Some(runs) = self.runs_folder()? else {
            return Ok(Vec::new());
        };
        let names = runs.names()?;
        Ok(names.iter().filter_map(|id| RunFolder::at(&runs, id)).collect())
    }

    /// The folder of all runs, if there is one.
    fn runs_folder(&self) -> Result<Option<Folder>, CommandError> {
        if !self.folder.has(RUNS) {
            return Ok(None);
        }
        let runs = self.folder.folder(RUNS);
        runs.map(Some)
            .map_err(|error| cannot("read", &self.folder.path_of(RUNS), error))
    }

    /// Locks the study, so that no other process measures it or removes its runs.
    pub fn lock(&self) -> Result<StudyLock, CommandError> {
        StudyLock::take(&self.folder)
    }

    /// Removes a run.
    pub fn remove_run(&self, id: &str) -> Result<(), CommandError> {
        let run = self.run(id)?;
        let Some(runs) = self.runs_folder()? else {
            return Ok(());
        };
        let _lock = self.lock()?;
        runs.remove_folder(&run.id)
            .map_err(|error| cannot("remove", &runs.path_of(&run.id), error))
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
            CommandError::new(INVALID, format!("{} has no run {id}", self.path().display()))
                .hint(format!("its runs: {known}"))
        })
    }

    /// The command that runs a verb on this study.
    pub fn command(&self, verb: &str) -> String {
        command(verb, self.path())
    }

    /// A document that a verb makes.
    fn document<T: Document>(&self, folder: &Folder, name: &str, verb: &str) -> Result<T, CommandError> {
        let command = self.command(verb);
        read_document(folder, name, &command, &format!("run `{command}`"))
    }

    /// The measurements.
    pub fn measurements(&self) -> Result<Measurements, CommandError> {
        self.document(&self.shared, MEASUREMENTS, "measure")
    }

    /// Saves the measurements.
    pub fn write_measurements(&self, measurements: &Measurements) -> Result<PathBuf, CommandError> {
        write_in(&self.folder, MEASUREMENTS, measurements.to_json().as_bytes())
    }

    /// The fitted model.
    pub fn scaling(&self) -> Result<ScalingModel, CommandError> {
        self.document(&self.shared, SCALING, "fit")
    }

    /// Saves the fitted model.
    pub fn write_scaling(&self, model: &ScalingModel) -> Result<PathBuf, CommandError> {
        write_in(&self.folder, SCALING, model.to_json().as_bytes())
    }

    /// The noise of this machine, if a check was calibrated here.
    pub fn noise(&self) -> Result<Option<GateNoise>, CommandError> {
        if !self.shared.has(NOISE) {
            return Ok(None);
        }
        self.document(&self.shared, NOISE, "check --calibrate").map(Some)
    }

    /// Saves the noise of this machine.
    pub fn write_noise(&self, noise: &GateNoise) -> Result<PathBuf, CommandError> {
        write_in(&self.folder, NOISE, noise.to_json().as_bytes())
    }

    /// The projection.
    pub fn projection(&self) -> Result<Projection, CommandError> {
        let missing = || {
            let path = self.reports().join(PROJECTION);
            let hint = format!("run `{}`", self.command("project"));
            CommandError::new(STALE, format!("{} does not exist", path.display())).hint(hint)
        };
        let (root, name) = self.report_root()?;
        if !root.has(&name) {
            return Err(missing());
        }
        let folder = root
            .folder(&name)
            .map_err(|error| cannot("read", &self.reports(), error))?;
        self.document(&folder, PROJECTION, "project")
    }

    /// Saves a file of the report.
    pub fn write_report(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, CommandError> {
        let (root, folder) = self.report_root()?;
        let path = self.reports().join(name);
        root.write(folder.join(name), bytes)
            .map_err(|error| cannot("write", &path, error))?;
        Ok(path)
    }

    /// The folder that reports may not leave, and where they go in it, which is not behind a link: a report
    /// would replace files of another folder.
    fn report_root(&self) -> Result<(Folder, PathBuf), CommandError> {
        let (root, place) = match self.repository() {
            Some(repository) => {
                let root = Folder::open(&repository).map_err(|error| cannot("open", &repository, error))?;
                (root, Path::new(REPORTS).join(self.name()))
            }
            None => (self.folder.clone(), PathBuf::from(REPORTS)),
        };
        root.check_no_link(&place)
            .map_err(|error| cannot("use", &self.reports(), error))?;
        Ok((root, place))
    }

    /// The folder above the folder `models`, if the study lies there.
    fn repository(&self) -> Option<PathBuf> {
        let (models, _) = models(self.path())?;
        models.parent().map(Path::to_owned)
    }

    /// Where reports go: `reports/STUDY` beside the folder `models` if the study lies there, otherwise
    /// `reports` in the study.
    pub fn reports(&self) -> PathBuf {
        match self.repository() {
            Some(repository) => shorten(&repository.join(REPORTS).join(self.name())),
            None => self.path().join(REPORTS),
        }
    }

    /// The folder below which the study's own price books are looked up in `pricing`.
    pub fn root_of_books(&self) -> Folder {
        self.shared.clone()
    }

    /// The folder `pricing` beside the folder `models`, if the study lies there and there is one. Nothing
    /// else of what is above `models` is read.
    pub fn shared_books(&self) -> Result<Option<Folder>, CommandError> {
        let Some(repository) = self.repository() else {
            return Ok(None);
        };
        let shown = shorten(&repository);
        match Folder::open(&shown).and_then(|root| root.folder(PRICING)) {
            Ok(folder) => Ok(Some(folder)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(cannot("open", &shown.join(PRICING), error)),
        }
    }
}

/// The folder `models` if a study lies in it, and the study's name there.
fn models(study: &Path) -> Option<(PathBuf, PathBuf)> {
    let absolute = fs::canonicalize(if study.as_os_str().is_empty() {
        Path::new(".")
    } else {
        study
    })
    .ok()?;
    let models = absolute.parent().filter(|parent| parent.ends_with("models"))?;
    Some((models.to_owned(), absolute.file_name()?.into()))
}

/// Reads a text of a study that a person wrote.
fn source_in(folder: &Folder, name: &str) -> Result<Source, CommandError> {
    let path = folder.path_of(name);
    match folder.read_text(name, TEXT_BYTES) {
        Ok(text) => Ok(Source::new(shown(&path), text)),
        Err(error) => Err(cannot("read", &path, error)),
    }
}

/// Writes a document of a study.
fn write_in(folder: &Folder, name: &str, bytes: &[u8]) -> Result<PathBuf, CommandError> {
    let path = folder.path_of(name);
    match folder.write(name, bytes) {
        Ok(()) => Ok(path),
        Err(error) => Err(cannot("write", &path, error)),
    }
}
