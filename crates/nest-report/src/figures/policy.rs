//! The effect of each policy.

use nest_data::{
    Projection,
    projection::{BreakPoint, PolicyProjection},
};

use super::{PageTable, ReadingPath, Section};
use crate::{format, sentence, unit::currency};

/// All policies, before and after on the same draws.
pub(super) fn policies(projection: &Projection) -> Option<Section> {
    projection.policies.first()?;
    let answers: Vec<String> = projection
        .policies
        .iter()
        .map(|policy| answer(projection, policy))
        .collect();
    let mut section = Section::new(
        "policies",
        "What if",
        ReadingPath::Product,
        "What would change that?",
        format!("{}.", answers.join("; ")),
    );
    section.tables = vec![totals(projection), costs(projection)];
    section.tables.extend(fees(projection));
    section.tables.extend([capacity(projection), inputs(projection)]);
    section.tables.extend(
        projection
            .policies
            .iter()
            .filter(|policy| !policy.months.is_empty())
            .map(|policy| months(projection, policy)),
    );
    section.list = projection.policies.iter().filter_map(described).collect();
    section.how = vec![
        "Before and after are computed on the same draws, so what both share cancels: the change is surer \
         than the difference of the two \
                        intervals."
            .to_owned(),
    ];
    Some(section)
}

/// What a policy saves or costs over all months, infrastructure and fees together, and what it does to room.
fn answer(projection: &Projection, policy: &PolicyProjection) -> String {
    let currency = currency(projection, &policy.config);
    let totals = &policy.totals;
    let months = match totals.months {
        1 => "in a month".to_owned(),
        months => format!("over {months} months"),
    };
    let change = format::money_change(&totals.change_with_fees, currency);
    let parts = totals.fees.as_ref().map_or_else(String::new, |[_, _, fees]| {
        format!(
            " ({} of infrastructure, {} of fees)",
            format::money_change(&totals.change, currency),
            format::money_change(fees, currency)
        )
    });
    let room = policy.room_change.as_ref().map_or_else(String::new, |room| {
        format!("; room for {} customers more", format::estimate(room))
    });
    format!(
        "`{}`: {change} {months} on `{}`{parts}{room}",
        policy.name, policy.config
    )
}

/// Totals over all months: infrastructure and fees beside one another.
fn totals(projection: &Projection) -> PageTable {
    let titles = [
        "policy",
        "#months",
        "#infrastructure before",
        "#after",
        "#change",
        "#change of fees",
        "#change of both",
    ];
    let mut table = PageTable::new("Effect of each policy over all months", &titles).leading();
    for policy in &projection.policies {
        let currency = currency(projection, &policy.config);
        let totals = &policy.totals;
        table.row([
            format!("`{}`", policy.name),
            totals.months.to_string(),
            format::money(&totals.before, currency),
            format::money(&totals.after, currency),
            format::money_change(&totals.change, currency),
            totals.fees.as_ref().map_or_else(
                || "no fees".to_owned(),
                |[_, _, change]| format::money_change(change, currency),
            ),
            format::money_change(&totals.change_with_fees, currency),
        ]);
    }
    table
}

/// The effect of each policy on fees, which are not part of the bill.
fn fees(projection: &Projection) -> Option<PageTable> {
    projection.policies.first()?.fees.as_ref()?;
    let mut table = PageTable::new(
        "Effect of each policy on fees",
        &["policy", "#customers", "#per 1,000 before", "#after", "#change"],
    )
    .leading();
    for policy in &projection.policies {
        let Some([before, after, change]) = &policy.fees else {
            continue;
        };
        let currency = currency(projection, &policy.config);
        table.row([
            format!("`{}`", policy.name),
            format::number(policy.customers),
            format::money(before, currency),
            format::money(after, currency),
            format::money_change(change, currency),
        ]);
    }
    Some(table)
}

fn described(policy: &PolicyProjection) -> Option<String> {
    policy
        .description
        .as_ref()
        .map(|description| format!("`{}`: {description}", policy.name))
}

fn costs(projection: &Projection) -> PageTable {
    let titles = [
        "policy",
        "configuration",
        "#customers",
        "#per 1,000 before",
        "#after",
        "#change",
    ];
    let mut table = PageTable::new("Effect of each policy on cost", &titles).leading();
    for policy in &projection.policies {
        let currency = currency(projection, &policy.config);
        table.row([
            format!("`{}`", policy.name),
            format!("`{}`", policy.config),
            format::number(policy.customers),
            format::money(&policy.before, currency),
            format::money(&policy.after, currency),
            format::money_change(&policy.change, currency),
        ]);
    }
    table
}

fn capacity(projection: &Projection) -> PageTable {
    let titles = [
        "policy",
        "configuration",
        "#first limit before",
        "#after",
        "#change of room",
        "#days later",
        "#change of demand where it binds",
    ];
    let mut table = PageTable::new("Effect of each policy on capacity", &titles).leading();
    for policy in &projection.policies {
        let none = || "not known".to_owned();
        table.row([
            format!("`{}`", policy.name),
            format!("`{}`", policy.config),
            break_point(policy.break_before.as_ref()),
            break_point(policy.break_after.as_ref()),
            policy.room_change.as_ref().map_or_else(none, format::estimate),
            policy
                .date_change_days
                .as_ref()
                .map_or_else(none, format::estimate),
            format::share_change(&policy.demand_change),
        ]);
    }
    table
}

fn break_point(point: Option<&BreakPoint>) -> String {
    let found = point.and_then(|point| Some((point, point.customers.as_ref()?)));
    found.map_or_else(
        || "not reached".to_owned(),
        |(point, customers)| sentence::limit(point, customers),
    )
}

fn inputs(projection: &Projection) -> PageTable {
    let mut table = PageTable::new(
        "What each policy sets",
        &["policy", "what", "#before", "#after", "kind"],
    );
    for policy in &projection.policies {
        let parameters = policy
            .parameters
            .iter()
            .map(|(name, before, after)| (name.clone(), before, after));
        let rates = policy
            .rates_per_day
            .iter()
            .map(|(name, before, after)| (format!("{name}, executions per customer and day"), before, after));
        let open = policy
            .open_items
            .iter()
            .map(|(name, before, after)| (format!("{name}, open items per customer"), before, after));
        for (what, before, after) in parameters.chain(rates).chain(open) {
            table.row([
                format!("`{}`", policy.name),
                what,
                format::number(*before),
                format::number(*after),
                "◇ assumed".to_owned(),
            ]);
        }
    }
    table
}

/// A dated policy month by month.
fn months(projection: &Projection, policy: &PolicyProjection) -> PageTable {
    let currency = currency(projection, &policy.config);
    let from = policy
        .from
        .map_or_else(String::new, |from| format!(" from {}", format::day(from)));
    let mut table = PageTable::new(
        format!("`{}`{from}, month by month on `{}`", policy.name, policy.config),
        &[
            "month",
            "#under it",
            "#open items per customer",
            "#change of cost",
            "#change of fees",
        ],
    );
    for month in &policy.months {
        let open: Vec<String> = month
            .open_items
            .iter()
            .map(|(name, items)| format!("{} {name}", format::number(*items)))
            .collect();
        table.row([
            format::month(month.date),
            format::percent(month.adopted),
            if open.is_empty() {
                "none".to_owned()
            } else {
                open.join(", ")
            },
            format::money_change(&month.change, currency),
            month
                .fees
                .as_ref()
                .map_or_else(|| "none".to_owned(), |fees| format::money_change(fees, currency)),
        ]);
    }
    table
}
