//! Configurations side by side.

use nest_data::{
    Projection,
    projection::{BreakEven, Comparison, ConfigTotal, Crossover, Payback, SharedLimit, WhyNot},
};

use super::{PageTable, ReadingPath, Section};
use crate::{format, sentence::EXTRAPOLATED, unit::currency};

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
        .collect();
    section.tables.push(totals(projection, comparison));
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
        "Regret is what a configuration costs above the cheapest one that lasts until growth ends."
            .to_owned(),
    ];
    Some(section)
}

fn answer(projection: &Projection, comparison: &Comparison) -> String {
    let best = comparison.totals.iter().find(|total| {
        total
            .why_not
            .iter()
            .all(|why| !matches!(why, WhyNot::Dearer { .. } | WhyNot::Breaks { .. }))
    });
    let over = if comparison.months == 1 {
        "in a month".to_owned()
    } else {
        format!("over {} months", comparison.months)
    };
    match best {
        Some(best) => {
            format!(
                "`{}` costs least of those that last: {} {over}.",
                best.config,
                format::money(&best.total, currency(projection, &best.config))
            )
        }
        None => format!("No configuration lasts {over}; see what limits each."),
    }
}

fn totals(projection: &Projection, comparison: &Comparison) -> PageTable {
    let caption = format!(
        "Cost over {} months, migration included, against `{}`",
        comparison.months, comparison.baseline
    );
    let mut table =
        PageTable::new(caption, &["configuration", "#total", "#change", "#cheapest in"]).leading();
    for total in &comparison.totals {
        let currency = currency(projection, &total.config);
        table.row([
            format!("`{}`", total.config),
            format::money(&total.total, currency),
            format::money_change(&total.change, currency),
            format!("{} of draws", format::percent(total.cheapest)),
        ]);
    }
    table
}

fn why_not(total: &ConfigTotal) -> String {
    let reason = |why: &WhyNot| match why {
        WhyNot::Dearer { than, by } => format!("{} dearer than `{than}`", format::percent(*by)),
        WhyNot::Breaks {
            kind,
            cause,
            customers,
            date,
        } => {
            let when = date
                .and_then(|date| date.value)
                .map_or_else(String::new, |date| format!(", {}", format::month(date)));
            format!(
                "breaks at {} customers{when}: {} ({cause})",
                format::number(*customers),
                kind.label()
            )
        }
        WhyNot::Unknown { lines: 1 } => "one price unknown".to_owned(),
        WhyNot::Unknown { lines } => format!("{lines} prices unknown"),
        WhyNot::NoPayback => "its migration does not pay for itself".to_owned(),
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
        format!("moved by {}", format::percent(wall.moved))
    };
    format!("it is the same wall: {}, {moved}", wall.cause)
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
            format!("{} of draws", format::percent(*probability)),
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
            format!("{} of draws", format::percent(*probability)),
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
                let lasts = if regret.lasts { "" } else { ", breaks" };
                format!(
                    "{}{lasts}",
                    format::amount(regret.regret, currency(projection, &total.config))
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
