//! Two runs compared: as Markdown and as a page, with the same sentences.

use minijinja::{context, value::Serde};
use nest_data::{
    Estimate, RunsReport,
    gate_report::{VersionMoney, VersionRoom},
    projection::BreakPoint,
    runs_report::RunDemand,
};
use serde::Serialize;

use crate::{
    error::ReportError,
    format,
    html::{RUNS_PAGE, filled_template},
    markup::markdown_line,
    words,
};

/// The result in a sentence: the clearest change, and what it costs.
#[must_use]
pub fn sentence(report: &RunsReport) -> String {
    let clear = report.demands.iter().filter(|one| one.is_clear);
    let Some(first) = clear.clone().next() else {
        return "No behaviour uses more or less for certain".to_owned();
    };
    let (more, less) = (
        clear.clone().filter(|one| one.change.value > 0.0).count(),
        clear.filter(|one| one.change.value < 0.0).count(),
    );
    let percent = 100.0 * first.change.value.abs();
    let amount = if percent < 10.0 {
        format!("{percent:.1} %")
    } else {
        format!("{percent:.0} %")
    };
    let word = if first.change.value > 0.0 { "more" } else { "less" };
    let others = more + less - 1;
    let rest = match others {
        0 => String::new(),
        1 => ", and one other demand has changed".to_owned(),
        _ => format!(", and {others} other demands have changed"),
    };
    format!(
        "`{}` uses {amount} {word} {}{rest}",
        first.behaviour, first.resource
    )
}

/// What else a reader must know before the numbers: differences that may be the cause, cost and room.
fn lead(report: &RunsReport) -> Vec<String> {
    let unlike = report.unlike.iter().map(|one| {
        format!(
            "The runs differ in more than the target. {}.",
            words::capital(one)
        )
    });
    let money = report.money.as_ref().map(|money| {
        let amount = |value| format::amount(value, &money.currency);
        let customers = format::number(money.customers);
        let (before, after) = (amount(money.before.value), amount(money.after.value));
        if before == after {
            return format!("1,000 customers cost {after} a month as before, at {customers} customers.");
        }
        format!("1,000 customers cost {after} a month instead of {before}, at {customers} customers.")
    });
    unlike.chain(money).collect()
}

/// A table of the comparison.
#[derive(Debug, Serialize)]
struct RunsTable {
    id: &'static str,
    title: &'static str,
    columns: [&'static str; 5],
    rows: Vec<[String; 5]>,
}

fn tables(report: &RunsReport) -> Vec<RunsTable> {
    let projected: Vec<[String; 5]> = report
        .money
        .iter()
        .map(money_row)
        .chain(report.room.iter().filter_map(room_row))
        .collect();
    let demands = RunsTable {
        id: "demands",
        title: "What one execution uses",
        columns: [
            "behaviour, resource",
            "before",
            "after",
            "change [9 in 10]",
            "verdict",
        ],
        rows: report
            .demands
            .iter()
            .filter(|one| is_shown(one))
            .map(demand_row)
            .collect(),
    };
    let projected = RunsTable {
        id: "projected",
        title: "What that means",
        columns: ["what", "before", "after", "change [9 in 10]", "verdict"],
        rows: projected,
    };
    [projected, demands]
        .into_iter()
        .filter(|table| !table.rows.is_empty())
        .collect()
}

/// Whether a demand is large enough to be compared: too little of it was seen if one of its intervals reaches
/// 0.
fn is_shown(one: &RunDemand) -> bool {
    one.is_clear || (one.before.low > 0.0 && one.after.low > 0.0)
}

fn demand_row(one: &RunDemand) -> [String; 5] {
    let amount = |estimate: &Estimate| format::quantity_estimate(estimate, &one.unit);
    [
        format!("`{}`, {}", one.behaviour, one.resource),
        amount(&one.before),
        amount(&one.after),
        format::share_change(&one.change),
        verdict(one.is_clear, one.change.value),
    ]
}

fn verdict(is_clear: bool, change: f64) -> String {
    let word = match (is_clear, change > 0.0) {
        (true, true) => "more",
        (true, false) => "less",
        (false, _) => "not told apart",
    };
    word.to_owned()
}

fn money_row(money: &VersionMoney) -> [String; 5] {
    let amount = |value| format::amount(value, &money.currency);
    let change = &money.change;
    let is_clear = change.low > 0.0 || change.high < 0.0;
    let sign = if change.low > 0.0 { 1.0 } else { -1.0 };
    [
        "cost of 1,000 customers a month".to_owned(),
        amount(money.before.value),
        amount(money.after.value),
        format::money_change(change, &money.currency),
        verdict(is_clear, sign),
    ]
}

fn room_row(room: &VersionRoom) -> Option<[String; 5]> {
    let change = room.change.as_ref()?;
    let customers = |point: &Option<BreakPoint>| {
        let reached = point.as_ref().and_then(|point| point.customers);
        reached.map_or_else(
            || "not reached".to_owned(),
            |customers| format::number(customers.value),
        )
    };
    Some([
        "customers at which something first fails".to_owned(),
        customers(&room.before),
        customers(&room.after),
        format::share_change(change),
        verdict(change.low > 0.0 || change.high < 0.0, change.value),
    ])
}

fn notes(report: &RunsReport) -> Vec<String> {
    let left = report
        .left_out
        .iter()
        .map(|one| format!("`{}` is not compared: {}.", one.behaviour, one.reason));
    let doubts = report
        .caveats
        .iter()
        .map(|one| format!("{}.", words::capital(one)));
    let method = format!(
        "The runs were made at different times, so their difference holds what has drifted between them. \
         The intervals expect {} of deviation from run to run besides the errors of both fits. \
         `locust-nest check` measures two versions in turn, and tells smaller changes apart.",
        format::percent(report.deviation)
    );
    let hidden = report.demands.iter().filter(|one| !is_shown(one)).count();
    let small = match hidden {
        0 => None,
        1 => Some("One demand is too small to be compared; `--format csv` has it.".to_owned()),
        _ => Some(format!(
            "{hidden} demands are too small to be compared; `--format csv` has them."
        )),
    };
    left.chain(doubts).chain(small).chain([method]).collect()
}

fn runs(report: &RunsReport) -> [String; 2] {
    [
        format!("before: run {}", words::clean(&report.before.run)),
        format!("after: run {}", words::clean(&report.after.run)),
    ]
}

/// The comparison as Markdown.
#[must_use]
pub fn markdown(report: &RunsReport) -> String {
    let mut text = format!(
        "# {}: {}\n\n{}\n\n",
        markdown_line(&report.study),
        markdown_line(&sentence(report)),
        runs(report).map(|one| markdown_line(&one)).join(" · ")
    );
    for one in lead(report) {
        text.push_str(&format!("{}\n\n", markdown_line(&one)));
    }
    for table in tables(report) {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let head: Vec<String> = table.columns.iter().map(|&one| one.to_owned()).collect();
        text.push_str(&line(&head));
        text.push_str("|---|--:|--:|--:|---|\n");
        for row in &table.rows {
            text.push_str(&line(&row.clone().map(|cell| markdown_line(&cell))));
        }
        text.push('\n');
    }
    for note in notes(report) {
        text.push_str(&format!("- {}\n", markdown_line(&note)));
    }
    text
}

/// The comparison as one self-contained page.
///
/// # Errors
/// [`ReportError::Template`] if the page cannot be filled.
pub fn html(report: &RunsReport) -> Result<String, ReportError> {
    let study = words::clean(&report.study);
    let page = context! {
        study => study.as_str(),
        made_by => words::clean(&report.header.made_by),
        runs => runs(report),
        sentence => sentence(report),
        lead => lead(report),
        tables => Serde(tables(report)),
        notes => notes(report),
    };
    filled_template(RUNS_PAGE, page, &format!("{study} · two runs"))
}
