//! The texts that a study is read from.

use std::collections::BTreeMap;

use crate::diagnostic::Source;

/// The texts of a study's folder, and the behaviours that are code.
#[derive(Debug, Clone)]
pub struct StudyTexts {
    /// `nest.toml`.
    pub nest: Source,
    /// Each file of `behaviours/`, by behaviour name.
    pub behaviours: BTreeMap<String, Source>,
    /// Behaviours that the running program has as Rust code, by name, each with the behaviour that it needs.
    pub code: BTreeMap<String, Option<String>>,
}

impl StudyTexts {
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> + Clone {
        self.behaviours.keys().chain(self.code.keys())
    }

    pub(crate) fn has(&self, behaviour: &str) -> bool {
        self.behaviours.contains_key(behaviour) || self.code.contains_key(behaviour)
    }
}
