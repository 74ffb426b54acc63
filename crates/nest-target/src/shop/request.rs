//! The request that the network thread passes to a worker.

use axum::body::Bytes;
use tokio::sync::oneshot;

use crate::ShopBehaviour;
use crate::shop::answer::ShopAnswer;

/// A request on its way to a worker, with the channel for its answer.
#[derive(Debug)]
pub(crate) struct QueuedRequest {
    pub(crate) request: ShopRequest,
    pub(crate) reply: oneshot::Sender<ShopAnswer>,
}

/// A request whose body is not yet read. The worker reads it, so that this counts as the worker's CPU.
#[derive(Debug)]
pub(crate) enum ShopRequest {
    /// Passes through the queue and a worker without doing anything; calibration measures it.
    Empty,
    /// Brings the shop back to its first contents.
    Reset,
    ShopExecution(ShopExecution),
}

/// One execution of a behaviour.
#[derive(Debug)]
pub(crate) enum ShopExecution {
    Login { body: Bytes },
    Browse { page: u32 },
    Search { word: String },
    Pay { session: Option<String>, body: Bytes },
    Receipt { session: Option<String>, id: String },
    Describe { body: Bytes },
}

impl ShopExecution {
    pub(crate) fn behaviour(&self) -> ShopBehaviour {
        match self {
            Self::Login { .. } => ShopBehaviour::Login,
            Self::Browse { .. } => ShopBehaviour::Browse,
            Self::Search { .. } => ShopBehaviour::Search,
            Self::Pay { .. } => ShopBehaviour::Pay,
            Self::Receipt { .. } => ShopBehaviour::Receipt,
            Self::Describe { .. } => ShopBehaviour::Describe,
        }
    }
}
