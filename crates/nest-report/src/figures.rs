//! The sections of a report in reading order; each has a question, an answer, charts, tables and how we know.
//!
//! HTML and Markdown print the same sections; no number is worked out here.

mod bill;
mod capacity;
mod compare;
mod cost;
mod curves;
mod evidence;
mod growth;
mod next;
mod policy;
mod provenance;
mod segments;
mod sensitivity;
mod table;
mod tiles;

use nest_data::Projection;
use serde::Serialize;

pub(crate) use table::{Cell, PageRow, PageTable};
pub(crate) use tiles::tiles;

use crate::chart::Drawing;

/// Which reader a section is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ReadingPath {
    /// Cost, break points and policies.
    Product,
    /// Bills and months.
    Finance,
    /// Demand and curves.
    Architect,
    /// The measurements and sources behind it all.
    Evidence,
}

/// One question and its answer.
#[derive(Debug, Serialize)]
pub(crate) struct Section {
    /// Anchor.
    pub id: String,
    /// Word in the navigation.
    pub name: String,
    /// Reader it is for first.
    pub path: ReadingPath,
    /// The heading.
    pub question: String,
    /// The answer, in a sentence; names in backticks.
    pub answer: String,
    /// Inline SVG.
    pub drawing: Option<String>,
    /// The figures behind it.
    pub tables: Vec<PageTable>,
    /// Facts as a list.
    pub list: Vec<String>,
    /// How we know, a sentence each.
    pub how: Vec<String>,
}

impl Section {
    fn new(id: &str, name: &str, path: ReadingPath, question: &str, answer: String) -> Self {
        let (tables, list, how) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            path,
            question: question.to_owned(),
            answer,
            drawing: None,
            tables,
            list,
            how,
        }
    }
}

/// All sections of a report.
pub(crate) fn sections(projection: &Projection, drawings: &[Drawing]) -> Vec<Section> {
    let money = |drawing: &&Drawing| drawing.is_money();
    let mut sections = Vec::new();
    sections.extend(next::actions(projection));
    sections.extend(cost::per_1000(projection));
    sections.extend(
        drawings
            .iter()
            .filter(money)
            .map(|drawing| curves::section(projection, drawing)),
    );
    sections.extend(compare::configs(projection));
    sections.extend(bill::bills(projection));
    sections.extend(cost::months(projection));
    sections.extend(growth::growths(projection));
    sections.extend(segments::segments(projection));
    sections.extend(capacity::break_points(projection));
    sections.extend(
        drawings
            .iter()
            .filter(|drawing| !money(drawing))
            .map(|drawing| curves::section(projection, drawing)),
    );
    sections.extend(policy::policies(projection));
    sections.extend(sensitivity::sensitivity(projection));
    sections.extend(capacity::demand(projection));
    sections.extend(evidence::checks(projection));
    sections.extend(evidence::steps(projection));
    sections.push(provenance::caveats(projection));
    sections.push(provenance::sources(projection));
    sections
}
