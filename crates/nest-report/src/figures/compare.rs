//! Configurations side by side.

use nest_data::{
    Projection,
    projection::{
        BreakEven, Comparison, ConfigTotal, Crossover, Lever, LeverSetting, LimitNature, Payback,
        SharedLimit, WhyNot,
    },
};

use super::{PageTable, ReadingPath, Section};
use crate::{
    format,
    sentence::{self, EXTRAPOLATED},
    unit::currency,
};

/// Which configuration, and why not the others.
pub(super) fn configs(projection: &Projection) -> Option<Section> {
    let comparison = projection.comparison.as_ref()?;
    let mut section = Section::new(
        "compare",
        "Compare",
        ReadingPath::Architect,
        "Which configuration, and why not the others?",
        answer(projection, comparison),
    );
    section.list = comparison
        .totals
        .iter()
        .map(|total| format!("`{}`: {}", total.config, why_not(total)))
        .chain(crossovers_of_baseline(projection, comparison))
        .collect();
    section.tables.push(totals(projection, comparison));
    section.tables.extend(levers(projection));
    if !comparison.crossovers.is_empty() {
        section.tables.push(crossovers(comparison));
    }
    if !comparison.paybacks.is_empty() {
        section.tables.push(paybacks(projection, comparison));
    }
    if !comparison.break_evens.is_empty() {
        section.tables.push(break_evens(projection, comparison));
    }
    section.tables.extend(regrets(projection, comparison));
    section.tables.push(performance(projection));
    section.how =
        vec![
        "All configurations are computed on the same draws and the same measured demand, so what they share \
         cancels in every difference.".to_owned(),
        "A crossover is the number of customers from which on the other one stays cheaper, as far as was \
         looked; whole units may cross several times before.".to_owned(),
        "Lasts: nothing fails before growth ends, with every limit as the study sets it. The recommendation \
         takes it that limits of your choice are moved; hard limits count.".to_owned(),
        "Regret is what a configuration costs above the cheapest of all, whether or not that one lasts."
            .to_owned(),
    ];
    Some(section)
}

fn answer(projection: &Projection, comparison: &Comparison) -> String {
    let over = if comparison.months == 1 {
        "in a month".to_owned()
    } else {
        format!("over {} months", comparison.months)
    };
    let Some(best) = comparison
        .totals
        .iter()
        .find(|total| total.config == comparison.recommended)
    else {
        return String::new();
    };
    let currency = currency(projection, &best.config);
    let cost = format!(
        "`{}`: {} {over}, the cheapest of all in {}",
        best.config,
        format::money(&best.total, currency),
        format::cases(best.cheapest_of_all)
    );
    let config = projection
        .configs
        .iter()
        .find(|config| config.name == best.config);
    let (lasts, with_levers) = config.map_or((0.0, 0.0), |config| (config.lasts, config.lasts_with_levers));
    if with_levers < 0.5 {
        return format!(
            "Even with limits of your choice moved, no configuration is likely to last until growth ends. \
             The cheapest is {cost}."
        );
    }
    let levers: Vec<String> = projection
        .levers
        .iter()
        .filter(|lever| lever.config == best.config)
        .map(|lever| lever_in_words(lever, currency))
        .collect();
    if levers.is_empty() || lasts >= 0.95 {
        return format!("Take {cost}; it lasts in {}.", format::cases(lasts));
    }
    format!(
        "Take {cost}, if you {}; as it is set up, it lasts in {}.",
        levers.join(", and "),
        format::cases(lasts)
    )
}

/// What to change, from when on, and its price: `raise configs.today.max from 2 to 4 by Mar 2028 (a unit is
/// USD 73.58 a month)`.
pub(super) fn lever_in_words(lever: &Lever, currency: &str) -> String {
    let (verb, unit) = match lever.setting {
        LeverSetting::Max => ("raise", ""),
        LeverSetting::Reserve => ("lower", ""),
        LeverSetting::Objective => ("relax", " s"),
        LeverSetting::Budget => ("raise", ""),
    };
    let early = lever.date.and_then(|date| date.low.or(date.value));
    let by = early.map_or_else(String::new, |date| format!(" by {}", format::month(date)));
    let unit_month = lever.unit_month.map_or_else(String::new, |price| {
        let price = format::amount(price, currency);
        format!(" (one more unit is {price} a month, which the total holds already)")
    });
    format!(
        "{verb} `{}` from {}{unit} to {}{unit}{by}{unit_month}",
        lever.key,
        format::number(lever.from),
        format::number(lever.to)
    )
}

/// Where the baseline and another configuration of which every price is known become the cheaper one.
fn crossovers_of_baseline<'p>(
    projection: &'p Projection,
    comparison: &'p Comparison,
) -> impl Iterator<Item = String> + 'p {
    let is_known = |name: &String| {
        let mut configs = projection.configs.iter();
        configs.any(|config| config.name == *name && !config.bill.total.at_least)
    };
    let of_baseline = move |crossover: &&Crossover| {
        let sides = [&crossover.below, &crossover.above];
        sides.contains(&&comparison.baseline) && sides.into_iter().all(is_known)
    };
    comparison
        .crossovers
        .iter()
        .filter(of_baseline)
        .map(crossover_in_words)
}

/// Which one is cheaper for few customers, and which for many.
fn crossover_in_words(crossover: &Crossover) -> String {
    format!(
        "A month costs less on `{}` below {} customers, and less on `{}` above",
        crossover.below,
        format::estimate(&crossover.customers),
        crossover.above
    )
}

fn totals(projection: &Projection, comparison: &Comparison) -> PageTable {
    let caption = format!(
        "Cost over {} months, migration included, against `{}`",
        comparison.months, comparison.baseline
    );
    let titles = [
        "configuration",
        "#total",
        "#change",
        "#lasts in",
        "#cheapest of all in",
        "#cheapest of those that last in",
        "#cheapest in, limits of your choice moved",
    ];
    let mut table = PageTable::new(caption, &titles).leading();
    let amounts: Vec<_> = comparison
        .totals
        .iter()
        .map(|total| (total.total, total.change))
        .collect();
    let base = comparison
        .totals
        .iter()
        .position(|total| total.config == comparison.baseline)
        .unwrap_or(0);
    let currency = currency(projection, &comparison.baseline);
    for (total, (amount, change)) in comparison
        .totals
        .iter()
        .zip(format::compared(&amounts, base, currency))
    {
        let config = projection
            .configs
            .iter()
            .find(|config| config.name == total.config);
        table.row([
            format!("`{}`", total.config),
            amount,
            change,
            config.map_or_else(String::new, |config| format::chance_cell(config.lasts)),
            format::chance_cell(total.cheapest_of_all),
            format::chance_cell(total.cheapest_of_lasting),
            format::chance_cell(total.cheapest_with_levers),
        ]);
    }
    table
}

/// Levers of all configurations.
fn levers(projection: &Projection) -> Option<PageTable> {
    projection.levers.first()?;
    let titles = [
        "configuration",
        "limit",
        "#chance",
        "what would move it",
        "#chance then",
        "next limit",
        "when",
        "#change of cost",
    ];
    let mut table = PageTable::new("Limits that you chose, and what comes of moving them", &titles).leading();
    for lever in &projection.levers {
        let currency = currency(projection, &lever.config);
        let next = lever.next.as_ref();
        table.row([
            format!("`{}`", lever.config),
            format!("{} ({})", lever.cause, lever.kind.label()),
            format::chance_cell(lever.chance[0]),
            lever_in_words(lever, currency),
            format::chance_cell(lever.chance[1]),
            next.map_or_else(
                || "none".to_owned(),
                |(kind, cause)| format!("{cause} ({})", kind.label()),
            ),
            sentence::date(lever.next_date.as_ref()),
            format::money_change(&lever.change, currency),
        ]);
    }
    Some(table)
}

fn why_not(total: &ConfigTotal) -> String {
    let reason = |why: &WhyNot| match why {
        WhyNot::Dearer { than, by } => format!("{} dearer than `{than}`", format::rough_percent(*by)),
        WhyNot::Breaks {
            kind,
            cause,
            customers,
            date,
            chance,
            nature,
        } => {
            let when = date
                .and_then(|date| date.value)
                .map_or_else(String::new, |date| format!(", about {}", format::month(date)));
            let at = customers.map_or_else(String::new, |customers| {
                format!(", at {} customers", format::number(customers))
            });
            let what = match nature {
                LimitNature::Choice => "passes a limit that you chose",
                LimitNature::Hard => "fails",
            };
            format!(
                "{} that it {what} before growth ends: {cause} ({}){when}{at}",
                format::chance(*chance),
                kind.label()
            )
        }
        WhyNot::LocalState { tier } => {
            format!("`{tier}` keeps files of its own, and the study does not say what replaces them")
        }
        WhyNot::Unknown { lines: 1 } => "one price unknown".to_owned(),
        WhyNot::Unknown { lines } => format!("{lines} prices unknown"),
        WhyNot::NoPayback => "the cost of moving never comes back".to_owned(),
    };
    let mut reasons: Vec<String> = total.why_not.iter().map(reason).collect();
    reasons.extend(total.shared_limit.as_ref().map(shared_limit));
    if reasons.is_empty() {
        "nothing against it".to_owned()
    } else {
        reasons.join("; ")
    }
}

fn shared_limit(wall: &SharedLimit) -> String {
    let moved = if wall.moved.abs() < 5e-4 {
        "exactly where it was".to_owned()
    } else {
        format!("within {}", format::rough_percent(wall.moved.abs()))
    };
    format!("moving does not shift the limit: {} stays {moved}", wall.cause)
}

/// Unknown prices, each solved for the amount at which the configuration breaks even.
fn break_evens(projection: &Projection, comparison: &Comparison) -> PageTable {
    let caption = format!(
        "Prices that are not known: below these a configuration is cheaper than `{}`",
        comparison.baseline
    );
    let mut table = PageTable::new(
        caption,
        &["configuration", "meter", "#customers", "#break-even price", "for"],
    );
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
            unit.clone()
        } else {
            format!("{} {unit}s", format::number(*per))
        };
        table.row([
            format!("`{config}`"),
            meter.clone(),
            format::number(*customers),
            format!("{} {}", currency(projection, config), format::estimate(price)),
            each,
        ]);
    }
    table
}

fn crossovers(comparison: &Comparison) -> PageTable {
    let mut table = PageTable::new(
        "Where one becomes cheaper than another",
        &[
            "cheaper below",
            "cheaper above",
            "#customers",
            "#crosses in",
            "kind",
        ],
    );
    for Crossover {
        below,
        above,
        customers,
        probability,
        extrapolated,
        ..
    } in &comparison.crossovers
    {
        table.row([
            format!("`{below}`"),
            format!("`{above}`"),
            format::estimate(customers),
            format::chance_cell(*probability),
            if *extrapolated {
                format!("{EXTRAPOLATED} extrapolated")
            } else {
                "— fitted".to_owned()
            },
        ]);
    }
    table
}

fn paybacks(projection: &Projection, comparison: &Comparison) -> PageTable {
    let caption = format!(
        "When a migration from `{}` has paid for itself",
        comparison.baseline
    );
    let mut table = PageTable::new(
        caption,
        &[
            "to",
            "#costs once",
            "#saved in the first month",
            "#months",
            "#paid back in",
        ],
    );
    for Payback {
        config,
        migration,
        first_month,
        months,
        probability,
    } in &comparison.paybacks
    {
        let currency = currency(projection, config);
        table.row([
            format!("`{config}`"),
            format!("◇ {}", format::amount(*migration, currency)),
            format::money_change(first_month, currency),
            months
                .as_ref()
                .map_or_else(|| "never".to_owned(), format::estimate),
            format::chance_cell(*probability),
        ]);
    }
    table
}

/// Rows are configurations, columns growth scenarios.
fn regrets(projection: &Projection, comparison: &Comparison) -> Option<PageTable> {
    let mut scenarios: Vec<&str> = comparison
        .regrets
        .iter()
        .map(|regret| regret.growth.as_str())
        .collect();
    scenarios.dedup();
    scenarios.first()?;
    let titles: Vec<String> = std::iter::once("configuration".to_owned())
        .chain(scenarios.iter().map(|name| format!("#{name}")))
        .collect();
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let mut table = PageTable::new(
        "Regret: what each costs above the best, by growth scenario",
        &titles,
    );
    for total in &comparison.totals {
        let cells = scenarios.iter().map(|scenario| {
            let found = comparison
                .regrets
                .iter()
                .find(|regret| regret.growth == *scenario && regret.config == total.config);
            found.map_or_else(String::new, |regret| {
                let lead = if regret.at_least { "at least " } else { "" };
                format!(
                    "{lead}{}, lasts in {}",
                    format::amount(regret.regret, currency(projection, &total.config)),
                    format::chance_cell(regret.lasts)
                )
            })
        });
        table.add(
            std::iter::once(format!("`{}`", total.config))
                .chain(cells)
                .collect(),
        );
    }
    Some(table)
}

fn performance(projection: &Projection) -> PageTable {
    let mut table = PageTable::new(
        "Response times at the headline's customers",
        &[
            "configuration",
            "behaviour",
            "#quantile",
            "#response time",
            "#utilisation",
        ],
    );
    for config in &projection.configs {
        for row in &config.performance {
            table.row([
                format!("`{}`", config.name),
                row.behaviour.clone(),
                format!("p{}", row.quantile * 100.0),
                format::quantity_estimate(&row.seconds, "s"),
                row.utilisation
                    .map_or_else(|| "does not queue".to_owned(), format::percent),
            ]);
        }
    }
    table
}
