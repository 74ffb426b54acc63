//! Watches a step while the workers offer its load: waits until it has settled, and samples the target at the
//! windows' edges.

use std::sync::atomic::Ordering::Relaxed;

use nest_data::measurement::{GeneratorHealth, Population};

use super::{
    Engine, RunTime, StepLimits, StepResult,
    crew::{Collected, Crew},
    health::{UseMeter, health_of},
};
use crate::{
    clock::MonotonicTime,
    engine::interrupt::Interrupt,
    error::LoadError,
    observe::{Observer, Sample},
    recorder::windows::{POLL_INTERVAL, StepControl, WorkerProgress},
    schedule::load::StepLoad,
    verdict::settle::{self, Snapshot, Unsettled},
};

/// Watches a step while the workers offer its load.
pub struct Watch<'a> {
    crew: &'a dyn Crew,
    max_rate: Option<f64>,
    limits: StepLimits,
    control: &'a StepControl,
    observer: Option<&'a mut Observer>,
    wanted: settle::SettleGoal,
    planned: Option<usize>,
    snapshots: Vec<Snapshot>,
    unsettled: Option<Unsettled>,
    samples: Vec<Sample>,
    edges: usize,
    fewest: Option<i64>,
    stopped: (u64, u64), // snapshots at which the target was stopped, and all snapshots
    meter: UseMeter,
}

impl<'a> Watch<'a> {
    pub fn new(
        engine: &'a Engine,
        load: &StepLoad,
        limits: StepLimits,
        control: &'a StepControl,
        observer: Option<&'a mut Observer>,
    ) -> Self {
        // Of a counted step the customers leave as its executions are used up.
        let planned = if limits.executions.is_some() {
            None
        } else {
            load.population()
        };
        let wanted = settle::SettleGoal {
            rate_per_s: load.offered_per_s(),
            population: planned.map(|planned| planned as i64),
        };
        Self {
            crew: engine.crew.as_ref(),
            max_rate: engine.max_rate(),
            limits,
            control,
            observer,
            wanted,
            planned,
            snapshots: vec![Snapshot::default()],
            unsettled: None,
            samples: Vec::new(),
            edges: 0,
            fewest: None,
            stopped: (0, 0),
            meter: UseMeter::default(),
        }
    }

    /// Polls and samples until the last edge, the end of a counted step, an interrupt, the end of the run, or
    /// until the crew cannot go on.
    pub fn run(&mut self, interrupt: &Interrupt) -> Result<(), LoadError> {
        while self.edges <= self.control.windows()
            && !interrupt.is_requested()
            && self.crew.broken().is_none()
        {
            let edge = self.control.edge(self.edges);
            let now = MonotonicTime::now();
            if let Some(RunTime { allowed_s, .. }) = self.limits.run.filter(|run| now > run.until) {
                return Err(LoadError::OutOfTime { allowed_s });
            }
            if now >= edge {
                self.at_edge()?;
                continue;
            }
            self.look(now);
            if self.control.is_counted() && self.all_done() {
                // The executions were used up before the window was over.
                self.control.measure_until(MonotonicTime::now());
                self.at_edge()?;
                self.edges = self.control.windows() + 1;
                break;
            }
            // The look may have set where the windows begin.
            let next = self.control.edge(self.edges).min(self.next_poll(now));
            std::thread::sleep(next.since(MonotonicTime::now()));
        }
        Ok(())
    }

    /// The next of the moments that lie whole poll intervals after the start of the step. Looks and the start
    /// of the windows fall on them, so that two runs that settle alike have the same arrivals in their
    /// windows.
    fn next_poll(&self, now: MonotonicTime) -> MonotonicTime {
        let start = self.control.start;
        if now < start {
            return start;
        }
        let passed = now.since(start).as_nanos() / POLL_INTERVAL.as_nanos();
        start.after(POLL_INTERVAL * (passed as u32 + 1))
    }

    fn all_done(&self) -> bool {
        let progress = &self.control.progress;
        self.control.is_used_up() && progress.iter().all(|one| one.active.load(Relaxed) == 0)
    }

    fn look(&mut self, now: MonotonicTime) {
        let measuring = self.control.from() <= now;
        if measuring {
            self.look_at_target();
            return;
        }
        if self.control.from() != MonotonicTime::NEVER || now < self.control.start {
            return;
        }
        let total =
            |figure: &dyn Fn(&WorkerProgress) -> i64| self.control.progress.iter().map(figure).sum::<i64>();
        let since_start = now.since(self.control.start);
        self.snapshots.push(Snapshot {
            at_s: since_start.as_secs_f64(),
            ended: total(&|one| one.ended.load(Relaxed) as i64) as u64,
            spent_s: total(&|one| one.spent_us.load(Relaxed) as i64) as f64 / 1e6,
            present: total(&|one| one.present.load(Relaxed)),
        });
        if since_start < self.limits.settle {
            return;
        }
        let state = settle::settled(&self.snapshots, self.limits.settle.as_secs_f64(), self.wanted);
        // Looking longer would change how long a step takes, so a check that cannot look ends the settling,
        // and is named.
        if state.is_ok() || state.is_err_and(Unsettled::is_blind) || since_start >= self.limits.settle_most {
            self.unsettled = state.err();
            let from = self.next_poll(now.after(self.crew.ahead()));
            self.crew.measure_from(self.control, from);
        }
    }

    fn look_at_target(&mut self) {
        if let Some(observer) = &self.observer {
            self.stopped.1 += 1;
            self.stopped.0 += u64::from(observer.is_stopped());
        }
    }

    fn at_edge(&mut self) -> Result<(), LoadError> {
        if let Some(observer) = self.observer.as_mut() {
            self.samples.push(observer.sample()?);
        }
        let reachable: i64 = self
            .control
            .progress
            .iter()
            .map(|one| one.present.load(Relaxed) - one.unreachable.load(Relaxed))
            .sum();
        self.fewest = Some(self.fewest.map_or(reachable, |fewest| fewest.min(reachable)));
        self.meter.at_edge(self.crew.used());
        self.edges += 1;
        Ok(())
    }

    /// What the step gave.
    pub fn result(self, collected: Collected) -> StepResult {
        let span_s = self.span_s();
        let Collected {
            recorder,
            generators,
            broken,
        } = collected;
        let worst = generators
            .iter()
            .map(|one| one.health)
            .reduce(GeneratorHealth::worse);
        let generator = worst.unwrap_or_else(|| health_of(&recorder, self.meter.used(), span_s));
        let reached = self.fewest.unwrap_or(0).max(0) as u32;
        let from = self.control.from();
        StepResult {
            recorder,
            samples: self.samples,
            generator,
            generators,
            broken,
            settle_s: if from == MonotonicTime::NEVER {
                0.0
            } else {
                from.since(self.control.start).as_secs_f64()
            },
            unsettled: self.unsettled,
            population: self.planned.map(|planned| Population {
                planned: planned as u32,
                reached: reached.min(planned as u32),
            }),
            target_stopped: self.stopped.0 as f64 / self.stopped.1.max(1) as f64,
            span_s,
            interrupted: false,
            max_rate: self.max_rate,
            kind: self.crew.kind(),
        }
    }

    /// Length of all windows, as far as they have passed.
    fn span_s(&self) -> f64 {
        let end = self.control.end().min(MonotonicTime::now());
        // Windows that have not begun do so after every end.
        end.since(self.control.from()).as_secs_f64()
    }
}
