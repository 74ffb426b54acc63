//! The summary for a pull request: the change first, details folded, at most 60,000 bytes.

use nest_data::{
    GateReport,
    gate_report::{ComparedDemand, DemandComparison, GateVerdict},
};

use super::{at, one_line, percent, sentence, signed, subject, word};
use crate::{format, markup::markdown_line};

/// Longest summary: a comment on GitHub may have 65,536 bytes.
const MOST_BYTES: usize = 60_000;
/// What ends a summary that was cut.
const CUT: &str = "\n*Cut here: the rest is in the output of `--format json`.*\n";
/// Rows of a table that are always shown; a table of all comparisons is folded.
const MOST_ROWS: usize = 20;

/// The summary of a check, as Markdown. Parts come in the order of their weight, so that a cut takes the
/// least.
#[must_use]
pub fn markdown(report: &GateReport) -> String {
    let mut text = format!("<!-- locust-nest:check:{} -->\n", marker(&report.study));
    text.push_str(&format!(
        "### {} {}\n\n",
        sign(report.verdict),
        inert(&sentence(report))
    ));
    if let Some(remedy) = &report.remedy {
        text.push_str(&format!("What to do: {}\n\n", inert(remedy)));
    }
    text.push_str(&main_table(report));
    text.push_str(&lists(report));
    text.push_str(&foot(report));
    text.push_str(&all_comparisons(report));
    cut(text)
}

/// The study's name as it may stand in a comment.
fn marker(study: &str) -> String {
    study
        .chars()
        .filter(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '.'))
        .collect()
}

fn sign(verdict: GateVerdict) -> &'static str {
    match verdict {
        GateVerdict::Fail => "✗",
        GateVerdict::Pass => "✓",
        GateVerdict::Unclear | GateVerdict::Void => "?",
    }
}

/// A text that cannot act as Markdown or HTML.
fn inert(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in markdown_line(&one_line(text)).chars() {
        if matches!(letter, '*' | '_' | '`' | '[' | ']' | '#' | '@' | '~' | '!') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// Failed and unclear comparisons, cost and room; the others in one row.
fn main_table(report: &GateReport) -> String {
    let shown: Vec<&DemandComparison> = report
        .comparisons
        .iter()
        .filter(|one| matches!(one.verdict, Some(GateVerdict::Fail | GateVerdict::Unclear)))
        .take(MOST_ROWS)
        .collect();
    let mut rows: Vec<String> = shown.iter().map(|one| row(one)).collect();
    rows.extend(money_row(report));
    rows.extend(room_row(report));
    rows.extend(alone_rows(report));
    let judged = report.comparisons.iter().filter(|one| one.verdict.is_some());
    let others: Vec<&DemandComparison> = judged.filter(|one| !shown.contains(one)).collect();
    if !others.is_empty() {
        let widest = others
            .iter()
            .map(|one| one.low.abs().max(one.high.abs()))
            .fold(0.0, f64::max);
        rows.push(format!(
            "| {} others | | | within ±{:.1} % | | {} |\n",
            others.len(),
            100.0 * widest,
            if others.iter().all(|one| one.verdict == Some(GateVerdict::Pass)) {
                "pass"
            } else {
                ""
            }
        ));
    }
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "| | before | after | change | limit | |\n|---|--:|--:|--:|--:|---|\n{}\n",
        rows.concat()
    )
}

fn row(one: &DemandComparison) -> String {
    let amount = |value: f64| format::quantity(value, &one.unit);
    let what = match one.kind {
        ComparedDemand::Demand => String::new(),
        ComparedDemand::Growth => ", growth with stored data".to_owned(),
    };
    format!(
        "| {} · {}{what} | {} | {} | {} [{} … {}] | {} | {} |\n",
        inert(&subject(one)),
        inert(&one.resource),
        amount(one.base),
        amount(one.head),
        signed(one.change),
        signed(one.low),
        signed(one.high),
        percent(one.limit),
        one.verdict.map_or("not judged", word)
    )
}

fn money_row(report: &GateReport) -> Option<String> {
    let gate = report.money.as_ref()?;
    let money = &gate.money;
    let amount = |value| format::amount(value, &money.currency);
    Some(format!(
        "| cost of 1,000 customers a month, at {} | {} | {} | {} | {} | {} |\n",
        at(money.customers, money.date),
        amount(money.before.value),
        amount(money.after.value),
        inert(&format::money_change(&money.change, &money.currency)),
        gate.limit.map_or_else(String::new, percent),
        gate.verdict.map_or("not judged", word)
    ))
}

fn room_row(report: &GateReport) -> Option<String> {
    let gate = report.room.as_ref()?;
    let change = gate.room.change?;
    let customers = |point: &Option<nest_data::projection::BreakPoint>| {
        let reached = point.as_ref().and_then(|point| point.customers);
        reached.map_or_else(
            || "not reached".to_owned(),
            |customers| format::number(customers.value),
        )
    };
    Some(format!(
        "| room, in customers | {} | {} | {} [{} … {}] | {} | {} |\n",
        customers(&gate.room.before),
        customers(&gate.room.after),
        signed(change.value),
        signed(change.low),
        signed(change.high),
        gate.limit
            .map_or_else(String::new, |drop| format!("-{}", percent(drop))),
        gate.verdict.map_or("not judged", word)
    ))
}

/// Cost and room of head, where base is broken.
fn alone_rows(report: &GateReport) -> Vec<String> {
    let Some(head) = &report.head_alone else {
        return Vec::new();
    };
    let cost = format!(
        "| cost of 1,000 customers a month, at {} | | {} | | | not judged |\n",
        at(head.customers, head.date),
        inert(&format::money(&head.cost, &head.currency))
    );
    let reached = head.room.as_ref().and_then(|point| point.customers);
    let room = reached.map(|customers| {
        format!(
            "| room, in customers | | {} | | | not judged |\n",
            format::estimate(&customers)
        )
    });
    [Some(cost), room].into_iter().flatten().collect()
}

/// What differs by plan, what is not compared, and doubts.
fn lists(report: &GateReport) -> String {
    let exact = report
        .exact
        .iter()
        .map(|one| format!("- Not code: {}\n", inert(one)));
    let left = report.left_out.iter().map(|one| {
        format!(
            "- Not compared: {}, {}\n",
            inert(&one.behaviour),
            inert(&one.reason)
        )
    });
    let doubts = report.caveats.iter().map(|one| format!("- {}\n", inert(one)));
    // The first sentence of a check that could compare nothing has them already.
    let reasons = report
        .reasons
        .iter()
        .filter(|_| report.verdict != GateVerdict::Void)
        .map(|one| format!("- {}\n", inert(one)));
    let list: String = exact.chain(left).chain(doubts).chain(reasons).collect();
    if list.is_empty() { list } else { list + "\n" }
}

fn foot(report: &GateReport) -> String {
    if report.verdict == GateVerdict::Void {
        return format!(
            "Ended after {}. Base is {}, head is {}.\n",
            format::duration(report.seconds),
            inert(&report.base),
            inert(&report.head)
        );
    }
    let noise = report.noise.map_or_else(
        || "its noise is not known".to_owned(),
        |noise| format!("its noise is ±{:.1} % from block to block", 100.0 * noise),
    );
    format!(
        "{} blocks of four visits (base, head, head, base) on one machine in {}; {noise}. {} visits did not \
         count. Base is {}, head is {}.\n",
        report.blocks,
        format::duration(report.seconds),
        report.void_visits.len(),
        inert(&report.base),
        inert(&report.head)
    )
}

/// All comparisons, folded.
fn all_comparisons(report: &GateReport) -> String {
    if report.comparisons.is_empty() {
        return String::new();
    }
    let rows: String = report.comparisons.iter().map(row).collect();
    let voids: String = report
        .void_visits
        .iter()
        .map(|one| format!("- {}\n", inert(one)))
        .collect();
    format!(
        "\n<details><summary>All comparisons, machine</summary>\n\n| | before | after | change | limit | \
         |\n|---|--:|--:|--:|--:|---|\n{rows}\n{voids}\n{}, {} cores, Linux {}\n\n</details>\n",
        inert(&report.machine.cpu),
        report.machine.cores,
        inert(&report.machine.kernel)
    )
}

/// At most [`MOST_BYTES`], cut after a whole line.
fn cut(text: String) -> String {
    if text.len() <= MOST_BYTES {
        return text;
    }
    let mut room = MOST_BYTES - CUT.len();
    while !text.is_char_boundary(room) {
        room -= 1;
    }
    let end = text[..room].rfind('\n').map_or(0, |end| end + 1);
    format!("{}{CUT}", &text[..end])
}
