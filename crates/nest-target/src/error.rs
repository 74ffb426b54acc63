//! Why a shop cannot start or go on, and why it refuses a request.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The shop or its second tier cannot start or continue.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// An option lies out of its range.
    #[error("{option} is {value}, not between {least} and {most}")]
    OutOfRange {
        /// Name of the option.
        option: &'static str,
        /// What was given.
        value: f64,
        /// Least value accepted.
        least: f64,
        /// Greatest value accepted.
        most: f64,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// Address that was asked for.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The SQLite file cannot be opened or filled.
    #[error("cannot use the database {}", path.display())]
    Database {
        /// Path of the file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// The threads cannot be pinned.
    #[error("cannot pin to cores {cores:?}")]
    Pinning {
        /// Cores that were asked for.
        cores: Vec<usize>,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The second tier does not answer.
    #[error("cannot reach the second tier at {address}")]
    Tier {
        /// Its address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The cost of an empty request cannot be measured.
    #[error("cannot calibrate the cost of an empty request")]
    Calibration {
        /// What went wrong.
        #[source]
        source: io::Error,
    },
    /// The system refuses something that a service needs: a thread, a timer, a readable CPU clock.
    #[error("cannot run: no {what}")]
    Resources {
        /// What is missing.
        what: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// Why a request is refused; its text is the body's `error`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShopRefusal {
    #[error("the body is not {expected}")]
    Body { expected: &'static str },
    #[error("no such session; POST /login opens one")]
    NoSession,
    #[error("no receipt {id:?}")]
    NoReceipt { id: String },
    #[error("no item {id}")]
    NoItem { id: u32 },
    #[error("the queue is full")]
    QueueFull,
    #[error("the shop is closing")]
    Closing,
    #[error("database: {0}")]
    Database(#[from] rusqlite::Error),
    #[error("second tier: {0}")]
    Tier(#[source] io::Error),
}

impl ShopRefusal {
    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Body { .. } => 400,
            Self::NoSession => 401,
            Self::NoReceipt { .. } | Self::NoItem { .. } => 404,
            Self::Database(_) => 500,
            Self::Tier(_) => 502,
            Self::QueueFull | Self::Closing => 503,
        }
    }
}
