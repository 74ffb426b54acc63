//! Gates between two versions, simulated: how often they fail without a cause, and how often they catch one.

#![allow(
    clippy::print_stdout,
    reason = "what was simulated is printed for bench/README.md"
)]

use nest_model::{
    comparison::{
        ComparisonKind, GateRules, Judgement, Outcome, Prior, Subject, VisitBlock, VisitDemand, VisitDemands,
        changes, judge,
    },
    draws::{RandomStream, StreamPurpose},
};

const LIMIT: f64 = 0.05;
const GATES: u32 = 2_000;

/// A machine and two versions: relative deviations of a visit, common to all behaviours and each one's own.
#[derive(Clone, Copy)]
struct World {
    common: f64,
    own: f64,
    /// What the layout of a build does to each behaviour, for all visits of the gate.
    layout: f64,
    /// Chance that a visit stalls, which adds 8 % to all it measures.
    stalls: f64,
    /// Log of demand added from one visit to the next.
    drift: f64,
}

const QUIET: World = World {
    common: 0.0,
    own: 0.0,
    layout: 0.0,
    stalls: 0.0,
    drift: 0.0,
};

fn subjects(count: usize) -> Vec<Subject> {
    (0..count)
        .map(|index| Subject {
            behaviour: Some(format!("behaviour {index}")),
            resource: "app/cpu".to_owned(),
            share: 1.0 / count as f64,
            limit: LIMIT,
        })
        .collect()
}

/// The blocks of one gate; `changes` are head's relative changes of demand.
fn gate(world: World, changes: &[f64], index: u32, blocks: usize) -> Vec<VisitBlock> {
    let mut random = RandomStream::new(7, StreamPurpose::Fit, index);
    let layout: Vec<f64> = changes.iter().map(|_| world.layout * random.normal()).collect();
    let mut elapsed = 0.0;
    let mut visit = |head: bool| -> VisitDemands {
        elapsed += world.drift;
        let stall = if random.uniform() < world.stalls {
            0.08
        } else {
            0.0
        };
        let common = world.common * random.normal() + f64::ln_1p(stall) + elapsed;
        let mut demand = |place: usize| {
            let version = if head {
                changes[place].ln_1p() + layout[place]
            } else {
                0.0
            };
            Some(VisitDemand {
                value: 0.01 * (version + common + world.own * random.normal()).exp(),
                relative_error: 0.0,
            })
        };
        (0..changes.len()).map(&mut demand).collect()
    };
    let mut block = || {
        let first = visit(false);
        let head = [visit(true), visit(true)];
        VisitBlock {
            size: None,
            base: [first, visit(false)],
            head,
        }
    };
    (0..blocks).map(|_| block()).collect()
}

/// The last look of a gate, and how many blocks it took.
fn run(blocks: &[VisitBlock], subjects: &[Subject], rules: &GateRules) -> (Judgement, usize) {
    (rules.fewest_blocks..=rules.most_blocks)
        .map(|seen| (judge(&blocks[..seen], subjects, rules), seen))
        .find(|(judgement, seen)| judgement.outcome != Outcome::Unclear || *seen == rules.most_blocks)
        .expect("there is a last look")
}

struct Shares {
    fails: f64,
    passes: f64,
    named: f64,
    blocks: f64,
}

/// Shares of many gates; `named` counts those that failed at the first subject.
fn shares(world: World, changes: &[f64], rules: &GateRules) -> Shares {
    let subjects = subjects(changes.len());
    let (mut fails, mut passes, mut named, mut blocks) = (0, 0, 0, 0);
    for index in 0..GATES {
        let (judgement, seen) = run(&gate(world, changes, index, rules.most_blocks), &subjects, rules);
        fails += u32::from(judgement.outcome == Outcome::Fail);
        passes += u32::from(judgement.outcome == Outcome::Pass);
        named += u32::from(judgement.comparisons[0].outcome == Some(Outcome::Fail));
        blocks += seen;
    }
    let share = |count: u32| f64::from(count) / f64::from(GATES);
    Shares {
        fails: share(fails),
        passes: share(passes),
        named: share(named),
        blocks: blocks as f64 / f64::from(GATES),
    }
}

/// The table of `docs/method/comparison.md`, whose figures another program computed.
#[test]
fn gates_fail_and_pass_as_often_as_an_independent_simulation_says() {
    // The deviation of a block is that of a visit: both parts together, the root of 1.5 %^2 + 2 %^2.
    let calibrated = Prior::calibrated(0.025, 8);
    for (common, own, count, prior, passes, caught, blocks, blocks_caught) in [
        (0.01, 0.01, 10, Prior::UNCALIBRATED, 1.00, 1.000, 4.3, 3.5),
        (0.015, 0.02, 5, Prior::UNCALIBRATED, 0.75, 1.000, 5.3, 3.5),
        (0.02, 0.03, 5, Prior::UNCALIBRATED, 0.26, 0.970, 5.8, 4.0),
        (0.02, 0.04, 5, Prior::UNCALIBRATED, 0.08, 0.886, 5.9, 4.4),
        (0.015, 0.02, 5, calibrated, 0.89, 1.000, 4.6, 2.4),
    ] {
        let world = World { common, own, ..QUIET };
        let rules = GateRules {
            prior,
            ..GateRules::default()
        };
        let equal = shares(world, &vec![0.0; count], &rules);
        let mut slower = vec![0.0; count];
        slower[0] = 0.10;
        let slower = shares(world, &slower, &rules);
        println!(
            "{common} / {own}, {count}: fails {:.4}, passes {:.3} in {:.2} blocks; caught {:.3} in {:.2}",
            equal.fails, equal.passes, equal.blocks, slower.named, slower.blocks
        );
        assert!(equal.fails <= 0.02, "{} of equal gates fail", equal.fails);
        assert!(
            (equal.passes - passes).abs() < 0.06,
            "{} pass, not {passes}",
            equal.passes
        );
        assert!(
            (slower.named - caught).abs() < 0.03,
            "{} caught, not {caught}",
            slower.named
        );
        assert!(
            (equal.blocks - blocks).abs() < 0.3,
            "{} blocks, not {blocks}",
            equal.blocks
        );
        assert!(
            (slower.blocks - blocks_caught).abs() < 0.5,
            "{} blocks",
            slower.blocks
        );
    }
}

#[test]
fn a_worse_world_seldom_fails_a_gate_without_cause() {
    for (common, own, count) in [(0.01, 0.01, 10), (0.015, 0.02, 5), (0.02, 0.03, 5)] {
        let world = World {
            common,
            own,
            layout: 0.01,
            stalls: 0.05,
            drift: 0.0,
        };
        let equal = shares(world, &vec![0.0; count], &GateRules::default());
        assert!(
            equal.fails <= 0.05,
            "{common} / {own}: {} of equal gates fail",
            equal.fails
        );
    }
}

#[test]
fn a_drift_that_is_linear_in_a_block_cancels() {
    let still = gate(QUIET, &[0.1, 0.0], 0, 3);
    let drifting = gate(World { drift: 0.02, ..QUIET }, &[0.1, 0.0], 0, 3);
    for (still, drifting) in still.iter().zip(&drifting) {
        for subject in 0..2 {
            let (expected, _) = still.log_ratio(subject).expect("told");
            let (found, _) = drifting.log_ratio(subject).expect("told");
            assert!((expected - found).abs() < 1e-12);
        }
    }
}

#[test]
fn one_stalled_visit_of_twenty_four_never_fails_a_gate() {
    let world = World {
        common: 0.01,
        own: 0.01,
        ..QUIET
    };
    let rules = GateRules::default();
    for stalled in 0..24 {
        let mut blocks = gate(world, &[0.0; 5], stalled, 6);
        let block = &mut blocks[stalled as usize / 4];
        let visit = match stalled % 4 {
            0 => &mut block.base[0],
            1 => &mut block.head[0],
            2 => &mut block.head[1],
            _ => &mut block.base[1],
        };
        visit.iter_mut().flatten().for_each(|demand| demand.value *= 1.3);
        let (judgement, _) = run(&blocks, &subjects(5), &rules);
        assert_ne!(judgement.outcome, Outcome::Fail, "visit {stalled}");
    }
}

#[test]
fn growth_with_stored_data_is_told_from_a_change() {
    let world = World {
        common: 0.01,
        own: 0.01,
        ..QUIET
    };
    let blocks = |at_large: f64| -> Vec<VisitBlock> {
        (0..6)
            .map(|block| {
                let (size, change) = if block % 2 == 0 {
                    (2_000.0, 0.0)
                } else {
                    (20_000.0, at_large)
                };
                VisitBlock {
                    size: Some(size),
                    ..gate(world, &[change, 0.0], 100 + block, 1).remove(0)
                }
            })
            .collect()
    };
    let growing = judge(&blocks(0.4), &subjects(2), &GateRules::default());
    let growth = growing
        .comparisons
        .iter()
        .find(|comparison| comparison.kind == ComparisonKind::Growth)
        .expect("two sizes tell a growth");
    assert_eq!(
        (growing.outcome, growth.outcome),
        (Outcome::Fail, Some(Outcome::Fail))
    );
    assert!(growth.low < 0.4 && 0.4 < growth.high, "{growth:?}");
    let steady = judge(&blocks(0.0), &subjects(2), &GateRules::default());
    assert_ne!(steady.outcome, Outcome::Fail);
}

#[test]
fn cost_follows_growth_only_where_the_versions_grow_differently() {
    let world = World {
        common: 0.01,
        own: 0.01,
        ..QUIET
    };
    let at = |size, changes: &[f64], index| {
        let blocks = gate(world, changes, index, 2).into_iter();
        blocks.map(move |block| VisitBlock {
            size: Some(size),
            ..block
        })
    };
    let blocks: Vec<VisitBlock> = at(100.0, &[0.0, 0.2], 1)
        .chain(at(300.0, &[0.5, 0.2], 2))
        .collect();
    let found = changes(&blocks, 2, Prior::UNCALIBRATED);
    let [small, large] = found[0].by_size.expect("the first grows with stored data");
    assert_eq!((small.stored, large.stored), (100.0, 300.0));
    assert!(
        small.change.mean.abs() < 0.05 && (large.change.mean - 0.5_f64.ln_1p()).abs() < 0.05,
        "{small:?} {large:?}"
    );
    assert!(
        found[1].by_size.is_none(),
        "the second is as much dearer at both: {found:?}"
    );
    assert!((found[1].change.mean - 0.2_f64.ln_1p()).abs() < 0.05);
}

#[test]
fn what_would_settle_an_unclear_gate_settles_it() {
    let world = World {
        common: 0.015,
        own: 0.02,
        ..QUIET
    };
    let rules = GateRules::default();
    let is_unclear = |judgement: &Judgement| judgement.outcome == Outcome::Unclear;
    let (index, judgement) = (0..50)
        .map(|index| {
            (
                index,
                judge(&gate(world, &[0.045, 0.0], index, 6), &subjects(2), &rules),
            )
        })
        .find(|(_, judgement)| is_unclear(judgement))
        .expect("one of fifty is unclear");
    let unclear = judgement
        .comparisons
        .iter()
        .filter(|comparison| comparison.outcome == Some(Outcome::Unclear));
    for comparison in unclear {
        let wider = Subject {
            limit: comparison.passing_limit + 1e-9,
            ..subjects(1).remove(0)
        };
        let mut all = subjects(2);
        all[comparison.subject].limit = wider.limit;
        let again = judge(&gate(world, &[0.045, 0.0], index, 6), &all, &rules);
        assert_eq!(again.comparisons[comparison.subject].outcome, Some(Outcome::Pass));
        assert!(comparison.blocks_needed.is_none_or(|blocks| blocks > 6));
    }
}

#[test]
fn a_subject_that_no_visit_tells_keeps_a_gate_from_passing() {
    let mut blocks = gate(QUIET, &[0.0, 0.0], 0, 6);
    for block in &mut blocks {
        block.head[0][1] = None;
    }
    assert_eq!(
        judge(&blocks, &subjects(2), &GateRules::default()).outcome,
        Outcome::Unclear
    );
    let mut minor = subjects(2);
    minor[1].share = 0.001;
    assert_eq!(
        judge(&blocks, &minor, &GateRules::default()).outcome,
        Outcome::Pass
    );
}
