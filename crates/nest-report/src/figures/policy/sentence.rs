//! A policy in a sentence: what it is, what it saves, the room it gives, and what its money depends on.

use nest_data::{
    Estimate, Projection,
    projection::{MoneyEstimate, PolicyProjection, SpreadShare},
};
use rust_decimal::prelude::ToPrimitive;

use super::NOTHING;
use crate::{format, unit::currency, words};

/// All of it, in two or three sentences.
pub(super) fn in_words(projection: &Projection, policy: &PolicyProjection) -> String {
    let currency = currency(projection, &policy.config);
    let what = policy
        .description
        .as_ref()
        .map_or_else(String::new, |text| format!(" ({})", words::clean(text)));
    let mut parts = vec![money_in_words(
        &policy.totals.change,
        &policy.totals.before,
        currency,
        policy.totals.months,
        "servers",
    )];
    if let Some([before, _, fees]) = &policy.totals.fees {
        parts.push(money_in_words(
            fees,
            before,
            currency,
            policy.totals.months,
            "fees",
        ));
    }
    parts.extend(policy.room_change.as_ref().map(room_in_words));
    parts.extend(policy.date_change_days.as_ref().and_then(days_in_words));
    format!(
        "{}{what}: {}.{}",
        words::name(&policy.name),
        parts.join("; "),
        uncertainty_in_words(policy)
    )
}

/// What explains most of the uncertainty of what a policy saves or costs; empty if nothing stands out.
fn uncertainty_in_words(policy: &PolicyProjection) -> String {
    let [first, rest @ ..] = policy.totals.spread.as_slice() else {
        return String::new();
    };
    let input = |one: &SpreadShare| words::input_name(&one.input, "");
    let share = |one: &SpreadShare| match one.share {
        nearly if nearly > 0.995 => "nearly all".to_owned(),
        share => format::rough_percent(share),
    };
    let rest: Vec<String> = rest
        .iter()
        .map(|one| format!("{} ({})", input(one), share(one)))
        .collect();
    let rest = if rest.is_empty() {
        String::new()
    } else {
        format!(", then {}", words::listed(&rest))
    };
    let fees = if policy
        .totals
        .fees
        .as_ref()
        .is_some_and(|[before, _, change]| changes(change, before))
    {
        " The study states no range for the terms of the fees."
    } else {
        ""
    };
    format!(
        " {} explains most of the uncertainty of these amounts ({}){rest}.{fees}",
        words::capital(&input(first)),
        share(first)
    )
}

/// Whether an amount changes by enough to be worth saying.
fn changes(change: &MoneyEstimate, before: &MoneyEstimate) -> bool {
    let [change, before] = [change, before].map(|amount| amount.value.0.to_f64().unwrap_or(0.0).abs());
    change >= NOTHING * before && change > 0.0
}

fn money_in_words(
    change: &MoneyEstimate,
    before: &MoneyEstimate,
    currency: &str,
    months: u32,
    of: &str,
) -> String {
    let over = match months {
        1 => "a month".to_owned(),
        months => format!("over {months} months"),
    };
    if !changes(change, before) {
        return format!("the cost of {of} changes by less than 0.1 %");
    }
    let value = change.value.0.to_f64().unwrap_or(0.0);
    let verb = if value < 0.0 { "saves" } else { "costs" };
    let more = if value < 0.0 { "" } else { " more" };
    format!("{verb} {}{more} on {of} {over}", words::size(change, currency))
}

fn room_in_words(room: &Estimate) -> String {
    let size = Estimate {
        value: room.value.abs(),
        low: room.low.abs().min(room.high.abs()),
        high: room.low.abs().max(room.high.abs()),
        ..*room
    };
    match (room.low > 0.0, room.high < 0.0) {
        (true, _) => format!("room for {} more customers", words::count(&size)),
        (_, true) => format!("room for {} fewer customers", words::count(&size)),
        _ => "room stays as it is".to_owned(),
    }
}

fn days_in_words(days: &Estimate) -> Option<String> {
    let size = days.value.abs();
    (size >= 1.0).then(|| {
        let later = if days.value > 0.0 { "later" } else { "earlier" };
        format!(
            "the first limit comes {} {later}",
            format::age(size.round() as i64)
        )
    })
}
