//! `explain`: a number opened down to what it rests on.

use std::fmt::Write;

use nest_data::{Document, explanation::ExplanationNode};
use nest_load::code::Registry;
use nest_model::explain::{ExplainRequest, explain};

use crate::{
    args::{ExplainArguments, Format},
    commands::project,
    failure::Failure,
    files::StudyFolder,
    printer::{Table, data},
};

/// Runs the verb.
pub fn run(arguments: &ExplainArguments, registry: &Registry) -> Result<(), Failure> {
    let folder = StudyFolder::new(&arguments.study.study)?.with_code(registry);
    let study = folder.study(&arguments.study.overrides)?;
    let model = folder.scaling()?;
    let (books, options) = project::inputs(&folder, &study, &model, &arguments.projection)?;
    let asked = ExplainRequest {
        number: &arguments.number,
        config: arguments.config.as_deref(),
        customers: arguments.customers,
    };
    let explanation = explain(&model, &study, &books, &options, &asked)?;
    let text = match arguments.format {
        Format::Json => explanation.to_json(),
        Format::Csv => {
            let mut table = Table::new(&["depth", "name", "value", "unit", "basis", "detail"]);
            each(&explanation.root, 0, &mut |node, depth| {
                let cells = [
                    &node.name,
                    &node.value,
                    &node.unit,
                    node.basis.label(),
                    &node.detail,
                ];
                table.rows.push(
                    std::iter::once(depth.to_string())
                        .chain(cells.map(str::to_owned))
                        .collect(),
                );
            });
            table.render(Format::Csv)
        }
        Format::Human | Format::Md => {
            let mut text = String::new();
            let bullet = if arguments.format == Format::Md { "- " } else { "" };
            each(&explanation.root, 0, &mut |node, depth| {
                let detail = if node.detail.is_empty() {
                    String::new()
                } else {
                    format!(": {}", node.detail)
                };
                let indent = "  ".repeat(depth);
                let unit = if node.unit.is_empty() {
                    String::new()
                } else {
                    format!(" {}", node.unit)
                };
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
    };
    data(&text)
}

/// Every node with its depth, a node before its parts.
fn each(node: &ExplanationNode, depth: usize, visit: &mut impl FnMut(&ExplanationNode, usize)) {
    visit(node, depth);
    node.parts.iter().for_each(|part| each(part, depth + 1, visit));
}
