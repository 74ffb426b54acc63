//! Levers: limits of the study's own choice, each moved out of the way, and everything projected again.

use std::sync::Arc;

use nest_data::{
    config::Placement,
    estimate::quantile_of,
    projection::{Lever, LeverSetting},
    study::Study,
    units::{QuotedDecimal, Seconds, Share},
};
use rust_decimal::{Decimal, prelude::FromPrimitive};

use crate::{
    error::ModelError,
    pricing::float,
    project::{
        advice::central_case::CentralCase,
        break_point::{LIKELY, LeverKey, LimitDraws, LimitMonths, ReachedLimits, config_limits},
        config::{ReadyInputs, ScenarioInputs, total},
        config_projection::ProjectedConfig,
        context::Context,
        drawn_config::DrawnConfig,
        figure::DrawnAmount,
        months::{monthly_costs, one_month, sum_of_months},
    },
};

/// Share of draws for which a lever is moved far enough.
const ENOUGH: f64 = 0.95;
/// Most units that are offered.
const MOST_UNITS: f64 = 1e6;
/// Steps in which a reserve is lowered, and the least that is left, as shares of capacity.
const RESERVE_STEP: f64 = 0.05;
/// Factors by which an objective of response time is relaxed.
const RELAXED: [f64; 7] = [1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0];

/// Every lever of every configuration: for limits of the study's choice that growth reaches in more than one
/// draw of twenty. One that would bring another limit nearer is not offered.
pub fn levers<'a>(
    context: &Context<'a>,
    configs: &[DrawnConfig<'a>],
    projected: &[ProjectedConfig],
) -> Result<Vec<Lever>, ModelError> {
    let mut found = Vec::new();
    for (drawn, one) in configs.iter().zip(projected) {
        let reached = one.reached();
        let puller = Puller {
            context,
            drawn,
            projected: one,
            reached: &reached,
            case: CentralCase::new(context, drawn)?,
        };
        for index in puller.binding() {
            found.extend(puller.pulled(index)?);
        }
    }
    Ok(found)
}

/// One configuration whose levers are pulled.
struct Puller<'c, 'a> {
    context: &'c Context<'a>,
    drawn: &'c DrawnConfig<'a>,
    projected: &'c ProjectedConfig,
    reached: &'c ReachedLimits<'c>,
    case: CentralCase<'c, 'a>,
}

/// What a lever is moved to.
struct Move {
    setting: LeverSetting,
    key: String,
    from: f64,
    to: f64,
}

impl<'a> Puller<'_, 'a> {
    /// For each lever, the limit of it that comes first: by its position, the likeliest first.
    fn binding(&self) -> Vec<usize> {
        let limits = self.reached.limits;
        let chance = |index: usize| self.reached.months[index].reached();
        let mut likely: Vec<usize> = (0..limits.len())
            .filter(|index| limits[*index].kind.is_failure() && limits[*index].lever.is_some())
            .filter(|index| chance(*index) >= LIKELY)
            .collect();
        likely.sort_by(|a, b| {
            let by_customers = limits[*a]
                .central
                .customers
                .total_cmp(&limits[*b].central.customers);
            chance(*b).total_cmp(&chance(*a)).then(by_customers)
        });
        let mut first: Vec<usize> = Vec::new();
        for index in likely {
            if first.iter().all(|one| limits[*one].lever != limits[index].lever) {
                first.push(index);
            }
        }
        first
    }

    /// The lever of a limit; `None` if no value moves the limit, or another limit comes nearer.
    fn pulled(&self, index: usize) -> Result<Option<Lever>, ModelError> {
        let limit = &self.reached.limits[index];
        let Some(key) = limit.lever else { return Ok(None) };
        let mut study = self.context.study.clone();
        let Some(moved) = self.move_of(key, limit, &mut study)? else {
            return Ok(None);
        };
        let context = self.context_of(&study)?;
        let drawn = DrawnConfig::new(&context, self.drawn.priced.name, &self.drawn.set)?;
        let limits = config_limits(&drawn, &context)?;
        let reached = limits.under(context.load());
        let nearer = |(before, after): (&LimitDraws, &LimitDraws)| {
            before.kind.is_failure() && after.central.customers < before.central.customers * (1.0 - 1e-9)
        };
        if self.reached.limits.iter().zip(&limits.limits).any(nearer) {
            return Ok(None);
        }
        let growth = context.growth();
        let change = cost(&context, &drawn)?.change_from(&self.cost_before()?);
        let next = reached.likeliest_first();
        let date = |months: &LimitMonths| growth.map(|growth| months.date(growth));
        Ok(Some(Lever {
            config: drawn.priced.name.to_owned(),
            kind: limit.kind,
            cause: limit.cause.clone(),
            unit_month: match key {
                LeverKey::Max(placed) => {
                    let needed = self.months_needed(&self.reached.months[index]);
                    self.unit_month(&study, placed, moved.to, needed)?
                }
                _ => None,
            },
            platform: match key {
                LeverKey::Max(placed) => Some(drawn.priced.placed[placed].placement.platform),
                _ => None,
            },
            setting: moved.setting,
            key: moved.key,
            from: moved.from,
            to: moved.to,
            chance: [
                self.reached.months[index].reached(),
                reached.months.get(index).map_or(0.0, LimitMonths::reached),
            ],
            date: date(&self.reached.months[index]),
            next: next.map(|limit| (limit.kind, limit.cause.clone())),
            next_date: date(&reached.first(false)),
            change: change.into_money(),
        }))
    }

    /// The context of a study with a lever moved. A lever gives room; it does not change how many customers
    /// there are.
    fn context_of<'s>(&self, study: &'s Study) -> Result<Context<'s>, ModelError>
    where
        'a: 's,
    {
        let mut context = Context::with_draws(
            self.context.model,
            study,
            self.context.books,
            self.context.options,
            Arc::clone(&self.context.draws),
        )?;
        context.headline = self.context.headline;
        Ok(context)
    }

    /// Months after the start of growth from which on more units are needed: when the limit is reached in the
    /// point estimate, else in the earliest draws.
    fn months_needed(&self, reached: &LimitMonths) -> f64 {
        let early = || {
            let growth = self.context.growth()?;
            growth.model.months_to(reached.date(growth).low?)
        };
        let central = Some(reached.central).filter(|months| months.is_finite());
        central.or_else(early).unwrap_or(0.0)
    }

    /// What the last of so many units adds to the bill of a month at the headline's customers, at the prices
    /// so many months after the start of growth: discounts, what is free, and the meters that come with a
    /// unit among it. `None` if a price is not known, or if it adds nothing because the customers need more
    /// units anyway.
    fn unit_month(
        &self,
        study: &Study,
        placed: usize,
        units: f64,
        months: f64,
    ) -> Result<Option<QuotedDecimal>, ModelError> {
        let name = self.drawn.priced.name;
        let with = |least: f64| {
            let mut study = study.clone();
            if let Some((place, _)) = placement(&mut study, name, placed) {
                place.min = least as u32;
            }
            let context = self.context_of(&study)?;
            let drawn = DrawnConfig::central_only(&context, name, &self.drawn.set)?;
            let drawn = drawn.moved_to(&context, context.now_after(months), 0)?;
            let bill = drawn.priced.bill(context.headline_customers(), &drawn.central)?;
            let known = bill.iter().all(|line| line.amount.is_some());
            Ok::<_, ModelError>(known.then(|| total(&bill)))
        };
        let added = with(units)?.zip(with(units - 1.0)?);
        let added = added.map(|(more, less)| more - less);
        Ok(added
            .filter(|month| *month > Decimal::ZERO)
            .map(|month| QuotedDecimal(month.round_dp(6).normalize())))
    }

    fn cost_before(&self) -> Result<DrawnAmount, ModelError> {
        match self.context.growth() {
            Some(_) => Ok(sum_of_months(
                &self.projected.monthly_costs,
                self.drawn.draws.len(),
            )),
            None => one_month(self.context, self.drawn),
        }
    }

    /// How far a lever is moved, and the study with it moved; `None` if no value moves the limit.
    fn move_of(
        &self,
        key: LeverKey,
        limit: &LimitDraws,
        study: &mut Study,
    ) -> Result<Option<Move>, ModelError> {
        match key {
            LeverKey::Max(placed) => {
                let needed = self.units_needed(placed)?;
                Ok(needed.and_then(|needed| self.raised(placed, needed, study)))
            }
            LeverKey::Reserve(placed) => Ok(self.lowered(placed, limit, study)),
            LeverKey::Objective(position, quantile) => Ok(self.relaxed(position, quantile, limit, study)),
            LeverKey::Monthly => {
                let (from, to) = (study.budget.monthly, self.most_spent(|cost, _| cost)?);
                study.budget.monthly = to;
                Ok(from.zip(to).map(|(from, to)| budget("budget.monthly", from, to)))
            }
            LeverKey::Per1000 => {
                let per_1000 = |cost, customers| cost / customers * 1e3;
                let (from, to) = (study.budget.per_1000, self.most_spent(per_1000)?);
                study.budget.per_1000 = to;
                Ok(from.zip(to).map(|(from, to)| budget("budget.per_1000", from, to)))
            }
        }
    }

    /// As many units as are needed, at least one more.
    fn raised(&self, placed: usize, needed: f64, study: &mut Study) -> Option<Move> {
        let (place, path) = placement(study, self.drawn.priced.name, placed)?;
        let from = f64::from(place.max()?);
        let to = needed.max(from + 1.0);
        place.max = Some(to as u32);
        Some(Move {
            setting: LeverSetting::Max,
            key: format!("{path}.max"),
            from,
            to,
        })
    }

    /// A reserve, or the larger part of one that has two, so low that growth does not reach the limit in the
    /// point estimate.
    fn lowered(&self, placed: usize, limit: &LimitDraws, study: &mut Study) -> Option<Move> {
        let (place, path) = placement(study, self.drawn.priced.name, placed)?;
        let (share, key) = part_of_reserve(place);
        let from = share.get();
        let to = self.share_that_lasts(placed, limit, place, from)?;
        *part_to_set(place) = Share::new(to)?;
        Some(Move {
            setting: LeverSetting::Reserve,
            key: format!("{path}.{key}"),
            from,
            to,
        })
    }

    /// Units that are enough in 95 % of the draws at the most customers of each.
    fn units_needed(&self, placed: usize) -> Result<Option<f64>, ModelError> {
        let needed = |drawn: &DrawnConfig<'a>, inputs: &ReadyInputs, customers: f64| {
            let sizing = drawn.priced.sizing(placed, inputs);
            sizing.map_or(f64::NAN, |sizing| sizing.instances(customers))
        };
        let mut units = self.most_over_growth(needed)?;
        let enough = quantile_of(&mut units, ENOUGH).map(f64::ceil);
        Ok(enough.filter(|units| units.is_finite() && *units <= MOST_UNITS))
    }

    /// The largest share in steps of 5 % at which growth does not reach the limit in the point estimate; the
    /// least step if it always does.
    fn share_that_lasts(
        &self,
        placed: usize,
        limit: &LimitDraws,
        place: &Placement,
        from: f64,
    ) -> Option<f64> {
        let steps = ((from - 1e-9) / RESERVE_STEP).floor() as u32;
        let candidates = (1..=steps).rev().map(|step| f64::from(step) * RESERVE_STEP);
        let least = candidates.clone().next_back()?;
        let lasting = candidates.into_iter().find(|share| {
            let mut lowered = place.clone();
            let part = part_to_set(&mut lowered);
            *part = Share::new(*share).unwrap_or(*part);
            let reserve = lowered.reserve();
            let lower = |inputs: &mut ScenarioInputs| inputs.placed[placed].reserve = reserve;
            !self.is_reached(self.context.study, lower, limit)
        });
        Some(lasting.unwrap_or(least))
    }

    /// An objective relaxed so far that growth does not miss it in the point estimate.
    fn relaxed(&self, position: usize, quantile: f64, limit: &LimitDraws, study: &mut Study) -> Option<Move> {
        let name = study.slo.keys().nth(position)?.clone();
        let usual = study.clone();
        for factor in RELAXED {
            let mut relaxed = usual.clone();
            let slo = relaxed.slo.get_mut(&name)?;
            let (field, time) = match quantile {
                0.5 => ("p50", &mut slo.p50),
                0.95 => ("p95", &mut slo.p95),
                _ => ("p99", &mut slo.p99),
            };
            let from = time.as_ref()?.get();
            let to = from * factor;
            *time = format!("{}ms", (to * 1e3).round()).parse::<Seconds>().ok();
            if !self.is_reached(&relaxed, |_| {}, limit) {
                *study = relaxed;
                return Some(Move {
                    setting: LeverSetting::Objective,
                    key: format!("slo.{name}.{field}"),
                    from,
                    to: (to * 1e3).round() / 1e3,
                });
            }
        }
        None
    }

    /// Whether growth reaches a limit in the point estimate, with a study or inputs that differ.
    fn is_reached(&self, study: &Study, change: impl Fn(&mut ScenarioInputs), limit: &LimitDraws) -> bool {
        let found = self.case.limits(study, change);
        let position = self
            .reached
            .limits
            .iter()
            .position(|one| std::ptr::eq(one, limit));
        let found = position.and_then(|position| found.get(position));
        found.is_none_or(|(_, points)| self.case.months_to(points, self.case.path()).is_finite())
    }

    /// The most of something in each draw: over the moments of growth, with what a customer causes then, or
    /// at the headline's customers.
    fn most_over_growth(
        &self,
        of: impl Fn(&DrawnConfig<'a>, &ReadyInputs, f64) -> f64,
    ) -> Result<Vec<f64>, ModelError> {
        let draws = self.drawn.draws.len();
        let Some(growth) = self.context.growth() else {
            let customers = self.context.headline_customers();
            let inputs = self.drawn.draws.iter();
            return Ok(inputs.map(|inputs| of(self.drawn, inputs, customers)).collect());
        };
        let mut most = vec![f64::NEG_INFINITY; draws];
        for moment in 0..growth.model.moments() {
            let grown = self.drawn.grown(self.context, growth, moment, draws)?;
            let there = grown.as_ref().unwrap_or(self.drawn);
            let customers = growth.customers_at(moment);
            for (most, (inputs, customers)) in most.iter_mut().zip(there.draws.iter().zip(customers)) {
                *most = most.max(of(there, inputs, customers));
            }
        }
        Ok(most)
    }

    /// The most that a month costs in 95 % of the draws; two digits, rounded up.
    fn most_spent(&self, of: impl Fn(f64, f64) -> f64) -> Result<Option<QuotedDecimal>, ModelError> {
        let mut draws = self.most_over_growth(|drawn, inputs, customers| {
            of(drawn.priced.cost(customers, inputs), customers)
        })?;
        let Some(most) = quantile_of(&mut draws, ENOUGH).filter(|most| *most > 0.0) else {
            return Ok(None);
        };
        let unit = 10_f64.powi(most.log10().floor() as i32 - 1);
        let amount = Decimal::from_f64((most / unit).ceil() * unit);
        Ok(amount.map(|amount| QuotedDecimal(amount.round_dp(6).normalize())))
    }
}

fn budget(key: &str, from: QuotedDecimal, to: QuotedDecimal) -> Move {
    Move {
        setting: LeverSetting::Budget,
        key: key.to_owned(),
        from: float(from.0),
        to: float(to.0),
    }
}

fn cost(context: &Context<'_>, drawn: &DrawnConfig<'_>) -> Result<DrawnAmount, ModelError> {
    match context.growth() {
        Some(growth) => {
            let months = monthly_costs(drawn, context, growth)?;
            Ok(sum_of_months(&months, drawn.draws.len()))
        }
        None => one_month(context, drawn),
    }
}

/// A placement of a configuration by its position, with the path of its keys in `nest.toml`.
fn placement<'s>(study: &'s mut Study, config: &str, placed: usize) -> Option<(&'s mut Placement, String)> {
    let found = study.configs.get_mut(config)?;
    match placed.checked_sub(1) {
        None => Some((&mut found.main, format!("configs.{config}"))),
        Some(index) => {
            let path = format!("configs.{config}.place.{index}");
            Some((found.place.get_mut(index)?, path))
        }
    }
}

/// The share that a lever on a reserve lowers, with its key: of a headroom the larger part.
fn part_of_reserve(place: &Placement) -> (Share, &'static str) {
    match &place.headroom {
        Some(headroom) if headroom.forecast.get() > headroom.queueing.get() => {
            (headroom.forecast, "headroom.forecast")
        }
        Some(headroom) => (headroom.queueing, "headroom.queueing"),
        None => (whole_reserve(place), "reserve"),
    }
}

/// The same share, to set it.
fn part_to_set(place: &mut Placement) -> &mut Share {
    let whole = whole_reserve(place);
    match &mut place.headroom {
        Some(headroom) => {
            if headroom.forecast.get() > headroom.queueing.get() {
                &mut headroom.forecast
            } else {
                &mut headroom.queueing
            }
        }
        None => place.reserve.get_or_insert(whole),
    }
}

fn whole_reserve(place: &Placement) -> Share {
    Share::new(place.reserve()).expect("a product of shares is one")
}
