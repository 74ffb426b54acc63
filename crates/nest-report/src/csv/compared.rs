//! Rows of configurations, growth scenarios and kinds of customers side by side.

use nest_data::{Projection, projection::WhyNot};

use super::row::{FigureKind, TidyRow};
use crate::unit::currency;

/// All of them.
pub(super) fn rows(projection: &Projection) -> Vec<TidyRow> {
    let mut rows = Vec::new();
    configs(projection, &mut rows);
    let Some(headline) = &projection.headline else {
        return rows;
    };
    let money = currency(projection, &headline.config);
    let monthly = format!("{money}/month");
    for growth in &projection.growths {
        let place = TidyRow {
            growth: growth.name.clone(),
            ..TidyRow::default()
        }
        .config(&headline.config);
        rows.push(
            place
                .also("growth_start", "customers", FigureKind::Assumed)
                .estimate(Some(&growth.start)),
        );
        rows.push(
            place
                .also("growth_end", "customers", FigureKind::Assumed)
                .estimate(Some(&growth.end)),
        );
        rows.push(
            place
                .also("growth_total", money, FigureKind::Priced)
                .bounded_money(&growth.total),
        );
        rows.push(
            place
                .also("growth_per_1000_at_end", &monthly, FigureKind::Priced)
                .bounded_money(&growth.per_1000),
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
            let month = date.map(|date| date.to_string()).unwrap_or_default();
            rows.push(TidyRow {
                month,
                ..place.also(metric, "date", FigureKind::Fitted).component(&cause)
            });
        }
    }
    for one in &projection.sensitivity {
        let place = TidyRow::default()
            .config(&headline.config)
            .customers(Some(headline.customers));
        let kind = if one.assumed {
            FigureKind::Assumed
        } else {
            FigureKind::Fitted
        };
        let range = nest_data::Estimate {
            value: f64::midpoint(one.range[0], one.range[1]),
            standard_error: 0.0,
            low: one.range[0],
            high: one.range[1],
        };
        rows.push(
            place
                .also("sensitivity_input", "", kind)
                .component(&one.input)
                .estimate(Some(&range)),
        );
        for (metric, cost) in [
            ("sensitivity_at_low", one.per_1000[0]),
            ("sensitivity_at_high", one.per_1000[1]),
        ] {
            rows.push(
                place
                    .also(metric, &monthly, FigureKind::Priced)
                    .component(&one.input)
                    .value(cost),
            );
        }
    }
    for segment in &projection.segments {
        let place = TidyRow::default()
            .config(&headline.config)
            .customers(Some(segment.customers));
        let row = |metric, unit: &str, kind| place.also(metric, unit, kind).component(&segment.name);
        rows.push(row("segment_share", "share", FigureKind::Assumed).value(segment.share));
        rows.push(
            row("segment_direct_per_1000", &monthly, FigureKind::Priced)
                .decimal(Some(segment.direct_per_1000)),
        );
        rows.push(
            row("segment_shared_per_1000", &monthly, FigureKind::Priced)
                .decimal(Some(segment.shared_per_1000)),
        );
        rows.push(row("segment_per_1000", &monthly, FigureKind::Priced).money(&segment.per_1000));
        rows.push(
            row("segment_fees_per_1000", &monthly, FigureKind::Priced).decimal(Some(segment.fees_per_1000)),
        );
        rows.push(
            row("segment_floor_price", &monthly, FigureKind::Priced).decimal(Some(segment.floor_price)),
        );
        rows.extend(
            segment
                .margin
                .map(|margin| row("segment_margin", "share", FigureKind::Priced).value(margin)),
        );
    }
    rows
}

fn configs(projection: &Projection, rows: &mut Vec<TidyRow>) {
    let Some(comparison) = &projection.comparison else {
        return;
    };
    for total in &comparison.totals {
        let money = currency(projection, &total.config);
        let place = TidyRow::default().config(&total.config);
        rows.push(
            place
                .also("compare_total", money, FigureKind::Priced)
                .bounded_money(&total.total),
        );
        rows.push(
            place
                .also("compare_change", money, FigureKind::Priced)
                .component(&comparison.baseline)
                .money(&total.change),
        );
        rows.push(
            place
                .also("compare_cheapest", "share", FigureKind::Fitted)
                .value(total.cheapest),
        );
        for why in &total.why_not {
            let (what, value) = match why {
                WhyNot::Dearer { than, by } => (format!("dearer than {than}"), Some(*by)),
                WhyNot::Breaks { cause, customers, .. } => (format!("breaks: {cause}"), Some(*customers)),
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
    }
    for crossover in &comparison.crossovers {
        let kind = if crossover.extrapolated {
            FigureKind::Extrapolated
        } else {
            FigureKind::Fitted
        };
        let component = format!("{} below, {} above", crossover.below, crossover.above);
        rows.push(
            TidyRow::new("crossover", "customers", kind)
                .component(&component)
                .estimate(Some(&crossover.customers)),
        );
        rows.push(
            TidyRow::new("crossover_probability", "share", kind)
                .component(&component)
                .value(crossover.probability),
        );
    }
    for payback in &comparison.paybacks {
        let money = currency(projection, &payback.config);
        let place = TidyRow::default().config(&payback.config);
        rows.push(
            place
                .also("migration", money, FigureKind::Assumed)
                .decimal(Some(payback.migration)),
        );
        rows.push(
            place
                .also("payback_saved_first_month", money, FigureKind::Priced)
                .money(&payback.first_month),
        );
        rows.push(
            place
                .also("payback_months", "months", FigureKind::Fitted)
                .estimate(payback.months.as_ref()),
        );
        rows.push(
            place
                .also("payback_probability", "share", FigureKind::Fitted)
                .value(payback.probability),
        );
    }
    for one in &comparison.break_evens {
        let place = TidyRow::default()
            .config(&one.config)
            .customers(Some(one.customers));
        let unit = format!("{}/{} {}", currency(projection, &one.config), one.per, one.unit);
        rows.push(
            place
                .also("break_even_price", unit, FigureKind::Fitted)
                .component(&one.meter)
                .estimate(Some(&one.price)),
        );
    }
    for total in comparison
        .totals
        .iter()
        .filter_map(|total| Some((total, total.shared_limit.as_ref()?)))
    {
        let place = TidyRow::default().config(&total.0.config);
        rows.push(
            place
                .also("same_wall_moved", "share", FigureKind::Fitted)
                .component(&total.1.cause)
                .value(total.1.moved),
        );
    }
    for regret in &comparison.regrets {
        let money = currency(projection, &regret.config);
        let place = TidyRow {
            growth: regret.growth.clone(),
            ..TidyRow::default()
        }
        .config(&regret.config);
        let component = if regret.lasts { "lasts" } else { "breaks" };
        rows.push(
            place
                .also("regret_total", money, FigureKind::Priced)
                .component(component)
                .decimal(Some(regret.total)),
        );
        rows.push(
            place
                .also("regret", money, FigureKind::Priced)
                .component(component)
                .decimal(Some(regret.regret)),
        );
    }
}
