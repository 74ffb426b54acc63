//! The load of one step, as a worker offers it.

use nest_data::{
    Study,
    customers::{Arrival, Session, Spacing, Times},
    measurement::PlannedStep,
};

use serde::{Deserialize, Serialize};

use super::pacer::MOST_ARRIVALS_PER_S;
use crate::error::LoadError;

/// Most customers who stay for a step. Our choice, as for `load`: each needs a port, of which a machine has
/// some 28,000 for each address of its target.
pub const MOST_CUSTOMERS: usize = 1_000_000;

/// The load of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepLoad {
    pub model: LoadModel,
    /// Executions per second of each behaviour; their shares if customers choose by themselves.
    pub rates: Vec<f64>,
    /// Pause of a customer between two behaviours.
    pub pause: Pause,
    /// What makes a session.
    pub session: SessionLaw,
    pub seed: u64,
}

/// Who decides when an execution starts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadModel {
    /// A schedule of executions. At most `most` customers act at once; up to `queue` further starts wait for
    /// one, the rest is dropped.
    Open {
        spacing: Spacing,
        most: usize,
        queue: usize,
    },
    /// A schedule of sessions; inside a session the customer decides.
    PartlyOpen { spacing: Spacing, most: usize },
    /// This many customers decide.
    Closed { customers: usize },
}

/// Pause of a customer between two behaviours.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pause {
    /// From the end of one to the start of the next.
    Think(Times),
    /// From the start of one to the start of the next.
    Pace(Times),
}

/// What makes a session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionLaw {
    /// Mean number of behaviours; a session without it lasts as long as its step.
    pub behaviours: Option<f64>,
    /// Index of the behaviour that begins it, and of the one that ends it.
    pub start: Option<usize>,
    pub end: Option<usize>,
}

impl StepLoad {
    /// The load of a planned step of a study. `names` are the behaviours in order.
    pub fn of(study: &Study, step: &PlannedStep, names: &[String]) -> Self {
        let customers = &study.customers;
        let most = study.measure.max_in_flight as usize;
        let index = |name: &Option<String>| {
            name.as_ref()
                .and_then(|name| names.iter().position(|known| known == name))
        };
        let times =
            |think: &Option<nest_data::customers::Think>| think.as_ref().and_then(|think| think.times().ok());
        let session = customers.session.clone().unwrap_or(Session {
            behaviours: None,
            start: None,
            end: None,
        });
        Self {
            model: match step.arrival {
                Arrival::Open => LoadModel::Open {
                    spacing: customers.spacing,
                    most,
                    queue: 0,
                },
                Arrival::PartlyOpen => LoadModel::PartlyOpen {
                    spacing: customers.spacing,
                    most,
                },
                Arrival::Closed => LoadModel::Closed {
                    customers: step.active.unwrap_or(0) as usize,
                },
            },
            rates: names
                .iter()
                .map(|name| step.offered_per_s.get(name).copied().unwrap_or(0.0))
                .collect(),
            pause: match (times(&customers.pacing), times(&customers.think)) {
                (Some(pace), _) => Pause::Pace(pace),
                (None, think) => Pause::Think(think.unwrap_or(Times::Constant(0.0))),
            },
            session: SessionLaw {
                behaviours: session.behaviours,
                start: index(&session.start),
                end: index(&session.end),
            },
            seed: step.seed,
        }
    }

    /// Rates without the behaviours that begin and end sessions: what a customer chooses from.
    pub fn choices(&self) -> Vec<f64> {
        let is_end = |index: usize| self.session.start == Some(index) || self.session.end == Some(index);
        self.rates
            .iter()
            .enumerate()
            .map(|(index, rate)| if is_end(index) { 0.0 } else { *rate })
            .collect()
    }

    /// Sessions that start per second, if they start on a schedule.
    ///
    /// # Formula
    /// Executions per second, without those that begin and end sessions, over the mean number of behaviours
    /// of a session.
    pub fn sessions_per_s(&self) -> f64 {
        self.choices().iter().sum::<f64>() / self.session.behaviours.unwrap_or(1.0).max(1.0)
    }

    /// Refuses a schedule that no slot could draw beside its work, and more customers than there may be.
    ///
    /// # Errors
    /// [`LoadError::TooManyArrivals`], [`LoadError::TooManyCustomers`].
    pub fn check(&self) -> Result<(), LoadError> {
        let customers = self.population().unwrap_or(0);
        if customers > MOST_CUSTOMERS {
            return Err(LoadError::TooManyCustomers {
                customers,
                most: MOST_CUSTOMERS,
            });
        }
        let arrivals_per_s = match self.model {
            LoadModel::Open { .. } => self.rates.iter().sum(),
            LoadModel::PartlyOpen { .. } => self.sessions_per_s(),
            LoadModel::Closed { .. } => 0.0,
        };
        if arrivals_per_s <= MOST_ARRIVALS_PER_S {
            return Ok(());
        }
        Err(LoadError::TooManyArrivals {
            arrivals_per_s,
            most_per_s: MOST_ARRIVALS_PER_S,
        })
    }

    /// Mean length of a session without its answers, in seconds; 0 if there are none.
    pub fn session_s(&self) -> f64 {
        let (Pause::Think(times) | Pause::Pace(times)) = self.pause;
        match self.model {
            LoadModel::PartlyOpen { .. } => times.mean_s() * self.session.behaviours.unwrap_or(1.0),
            LoadModel::Open { .. } | LoadModel::Closed { .. } => 0.0,
        }
    }

    /// Active customers as planned, if their number is.
    pub fn population(&self) -> Option<usize> {
        match self.model {
            LoadModel::Closed { customers } => Some(customers),
            LoadModel::Open { .. } | LoadModel::PartlyOpen { .. } => None,
        }
    }

    /// Executions per second as planned, if a schedule makes them or the sessions that they are part of.
    pub fn offered_per_s(&self) -> Option<f64> {
        match self.model {
            LoadModel::Open { .. } | LoadModel::PartlyOpen { .. } => Some(self.rates.iter().sum()),
            LoadModel::Closed { .. } => None,
        }
    }
}
