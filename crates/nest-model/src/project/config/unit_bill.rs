//! Bill of the units of one placement, split by what binds them.

use nest_data::{
    price_book::Instance,
    projection::{CostDriver, CostLine},
    units::QuotedDecimal,
};
use rust_decimal::Decimal;

use super::{
    DIGITS, PricedConfig, STUDY, decimal,
    inputs::ScenarioInputs,
    lines::{contract_lines, total},
    meters::seen,
    placed::{SizedPlacement, Units, committed_month},
    units::{Sizing, UnitCounts},
};
use crate::error::ModelError;

/// Units of one placement at a customer count.
pub struct UnitBill<'b, 'a> {
    pub config: &'b PricedConfig<'a>,
    pub index: usize, // of the placement
    pub placed: &'b SizedPlacement<'a>,
    pub units: &'b Units<'a>,
    pub sizing: Sizing,
    pub customers: f64,
    pub inputs: &'b ScenarioInputs,
    pub covered_hours: Decimal, // unit-hours that savings plans cover
}

/// Lines of units, and what they cost at list price in the study's currency; `None` if that is not known.
pub struct UnitLines {
    pub lines: Vec<CostLine>,
    pub listed: Option<Decimal>,
}

/// Unit-months that a driver, or a behaviour, binds.
struct BoundUnits<'n> {
    driver: CostDriver,
    behaviour: Option<&'n str>,
    quantity: f64,
}

impl UnitBill<'_, '_> {
    /// Unit-months by what binds them: the work of each behaviour, idle use, reserve, rounding up, spare;
    /// then what is not paid at list price. Tasks have no lines here, they are paid by meter.
    ///
    /// With `n (u c - idle) = busy` (at the demand of u), a unit-month splits exactly:
    /// `n = busy/c + n idle/c + n (1 - u)`.
    pub fn lines(&self) -> Result<UnitLines, ModelError> {
        let exact = self.sizing.exact_instances(self.customers);
        if !exact.is_finite() {
            let what = self
                .units
                .instance
                .map_or("task", |instance| instance.sku.as_str());
            return Err(ModelError::NoCapacity {
                config: self.config.name.to_owned(),
                reason: format!("one {what} idles above what its reserve leaves, so it carries no customer"),
            });
        }
        let Some(instance) = self.units.instance else {
            return Ok(UnitLines {
                lines: Vec::new(),
                listed: Some(Decimal::ZERO),
            });
        };
        let counts = self
            .config
            .counts(self.index, self.customers, self.inputs)
            .expect("units have counts");
        let mut lines = self.unit_months(instance, exact, &counts)?;
        let per_month = self.price_per_month();
        let listed = per_month.map(|_| total(&lines));
        if let Some(per_month) = per_month {
            lines.extend(self.spot(instance, &counts, per_month)?);
            lines.extend(self.sustained_use(instance, &counts, per_month)?);
            lines.extend(self.commitments(&counts, per_month)?);
            lines.extend(self.covered(instance, per_month));
            contract_lines(self.placed.book, &instance.sku, &mut lines);
        }
        Ok(UnitLines { lines, listed })
    }

    /// List price of a unit for a month in the study's currency.
    fn price_per_month(&self) -> Option<Decimal> {
        let per_hour = self.units.per_hour?;
        Some(per_hour * self.placed.book.month_hours.0 * self.placed.exchange)
    }

    fn unit(&self) -> String {
        format!("{}-months", self.placed.placement.platform.unit())
    }

    /// All units that run, at list price.
    fn unit_months(
        &self,
        instance: &Instance,
        exact: f64,
        counts: &UnitCounts<'_>,
    ) -> Result<Vec<CostLine>, ModelError> {
        let (per_month, source) = (self.price_per_month(), seen(self.placed.book, &instance.source));
        let line = |driver, behaviour: Option<&str>, quantity: Decimal| CostLine {
            driver,
            behaviour: behaviour.map(str::to_owned),
            meter: instance.sku.clone(),
            quantity: QuotedDecimal(quantity.normalize()),
            unit: self.unit(),
            // Not rounded, so that equal units cost the same however they are split.
            amount: per_month.map(|price| QuotedDecimal((price * quantity).normalize())),
            source: source.clone(),
        };
        let mut lines = Vec::new();
        let mut so_far = Decimal::ZERO;
        for bound in self.bound_units(exact * self.config.mean_load(self.index)) {
            let quantity = decimal(bound.quantity, self.config.name)?;
            so_far += quantity;
            lines.push(line(bound.driver, bound.behaviour, quantity));
        }
        let spare = Decimal::from(self.sizing.spare);
        let running = decimal(counts.needed_mean(), self.config.name)?;
        lines.push(line(CostDriver::Rounding, None, running - spare - so_far));
        lines.push(line(CostDriver::Spare, None, spare));
        lines.retain(|line| !line.quantity.0.is_zero());
        Ok(lines)
    }

    /// What binds `exact` units, a fraction of one included.
    fn bound_units(&self, exact: f64) -> Vec<BoundUnits<'_>> {
        let sizing = &self.sizing;
        let of_driver = |driver, quantity| BoundUnits {
            driver,
            behaviour: None,
            quantity,
        };
        let mut bound = self.behaviour_units();
        bound.push(of_driver(CostDriver::Idle, exact * sizing.idle / sizing.cores));
        match &self.placed.placement.headroom {
            Some(headroom) => {
                let queueing = headroom.queueing.get();
                let forecast = exact * (1.0 - queueing) * headroom.forecast.get();
                bound.push(of_driver(CostDriver::Queueing, exact * queueing));
                bound.push(of_driver(CostDriver::Forecast, forecast));
            }
            None => bound.push(of_driver(CostDriver::Reserve, exact * sizing.reserve)),
        }
        let objective = exact * (1.0 - sizing.reserve - sizing.target);
        bound.push(of_driver(CostDriver::Objective, objective));
        bound
    }

    /// Units that the work of each behaviour binds.
    fn behaviour_units(&self) -> Vec<BoundUnits<'_>> {
        let (config, sizing) = (self.config, &self.sizing);
        let used = &self.inputs.placed[self.index];
        let mean_load = config.mean_load(self.index);
        let carried = config.behaviours.iter().enumerate();
        carried
            .filter(|(behaviour, _)| self.placed.carries[*behaviour])
            .map(|(behaviour, name)| {
                let busy = self.customers
                    * mean_load
                    * config.peak_per_day
                    * self.inputs.rates_per_day[behaviour]
                    * used.cpu_s[behaviour]
                    / used.speed
                    * sizing.law.factor(sizing.target);
                BoundUnits {
                    driver: CostDriver::Behaviour,
                    behaviour: Some(name.as_str()),
                    quantity: busy / sizing.cores,
                }
            })
            .collect()
    }

    /// What spot capacity changes: a lower price for its share of the units, and the units that are kept for
    /// those that are taken away.
    fn spot(
        &self,
        instance: &Instance,
        counts: &UnitCounts<'_>,
        per_month: Decimal,
    ) -> Result<Vec<CostLine>, ModelError> {
        let Some(spot) = self.units.spot else {
            return Ok(Vec::new());
        };
        let price = spot.per_hour * self.placed.book.month_hours.0 * self.placed.exchange;
        let source = match self.placed.placement.spot.as_ref().and_then(|spot| spot.price) {
            Some(_) => STUDY.to_owned(),
            None => seen(self.placed.book, &instance.source),
        };
        let name = format!("{} spot", instance.sku);
        let (used, kept) = (
            decimal(counts.spot_mean(), self.config.name)?,
            decimal(counts.kept_for_spot(), self.config.name)?,
        );
        let cheaper = price - per_month;
        let mut lines = vec![self.change(CostDriver::Discount, name.clone(), used, cheaper, source.clone())];
        lines.push(self.change(CostDriver::Spare, name, kept, price, source));
        lines.retain(|line| !line.quantity.0.is_zero());
        Ok(lines)
    }

    /// What savings plans pay for instead of the list price.
    fn covered(&self, instance: &Instance, per_month: Decimal) -> Option<CostLine> {
        let covered = (self.covered_hours / self.placed.book.month_hours.0).round_dp(DIGITS);
        let name = format!("{} covered by savings plans", instance.sku);
        let source = seen(self.placed.book, &instance.source);
        let line = || self.change(CostDriver::Discount, name, covered, -per_month, source);
        (!covered.is_zero()).then(line)
    }

    /// What a provider takes off for units that run for most of a month.
    fn sustained_use(
        &self,
        instance: &Instance,
        counts: &UnitCounts<'_>,
        per_month: Decimal,
    ) -> Result<Option<CostLine>, ModelError> {
        let saved = decimal(
            counts.listed_mean() - counts.sustained(self.units),
            self.config.name,
        )?;
        let name = match instance.price.hourly {
            Some(_) => format!("{} by the hour", instance.sku),
            None => format!("{} sustained use", instance.sku),
        };
        let source = seen(self.placed.book, &instance.source);
        let line = self.change(CostDriver::Discount, name, saved, -per_month, source);
        Ok((!saved.is_zero()).then_some(line))
    }

    /// What commitments change: a lower price for what they cover, and the price of what nobody uses.
    fn commitments(&self, counts: &UnitCounts<'_>, per_month: Decimal) -> Result<Vec<CostLine>, ModelError> {
        let mut lines = Vec::new();
        let committed = counts.committed(self.units).into_iter();
        for (covered, (commitment, _)) in committed.zip(&self.units.commitments) {
            let sku = self.placed.placement.sku.as_deref();
            let effective = committed_month(self.placed.book, commitment, sku) * self.placed.exchange;
            let source = seen(self.placed.book, &commitment.source);
            let id = &commitment.id;
            let used = decimal(covered.used, self.config.name)?;
            let cheaper = effective - per_month;
            lines.push(self.change(CostDriver::Discount, id.clone(), used, cheaper, source.clone()));
            let unused = decimal(covered.unused, self.config.name)?;
            if !unused.is_zero() {
                lines.push(self.change(CostDriver::Unused, id.clone(), unused, effective, source));
            }
        }
        Ok(lines)
    }

    fn change(
        &self,
        driver: CostDriver,
        meter: String,
        quantity: Decimal,
        price: Decimal,
        source: String,
    ) -> CostLine {
        CostLine {
            driver,
            behaviour: None,
            meter,
            quantity: QuotedDecimal(quantity.normalize()),
            unit: self.unit(),
            amount: Some(QuotedDecimal((quantity * price).round_dp(DIGITS).normalize())),
            source,
        }
    }
}
