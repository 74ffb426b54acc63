//! The texts that a study is read from.

use std::collections::BTreeMap;

use crate::{
    diagnostic::Source,
    study::behaviour::{BehaviourSpec, CountPlace, CountSource, locustfile::Locust},
};

/// The texts of a study's folder, and the behaviours that are code.
#[derive(Debug, Clone)]
pub struct StudyTexts {
    /// `nest.toml`.
    pub nest: Source,
    /// Each file of `behaviours/`, by behaviour name.
    pub behaviours: BTreeMap<String, Source>,
    /// Behaviours that the running program has as Rust code, by name.
    pub code: BTreeMap<String, CodeBehaviour>,
}

/// What a study must know of a behaviour that is Rust code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodeBehaviour {
    /// The behaviour that the same customer must have executed before.
    pub needs: Option<String>,
    /// Names of the counts that it adds to.
    pub counts: Vec<String>,
}

impl CodeBehaviour {
    /// The behaviour as a study holds it: without requests, and with counts that the code adds to.
    #[must_use]
    pub fn spec(&self) -> BehaviourSpec {
        let counts = self.counts.iter();
        BehaviourSpec {
            description: None,
            needs: self.needs.clone(),
            variables: BTreeMap::new(),
            counts: counts
                .map(|count| (count.clone(), CountSource::Read(CountPlace::default())))
                .collect(),
            steps: Vec::new(),
            code: true,
        }
    }
}

impl StudyTexts {
    /// The same, with the tasks of a locustfile among the behaviours that are code.
    pub(crate) fn with_tasks(&self, locust: Option<&Locust>) -> Self {
        let mut texts = self.clone();
        let tasks = locust.into_iter().flat_map(|locust| locust.behaviours.keys());
        texts
            .code
            .extend(tasks.map(|name| (name.clone(), CodeBehaviour::default())));
        texts
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &String> + Clone {
        self.behaviours.keys().chain(self.code.keys())
    }

    pub(crate) fn has(&self, behaviour: &str) -> bool {
        self.behaviours.contains_key(behaviour) || self.code.contains_key(behaviour)
    }
}
