//! Shows how a run gets on: a bar with the time left on a terminal, and a line for each step.

use std::{
    io::IsTerminal,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use nest_data::{
    Study,
    measure::Measure,
    measurement::{GeneratorOf, PlannedStep, Resource, ResourceKind, Step, Window},
};
use nest_load::{Event, plan::Plan};

use crate::{
    clock::stopwatch,
    printer::{inert, seconds, talk},
};

/// How often the bar moves.
const TICK: Duration = Duration::from_millis(250);

/// Shows a run as its events come in.
pub struct RunProgress {
    bar: Option<ProgressBar>,
    mover: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
    steps: usize,
    done: usize,
    lasts_s: Vec<f64>, // of each step of the plan
    measure: Measure,
    capacity: Option<(String, f64)>, // the first processor and its cores
}

impl RunProgress {
    /// For a new run of a study.
    pub fn new(study: &Study) -> Self {
        Self {
            bar: None,
            mover: None,
            steps: 0,
            done: 0,
            lasts_s: Vec::new(),
            measure: study.measure.clone(),
            capacity: None,
        }
    }

    /// Shows an event.
    pub fn show(&mut self, event: &Event<'_>) {
        match event {
            Event::Ready(resources) => self.ready(resources),
            Event::PilotStarted { seconds: span } => talk(&format!(
                "pilot: runs each behaviour alone, takes about {}",
                seconds(*span)
            )),
            Event::Planned(plan, _) => self.planned(plan),
            Event::StepStarted(step) => self.started(step),
            Event::StepFinished(step) => self.finished(step, ""),
            Event::StepAgain(step) => self.finished(step, " (runs again, not fitted)"),
            Event::StepCut(step) => self.finished(step, " (cut short, not fitted)"),
            Event::Waiting { most_s } => talk(&format!(
                "waiting until the target answers again as it did in the pilot, at most {}",
                seconds(*most_s)
            )),
            Event::Noted(caveat) => talk(&format!("note: {caveat}")),
            Event::BodiesKept(..) => {}
        }
    }

    fn ready(&mut self, resources: &[Resource]) {
        let processors: Vec<&Resource> = resources
            .iter()
            .filter(|resource| resource.kind == ResourceKind::Cpu)
            .collect();
        let capacity = |cpu: &&Resource| cpu.capacity.map(|cores| (cpu.name.clone(), cores));
        self.capacity = processors.first().and_then(capacity);
        let found: Vec<String> = processors
            .iter()
            .map(|cpu| match cpu.capacity {
                Some(cores) => format!("{} ({cores} cores)", cpu.name),
                None => format!("{} (unknown number of cores)", cpu.name),
            })
            .collect();
        talk(&format!("target ready: {}", found.join(", ")));
    }

    fn planned(&mut self, plan: &Plan) {
        self.steps = plan.steps.len();
        self.lasts_s = plan.steps.iter().map(|step| step.load_s(&self.measure)).collect();
        talk(&format!("plan: {}", summary(plan)));
        plan.caveats
            .iter()
            .for_each(|caveat| talk(&format!("note: {caveat}")));
        if std::io::stderr().is_terminal() {
            self.start_bar(plan);
        }
    }

    fn start_bar(&mut self, plan: &Plan) {
        let milliseconds = (plan.duration_s * 1e3) as u64;
        let style = ProgressStyle::with_template("{bar:30} {eta} left · {msg}").expect("a valid template");
        let bar = ProgressBar::new(milliseconds).with_style(style);
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, moving, elapsed) = (Arc::clone(&stop), bar.clone(), stopwatch());
        let mover = std::thread::spawn(move || {
            while !shared.load(Ordering::Acquire) {
                moving.set_position((elapsed().as_millis() as u64).min(milliseconds));
                std::thread::sleep(TICK);
            }
        });
        self.bar = Some(bar);
        self.mover = Some((stop, mover));
    }

    fn started(&mut self, step: &PlannedStep) {
        if let Some(bar) = &self.bar {
            bar.set_message(inert(&format!("{}: {}", self.place(step), step.label())).into_owned());
        }
    }

    /// Position of a step in the plan; the trials of a search come after it.
    fn place(&self, step: &PlannedStep) -> String {
        match (step.index + 1).checked_sub(self.steps) {
            None | Some(0) => format!("step {} of {}", step.index + 1, self.steps),
            Some(trials) => format!("trial {trials}"),
        }
    }

    /// Use of the first processor during a step.
    fn busy(&self, step: &Step) -> String {
        let Some((name, cores)) = &self.capacity else {
            return String::new();
        };
        match Window::used_per_s(&step.windows, name) {
            Some(used) => format!(", {name} {:.0} %", used / cores * 100.0),
            None => format!(", {name} not known"),
        }
    }

    fn finished(&mut self, step: &Step, note: &str) {
        self.done = self.done.max(step.plan.index + 1);
        let left: f64 = self.lasts_s.iter().skip(self.done).sum();
        let line = format!(
            "{}: {:<16} {:>6.1} of {:>6.1} due executions/s{}, active {:.1}, in flight {:.1}{} · {}{note} · \
             {} left",
            self.place(&step.plan),
            step.plan.label(),
            completed_per_s(step),
            due_per_s(step),
            self.busy(step),
            step.active,
            step.in_flight,
            workers(step),
            verdict(step),
            seconds(left),
        );
        match &self.bar {
            Some(bar) => bar.println(inert(&line)),
            None => talk(&line),
        }
    }
}

/// Steps, load and length of a plan.
pub fn summary(plan: &Plan) -> String {
    format!(
        "{} steps, up to {:.0} executions/s, {:.0} executions, about {}",
        plan.steps.len(),
        plan.peak_per_s,
        plan.executions,
        seconds(plan.duration_s)
    )
}

/// Executions that came due in the windows. Arrivals are drawn, so that they are not those of the plan.
fn due_per_s(step: &Step) -> f64 {
    step.total().due as f64 / span_s(step)
}

fn span_s(step: &Step) -> f64 {
    let span_s: f64 = step.windows.iter().map(|window| window.duration_s).sum();
    span_s.max(1e-9)
}

fn completed_per_s(step: &Step) -> f64 {
    let completed: u64 = step
        .windows
        .iter()
        .flat_map(|window| window.completed.values())
        .sum();
    completed as f64 / span_s(step)
}

/// How busy each worker was, if there are any.
fn workers(step: &Step) -> String {
    let worker = |one: &GeneratorOf| match one.lost {
        Some(_) => format!("{} lost", one.worker),
        None => format!("{} {:.0} %", one.worker, one.health.cpu * 100.0),
    };
    if step.generators.is_empty() {
        return String::new();
    }
    let each: Vec<String> = step.generators.iter().map(worker).collect();
    format!(", workers: {}", each.join(", "))
}

/// The validity of a step, with its reasons.
fn verdict(step: &Step) -> String {
    let label = step.verdict.validity.label();
    if step.verdict.reasons.is_empty() {
        label.to_owned()
    } else {
        format!("{label}: {}", step.verdict.reasons.join("; "))
    }
}

impl Drop for RunProgress {
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
