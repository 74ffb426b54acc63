//! Configurations side by side on the same draws: totals, where one becomes cheaper, when a migration has paid for itself, and what a wrong
//! choice costs.

use nest_data::{
    Estimate,
    projection::{
        BreakDate, BreakEven, BreakPoint, Comparison, ConfigProjection, ConfigTotal, Crossover,
        GrowthProjection, Payback, Regret, SharedLimit, WhyNot, first_break,
    },
    study::GrowthScenario,
    study_file::MOST_CUSTOMERS,
    units::QuotedDecimal,
};
use rust_decimal::Decimal;

use crate::{
    ModelError,
    draws::{RandomStream, StreamPurpose},
    project::break_point::is_extrapolated,
    project::config::float,
    project::growth::{GrowthDraws, Trajectory},
    project::inputs::ReadyInputs,
    project::months::{MonthCost, monthly_costs},
    project::{Context, DrawnConfig, ends, money},
};

/// Draws in which crossovers are looked for.
const CROSSING_DRAWS: usize = 400;
/// Most configurations of which every pair is compared: their number grows with the square.
const MOST_PAIRED: usize = 20;
/// Customer counts, spaced geometrically, at which two costs are compared.
const GRID: usize = 160;
/// How far beyond the headline's customers, both ways, crossovers are looked for.
const REACH: f64 = 100.0;
/// Relative difference of two break points below which they are one wall.
const SAME_WALL: f64 = 0.05;
/// Steps of a bisection between two counts of the grid.
const HALVINGS: usize = 30;

/// A configuration's cost over the months of a growth scenario.
struct Totals {
    central: Decimal,
    draws: Vec<f64>,                  // all months
    months: Vec<(Decimal, Vec<f64>)>, // each month in the point estimate and in every draw
}

/// Compares all configurations with the headline's.
pub fn compare(
    context: &Context<'_>,
    configs: &[DrawnConfig<'_>],
    projected: &[ConfigProjection],
    courses: &[Vec<MonthCost>],
    baseline: usize,
) -> Result<Option<Comparison>, ModelError> {
    if configs.len() < 2 {
        return Ok(None);
    }
    let months = context.growth.as_ref().map_or(1, |growth| growth.model.months());
    let totals = configs
        .iter()
        .zip(courses)
        .map(|(drawn, monthly_costs)| totals(drawn, context, monthly_costs))
        .collect::<Result<Vec<_>, _>>()?;
    let lasting: Vec<bool> = projected.iter().map(|config| lasts(context, config)).collect();
    let best = best(&totals, &lasting);
    let paybacks: Vec<Payback> = (0..configs.len())
        .filter_map(|index| payback(context, configs, &totals, index, baseline))
        .collect();
    let of = |index: usize| {
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
                .then(|| shared_limit(&projected[baseline], &projected[index]))
                .flatten(),
            why_not: why_not(index, best, configs, projected, &totals, &lasting, &paybacks),
        }
    };
    Ok(Some(Comparison {
        baseline: configs[baseline].priced.name.to_owned(),
        months,
        totals: (0..configs.len()).map(of).collect(),
        crossovers: crossovers(context, configs, baseline),
        break_evens: (0..configs.len())
            .filter_map(|index| break_even(context, configs, index, baseline))
            .collect(),
        regrets: regrets(context, configs, projected)?,
        paybacks,
    }))
}

/// What a configuration costs over all months of a course, its migration at the beginning; over one month where nothing grows.
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

/// Whether nothing of a configuration fails before growth ends; at the headline's customers where nothing grows.
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

/// The cheapest that lasts, or the cheapest of all where none does.
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
    projected: &[ConfigProjection],
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
    let same = one.kind == other.kind && one.cause == other.cause && moved.abs() < SAME_WALL;
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
/// Source: `reference/pricing.md` section 12.
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
    value.is_finite().then(|| BreakEven {
        config: drawn.priced.name.to_owned(),
        meter: drawn.priced.meter_id(unknown).to_owned(),
        customers,
        per,
        unit,
        price: Estimate::from_draws(value, &mut draws).unwrap_or(Estimate::exact(value)),
    })
}

/// When what is saved against the baseline has added up to the migration.
fn payback(
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
    let saved =
        |month: usize, draw: usize| Some(base.get(month)?.1.get(draw)? - own.get(month)?.1.get(draw)?);
    let central = |month: usize| Some(base.get(month)?.0 - own.get(month)?.0);
    let amount = float(migration.amount.0);
    let count = totals[index].draws.len();
    // Without growth every month is like the first.
    let steady = context.growth.is_none();
    let after = |saved: &dyn Fn(usize) -> Option<f64>| -> Option<f64> {
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
        .map(|draw| after(&|month| saved(month, draw)))
        .collect();
    let probability = drawn.iter().flatten().count() as f64 / count.max(1) as f64;
    let value = after(&|month| central(month).map(float));
    let first: Vec<f64> = (0..count).filter_map(|draw| saved(0, draw)).collect();
    Some(Payback {
        config: configs[index].priced.name.to_owned(),
        migration: migration.amount,
        first_month: money(central(0)?, first, configs[index].priced.unknown_lines() > 0),
        months: value
            .and_then(|value| Estimate::from_draws(value, &mut drawn.into_iter().flatten().collect())),
        probability,
    })
}

/// Every pair that crosses in the point estimate; of many configurations, only the baseline with each.
fn crossovers(context: &Context<'_>, configs: &[DrawnConfig<'_>], baseline: usize) -> Vec<Crossover> {
    let from = (context.headline_customers() / REACH).max(1.0);
    let to = (context.headline_customers() * REACH).min(MOST_CUSTOMERS);
    let grid: Vec<f64> = (0..GRID)
        .map(|step| from * (to / from).powf(step as f64 / (GRID - 1) as f64))
        .collect();
    let draws = context.drawn.len().min(CROSSING_DRAWS);
    let costs: Vec<Vec<Vec<f64>>> = configs
        .iter()
        .map(|drawn| {
            let row = |inputs: &ReadyInputs| {
                grid.iter()
                    .map(|customers| drawn.priced.cost(*customers, inputs))
                    .collect::<Vec<f64>>()
            };
            std::iter::once(&drawn.central)
                .chain(drawn.draws.iter().take(draws))
                .map(row)
                .collect()
        })
        .collect();
    let mut found = Vec::new();
    for left in 0..configs.len() {
        for right in (left + 1..configs.len())
            .filter(|right| configs.len() <= MOST_PAIRED || [left, *right].contains(&baseline))
        {
            found.extend(crossover(
                context,
                [&configs[left], &configs[right]],
                [&costs[left], &costs[right]],
                &grid,
            ));
        }
    }
    found
}

fn crossover(
    context: &Context<'_>,
    pair: [&DrawnConfig<'_>; 2],
    costs: [&Vec<Vec<f64>>; 2],
    grid: &[f64],
) -> Option<Crossover> {
    let [left, right] = pair;
    let signs = |row: usize| -> Vec<bool> {
        costs[0][row]
            .iter()
            .zip(&costs[1][row])
            .map(|(left, right)| left > right)
            .collect()
    };
    let inputs = |drawn: &'_ DrawnConfig<'_>, row: usize| {
        if row == 0 {
            drawn.central.clone()
        } else {
            drawn.draws[row - 1].clone()
        }
    };
    // Which is cheaper in the end is asked of each draw.
    let lasting = |row: usize| -> Option<(f64, bool)> {
        let signs = signs(row);
        let last = *signs.last()?;
        let change = signs.iter().rposition(|sign| *sign != last)?;
        let (one, other) = (inputs(left, row), inputs(right, row));
        let dearer =
            |customers: f64| left.priced.cost(customers, &one) > right.priced.cost(customers, &other);
        let (mut low, mut high) = (grid[change], grid[change + 1]);
        for _ in 0..HALVINGS {
            let middle = (low * high).sqrt();
            if dearer(middle) == last {
                high = middle
            } else {
                low = middle
            }
        }
        Some((high, last))
    };
    let (value, last) = lasting(0)?;
    let mut drawn: Vec<f64> = (1..costs[0].len())
        .filter_map(lasting)
        .filter(|(_, same)| *same == last)
        .map(|(customers, _)| customers)
        .collect();
    let probability = drawn.len() as f64 / (costs[0].len() - 1).max(1) as f64;
    let central = signs(0);
    let first = central
        .windows(2)
        .position(|pair| pair[0] != pair[1])
        .map_or(value, |index| (grid[index] * grid[index + 1]).sqrt());
    let customers = Estimate::from_draws(value, &mut drawn).unwrap_or(Estimate::exact(value));
    let (below, above) = if last { (left, right) } else { (right, left) };
    Some(Crossover {
        below: below.priced.name.to_owned(),
        above: above.priced.name.to_owned(),
        customers,
        first: first.min(value),
        probability,
        searched_to: *grid.last()?,
        extrapolated: is_extrapolated(&above.priced, context.tested_customers(), value, &above.central),
    })
}

/// What each configuration costs above the best one that lasts, in each growth scenario of the study.
fn regrets(
    context: &Context<'_>,
    configs: &[DrawnConfig<'_>],
    projected: &[ConfigProjection],
) -> Result<Vec<Regret>, ModelError> {
    let mut regrets = Vec::new();
    for (name, scenario) in &context.study.growth {
        let growth_draws = few_futures(context, name, scenario)?;
        let end = (0..=growth_draws.model.months())
            .map(|month| growth_draws.central.at(f64::from(month)))
            .fold(0.0, f64::max);
        let lasting: Vec<bool> = projected
            .iter()
            .map(|config| {
                first_break(&config.break_points).is_none_or(|(_, customers)| customers.value > end)
            })
            .collect();
        let totals = configs
            .iter()
            .map(|drawn| central_total(drawn, context, &growth_draws))
            .collect::<Result<Vec<_>, _>>()?;
        let any = lasting.iter().any(|lasts| *lasts);
        let least = totals
            .iter()
            .zip(&lasting)
            .filter(|(_, lasts)| **lasts || !any)
            .map(|(total, _)| *total)
            .min()
            .unwrap_or_default();
        for ((drawn, total), lasts) in configs.iter().zip(&totals).zip(&lasting) {
            regrets.push(Regret {
                growth: name.clone(),
                config: drawn.priced.name.to_owned(),
                total: QuotedDecimal(total.normalize()),
                regret: QuotedDecimal((*total - least).max(Decimal::ZERO).normalize()),
                lasts: *lasts,
            });
        }
    }
    Ok(regrets)
}

/// A scenario of which only the point estimate is asked.
fn few_futures<'a>(
    context: &Context<'_>,
    name: &'a str,
    scenario: &'a GrowthScenario,
) -> Result<GrowthDraws<'a>, ModelError> {
    GrowthDraws::new(name, scenario, context.model.draws.seed, 1)
}

fn central_total(
    drawn: &DrawnConfig<'_>,
    context: &Context<'_>,
    growth: &GrowthDraws<'_>,
) -> Result<Decimal, ModelError> {
    let mut sum = drawn
        .priced
        .config
        .migration
        .as_ref()
        .map_or(Decimal::ZERO, |migration| migration.amount.0);
    for month in 0..growth.model.months() as usize {
        let [begin, end] = ends(&growth.central, month);
        if !(1.0..=MOST_CUSTOMERS).contains(&begin) || !(1.0..=MOST_CUSTOMERS).contains(&end) {
            break;
        }
        let grown = drawn.grown_centrally(context, begin, month)?;
        let this = grown.as_ref().unwrap_or(drawn);
        sum += (this.bill_total(begin)? + this.bill_total(end)?) / Decimal::TWO;
    }
    Ok(sum)
}

/// Each growth scenario of the study on one configuration.
pub fn growths(
    context: &Context<'_>,
    drawn: &DrawnConfig<'_>,
    headline: &[MonthCost],
    break_points: &[BreakPoint],
) -> Result<Vec<GrowthProjection>, ModelError> {
    let of = |(name, scenario): (&String, &GrowthScenario)| {
        let growth_draws = GrowthDraws::new(
            name,
            scenario,
            context.model.draws.seed,
            context.model.draws.count,
        )?;
        let known = context.growth.as_ref().is_some_and(|growth| growth.name == name);
        let own = if known {
            Vec::new()
        } else {
            monthly_costs(drawn, context, &growth_draws)?
        };
        let monthly_costs = if known { headline } else { &own };
        let months = growth_draws.model.months();
        let last = monthly_costs.len().saturating_sub(1);
        let paths = |months: f64| {
            let value = growth_draws.central.at(months);
            Estimate::from_draws(
                value,
                &mut growth_draws.draws.iter().map(|path| path.at(months)).collect(),
            )
            .unwrap_or(Estimate::exact(value))
        };
        let mean = |path: &Trajectory| ends(path, last).iter().sum::<f64>() / 2.0;
        let value = monthly_costs.last().map_or(Decimal::ZERO, |month| month.value);
        let per_1000 = value * Decimal::ONE_THOUSAND / context.decimal(mean(&growth_draws.central))?;
        let per_1000_draws = monthly_costs
            .last()
            .into_iter()
            .flat_map(|month| &month.draws)
            .zip(&growth_draws.draws)
            .map(|(cost, path)| cost / mean(path) * 1e3);
        let mut sums = vec![0.0; drawn.draws.len()];
        monthly_costs.iter().for_each(|month| {
            sums.iter_mut()
                .zip(&month.draws)
                .for_each(|(sum, cost)| *sum += cost)
        });
        let unknown = drawn.priced.unknown_lines() > 0;
        let first = first_break(break_points);
        Ok(GrowthProjection {
            name: name.clone(),
            months,
            start: paths(0.0),
            end: paths(f64::from(months)),
            total: money(monthly_costs.iter().map(|month| month.value).sum(), sums, unknown),
            per_1000: money(per_1000, per_1000_draws.collect(), unknown),
            cause: first.map(|(point, _)| point.cause.clone()),
            date: first.map(|(_, customers)| date_of(&growth_draws, customers)),
        })
    };
    context.study.growth.iter().map(of).collect()
}

/// When a scenario reaches a break point, from the ends of its interval and the paths' own spread.
fn date_of(growth_draws: &GrowthDraws<'_>, customers: &Estimate) -> BreakDate {
    let mut months: Vec<f64> = growth_draws
        .draws
        .iter()
        .map(|path| path.reaches(customers.low).unwrap_or(f64::INFINITY))
        .collect();
    months.sort_by(f64::total_cmp);
    let mut late: Vec<f64> = growth_draws
        .draws
        .iter()
        .map(|path| path.reaches(customers.high).unwrap_or(f64::INFINITY))
        .collect();
    late.sort_by(f64::total_cmp);
    let at = |months: &[f64], quantile: f64| {
        let nearest = ((months.len() as f64 - 1.0) * quantile).round() as usize;
        months
            .get(nearest)
            .filter(|months| months.is_finite())
            .and_then(|months| growth_draws.model.date_at(*months))
    };
    let value = growth_draws
        .central
        .reaches(customers.value)
        .and_then(|months| growth_draws.model.date_at(months));
    BreakDate {
        value,
        low: at(&months, 0.05),
        high: at(&late, 0.95),
    }
}
