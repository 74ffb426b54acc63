//! Visits: base, head, head, base, block after block, until the gate is clear or the budget is used up.

use std::{collections::BTreeMap, path::Path, time::Duration};

use nest_data::{
    Study,
    diagnostic::secrets::concealed,
    gate_report::LeftOut,
    measure::gate::Gate,
    measurement::{Pilot, Resource, Step},
};
use nest_load::{
    Interrupt, MeasureOptions, Resume, measure,
    observe::machine,
    plan::Plan,
    resolve_plan,
    visit::{
        COUNTED, broken_behaviour, offered_alike, too_rare, visit_plan, visited_study, void_reason,
        windows_needed,
    },
};
use nest_model::comparison::{
    GateRules, Judgement, Outcome, Prior, Subject, VisitBlock, VisitDemands, judge, subjects, visit_demands,
};

use tempfile::NamedTempFile;

use super::{
    findings::Findings,
    target_log::TargetLog,
    versions::{Version, Versions},
};
use crate::{
    command_error::{CommandError, INVALID, LOST},
    commands::measure::options,
    files::StudyFolder,
    printer::talk,
};

/// How often a visit that does not count is made again.
const TRIES: usize = 3;
/// Longest value of $NEST_PAD, in bytes: it moves the stack, and with it what happens to lie together.
const LONGEST_PAD: usize = 4_096;
/// Visits of head where base is broken.
const VISITS_ALONE: u64 = 2;
/// What to do about a version with wrong answers.
const BROKEN_HINT: &str = "correct the version, or what the behaviour expects; where base is the broken one, \
                           --base-broken-ok measures head alone";
/// Relative difference of the numbers of stored items that is tolerated.
const DATA_TOLERANCE: f64 = 0.01;
/// Most letters that are repeated of what should have been a number.
const LONGEST_COUNT: usize = 80;
/// Blocks of a calibration.
const CALIBRATION_BLOCKS: u32 = 4;
/// Windows of the pilot's plan, before it is known how many are needed.
const FIRST_WINDOWS: u32 = 4;

/// What a gate's visits need.
pub struct GateVisits<'a> {
    pub folder: &'a StudyFolder,
    pub study: &'a Study,
    pub gate: &'a Gate,
    pub versions: &'a Versions,
    pub interrupt: &'a Interrupt,
    pub prior: Prior,
    pub budget: Duration,
    pub base_broken_ok: bool,
}

/// What the pilot of base found: how all visits are made.
struct Piloted {
    plan: Plan,
    pilot: Vec<Pilot>,
    /// Windows of each phase.
    windows: u32,
}

impl Piloted {
    fn new((plan, pilot): (Plan, Vec<Pilot>), window_s: f64) -> Self {
        Self {
            windows: windows_needed(&plan, window_s),
            plan,
            pilot,
        }
    }
}

/// How one visit is made.
struct VisitOrder<'a> {
    version: &'a Version,
    /// Base or head.
    which: &'a str,
    /// The visit, as messages name it.
    label: String,
    study: Study,
    piloted: &'a Piloted,
    seed: u64,
    /// Stored items, if the study states them.
    size: Option<f64>,
    /// Its place in a block, from 0.
    place: usize,
}

/// Measures both versions, block after block.
pub fn compare(visits: &GateVisits<'_>, elapsed: &dyn Fn() -> Duration) -> Result<Findings, CommandError> {
    let sizes = sizes(visits);
    let mut compared = visits.versions.studies.compared.clone();
    let mut findings = Findings {
        left_out: visits.versions.studies.left_out.clone(),
        ..Findings::default()
    };
    if compared.is_empty() {
        findings
            .reasons
            .push("no behaviour is the same in both versions".to_owned());
        return Ok(findings);
    }
    if let Some(reason) = &visits.versions.broken_base {
        return visits.head_alone(compared, findings, sizes[0], reason.clone());
    }
    let base = &visits.versions.base;
    // Base carries least where it stores most: rates from there can be offered at every size.
    let most = sizes.last().copied().flatten();
    let piloted = match visits.pilot((base, "base"), &mut compared, &mut findings.left_out, most) {
        // A base that works and is merely too slow to be compared is not broken: then nothing is left to
        // compare.
        Err(error) if visits.may_be_alone(&error) && !compared.is_empty() => {
            return visits.head_alone(compared, findings, sizes[0], error.text());
        }
        piloted => piloted?,
    };
    findings.rates = plain_rates(&piloted.plan);
    let rules = visits.rules();
    let conditions = machine::conditions();
    for block in 0..rules.most_blocks {
        let began = elapsed();
        let size = sizes[block % sizes.len()];
        let four = match visits.block(&piloted, &compared, size, block, &mut findings) {
            Ok(Some(four)) => four,
            Ok(None) => return Ok(findings),
            Err(broken) if broken.is_base && visits.may_be_alone(&broken.error) && block == 0 => {
                let reason = broken.error.text();
                return visits.head_alone(compared, findings, sizes[0], reason);
            }
            Err(broken) => return Err(broken.error),
        };
        if let Some(change) = conditions.changed_to(&machine::conditions()) {
            return Ok(Findings::of_changed_machine(change, findings));
        }
        findings.take(four, size, visits.gate);
        let judgement = judge(&findings.blocks, &findings.subjects, &rules);
        say(block + 1, &judgement, &findings.subjects);
        let is_clear = judgement.outcome != Outcome::Unclear;
        findings.judgement = Some(judgement);
        let block_s = elapsed().saturating_sub(began);
        if (is_clear && !visits.is_calibration()) || elapsed() + block_s > visits.budget {
            break;
        }
    }
    Ok(findings)
}

/// Says how far the gate has come.
fn say(blocks: usize, judgement: &Judgement, subjects: &[Subject]) {
    let worst = judgement
        .comparisons
        .iter()
        .filter(|comparison| comparison.outcome.is_some())
        .max_by(|one, other| one.value.total_cmp(&other.value));
    let Some(worst) = worst else { return };
    let subject = &subjects[worst.subject];
    let name = subject.behaviour.as_deref().unwrap_or("the whole mix");
    talk(&format!(
        "block {blocks}: the largest change is {:+.1} % ({name}, {}, 9 in 10: {:+.1} to {:+.1} %)",
        100.0 * worst.value,
        subject.resource,
        100.0 * worst.low,
        100.0 * worst.high
    ));
}

/// Sizes of stored data at which versions are compared; one that is not stated if the study has none.
fn sizes(visits: &GateVisits<'_>) -> Vec<Option<f64>> {
    let of_data = |data: &nest_data::stored_data::StoredData| {
        let mut ends = vec![data.sizes.first().copied(), data.sizes.last().copied()];
        ends.dedup();
        ends
    };
    match (&visits.gate.sizes, &visits.study.data) {
        (Some(sizes), Some(_)) => sizes.iter().copied().map(Some).collect(),
        (None, Some(data)) => of_data(data),
        _ => vec![None],
    }
}

/// Executions per second of each behaviour on the plain mix.
fn plain_rates(plan: &Plan) -> BTreeMap<String, f64> {
    let plain = plan.steps.iter().find(|step| step.customers.is_some());
    plain.map(|step| step.offered_per_s.clone()).unwrap_or_default()
}

/// Why a visit could not be made, and whether it was one of base.
struct BrokenVersion {
    is_base: bool,
    error: CommandError,
}

impl GateVisits<'_> {
    /// Whether an error of base lets head be measured alone.
    fn may_be_alone(&self, error: &CommandError) -> bool {
        self.base_broken_ok && error.code == LOST
    }

    fn is_calibration(&self) -> bool {
        self.versions.base.start == self.versions.head.start
            && self.versions.base.folder == self.versions.head.folder
    }

    fn rules(&self) -> GateRules {
        let most = if self.is_calibration() {
            CALIBRATION_BLOCKS
        } else {
            self.gate.blocks
        };
        GateRules {
            most_blocks: most.max(2) as usize,
            share_at_least: self.gate.share_at_least.get(),
            prior: self.prior,
            ..GateRules::default()
        }
    }

    /// A version's plan and the windows of each phase; behaviours that come too seldom are left out.
    fn pilot(
        &self,
        (version, which): (&Version, &str),
        compared: &mut Vec<String>,
        left_out: &mut Vec<LeftOut>,
        size: Option<f64>,
    ) -> Result<Piloted, CommandError> {
        talk(&format!("pilot of {which}"));
        let plan_of = |compared: &[String]| {
            let start = &version.start;
            let study = visited_study(self.study, self.gate, start, size, compared, FIRST_WINDOWS);
            let log = TargetLog::new()?;
            let counted = NamedTempFile::new()?;
            let options = self.options(version, String::new(), &study, (&log, counted.path()))?;
            resolve_plan(&study, options, self.interrupt, &mut |_| Ok(()))
                .map_err(|error| log.broken(error, which))
        };
        let found = plan_of(compared)?;
        let rare = too_rare(&found.0, self.gate.window_s);
        if rare.is_empty() {
            return Ok(Piloted::new(found, self.gate.window_s));
        }
        compared.retain(|name| !rare.contains(name));
        left_out.extend(rare.into_iter().map(|behaviour| LeftOut {
            behaviour,
            reason: "too slow: fewer than 60 executions fit into a phase".to_owned(),
        }));
        if compared.is_empty() {
            return Err(
                CommandError::new(LOST, "every behaviour is too slow to be compared")
                    .hint("give [check] longer windows: window_s = 10"),
            );
        }
        Ok(Piloted::new(plan_of(compared)?, self.gate.window_s))
    }

    /// Measures head alone, because base is broken.
    fn head_alone(
        &self,
        mut compared: Vec<String>,
        mut findings: Findings,
        size: Option<f64>,
        reason: String,
    ) -> Result<Findings, CommandError> {
        talk(&format!("note: {reason}; head is measured alone"));
        let head = &self.versions.head;
        let piloted = self.pilot((head, "head"), &mut compared, &mut findings.left_out, size)?;
        findings.rates = plain_rates(&piloted.plan);
        for visit in 0..VISITS_ALONE {
            let order = VisitOrder {
                version: head,
                which: "head",
                label: format!("visit {}, head", visit + 1),
                study: self.study_of(head, size, &compared, &piloted),
                piloted: &piloted,
                seed: self.study.study.seed.wrapping_add(visit),
                size,
                place: 0,
            };
            let Some(visit) = self.counted_visit(&order, &[], &mut findings)? else {
                break;
            };
            findings.resources = visit.resources;
            findings.steps.extend(visit.steps);
        }
        findings.broken_base = Some(concealed(&reason).into_owned());
        Ok(findings)
    }

    /// Four visits that count, in the order base, head, head, base; `None` if one never does.
    fn block(
        &self,
        piloted: &Piloted,
        compared: &[String],
        size: Option<f64>,
        block: usize,
        findings: &mut Findings,
    ) -> Result<Option<[Visited; 4]>, BrokenVersion> {
        let mut seen: Vec<Visited> = Vec::new();
        for place in 0..4 {
            // The first visits of both versions share a seed, and the second ones another.
            let pair = 2 * block as u64 + place as u64 / 2;
            let is_head = place == 1 || place == 2;
            let (version, which) = if is_head {
                (&self.versions.head, "head")
            } else {
                (&self.versions.base, "base")
            };
            let order = VisitOrder {
                version,
                which,
                label: format!("block {}, {which}", block + 1),
                study: self.study_of(version, size, compared, piloted),
                piloted,
                seed: self.study.study.seed.wrapping_add(pair),
                size,
                place,
            };
            let visit = self.counted_visit(&order, &seen, findings);
            let visit = visit.map_err(|error| BrokenVersion {
                is_base: !is_head,
                error,
            })?;
            let Some(visit) = visit else {
                return Ok(None);
            };
            if let Some(reason) = other_data(seen.first(), &visit, which, size) {
                findings.reasons.push(reason);
                return Ok(None);
            }
            seen.push(visit);
        }
        Ok(seen.try_into().ok())
    }

    /// The study as a visit of a version measures it.
    fn study_of(
        &self,
        version: &Version,
        size: Option<f64>,
        compared: &[String],
        piloted: &Piloted,
    ) -> Study {
        visited_study(
            self.study,
            self.gate,
            &version.start,
            size,
            compared,
            piloted.windows,
        )
    }

    /// A visit that counts; `None`, with the reason in the findings, if the machine disturbed every try. A
    /// visit of the other version with the same seed must have been offered the same arrivals.
    fn counted_visit(
        &self,
        order: &VisitOrder<'_>,
        seen: &[Visited],
        findings: &mut Findings,
    ) -> Result<Option<Visited>, CommandError> {
        for attempt in 0..TRIES {
            let visit = self.visit(order, attempt)?;
            if let Some(reason) = broken_behaviour(&visit.steps) {
                let message = format!("{} is broken: {reason}", order.which);
                return Err(CommandError::new(LOST, message).hint(BROKEN_HINT));
            }
            let unlike = seen
                .iter()
                .find(|other| other.seed == visit.seed && !offered_alike(&other.steps, &visit.steps));
            let reason = void_reason(&visit.steps)
                .or_else(|| unlike.map(|_| "base and head were not offered the same arrivals".to_owned()));
            let Some(reason) = reason else {
                return Ok(Some(visit));
            };
            let place = format!("{}: {reason}", order.label);
            talk(&format!("note: a visit does not count ({place})"));
            findings.void_visits.push(place);
        }
        findings.reasons.push(format!(
            "a visit of {} was disturbed {TRIES} times in a row",
            order.which
        ));
        Ok(None)
    }

    fn visit(&self, order: &VisitOrder<'_>, attempt: usize) -> Result<Visited, CommandError> {
        let mut plan = visit_plan(&order.piloted.plan, order.seed);
        plan.steps.iter_mut().for_each(|step| step.stored = order.size);
        let pad = pad(order.seed, order.place, attempt);
        let log = TargetLog::new()?;
        let counted = NamedTempFile::new()?;
        let options = MeasureOptions {
            resume: Some(Resume {
                plan,
                pilot: order.piloted.pilot.clone(),
                finished: Vec::new(),
            }),
            ..self.options(order.version, pad, &order.study, (&log, counted.path()))?
        };
        let outcome = measure(&order.study, options, self.interrupt, &mut |_| Ok(()))
            .map_err(|error| log.broken(error, order.which))?;
        Ok(Visited {
            seed: order.seed,
            steps: outcome.steps,
            resources: outcome.resources,
            counted: self.counted(counted.path(), order)?,
        })
    }

    /// The items that a version stores after `state`; `None` if the study has no command that counts them.
    fn counted(&self, file: &Path, order: &VisitOrder<'_>) -> Result<Option<f64>, CommandError> {
        let counts = self.study.data.as_ref().is_some_and(|data| data.count.is_some());
        if !counts || order.size.is_none() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(file)?;
        let count = text
            .trim()
            .parse()
            .ok()
            .filter(|count: &f64| count.is_finite() && *count >= 0.0);
        count.map(Some).ok_or_else(|| {
            let said: String = text.trim().chars().take(LONGEST_COUNT).collect();
            let message = format!(
                "`data.count` printed {said:?} in {}, which is no number",
                order.which
            );
            CommandError::new(INVALID, message)
                .hint("let it print the number of stored items, and nothing else")
        })
    }

    fn options(
        &self,
        version: &Version,
        pad: String,
        study: &Study,
        (log, counted): (&TargetLog, &Path),
    ) -> Result<MeasureOptions, CommandError> {
        let mut options = options(self.folder, study)?;
        options.target_log = Some(log.file()?);
        options.commands.folder.clone_from(&version.folder);
        options.commands.environment.extend(version.environment.clone());
        let own = [
            ("NEST_PAD".to_owned(), pad),
            (COUNTED.to_owned(), counted.to_string_lossy().into_owned()),
        ];
        options.commands.environment.extend(own);
        Ok(options)
    }
}

/// A visit as it was measured.
pub struct Visited {
    seed: u64,
    pub steps: Vec<Step>,
    pub resources: Vec<Resource>,
    /// Items stored after `state`; `None` if nothing counts them.
    counted: Option<f64>,
}

/// Why two visits, the first of which is base's, cannot be compared at a size: they store different numbers
/// of items there. A difference of 1 % cannot move a demand that grows in a straight line by more, and limits
/// are wider.
fn other_data(base: Option<&Visited>, other: &Visited, which: &str, size: Option<f64>) -> Option<String> {
    let (base, other) = (base?.counted?, other.counted?);
    let differs = (base - other).abs() > DATA_TOLERANCE * base.max(other);
    let then = if which == "base" { "then" } else { "and head" };
    differs.then(|| {
        format!(
            "at size {}, base stores {base} items {then} {other}, so their demands cannot be compared; make \
             `state` fill both alike, each time",
            size.unwrap_or_default()
        )
    })
}

/// A value of random length for $NEST_PAD.
///
/// Source of the mixing: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
fn pad(seed: u64, place: usize, attempt: usize) -> String {
    let mixed =
        (seed ^ ((place as u64) << 32) ^ ((attempt as u64) << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    "x".repeat((mixed >> 40) as usize % (LONGEST_PAD + 1))
}

impl Findings {
    /// None of the visits, as the machine was not the same for all of them.
    fn of_changed_machine(change: String, found: Self) -> Self {
        Self {
            left_out: found.left_out,
            void_visits: found.void_visits,
            reasons: vec![format!(
                "the machine changed while the versions were compared, so no visit counts ({change})"
            )],
            ..Self::default()
        }
    }

    /// Adds a block.
    fn take(&mut self, visits: [Visited; 4], size: Option<f64>, gate: &Gate) {
        let [base_first, head_first, head_last, base_last] = visits;
        if self.subjects.is_empty() {
            let limit = |behaviour: Option<&str>| gate.limit_of(behaviour);
            self.subjects = subjects(&base_first.steps, &base_first.resources, &self.rates, &limit);
            self.resources.clone_from(&base_first.resources);
        }
        let demands = |visit: &Visited| -> VisitDemands {
            visit_demands(&visit.steps, &visit.resources, &self.rates, &self.subjects)
        };
        let block = VisitBlock {
            size,
            base: [demands(&base_first), demands(&base_last)],
            head: [demands(&head_first), demands(&head_last)],
        };
        self.blocks.push(block);
        self.steps.extend(base_first.steps);
        self.steps.extend(base_last.steps);
    }
}
