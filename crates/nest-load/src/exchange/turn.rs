//! Holds requests back that the bound of requests per second does not allow yet. Every request asks here
//! right before it is sent, whatever protocol sends it: the first one of a step, each redirect that is
//! followed, and each that is sent again.

use crate::{
    clock::MonotonicTime,
    execute::{context::StepContext, customer::Customer},
    http::NoAnswer,
    recorder::windows::StepPhase,
    schedule::rate_bound::RateBound,
};

/// Takes the turn of a request that is to be sent at `now`; when it may be sent, if that is later.
pub fn later_turn(context: &StepContext, now: MonotonicTime) -> Option<MonotonicTime> {
    let bound = context.settings.bound.as_ref()?;
    Some(bound.take(now)).filter(|turn| *turn > now)
}

/// Waits until a turn comes that was taken at `since`; when that is.
///
/// # Errors
/// A failure of kind `held` if the step ends before.
pub async fn wait(
    context: &StepContext,
    phase: StepPhase,
    since: MonotonicTime,
    turn: MonotonicTime,
) -> Result<MonotonicTime, NoAnswer> {
    let mut held = HeldTurn {
        context,
        phase,
        since,
        is_unused: turn != MonotonicTime::NEVER,
    };
    if !context.state.clock.park_until(turn).await {
        return Err(held_back(context, since, "when the step ended"));
    }
    held.is_unused = false;
    Ok(MonotonicTime::now())
}

/// Waits for the turn of a request that follows another one of the same step: after a redirect, or because it
/// is sent again.
///
/// # Errors
/// As [`wait`].
pub async fn take(customer: &mut Customer, context: &StepContext, phase: StepPhase) -> Result<(), NoAnswer> {
    let now = MonotonicTime::now();
    let Some(turn) = later_turn(context, now) else {
        return Ok(());
    };
    // Whoever gives up meanwhile learns why.
    customer.held_since = Some(now);
    let waited = Box::pin(wait(context, phase, now, turn)).await;
    customer.held_since = None;
    waited.map(drop)
}

/// Why a request failed that the customer gave up while it was held back, if it was.
pub fn given_up(customer: &mut Customer, context: &StepContext) -> Option<NoAnswer> {
    let since = customer.held_since.take()?;
    Some(held_back(context, since, "when its timeout was over"))
}

fn held_back(context: &StepContext, since: MonotonicTime, when: &str) -> NoAnswer {
    let most = context.settings.bound.as_ref().map_or(0.0, RateBound::per_s);
    let reason = format!(
        "it had been held back for {:.1} s {when}: max_rate allows no more than {most} requests per second",
        MonotonicTime::now().since(since).as_secs_f64()
    );
    NoAnswer::new(NoAnswer::HELD, reason)
}

/// A turn that is waited for. However the wait ends, it is counted; and a turn that was not used is given
/// back, so that steps that end leave nothing taken.
struct HeldTurn<'a> {
    context: &'a StepContext,
    phase: StepPhase,
    since: MonotonicTime,
    is_unused: bool,
}

impl Drop for HeldTurn<'_> {
    fn drop(&mut self) {
        if self.phase == StepPhase::Measured {
            let span = MonotonicTime::now().since(self.since);
            self.context.recorder.borrow_mut().held.add(span);
        }
        if let Some(bound) = self.context.settings.bound.as_ref().filter(|_| self.is_unused) {
            bound.give_back();
        }
    }
}
