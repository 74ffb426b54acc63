//! What the network thread hands to a worker.

use axum::body::Bytes;
use tokio::sync::oneshot;

use crate::Behaviour;
use crate::answer::Answer;

/// A request on its way to a worker, with the way back.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) request: Request,
    pub(crate) reply: oneshot::Sender<Answer>,
}

/// A request as it came; reading its body is the worker's, so that it counts as the worker's CPU.
#[derive(Debug)]
pub(crate) enum Request {
    /// Goes the whole way and does nothing: what calibration measures.
    Empty,
    /// Brings the shop back to its fill.
    Reset,
    Execution(Execution),
}

/// One execution of a behaviour.
#[derive(Debug)]
pub(crate) enum Execution {
    Login { body: Bytes },
    Browse { page: u32 },
    Search { word: String },
    Pay { session: Option<String>, body: Bytes },
    Receipt { session: Option<String>, id: String },
}

impl Execution {
    pub(crate) fn behaviour(&self) -> Behaviour {
        match self {
            Self::Login { .. } => Behaviour::Login,
            Self::Browse { .. } => Behaviour::Browse,
            Self::Search { .. } => Behaviour::Search,
            Self::Pay { .. } => Behaviour::Pay,
            Self::Receipt { .. } => Behaviour::Receipt,
        }
    }
}
