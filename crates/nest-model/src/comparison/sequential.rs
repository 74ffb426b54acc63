//! Looks: after each block, whether the gate has failed, has passed, or goes on.
//!
//! It fails where a demand has grown for certain and, by the best estimate, by more than its limit. It passes
//! where every demand has for certain grown by less. Both levels are shared out over the looks (Bonferroni);
//! that of failing also over the comparisons. Passing needs all comparisons at once, so no share is lost to
//! their number (an intersection-union test).
//!
//! Source: Berger, "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24(4), 1982.

use super::{
    Subject, VisitBlock,
    contrast::{Contrast, Prior, change, growth, t},
};

/// When a gate looks, and how sure it must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GateRules {
    /// Chance of a wrong verdict over all looks and comparisons, 0 to 1.
    pub level: f64,
    /// Blocks before the first look, at least 1.
    pub fewest_blocks: usize,
    /// Blocks at the last look, at least `fewest_blocks`.
    pub most_blocks: usize,
    /// Share of a resource below which a behaviour is shown but not judged, 0 to 1.
    pub share_at_least: f64,
    /// What is expected of the deviation of a block.
    pub prior: Prior,
}

impl Default for GateRules {
    fn default() -> Self {
        Self {
            level: 0.05,
            fewest_blocks: 2,
            most_blocks: 6,
            share_at_least: 0.02,
            prior: Prior::UNCALIBRATED,
        }
    }
}

impl GateRules {
    /// Number of looks.
    fn looks(&self) -> f64 {
        (self.most_blocks.max(self.fewest_blocks) - self.fewest_blocks) as f64 + 1.0
    }
}

/// Where a comparison, or a whole gate, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The growth of demand is above the limit, and there is growth for certain.
    Fail,
    /// The growth of demand is for certain below the limit.
    Pass,
    /// Neither is certain yet.
    Unclear,
}

/// What of a subject is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComparisonKind {
    /// Change of demand.
    Change,
    /// How much more the demand grows from the smallest stored size to the largest.
    Growth,
}

/// One comparison at one look.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Position of its subject.
    pub subject: usize,
    /// What is compared.
    pub kind: ComparisonKind,
    /// Relative change, or growth as a share of base's demand at the largest size; 0 is none.
    pub value: f64,
    /// Lower end of its 90 % interval.
    pub low: f64,
    /// Upper end of its 90 % interval.
    pub high: f64,
    /// Where it stands; `None` if it is shown but not judged.
    pub outcome: Option<Outcome>,
    /// Blocks in all from which on it would be clear if they were like those so far; `None` if it is clear,
    /// or not judged.
    pub blocks_needed: Option<usize>,
    /// The least limit that it would pass now.
    pub passing_limit: f64,
}

/// A look at all comparisons.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Where the gate stands.
    pub outcome: Outcome,
    /// The comparisons that any block tells: subjects in order, changes before growths.
    pub comparisons: Vec<Comparison>,
}

/// Judges a gate by the blocks so far.
///
/// A subject that no block tells keeps the gate from passing.
#[must_use]
pub fn judge(blocks: &[VisitBlock], subjects: &[Subject], rules: &GateRules) -> Judgement {
    let contrasts = contrasts(blocks, subjects.len(), rules.prior);
    let judged = |subject: usize| {
        subjects[subject].behaviour.is_none() || subjects[subject].share >= rules.share_at_least
    };
    let compared = contrasts.iter().filter(|(subject, ..)| judged(*subject)).count();
    let levels = Levels::new(rules, compared);
    let enough = blocks.len() >= rules.fewest_blocks;
    let comparisons: Vec<Comparison> = contrasts
        .into_iter()
        .map(|(subject, kind, contrast)| {
            let limit = subjects[subject].limit;
            levels.compare(&contrast, subject, kind, limit, judged(subject).then_some(enough))
        })
        .collect();
    let told = |subject: usize| comparisons.iter().any(|comparison| comparison.subject == subject);
    let all_told = (0..subjects.len()).filter(|subject| judged(*subject)).all(told);
    Judgement {
        outcome: overall(&comparisons, all_told && compared > 0),
        comparisons,
    }
}

fn contrasts(blocks: &[VisitBlock], subjects: usize, prior: Prior) -> Vec<(usize, ComparisonKind, Contrast)> {
    let changes = (0..subjects)
        .filter_map(|subject| Some((subject, ComparisonKind::Change, change(blocks, subject, prior)?)));
    let growths = (0..subjects)
        .filter_map(|subject| Some((subject, ComparisonKind::Growth, growth(blocks, subject, prior)?)));
    changes.chain(growths).collect()
}

fn overall(comparisons: &[Comparison], all_told: bool) -> Outcome {
    let mut outcomes = comparisons.iter().filter_map(|comparison| comparison.outcome);
    if outcomes.clone().any(|outcome| outcome == Outcome::Fail) {
        Outcome::Fail
    } else if all_told && outcomes.all(|outcome| outcome == Outcome::Pass) {
        Outcome::Pass
    } else {
        Outcome::Unclear
    }
}

/// One-sided levels of a single comparison at a single look.
struct Levels {
    fail: f64,
    pass: f64,
}

impl Levels {
    fn new(rules: &GateRules, compared: usize) -> Self {
        let pass = rules.level / rules.looks();
        Self {
            fail: pass / compared.max(1) as f64,
            pass,
        }
    }

    /// `judged` is `None` if the subject is only shown, and tells otherwise whether there are blocks enough.
    fn compare(
        &self,
        contrast: &Contrast,
        subject: usize,
        kind: ComparisonKind,
        limit: f64,
        judged: Option<bool>,
    ) -> Comparison {
        let scale = Scale(kind);
        let half = t(0.05, contrast.degrees) * contrast.standard_error;
        let outcome = judged.map(|enough| {
            if enough {
                self.outcome(contrast, scale.inside(limit))
            } else {
                Outcome::Unclear
            }
        });
        let unclear = outcome == Some(Outcome::Unclear);
        Comparison {
            subject,
            kind,
            value: scale.outside(contrast.mean),
            low: scale.outside(contrast.mean - half),
            high: scale.outside(contrast.mean + half),
            outcome,
            blocks_needed: unclear
                .then(|| self.blocks_needed(contrast, scale.inside(limit)))
                .flatten(),
            passing_limit: scale.outside(self.upper(contrast)),
        }
    }

    fn outcome(&self, contrast: &Contrast, limit: f64) -> Outcome {
        let lower = contrast.mean - t(self.fail, contrast.degrees) * contrast.standard_error;
        if lower > 0.0 && contrast.mean > limit {
            Outcome::Fail
        } else if self.upper(contrast) < limit {
            Outcome::Pass
        } else {
            Outcome::Unclear
        }
    }

    fn upper(&self, contrast: &Contrast) -> f64 {
        contrast.mean + t(self.pass, contrast.degrees) * contrast.standard_error
    }

    /// Blocks from which on the comparison would be clear, with the mean and the deviation seen so far.
    fn blocks_needed(&self, contrast: &Contrast, limit: f64) -> Option<usize> {
        (contrast.blocks + 1..=MOST_FORETOLD).find(|blocks| {
            let (seen, then) = (contrast.blocks as f64, *blocks as f64);
            let foretold = Contrast {
                standard_error: contrast.standard_error * (seen / then).sqrt(),
                degrees: contrast.degrees + then - seen,
                blocks: *blocks,
                ..*contrast
            };
            self.outcome(&foretold, limit) != Outcome::Unclear
        })
    }
}

/// Blocks beyond which nobody waits for a gate.
const MOST_FORETOLD: usize = 60;

/// Between what a contrast is computed in and what is printed.
#[derive(Clone, Copy)]
struct Scale(ComparisonKind);

impl Scale {
    fn inside(self, relative: f64) -> f64 {
        match self.0 {
            ComparisonKind::Change => relative.ln_1p(),
            ComparisonKind::Growth => relative,
        }
    }

    fn outside(self, value: f64) -> f64 {
        match self.0 {
            ComparisonKind::Change => value.exp_m1(),
            ComparisonKind::Growth => value,
        }
    }
}
