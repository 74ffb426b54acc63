//! Savings plans of a configuration: what they cover, hour by hour.

use nest_data::{
    price_book::Commitment,
    projection::{CostDriver, CostLine},
    units::QuotedDecimal,
};
use rust_decimal::Decimal;

use super::{
    DIGITS, PricedConfig, decimal,
    finder::Finder,
    inputs::ScenarioInputs,
    lines::contract_lines,
    meters::{Metered, MeteredQuantity, seen},
    placed::{Host, SizedPlacement},
    units::STEADY,
};
use crate::{
    error::ModelError,
    pricing::{
        Cover, CoverableUsage, Covered, HeldCommitment, effective_per_hour, float, free_units, share_pool,
    },
};

/// The savings plans that a configuration buys.
pub struct SavingsPlans<'a> {
    plans: Vec<&'a Commitment>,
    units: Vec<Decimal>, // bought of each plan
    paid: Vec<Decimal>,  // of each plan, from the book's currency and list price to what is paid
    usages: Vec<Usage>,
    exact: Cover<Decimal>,
    cover: Cover<f64>,
    factors: Vec<f64>, // `paid` as floats
}

/// Something that a plan may cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Usage {
    /// Units of a placement.
    Units(usize),
    /// A meter.
    Meter(usize),
}

/// What plans cover in a month, and what they cost.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanMonth<T> {
    /// Unit-hours of each placement that are covered.
    pub unit_hours: Vec<T>,
    /// Units of each meter that are covered.
    pub metered: Vec<T>,
    /// Cost of each plan that something ran on, in the book's currency.
    pub used: Vec<T>,
    /// Cost of each plan that nothing ran on, in the book's currency.
    pub unused: Vec<T>,
}

impl<'a> SavingsPlans<'a> {
    /// The plans of a configuration; `None` if it buys none.
    pub fn new(
        bought: impl Iterator<Item = (&'a str, Decimal)>,
        finder: &Finder<'a>,
        placed: &[SizedPlacement<'a>],
        metered: &[Metered<'a>],
    ) -> Result<Option<Self>, ModelError> {
        let mut held = Vec::new();
        for (id, amount) in bought {
            let commitment = finder.commitment(id)?;
            let each = effective_per_hour(commitment);
            let units = amount.checked_div(each).ok_or_else(|| ModelError::NotCovered {
                config: finder.name.to_owned(),
                commitment: id.to_owned(),
                reason: "its price for an hour is 0".to_owned(),
            })?;
            held.push(HeldCommitment { commitment, units });
        }
        if held.is_empty() {
            return Ok(None);
        }
        let own = |book: &str| book == finder.book.name();
        let mut usages = Vec::new();
        let mut coverable = Vec::new();
        for (index, placed) in placed
            .iter()
            .enumerate()
            .filter(|(_, placed)| own(&placed.book.name()))
        {
            let Host::Units(units) = &placed.host else {
                continue;
            };
            let Some(instance) = units.instance else { continue };
            usages.push(Usage::Units(index));
            coverable.push(CoverableUsage {
                name: &instance.sku,
                on_demand: units.per_hour,
            });
        }
        for (index, metered) in metered
            .iter()
            .enumerate()
            .filter(|(_, metered)| own(&metered.book.name()))
        {
            usages.push(Usage::Meter(index));
            coverable.push(CoverableUsage {
                name: &metered.meter.id,
                on_demand: metered.meter.first_price(),
            });
        }
        let exact = Cover::new(&coverable, &held);
        let plans: Vec<&Commitment> = held.iter().map(|held| held.commitment).collect();
        let paid: Vec<Decimal> = (plans.iter())
            .map(|plan| finder.exchange * finder.contract(&plan.id))
            .collect();
        Ok(Some(Self {
            cover: exact.to_float(),
            factors: paid.iter().map(|paid| float(*paid)).collect(),
            units: held.iter().map(|held| held.units).collect(),
            paid,
            exact,
            plans,
            usages,
        }))
    }

    /// What the plans cost in a month, in the study's currency.
    pub fn cost(&self, month: &PlanMonth<f64>) -> f64 {
        let costs = month.used.iter().zip(&month.unused).zip(&self.factors);
        costs
            .map(|((used, unused), factor)| (used + unused) * factor)
            .sum()
    }

    fn month<T: Copy + Default>(
        &self,
        covered: Vec<T>,
        of: Covered<T>,
        config: &PricedConfig<'_>,
    ) -> PlanMonth<T> {
        let mut month = PlanMonth {
            unit_hours: vec![T::default(); config.placed.len()],
            metered: vec![T::default(); config.metered.len()],
            used: of.used,
            unused: of.unused,
        };
        for (usage, covered) in self.usages.iter().zip(covered) {
            match usage {
                Usage::Units(index) => month.unit_hours[*index] = covered,
                Usage::Meter(index) => month.metered[*index] = covered,
            }
        }
        month
    }

    /// What the plans cover in a month, in the point estimate's exact arithmetic.
    pub fn exact_month(
        &self,
        config: &PricedConfig<'_>,
        customers: f64,
        inputs: &ScenarioInputs,
    ) -> Result<PlanMonth<Decimal>, ModelError> {
        let hours = self.hours(config, customers, inputs);
        let exact = hours
            .iter()
            .map(|(hours, quantities)| {
                let quantities = quantities.iter().map(|quantity| decimal(*quantity, config.name));
                Ok((
                    decimal(*hours, config.name)?,
                    quantities.collect::<Result<Vec<_>, _>>()?,
                ))
            })
            .collect::<Result<Vec<_>, ModelError>>()?;
        let of = self.exact.month(&exact);
        let covered = (0..self.usages.len()).map(|usage| {
            let all: Decimal = exact
                .iter()
                .map(|(hours, quantities)| *hours * quantities[usage])
                .sum();
            all - of.left[usage]
        });
        Ok(self.month(covered.collect(), of.clone(), config))
    }

    /// The same as floats.
    pub fn float_month(
        &self,
        config: &PricedConfig<'_>,
        customers: f64,
        inputs: &ScenarioInputs,
    ) -> PlanMonth<f64> {
        let hours = self.hours(config, customers, inputs);
        let of = self.cover.month(&hours);
        let covered = (0..self.usages.len()).map(|usage| {
            let all: f64 = hours
                .iter()
                .map(|(hours, quantities)| hours * quantities[usage])
                .sum();
            all - of.left[usage]
        });
        self.month(covered.collect(), of.clone(), config)
    }

    /// Hours of a month by load, each with what of every usage is billed in one of them: units beyond those
    /// that other commitments cover, and quantities beyond what is free.
    fn hours(
        &self,
        config: &PricedConfig<'_>,
        customers: f64,
        inputs: &ScenarioInputs,
    ) -> Vec<(f64, Vec<f64>)> {
        let bins = if config.follows_hours() {
            &config.bins
        } else {
            STEADY
        };
        let mean_load: f64 = bins.iter().map(|bin| bin.share * bin.load).sum();
        let quantities: Vec<MeteredQuantity> = config
            .metered
            .iter()
            .map(|metered| config.quantity(metered, inputs))
            .collect();
        let free: Vec<f64> = (0..config.metered.len())
            .map(|meter| free_share(config, meter, customers, inputs))
            .collect();
        let in_hour = |usage: &Usage, load: f64| match usage {
            Usage::Units(index) => {
                let listed = config
                    .counts(*index, customers, inputs)
                    .map(|counts| counts.listed_at(load));
                let committed: u32 = match &config.placed[*index].host {
                    Host::Units(units) => units.commitments.iter().map(|(_, count)| count).sum(),
                    Host::Function(_) => 0,
                };
                (listed.unwrap_or(0.0) - f64::from(committed)).max(0.0)
            }
            Usage::Meter(index) => {
                let quantity = &quantities[*index];
                let units: f64 = quantity
                    .unit_hours
                    .iter()
                    .map(|(placed, times)| {
                        let counts = config.counts(*placed, customers, inputs);
                        counts.map_or(0.0, |counts| counts.needed_at(load)) * times
                    })
                    .sum();
                let caused = customers * quantity.slope() * load / mean_load + quantity.fixed;
                let all = config.metered_quantity(*index, customers, inputs);
                let billed = if all > 0.0 {
                    (1.0 - free[*index] / all).max(0.0)
                } else {
                    0.0
                };
                (caused / config.month_hours + units) * billed
            }
        };
        let hour = |bin: &nest_data::study::customers::profile::LoadBin| {
            let quantities = self.usages.iter().map(|usage| in_hour(usage, bin.load));
            (bin.share * config.month_hours, quantities.collect())
        };
        bins.iter().map(hour).collect()
    }

    /// Lines of the bill: each plan's part that something ran on, and the part that nothing did.
    pub fn lines(&self, config: &PricedConfig<'_>, month: &PlanMonth<Decimal>) -> Vec<Vec<CostLine>> {
        let main = config.main();
        let line = |driver, plan: &Commitment, cost: Decimal| CostLine {
            driver,
            behaviour: None,
            meter: plan.id.clone(),
            quantity: QuotedDecimal(cost.normalize()),
            unit: format!("{} committed", main.book.currency),
            amount: Some(QuotedDecimal((cost * main.exchange).round_dp(DIGITS).normalize())),
            source: seen(main.book, &plan.source),
        };
        let of_plan = |(index, plan): (usize, &&'a Commitment)| {
            let mut lines = vec![
                line(CostDriver::Shared, plan, month.used[index]),
                line(CostDriver::Unused, plan, month.unused[index]),
            ];
            lines.retain(|line| !line.quantity.0.is_zero());
            if !lines.is_empty() {
                contract_lines(main.book, &plan.id, &mut lines);
            }
            lines
        };
        self.plans.iter().enumerate().map(of_plan).collect()
    }

    /// The plans, each with how many units of it are bought, and what is paid of its list price.
    pub fn bought(&self) -> impl Iterator<Item = (&'a Commitment, Decimal, Decimal)> + '_ {
        let plans = self.plans.iter().zip(&self.units).zip(&self.paid);
        plans.map(|((plan, units), paid)| (*plan, *units, *paid))
    }

    /// A plan by its position.
    pub fn plan(&self, index: usize) -> &'a Commitment {
        self.plans[index]
    }
}

/// Units of a meter that are free in a month: of a pool its share, by use.
fn free_share(config: &PricedConfig<'_>, meter: usize, customers: f64, inputs: &ScenarioInputs) -> f64 {
    let own = &config.metered[meter];
    let free = float(free_units(own.meter));
    let Some(pool) = own.pool() else { return free };
    let of_pool = |index: &usize| config.metered[*index].pool() == Some(pool);
    let members: Vec<usize> = (0..config.metered.len()).filter(of_pool).collect();
    let used: Vec<f64> = (members.iter())
        .map(|index| config.metered_quantity(*index, customers, inputs))
        .collect();
    let frees = members
        .iter()
        .map(|index| float(free_units(config.metered[*index].meter)));
    let position = members.iter().position(|index| *index == meter).unwrap_or(0);
    share_pool(frees.fold(free, f64::max), &used)[position]
}
