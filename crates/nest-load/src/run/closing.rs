//! Turns what a step gave into its document, and into the objectives that it missed.

use std::{collections::BTreeMap, time::Duration};

use nest_data::measurement::{Counts, PlannedStep, Purpose, ResourceKind, Step, Validity, Window};

use super::{Run, busy::impossible};
use crate::{
    engine::StepResult,
    observe::WindowUsage,
    recorder::BehaviourRecord,
    verdict::{Judgement, StepFacts, judge, pause::explained_pause_s},
};

/// Share of errors that a search allows if no objective does.
const SEARCHED_ERRORS: f64 = 0.01;

impl Run<'_> {
    /// The objectives that a step missed, each as a sentence; `limits` show that the target could not keep
    /// up.
    pub(super) fn missed(&self, step: &Step, result: &StepResult, limits: &[String]) -> Vec<String> {
        let mut missed = self.missed_quantiles(result);
        let total = step.total();
        let errors = (total.failed + total.dropped) as f64 / total.due.max(1) as f64;
        let allowed = self
            .study
            .slo
            .values()
            .filter_map(|slo| slo.errors)
            .map(|errors| errors.get())
            .reduce(f64::min)
            .unwrap_or(SEARCHED_ERRORS);
        if errors > allowed {
            missed.push(format!(
                "{:.2} % of the executions failed or were dropped, above {:.2} %",
                errors * 100.0,
                allowed * 100.0
            ));
        }
        if step.verdict.validity == Validity::Limited {
            missed.push(format!("the target could not keep up: {}", limits.join("; ")));
        }
        missed
    }

    /// The limits of response times that were exceeded, each as a sentence.
    fn missed_quantiles(&self, result: &StepResult) -> Vec<String> {
        let names = self.engine.program().names();
        let mut missed = Vec::new();
        for slo in self.study.slo.values() {
            for (index, name) in names
                .iter()
                .enumerate()
                .filter(|(_, name)| slo.applies_to.as_ref().is_none_or(|only| only == *name))
            {
                for (quantile, limit_s) in slo.limits() {
                    if let Some(found) = result
                        .recorder
                        .quantile_s(index, quantile)
                        .filter(|found| *found > limit_s)
                    {
                        missed.push(format!(
                            "{name}: p{} is {:.0} ms, above {:.0} ms",
                            quantile * 100.0,
                            found * 1e3,
                            limit_s * 1e3
                        ));
                    }
                }
            }
        }
        missed
    }

    /// Turns what a step gave into its document, with what was found about it.
    pub(super) fn close(
        &self,
        step: &PlannedStep,
        started_s: f64,
        result: &StepResult,
        offered_per_s: Option<f64>,
    ) -> (Step, Judgement) {
        let names = self.engine.program().names();
        let recorder = &result.recorder;
        let windows = self.windows(&names, result);
        let by_name = |counts: &dyn Fn(usize) -> Counts| {
            names
                .iter()
                .enumerate()
                .map(|(index, name)| (name.clone(), counts(index)))
                .filter(|(_, counts)| counts.due > 0)
                .collect::<BTreeMap<_, _>>()
        };
        let executions = by_name(&|index| recorder.behaviours[index].executions);
        let requests = by_name(&|index| recorder.behaviours[index].requests);
        let resends = names
            .iter()
            .cloned()
            .zip(recorder.behaviours.iter().map(|record| record.resends))
            .filter(|(_, resends)| resends.total() > 0)
            .collect();
        let redirected = names
            .iter()
            .cloned()
            .zip(recorder.behaviours.iter().map(|record| record.redirected))
            .filter(|(_, redirected)| *redirected > 0)
            .collect();
        let total = |by_name: &BTreeMap<String, Counts>| {
            let mut total = Counts::default();
            by_name.values().for_each(|counts| total.merge(counts));
            total
        };
        let judgement = judge(&StepFacts {
            utilisation: self.utilisation(&windows),
            planned: offered_per_s.map(|rate| rate * result.span_s),
            loaded: step.purpose != Purpose::Idle,
            explained_s: self.explained_pause_s(result),
            ..result.facts(total(&executions), total(&requests), &windows)
        });
        let step = Step {
            plan: step.clone(),
            started_s,
            settling: recorder.settling,
            schedule: recorder.schedule.to_string(),
            settle_s: result.settle_s,
            population: result.population,
            endpoints: recorder.endpoints(&names),
            errors: recorder.error_counts(&names),
            failures: recorder.kept_failures(&names),
            counts: recorder.counts(&names, &self.engine.program().settings.counts),
            histograms: recorder.histograms(&names),
            active: recorder.active.mean(result.span_s),
            in_flight: recorder.in_flight.mean(result.span_s),
            threads: self.observer.working_threads(),
            generator: result.generator,
            generators: result.generators.clone(),
            requests,
            redirected,
            resends,
            executions,
            windows,
            verdict: judgement.verdict.clone(),
        };
        (step, judgement)
    }

    /// Longest pause that the pilot's times and the smallest tier explain, in seconds.
    fn explained_pause_s(&self, result: &StepResult) -> f64 {
        let request_s = |(name, record): (&String, &BehaviourRecord)| {
            let each = record.requests.completed as f64 / record.executions.completed.max(1) as f64;
            let pilot = self.pilot.iter().find(|pilot| pilot.behaviour == *name);
            pilot.map_or(0.0, |pilot| pilot.mean_s / each.max(1.0))
        };
        let names = self.engine.program().names();
        let alone_s: Vec<f64> = names
            .iter()
            .zip(&result.recorder.behaviours)
            .map(request_s)
            .collect();
        let cores = self
            .resources
            .iter()
            .filter(|resource| resource.kind == ResourceKind::Cpu)
            .filter_map(|resource| resource.capacity)
            .reduce(f64::min);
        explained_pause_s(&result.known_work(&alone_s), cores)
    }

    fn windows(&self, names: &[String], result: &StepResult) -> Vec<Window> {
        let network = self
            .resources
            .iter()
            .find(|resource| resource.kind == ResourceKind::Network)
            .map(|resource| resource.name.clone());
        let of_pair = |(pair, record): (&[crate::observe::Sample], &crate::recorder::WindowRecord)| {
            let mut usage = pair[1].since(&pair[0]);
            let duration_s = round_to(pair[1].elapsed_since(&pair[0]), 1e-6);
            self.leave_out_impossible(&mut usage, duration_s);
            if let Some(network) = &network {
                usage.used.insert(network.clone(), record.bytes as f64);
            }
            let by_name = |counts: &[u64]| {
                names
                    .iter()
                    .zip(counts)
                    .filter(|(_, count)| **count > 0)
                    .map(|(name, count)| (name.clone(), *count))
                    .collect()
            };
            Window {
                duration_s,
                completed: by_name(&record.completed),
                begun: by_name(&record.begun),
                failed: record.failed,
                used: usage.used,
                stolen: pair[1].stolen_since(&pair[0]),
                waiting: usage.waiting,
                throttled: usage.throttled,
                gaps: usage.gaps,
            }
        };
        result
            .samples
            .windows(2)
            .zip(&result.recorder.windows)
            .map(of_pair)
            .collect()
    }

    /// Takes out processor time that no processors can have spent, and notes why.
    fn leave_out_impossible(&self, usage: &mut WindowUsage, duration_s: f64) {
        let cpus = self
            .resources
            .iter()
            .filter(|resource| resource.kind == ResourceKind::Cpu);
        for cpu in cpus {
            let why = usage
                .used
                .get(&cpu.name)
                .and_then(|used| impossible(cpu, used / duration_s));
            if let Some(why) = why {
                usage.used.remove(&cpu.name);
                usage.gaps.push(why);
            }
        }
    }

    fn utilisation(&self, windows: &[Window]) -> Option<f64> {
        let flows = self
            .resources
            .iter()
            .filter(|resource| resource.kind != ResourceKind::Memory);
        flows
            .filter_map(|resource| Some(Window::used_per_s(windows, &resource.name)? / resource.capacity?))
            .filter(|utilisation| utilisation.is_finite())
            .reduce(f64::max)
    }
}

fn round_to(span: Duration, digit: f64) -> f64 {
    (span.as_secs_f64() / digit).round() * digit
}
