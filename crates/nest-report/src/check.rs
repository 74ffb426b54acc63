//! What a check found, in the forms that people and their tools read: Markdown, JUnit, annotations.

mod annotations;
mod junit;
mod markdown;

use jiff::civil::Date;
use nest_data::{
    GateReport,
    gate_report::{ComparedDemand, DemandComparison, GateVerdict},
};

pub use annotations::annotations;
pub use junit::junit;
pub use markdown::markdown;

use crate::{format, words::turns};

/// The verdict in a sentence, with the worst change and what it costs.
#[must_use]
pub fn sentence(report: &GateReport) -> String {
    let worst = report.comparisons.first();
    match (report.verdict, worst) {
        (GateVerdict::Pass, None) => match report.reasons.first() {
            Some(reason) => format!("pass: {reason}{}", cost_alone(report)),
            None => "pass".to_owned(),
        },
        (GateVerdict::Pass, Some(_)) => format!(
            "pass: nothing uses more than is tolerated (largest change {}){}",
            largest(report),
            not_compared(report)
        ),
        (GateVerdict::Fail, Some(worst)) if worst.verdict == Some(GateVerdict::Fail) => {
            format!("fail: {}{}", change_in_words(worst), cost(report))
        }
        (GateVerdict::Fail, _) => format!(
            "fail: cost or room changes by more than is tolerated{}",
            cost(report)
        ),
        (GateVerdict::Unclear, _) => format!("unclear: {}", what_is_unclear(report)),
        (GateVerdict::Void, _) => format!(
            "void: nothing could be compared, because {}",
            report.reasons.join("; ")
        ),
    }
}

/// The verdict in a sentence, and what to do where nothing could be compared.
fn sentence_with_remedy(report: &GateReport) -> String {
    let remedy = report.remedy.as_ref();
    let remedy = remedy.map_or_else(String::new, |remedy| format!(". What to do: {remedy}"));
    sentence(report) + &remedy
}

/// `pay uses 11.2 % more app/cpu (9 in 10: +8.4 % to +14.1 %)`.
fn change_in_words(comparison: &DemandComparison) -> String {
    let name = subject(comparison);
    let range = format!(
        "9 in 10: {} to {}",
        signed(comparison.low),
        signed(comparison.high)
    );
    match comparison.kind {
        ComparedDemand::Growth => format!(
            "{name} uses more {} as stored data grow: {} of base's at the largest size ({range})",
            comparison.resource,
            signed(comparison.change)
        ),
        ComparedDemand::Demand if comparison.change < 0.0 => format!(
            "{name} uses {:.1} % less {} ({range})",
            -100.0 * comparison.change,
            comparison.resource
        ),
        ComparedDemand::Demand => format!(
            "{name} uses {:.1} % more {} ({range})",
            100.0 * comparison.change,
            comparison.resource
        ),
    }
}

/// `; 1,000 customers cost USD 2.14 -> 2.21 a month`; empty without prices.
fn cost(report: &GateReport) -> String {
    let Some(gate) = &report.money else {
        return String::new();
    };
    let money = &gate.money;
    let amount = |value| format::amount(value, &money.currency);
    format!(
        "; 1,000 customers cost {} a month instead of {}, at {}",
        amount(money.after.value),
        amount(money.before.value),
        at(money.customers, money.date)
    )
}

/// `; with head, 1,000 customers cost USD 2.21 a month, at 200,000 customers`; empty where base was measured.
fn cost_alone(report: &GateReport) -> String {
    report.head_alone.as_ref().map_or_else(String::new, |head| {
        format!(
            "; with head, 1,000 customers cost {} a month, at {}",
            format::amount(head.cost.value, &head.currency),
            at(head.customers, head.date)
        )
    })
}

/// `200,000 customers`, and the day on which there are so many.
fn at(customers: f64, date: Option<Date>) -> String {
    let customers = format!("{} customers", format::number(customers));
    match date {
        Some(date) => format!("{customers} on {}", format::day(date)),
        None => customers,
    }
}

fn largest(report: &GateReport) -> String {
    let judged = report.comparisons.iter().filter(|one| one.verdict.is_some());
    let largest = judged.max_by(|one, other| one.change.abs().total_cmp(&other.change.abs()));
    largest.map_or_else(String::new, |one| {
        format!("{} of {} on {}", signed(one.change), subject(one), one.resource)
    })
}

/// `; 2 behaviours were not compared`; empty if all were.
fn not_compared(report: &GateReport) -> String {
    match report.left_out.len() {
        0 => String::new(),
        1 => "; 1 behaviour was not compared".to_owned(),
        more => format!("; {more} behaviours were not compared"),
    }
}

/// What keeps a gate from a verdict, and what would settle it.
fn what_is_unclear(report: &GateReport) -> String {
    if let Some(reason) = report.reasons.first() {
        return reason.clone();
    }
    let unclear = report
        .comparisons
        .iter()
        .find(|one| one.verdict == Some(GateVerdict::Unclear));
    let Some(unclear) = unclear else {
        return "cost or room may change by more than is tolerated".to_owned();
    };
    let limit = 100.0 * unclear.passing_limit;
    let blocks = match unclear.blocks_needed {
        Some(needed) if needed > report.blocks => format!("{} more blocks", needed - report.blocks),
        _ => "many more blocks".to_owned(),
    };
    format!(
        "{}, and {} are tolerated; {blocks}, or a limit of {:.1} %, would settle it",
        change_in_words(unclear),
        percent(unclear.limit),
        (limit * 10.0).ceil() / 10.0
    )
}

fn subject(comparison: &DemandComparison) -> String {
    comparison
        .behaviour
        .clone()
        .unwrap_or_else(|| "the whole mix".to_owned())
}

fn signed(share: f64) -> String {
    format!("{:+.1} %", 100.0 * share)
}

fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if (percent - percent.round()).abs() < 1e-9 {
        format!("{percent:.0} %")
    } else {
        format!("{percent:.1} %")
    }
}

/// The word for a verdict.
fn word(verdict: GateVerdict) -> &'static str {
    match verdict {
        GateVerdict::Fail => "fail",
        GateVerdict::Pass => "pass",
        GateVerdict::Unclear => "unclear",
        GateVerdict::Void => "void",
    }
}

/// A text on one line without what steers a terminal or turns the order of letters.
fn one_line(text: &str) -> String {
    let steers = |letter: char| letter.is_control() || turns(letter);
    text.chars()
        .map(|letter| if steers(letter) { ' ' } else { letter })
        .collect()
}
