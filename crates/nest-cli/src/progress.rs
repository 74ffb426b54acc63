//! Talk while measuring: a bar with the time left on a terminal, plain lines elsewhere.

use std::{
    io::IsTerminal,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use nest_data::{
    Study,
    measurement::{PlannedStep, ResourceKind, Step, Window},
};
use nest_load::{Event, plan::Plan};

use crate::printer::{seconds, talk};

/// How often the bar moves.
const TICK: Duration = Duration::from_millis(250);

/// Shows a run as its events come in.
pub struct Progress {
    bar: Option<ProgressBar>,
    mover: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
    steps: usize,
    done: usize,
    step_s: f64,
    capacity: Option<(String, f64)>, // the first processor and its cores
}

impl Progress {
    /// Progress of a study.
    pub fn new(study: &Study) -> Self {
        let step_s =
            study.measure.settle.get() + study.measure.window.get() * f64::from(study.measure.windows);
        Self {
            bar: None,
            mover: None,
            steps: 0,
            done: 0,
            step_s,
            capacity: None,
        }
    }

    /// Shows an event.
    pub fn show(&mut self, event: &Event<'_>) {
        match event {
            Event::Ready(resources) => {
                let cpu = resources
                    .iter()
                    .find(|resource| resource.kind == ResourceKind::Cpu);
                self.capacity = cpu.and_then(|cpu| cpu.capacity.map(|cores| (cpu.name.clone(), cores)));
                let found: Vec<String> = resources
                    .iter()
                    .filter(|one| one.kind == ResourceKind::Cpu)
                    .map(|cpu| format!("{} ({} cores)", cpu.name, cpu.capacity.unwrap_or(0.0)))
                    .collect();
                talk(&format!("target ready: {}", found.join(", ")));
            }
            Event::PilotStarted { seconds: span } => {
                talk(&format!("pilot: each behaviour alone, about {}", seconds(*span)))
            }
            Event::Planned(plan, _) => self.planned(plan),
            Event::StepStarted(step) => self.started(step),
            Event::StepFinished(step) => self.finished(step, ""),
            Event::StepCut(step) => self.finished(step, " (cut short, not fitted)"),
        }
    }

    fn planned(&mut self, plan: &Plan) {
        self.steps = plan.steps.len();
        talk(&format!(
            "plan: {} steps, up to {:.0} executions/s, {:.0} executions, about {}",
            plan.steps.len(),
            plan.peak_per_s,
            plan.executions,
            seconds(plan.duration_s)
        ));
        plan.caveats
            .iter()
            .for_each(|caveat| talk(&format!("note: {caveat}")));
        if !std::io::stderr().is_terminal() {
            return;
        }
        let milliseconds = (plan.duration_s * 1e3) as u64;
        let style = ProgressStyle::with_template("{bar:30} {eta} left · {msg}").expect("a valid template");
        let bar = ProgressBar::new(milliseconds).with_style(style);
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, moving, start) = (Arc::clone(&stop), bar.clone(), Instant::now());
        let mover = std::thread::spawn(move || {
            while !shared.load(Ordering::Acquire) {
                moving.set_position((start.elapsed().as_millis() as u64).min(milliseconds));
                std::thread::sleep(TICK);
            }
        });
        self.bar = Some(bar);
        self.mover = Some((stop, mover));
    }

    fn started(&mut self, step: &PlannedStep) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{}: {}", self.place(step), step.label()));
        }
    }

    /// Where a step stands in the plan; the tries of a search come after it.
    fn place(&self, step: &PlannedStep) -> String {
        match (step.index + 1).checked_sub(self.steps) {
            None | Some(0) => format!("step {} of {}", step.index + 1, self.steps),
            Some(tries) => format!("try {tries}"),
        }
    }

    fn finished(&mut self, step: &Step, note: &str) {
        self.done = self.done.max(step.plan.index + 1);
        let span: f64 = step.windows.iter().map(|window| window.duration_s).sum();
        let completed: u64 = step
            .windows
            .iter()
            .flat_map(|window| window.completed.values())
            .sum();
        let busy =
            self.capacity.as_ref().map_or_else(String::new, |(name, cores)| {
                match Window::used_per_s(&step.windows, name) {
                    Some(used) => format!(", {name} {:.0} %", used / cores * 100.0),
                    None => format!(", {name} not known"),
                }
            });
        let reasons = if step.verdict.reasons.is_empty() {
            String::new()
        } else {
            format!(": {}", step.verdict.reasons.join("; "))
        };
        let left = self.steps.saturating_sub(self.done) as f64 * self.step_s;
        let line = format!(
            "{}: {:<16} {:>6.1} of {:>6.1} executions/s{busy}, active {:.1}, in flight {:.1} · {}{reasons}{note} · {} left",
            self.place(&step.plan),
            step.plan.label(),
            completed as f64 / span.max(1e-9),
            step.plan.total_per_s(),
            step.active,
            step.in_flight,
            step.verdict.validity.label(),
            seconds(left),
        );
        match &self.bar {
            Some(bar) => bar.println(line),
            None => talk(&line),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, mover)) = self.mover.take() {
            stop.store(true, Ordering::Release);
            // The mover only sleeps and moves the bar; it does not panic.
            let _ = mover.join();
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
