//! The behaviours in code of one program.

use std::{collections::BTreeMap, fmt, sync::Arc};

use nest_data::study::read::CodeBehaviour;

use super::behaviour::{Behaviour, DynBehaviour, TypedBehaviour};

/// Behaviours in code, by the name that `[rates]` knows them by.
#[derive(Default, Clone)]
pub struct Registry {
    behaviours: BTreeMap<String, Arc<dyn DynBehaviour>>,
}

impl Registry {
    /// No behaviour.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a behaviour; one of the same name is replaced.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, behaviour: impl Behaviour) -> Self {
        self.behaviours
            .insert(name.into(), Arc::new(TypedBehaviour(behaviour)));
        self
    }

    /// The names, each with what a study must know of the behaviour.
    #[must_use]
    pub fn names(&self) -> BTreeMap<String, CodeBehaviour> {
        let outline = |behaviour: &dyn DynBehaviour| CodeBehaviour {
            needs: behaviour.needs().map(str::to_owned),
            counts: behaviour.counts().iter().map(ToString::to_string).collect(),
        };
        self.behaviours
            .iter()
            .map(|(name, behaviour)| (name.clone(), outline(behaviour.as_ref())))
            .collect()
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<dyn DynBehaviour>> {
        self.behaviours.get(name).cloned()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.behaviours.keys()).finish()
    }
}
