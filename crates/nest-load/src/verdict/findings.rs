//! What is found about a step, before it is judged.

use nest_data::measurement::{Validity, Verdict};

/// Everything that was found about a step. A finding of validity `Valid` is a remark.
#[derive(Debug, Default)]
pub struct Findings(Vec<(Validity, String)>);

/// Two bounds of one figure: above the first a step is suspect, above the second it is `beyond`.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub suspect: f64,
    pub beyond: (f64, Validity),
}

impl Bounds {
    /// What a value means; nothing if it is within both bounds.
    pub fn judge(self, value: f64) -> Option<Validity> {
        let (most, beyond) = self.beyond;
        if value > most {
            Some(beyond)
        } else {
            (value > self.suspect).then_some(Validity::Suspect)
        }
    }
}

impl Findings {
    pub fn add(&mut self, validity: Validity, reason: String) {
        self.0.push((validity, reason));
    }

    /// Adds a reason if a value lies above its bounds.
    pub fn check(&mut self, value: f64, bounds: Bounds, reason: impl FnOnce() -> String) {
        if let Some(validity) = bounds.judge(value) {
            self.add(validity, reason());
        }
    }

    /// Whether something was found of this validity.
    pub fn has(&self, validity: Validity) -> bool {
        self.0.iter().any(|(found, _)| *found == validity)
    }

    /// The reasons of one validity.
    pub fn reasons_of(&self, validity: Validity) -> Vec<String> {
        let of_it = self.0.iter().filter(|(found, _)| *found == validity);
        of_it.map(|(_, reason)| reason.clone()).collect()
    }

    /// The gravest finding decides; every finding is a reason.
    pub fn verdict(self) -> Verdict {
        Verdict {
            validity: self
                .0
                .iter()
                .map(|(validity, _)| *validity)
                .max()
                .unwrap_or(Validity::Valid),
            reasons: self.0.into_iter().map(|(_, reason)| reason).collect(),
        }
    }
}
