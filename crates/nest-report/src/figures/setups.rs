//! Set-ups side by side: which one, and why not the others.

use nest_data::{
    Estimate, Projection,
    projection::{BreakEven, Comparison, ConfigTotal, Payback, SharedLimit, WhyNot, first_break},
};
use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::{Cell, PageTable, Section};
use crate::{
    chart::{Figure, FigureKind},
    format,
    unit::currency,
    words,
};

/// Most set-ups about which a sentence is said; the table has them all.
const MOST_SENTENCES: usize = 6;
/// Share of all cases that is printed as all of them, 0-1.
const ALL: f64 = 0.995;

/// Which set-up, and why not the others.
pub(super) fn side_by_side(projection: &Projection, figures: &[Figure]) -> Option<Section> {
    let comparison = projection.comparison.as_ref()?;
    let kinds = [
        FigureKind::Setups,
        FigureKind::PairedDifference,
        FigureKind::SmallMultiples,
    ];
    let mut section = Section::new("compare", "Which set-up", finding(comparison)).drawn(figures, &kinds);
    section.list.extend(same_limit(projection, comparison));
    let is_same = !section.list.is_empty();
    let shown = comparison.totals.iter().take(MOST_SENTENCES);
    let texts = shown.filter_map(|total| {
        let why = why_not(projection, total, is_same)?;
        Some(format!("{}: {why}.", words::name(&total.config)))
    });
    section.list.extend(texts.collect::<Vec<_>>());
    section.tables.extend(totals(projection));
    section.tables.extend(paybacks(projection, comparison));
    section.tables.extend(break_evens(projection, comparison));
    section.tables.extend(regrets(projection, comparison));
    section.how = vec![
        "All set-ups are computed on the same random cases and the same measured work, so what they \
         share cancels \
         in every difference."
            .to_owned(),
        "Room for the whole plan: nothing fails before growth ends, with every limit as the study sets \
         it. The \
         recommendation takes it that limits of your choice are moved; hard limits count."
            .to_owned(),
    ];
    Some(section)
}

fn over(months: u32) -> String {
    if months == 1 {
        "In a month".to_owned()
    } else {
        format!("Over {months} months")
    }
}

/// `Over 24 months today is likely cheaper: in 82 of 100 cases`.
fn finding(comparison: &Comparison) -> String {
    let best = &comparison.recommended;
    let others = comparison.totals.iter().filter(|total| total.config != *best);
    let of_best = comparison.totals.iter().find(|total| total.config == *best);
    let cheapest = of_best.map_or(0.0, |total| total.cheapest_of_all);
    let (months, name) = (over(comparison.months), words::name(best));
    match words::surely(cheapest) {
        Some("cheaper") if others.count() == 1 => format!("{months} {name} is the cheaper one"),
        Some("cheaper") => format!("{months} {name} is the cheapest"),
        Some(_) => format!("{months} {name} is cheapest in {}", format::cases(cheapest)),
        None => match comparison
            .totals
            .iter()
            .find(|total| total.config != *best && words::surely(total.cheapest_of_all).is_some())
        {
            Some(cheapest) => format!(
                "{months} {} is cheapest in {}, but something speaks against it",
                words::name(&cheapest.config),
                format::cases(cheapest.cheapest_of_all)
            ),
            None => format!("{months} it is too close to call"),
        },
    }
}

/// Cost over all months, migration included.
pub(crate) fn totals(projection: &Projection) -> Option<PageTable> {
    let comparison = projection.comparison.as_ref()?;
    let currency = currency(projection, &comparison.baseline);
    let moving = if costs_to_move(projection) {
        ", moving included"
    } else {
        ""
    };
    let caption = format!(
        "{}{moving}, against {}, in {}",
        over(comparison.months),
        words::name(&comparison.baseline),
        words::clean(currency)
    );
    let titles = [
        "set-up",
        "#total",
        "#difference",
        "#room for the whole plan",
        "#cheapest of all",
        "#with limits moved",
    ];
    let mut table = PageTable::new(caption, &titles).opened();
    for (total, printed) in comparison.totals.iter().zip(words::totals(comparison, currency)) {
        let config = projection
            .configs
            .iter()
            .find(|config| config.name == total.config);
        let moving = config
            .and_then(|config| config.migration)
            .filter(|cost| !cost.0.is_zero())
            .map_or_else(String::new, |cost| {
                format!(
                    "of it {} for moving",
                    words::amount(cost.0.to_f64().unwrap_or(0.0), currency)
                )
            });
        table.row([
            Cell::noted(words::name(&total.config), moving),
            Cell::noted(printed.amount, printed.interval),
            Cell::noted(printed.change, printed.change_interval),
            config
                .map_or_else(String::new, |config| format::chance_cell(config.lasts))
                .into(),
            format::chance_cell(total.cheapest_of_all).into(),
            format::chance_cell(total.cheapest_with_levers).into(),
        ]);
    }
    let some: f64 = comparison
        .totals
        .iter()
        .map(|total| total.cheapest_with_levers)
        .sum();
    let none = if some < ALL {
        format!(" In {} none has room even then.", format::cases(1.0 - some))
    } else {
        String::new()
    };
    let note = format!(
        "The last three columns count random cases. The last one says in how many a set-up is the cheapest \
         of those with room for the whole plan once limits of your choice are moved.{none}"
    );
    table.noted(note).cut().unless_empty()
}

/// Whether moving to any set-up costs something.
pub(super) fn costs_to_move(projection: &Projection) -> bool {
    let costs = projection.configs.iter().filter_map(|config| config.migration);
    costs.map(|cost| cost.0).any(|cost| !cost.is_zero())
}

/// The limit that is the first one of every set-up, if there is one: moving does not change it.
fn same_limit(projection: &Projection, comparison: &Comparison) -> Option<String> {
    let others = || {
        comparison
            .totals
            .iter()
            .filter(|total| total.config != comparison.baseline)
    };
    let is_shared = others().all(|total| total.shared_limit.is_some()) && others().next().is_some();
    let base = projection
        .configs
        .iter()
        .find(|config| config.name == comparison.baseline)?;
    let (point, _) = first_break(&base.break_points).filter(|_| is_shared)?;
    let when = point.date.and_then(|date| date.value);
    let when = when.map_or_else(String::new, |date| format!(", about {}", words::full_month(date)));
    Some(format!(
        "The first limit is the same in every set-up: {}{when}. Moving does not change that.",
        words::limit(projection, &base.name, point)
    ))
}

/// What speaks against a set-up; without the limit where all of them have the same. `None` if nothing is left
/// to say.
fn why_not(projection: &Projection, total: &ConfigTotal, same_limit: bool) -> Option<String> {
    let mut reasons: Vec<String> = total
        .why_not
        .iter()
        .filter(|why| !(same_limit && matches!(why, WhyNot::Breaks { .. })))
        .map(|why| reason(projection, total, why))
        .collect();
    reasons.extend(
        total
            .shared_limit
            .as_ref()
            .filter(|_| !same_limit)
            .map(|wall| shared_limit(projection, &total.config, wall)),
    );
    match (reasons.is_empty(), same_limit) {
        (true, true) => None,
        (true, false) => Some("nothing against it".to_owned()),
        _ => Some(reasons.join("; ")),
    }
}

fn reason(projection: &Projection, total: &ConfigTotal, why: &WhyNot) -> String {
    match why {
        WhyNot::Dearer { than, .. } => dearer(projection, total, than),
        WhyNot::Breaks {
            kind,
            cause,
            date,
            chance,
            ..
        } => {
            let when = date.and_then(|date| date.value);
            let when = when.map_or_else(String::new, |date| format!(", about {}", words::full_month(date)));
            let config = projection
                .configs
                .iter()
                .find(|config| config.name == total.config);
            let point = config.and_then(|config| {
                let mut points = config.break_points.iter();
                points.find(|point| point.kind == *kind && point.cause == *cause)
            });
            let what = point.map_or_else(
                || words::cause(*kind, cause),
                |point| words::limit(projection, &total.config, point),
            );
            format!("{what}{when}: {} within the plan", format::chance(*chance))
        }
        WhyNot::LocalState { tier } => {
            format!(
                "{} keeps files of its own, and the study does not say what replaces them",
                words::name(tier)
            )
        }
        WhyNot::Unknown { lines: 1 } => "one price is unknown".to_owned(),
        WhyNot::Unknown { lines } => format!("{lines} prices are unknown"),
        WhyNot::NoPayback => "the cost of moving never comes back".to_owned(),
    }
}

/// How much more it costs than the cheapest, and how that comes about where moving costs something.
fn dearer(projection: &Projection, total: &ConfigTotal, than: &str) -> String {
    let currency = currency(projection, &total.config);
    let than_name = words::name(than);
    let Some(More { text, printed }) = more(projection, total, than, currency) else {
        return format!("dearer than {than_name}");
    };
    let moving_than = moving_cost(projection, than);
    let moving = moving_cost(projection, &total.config) - moving_than;
    let more = if moving_than > Decimal::ZERO { " more" } else { "" };
    let amount = |value: Decimal| words::amount(value.to_f64().unwrap_or(0.0), currency);
    if moving <= Decimal::ZERO {
        return format!("{text} more than {than_name}");
    }
    let lower = moving - printed;
    if lower <= Decimal::ZERO {
        return format!(
            "{text} more than {than_name}, {} of it for moving",
            amount(moving)
        );
    }
    let at_most = if total.total.at_least { "at most " } else { "" };
    format!(
        "{text} more than {than_name} in all: moving costs {}{more}, and the bills are {at_most}{} lower",
        amount(moving),
        amount(lower)
    )
}

/// What moving to a set-up costs once.
fn moving_cost(projection: &Projection, config: &str) -> Decimal {
    let found = projection.configs.iter().find(|one| one.name == config);
    found
        .and_then(|one| one.migration)
        .map_or(Decimal::ZERO, |cost| cost.0)
}

/// How much more one set-up costs than another.
struct More {
    text: String,     // `about $800`, `at least $11,900`
    printed: Decimal, // the difference of the printed totals
}

/// How much more it costs than another one, as the printed totals differ.
fn more(projection: &Projection, total: &ConfigTotal, than: &str, currency: &str) -> Option<More> {
    let comparison = projection.comparison.as_ref()?;
    let other = comparison.totals.iter().find(|other| other.config == than)?;
    let of = |config: &str| words::total_of(comparison, config, currency);
    let (own, others) = (of(&total.config)?, of(than)?);
    let printed = own.rounded - others.rounded;
    // A difference from the baseline stands on the page already.
    let size = match (total.config == comparison.baseline, *than == comparison.baseline) {
        (true, _) => others.size,
        (_, true) => own.size,
        _ => {
            let lead = match (total.total.at_least, other.total.at_least) {
                (true, false) => "at least ",
                (false, true) => "at most ",
                _ => "about ",
            };
            format!("{lead}{}", words::amount(printed.to_f64()?, currency))
        }
    };
    Some(More { text: size, printed })
}

fn shared_limit(projection: &Projection, config: &str, wall: &SharedLimit) -> String {
    let own = projection.configs.iter().find(|one| one.name == config);
    let limit = own.and_then(|own| first_break(&own.break_points)).map_or_else(
        || words::clean(&wall.cause),
        |(point, _)| words::cause(point.kind, &point.cause),
    );
    if wall.moved.abs() < 5e-4 {
        format!("moving does not help: in both, {limit}")
    } else {
        format!(
            "moving hardly helps: in both, {limit}, {} apart",
            words::share(wall.moved.abs())
        )
    }
}

/// Unknown prices, each solved for the amount at which the set-up breaks even.
fn break_evens(projection: &Projection, comparison: &Comparison) -> Option<PageTable> {
    let moving = if costs_to_move(projection) {
        ", moving not counted"
    } else {
        ""
    };
    let caption = format!(
        "Prices that are not known: below these a month costs less than on {}{moving}",
        words::name(&comparison.baseline)
    );
    let titles = ["set-up", "price of", "#at customers", "#breaks even at", "for"];
    let mut table = PageTable::new(caption, &titles);
    for BreakEven {
        config,
        meter,
        customers,
        per,
        unit,
        price,
    } in &comparison.break_evens
    {
        let each = if *per == 1.0 {
            words::clean(unit)
        } else {
            format!("{} {}s", format::number(*per), words::clean(unit))
        };
        table.row([
            words::name(config).into(),
            words::name(meter).into(),
            words::customers(*customers).into(),
            break_even(price, currency(projection, config)).into(),
            each.into(),
        ]);
    }
    table.cut().unless_empty()
}

/// A price for which a set-up breaks even, with its interval where it has one.
fn break_even(price: &Estimate, currency: &str) -> String {
    let ends = [price.low, price.high].map(format::number);
    let text = if ends[0] == ends[1] {
        format::number(price.value)
    } else {
        format::estimate(price)
    };
    format!("{}{text}", words::symbol(currency))
}

fn paybacks(projection: &Projection, comparison: &Comparison) -> Option<PageTable> {
    let caption = format!(
        "When moving from {} has paid back",
        words::name(&comparison.baseline)
    );
    let titles = [
        "to",
        "#costs once",
        "#difference in the first month",
        "#months",
        "#paid back in",
    ];
    let mut table = PageTable::new(caption, &titles);
    for Payback {
        config,
        migration,
        first_month,
        months,
        probability,
    } in &comparison.paybacks
    {
        let currency = currency(projection, config);
        let negated = nest_data::projection::MoneyEstimate {
            value: nest_data::units::QuotedDecimal(-first_month.value.0),
            low: -first_month.high,
            high: -first_month.low,
            mean: first_month.mean.map(|mean| -mean),
            at_least: first_month.at_least,
        };
        table.row([
            words::name(config).into(),
            words::amount(migration.0.to_f64().unwrap_or(0.0), currency).into(),
            Cell::noted(
                words::money_change(&negated, currency),
                words::change_interval(&negated, currency),
            ),
            months.as_ref().map_or_else(
                || "never".into(),
                |months| Cell::noted(words::count(months), words::count_interval(months, false)),
            ),
            format::chance_cell(*probability).into(),
        ]);
    }
    table.cut().unless_empty()
}

/// Rows are set-ups, columns growth scenarios.
fn regrets(projection: &Projection, comparison: &Comparison) -> Option<PageTable> {
    let mut scenarios: Vec<&str> = comparison
        .regrets
        .iter()
        .map(|regret| regret.growth.as_str())
        .collect();
    scenarios.dedup();
    scenarios.get(1)?;
    let titles: Vec<String> = std::iter::once("set-up".to_owned())
        .chain(scenarios.iter().map(|name| format!("#{}", words::name(name))))
        .collect();
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let caption = "What a choice costs above the cheapest if growth turns out so, and how often it has room";
    let mut table = PageTable::new(caption, &titles);
    for total in &comparison.totals {
        let mut cells = vec![Cell::from(words::name(&total.config))];
        cells.extend(
            scenarios
                .iter()
                .map(|scenario| regret(projection, comparison, scenario, &total.config)),
        );
        table.add(cells);
    }
    Some(table.cut())
}

fn regret(projection: &Projection, comparison: &Comparison, scenario: &str, config: &str) -> Cell {
    let found = comparison
        .regrets
        .iter()
        .find(|regret| regret.growth == *scenario && regret.config == config);
    found.map_or_else(Cell::default, |regret| {
        let lead = if regret.at_least { "at least " } else { "" };
        let amount = words::amount(
            regret.regret.0.to_f64().unwrap_or(0.0),
            currency(projection, config),
        );
        Cell::noted(
            format!("{lead}{amount}"),
            format!("room in {}", format::chance_cell(regret.lasts)),
        )
    })
}
