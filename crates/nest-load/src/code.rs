//! Behaviours written in Rust: whatever protocol they speak, they are planned, measured, fitted and priced like those of a file.
//!
//! A crate of the user's own implements [`Behaviour`], registers it and hands the registry to `locust_nest::run`, so that
//! its binary has every verb.

use std::{
    any::{Any, TypeId},
    collections::BTreeMap,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
};

pub use crate::turn::{Response, Target, Turn};

/// What a customer does, in code. One value serves all customers and all workers; what belongs to one customer is its
/// `State`, which never leaves the worker's thread, so that it may hold anything.
///
/// ```
/// use nest_load::code::{Behaviour, Failure, Turn};
///
/// /// Opens a connection once, and asks for the time again and again.
/// struct AskTheTime;
///
/// impl Behaviour for AskTheTime {
///     type State = tokio::net::TcpStream;
///
///     async fn begin(&self, turn: &mut Turn<'_>) -> Result<Self::State, Failure> {
///         let address = turn.target().address();
///         turn.request("connect", tokio::net::TcpStream::connect(address)).await
///     }
///
///     async fn execute(&self, stream: &mut Self::State, turn: &mut Turn<'_>) -> Result<(), Failure> {
///         turn.request("time", stream.readable()).await
///     }
/// }
/// ```
pub trait Behaviour: Send + Sync + 'static {
    /// What one customer keeps from one execution to the next, such as a connection or a session. Behaviours whose state is
    /// of the same type share it: a customer has one of each type, begun by whichever behaviour comes first.
    type State: 'static;

    /// A behaviour that the same customer must have done before; it is executed first and counts as an execution of its own.
    fn needs(&self) -> Option<&str> {
        None
    }

    /// Makes a customer's state, before its first execution and after one that failed. Its requests count with that execution.
    fn begin(&self, turn: &mut Turn<'_>) -> impl Future<Output = Result<Self::State, Failure>>;

    /// Executes the behaviour once. Every exchange with the target goes through [`Turn::request`] or [`Turn::send`], which
    /// times and counts it; an execution without any is not measured.
    fn execute(
        &self,
        state: &mut Self::State,
        turn: &mut Turn<'_>,
    ) -> impl Future<Output = Result<(), Failure>>;
}

/// Why an execution failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Failures are counted by kind: `check`, `connect`, `timeout`, or a word of one's own.
    pub kind: String,
    /// What happened, for the reader.
    pub reason: String,
}

impl Failure {
    /// A failure of some kind.
    pub fn new(kind: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self {
            kind: kind.into(),
            reason: reason.to_string(),
        }
    }

    /// A failed check of an answer.
    pub fn check(reason: impl fmt::Display) -> Self {
        Self::new("check", reason)
    }
}

/// Any error is a failure of kind `code`, or of kind `connect` where it says that nothing listens.
impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut innermost: &(dyn std::error::Error + 'static) = &error;
        while let Some(cause) = innermost.source() {
            innermost = cause;
        }
        let refused = innermost
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused);
        let outer = error.to_string();
        let inner = innermost.to_string();
        let reason = if outer.contains(&inner) {
            outer
        } else {
            format!("{outer}: {inner}")
        };
        Self {
            kind: if refused { "connect" } else { "code" }.to_owned(),
            reason,
        }
    }
}

/// Behaviours in code, by the name that `[rates]` knows them by.
#[derive(Default, Clone)]
pub struct Registry {
    behaviours: BTreeMap<String, Arc<dyn Erased>>,
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
        self.behaviours.insert(name.into(), Arc::new(Typed(behaviour)));
        self
    }

    /// The names, each with the behaviour that it needs.
    #[must_use]
    pub fn names(&self) -> BTreeMap<String, Option<String>> {
        self.behaviours
            .iter()
            .map(|(name, behaviour)| (name.clone(), behaviour.needs().map(str::to_owned)))
            .collect()
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<dyn Erased>> {
        self.behaviours.get(name).cloned()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.behaviours.keys()).finish()
    }
}

/// A behaviour whose state's type is not known.
pub(crate) trait Erased: Send + Sync {
    fn needs(&self) -> Option<&str>;
    /// The type of its state, under which a customer keeps it.
    fn state(&self) -> TypeId;
    fn execute<'a>(
        &'a self,
        state: &'a mut Option<Box<dyn Any>>,
        turn: &'a mut Turn<'_>,
    ) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + 'a>>;
}

struct Typed<B>(B);

impl<B: Behaviour> Erased for Typed<B> {
    fn needs(&self) -> Option<&str> {
        self.0.needs()
    }

    fn state(&self) -> TypeId {
        TypeId::of::<B::State>()
    }

    fn execute<'a>(
        &'a self,
        state: &'a mut Option<Box<dyn Any>>,
        turn: &'a mut Turn<'_>,
    ) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + 'a>> {
        Box::pin(async move {
            // Taken out, so that an execution that fails or is cut leaves no state behind that may be half done.
            let mut own = match state.take().and_then(|state| state.downcast::<B::State>().ok()) {
                Some(own) => own,
                None => Box::new(self.0.begin(turn).await?),
            };
            self.0.execute(&mut own, turn).await?;
            *state = Some(own);
            Ok(())
        })
    }
}
