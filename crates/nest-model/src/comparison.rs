//! Two versions of a target, compared by what one execution of each behaviour uses.
//!
//! Both versions are visited on one machine in one block: base, head, head, base. What drifts in a straight
//! line over a block cancels. After each block all comparisons are judged: the gate fails on proof, passes on
//! proof, and goes on otherwise.

mod contrast;
mod document;
mod runs;
mod sequential;
mod visit;

pub use contrast::{Contrast, Prior, SizedChange, SubjectChange, block_deviation, changes};
pub use runs::compare_runs;
pub use sequential::{Comparison, ComparisonKind, GateRules, Judgement, Outcome, judge};
pub use visit::{compared, subjects, visit_demands};

/// What is compared: the demand of a behaviour, or of the whole mix, on one resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// The behaviour; `None` for the whole mix.
    pub behaviour: Option<String>,
    /// The resource, as `tier/kind`.
    pub resource: String,
    /// Its share of the resource's use on the plain mix, 0 to 1.
    pub share: f64,
    /// Relative change of demand that is tolerated, above 0.
    pub limit: f64,
}

/// Demand of one subject in one visit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VisitDemand {
    /// Use by one execution, in the resource's unit; above 0.
    pub value: f64,
    /// Standard error that the visit itself shows, as a share of the value; 0 or more.
    pub relative_error: f64,
}

/// The demands of all subjects in one visit, in their order; `None` where the visit cannot tell.
pub type VisitDemands = Vec<Option<VisitDemand>>;

/// Four visits in the order base, head, head, base.
#[derive(Debug, Clone, PartialEq)]
pub struct VisitBlock {
    /// Stored items at which all four were made; `None` if the study states no sizes.
    pub size: Option<f64>,
    /// The first and the last visit.
    pub base: [VisitDemands; 2],
    /// The second and the third visit.
    pub head: [VisitDemands; 2],
}

impl VisitBlock {
    /// Logarithm of head's demand over base's, and its variance as the visits themselves show it.
    ///
    /// # Formula
    /// `c = (ln B1 + ln B2 - ln A1 - ln A2) / 2`; a drift that is linear in the order of the visits cancels.
    ///
    /// `None` if a visit cannot tell the subject's demand.
    #[must_use]
    pub fn log_ratio(&self, subject: usize) -> Option<(f64, f64)> {
        let [base_first, base_last] = both(&self.base, subject)?;
        let [head_first, head_last] = both(&self.head, subject)?;
        let visits = [base_first, base_last, head_first, head_last];
        let variance: f64 = visits.iter().map(|visit| visit.relative_error.powi(2)).sum();
        let log = |visit: VisitDemand| visit.value.ln();
        let ratio = (log(head_first) + log(head_last) - log(base_first) - log(base_last)) / 2.0;
        ratio.is_finite().then_some((ratio, variance / 4.0))
    }

    /// Logarithm of base's demand: the mean of its two visits.
    fn log_base(&self, subject: usize) -> Option<f64> {
        let [first, last] = both(&self.base, subject)?;
        Some((first.value.ln() + last.value.ln()) / 2.0)
    }
}

/// The demands of a subject in two visits, if both are above 0.
fn both(visits: &[VisitDemands; 2], subject: usize) -> Option<[VisitDemand; 2]> {
    let demand = |visit: &VisitDemands| {
        visit
            .get(subject)
            .copied()
            .flatten()
            .filter(|demand| demand.value > 0.0)
    };
    Some([demand(&visits[0])?, demand(&visits[1])?])
}
