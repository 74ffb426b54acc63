//! When a migration has paid for itself.

use nest_data::{Estimate, projection::Payback};

use super::Totals;
use crate::{
    pricing::float,
    project::{context::Context, drawn_config::DrawnConfig, figure::money},
};

/// The month in which the savings against the baseline have paid for the migration, in every draw of both.
pub fn payback(
    context: &Context<'_>,
    configs: &[DrawnConfig<'_>],
    totals: &[Totals],
    index: usize,
    baseline: usize,
) -> Option<Payback> {
    let migration = configs[index]
        .priced
        .config
        .migration
        .as_ref()
        .filter(|_| index != baseline)?;
    let (base, own) = (&totals[baseline].months, &totals[index].months);
    let saved = |month: usize, draw: usize| {
        Some(base.get(month)?.draws.get(draw)? - own.get(month)?.draws.get(draw)?)
    };
    let central = |month: usize| Some(base.get(month)?.value - own.get(month)?.value);
    let costs = &totals[index].migration;
    let count = totals[index].draws.len();
    // Without growth every month is like the first.
    let steady = context.growth().is_none();
    let after = |amount: f64, saved: &dyn Fn(usize) -> Option<f64>| -> Option<f64> {
        let mut left = amount;
        if steady {
            return saved(0).filter(|saved| *saved > 0.0).map(|saved| left / saved);
        }
        for month in 0.. {
            let saving = saved(month)?;
            if saving >= left && saving > 0.0 {
                return Some(month as f64 + left.max(0.0) / saving);
            }
            left -= saving;
        }
        None
    };
    let drawn: Vec<Option<f64>> = (0..count)
        .map(|draw| after(costs.draws[draw], &|month| saved(month, draw)))
        .collect();
    let probability = drawn.iter().flatten().count() as f64 / count.max(1) as f64;
    let value = after(float(costs.amount), &|month| central(month).map(float));
    let first: Vec<f64> = (0..count).filter_map(|draw| saved(0, draw)).collect();
    Some(Payback {
        config: configs[index].priced.name.to_owned(),
        migration: migration.amount,
        first_month: money(central(0)?, first, totals[index].at_least),
        months: value
            .and_then(|value| Estimate::from_draws(value, &mut drawn.into_iter().flatten().collect())),
        probability,
    })
}
