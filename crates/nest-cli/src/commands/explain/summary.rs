//! An explanation in a few lines: the figure, what it is made of most, and how much of it nobody uses.

use std::fmt::Write;

use nest_data::explanation::{Basis, ExplanationNode};
use nest_report::format;

/// Drivers that are listed.
const SHOWN: usize = 5;
/// What a bill pays for capacity that no customer uses.
const UNUSED: [&str; 7] = [
    "spare",
    "rounding up",
    "reserve",
    "headroom for queueing",
    "headroom for forecast",
    "headroom for objectives",
    "unused commitment",
];
/// Share of a bill from which on unused capacity is worth a sentence.
const WORTH_SAYING: f64 = 0.05;

/// A part of a sum of money.
struct MoneyPart {
    name: String,
    of: String, // the sum it is part of
    amount: f64,
}

/// The summary of an explanation.
pub fn summary(root: &ExplanationNode) -> String {
    let sum = money_sum(root);
    let unknown = sum.map(unknown_parts).unwrap_or_default();
    let at_least = if unknown.is_empty() { "" } else { "at least " };
    let mut text = format!(
        "{at_least}{} {}: {}\n",
        rounded(&root.value),
        root.unit,
        root.name
    );
    if !unknown.is_empty() {
        writeln!(text, "  not known: {}", unknown.join(", ")).expect("a String takes everything");
    }
    let parts = sum.map(money_parts).unwrap_or_default();
    let total: f64 = parts.iter().map(|part| part.amount).sum();
    if parts.len() < 2 || total == 0.0 {
        plain(&mut text, root);
    } else {
        drivers(&mut text, parts, total);
    }
    text.push_str("\nThe whole tree, down to measurements, assumptions and prices: add --full\n");
    text
}

/// The sum of money that a figure is, or is made from.
fn money_sum(node: &ExplanationNode) -> Option<&ExplanationNode> {
    let is_money = node.unit.len() == 3 && node.unit.chars().all(|letter| letter.is_ascii_uppercase());
    match node.basis {
        Basis::Sum if is_money => Some(node),
        Basis::Quotient => node.parts.first().and_then(money_sum),
        _ => None,
    }
}

/// Names of the parts of a sum, and of the sums in it, whose amount is not known.
fn unknown_parts(sum: &ExplanationNode) -> Vec<String> {
    let of = |part: &ExplanationNode| match part.basis {
        Basis::Sum if !part.parts.is_empty() => unknown_parts(part),
        _ if part.value == "unknown" => vec![part.name.clone()],
        _ => Vec::new(),
    };
    sum.parts.iter().flat_map(of).collect()
}

/// The parts of a sum and of the sums in it.
fn money_parts(sum: &ExplanationNode) -> Vec<MoneyPart> {
    let mut parts = Vec::new();
    for part in &sum.parts {
        if part.basis == Basis::Sum && !part.parts.is_empty() {
            parts.extend(money_parts(part));
        } else if let Ok(amount) = part.value.parse() {
            parts.push(MoneyPart {
                name: part.name.clone(),
                of: sum.name.clone(),
                amount,
            });
        }
    }
    parts
}

/// The largest parts with their shares, and what nobody uses.
fn drivers(text: &mut String, mut parts: Vec<MoneyPart>, total: f64) {
    let unused: f64 = parts
        .iter()
        .filter(|part| UNUSED.contains(&part.name.as_str()))
        .map(|part| part.amount)
        .sum();
    parts.sort_by(|a, b| b.amount.abs().total_cmp(&a.amount.abs()));
    let more = parts.len().saturating_sub(SHOWN);
    for part in parts.iter().take(SHOWN) {
        let share = format::rough_percent(part.amount / total);
        writeln!(text, "  {share:>7}  {} ({})", part.name, part.of).expect("a String takes everything");
    }
    if more > 0 {
        let rest: f64 = parts.iter().skip(SHOWN).map(|part| part.amount).sum();
        let share = format::rough_percent(rest / total);
        let parts = if more == 1 { "part" } else { "parts" };
        writeln!(text, "  {share:>7}  {more} smaller {parts}").expect("a String takes everything");
    }
    if unused / total >= WORTH_SAYING {
        writeln!(
            text,
            "{} of the bill is capacity that nobody uses: kept free, spare, or left of the last unit.",
            format::rough_percent(unused / total)
        )
        .expect("a String takes everything");
    }
}

/// What a figure without a sum is computed from.
fn plain(text: &mut String, root: &ExplanationNode) {
    if !root.detail.is_empty() {
        writeln!(text, "  {}", root.detail).expect("a String takes everything");
    }
    for part in &root.parts {
        writeln!(text, "  {} {}  {}", rounded(&part.value), part.unit, part.name)
            .expect("a String takes everything");
    }
}

/// A number with four digits, anything else as it is.
fn rounded(value: &str) -> String {
    value.parse().map_or_else(|_| value.to_owned(), format::number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, value: &str, basis: Basis, parts: Vec<ExplanationNode>) -> ExplanationNode {
        ExplanationNode {
            parts,
            ..ExplanationNode::leaf(name, value, "USD", basis, "")
        }
    }

    /// Units that run are a sum as well, but no bill.
    #[test]
    fn units_are_no_money() {
        let units = |name: &str, value: &str| ExplanationNode::leaf(name, value, "units", Basis::Assumed, "");
        let parts = vec![units("units that carry load", "2"), units("spare", "2")];
        let root = ExplanationNode::computed(Basis::Sum, "units that run", "units", parts);
        let text = summary(&root);
        assert!(!text.contains('%'), "{text}");
    }

    /// 36 of 50 are spare and rounding up: 72 %.
    #[test]
    fn the_largest_parts_come_first_and_unused_capacity_is_told() {
        let units = vec![
            part("browse", "9", Basis::Product, Vec::new()),
            part("spare", "24", Basis::Product, Vec::new()),
            part("rounding up", "12", Basis::Product, Vec::new()),
        ];
        let bill = vec![
            part("app/cpu", "45", Basis::Sum, units),
            part("egress", "5", Basis::Product, Vec::new()),
        ];
        let root = part("cost of a month", "50", Basis::Sum, bill);
        let text = summary(&root);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "50 USD: cost of a month");
        assert_eq!(lines[1].trim(), "48 %  spare (app/cpu)");
        assert_eq!(lines[2].trim(), "24 %  rounding up (app/cpu)");
        assert!(
            text.contains("72 % of the bill is capacity that nobody uses"),
            "{text}"
        );
        assert!(text.contains("--full"), "{text}");
    }

    #[test]
    fn a_part_that_is_not_known_makes_the_sum_a_least() {
        let parts = vec![
            part("servers", "30", Basis::Priced, Vec::new()),
            part("webtask.requests", "unknown", Basis::Priced, Vec::new()),
        ];
        let text = summary(&part("cost of a month", "30", Basis::Sum, parts));
        assert!(
            text.starts_with("at least 30 USD: cost of a month\n  not known: webtask.requests\n"),
            "{text}"
        );
    }
}
