//! The bill of a month in decimals: its lines sum to its total exactly.

use nest_data::{
    price_book::{Meter, PercentOf},
    projection::{CostDriver, CostLine},
    units::{DAYS_PER_MONTH, QuotedDecimal},
};
use rust_decimal::{Decimal, prelude::FromPrimitive};

use super::{
    DIGITS, PricedConfig, decimal,
    inputs::ScenarioInputs,
    lines::{contract_lines, total},
    meters::{Metered, ShareOf, seen},
    placed::Host,
    unit_bill::UnitBill,
};
use crate::{
    error::ModelError,
    pricing::{KnownPrice, beyond, float, known_price, known_price_billed, known_prices_together, share_of},
};

/// Largest cost of a month, in any currency. The world's output of a year is 10^14 US dollars.
const LARGEST_COST: f64 = 1e15;
/// Largest product of a quantity and a price that is computed exactly: four digits below the end of
/// decimals, for the factors of contracts and sums.
const LARGEST_PRODUCT: f64 = 1e24;

/// What a part of a bill is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BillPart {
    /// Units of a placement.
    Units(usize),
    /// A meter.
    Meter(usize),
    /// A savings plan.
    Plan(usize),
    /// Fixed amounts.
    Fixed,
}

impl<'a> PricedConfig<'a> {
    /// The bill of infrastructure at a customer count.
    pub fn bill(&self, customers: f64, inputs: &ScenarioInputs) -> Result<Vec<CostLine>, ModelError> {
        let parts = self.parts(customers, inputs)?;
        let lines: Vec<CostLine> = parts.into_iter().flat_map(|(_, lines)| lines).collect();
        if float(total(&lines)).abs() > LARGEST_COST {
            return Err(ModelError::TooLarge {
                what: format!("the cost of a month of configuration `{}`", self.name),
            });
        }
        Ok(lines)
    }

    /// The same by what is paid for.
    pub fn parts(
        &self,
        customers: f64,
        inputs: &ScenarioInputs,
    ) -> Result<Vec<(BillPart, Vec<CostLine>)>, ModelError> {
        self.check_size(customers, inputs)?;
        let mut parts = Vec::new();
        let month = self
            .plans
            .as_ref()
            .map(|plans| plans.exact_month(self, customers, inputs))
            .transpose()?;
        let mut listed = Some(Decimal::ZERO);
        for (index, placed) in self.placed.iter().enumerate() {
            if let (Host::Units(units), Some(sizing)) = (&placed.host, self.sizing(index, inputs)) {
                let billed = UnitBill {
                    config: self,
                    index,
                    placed,
                    units,
                    sizing,
                    customers,
                    inputs,
                    covered_hours: month
                        .as_ref()
                        .map_or(Decimal::ZERO, |month| month.unit_hours[index]),
                }
                .lines()?;
                listed = listed.zip(billed.listed).map(|(sum, more)| sum + more);
                parts.push((BillPart::Units(index), billed.lines));
            }
        }
        let covered = |index: usize| month.as_ref().map_or(Decimal::ZERO, |month| month.metered[index]);
        let counted = (self.metered.iter().enumerate())
            .map(|(index, metered)| {
                let counted = self.decimals(&self.quantity(metered, inputs), customers, inputs)?;
                Ok(without(counted, covered(index)))
            })
            .collect::<Result<Vec<_>, ModelError>>()?;
        let included = (0..self.metered.len())
            .map(|meter| self.included_decimal(meter, customers, inputs))
            .collect::<Result<Vec<_>, ModelError>>()?;
        let prices = self.prices(&counted, &included);
        for (index, (metered, counted)) in self.metered.iter().zip(&counted).enumerate() {
            let mut lines = match &metered.meter.percent_of {
                Some(of) => {
                    let amount = self.list_amount(index, &prices, listed);
                    let mut lines = vec![share_line(metered, of, amount)];
                    if amount.is_some() {
                        contract_lines(metered.book, &metered.meter.id, &mut lines);
                    }
                    lines
                }
                None => {
                    let shared = if self.quantity(metered, inputs).is_fixed() {
                        CostDriver::Fixed
                    } else {
                        CostDriver::Shared
                    };
                    self.metered_lines(metered, counted, prices[index], shared)
                }
            };
            lines.extend(covered_line(metered, covered(index)));
            parts.push((BillPart::Meter(index), lines));
        }
        if let Some((plans, month)) = self.plans.as_ref().zip(month.as_ref()) {
            let lines = plans.lines(self, month).into_iter().enumerate();
            parts.extend(lines.map(|(index, lines)| (BillPart::Plan(index), lines)));
        }
        let fixed = self.fixed.iter().map(|fixed| CostLine {
            driver: CostDriver::Fixed,
            behaviour: None,
            meter: fixed.name.clone(),
            quantity: QuotedDecimal(Decimal::ONE),
            unit: "month".to_owned(),
            amount: Some(QuotedDecimal(fixed.amount.normalize())),
            source: fixed.source.clone(),
        });
        parts.push((BillPart::Fixed, fixed.collect()));
        Ok(parts)
    }

    /// Refuses a bill of which a product would leave the digits of a decimal, before it is computed in
    /// decimals.
    fn check_size(&self, customers: f64, inputs: &ScenarioInputs) -> Result<(), ModelError> {
        // What nothing carries has no end; that is told where it is sized.
        let too_large = |product: f64| product.is_finite() && product > LARGEST_PRODUCT;
        let refused = |what: &str| ModelError::TooLarge {
            what: format!("{what} of configuration `{}`", self.name),
        };
        for metered in &self.metered {
            let quantity = self.quantity(metered, inputs);
            let units =
                customers * quantity.slope().abs() + self.shared_units(&quantity, customers, inputs).abs();
            if too_large(units * metered.largest_factor()) {
                return Err(refused(&metered.meter.id));
            }
        }
        for (index, placed) in self.placed.iter().enumerate() {
            if let (Host::Units(host), Some(counts)) = (&placed.host, self.counts(index, customers, inputs)) {
                let price = float(host.per_hour.unwrap_or_default()) * float(placed.exchange).max(1.0);
                if too_large(counts.mean() * price.max(1.0) * self.month_hours) {
                    return Err(refused(placed.placement.sku.as_deref().unwrap_or("units")));
                }
            }
        }
        Ok(())
    }

    /// Cost of a meter in the study's currency at list price; of one that is a share, from what it is a share
    /// of.
    /// `None` if a price is missing.
    fn list_amount(
        &self,
        meter: usize,
        prices: &[Option<KnownPrice>],
        listed: Option<Decimal>,
    ) -> Option<Decimal> {
        let metered = &self.metered[meter];
        let (Some(of), Some((base, _))) = (&metered.meter.percent_of, metered.share()) else {
            return prices[meter].map(|price| price.cost * metered.exchange);
        };
        let cost = match base {
            ShareOf::Instances => listed?,
            ShareOf::Meter(_) => match metered.other() {
                Some(other) => self.list_amount(other, prices, listed)?,
                None => Decimal::ZERO,
            },
        };
        Some(share_of(of, cost).round_dp(DIGITS))
    }

    /// Fees of third parties in a month, a line per fee.
    pub fn fee_lines(
        &self,
        customers: f64,
        inputs: &ScenarioInputs,
        parameters: &std::collections::BTreeMap<String, f64>,
    ) -> Result<Vec<CostLine>, ModelError> {
        let line = |(name, fee): (&String, &nest_data::fee::Fee), index: &usize| {
            let executions = decimal(
                customers * inputs.rates_per_day[*index] * DAYS_PER_MONTH,
                self.name,
            )?;
            let each = fee.each(parameters).map_err(ModelError::Rates)?;
            let amount = executions.checked_mul(each).ok_or_else(|| ModelError::TooLarge {
                what: format!("fee `{name}`, {executions} times {each}"),
            })?;
            Ok(CostLine {
                driver: CostDriver::Behaviour,
                behaviour: Some(fee.behaviour.clone()),
                meter: name.clone(),
                quantity: QuotedDecimal(executions.normalize()),
                unit: "transaction".to_owned(),
                amount: Some(QuotedDecimal(amount.round_dp(DIGITS).normalize())),
                source: fee.note.clone().unwrap_or_else(|| super::STUDY.to_owned()),
            })
        };
        self.study
            .fees
            .iter()
            .zip(&self.fee_behaviours)
            .map(|(fee, index)| line(fee, index))
            .collect()
    }

    /// Units of a meter that savings plans pay for.
    pub fn covered_units(
        &self,
        meter: usize,
        customers: f64,
        inputs: &ScenarioInputs,
    ) -> Result<Decimal, ModelError> {
        let Some(plans) = &self.plans else {
            return Ok(Decimal::ZERO);
        };
        Ok(plans.exact_month(self, customers, inputs)?.metered[meter])
    }

    /// Units of a meter that plans, the book and the units that run include.
    pub fn included_decimal(
        &self,
        meter: usize,
        customers: f64,
        inputs: &ScenarioInputs,
    ) -> Result<Decimal, ModelError> {
        let metered = &self.metered[meter];
        let mut included = metered.included;
        for (placed, each) in &metered.with_units {
            let months = self.unit_hours(*placed, customers, inputs) / self.month_hours;
            included += decimal(months, self.name)? * each;
        }
        Ok(included)
    }

    /// Price of every meter's quantity in its book's currency: what a plan includes comes off first, then
    /// what several share for free.
    fn prices(&self, counted: &[(Vec<Decimal>, Decimal)], included: &[Decimal]) -> Vec<Option<KnownPrice>> {
        let bought: Vec<(&Meter, Decimal)> = self
            .metered
            .iter()
            .zip(counted.iter().zip(included))
            .map(|(metered, ((by_behaviour, shared), included))| {
                (
                    metered.meter,
                    beyond(by_behaviour.iter().sum::<Decimal>() + shared, *included),
                )
            })
            .collect();
        let together = known_prices_together(&bought);
        let price = |((metered, (meter, billed)), together): (
            (&Metered<'_>, &(&Meter, Decimal)),
            Option<KnownPrice>,
        )| {
            let apart = Decimal::from_f64(metered.apart)
                .filter(|apart| !apart.is_zero())
                .unwrap_or(Decimal::ONE);
            if metered.shares_tiers() {
                return together;
            }
            let each = if metered.includes() {
                known_price_billed(meter, *billed / apart)
            } else {
                known_price(meter, *billed / apart)
            };
            each.map(|each| KnownPrice {
                cost: each.cost * apart,
                unpriced: each.unpriced * apart,
            })
        };
        self.metered
            .iter()
            .zip(&bought)
            .zip(together)
            .map(price)
            .collect()
    }

    /// One line per behaviour of a meter that they drive together; the last takes what division leaves over.
    /// Units for which no tier has a price are a line of their own, without an amount.
    fn metered_lines(
        &self,
        metered: &Metered<'a>,
        counted: &(Vec<Decimal>, Decimal),
        price: Option<KnownPrice>,
        shared_driver: CostDriver,
    ) -> Vec<CostLine> {
        let (by_behaviour, shared) = counted;
        let counted = by_behaviour.iter().sum::<Decimal>() + shared;
        let cost = price.map(|price| (price.cost * metered.exchange).round_dp(DIGITS));
        let unpriced = price.map_or(Decimal::ZERO, |price| price.unpriced);
        let priced = counted - unpriced;
        let named = by_behaviour
            .iter()
            .enumerate()
            .map(|(index, quantity)| (Some(self.behaviours[index].clone()), *quantity));
        let parts: Vec<_> = named
            .chain([(None, *shared)])
            .filter(|(_, quantity)| !quantity.is_zero() && !priced.is_zero())
            .collect();
        let mut lines = Vec::new();
        let mut left = cost.unwrap_or_default();
        for (index, (behaviour, quantity)) in parts.iter().enumerate() {
            let amount = cost.map(|cost| {
                if index + 1 == parts.len() {
                    left
                } else {
                    (cost * (*quantity / counted)).round_dp(DIGITS)
                }
            });
            left -= amount.unwrap_or_default();
            let quantity = (*quantity * (priced / counted)).round_dp(DIGITS);
            lines.push(CostLine {
                driver: if behaviour.is_some() {
                    CostDriver::Behaviour
                } else {
                    shared_driver
                },
                behaviour: behaviour.clone(),
                meter: metered.meter.id.clone(),
                quantity: QuotedDecimal(quantity.normalize()),
                unit: metered.meter.unit.clone(),
                amount: amount.map(|amount| QuotedDecimal(amount.normalize())),
                source: seen(metered.book, &metered.meter.source),
            });
        }
        if cost.is_some() {
            contract_lines(metered.book, &metered.meter.id, &mut lines);
        }
        if !unpriced.is_zero() {
            lines.push(CostLine {
                driver: shared_driver,
                behaviour: None,
                meter: metered.meter.id.clone(),
                quantity: QuotedDecimal(unpriced.normalize()),
                unit: metered.meter.unit.clone(),
                amount: None,
                source: seen(metered.book, &metered.meter.source),
            });
        }
        lines
    }
}

/// Counted units, by behaviour and by none, without those that savings plans cover.
fn without((by_behaviour, shared): (Vec<Decimal>, Decimal), covered: Decimal) -> (Vec<Decimal>, Decimal) {
    let all = by_behaviour.iter().sum::<Decimal>() + shared;
    if covered.is_zero() || all.is_zero() {
        return (by_behaviour, shared);
    }
    let left = (all - covered) / all;
    let of_one = |units: Decimal| (units * left).round_dp(DIGITS);
    (by_behaviour.into_iter().map(of_one).collect(), of_one(shared))
}

/// Units of a meter that savings plans pay for; `None` if there are none.
fn covered_line(metered: &Metered<'_>, covered: Decimal) -> Option<CostLine> {
    (!covered.is_zero()).then(|| CostLine {
        driver: CostDriver::Discount,
        behaviour: None,
        meter: format!("{} covered by savings plans", metered.meter.id),
        quantity: QuotedDecimal(covered.round_dp(DIGITS).normalize()),
        unit: metered.meter.unit.clone(),
        amount: Some(QuotedDecimal(Decimal::ZERO)),
        source: seen(metered.book, &metered.meter.source),
    })
}

/// A meter that is a share of what something else costs.
fn share_line(metered: &Metered<'_>, of: &PercentOf, amount: Option<Decimal>) -> CostLine {
    CostLine {
        driver: CostDriver::Shared,
        behaviour: None,
        meter: metered.meter.id.clone(),
        quantity: of.percent,
        unit: format!("% of {}", of.meter),
        amount: amount.map(|amount| QuotedDecimal(amount.normalize())),
        source: seen(metered.book, &metered.meter.source),
    }
}
