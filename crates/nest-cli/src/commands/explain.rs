//! `explain`: shows how a figure was worked out, down to what it rests on.

mod summary;

use std::fmt::Write;

use nest_data::{
    Document,
    explanation::{Explanation, ExplanationNode},
};
use nest_load::code::Registry;
use nest_model::explain::{ExplainRequest, explain};

use self::summary::summary;
use crate::{
    args::{ExplainArguments, Format},
    book_set::BookSet,
    command_error::CommandError,
    commands::project::{check_measured, options},
    files::StudyFolder,
    printer::data,
    table::{Cell, Column, OutputTable},
};

/// Runs the verb.
pub fn run(arguments: &ExplainArguments, registry: &Registry) -> Result<(), CommandError> {
    let (folder, study) = StudyFolder::open(&arguments.study.study, &arguments.study.overrides, registry)?;
    let options = options(&arguments.projection);
    let asked = ExplainRequest {
        number: &arguments.number,
        config: arguments.config.as_deref(),
        customers: arguments.customers,
    };
    let model = folder.scaling()?;
    check_measured(&folder, &study, &model)?;
    let books = BookSet::of_configs(&folder, &study)?;
    let explanation = explain(&model, &study, &books, &options, &asked)?;
    data(&match arguments.format {
        Format::Json => explanation.to_json(),
        Format::Csv => table(&explanation).render(Format::Csv),
        Format::Human if !arguments.full => summary(&explanation.root),
        Format::Human => tree(&explanation, ""),
        Format::Md => tree(&explanation, "- "),
    })
}

/// A row for each node. A value that is not a number is not known.
fn table(explanation: &Explanation) -> OutputTable {
    let mut table = OutputTable::new(&[
        Column::for_programs(&["depth"]),
        Column::for_programs(&["name"]),
        Column::for_programs(&["value"]),
        Column::for_programs(&["unit"]),
        Column::for_programs(&["basis"]),
        Column::for_programs(&["detail"]),
    ]);
    each(&explanation.root, 0, &mut |node, depth| {
        let number = node.value.parse::<f64>().ok().filter(|number| number.is_finite());
        table.push(vec![
            Cell::count(depth),
            Cell::text(&node.name),
            Cell::or_missing(number, "", |_| Cell::decimal(&node.value)),
            Cell::text(&node.unit),
            // The word without its sign.
            Cell::text(node.basis.label().rsplit(' ').next().unwrap_or_default()),
            Cell::text(&node.detail),
        ]);
    });
    table
}

/// One line for each node, indented by its depth, with a bullet before it.
fn tree(explanation: &Explanation, bullet: &str) -> String {
    let mut text = String::new();
    each(&explanation.root, 0, &mut |node, depth| {
        let indent = "  ".repeat(depth);
        let unit = prefixed(" ", &node.unit);
        let detail = prefixed(": ", &node.detail);
        writeln!(
            text,
            "{indent}{bullet}{}{unit}  {}  [{}{detail}]",
            node.value,
            node.name,
            node.basis.label()
        )
        .expect("a String takes everything");
    });
    text
}

/// A text with something before it; nothing if the text is empty.
fn prefixed(prefix: &str, text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("{prefix}{text}")
    }
}

/// Visits every node with its depth, a node before its parts.
fn each(node: &ExplanationNode, depth: usize, visit: &mut impl FnMut(&ExplanationNode, usize)) {
    visit(node, depth);
    node.parts.iter().for_each(|part| each(part, depth + 1, visit));
}
