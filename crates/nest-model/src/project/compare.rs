//! Configurations side by side on the same draws: what they cost, which is cheapest, and why the others are
//! not.

mod crossover;
mod growths;
mod payback;
mod regret;
mod standing;
pub mod versions;

use nest_data::{
    Estimate,
    projection::{
        BreakEven, Comparison, ConfigProjection, ConfigTotal, Payback, SharedLimit, WhyNot, first_break,
    },
};
use rust_decimal::Decimal;

pub use self::growths::growths;
use self::{
    crossover::crossovers,
    payback::payback,
    regret::regrets,
    standing::{Among, Standing},
};
use crate::{
    draws::{RandomStream, StreamPurpose},
    error::ModelError,
    pricing::float,
    project::break_point::{LIKELY, LimitMonths},
    project::config::{ReadyInputs, unreplaced_state},
    project::config_projection::ProjectedConfig,
    project::context::Context,
    project::drawn_config::DrawnConfig,
    project::figure::{DrawnAmount, money},
    project::months::{MonthCost, one_month},
};

/// Relative difference of two break points below which they are the same limit.
const SAME_LIMIT: f64 = 0.05;

/// A configuration's cost over the months of a growth scenario.
pub struct Totals {
    pub central: Decimal,
    pub draws: Vec<f64>, // all months
    pub at_least: bool,  // whether a price that they need is not known
    pub migration: MigrationCost,
    pub months: Vec<DrawnAmount>,
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
    let totals = configs
        .iter()
        .zip(projected)
        .map(|(drawn, one)| totals(drawn, context, &one.monthly_costs))
        .collect::<Result<Vec<_>, _>>()?;
    let compared = Compared::new(context, configs, projected, &totals, baseline);
    Ok(Some(Comparison {
        baseline: configs[baseline].priced.name.to_owned(),
        months: context.months(),
        recommended: configs[compared.recommended()].priced.name.to_owned(),
        totals: compared.config_totals(),
        crossovers: crossovers(context, configs, baseline)?,
        break_evens: (0..configs.len())
            .filter_map(|index| break_even(context, configs, index, baseline))
            .collect(),
        regrets: regrets(context, configs, projected, &totals)?,
        paybacks: compared.paybacks,
    }))
}

/// Configurations with their totals and limits, ready to be ranked.
struct Compared<'c, 'a> {
    configs: &'c [DrawnConfig<'a>],
    projected: Vec<&'c ConfigProjection>,
    totals: &'c [Totals],
    baseline: usize,
    first: Vec<LimitMonths>, // failure of each configuration
    standing: Standing<'c>,
    paybacks: Vec<Payback>,
    states: Vec<Vec<String>>, // tiers of each that keep files where none are kept
}

impl<'c, 'a> Compared<'c, 'a> {
    fn new(
        context: &Context<'a>,
        configs: &'c [DrawnConfig<'a>],
        projected: &'c [ProjectedConfig],
        totals: &'c [Totals],
        baseline: usize,
    ) -> Self {
        let reached = |levers_pulled: bool| -> Vec<LimitMonths> {
            let first = |one: &ProjectedConfig| one.reached().first(levers_pulled);
            projected.iter().map(first).collect()
        };
        let first = reached(false);
        let drawn = totals.iter().map(|totals| totals.draws.as_slice()).collect();
        Self {
            standing: Standing::new(drawn, &first, &reached(true)),
            paybacks: (0..configs.len())
                .filter_map(|index| payback(context, configs, totals, index, baseline))
                .collect(),
            states: configs
                .iter()
                .map(|drawn| unreplaced_state(&drawn.priced, context.model))
                .collect(),
            projected: projected.iter().map(|one| &one.config).collect(),
            configs,
            totals,
            baseline,
            first,
        }
    }

    /// Whether everything of a configuration is known, and it can be built as it is described.
    fn is_complete(&self, index: usize) -> bool {
        self.configs[index].priced.unknown_lines() == 0 && self.states[index].is_empty()
    }

    /// Of the configurations that last in most draws once the study's own limits are moved, the cheapest in
    /// the point estimate; of all if none does. One with a missing price or unexplained files comes after the
    /// others.
    fn recommended(&self) -> usize {
        let lasts = |index: usize| self.projected[index].lasts_with_levers >= 0.5;
        let rank = |index: &usize| (!lasts(*index), !self.is_complete(*index));
        let all = 0..self.configs.len();
        all.min_by(|a, b| {
            let by_total = self.totals[*a].central.cmp(&self.totals[*b].central);
            rank(a).cmp(&rank(b)).then(by_total)
        })
        .unwrap_or(self.baseline)
    }

    /// The cheapest of all in the point estimate.
    fn cheapest(&self) -> usize {
        (0..self.totals.len())
            .min_by(|a, b| self.totals[*a].central.cmp(&self.totals[*b].central))
            .unwrap_or(self.baseline)
    }

    fn config_totals(&self) -> Vec<ConfigTotal> {
        let of_all = self.standing.cheapest(Among::All);
        let of_lasting = self.standing.cheapest(Among::Lasting);
        let with_levers = self.standing.cheapest(Among::LastingWithLevers);
        let config_total = |index: usize| {
            let (own, base) = (&self.totals[index], &self.totals[self.baseline]);
            let paired = own.draws.iter().zip(&base.draws);
            let change: Vec<f64> = paired.map(|(one, base)| one - base).collect();
            let unknown = own.at_least;
            ConfigTotal {
                config: self.configs[index].priced.name.to_owned(),
                total: money(own.central, own.draws.clone(), unknown),
                change: money(own.central - base.central, change, unknown),
                cheapest_of_all: of_all[index],
                cheapest_of_lasting: of_lasting[index],
                cheapest_with_levers: with_levers[index],
                cheaper_than_baseline: self.standing.cheaper(index, self.baseline),
                shared_limit: (index != self.baseline)
                    .then(|| shared_limit(self.projected[self.baseline], self.projected[index]))
                    .flatten(),
                why_not: self.why_not(index),
            }
        };
        (0..self.configs.len()).map(config_total).collect()
    }

    /// Every reason against a configuration.
    fn why_not(&self, index: usize) -> Vec<WhyNot> {
        let mut reasons = Vec::new();
        let name = self.configs[index].priced.name;
        let (own, least) = (&self.totals[index].central, &self.totals[self.cheapest()].central);
        if own > least && !least.is_zero() {
            reasons.push(WhyNot::Dearer {
                than: self.configs[self.cheapest()].priced.name.to_owned(),
                by: float(*own) / float(*least) - 1.0,
            });
        }
        reasons.extend(self.breaks(index));
        let tiers = self.states[index].iter().cloned();
        reasons.extend(tiers.map(|tier| WhyNot::LocalState { tier }));
        let lines = self.configs[index].priced.unknown_lines();
        if lines > 0 {
            reasons.push(WhyNot::Unknown { lines });
        }
        let unpaid = |payback: &Payback| payback.config == name && payback.months.is_none();
        if self.paybacks.iter().any(unpaid) {
            reasons.push(WhyNot::NoPayback);
        }
        reasons
    }

    /// The limit that is most likely to be the first, if a configuration fails before growth ends in more
    /// than one draw of twenty.
    fn breaks(&self, index: usize) -> Option<WhyNot> {
        let chance = self.first[index].reached();
        if chance < LIKELY {
            return None;
        }
        let failures = self.projected[index].break_points.iter();
        let point = failures
            .filter(|point| point.kind.is_failure())
            .max_by(|a, b| a.probability.total_cmp(&b.probability))?;
        Some(WhyNot::Breaks {
            kind: point.kind,
            cause: point.cause.clone(),
            customers: point.customers.as_ref().map(|customers| customers.value),
            date: point.date,
            chance,
            nature: point.nature,
        })
    }
}

/// What moving to a configuration costs once: in the point estimate and in every draw of its stated range.
pub struct MigrationCost {
    pub amount: Decimal,
    pub draws: Vec<f64>,
}

impl MigrationCost {
    fn of(drawn: &DrawnConfig<'_>, context: &Context<'_>) -> Self {
        let migration = drawn.priced.config.migration.as_ref();
        let amount = migration.map_or(Decimal::ZERO, |migration| migration.amount.0);
        let cost = |index: usize| match migration.and_then(|migration| migration.range) {
            Some([low, high]) => {
                RandomStream::new(context.model.draws.seed, StreamPurpose::Migration, index as u32)
                    .within(float(low.0), float(amount), float(high.0))
                    .max(0.0)
            }
            None => float(amount),
        };
        Self {
            amount,
            draws: (0..drawn.draws.len()).map(cost).collect(),
        }
    }
}

/// Cost of a configuration over all months, with its migration at the beginning; over one month if nothing
/// grows.
fn totals(
    drawn: &DrawnConfig<'_>,
    context: &Context<'_>,
    monthly_costs: &[MonthCost],
) -> Result<Totals, ModelError> {
    let migration = MigrationCost::of(drawn, context);
    let months = match context.growth() {
        Some(_) => monthly_costs.iter().map(|month| month.cost.clone()).collect(),
        None => vec![one_month(context, drawn)?],
    };
    let none = DrawnAmount::zero(drawn.draws.len());
    let costs = months.iter().fold(none, |sum, month| sum.plus(month));
    let paired = migration.draws.iter().zip(&costs.draws);
    Ok(Totals {
        central: migration.amount + costs.value,
        draws: paired.map(|(migration, cost)| migration + cost).collect(),
        at_least: costs.at_least,
        migration,
        months,
    })
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
