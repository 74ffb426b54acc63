//! Rows of configurations, growth scenarios and kinds of customers side by side.

use nest_data::{
    Projection,
    projection::{
        BreakEven, Comparison, ConfigTotal, Crossover, GrowthProjection, Headline, MoneyEstimate, Payback,
        Regret, SegmentProjection, WhyNot,
    },
};

use super::row::{FigureKind, TidyRow};
use crate::unit::currency;

/// All of them.
pub(super) fn rows(projection: &Projection) -> Vec<TidyRow> {
    let mut rows = Vec::new();
    rows.extend(
        projection
            .comparison
            .iter()
            .flat_map(|comparison| config_rows(projection, comparison)),
    );
    let Some(headline) = &projection.headline else {
        return rows;
    };
    let money = currency(projection, &headline.config);
    let monthly = format!("{money}/month");
    let growths = projection.growths.iter();
    rows.extend(growths.flat_map(|growth| growth_rows(growth, headline, money)));
    let segments = projection.segments.iter();
    rows.extend(segments.flat_map(|segment| segment_rows(segment, headline, &monthly)));
    rows
}

fn config_rows(projection: &Projection, comparison: &Comparison) -> Vec<TidyRow> {
    let mut rows = Vec::new();
    for total in &comparison.totals {
        let money = currency(projection, &total.config);
        rows.extend(total_rows(total, &comparison.baseline, money));
    }
    rows.extend(comparison.crossovers.iter().flat_map(crossover_rows));
    for payback in &comparison.paybacks {
        rows.extend(payback_rows(payback, currency(projection, &payback.config)));
    }
    for one in &comparison.break_evens {
        rows.push(break_even_row(one, currency(projection, &one.config)));
    }
    rows.extend(comparison.totals.iter().filter_map(shared_limit_row));
    for regret in &comparison.regrets {
        rows.extend(regret_rows(regret, currency(projection, &regret.config)));
    }
    rows
}

/// What a configuration costs, and what speaks against it.
fn total_rows(total: &ConfigTotal, baseline: &str, money: &str) -> Vec<TidyRow> {
    let place = TidyRow::default().config(&total.config);
    let mut rows = vec![
        place
            .also("compare_total", money, FigureKind::Priced)
            .bounded_money(&total.total),
        place
            .also("compare_change", money, FigureKind::Priced)
            .component(baseline)
            .money(&total.change),
    ];
    let shares = [
        ("compare_cheapest_of_all", total.cheapest_of_all),
        ("compare_cheapest_of_lasting", total.cheapest_of_lasting),
        ("compare_cheapest_with_levers", total.cheapest_with_levers),
        ("compare_cheaper_than_baseline", total.cheaper_than_baseline),
    ];
    rows.extend(shares.map(|(metric, share)| place.also(metric, "share", FigureKind::Fitted).value(share)));
    for why in &total.why_not {
        let (what, value) = match why {
            WhyNot::Dearer { than, by } => (format!("dearer than {than}"), Some(*by)),
            WhyNot::Breaks { cause, customers, .. } => (format!("breaks: {cause}"), *customers),
            WhyNot::LocalState { tier } => (format!("keeps files: {tier}"), None),
            WhyNot::Unknown { lines } => ("prices unknown".to_owned(), Some(*lines as f64)),
            WhyNot::NoPayback => ("no payback".to_owned(), None),
        };
        let row = place
            .also("compare_why_not", "", FigureKind::Fitted)
            .component(what);
        rows.push(match value {
            Some(value) => row.value(value),
            None => row,
        });
    }
    rows
}

fn crossover_rows(crossover: &Crossover) -> [TidyRow; 2] {
    let kind = if crossover.extrapolated {
        FigureKind::Extrapolated
    } else {
        FigureKind::Fitted
    };
    let component = format!("{} below, {} above", crossover.below, crossover.above);
    [
        TidyRow::new("crossover", "customers", kind)
            .component(&component)
            .estimate(Some(&crossover.customers)),
        TidyRow::new("crossover_probability", "share", kind)
            .component(&component)
            .value(crossover.probability),
    ]
}

fn payback_rows(payback: &Payback, money: &str) -> [TidyRow; 4] {
    let place = TidyRow::default().config(&payback.config);
    [
        place
            .also("migration", money, FigureKind::Assumed)
            .decimal(Some(payback.migration)),
        place
            .also("payback_saved_first_month", money, FigureKind::Priced)
            .money(&payback.first_month),
        place
            .also("payback_months", "months", FigureKind::Fitted)
            .estimate(payback.months.as_ref()),
        place
            .also("payback_probability", "share", FigureKind::Fitted)
            .value(payback.probability),
    ]
}

fn break_even_row(one: &BreakEven, money: &str) -> TidyRow {
    let unit = format!("{money}/{} {}", one.per, one.unit);
    TidyRow::new("break_even_price", unit, FigureKind::Fitted)
        .config(&one.config)
        .customers(Some(one.customers))
        .component(&one.meter)
        .estimate(Some(&one.price))
}

fn shared_limit_row(total: &ConfigTotal) -> Option<TidyRow> {
    let limit = total.shared_limit.as_ref()?;
    let row = TidyRow::new("same_wall_moved", "share", FigureKind::Fitted)
        .config(&total.config)
        .component(&limit.cause)
        .value(limit.moved);
    Some(row)
}

fn regret_rows(regret: &Regret, money: &str) -> [TidyRow; 3] {
    let place = TidyRow {
        growth: regret.growth.clone(),
        config: regret.config.clone(),
        ..TidyRow::default()
    };
    let row = |metric| place.also(metric, money, FigureKind::Priced);
    let interval = MoneyEstimate {
        value: regret.regret,
        low: regret.interval[0],
        high: regret.interval[1],
        mean: None,
        at_least: false,
    };
    [
        row("regret_total").decimal(Some(regret.total)),
        row("regret").money(&interval),
        place
            .also("regret_lasts", "share", FigureKind::Fitted)
            .value(regret.lasts),
    ]
}

fn growth_rows(growth: &GrowthProjection, headline: &Headline, money: &str) -> Vec<TidyRow> {
    let place = TidyRow {
        growth: growth.name.clone(),
        config: headline.config.clone(),
        ..TidyRow::default()
    };
    let monthly = format!("{money}/month");
    let customers = |metric| place.also(metric, "customers", FigureKind::Assumed);
    let mut rows = vec![
        customers("growth_start").estimate(Some(&growth.start)),
        customers("growth_end").estimate(Some(&growth.end)),
        place
            .also("growth_total", money, FigureKind::Priced)
            .bounded_money(&growth.total),
        place
            .also("growth_per_1000_at_end", &monthly, FigureKind::Priced)
            .bounded_money(&growth.per_1000),
    ];
    rows.push(
        place
            .also("growth_breaks", "share", FigureKind::Fitted)
            .value(growth.breaks),
    );
    let cause = growth.cause.clone().unwrap_or_default();
    let dates = growth.date.map(|date| {
        [
            ("growth_break", date.value),
            ("growth_break_earliest", date.low),
            ("growth_break_latest", date.high),
        ]
    });
    for (metric, date) in dates.into_iter().flatten() {
        rows.push(TidyRow {
            month: date.map(|date| date.to_string()).unwrap_or_default(),
            ..place.also(metric, "date", FigureKind::Fitted).component(&cause)
        });
    }
    rows
}

fn segment_rows(segment: &SegmentProjection, headline: &Headline, monthly: &str) -> Vec<TidyRow> {
    let place = TidyRow::default()
        .config(&headline.config)
        .customers(Some(segment.customers));
    let row = |metric, unit: &str, kind| place.also(metric, unit, kind).component(&segment.name);
    let priced = |metric| row(metric, monthly, FigureKind::Priced);
    let mut rows = vec![
        row("segment_share", "share", FigureKind::Assumed).value(segment.share),
        priced("segment_direct_per_1000").decimal(Some(segment.direct_per_1000)),
        priced("segment_shared_per_1000").decimal(Some(segment.shared_per_1000)),
        priced("segment_per_1000").money(&segment.per_1000),
        priced("segment_fees_per_1000").decimal(Some(segment.fees_per_1000)),
        priced("segment_floor_price").decimal(Some(segment.floor_price)),
    ];
    let margin = segment.margin;
    rows.extend(margin.map(|margin| row("segment_margin", "share", FigureKind::Priced).value(margin)));
    rows
}
