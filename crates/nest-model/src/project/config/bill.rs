//! The bill of a month in decimals: its lines sum to its total exactly.

use nest_data::{
    price_book::{Meter, PercentOf},
    projection::{CostDriver, CostLine},
    units::{DAYS_PER_MONTH, QuotedDecimal},
};
use rust_decimal::Decimal;

use super::{
    DIGITS, PricedConfig, decimal,
    inputs::ScenarioInputs,
    meters::{Metered, ShareOf, seen},
    placed::{Host, SizedPlacement, Units},
    sizing::Sizing,
};
use crate::{
    error::ModelError,
    pricing::{amortised, beyond, contract_factor, contract_steps, price_billed, price_together, share_of},
};

/// What a part of a bill is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BillPart {
    /// Units of a placement.
    Units(usize),
    /// A meter.
    Meter(usize),
    /// Fixed amounts.
    Fixed,
}

impl<'a> PricedConfig<'a> {
    /// The bill of infrastructure at a customer count.
    pub fn bill(&self, customers: f64, inputs: &ScenarioInputs) -> Result<Vec<CostLine>, ModelError> {
        Ok(self
            .parts(customers, inputs)?
            .into_iter()
            .flat_map(|(_, lines)| lines)
            .collect())
    }

    /// The same by what is paid for.
    pub fn parts(
        &self,
        customers: f64,
        inputs: &ScenarioInputs,
    ) -> Result<Vec<(BillPart, Vec<CostLine>)>, ModelError> {
        let mut parts = Vec::new();
        let mut listed = Some(Decimal::ZERO);
        for (index, placed) in self.placed.iter().enumerate() {
            if let (Host::Units(units), Some(sizing)) = (&placed.host, self.sizing(index, inputs)) {
                let mut lines = Vec::new();
                let of_units =
                    self.unit_lines(index, placed, units, &sizing, customers, inputs, &mut lines)?;
                listed = listed.zip(of_units).map(|(sum, more)| sum + more);
                parts.push((BillPart::Units(index), lines));
            }
        }
        let counted = self
            .metered
            .iter()
            .map(|metered| self.decimals(&self.quantity(metered, inputs), customers, inputs))
            .collect::<Result<Vec<_>, _>>()?;
        let prices = self.prices(&counted);
        for (index, (metered, counted)) in self.metered.iter().zip(&counted).enumerate() {
            let lines = match &metered.meter.percent_of {
                Some(of) => vec![share_line(metered, of, self.meter_amount(index, &prices, listed))],
                None => self.metered_lines(metered, counted, prices[index]),
            };
            parts.push((BillPart::Meter(index), lines));
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

    /// Cost of a meter in the study's currency; of one that is a share, from what it is a share of. None
    /// where a price is missing.
    fn meter_amount(
        &self,
        meter: usize,
        prices: &[Option<Decimal>],
        listed: Option<Decimal>,
    ) -> Option<Decimal> {
        let metered = &self.metered[meter];
        let contracted = |price: Decimal| {
            price * metered.exchange * contract_factor(&metered.book.adjustment, &metered.meter.id)
        };
        let (Some(of), Some((base, _))) = (&metered.meter.percent_of, metered.share()) else {
            return prices[meter].map(contracted);
        };
        let cost = match base {
            ShareOf::Instances => listed?,
            ShareOf::Meter(id) => match self
                .metered
                .iter()
                .position(|other| other.meter.id == id && other.book.name() == metered.book.name())
            {
                Some(other) => self.meter_amount(other, prices, listed)?,
                None => Decimal::ZERO,
            },
        };
        Some(share_of(of, cost).round_dp(DIGITS))
    }

    /// What third parties take in a month, a line per fee.
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
            Ok(CostLine {
                driver: CostDriver::Behaviour,
                behaviour: Some(fee.behaviour.clone()),
                meter: name.clone(),
                quantity: QuotedDecimal(executions.normalize()),
                unit: "transaction".to_owned(),
                amount: Some(QuotedDecimal((executions * each).round_dp(DIGITS).normalize())),
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

    /// Unit-months by what binds them: the work of each behaviour, idle use, reserve, rounding up, spare;
    /// then what is not paid at list price. Gives the list price of all of them in the study's currency.
    ///
    /// With `n (u c - idle) = busy` (at the demand of u), a unit-month splits exactly:
    /// `n = busy/c + n idle/c + n (1 - u)`.
    #[allow(
        clippy::too_many_arguments,
        reason = "what carries one placement, split once for readability"
    )]
    fn unit_lines(
        &self,
        index: usize,
        placed: &SizedPlacement<'a>,
        units: &Units<'a>,
        sizing: &Sizing,
        customers: f64,
        inputs: &ScenarioInputs,
        lines: &mut Vec<CostLine>,
    ) -> Result<Option<Decimal>, ModelError> {
        let exact = sizing.exact_instances(customers);
        if !exact.is_finite() {
            let what = units.instance.map_or("task", |instance| instance.sku.as_str());
            return Err(ModelError::NoCapacity {
                config: self.name.to_owned(),
                reason: format!("one {what} idles above what its reserve leaves, so it carries no customer"),
            });
        }
        // Tasks are paid by meter, in `metered_lines`.
        let Some(instance) = units.instance else {
            return Ok(Some(Decimal::ZERO));
        };
        let counts = self.counts(index, customers, inputs).expect("units have counts");
        let month_hours = placed.book.month_hours.0;
        let per_month = units
            .per_hour
            .map(|per_hour| per_hour * month_hours * placed.exchange);
        let unit = format!("{}-months", placed.placement.platform.unit());
        let source = seen(placed.book, &instance.source);
        let line = |driver, behaviour: Option<&str>, quantity: Decimal| CostLine {
            driver,
            behaviour: behaviour.map(str::to_owned),
            meter: instance.sku.clone(),
            quantity: QuotedDecimal(quantity.normalize()),
            unit: unit.clone(),
            // Not rounded, so that equal units cost the same however they are split.
            amount: per_month.map(|price| QuotedDecimal((price * quantity).normalize())),
            source: source.clone(),
        };
        let mean_load = self.mean_load(index);
        let exact = exact * mean_load;
        let mut used = Vec::new();
        for (behaviour, name) in self
            .behaviours
            .iter()
            .enumerate()
            .filter(|(behaviour, _)| placed.carries[*behaviour])
        {
            let busy = customers
                * mean_load
                * self.peak_per_day
                * inputs.rates_per_day[behaviour]
                * inputs.placed[index].cpu_s[behaviour]
                / inputs.placed[index].speed
                * sizing.law.factor(sizing.target);
            used.push((CostDriver::Behaviour, Some(name.as_str()), busy / sizing.cores));
        }
        used.push((CostDriver::Idle, None, exact * sizing.idle / sizing.cores));
        match &placed.placement.headroom {
            Some(headroom) => {
                let queueing = headroom.queueing.get();
                used.push((CostDriver::Queueing, None, exact * queueing));
                used.push((
                    CostDriver::Forecast,
                    None,
                    exact * (1.0 - queueing) * headroom.forecast.get(),
                ));
            }
            None => used.push((CostDriver::Reserve, None, exact * sizing.reserve)),
        }
        used.push((
            CostDriver::Objective,
            None,
            exact * (1.0 - sizing.reserve - sizing.target),
        ));
        let mut so_far = Decimal::ZERO;
        for (driver, behaviour, quantity) in used {
            let quantity = decimal(quantity, self.name)?;
            so_far += quantity;
            if !quantity.is_zero() {
                lines.push(line(driver, behaviour, quantity));
            }
        }
        let spare = Decimal::from(sizing.spare);
        let running = decimal(counts.mean(), self.name)?;
        for (driver, quantity) in [
            (CostDriver::Rounding, running - spare - so_far),
            (CostDriver::Spare, spare),
        ] {
            if !quantity.is_zero() {
                lines.push(line(driver, None, quantity));
            }
        }
        let listed = per_month.map(|_| total(lines));
        let change = |driver, name: String, quantity: Decimal, price: Decimal, source: String| CostLine {
            driver,
            behaviour: None,
            meter: name,
            quantity: QuotedDecimal(quantity.normalize()),
            unit: unit.clone(),
            amount: Some(QuotedDecimal((quantity * price).round_dp(DIGITS).normalize())),
            source,
        };
        if let Some(per_month) = per_month {
            let saved = decimal(counts.mean() - counts.sustained(units), self.name)?;
            if !saved.is_zero() {
                lines.push(change(
                    CostDriver::Discount,
                    format!("{} sustained use", instance.sku),
                    saved,
                    -per_month,
                    source.clone(),
                ));
            }
            for (units, (commitment, _)) in counts.committed(units).into_iter().zip(&units.commitments) {
                let effective = amortised(commitment, month_hours) * placed.exchange;
                let source = seen(placed.book, &commitment.source);
                let used = decimal(units.used, self.name)?;
                lines.push(change(
                    CostDriver::Discount,
                    commitment.id.clone(),
                    used,
                    effective - per_month,
                    source.clone(),
                ));
                let unused = decimal(units.unused, self.name)?;
                if !unused.is_zero() {
                    lines.push(change(
                        CostDriver::Unused,
                        commitment.id.clone(),
                        unused,
                        effective,
                        source,
                    ));
                }
            }
            contract_lines(placed.book, &instance.sku, lines);
        }
        Ok(listed)
    }

    /// Price of every meter's quantity in its book's currency: what a plan includes comes off first, then
    /// what several share for free.
    fn prices(&self, counted: &[(Vec<Decimal>, Decimal)]) -> Vec<Option<Decimal>> {
        let bought: Vec<(&Meter, Decimal)> = self
            .metered
            .iter()
            .zip(counted)
            .map(|(metered, (by_behaviour, shared))| {
                (
                    metered.meter,
                    beyond(by_behaviour.iter().sum::<Decimal>() + shared, metered.included),
                )
            })
            .collect();
        let together = price_together(&bought);
        let price = |((metered, (meter, billed)), together): (
            (&Metered<'_>, &(&Meter, Decimal)),
            Option<Decimal>,
        )| {
            if metered.included.is_zero() {
                together
            } else {
                price_billed(meter, *billed)
            }
        };
        self.metered
            .iter()
            .zip(&bought)
            .zip(together)
            .map(price)
            .collect()
    }

    /// One line per behaviour of a meter that they drive together; the last takes what division leaves over.
    fn metered_lines(
        &self,
        metered: &Metered<'a>,
        counted: &(Vec<Decimal>, Decimal),
        price: Option<Decimal>,
    ) -> Vec<CostLine> {
        let (by_behaviour, shared) = counted;
        let counted = by_behaviour.iter().sum::<Decimal>() + shared;
        let cost = price.map(|price| (price * metered.exchange).round_dp(DIGITS));
        let named = by_behaviour
            .iter()
            .enumerate()
            .map(|(index, quantity)| (Some(self.behaviours[index].clone()), *quantity));
        let parts: Vec<_> = named
            .chain([(None, *shared)])
            .filter(|(_, quantity)| !quantity.is_zero())
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
            lines.push(CostLine {
                driver: if behaviour.is_some() {
                    CostDriver::Behaviour
                } else {
                    CostDriver::Shared
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
        lines
    }
}

/// What the user's own contract takes off these lines, a line for each adjustment.
fn contract_lines(book: &nest_data::PriceBook, name: &str, lines: &mut Vec<CostLine>) {
    let mut before = total(lines);
    for (label, left) in contract_steps(&book.adjustment, name, before) {
        let percent = if before.is_zero() {
            Decimal::ZERO
        } else {
            (left / before - Decimal::ONE) * Decimal::ONE_HUNDRED
        };
        lines.push(CostLine {
            driver: CostDriver::Discount,
            behaviour: None,
            meter: format!("{label} on {name}"),
            quantity: QuotedDecimal(percent.round_dp(DIGITS).normalize()),
            unit: "%".to_owned(),
            amount: Some(QuotedDecimal((left - before).round_dp(DIGITS).normalize())),
            source: format!("{} (own contract)", book.name()),
        });
        before = left;
    }
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

/// Sum of a bill's priced lines.
pub fn total(lines: &[CostLine]) -> Decimal {
    lines
        .iter()
        .filter_map(|line| line.amount.map(|amount| amount.0))
        .sum()
}
