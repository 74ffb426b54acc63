//! A policy in a sentence: what it is, what it saves, the room it gives, and what its money depends on.

use nest_data::{
    Estimate, Projection,
    projection::{MoneyEstimate, PolicyProjection, SpreadShare},
};
use rust_decimal::prelude::ToPrimitive;

use super::NOTHING;
use crate::{format, unit::currency, words};

/// A policy in a sentence: what it is, what it saves, and the room it gives.
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
        doubts_in_words(policy)
    )
}

/// What the money that a policy saves or costs depends on.
fn doubts_in_words(policy: &PolicyProjection) -> String {
    let [first, rest @ ..] = policy.totals.spread.as_slice() else {
        return String::new();
    };
    let named = |one: &SpreadShare| {
        let share = format::rough_percent(one.share);
        format!("{} ({share} of its spread)", words::input_name(&one.input, ""))
    };
    let rest: Vec<String> = rest.iter().map(named).collect();
    let rest = if rest.is_empty() {
        String::new()
    } else {
        format!(", then on {}", words::listed(&rest))
    };
    let fees = if policy.totals.fees.is_some() {
        " and on the terms of the fees, for which the study states no range"
    } else {
        ""
    };
    format!(" The money depends most on {}{rest}{fees}.", named(first))
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
    let value = change.value.0.to_f64().unwrap_or(0.0);
    if value.abs() < NOTHING * before.value.0.to_f64().unwrap_or(0.0).abs() || value == 0.0 {
        return format!("the cost of {of} changes by less than 0.1 %");
    }
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
