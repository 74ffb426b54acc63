//! Time on one worker: moments of the monotonic clock, and waiting for them to well under a millisecond.
//!
//! Tokio's own timer rounds to whole milliseconds, which is a fifth of a 5 ms demand. One `timerfd` per
//! worker and a heap of who waits serve the rate clock, think times and request timeouts alike.

use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::BinaryHeap,
    future::Future,
    os::fd::{AsFd, AsRawFd, RawFd},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use nix::{
    sys::{
        time::TimeSpec,
        timerfd::{ClockId as TimerClock, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
    },
    time::{ClockId, clock_gettime},
};
use tokio::io::unix::AsyncFd;

/// An instant of the monotonic clock, in nanoseconds; the same on all threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MonotonicTime(u64);

impl MonotonicTime {
    /// Later than every other one.
    pub const NEVER: Self = Self(u64::MAX);
    /// Earlier than every other one.
    pub const LONG_AGO: Self = Self(0);

    /// The present.
    pub fn now() -> Self {
        clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Self::NEVER, |time| {
            Self(time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
        })
    }

    /// From nanoseconds as [`Self::nanoseconds`] gave them.
    pub fn from_nanoseconds(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since an unknown start.
    pub fn nanoseconds(self) -> u64 {
        self.0
    }

    /// This much later; [`Self::NEVER`] stays.
    pub fn after(self, span: Duration) -> Self {
        let nanoseconds = span
            .as_secs()
            .saturating_mul(1_000_000_000)
            .saturating_add(u64::from(span.subsec_nanos()));
        Self(self.0.saturating_add(nanoseconds))
    }

    /// Whole microseconds since an earlier moment, 0 if that is later.
    pub fn microseconds_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0) / 1_000
    }

    /// Time since an earlier moment, 0 if that is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// The timer of one worker, and who waits for it.
pub struct Clock {
    timer: AsyncFd<Timer>,
    waiting: RefCell<BinaryHeap<Reverse<Deadline>>>,
    set_for: Cell<MonotonicTime>,
    parking_over: Cell<bool>,
}

struct Timer(TimerFd);

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

struct Deadline {
    at: MonotonicTime,
    waiter: Rc<Waiter>,
}

impl PartialEq for Deadline {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}
impl Eq for Deadline {}
impl PartialOrd for Deadline {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Deadline {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

struct Waiter {
    // The earliest moment for which it stands in the heap; never if it does not.
    entered: Cell<MonotonicTime>,
    waker: RefCell<Option<Waker>>,
}

impl Default for Waiter {
    fn default() -> Self {
        Self {
            entered: Cell::new(MonotonicTime::NEVER),
            waker: RefCell::default(),
        }
    }
}

impl Clock {
    /// A clock for the current runtime. [`Self::run`] must be polled for anybody to be woken.
    #[expect(
        deprecated,
        reason = "its replacement is unsafe, which we forbid; the timer owns its descriptor for as long as \
         it is registered"
    )]
    pub fn new() -> std::io::Result<Self> {
        let timer = TimerFd::new(
            TimerClock::CLOCK_MONOTONIC,
            TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC,
        )?;
        Ok(Self {
            timer: AsyncFd::new(Timer(timer))?,
            waiting: RefCell::default(),
            set_for: Cell::new(MonotonicTime::NEVER),
            parking_over: Cell::new(false),
        })
    }

    /// Wakes whoever is due, for ever.
    pub async fn run(&self) -> std::io::Result<()> {
        loop {
            let mut ready = self.timer.readable().await?;
            if ready
                .try_io(|timer| timer.get_ref().0.wait().map_err(std::io::Error::from))
                .is_err()
            {
                continue;
            }
            self.set_for.set(MonotonicTime::NEVER);
            self.wake_due(MonotonicTime::now());
            let next = self.waiting.borrow().peek().map(|Reverse(entry)| entry.at);
            if let Some(at) = next {
                self.set(at)?;
            }
        }
    }

    fn wake_due(&self, now: MonotonicTime) {
        let mut waiting = self.waiting.borrow_mut();
        while let Some(Reverse(entry)) = waiting.peek()
            && entry.at <= now
        {
            let Some(Reverse(entry)) = waiting.pop() else {
                break;
            };
            // An entry that an earlier one has overtaken wakes in vain, and leaves that one standing.
            if entry.waiter.entered.get() == entry.at {
                entry.waiter.entered.set(MonotonicTime::NEVER);
            }
            if let Some(waker) = entry.waiter.waker.take() {
                waker.wake();
            }
        }
    }

    fn set(&self, at: MonotonicTime) -> std::io::Result<()> {
        if at >= self.set_for.get() {
            return Ok(());
        }
        self.set_for.set(at);
        // An absolute time of 0 would disarm the timer.
        let at = TimeSpec::from_duration(Duration::from_nanos(at.0.max(1)));
        self.timer
            .get_ref()
            .0
            .set(Expiration::OneShot(at), TimerSetTimeFlags::TFD_TIMER_ABSTIME)
            .map_err(std::io::Error::from)
    }

    /// Has `waiter` woken at `at`. A refused timer would leave it asleep, so that it is woken at once and
    /// looks again.
    fn enter(&self, waiter: &Rc<Waiter>, at: MonotonicTime) {
        waiter.entered.set(at);
        self.waiting.borrow_mut().push(Reverse(Deadline {
            at,
            waiter: Rc::clone(waiter),
        }));
        if self.set(at).is_err() {
            self.wake_due(at);
        }
    }

    /// Waits until `due`.
    pub fn sleep_until(&self, due: MonotonicTime) -> impl Future<Output = ()> + '_ {
        let mut waiter = None;
        std::future::poll_fn(move |context| self.poll_wait(context, due, &mut waiter))
    }

    /// Waits until `due` between two executions; `false` if parking ended before.
    pub fn park_until(&self, due: MonotonicTime) -> impl Future<Output = bool> + '_ {
        let mut waiter = None;
        std::future::poll_fn(move |context| {
            if self.parking_over.get() {
                return Poll::Ready(false);
            }
            self.poll_wait(context, due, &mut waiter).map(|()| true)
        })
    }

    fn poll_wait(
        &self,
        context: &mut Context<'_>,
        due: MonotonicTime,
        waiter: &mut Option<Rc<Waiter>>,
    ) -> Poll<()> {
        if MonotonicTime::now() >= due {
            return Poll::Ready(());
        }
        let waiter = waiter.get_or_insert_default();
        waiter.waker.replace(Some(context.waker().clone()));
        if waiter.entered.get() > due {
            self.enter(waiter, due);
        }
        Poll::Pending
    }

    /// Wakes everybody who is parked, and lets nobody park, until [`Self::allow_parking`].
    pub fn end_parking(&self) {
        self.parking_over.set(true);
        for Reverse(entry) in self.waiting.borrow().iter() {
            if let Some(waker) = entry.waiter.waker.borrow().as_ref() {
                waker.wake_by_ref();
            }
        }
    }

    /// Lets customers park again.
    pub fn allow_parking(&self) {
        self.parking_over.set(false);
    }
}

/// A deadline that moves with each request. It stands in the clock's heap once, however many requests it
/// watches: who finds it fired too early for the present request enters it again.
#[derive(Clone, Default)]
pub struct Alarm(Rc<Waiter>);

impl Alarm {
    /// The output of `work`, or `None` if `deadline` comes first.
    pub fn within<F: Future>(
        &self,
        clock: &Clock,
        deadline: MonotonicTime,
        mut work: Pin<&mut F>,
    ) -> impl Future<Output = Option<F::Output>> {
        std::future::poll_fn(move |context| self.poll(clock, deadline, context, work.as_mut()))
    }

    fn poll<F: Future>(
        &self,
        clock: &Clock,
        deadline: MonotonicTime,
        context: &mut Context<'_>,
        work: Pin<&mut F>,
    ) -> Poll<Option<F::Output>> {
        if let Poll::Ready(output) = work.poll(context) {
            return Poll::Ready(Some(output));
        }
        let early = self.0.entered.get() <= deadline;
        if !early && MonotonicTime::now() >= deadline {
            return Poll::Ready(None);
        }
        let mut waker = self.0.waker.borrow_mut();
        if !waker
            .as_ref()
            .is_some_and(|waker| waker.will_wake(context.waker()))
        {
            *waker = Some(context.waker().clone());
        }
        drop(waker);
        if !early {
            clock.enter(&self.0, deadline);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    fn on_a_clock<F: Future>(work: impl FnOnce(Rc<Clock>) -> F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let clock = Rc::new(Clock::new().expect("a timer"));
            let work = work(Rc::clone(&clock));
            tokio::select! {
                stopped = clock.run() => unreachable!("the clock runs for ever: {stopped:?}"),
                output = work => output,
            }
        })
    }

    #[test]
    fn nobody_is_woken_before_the_due_time_whatever_the_order() {
        on_a_clock(|clock| async move {
            let start = MonotonicTime::now();
            let wait = |milliseconds| {
                let clock = Rc::clone(&clock);
                async move {
                    let due = start.after(Duration::from_millis(milliseconds));
                    clock.sleep_until(due).await;
                    assert!(MonotonicTime::now() >= due);
                    MonotonicTime::now()
                }
            };
            let (late, early, middle) = tokio::join!(wait(30), wait(5), wait(15));
            assert!(early < middle && middle < late);
        });
    }

    #[test]
    fn a_deadline_ends_work_that_never_ends_and_serves_the_next_request() {
        on_a_clock(|clock| async move {
            let alarm = Alarm::default();
            let soon = || MonotonicTime::now().after(Duration::from_millis(5));
            assert_eq!(alarm.within(&clock, soon(), pin!(async { 1 })).await, Some(1));
            assert_eq!(
                alarm
                    .within(&clock, soon(), pin!(std::future::pending::<()>()))
                    .await,
                None
            );
            // Entered for the short deadline, it must not end work that has a longer one.
            let short = alarm
                .within(
                    &clock,
                    soon(),
                    pin!(clock.sleep_until(MonotonicTime::now().after(Duration::from_millis(1)))),
                )
                .await;
            assert_eq!(short, Some(()));
            let longer = MonotonicTime::now().after(Duration::from_millis(200));
            assert_eq!(
                alarm
                    .within(
                        &clock,
                        longer,
                        pin!(clock.sleep_until(MonotonicTime::now().after(Duration::from_millis(20))))
                    )
                    .await,
                Some(())
            );
        });
    }

    #[test]
    fn a_short_deadline_after_a_long_one_is_kept() {
        on_a_clock(|clock| async move {
            let alarm = Alarm::default();
            let within = |milliseconds| MonotonicTime::now().after(Duration::from_millis(milliseconds));
            assert_eq!(
                alarm
                    .within(&clock, within(60_000), pin!(clock.sleep_until(within(1))))
                    .await,
                Some(())
            );
            let start = MonotonicTime::now();
            assert_eq!(
                alarm
                    .within(&clock, within(20), pin!(std::future::pending::<()>()))
                    .await,
                None
            );
            assert!(
                MonotonicTime::now().since(start) < Duration::from_secs(30),
                "the long deadline must not stand for the short one"
            );
        });
    }

    #[test]
    fn the_end_of_parking_wakes_the_parked_and_not_the_sleeping() {
        on_a_clock(|clock| async move {
            let far = MonotonicTime::now().after(Duration::from_secs(3_600));
            let near = MonotonicTime::now().after(Duration::from_millis(30));
            let ending = async {
                clock
                    .sleep_until(MonotonicTime::now().after(Duration::from_millis(5)))
                    .await;
                clock.end_parking();
            };
            let (parked, (), ()) = tokio::join!(clock.park_until(far), clock.sleep_until(near), ending);
            assert!(!parked && MonotonicTime::now() >= near);
            clock.allow_parking();
            assert!(clock.park_until(MonotonicTime::now()).await);
        });
    }
}
