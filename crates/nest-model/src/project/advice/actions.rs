//! What to do next, from what was projected: the most urgent first.

use jiff::civil::Date;
use nest_data::projection::{
    Action, BreakDate, Comparison, ConfigProjection, Lever, PriceRow, RangeBasis, Sensitivity, first_break,
};

/// Most actions that are listed.
const MOST: usize = 3;
/// Share of the bill below which nobody looks after a price.
const SMALL_SHARE: f64 = 0.02;
/// Share of paired draws from which on another configuration is perhaps cheaper.
const PERHAPS: f64 = 0.6;
/// Months by which an input must move the first limit to be worth finding out about.
const WORTH_MONTHS: f64 = 1.0;

/// What actions are drawn from.
pub struct Findings<'p> {
    pub config: &'p ConfigProjection,
    pub first: Option<BreakDate>, // of the first failure of that configuration
    pub comparison: Option<&'p Comparison>,
    pub levers: &'p [Lever],
    pub prices: &'p [PriceRow],
    pub sensitivity: &'p [Sensitivity],
}

/// At most three actions: the lever of the first limit, another configuration, the price on which most rests,
/// the assumption that moves the first limit most. Without the first two, it begins with the wait for the
/// first limit.
pub fn actions(findings: &Findings<'_>) -> Vec<Action> {
    let decisions = [pull(findings), switch(findings)];
    let mut actions: Vec<Action> = decisions.into_iter().flatten().collect();
    if actions.is_empty() {
        actions.push(Action::Wait {
            until: findings.first.and_then(early),
        });
    }
    actions.extend(check_price(findings));
    actions.extend(narrow(findings));
    actions.truncate(MOST);
    actions
}

fn early(date: BreakDate) -> Option<Date> {
    date.low.or(date.value)
}

/// The lever of this configuration's first limit; where that has none, the one of the limit that is reached
/// with the highest chance.
fn pull(findings: &Findings<'_>) -> Option<Action> {
    let own = || {
        let levers = findings.levers.iter().enumerate();
        levers.filter(|(_, lever)| lever.config == findings.config.name)
    };
    let first = first_break(&findings.config.break_points);
    let of_first = first.and_then(|(point, _)| {
        own().find(|(_, lever)| lever.kind == point.kind && lever.cause == point.cause)
    });
    let likeliest = || own().max_by(|(_, a), (_, b)| a.chance[0].total_cmp(&b.chance[0]));
    let (lever, found) = of_first.or_else(likeliest)?;
    Some(Action::PullLever {
        lever,
        by: found.date.and_then(early),
    })
}

/// The recommended configuration, if it is another one and likely the cheaper.
fn switch(findings: &Findings<'_>) -> Option<Action> {
    let comparison = findings.comparison?;
    let to = &comparison.recommended;
    let total = comparison.totals.iter().find(|total| total.config == *to)?;
    let wanted = *to != findings.config.name && total.cheaper_than_baseline >= PERHAPS;
    wanted.then(|| Action::Switch {
        to: to.clone(),
        saves: total.change,
        cheaper: total.cheaper_than_baseline,
    })
}

/// The price on this configuration's bill that is older than its book allows and carries most of it.
fn check_price(findings: &Findings<'_>) -> Option<Action> {
    let weight = |row: &PriceRow| row.share * row.age_days as f64;
    let rows = findings.prices.iter().enumerate();
    rows.filter(|(_, row)| row.config == findings.config.name && row.is_old() && row.share >= SMALL_SHARE)
        .max_by(|(_, a), (_, b)| weight(a).total_cmp(&weight(b)))
        .map(|(price, _)| Action::CheckPrice { price })
}

/// The assumed input that moves the first limit most.
fn narrow(findings: &Findings<'_>) -> Option<Action> {
    let inputs = findings.sensitivity.iter().enumerate();
    inputs
        .filter(|(_, one)| one.basis != RangeBasis::Choice && one.months >= WORTH_MONTHS)
        .max_by(|(_, a), (_, b)| a.months.total_cmp(&b.months))
        .map(|(input, _)| Action::Narrow { input })
}
