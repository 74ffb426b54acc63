//! A study's behaviours made ready to run, shared by all workers.

use std::sync::Arc;

use crate::{
    code::behaviour::DynBehaviour,
    recorder::{EndpointOutline, StepOutline},
    script::{settings::ExchangeSettings, step::ScriptStep},
};

/// Everything that is the same for all workers and steps.
pub struct Program {
    pub settings: Arc<ExchangeSettings>,
    pub scripts: Vec<Script>,
}

impl Program {
    /// Names of the behaviours, in order.
    pub fn names(&self) -> Vec<String> {
        self.settings.behaviours.clone()
    }

    /// Every request of a file: index of its behaviour, and the request.
    pub fn requests(&self) -> impl Iterator<Item = (usize, &ScriptStep)> {
        self.scripts.iter().enumerate().flat_map(|(behaviour, script)| {
            let steps: &[ScriptStep] = match &script.work {
                Work::Requests { steps, .. } => steps,
                Work::Code(_) | Work::Task => &[],
            };
            steps.iter().map(move |step| (behaviour, step))
        })
    }

    /// What a recorder of one step counts.
    pub fn outline(&self) -> StepOutline {
        let endpoint = |(behaviour, step): (usize, &ScriptStep)| EndpointOutline {
            behaviour,
            name: step.name.clone(),
            path: step.route.label(),
        };
        StepOutline {
            counts: self.settings.counts.iter().map(Vec::len).collect(),
            single: self.scripts.iter().map(Script::is_single).collect(),
            endpoints: self.requests().map(endpoint).collect(),
        }
    }
}

/// A behaviour made ready to run.
pub struct Script {
    pub name: String,
    pub needs: Option<usize>, // index among the scripts
    pub work: Work,
}

impl Script {
    /// Whether an execution makes exactly one request.
    pub fn is_single(&self) -> bool {
        matches!(&self.work, Work::Requests { steps, .. } if steps.len() == 1)
    }
}

/// What an execution does.
pub enum Work {
    /// Requests of a file.
    Requests {
        /// Variables that have a value before any step has saved one.
        preset: Vec<(usize, String)>,
        steps: Vec<ScriptStep>,
        /// Whether something is drawn for them: values of templates, or pauses.
        is_random: bool,
    },
    /// Code of the program.
    Code(Arc<dyn DynBehaviour>),
    /// A task of a locustfile, which a Locust process executes.
    Task,
}
