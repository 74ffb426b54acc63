//! Configurations, growth scenarios and kinds of customers side by side.

use nest_data::{
    Projection,
    projection::{
        BreakDate, BreakEven, Comparison, ConfigTotal, Crossover, Payback, SegmentProjection, Sensitivity,
        SharedLimit, WhyNot,
    },
};

use super::{Path, Section, Table};
use crate::{format, sentence::EXTRAPOLATED, unit::currency};

/// Which configuration, and why not the others.
pub(super) fn configs(projection: &Projection) -> Option<Section> {
    let comparison = projection.comparison.as_ref()?;
    let mut section = Section::new(
        "compare",
        "Compare",
        Path::Architect,
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

fn totals(projection: &Projection, comparison: &Comparison) -> Table {
    let caption = format!(
        "Cost over {} months, migration included, against `{}`",
        comparison.months, comparison.baseline
    );
    let mut table = Table::new(caption, &["configuration", "#total", "#change", "#cheapest in"]).leading();
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

/// Prices that nobody has stated, solved for.
fn break_evens(projection: &Projection, comparison: &Comparison) -> Table {
    let caption = format!(
        "Prices that are not known: below these a configuration is cheaper than `{}`",
        comparison.baseline
    );
    let mut table = Table::new(
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

fn crossovers(comparison: &Comparison) -> Table {
    let mut table = Table::new(
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

fn paybacks(projection: &Projection, comparison: &Comparison) -> Table {
    let caption = format!(
        "When a migration from `{}` has paid for itself",
        comparison.baseline
    );
    let mut table = Table::new(
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
fn regrets(projection: &Projection, comparison: &Comparison) -> Option<Table> {
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
    let mut table = Table::new(
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

fn performance(projection: &Projection) -> Table {
    let mut table = Table::new(
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

/// Each growth scenario.
pub(super) fn growths(projection: &Projection) -> Option<Section> {
    let headline = projection.headline.as_ref()?;
    projection.growths.get(1)?;
    let answers: Vec<String> = projection
        .growths
        .iter()
        .map(|growth| {
            format!(
                "`{}`: {} over {} months",
                growth.name,
                format::money(&growth.total, currency(projection, &headline.config)),
                growth.months
            )
        })
        .collect();
    let mut section = Section::new(
        "growth",
        "Growth",
        Path::Product,
        "What if growth is another?",
        format!("{}.", answers.join("; ")),
    );
    let titles = [
        "growth",
        "#months",
        "#customers at first",
        "#at the end",
        "#cost of all months",
        "#per 1,000 at the end",
        "breaks",
    ];
    let mut table = Table::new(format!("Growth scenarios on `{}`", headline.config), &titles).leading();
    for growth in &projection.growths {
        let currency = currency(projection, &headline.config);
        table.row([
            format!("`{}`", growth.name),
            growth.months.to_string(),
            format!("◇ {}", format::estimate(&growth.start)),
            format!("◇ {}", format::estimate(&growth.end)),
            format::money(&growth.total, currency),
            format::money(&growth.per_1000, currency),
            growth.cause.as_ref().map_or_else(
                || "not found".to_owned(),
                |cause| format!("{} ({cause})", when(growth.date)),
            ),
        ]);
    }
    section.tables.push(table);
    section.how = vec!["◇ Growth is assumed. Each scenario runs on the same draws of the model.".to_owned()];
    Some(section)
}

fn when(date: Option<BreakDate>) -> String {
    date.and_then(|date| date.value)
        .map_or_else(|| "not in these months".to_owned(), format::month)
}

/// The tornado: what moves the headline most.
pub(super) fn sensitivity(projection: &Projection) -> Option<Section> {
    let headline = projection.headline.as_ref()?;
    let widest = projection.sensitivity.first()?;
    let currency = currency(projection, &headline.config);
    let answer = format!(
        "Most by {}: from {currency} {} to {}.",
        widest.input,
        format::number(widest.per_1000[0]),
        format::number(widest.per_1000[1])
    );
    let mut section = Section::new(
        "sensitivity",
        "Sensitivity",
        Path::Finance,
        "What moves the cost most?",
        answer,
    );
    let caption = format!(
        "Cost of 1,000 customers on `{}` with one input at either end of its range, in {currency}",
        headline.config
    );
    let mut table = Table::new(
        caption,
        &["input", "#from", "#to", "#cost there", "#cost there", "kind"],
    );
    for Sensitivity {
        input,
        range,
        per_1000,
        assumed,
    } in &projection.sensitivity
    {
        table.row([
            input.clone(),
            format::number(range[0]),
            format::number(range[1]),
            format::number(per_1000[0]),
            format::number(per_1000[1]),
            if *assumed {
                "◇ assumed".to_owned()
            } else {
                "— fitted".to_owned()
            },
        ]);
    }
    section.tables.push(table);
    section.how = vec![
        "One input at a time, all others in the central world: ranges are 90 % intervals, or \
        a tenth of capacity for a reserve and a fifth for the burst."
            .to_owned(),
    ];
    Some(section)
}

/// Each kind of customers.
pub(super) fn segments(projection: &Projection) -> Option<Section> {
    let headline = projection.headline.as_ref()?;
    projection.segments.first()?;
    let currency = currency(projection, &headline.config);
    let answers: Vec<String> = projection
        .segments
        .iter()
        .map(|segment| {
            format!(
                "{} for `{}`",
                format::money(&segment.per_1000, currency),
                segment.name
            )
        })
        .collect();
    let answer = format!("1,000 customers cost {}.", answers.join("; "));
    let mut section = Section::new(
        "segments",
        "Segments",
        Path::Product,
        "What does each kind of customers cost?",
        answer,
    );
    let titles = [
        "segment",
        "#share",
        "#own behaviour",
        "#shared",
        "#1,000 customers",
        "#fees",
        "#price of one",
        "#margin",
        "#floor price",
    ];
    let mut table = Table::new(
        format!(
            "Kinds of customers on `{}`, cost of 1,000 a month in {currency}",
            headline.config
        ),
        &titles,
    )
    .leading();
    for segment in &projection.segments {
        table.row(segment_row(segment, currency));
    }
    section.tables.push(table);
    section.how = vec![
        "Work is charged to those whose behaviour causes it; idle use, reserve, rounding up, spare units and \
         fixed amounts are shared evenly."
            .to_owned(),
        "The floor price leaves the target margin after infrastructure and fees.".to_owned(),
    ];
    Some(section)
}

fn segment_row(segment: &SegmentProjection, currency: &str) -> [String; 9] {
    [
        format!("`{}`", segment.name),
        format!("◇ {}", format::percent(segment.share)),
        format::amount(segment.direct_per_1000, currency),
        format::amount(segment.shared_per_1000, currency),
        format::money(&segment.per_1000, currency),
        format::amount(segment.fees_per_1000, currency),
        segment
            .price
            .map_or_else(|| "none".to_owned(), |price| format::amount(price, currency)),
        segment.margin.map_or_else(|| "none".to_owned(), format::percent),
        format::amount(segment.floor_price, currency),
    ]
}
