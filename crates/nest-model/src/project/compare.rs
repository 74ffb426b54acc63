//! Configurations side by side on the same draws: what they cost, which is cheapest, and why the others are
//! not.

mod crossover;
mod growths;
mod payback;
mod regret;

use nest_data::{
    Estimate,
    projection::{
        BreakEven, BreakPoint, Comparison, ConfigProjection, ConfigTotal, Payback, SharedLimit, WhyNot,
        first_break,
    },
};
use rust_decimal::Decimal;

pub use self::growths::growths;
use self::{crossover::crossovers, payback::payback, regret::regrets};
use crate::{
    draws::{RandomStream, StreamPurpose},
    error::ModelError,
    pricing::float,
    project::config::ReadyInputs,
    project::config_projection::ProjectedConfig,
    project::context::Context,
    project::drawn_config::DrawnConfig,
    project::figure::money,
    project::months::MonthCost,
};

/// Relative difference of two break points below which they are the same limit.
const SAME_LIMIT: f64 = 0.05;

/// A configuration's cost over the months of a growth scenario.
pub struct Totals {
    pub central: Decimal,
    pub draws: Vec<f64>,                  // all months
    pub months: Vec<(Decimal, Vec<f64>)>, // each month in the point estimate and in every draw
}

/// Compares all configurations with the headline's.
pub fn compare(
    context: &Context<'_>,
    configs: &[DrawnConfig<'_>],
    projected: &[ProjectedConfig],
    baseline: usize,
) -> Result<Option<Comparison>, ModelError> {
    if configs.len() < 2 {
        return Ok(None);
    }
    let months = context.growth.as_ref().map_or(1, |growth| growth.model.months());
    let totals = configs
        .iter()
        .zip(projected)
        .map(|(drawn, one)| totals(drawn, context, &one.monthly_costs))
        .collect::<Result<Vec<_>, _>>()?;
    let projected: Vec<&ConfigProjection> = projected.iter().map(|one| &one.config).collect();
    let lasting: Vec<bool> = projected.iter().map(|config| lasts(context, config)).collect();
    let best = best(&totals, &lasting);
    let paybacks: Vec<Payback> = (0..configs.len())
        .filter_map(|index| payback(context, configs, &totals, index, baseline))
        .collect();
    let config_total = |index: usize| {
        let others: Vec<f64> = totals[index]
            .draws
            .iter()
            .zip(&totals[baseline].draws)
            .map(|(one, base)| one - base)
            .collect();
        let count = totals[index].draws.len().max(1) as f64;
        let cheapest = (0..totals[index].draws.len())
            .filter(|draw| cheapest_in(*draw, &totals, &lasting) == Some(index))
            .count() as f64
            / count;
        ConfigTotal {
            config: configs[index].priced.name.to_owned(),
            total: money(
                totals[index].central,
                totals[index].draws.clone(),
                configs[index].priced.unknown_lines() > 0,
            ),
            change: money(
                totals[index].central - totals[baseline].central,
                others,
                configs[index].priced.unknown_lines() > 0,
            ),
            cheapest,
            shared_limit: (index != baseline)
                .then(|| shared_limit(projected[baseline], projected[index]))
                .flatten(),
            why_not: why_not(index, best, configs, &projected, &totals, &lasting, &paybacks),
        }
    };
    Ok(Some(Comparison {
        baseline: configs[baseline].priced.name.to_owned(),
        months,
        totals: (0..configs.len()).map(config_total).collect(),
        crossovers: crossovers(context, configs, baseline),
        break_evens: (0..configs.len())
            .filter_map(|index| break_even(context, configs, index, baseline))
            .collect(),
        regrets: regrets(context, configs, &projected)?,
        paybacks,
    }))
}

/// Cost of a configuration over all months, with its migration at the beginning; over one month if nothing
/// grows.
fn totals(
    drawn: &DrawnConfig<'_>,
    context: &Context<'_>,
    monthly_costs: &[MonthCost],
) -> Result<Totals, ModelError> {
    let migration = drawn.priced.config.migration.as_ref();
    let amount = migration.map_or(Decimal::ZERO, |migration| migration.amount.0);
    let migration_cost = |index: usize| match migration.and_then(|migration| migration.range) {
        Some([low, high]) => {
            RandomStream::new(context.model.draws.seed, StreamPurpose::Migration, index as u32)
                .within(float(low.0), float(amount), float(high.0))
                .max(0.0)
        }
        None => float(amount),
    };
    let mut draws: Vec<f64> = (0..drawn.draws.len()).map(migration_cost).collect();
    let mut add = |costs: &[f64]| draws.iter_mut().zip(costs).for_each(|(sum, cost)| *sum += cost);
    if context.growth.is_none() {
        let customers = context.headline_customers();
        let month: Vec<f64> = drawn
            .draws
            .iter()
            .map(|inputs| drawn.priced.cost(customers, inputs))
            .collect();
        add(&month);
        let value = drawn.bill_total(customers)?;
        return Ok(Totals {
            central: amount + value,
            draws,
            months: vec![(value, month)],
        });
    }
    monthly_costs.iter().for_each(|month| add(&month.draws));
    let central = amount + monthly_costs.iter().map(|month| month.value).sum::<Decimal>();
    Ok(Totals {
        central,
        draws,
        months: monthly_costs
            .iter()
            .map(|month| (month.value, month.draws.clone()))
            .collect(),
    })
}

/// Whether nothing of a configuration fails before growth ends; at the headline's customers if nothing grows.
fn lasts(context: &Context<'_>, config: &ConfigProjection) -> bool {
    breaks(context, config).is_none()
}

/// The first failure before growth ends.
fn breaks<'p>(context: &Context<'_>, config: &'p ConfigProjection) -> Option<(&'p BreakPoint, f64)> {
    let end = match &context.growth {
        Some(growth) => (0..=growth.model.months())
            .map(|month| growth.central.at(f64::from(month)))
            .fold(0.0, f64::max),
        None => context.headline_customers(),
    };
    let (point, customers) = first_break(&config.break_points)?;
    (customers.value <= end).then_some((point, customers.value))
}

/// The cheapest that lasts, or the cheapest of all if none does.
fn best(totals: &[Totals], lasting: &[bool]) -> usize {
    let among = |all: bool| {
        (0..totals.len())
            .filter(move |index| all || lasting[*index])
            .min_by(|a, b| totals[*a].central.cmp(&totals[*b].central))
    };
    among(false).or_else(|| among(true)).unwrap_or(0)
}

fn cheapest_in(draw: usize, totals: &[Totals], lasting: &[bool]) -> Option<usize> {
    let any = lasting.iter().any(|lasts| *lasts);
    (0..totals.len())
        .filter(|index| lasting[*index] || !any)
        .min_by(|a, b| totals[*a].draws[draw].total_cmp(&totals[*b].draws[draw]))
}

fn why_not(
    index: usize,
    best: usize,
    configs: &[DrawnConfig<'_>],
    projected: &[&ConfigProjection],
    totals: &[Totals],
    lasting: &[bool],
    paybacks: &[Payback],
) -> Vec<WhyNot> {
    let mut reasons = Vec::new();
    let name = configs[index].priced.name;
    if index != best && totals[index].central > totals[best].central && !totals[best].central.is_zero() {
        let by = float(totals[index].central / totals[best].central) - 1.0;
        reasons.push(WhyNot::Dearer {
            than: configs[best].priced.name.to_owned(),
            by,
        });
    }
    if !lasting[index]
        && let Some((point, customers)) = first_break(&projected[index].break_points)
    {
        reasons.push(WhyNot::Breaks {
            kind: point.kind,
            cause: point.cause.clone(),
            customers: customers.value,
            date: point.date,
        });
    }
    if configs[index].priced.unknown_lines() > 0 {
        reasons.push(WhyNot::Unknown {
            lines: configs[index].priced.unknown_lines(),
        });
    }
    if paybacks
        .iter()
        .any(|payback| payback.config == name && payback.months.is_none())
    {
        reasons.push(WhyNot::NoPayback);
    }
    reasons
}

/// Whether two configurations first break on the same thing, at nearly as many customers.
fn shared_limit(baseline: &ConfigProjection, config: &ConfigProjection) -> Option<SharedLimit> {
    let ((one, before), (other, after)) =
        first_break(&baseline.break_points).zip(first_break(&config.break_points))?;
    let moved = after.value / before.value - 1.0;
    let same = one.kind == other.kind && one.cause == other.cause && moved.abs() < SAME_LIMIT;
    same.then(|| SharedLimit {
        cause: one.cause.clone(),
        moved,
    })
}

/// The price of the one meter of a configuration that has none, at which it costs as much as the baseline.
///
/// # Formula
/// `p = (C_baseline(N) - C_known(N)) / quantity(N)`, in every draw.
///
/// Source: `docs/method/pricing.md`, "Break-even of an unknown price".
fn break_even(
    context: &Context<'_>,
    configs: &[DrawnConfig<'_>],
    index: usize,
    baseline: usize,
) -> Option<BreakEven> {
    let (drawn, base) = (&configs[index], &configs[baseline]);
    let unknown = drawn
        .priced
        .only_unknown_meter()
        .filter(|_| base.priced.unknown_lines() == 0)?;
    let customers = context.headline_customers();
    let unit = drawn.priced.meter_unit(unknown).to_owned();
    let per = if unit == "request" { 1e6 } else { 1.0 };
    let price = |inputs: &ReadyInputs, of_base: &ReadyInputs| {
        let left = base.priced.cost(customers, of_base) - drawn.priced.cost(customers, inputs);
        left / drawn.priced.metered_quantity(unknown, customers, inputs) * per
    };
    let value = price(&drawn.central, &base.central);
    let mut draws: Vec<f64> = drawn
        .draws
        .iter()
        .zip(&base.draws)
        .map(|(inputs, of_base)| price(inputs, of_base))
        .collect();
    let price = Estimate::from_draws(value, &mut draws).filter(|_| value.is_finite())?;
    Some(BreakEven {
        config: drawn.priced.name.to_owned(),
        meter: drawn.priced.meter_id(unknown).to_owned(),
        customers,
        per,
        unit,
        price,
    })
}
