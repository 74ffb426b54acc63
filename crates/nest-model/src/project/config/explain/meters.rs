//! Explanation of a meter: its quantity and its price by tiers.

use nest_data::{
    ScalingModel,
    config::{Driver, MeterUse},
    explanation::{Basis, ExplanationNode},
    price_book::Meter,
    projection::CostLine,
};
use rust_decimal::Decimal;

use super::{
    super::{
        PricedConfig,
        cold_start::{ColdStart, ColdStarts},
        inputs::ScenarioInputs,
        meters::{Counted, Metered, seen},
        placed::Host,
    },
    explain_demand, known_total, unknown,
};
use crate::error::ModelError;

impl<'a> PricedConfig<'a> {
    pub(super) fn explain_meter(
        &self,
        model: &ScalingModel,
        metered: &Metered<'a>,
        lines: &[&CostLine],
        customers: f64,
        inputs: &ScenarioInputs,
    ) -> Result<ExplanationNode, ModelError> {
        let mut parts = vec![self.explain_quantity(model, metered, customers, inputs)?];
        let source = seen(metered.book, &metered.meter.source);
        parts.extend(explain_price(metered.meter, &metered.book.currency, &source));
        if metered.book.currency != self.study.study.currency {
            parts.push(ExplanationNode::leaf(
                "rate of exchange",
                metered.exchange,
                format!("{} for 1 {}", self.study.study.currency, metered.book.currency),
                Basis::Assumed,
                "of the study",
            ));
        }
        let position = self.metered.iter().position(|one| std::ptr::eq(one, metered));
        let included = position.map(|position| self.included_decimal(position, customers, inputs));
        let included = included.transpose()?.unwrap_or_default();
        if !included.is_zero() {
            parts.push(ExplanationNode::leaf(
                "included by plans, the book and the units that run",
                included.normalize(),
                &metered.meter.unit,
                Basis::Priced,
                metered.book.name(),
            ));
        }
        Ok(ExplanationNode {
            name: metered.meter.id.clone(),
            value: known_total(lines.iter().copied()),
            unit: self.study.study.currency.clone(),
            basis: Basis::Tiers,
            detail: format!("price of the quantity, {source}"),
            parts,
        })
    }

    /// What a meter counts in a month, by behaviour.
    fn explain_quantity(
        &self,
        model: &ScalingModel,
        metered: &Metered<'a>,
        customers: f64,
        inputs: &ScenarioInputs,
    ) -> Result<ExplanationNode, ModelError> {
        let meter = metered.meter;
        let quantity = self.quantity(metered, inputs);
        let (by_behaviour, shared) = self.decimals(&quantity, customers, inputs)?;
        let mut parts: Vec<ExplanationNode> = by_behaviour
            .iter()
            .enumerate()
            .filter(|(_, units)| !units.is_zero())
            .map(|(position, units)| ExplanationNode {
                name: format!("{} for {}", meter.unit, self.behaviours[position]),
                value: units.normalize().to_string(),
                unit: meter.unit.clone(),
                basis: Basis::Formula,
                detail: "customers x executions a day x days x what one of them uses".to_owned(),
                parts: self.explain_metered_behaviour(model, metered, position, customers, inputs),
            })
            .collect();
        if !shared.is_zero() {
            parts.push(ExplanationNode {
                name: format!("{} that no single behaviour causes", meter.unit),
                value: shared.normalize().to_string(),
                unit: meter.unit.clone(),
                basis: Basis::Assumed,
                detail: "as the configuration counts".to_owned(),
                parts: self.explain_shared(metered, customers, inputs),
            });
        }
        let all = by_behaviour.iter().sum::<Decimal>() + shared;
        Ok(ExplanationNode {
            name: format!("quantity of {}", meter.id),
            value: all.normalize().to_string(),
            unit: meter.unit.clone(),
            basis: Basis::Sum,
            detail: "of all behaviours".to_owned(),
            parts,
        })
    }

    /// What the metered quantity of one behaviour is computed from.
    fn explain_metered_behaviour(
        &self,
        model: &ScalingModel,
        metered: &Metered<'a>,
        position: usize,
        customers: f64,
        inputs: &ScenarioInputs,
    ) -> Vec<ExplanationNode> {
        let name = &self.behaviours[position];
        let mut parts = vec![
            ExplanationNode::leaf("customers", customers, "customers", Basis::Assumed, "asked for"),
            self.explain_rate(name, inputs.rates_per_day[position]),
            ExplanationNode::leaf(
                "days of a month",
                nest_data::units::DAYS_PER_MONTH,
                "days",
                Basis::Assumed,
                "365 / 12",
            ),
            ExplanationNode::leaf(
                "requests of an execution",
                self.requests[position],
                "requests",
                Basis::Measured,
                &model.run,
            ),
        ];
        parts.extend(self.explain_counts(model, metered, position, inputs));
        let counts_bytes = metered.uses.iter().any(|counted| match counted {
            Counted::Stated(used) => used.driver() == Driver::BytesSent,
            _ => false,
        });
        if counts_bytes {
            parts.push(ExplanationNode::leaf(
                "bytes of an execution",
                inputs.bytes[position],
                "bytes",
                Basis::Measured,
                &model.run,
            ));
        } else {
            parts.extend(self.explain_function(model, name, position, inputs));
        }
        parts
    }

    /// What a quantity that no single behaviour causes is made of: of a load balancer each of the quantities
    /// of which the largest is billed, of others what drives them.
    fn explain_shared(
        &self,
        metered: &Metered<'a>,
        customers: f64,
        inputs: &ScenarioInputs,
    ) -> Vec<ExplanationNode> {
        let mut parts = Vec::new();
        for counted in &metered.uses {
            match counted {
                Counted::UnitHours(placed, times) => {
                    parts.push(self.explain_unit_hours(*placed, customers, inputs));
                    parts.push(per_each(*times, "for each hour of a unit"));
                }
                Counted::Stated(used) if used.driver() == Driver::Largest => {
                    parts.extend(self.explain_dimensions(metered.meter, used, customers, inputs));
                }
                Counted::Stated(used) => {
                    let driver = used.driver();
                    parts.push(per_each(used.times(), &format!("for each of {}", driver.label())));
                    if driver == Driver::Instances {
                        let units = (0..self.placed.len())
                            .filter(|index| matches!(self.placed[*index].host, Host::Units(_)));
                        parts.extend(units.map(|index| self.explain_unit_hours(index, customers, inputs)));
                    }
                }
                _ => {}
            }
        }
        parts
    }

    fn explain_unit_hours(&self, placed: usize, customers: f64, inputs: &ScenarioInputs) -> ExplanationNode {
        ExplanationNode::leaf(
            format!("hours of the units of {}", self.placed[placed].label),
            self.unit_hours(placed, customers, inputs),
            "h a month",
            Basis::Fitted,
            "units that run x hours of a month",
        )
    }

    /// Each quantity of a load balancer in capacity units, and what they assume.
    fn explain_dimensions(
        &self,
        meter: &Meter,
        used: &MeterUse,
        customers: f64,
        inputs: &ScenarioInputs,
    ) -> Vec<ExplanationNode> {
        let units = self.capacity_units(meter, used, inputs);
        let mut parts: Vec<ExplanationNode> = units
            .into_iter()
            .map(|(dimension, each)| {
                ExplanationNode::leaf(
                    format!("{} of a mean hour", dimension.quantity),
                    each * customers,
                    "capacity units",
                    Basis::Fitted,
                    format!(
                        "{} {} make one; the largest is billed",
                        dimension.per_unit, dimension.unit
                    ),
                )
            })
            .collect();
        parts.push(ExplanationNode::leaf(
            "requests of a connection",
            used.requests_per_connection(),
            "requests",
            Basis::Assumed,
            "of the study; 1 where it does not say",
        ));
        let behind = (0..self.behaviours.len()).filter(|index| self.is_balanced(*index, used));
        let behind: Vec<&str> = behind.map(|index| self.behaviours[index].as_str()).collect();
        parts.push(ExplanationNode::leaf(
            "behaviours behind the load balancer",
            behind.len(),
            "behaviours",
            Basis::Assumed,
            behind.join(", "),
        ));
        parts
    }

    /// What an execution adds to the counts by which a meter is paid, and the units for each of them.
    fn explain_counts(
        &self,
        model: &ScalingModel,
        metered: &Metered<'a>,
        position: usize,
        inputs: &ScenarioInputs,
    ) -> Vec<ExplanationNode> {
        let name = &self.behaviours[position];
        let used = metered.uses.iter().filter_map(|counted| match counted {
            Counted::Stated(used) if used.counts(name) && used.count().is_some() => Some(used),
            _ => None,
        });
        let leaf = |count: &str| {
            let amount = inputs.counts.get(count)?[position];
            let is_stated = self.study.behaviours.get(name)?.stated_amount(count).is_some();
            let (basis, detail) = if is_stated {
                (Basis::Assumed, format!("behaviours/{name}.toml"))
            } else {
                (Basis::Measured, format!("mean of an execution, {}", model.run))
            };
            let name = format!("{count} of an execution");
            Some(ExplanationNode::leaf(name, amount, count, basis, detail))
        };
        let mut parts = Vec::new();
        for used in used {
            parts.extend(used.named_counts().filter_map(leaf));
            parts.push(ExplanationNode::leaf(
                "units for each",
                used.times(),
                &metered.meter.unit,
                Basis::Assumed,
                "`times` of the study; 1 where it says nothing",
            ));
        }
        parts
    }

    /// What makes the duration of a function.
    fn explain_function(
        &self,
        model: &ScalingModel,
        behaviour: &str,
        position: usize,
        inputs: &ScenarioInputs,
    ) -> Vec<ExplanationNode> {
        let functions = self
            .placed
            .iter()
            .enumerate()
            .filter(|(_, placed)| placed.carries[position]);
        let mut parts = Vec::new();
        for (index, placed) in functions {
            let Host::Function(function) = &placed.host else {
                continue;
            };
            parts.push(explain_demand(
                model,
                &placed.placement.tier,
                behaviour,
                inputs.placed[index].cpu_s[position],
            ));
            parts.push(ExplanationNode::leaf(
                "response at light load",
                self.light_request_s[position],
                "s",
                Basis::Measured,
                &model.run,
            ));
            parts.push(ExplanationNode::leaf(
                "memory",
                function.memory_gib,
                "GiB",
                Basis::Assumed,
                "of the study, as billed",
            ));
            parts.push(ExplanationNode::leaf(
                "share of a processor",
                function.processor_share,
                "",
                Basis::Priced,
                placed.book.name(),
            ));
            parts.extend(explain_cold_starts(
                &function.cold_starts,
                inputs.placed[index].cold_start,
            ));
            parts.push(ExplanationNode::leaf(
                "duration of a request",
                self.duration_s(index, position, inputs),
                "s",
                Basis::Fitted,
                "processor time at that share, the waiting measured at light load, and cold starts",
            ));
        }
        parts
    }
}

/// Units of a meter for each of what drives it.
fn per_each(times: f64, of: &str) -> ExplanationNode {
    ExplanationNode::leaf("units of the meter", times, "units", Basis::Assumed, of)
}

/// How often requests meet a cold start and how long one takes; nothing where none are counted.
fn explain_cold_starts(known: &ColdStarts, counted: ColdStart) -> Vec<ExplanationNode> {
    let (of_share, of_time) = match known {
        ColdStarts::Unknown { .. } => return Vec::new(),
        ColdStarts::Stated(_) => ("of the study".to_owned(), "of the study".to_owned()),
        ColdStarts::Assumed(range) => {
            let ([low, high], [short, long], [from, to]) = (range.share, range.extra_ms, &range.observed);
            (
                format!("{low} to {high}, public figures from {from} to {to}"),
                format!("{short} to {long} ms, public figures from {from} to {to}"),
            )
        }
    };
    vec![
        ExplanationNode::leaf(
            "share of requests that meet a cold start",
            counted.share,
            "",
            Basis::Assumed,
            of_share,
        ),
        ExplanationNode::leaf(
            "time of a cold start",
            counted.extra_s,
            "s",
            Basis::Assumed,
            of_time,
        ),
    ]
}

fn explain_price(meter: &Meter, currency: &str, source: &str) -> Vec<ExplanationNode> {
    let Some(price) = &meter.price else {
        return vec![ExplanationNode::leaf(
            &meter.id,
            unknown(),
            &meter.unit,
            Basis::Priced,
            format!("price not known, {source}"),
        )];
    };
    let per = price.per.map_or_else(String::new, |per| format!("{per} "));
    let unit = format!("{currency} per {per}{}", meter.unit);
    let mut parts: Vec<ExplanationNode> = price
        .amount
        .iter()
        .map(|amount| ExplanationNode::leaf("price", amount, &unit, Basis::Priced, source))
        .collect();
    parts.extend(price.tiers.iter().map(|tier| {
        let bound = tier
            .up_to
            .map_or_else(|| "above".to_owned(), |bound| format!("up to {bound}"));
        let amount = tier.amount.map_or_else(unknown, |amount| amount.to_string());
        ExplanationNode::leaf(format!("price {bound}"), amount, &unit, Basis::Priced, source)
    }));
    let lasting = meter.free.iter().filter(|free| free.kind.lasts());
    parts.extend(lasting.map(|free| {
        ExplanationNode::leaf(
            "free each month",
            free.quantity,
            &meter.unit,
            Basis::Priced,
            source,
        )
    }));
    parts
}
