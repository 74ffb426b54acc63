//! What the visits found, and the report of it.

use std::collections::BTreeMap;

use nest_data::{
    Document, GateReport, Measurements, Study,
    gate_report::{
        ComparedDemand, DemandComparison, GateBlock, GateMoney, GateRoom, GateSubject, GateVerdict,
        HeadAlone, LeftOut, VersionMoney,
    },
    measure::gate::MoneyAt,
    measurement::{PlannedStep, Resource, ResourceKind, Step},
};
use nest_load::{observe::machine, visit::with_needed};
use nest_model::{
    DemandChange, VersionsProjection,
    comparison::{
        Comparison, ComparisonKind, Judgement, Outcome, Subject, VisitBlock, VisitDemands, block_deviation,
        changes,
    },
    fit, project_versions,
};

use super::{Checked, exit_code};
use crate::{book_set::BookSet, command_error::CommandError, commands::project::options};

/// What the visits found.
#[derive(Default)]
pub struct Findings {
    /// What is compared.
    pub subjects: Vec<Subject>,
    /// The resources that were read.
    pub resources: Vec<Resource>,
    /// Executions per second on the plain mix, by behaviour.
    pub rates: BTreeMap<String, f64>,
    /// Blocks that count.
    pub blocks: Vec<VisitBlock>,
    /// All steps of base; those of head where base is broken.
    pub steps: Vec<Step>,
    /// Why base cannot be measured, where head was measured alone.
    pub broken_base: Option<String>,
    /// The last look.
    pub judgement: Option<Judgement>,
    /// Visits that do not count, with the reason.
    pub void_visits: Vec<String>,
    /// Behaviours that are not compared.
    pub left_out: Vec<LeftOut>,
    /// What kept the gate from a verdict.
    pub reasons: Vec<String>,
}

impl Findings {
    /// Those of a change that touches nothing that matters.
    pub fn nothing_changed(study: &Study) -> Self {
        Self {
            judgement: Some(Judgement {
                outcome: Outcome::Pass,
                comparisons: Vec::new(),
            }),
            reasons: vec![format!(
                "no file that `{}` rests on has changed, so nothing was measured",
                study.study.name
            )],
            ..Self::default()
        }
    }

    /// The report of a gate.
    pub fn report(&self, checked: &Checked<'_>) -> Result<GateReport, CommandError> {
        let versions = self.versions(checked);
        let (projected, doubt) = match versions {
            Ok(projected) => (projected, None),
            Err(error) => (
                None,
                Some(format!("cost and limits were not compared: {}", error.text())),
            ),
        };
        if let Some(reason) = &self.broken_base {
            return Ok(self.alone(checked, reason, projected, doubt));
        }
        let money = projected.as_ref().map(|both| money(both, checked));
        let room = projected.map(|both| room(both, checked));
        let mut comparisons = self.comparisons();
        comparisons.sort_by(|one, other| rank(one).total_cmp(&rank(other)));
        let verdict = self.verdict(money.as_ref(), room.as_ref());
        let beyond = money
            .as_ref()
            .and_then(|money| self.beyond_sizes(checked.study, money.money.customers));
        let facts = self.facts(checked, doubt.into_iter().chain(beyond).collect());
        let cost = money
            .as_ref()
            .and_then(|money| self.exact_cost(checked, &money.money));
        Ok(GateReport {
            exact: facts.exact.iter().cloned().chain(cost).collect(),
            verdict,
            exit: exit_code(verdict, checked.gate),
            comparisons,
            money,
            room,
            ..facts
        })
    }

    /// The report where base is broken: what head costs and carries, and nothing compared. Unclear where a
    /// visit of head was disturbed every time.
    fn alone(
        &self,
        checked: &Checked<'_>,
        reason: &str,
        projected: Option<VersionsProjection>,
        doubt: Option<String>,
    ) -> GateReport {
        let priced = projected.map(|head| HeadAlone {
            config: head.money.config,
            currency: head.money.currency,
            customers: head.money.customers,
            date: head.money.date,
            cost: head.money.after,
            room: head.room.after,
        });
        let verdict = if self.reasons.is_empty() {
            GateVerdict::Pass
        } else {
            GateVerdict::Unclear
        };
        let alone = format!("{reason}, so head was measured alone");
        GateReport {
            verdict,
            exit: exit_code(verdict, checked.gate),
            reasons: std::iter::once(alone)
                .chain(self.reasons.iter().cloned())
                .collect(),
            head_alone: priced,
            ..self.facts(checked, doubt.into_iter().collect())
        }
    }

    /// What every report says besides verdicts and comparisons.
    fn facts(&self, checked: &Checked<'_>, caveats: Vec<String>) -> GateReport {
        GateReport {
            header: GateReport::header(),
            study: checked.study.study.name.clone(),
            verdict: GateVerdict::Unclear,
            exit: 0,
            reasons: self.reasons.clone(),
            remedy: None,
            base: checked.versions.base.name.clone(),
            head: checked.versions.head.name.clone(),
            machine: machine::facts(),
            blocks: self.blocks.len(),
            void_visits: self.void_visits.clone(),
            seconds: checked.seconds,
            noise: block_deviation(&self.blocks, self.subjects.len()),
            comparisons: Vec::new(),
            subjects: self.subjects.iter().map(GateSubject::from).collect(),
            visits: self.blocks.iter().map(GateBlock::from).collect(),
            money: None,
            room: None,
            head_alone: None,
            exact: checked.versions.studies.differences.clone(),
            left_out: self.left_out.clone(),
            caveats: checked
                .versions
                .studies
                .doubts
                .iter()
                .cloned()
                .chain(caveats)
                .collect(),
        }
    }

    /// That more items are stored at some customers than were compared.
    fn beyond_sizes(&self, study: &Study, customers: f64) -> Option<String> {
        let rates = study.rates_per_day(&study.parameter_values()).ok()?;
        let stored = study.data.as_ref()?.stored_at(customers, &rates)?;
        let sizes = self.blocks.iter().filter_map(|block| block.size);
        let largest = sizes.max_by(f64::total_cmp)?;
        (stored > largest).then(|| {
            format!(
                "at {} customers, {} items are stored; versions were compared at up to {}, and demands are \
                 taken to grow on in the same way",
                nest_report::format::number(customers),
                nest_report::format::number(stored),
                nest_report::format::number(largest)
            )
        })
    }

    fn verdict(&self, money: Option<&GateMoney>, room: Option<&GateRoom>) -> GateVerdict {
        let Some(judgement) = &self.judgement else {
            // A disturbed machine never fails a gate, nor does one with nothing to compare.
            return GateVerdict::Unclear;
        };
        let judged = [
            money.and_then(|money| money.verdict),
            room.and_then(|room| room.verdict),
        ];
        let all = judged
            .into_iter()
            .flatten()
            .chain([of_outcome(judgement.outcome)]);
        let verdicts: Vec<GateVerdict> = all.collect();
        if verdicts.contains(&GateVerdict::Fail) {
            GateVerdict::Fail
        } else if verdicts.contains(&GateVerdict::Unclear) || !self.is_whole() {
            GateVerdict::Unclear
        } else {
            GateVerdict::Pass
        }
    }

    /// Whether no visit that was needed is missing.
    fn is_whole(&self) -> bool {
        self.reasons.is_empty() || self.blocks.is_empty()
    }

    fn comparisons(&self) -> Vec<DemandComparison> {
        let found = self.judgement.iter().flat_map(|judgement| &judgement.comparisons);
        found.map(|comparison| self.comparison(comparison)).collect()
    }

    fn comparison(&self, comparison: &Comparison) -> DemandComparison {
        let subject = &self.subjects[comparison.subject];
        let is_cpu = self
            .resources
            .iter()
            .any(|resource| resource.name == subject.resource && resource.kind == ResourceKind::Cpu);
        // The whole mix is a sum over a second of the plain mix; by one execution it is a mean.
        let per_s: f64 = self.rates.values().sum();
        let scale = if subject.behaviour.is_none() { per_s } else { 1.0 };
        let mean = |of: fn(&VisitBlock) -> &[VisitDemands; 2]| {
            let visits = self.blocks.iter().flat_map(|block| of(block).iter());
            let logs: Vec<f64> = visits
                .filter_map(|demands| demands[comparison.subject])
                .map(|demand| demand.value.ln())
                .collect();
            (logs.iter().sum::<f64>() / logs.len() as f64).exp() / scale
        };
        DemandComparison {
            behaviour: subject.behaviour.clone(),
            resource: subject.resource.clone(),
            unit: if is_cpu { "s" } else { "bytes" }.to_owned(),
            kind: match comparison.kind {
                ComparisonKind::Change => ComparedDemand::Demand,
                ComparisonKind::Growth => ComparedDemand::Growth,
            },
            base: mean(|block| &block.base),
            head: mean(|block| &block.head),
            change: comparison.value,
            low: comparison.low,
            high: comparison.high,
            limit: subject.limit,
            share: subject.share,
            verdict: comparison.outcome.map(of_outcome),
            blocks_needed: comparison.blocks_needed,
            passing_limit: comparison.passing_limit,
        }
    }

    /// What both versions cost and carry; `None` if there is nothing to price.
    fn versions(&self, checked: &Checked<'_>) -> Result<Option<VersionsProjection>, CommandError> {
        if self.steps.is_empty() || checked.study.configs.is_empty() {
            return Ok(None);
        }
        let study = self.compared_study(checked.study);
        let model = fit(&self.measurements(&study))?;
        let books = BookSet::of_configs(checked.folder, &study)?;
        let at = checked.gate.money.as_ref().and_then(|money| money.at.as_ref());
        let demand_changes: Vec<DemandChange> = changes(&self.blocks, self.subjects.len(), checked.prior)
            .into_iter()
            .filter_map(|found| {
                let subject = &self.subjects[found.subject];
                Some(DemandChange {
                    behaviour: subject.behaviour.clone()?,
                    resource: subject.resource.clone(),
                    change: found.change,
                    by_size: found.by_size,
                })
            })
            .collect();
        let options = options(checked.projection);
        Ok(project_versions(
            &model,
            &demand_changes,
            &study,
            &books,
            &options,
            at,
        )?)
    }

    /// What the plans, prices and rates that differ change in the cost of 1,000 customers, with base's
    /// demands on both sides; `None` if none do, or if base's study cannot be priced.
    fn exact_cost(&self, checked: &Checked<'_>, money: &VersionMoney) -> Option<String> {
        let (folder, base) = checked.versions.studies.base.as_ref()?;
        if checked.versions.studies.differences.is_empty() || base.configs.is_empty() {
            return None;
        }
        let study = self.compared_study(base);
        let model = fit(&self.measurements(&study)).ok()?;
        let books = BookSet::of_configs(folder, &study).ok()?;
        let at = MoneyAt {
            customers: Some(money.customers),
            growth: None,
            date: None,
        };
        let options = options(checked.projection);
        let with_base = project_versions(&model, &[], &study, &books, &options, Some(&at)).ok()??;
        let amount = |money: &VersionMoney| nest_report::format::amount(money.before.value, &money.currency);
        Some(format!(
            "code aside, 1,000 customers cost {} a month with head's plans, prices and rates, and {} with \
             base's",
            amount(money),
            amount(&with_base.money)
        ))
    }

    /// A study with the compared behaviours, and those that they need, alone.
    fn compared_study(&self, study: &Study) -> Study {
        let mut study = study.clone();
        let compared: Vec<String> = self.rates.keys().cloned().collect();
        let needed = with_needed(&study, &compared);
        study.behaviours.retain(|name, _| needed.contains(name));
        study.rates.retain(|name, _| self.rates.contains_key(name));
        study
    }

    /// All visits of one version as one measurement.
    fn measurements(&self, study: &Study) -> Measurements {
        let steps = self.steps.iter().enumerate().map(|(index, step)| Step {
            plan: PlannedStep {
                index,
                ..step.plan.clone()
            },
            ..step.clone()
        });
        Measurements {
            header: Measurements::header(),
            run: "check".to_owned(),
            started_at: String::new(),
            study: study.clone(),
            study_hash: study.hash(),
            machine: machine::facts(),
            generators: Vec::new(),
            resources: self.resources.clone(),
            pilot: Vec::new(),
            steps: steps.collect(),
            search: None,
            caveats: Vec::new(),
        }
    }
}

fn of_outcome(outcome: Outcome) -> GateVerdict {
    match outcome {
        Outcome::Fail => GateVerdict::Fail,
        Outcome::Pass => GateVerdict::Pass,
        Outcome::Unclear => GateVerdict::Unclear,
    }
}

/// Worst first: failed, unclear, passed, not judged; within these the largest change.
fn rank(comparison: &DemandComparison) -> f64 {
    let group = match comparison.verdict {
        Some(GateVerdict::Fail) => 0.0,
        Some(GateVerdict::Unclear | GateVerdict::Void) => 1.0,
        Some(GateVerdict::Pass) => 2.0,
        None => 3.0,
    };
    group - comparison.change.clamp(-1.0, 100.0) / 1_000.0
}

/// Fails if there is growth for certain and the best estimate is above the limit; passes if growth is for
/// certain below the limit. "For certain" is outside of the 90 % interval.
fn judged(change: f64, low: f64, high: f64, limit: f64) -> GateVerdict {
    if low > 0.0 && change > limit {
        GateVerdict::Fail
    } else if high < limit {
        GateVerdict::Pass
    } else {
        GateVerdict::Unclear
    }
}

fn money(both: &VersionsProjection, checked: &Checked<'_>) -> GateMoney {
    let limit = checked.gate.money.as_ref().map(|money| money.limit.get());
    let before = both
        .money
        .before
        .value
        .0
        .to_string()
        .parse::<f64>()
        .unwrap_or(f64::NAN);
    let change = &both.money.change;
    let value = change.value.0.to_string().parse::<f64>().unwrap_or(f64::NAN);
    GateMoney {
        money: both.money.clone(),
        limit,
        verdict: limit
            .filter(|_| before > 0.0)
            .map(|limit| judged(value / before, change.low / before, change.high / before, limit)),
    }
}

fn room(both: VersionsProjection, checked: &Checked<'_>) -> GateRoom {
    let limit = checked.gate.break_point.as_ref().map(|room| room.drop.get());
    let change = both.room.change;
    GateRoom {
        room: both.room,
        limit,
        verdict: limit
            .zip(change)
            .map(|(limit, change)| judged(-change.value, -change.high, -change.low, limit)),
    }
}
