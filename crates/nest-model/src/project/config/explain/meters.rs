//! Explanation of what a metered quantity costs: tier by tier.

use nest_data::{
    ScalingModel,
    explanation::{Basis, ExplanationNode},
    price_book::{Meter, MeterPrice, TierMode},
    projection::CostLine,
};
use rust_decimal::Decimal;

use super::{
    super::{
        PricedConfig,
        inputs::ScenarioInputs,
        meters::{Metered, seen},
    },
    exchange, known_total, unknown,
};
use crate::{
    error::ModelError,
    pricing::{free_in_month, free_units, share_pool, tiers},
};

/// A meter of a configuration at a number of customers, whose cost is opened.
pub(super) struct ExplainedMeter<'e, 'a> {
    pub config: &'e PricedConfig<'a>,
    pub model: &'e ScalingModel,
    pub index: usize, // of the meter
    pub customers: f64,
    pub inputs: &'e ScenarioInputs,
}

/// A price by the unit.
struct UnitPrice<'p> {
    price: &'p MeterPrice,
    unit: String,
    source: String,
}

impl<'a> ExplainedMeter<'_, 'a> {
    pub(super) fn metered(&self) -> &Metered<'a> {
        &self.config.metered[self.index]
    }

    pub(super) fn meter(&self) -> &'a Meter {
        self.metered().meter
    }

    /// A number of the meter's units that is computed from others.
    pub(super) fn units(
        &self,
        basis: Basis,
        name: impl Into<String>,
        parts: Vec<ExplanationNode>,
    ) -> ExplanationNode {
        ExplanationNode::computed(basis, name, &self.meter().unit, parts)
    }

    /// What the lines of the meter cost before a contract.
    pub(super) fn cost(&self, lines: &[&CostLine]) -> Result<ExplanationNode, ModelError> {
        let (metered, currency) = (self.metered(), &self.config.study.study.currency);
        let source = seen(metered.book, &metered.meter.source);
        let billed = self.billed()?;
        let Some(price) = &metered.meter.price else {
            let detail = format!("price not known, {source}");
            let price = ExplanationNode::leaf("price", unknown(), &metered.meter.unit, Basis::Priced, detail);
            let node =
                ExplanationNode::computed(Basis::Product, &metered.meter.id, currency, vec![billed, price]);
            return Ok(node.valued(unknown()));
        };
        let price = UnitPrice {
            price,
            unit: format!("{} per {}", metered.book.currency, metered.meter.unit),
            source: source.clone(),
        };
        let apart = || {
            let detail = "`resources` of the study: each pays tiers of its own";
            ExplanationNode::leaf("resources", metered.apart, "", Basis::Assumed, detail)
        };
        let billed = if metered.apart == 1.0 {
            billed
        } else {
            self.units(
                Basis::Quotient,
                "billed units of one resource",
                vec![billed, apart()],
            )
        };
        let tiers = self.tiers(billed, &price);
        let tiers = ExplanationNode::computed(
            Basis::Sum,
            format!("price of {} in all tiers", metered.meter.id),
            &metered.book.currency,
            tiers,
        );
        let mut parts = vec![tiers];
        parts.extend((metered.apart != 1.0).then(apart));
        parts.extend(exchange(&metered.book.currency, metered.exchange, currency));
        let node = ExplanationNode::computed(Basis::Product, &metered.meter.id, currency, parts);
        Ok(node.valued(known_total(lines.iter().copied())).detailed(source))
    }

    /// Units that are billed: those that are counted, without those that savings plans cover, that are
    /// included, or that are free for several meters together.
    fn billed(&self) -> Result<ExplanationNode, ModelError> {
        let (metered, config) = (self.metered(), self.config);
        let mut billed = self.quantity()?;
        let covered = config.covered_units(self.index, self.customers, self.inputs)?;
        let priced = |name: &str, value: Decimal, detail: String| {
            ExplanationNode::leaf(
                name,
                value.normalize(),
                &metered.meter.unit,
                Basis::Priced,
                detail,
            )
        };
        if !covered.is_zero() {
            let covered = priced(
                "units that savings plans cover",
                covered,
                "hour by hour, the highest discount first".to_owned(),
            );
            billed = self.units(
                Basis::Difference,
                "units that no savings plan covers",
                vec![billed, covered],
            );
        }
        if metered.includes() {
            let included = vec![billed, self.included()];
            let left = self.units(Basis::Difference, "units beyond those included", included);
            let none = ExplanationNode::leaf("at least", 0, &metered.meter.unit, Basis::Assumed, "");
            return Ok(self.units(
                Basis::Maximum,
                format!("billed units of {}", metered.meter.id),
                vec![left, none],
            ));
        }
        let Some(pool) = metered.pool().filter(|_| self.pooled().is_some()) else {
            return Ok(billed);
        };
        let detail = format!("of the pool {pool}, which meters share in proportion to their use");
        let free = priced("free units of a pool", self.share_of_pool(pool)?, detail);
        Ok(self.units(
            Basis::Difference,
            format!("billed units of {}", metered.meter.id),
            vec![billed, free],
        ))
    }

    /// Free units of the meter's pool, if they last.
    fn pooled(&self) -> Option<Decimal> {
        let free = self.meter().free.as_ref()?;
        free.pool.as_ref()?;
        free_in_month(self.meter())
    }

    /// Units of a pool that this meter gets, of all that draw from it.
    fn share_of_pool(&self, pool: &str) -> Result<Decimal, ModelError> {
        let (mut quantities, mut free, mut own) = (Vec::new(), Decimal::ZERO, 0);
        for index in 0..self.config.metered.len() {
            let other = Self { index, ..*self };
            if other.metered().pool() != Some(pool) {
                continue;
            }
            let Some(of_it) = other.pooled() else { continue };
            free = free.max(of_it);
            if index == self.index {
                own = quantities.len();
            }
            quantities.push(other.uncovered()?);
        }
        Ok(share_pool(free, &quantities)[own])
    }

    /// Units that are counted and that no savings plan covers.
    fn uncovered(&self) -> Result<Decimal, ModelError> {
        let config = self.config;
        let quantity = config.quantity(self.metered(), self.inputs);
        let (by_behaviour, shared) = config.decimals(&quantity, self.customers, self.inputs)?;
        let covered = config.covered_units(self.index, self.customers, self.inputs)?;
        Ok(by_behaviour.iter().sum::<Decimal>() + shared - covered)
    }

    /// Units that plans, the book and the units that run include.
    fn included(&self) -> ExplanationNode {
        let (metered, config) = (self.metered(), self.config);
        let book = metered.book.name();
        let mut parts = Vec::new();
        if !metered.included.is_zero() {
            let value = metered.included.normalize();
            parts.push(ExplanationNode::leaf(
                "included by plans and the book",
                value,
                &metered.meter.unit,
                Basis::Priced,
                &book,
            ));
        }
        for (placed, each) in &metered.with_units {
            let each = ExplanationNode::leaf(
                "included with each unit",
                each.normalize(),
                &metered.meter.unit,
                Basis::Priced,
                &book,
            );
            let running = config.explained_units(self.model, *placed, self.customers, self.inputs);
            let hours = config.unit_hours(*placed, self.customers, self.inputs) / config.month_hours;
            let running = match running {
                Some(units) => units.running(),
                None => ExplanationNode::leaf("units that run", hours, "units", Basis::Fitted, "a mean hour"),
            };
            parts.push(self.units(
                Basis::Product,
                format!("included with {}", config.placed[*placed].label),
                vec![running, each],
            ));
        }
        self.units(Basis::Sum, "units included", parts)
    }

    /// The parts of the billed units that pay one price each.
    fn tiers(&self, billed: ExplanationNode, of: &UnitPrice<'_>) -> Vec<ExplanationNode> {
        let (meter, price) = (self.meter(), of.price);
        let pooled = self.pooled().is_some() || self.metered().includes();
        let free = if pooled { Decimal::ZERO } else { free_units(meter) };
        let free_value = crate::pricing::float(free);
        let leaf = |name: &str, value: Decimal| {
            ExplanationNode::leaf(name, value.normalize(), &meter.unit, Basis::Priced, &of.source)
        };
        let none = || ExplanationNode::leaf("at least", 0, &meter.unit, Basis::Assumed, "");
        let per = price.per.map_or(Decimal::ONE, |per| per.0);
        let beyond_free = |billed: ExplanationNode| {
            if free.is_zero() {
                return billed;
            }
            let left = vec![billed, leaf("free each month", free)];
            let left = self.units(Basis::Difference, "units beyond those free", left);
            self.units(Basis::Maximum, "units that are paid", vec![left, none()])
        };
        let bounds = tiers(price);
        let mut to = billed;
        match price.mode.unwrap_or_default() {
            TierMode::Volume => {
                let reached = bounds
                    .iter()
                    .find(|(bound, _)| bound.is_none_or(|bound| to.number() <= crate::pricing::float(bound)));
                let amount = reached.and_then(|(_, amount)| *amount);
                return vec![self.part(
                    "all units at the price of their tier",
                    beyond_free(to),
                    amount,
                    of,
                )];
            }
            TierMode::Package => {
                let packages = vec![beyond_free(to), leaf("units of a package", per)];
                let packages = ExplanationNode::computed(Basis::Quotient, "packages", "packages", packages);
                let packages =
                    ExplanationNode::computed(Basis::Ceiling, "whole packages", "packages", vec![packages]);
                let mut parts = vec![self.units(
                    Basis::Product,
                    "units of whole packages",
                    vec![packages, leaf("units of a package", per)],
                )];
                if !free.is_zero() {
                    parts.push(leaf("free each month", free));
                }
                to = self.units(Basis::Sum, "units up to which tiers are paid", parts);
            }
            TierMode::Graduated => {}
        }
        if bounds.len() == 1 {
            return vec![self.part("units at one price", beyond_free(to), bounds[0].1, of)];
        }
        let (mut low, mut parts) = ((free_value, leaf("free each month", free)), Vec::new());
        for (bound, amount) in &bounds {
            let end = bound
                .map_or(f64::INFINITY, crate::pricing::float)
                .min(to.number());
            if end <= low.0 {
                continue;
            }
            let name = bound.map_or_else(
                || "above".to_owned(),
                |bound| format!("up to {}", bound.normalize()),
            );
            let high = match bound {
                Some(bound) => self.units(
                    Basis::Minimum,
                    format!("units {name}"),
                    vec![to.clone(), leaf("end of the tier", *bound)],
                ),
                None => to.clone(),
            };
            let within = if low.0 == 0.0 {
                high
            } else {
                self.units(
                    Basis::Difference,
                    format!("units of the tier {name}"),
                    vec![high, low.1.clone()],
                )
            };
            parts.push(self.part(&format!("tier {name}"), within, *amount, of));
            if let Some(bound) = bound {
                low = (end, leaf("end of the tier before", *bound));
            }
        }
        if parts.is_empty() {
            let first = bounds.first().and_then(|(_, amount)| *amount);
            parts.push(self.part("nothing beyond what is free", beyond_free(to), first, of));
        }
        parts
    }

    /// Units that pay one price; its cost is not known if the price is not.
    fn part(
        &self,
        name: &str,
        units: ExplanationNode,
        amount: Option<Decimal>,
        of: &UnitPrice<'_>,
    ) -> ExplanationNode {
        let currency = &self.metered().book.currency;
        let value = amount.map_or_else(unknown, |amount| amount.normalize().to_string());
        let unit = of.price.per.map_or_else(
            || of.unit.clone(),
            |per| format!("{currency} per {per} {}", self.meter().unit),
        );
        let price = ExplanationNode::leaf("price", value, unit, Basis::Priced, &of.source);
        let price = match of.price.per {
            Some(per) => {
                let per = ExplanationNode::leaf(
                    "units of the price",
                    per,
                    &self.meter().unit,
                    Basis::Priced,
                    &of.source,
                );
                let quotient =
                    ExplanationNode::computed(Basis::Quotient, "price of one", &of.unit, vec![price, per]);
                if amount.is_none() {
                    quotient.valued(unknown())
                } else {
                    quotient
                }
            }
            None => price,
        };
        let node = ExplanationNode::computed(Basis::Product, name, currency, vec![units, price]);
        if amount.is_none() {
            node.valued(unknown())
        } else {
            node
        }
    }
}
