//! What each policy would change.

mod sentence;

use nest_data::{
    Estimate, Projection,
    projection::{BreakPoint, MoneyEstimate, PolicyProjection},
};
use rust_decimal::prelude::ToPrimitive;

use self::sentence::in_words;
use super::{Cell, PageTable, Section, table::MOST_ROWS};
use crate::{
    chart::{Figure, FigureKind},
    format,
    unit::currency,
    verdict::policy_effect,
    words,
};

/// Share of cost below which nothing changes worth saying.
const NOTHING: f64 = 0.001;

/// All policies, before and after on the same random cases.
pub(super) fn policies(projection: &Projection, figures: &[Figure]) -> Option<Section> {
    projection.policies.first()?;
    let mut section =
        Section::new("policies", "Policies", finding(projection)).drawn(figures, &[FigureKind::Policies]);
    section.list = projection
        .policies
        .iter()
        .map(|policy| in_words(projection, policy))
        .collect();
    section.tables.extend(totals(projection));
    section.tables.extend(per_1000(projection));
    section.tables.extend(capacity(projection));
    section.tables.extend(inputs(projection));
    let dated = projection
        .policies
        .iter()
        .filter(|policy| !policy.months.is_empty());
    section
        .tables
        .extend(dated.map(|policy| months(projection, policy)));
    section.how = vec![
        "Before and after a policy are computed on the same random cases, so what both share cancels: \
         the change \
         is surer than the two amounts."
            .to_owned(),
    ];
    Some(section)
}

/// What the policy of the largest effect does.
fn finding(projection: &Projection) -> String {
    let largest = projection
        .policies
        .iter()
        .max_by(|a, b| policy_effect(a).abs().total_cmp(&policy_effect(b).abs()));
    let Some(policy) = largest.filter(|policy| policy_effect(policy).abs() >= NOTHING) else {
        return match projection.policies.as_slice() {
            [policy] => format!(
                "{} changes next to nothing on this bill",
                words::name(&policy.name)
            ),
            _ => "No policy changes this bill".to_owned(),
        };
    };
    let change = &policy.totals.change_with_fees;
    let size = words::size(change, currency(projection, &policy.config));
    let does = if change.value.0.is_sign_negative() {
        "saves"
    } else {
        "costs"
    };
    let over = match policy.totals.months {
        1 => "a month".to_owned(),
        months => format!("over {months} months"),
    };
    format!("{} {does} {size} {over}", words::name(&policy.name))
}

/// Effect on cost and fees over all months, the largest first.
pub(crate) fn totals(projection: &Projection) -> Option<PageTable> {
    let first = projection.policies.first()?;
    let with_fees = projection
        .policies
        .iter()
        .any(|policy| policy.totals.fees.is_some());
    let over = match first.totals.months {
        1 => "a month".to_owned(),
        months => format!("{months} months"),
    };
    let code = words::clean(currency(projection, &first.config));
    let caption = format!("Change over {over}, in {code}, at best guess and in 9 cases of 10");
    let mut titles = vec!["policy", "#servers before", "#after", "#change of servers"];
    if with_fees {
        titles.extend(["#change of fees", "#change of both"]);
    }
    let mut table = PageTable::new(caption, &titles).opened();
    let mut policies: Vec<&PolicyProjection> = projection.policies.iter().collect();
    policies.sort_by(|a, b| policy_effect(b).abs().total_cmp(&policy_effect(a).abs()));
    for policy in policies {
        table.add(totals_row(projection, policy, with_fees));
    }
    Some(table.cut())
}

fn totals_row(projection: &Projection, policy: &PolicyProjection, with_fees: bool) -> Vec<Cell> {
    let currency = currency(projection, &policy.config);
    let totals = &policy.totals;
    let change = |of: &MoneyEstimate| {
        Cell::noted(
            words::money_change(of, currency),
            words::change_interval(of, currency),
        )
    };
    let mut cells = vec![
        Cell::noted(
            words::name(&policy.name),
            format!("on {}", words::name(&policy.config)),
        ),
        words::money(&totals.before, currency).into(),
        words::money(&totals.after, currency).into(),
        change(&totals.change),
    ];
    if with_fees {
        cells.push(
            totals
                .fees
                .as_ref()
                .map_or_else(|| "no fees".into(), |[_, _, fees]| change(fees)),
        );
        cells.push(change(&totals.change_with_fees));
    }
    cells
}

/// Effect on 1,000 customers for a month: servers, and fees, which are not part of the bill.
fn per_1000(projection: &Projection) -> Option<PageTable> {
    let first = projection.policies.first()?;
    let code = words::clean(currency(projection, &first.config));
    let caption = format!("Cost of 1,000 customers a month, in {code}");
    let titles = [
        "policy",
        "#servers before",
        "#after",
        "#fees before",
        "#after",
        "#change of both",
    ];
    let mut table = PageTable::new(caption, &titles);
    for policy in &projection.policies {
        let currency = currency(projection, &policy.config);
        let fees = |index: usize| {
            let fees = policy
                .fees
                .as_ref()
                .map(|fees| words::money(&fees[index], currency));
            fees.unwrap_or_else(|| "no fees".to_owned())
        };
        let change = policy.change.value.0
            + policy
                .fees
                .as_ref()
                .map_or_else(Default::default, |fees| fees[2].value.0);
        table.row([
            Cell::noted(
                words::name(&policy.name),
                format!("at {} customers", words::customers(policy.customers)),
            ),
            words::money(&policy.before, currency).into(),
            words::money(&policy.after, currency).into(),
            fees(0).into(),
            fees(1).into(),
            words::change(change.to_f64().unwrap_or(f64::NAN), currency).into(),
        ]);
    }
    table.cut().unless_empty()
}

fn capacity(projection: &Projection) -> Option<PageTable> {
    let titles = [
        "policy",
        "#room before",
        "#after",
        "#change of room",
        "#days later",
    ];
    let mut table = PageTable::new("Room and date of the first limit", &titles);
    for policy in &projection.policies {
        let changed = |change: &Option<Estimate>| {
            change.as_ref().map_or_else(
                || Cell::from("not known"),
                |change| Cell::noted(words::count(change), words::count_interval(change, false)),
            )
        };
        table.row([
            words::name(&policy.name).into(),
            room(policy.break_before.as_ref()),
            room(policy.break_after.as_ref()),
            changed(&policy.room_change),
            policy
                .date_change_days
                .as_ref()
                .map_or_else(|| "not known".into(), whole_days),
        ]);
    }
    table.cut().unless_empty()
}

/// A number of days, which are whole.
fn whole_days(days: &Estimate) -> Cell {
    let [value, low, high] = [days.value, days.low, days.high].map(|days| days.round() + 0.0);
    let print = |days: f64| format::number(days).replace('-', "−");
    let ends = match (low == high, low < 0.0) {
        (true, _) => String::new(),
        (_, true) => format!("{} to {}", print(low), print(high)),
        _ => format!("{}–{}", print(low), print(high)),
    };
    Cell::noted(print(value), ends)
}

fn room(point: Option<&BreakPoint>) -> Cell {
    let found = point.and_then(|point| Some((point, point.customers.as_ref()?)));
    found.map_or_else(
        || "no limit found".into(),
        |(point, customers)| {
            Cell::noted(
                words::count(customers),
                words::count_interval(customers, point.open_above),
            )
        },
    )
}

fn inputs(projection: &Projection) -> Option<PageTable> {
    let mut table = PageTable::new("What each policy sets", &["policy", "what", "#before", "#after"]);
    for policy in &projection.policies {
        let set = policy
            .parameters
            .iter()
            .map(|(name, before, after)| (words::name(name), before, after));
        let rates = policy.rates_per_day.iter().map(|(name, before, after)| {
            (
                format!("{} a day for each customer", words::name(name)),
                before,
                after,
            )
        });
        let open = policy.open_items.iter().map(|(name, before, after)| {
            (
                format!("open {} of each customer", words::name(name)),
                before,
                after,
            )
        });
        for (what, before, after) in set.chain(rates).chain(open) {
            table.row([
                words::name(&policy.name).into(),
                what.into(),
                format::number(*before).into(),
                format::number(*after).into(),
            ]);
        }
    }
    table.cut().unless_empty()
}

/// A dated policy, at most twelve of its months and the last one in any case.
fn months(projection: &Projection, policy: &PolicyProjection) -> PageTable {
    let currency = currency(projection, &policy.config);
    let from = policy
        .from
        .map_or_else(String::new, |from| format!(" from {}", format::day(from)));
    let caption = format!(
        "{}{from}, month by month, in {}",
        words::name(&policy.name),
        words::clean(currency)
    );
    let titles = ["month", "#under it", "#change of servers", "#change of fees"];
    let mut table = PageTable::new(caption, &titles);
    let every = policy.months.len().div_ceil(MOST_ROWS).max(1);
    let last = policy.months.len().saturating_sub(1);
    let shown = policy
        .months
        .iter()
        .enumerate()
        .filter(|(index, _)| index % every == last % every);
    for (_, month) in shown {
        let change = |of: &MoneyEstimate| month_change(of, currency);
        table.row([
            words::month(month.date).into(),
            words::share(month.adopted).into(),
            change(&month.change),
            month.fees.as_ref().map_or_else(|| "none".into(), change),
        ]);
    }
    let uneven = policy
        .months
        .iter()
        .any(|month| words::uneven_change(&month.change, currency).is_some());
    let uneven = if uneven {
        "On average: the best guess has one unit more or less in that month, most cases in another month. "
    } else {
        ""
    };
    let rest = if every > 1 {
        "report.csv has every month."
    } else {
        ""
    };
    table.noted(format!("{uneven}{rest}"))
}

/// A change of a month. Where the best guess lies outside of what most cases give, the mean stands for it.
fn month_change(of: &MoneyEstimate, currency: &str) -> Cell {
    match words::uneven_change(of, currency) {
        Some([mean, rest]) => Cell::noted(mean, rest),
        None => Cell::noted(
            words::money_change(of, currency),
            words::change_interval(of, currency),
        ),
    }
}
