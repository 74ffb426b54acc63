//! What a report says first: one sentence, two or three more, and what to do next.
//!
//! Rules choose the sentences from the projection. They open the page, the summary and what the terminal
//! prints,
//! so that all of them say the same.

mod actions;
mod composition;
mod decide;
mod pull;
mod sentences;
mod subject;
mod title;
mod together;

use nest_data::{Projection, measurement::Validity};
use serde::Serialize;

pub(crate) use actions::seen_in;
pub(crate) use composition::Composition;
pub(crate) use composition::driver_in_words;
pub(crate) use subject::{Subject, number, policy_effect};

use crate::words;

/// The sentences that open a report. Names of the study stand in backticks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The answer in one sentence.
    pub title: String,
    /// What it rests on: cost, first limit, largest part of the bill, and how good the test was if it was
    /// not.
    pub sentences: Vec<String>,
    /// What to do next, the most urgent first; at most three.
    pub actions: Vec<NextStep>,
    /// How these go together; empty if there is only one.
    pub together: String,
}

/// Something to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextStep {
    /// What to do, by when.
    pub what: String,
    /// What it costs and what it changes.
    pub why: String,
}

/// The sentences for a projection.
#[must_use]
pub fn verdict(projection: &Projection) -> Verdict {
    match Subject::of(projection) {
        Some(subject) => {
            let title = title::title(&subject);
            let actions = actions::actions(&subject, &title);
            Verdict {
                sentences: sentences::sentences(&subject, &title),
                together: together::together(&subject, &actions),
                actions,
                title: title.text,
            }
        }
        None => measured(projection),
    }
}

impl Verdict {
    /// The title, what it rests on in one line, the numbered actions and how they go together: plain lines
    /// for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = vec![words::clean(&self.title)];
        if !self.sentences.is_empty() {
            lines.push(words::clean(&self.sentences.join(" ")));
        }
        for (index, action) in self.actions.iter().enumerate() {
            lines.push(words::clean(&format!(
                "{}. {} {}",
                index + 1,
                action.what,
                action.why
            )));
        }
        if !self.together.is_empty() {
            lines.push(words::clean(&self.together));
        }
        lines.join("\n")
    }
}

/// Without a configuration, a report says what was measured.
fn measured(projection: &Projection) -> Verdict {
    let fitted = projection
        .points
        .iter()
        .filter(|point| point.validity == Validity::Valid);
    let largest = fitted.filter_map(|point| point.customers).max_by(f64::total_cmp);
    let title = match largest {
        Some(customers) => format!("Tested with up to {} customers", words::customers(customers)),
        None => "The load test has no valid step with customers".to_owned(),
    };
    let action = NextStep {
        what: "Add a configuration to the study.".to_owned(),
        why: "A `[configs.NAME]` in nest.toml says what it runs on, and the report then says what that \
             costs and \
              where it ends."
            .to_owned(),
    };
    Verdict {
        title,
        sentences: vec![format!(
            "The study has no configuration, so there is no cost and no limit. It was measured on {}.",
            words::clean(&projection.model.machine.cpu)
        )]
        .into_iter()
        .chain(sentences::quality(projection))
        .collect(),
        actions: vec![action],
        together: String::new(),
    }
}
