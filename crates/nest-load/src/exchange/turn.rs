//! Holds requests back that the bound of requests per second does not allow yet. Every request asks here right
//! before it is sent, whatever protocol sends it: the first one of a step, each redirect that is followed, and
//! each that is sent again.

use std::time::Duration;

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
    let Some(bound) = &context.settings.bound else {
        return Ok(since);
    };
    let mut held = HeldTurn {
        bound: (turn != MonotonicTime::NEVER).then_some(bound),
    };
    let is_reached = context.state.clock.park_until(turn).await;
    let now = MonotonicTime::now();
    if phase == StepPhase::Measured {
        context.recorder.borrow_mut().held.add(now.since(since));
    }
    if !is_reached {
        return Err(held_back(bound, now.since(since), "when the step ended"));
    }
    held.bound = None;
    Ok(now)
}

/// Waits for the turn of a request that follows another one of the same step: after a redirect, or because it
/// is sent again.
///
/// # Errors
/// As [`wait`].
pub async fn take(customer: &mut Customer, context: &StepContext, phase: StepPhase) -> Result<(), NoAnswer> {
    let now = MonotonicTime::now();
    if let Some(turn) = later_turn(context, now) {
        // Whoever gives up meanwhile learns why.
        customer.held_since = Some(now);
        Box::pin(wait(context, phase, now, turn)).await?;
        customer.held_since = None;
    }
    Ok(())
}

/// Why a request failed that the customer gave up while it was held back, if it was.
pub fn given_up(customer: &mut Customer, context: &StepContext) -> Option<NoAnswer> {
    let since = customer.held_since.take()?;
    let bound = context.settings.bound.as_ref()?;
    let span = MonotonicTime::now().since(since);
    Some(held_back(bound, span, "when its timeout was over"))
}

fn held_back(bound: &RateBound, span: Duration, when: &str) -> NoAnswer {
    let reason = format!(
        "it was held back for {:.1} s {when}: no more than {} requests per second may be sent (max_rate)",
        span.as_secs_f64(),
        bound.per_s()
    );
    NoAnswer::new(NoAnswer::HELD, reason)
}

/// A turn that is given back unless it is used, so that steps that end leave nothing taken.
struct HeldTurn<'a> {
    bound: Option<&'a RateBound>,
}

impl Drop for HeldTurn<'_> {
    fn drop(&mut self) {
        if let Some(bound) = self.bound {
            bound.give_back();
        }
    }
}
