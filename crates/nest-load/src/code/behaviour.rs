//! What a behaviour in code is, for its author and for the engine.

use std::{
    any::{Any, TypeId},
    future::Future,
    pin::Pin,
};

use super::{context::ExecutionContext, failure::Failure};

/// What a customer does, in code. One value serves all customers and all workers; what belongs to one
/// customer is its `State`, which never leaves the worker's thread, so that it may hold anything.
///
/// ```
/// use nest_load::code::{Behaviour, ExecutionContext, Failure};
///
/// /// Opens a connection once, and asks for the time again and again.
/// struct AskTheTime;
///
/// impl Behaviour for AskTheTime {
///     type State = tokio::net::TcpStream;
///
///     async fn begin(&self, context: &mut ExecutionContext<'_>) -> Result<Self::State, Failure> {
///         let address = context.target().address();
///         context.request("connect", tokio::net::TcpStream::connect(address)).await
///     }
///
///     async fn execute(
///         &self,
///         stream: &mut Self::State,
///         context: &mut ExecutionContext<'_>,
///     ) -> Result<(), Failure> {
///         context.request("time", stream.readable()).await
///     }
/// }
/// ```
pub trait Behaviour: Send + Sync + 'static {
    /// What one customer keeps from one execution to the next, such as a connection or a session. Behaviours
    /// whose state is of the same type share it: a customer has one of each type, begun by whichever
    /// behaviour comes first.
    type State: 'static;

    /// A behaviour that the same customer must have done before; it is executed first and counts as an
    /// execution of its own.
    fn needs(&self) -> Option<&str> {
        None
    }

    /// Names of what its executions cause elsewhere, such as mails: `execute` adds to them with
    /// [`ExecutionContext::count`], and a study can pay meters by them.
    fn counts(&self) -> &[&str] {
        &[]
    }

    /// Makes a customer's state, before its first execution and after one that failed. Its requests count
    /// with that execution.
    fn begin(&self, context: &mut ExecutionContext<'_>)
    -> impl Future<Output = Result<Self::State, Failure>>;

    /// Executes the behaviour once. Every exchange with the target goes through [`ExecutionContext::request`]
    /// or [`ExecutionContext::send`], which times and counts it; an execution without any is not measured.
    fn execute(
        &self,
        state: &mut Self::State,
        context: &mut ExecutionContext<'_>,
    ) -> impl Future<Output = Result<(), Failure>>;
}

/// A behaviour whose state may be of any type: what the engine executes.
pub trait DynBehaviour: Send + Sync {
    /// The behaviour that the same customer must have done before.
    fn needs(&self) -> Option<&str>;
    /// Names of the counts that it adds to.
    fn counts(&self) -> &[&str];
    /// The type of its state, under which a customer keeps it.
    fn state(&self) -> TypeId;
    /// Executes it once; begins the state if there is none.
    fn execute<'a>(
        &'a self,
        state: &'a mut Option<Box<dyn Any>>,
        context: &'a mut ExecutionContext<'_>,
    ) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + 'a>>;
}

/// A behaviour whose state has a known type.
pub struct TypedBehaviour<B>(pub B);

impl<B: Behaviour> DynBehaviour for TypedBehaviour<B> {
    fn needs(&self) -> Option<&str> {
        self.0.needs()
    }

    fn counts(&self) -> &[&str] {
        self.0.counts()
    }

    fn state(&self) -> TypeId {
        TypeId::of::<B::State>()
    }

    fn execute<'a>(
        &'a self,
        state: &'a mut Option<Box<dyn Any>>,
        context: &'a mut ExecutionContext<'_>,
    ) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + 'a>> {
        Box::pin(async move {
            // Taken out, so that an execution that fails or is cut leaves no state behind that may be half
            // done.
            let mut own = match state.take().and_then(|state| state.downcast::<B::State>().ok()) {
                Some(own) => own,
                None => Box::new(self.0.begin(context).await?),
            };
            self.0.execute(&mut own, context).await?;
            *state = Some(own);
            Ok(())
        })
    }
}
