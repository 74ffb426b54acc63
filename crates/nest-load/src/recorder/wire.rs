//! What goes over the wire besides one request for each answer: redirects that are followed, and requests
//! that are sent again.

use nest_data::measurement::{Outcome, Resends};

use super::{BehaviourRecord, Recorder, RequestPlace};
use crate::{
    clock::MonotonicTime,
    recorder::windows::{StepControl, StepPhase},
};

/// Why a request is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resend {
    /// The target has not begun with it.
    Unprocessed,
    /// The target had closed the idle connection before it came.
    ClosedIdle,
}

impl Recorder {
    /// Counts a request that was answered with a redirect, which is followed. It is a request like any
    /// other; the response time goes on until the last answer.
    pub fn request_redirected(
        &mut self,
        control: &StepControl,
        place: RequestPlace,
        now: MonotonicTime,
        status: u16,
        bytes: u64,
    ) {
        self.exchanged(control, now, bytes);
        if place.phase == StepPhase::Settling {
            return;
        }
        self.count_status(status);
        let of = &mut self.behaviours[place.behaviour];
        of.redirected += 1;
        for requests in [&mut of.requests, &mut self.endpoints[place.endpoint].requests] {
            requests.due += 1;
            requests.count(Outcome::Ok);
        }
    }

    /// Counts a request that brought no answer and is sent again: on the wire it is one more.
    pub fn request_resent(
        &mut self,
        control: &StepControl,
        place: RequestPlace,
        now: MonotonicTime,
        why: Resend,
    ) {
        if let Some(window) = control.index(now).and_then(|index| self.windows.get_mut(index)) {
            window.requests += 1;
        }
        if place.phase == StepPhase::Settling {
            return;
        }
        let resends = &mut self.behaviours[place.behaviour].resends;
        match why {
            Resend::Unprocessed => resends.unprocessed += 1,
            Resend::ClosedIdle => resends.closed_idle += 1,
        }
    }

    /// Counts an exchange that ended, with the bytes of its answer.
    pub(super) fn exchanged(&mut self, control: &StepControl, now: MonotonicTime, bytes: u64) {
        if let Some(window) = control.index(now).and_then(|index| self.windows.get_mut(index)) {
            window.bytes += bytes;
            window.requests += 1;
        }
        self.silence.answered(control, now);
    }

    /// Counts the status of an answer. Mostly it is that of the one before.
    #[inline]
    pub(super) fn count_status(&mut self, status: u16) {
        if status != self.latest.0 {
            self.count_latest();
            self.latest = (status, 0);
        }
        self.latest.1 += 1;
    }

    pub(super) fn count_latest(&mut self) {
        let (status, count) = std::mem::take(&mut self.latest);
        if count > 0 {
            *self.statuses.entry(status).or_default() += count;
        }
    }

    /// Requests that were sent again, over all behaviours.
    pub fn resends(&self) -> Resends {
        let mut all = Resends::default();
        self.behaviours
            .iter()
            .for_each(|record| all.merge(&record.resends));
        all
    }
}

impl BehaviourRecord {
    /// Requests that were sent, those that were sent again among them.
    pub fn on_the_wire(&self) -> u64 {
        self.requests.due - self.requests.dropped + self.resends.total()
    }
}
