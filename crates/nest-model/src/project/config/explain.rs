//! A bill opened down to what it rests on. Sums are exact; products and formulas give the digits that are shown.

use nest_data::{
    Estimate, ScalingModel,
    explanation::{Basis, ExplanationNode},
    price_book::Meter,
    projection::{CostDriver, CostLine},
};
use rust_decimal::Decimal;

use super::{
    PricedConfig,
    bill::{BillPart, total},
    decimal,
    inputs::ScenarioInputs,
    meters::{Metered, seen},
    placed::{Host, Units},
};
use crate::error::ModelError;

impl<'a> PricedConfig<'a> {
    /// The cost of a month: a node for each placement's units, each meter, each fixed amount; they sum to it exactly.
    pub fn explain_cost(
        &self,
        model: &ScalingModel,
        customers: f64,
        inputs: &ScenarioInputs,
    ) -> Result<ExplanationNode, ModelError> {
        let mut nodes = Vec::new();
        let mut lines = Vec::new();
        for (part, of) in self.parts(customers, inputs)? {
            match part {
                BillPart::Units(index) if !of.is_empty() => {
                    let of_line =
                        |line: &CostLine| self.explain_unit_line(model, index, line, customers, inputs);
                    nodes.push(sum(
                        self.placed[index].label.clone(),
                        &of,
                        &self.study.study.currency,
                        of.iter().map(of_line).collect(),
                    ));
                }
                BillPart::Meter(index) if self.metered[index].share().is_none() && !of.is_empty() => {
                    let metered = &self.metered[index];
                    let (counted, contract): (Vec<&CostLine>, Vec<&CostLine>) =
                        of.iter().partition(|line| line.meter == metered.meter.id);
                    nodes.push(self.explain_meter(model, metered, &counted, customers, inputs)?);
                    nodes.extend(contract.into_iter().map(|line| self.leaf_of(line)));
                }
                _ => nodes.extend(of.iter().map(|line| self.leaf_of(line))),
            }
            lines.extend(of);
        }
        Ok(ExplanationNode {
            name: format!("cost of a month on `{}`", self.name),
            value: total(&lines).normalize().to_string(),
            unit: self.study.study.currency.clone(),
            basis: Basis::Sum,
            detail: format!("{} lines of the bill at {customers} customers", lines.len()),
            parts: nodes,
        })
    }

    /// A line of the bill that has nothing below it but its price: a fixed amount, a discount.
    fn leaf_of(&self, line: &CostLine) -> ExplanationNode {
        let amount = line
            .amount
            .map_or_else(|| "0".to_owned(), |amount| amount.to_string());
        let basis = if line.source == super::STUDY {
            Basis::Assumed
        } else {
            Basis::Priced
        };
        let known = if line.amount.is_some() {
            ""
        } else {
            ", price not known"
        };
        let detail = format!(
            "{} {} ({}{known}), {}",
            line.quantity,
            line.unit,
            line.driver.label(),
            line.source
        );
        ExplanationNode::leaf(&line.meter, amount, &self.study.study.currency, basis, detail)
    }

    fn explain_unit_line(
        &self,
        model: &ScalingModel,
        index: usize,
        line: &CostLine,
        customers: f64,
        inputs: &ScenarioInputs,
    ) -> ExplanationNode {
        let placed = &self.placed[index];
        let Host::Units(Units {
            instance: Some(instance),
            per_hour: Some(per_hour),
            ..
        }) = &placed.host
        else {
            return self.leaf_of(line);
        };
        let changes_price = matches!(line.driver, CostDriver::Discount | CostDriver::Unused);
        let Some(amount) = line.amount.filter(|_| !changes_price) else {
            return self.leaf_of(line);
        };
        let source = seen(placed.book, &instance.source);
        let per_month = *per_hour * placed.book.month_hours.0 * placed.exchange;
        let price = ExplanationNode {
            name: format!("price of one {} for a month", instance.sku),
            value: per_month.normalize().to_string(),
            unit: self.study.study.currency.clone(),
            basis: Basis::Product,
            detail: "price per hour x hours of a month".to_owned(),
            parts: vec![
                ExplanationNode::leaf(
                    &instance.sku,
                    per_hour.normalize(),
                    format!("{}/h", placed.book.currency),
                    Basis::Priced,
                    &source,
                ),
                ExplanationNode::leaf(
                    "hours of a month",
                    placed.book.month_hours,
                    "h",
                    Basis::Priced,
                    placed.book.name(),
                ),
                ExplanationNode::leaf(
                    "rate of exchange",
                    placed.exchange,
                    &self.study.study.currency,
                    Basis::Assumed,
                    "of the study; 1 in one currency",
                ),
            ],
        };
        let quantity = ExplanationNode {
            name: format!(
                "{} for {}",
                line.unit,
                line.behaviour.as_deref().unwrap_or(line.driver.label())
            ),
            value: line.quantity.to_string(),
            unit: line.unit.clone(),
            basis: Basis::Formula,
            detail: self.formula_of(line.driver).to_owned(),
            parts: self.explain_units(model, index, line, customers, inputs),
        };
        ExplanationNode {
            name: line
                .behaviour
                .clone()
                .unwrap_or_else(|| line.driver.label().to_owned()),
            value: amount.to_string(),
            unit: self.study.study.currency.clone(),
            basis: Basis::Product,
            detail: "units x price".to_owned(),
            parts: vec![quantity, price],
        }
    }

    /// How the units of a line come about.
    fn formula_of(&self, driver: CostDriver) -> &'static str {
        match driver {
            CostDriver::Behaviour => {
                "customers x executions a day x peak_hour_share x burst / 3600 x demand / speed x change with load x mean load / cores"
            }
            CostDriver::Idle => "units needed x use without load / cores",
            CostDriver::Reserve => "units needed x reserve",
            CostDriver::Queueing => "units needed x headroom for queueing",
            CostDriver::Forecast => "units needed x (1 - headroom for queueing) x headroom for forecast",
            CostDriver::Objective => "units needed x (1 - reserve - utilisation that the objective allows)",
            CostDriver::Rounding => "whole units that run, less the units of all other lines",
            _ => "units beyond those needed",
        }
    }

    fn explain_units(
        &self,
        model: &ScalingModel,
        index: usize,
        line: &CostLine,
        customers: f64,
        inputs: &ScenarioInputs,
    ) -> Vec<ExplanationNode> {
        let placed = &self.placed[index];
        let sizing = self.sizing(index, inputs).expect("units have a sizing");
        let mut parts = vec![ExplanationNode::leaf(
            "customers",
            customers,
            "customers",
            Basis::Assumed,
            "asked for",
        )];
        let cores = ExplanationNode::leaf(
            "cores of a unit",
            sizing.cores,
            "vCPU",
            Basis::Priced,
            placed.shape(false),
        );
        match (&line.behaviour, line.driver) {
            (Some(behaviour), _) => {
                parts.extend(self.explain_load(model, index, behaviour, inputs));
                parts.push(ExplanationNode::leaf(
                    "change of demand with load",
                    sizing.law.factor(sizing.target),
                    "",
                    Basis::Fitted,
                    "at the utilisation that units are bought for",
                ));
                parts.push(ExplanationNode::leaf(
                    "mean load over the busiest hour's",
                    self.mean_load(index),
                    "",
                    Basis::Assumed,
                    "profile of the week; 1 where units stay",
                ));
                parts.push(cores);
            }
            (None, CostDriver::Rounding | CostDriver::Spare) => {
                let running = self
                    .counts(index, customers, inputs)
                    .map_or(0.0, |counts| counts.mean());
                parts.push(ExplanationNode::leaf(
                    "units needed",
                    sizing.exact_instances(customers),
                    "units",
                    Basis::Fitted,
                    "busy / (target x cores - idle), before rounding up",
                ));
                parts.push(ExplanationNode::leaf(
                    "units that run",
                    running,
                    "units",
                    Basis::Fitted,
                    "rounded up, at least `min`, spare ones among them",
                ));
                parts.push(ExplanationNode::leaf(
                    "spare",
                    sizing.spare,
                    "units",
                    Basis::Assumed,
                    "of the study",
                ));
            }
            (None, driver) => {
                parts.push(ExplanationNode::leaf(
                    "units needed",
                    sizing.exact_instances(customers),
                    "units",
                    Basis::Fitted,
                    "busy / (target x cores - idle), before rounding up",
                ));
                if driver == CostDriver::Idle {
                    parts.push(ExplanationNode::leaf(
                        "use without load",
                        sizing.idle,
                        "cores",
                        Basis::Fitted,
                        fitted(model),
                    ));
                    parts.push(cores);
                } else {
                    parts.push(ExplanationNode::leaf(
                        "reserve",
                        sizing.reserve,
                        "",
                        Basis::Assumed,
                        "policy of the study",
                    ));
                    parts.push(ExplanationNode::leaf(
                        "utilisation units are bought for",
                        sizing.target,
                        "",
                        Basis::Fitted,
                        "1 - reserve, or less where an objective asks for it",
                    ));
                }
            }
        }
        parts
    }

    /// What a behaviour of one customer asks of a placement.
    fn explain_load(
        &self,
        model: &ScalingModel,
        index: usize,
        behaviour: &str,
        inputs: &ScenarioInputs,
    ) -> Vec<ExplanationNode> {
        let position = self
            .behaviours
            .iter()
            .position(|name| name == behaviour)
            .unwrap_or_default();
        let customers = &self.study.customers;
        let (range, assumed) = self.placed[index].speed();
        let speed_from = if assumed {
            "assumed, never calibrated"
        } else {
            "of the study"
        };
        vec![
            self.explain_rate(behaviour, inputs.rates_per_day[position]),
            ExplanationNode::leaf(
                "peak_hour_share",
                customers.peak_hour_share(),
                "of a day",
                Basis::Assumed,
                "of the study",
            ),
            ExplanationNode::leaf("burst", customers.burst, "", Basis::Assumed, "of the study"),
            explain_demand(
                model,
                &self.placed[index].placement.tier,
                behaviour,
                inputs.placed[index].cpu_s[position],
            ),
            ExplanationNode::leaf(
                "speed of a virtual CPU",
                inputs.placed[index].speed,
                "measured cores",
                Basis::Assumed,
                format!("{} to {}, {speed_from}", range[0], range[1]),
            ),
        ]
    }

    /// Executions of a behaviour per customer and day.
    pub fn explain_rate(&self, behaviour: &str, per_day: f64) -> ExplanationNode {
        let formula = self
            .study
            .rates
            .get(behaviour)
            .map_or_else(String::new, ToString::to_string);
        let parameters = self
            .study
            .rates
            .get(behaviour)
            .map_or_else(Vec::new, |rate| rate.formula().names());
        let values = self.study.parameter_values();
        let parts = parameters
            .iter()
            .filter_map(|name| {
                Some(ExplanationNode::leaf(
                    name,
                    values.get(name)?,
                    "",
                    Basis::Assumed,
                    "parameter of the study",
                ))
            })
            .collect::<Vec<ExplanationNode>>();
        ExplanationNode {
            name: format!("executions of {behaviour}"),
            value: per_day.to_string(),
            unit: "per customer and day".to_owned(),
            basis: if parts.is_empty() {
                Basis::Assumed
            } else {
                Basis::Formula
            },
            detail: formula,
            parts,
        }
    }

    fn explain_meter(
        &self,
        model: &ScalingModel,
        metered: &Metered<'a>,
        lines: &[&CostLine],
        customers: f64,
        inputs: &ScenarioInputs,
    ) -> Result<ExplanationNode, ModelError> {
        let quantity = self.quantity(metered, inputs);
        let (by_behaviour, shared) = self.decimals(&quantity, customers, inputs)?;
        let mut counted = Vec::new();
        for (position, units) in by_behaviour
            .iter()
            .enumerate()
            .filter(|(_, units)| !units.is_zero())
        {
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
            parts.extend(self.explain_function(model, name, position, inputs));
            counted.push(ExplanationNode {
                name: format!("{} for {name}", metered.meter.unit),
                value: units.normalize().to_string(),
                unit: metered.meter.unit.clone(),
                basis: Basis::Formula,
                detail: "customers x executions a day x days x what one of them uses".to_owned(),
                parts,
            });
        }
        if !shared.is_zero() {
            counted.push(ExplanationNode::leaf(
                format!("{} that no behaviour causes", metered.meter.unit),
                shared.normalize(),
                &metered.meter.unit,
                Basis::Assumed,
                "as the configuration counts",
            ));
        }
        let all = by_behaviour.iter().sum::<Decimal>() + shared;
        let quantity = ExplanationNode {
            name: format!("quantity of {}", metered.meter.id),
            value: all.normalize().to_string(),
            unit: metered.meter.unit.clone(),
            basis: Basis::Sum,
            detail: "of all behaviours".to_owned(),
            parts: counted,
        };
        let mut parts = vec![quantity];
        parts.extend(explain_price(
            metered.meter,
            &seen(metered.book, &metered.meter.source),
        ));
        if !metered.included.is_zero() {
            parts.push(ExplanationNode::leaf(
                "included in the plan",
                metered.included.normalize(),
                &metered.meter.unit,
                Basis::Priced,
                metered.book.name(),
            ));
        }
        Ok(ExplanationNode {
            name: metered.meter.id.clone(),
            value: lines
                .iter()
                .filter_map(|line| line.amount.map(|amount| amount.0))
                .sum::<Decimal>()
                .normalize()
                .to_string(),
            unit: self.study.study.currency.clone(),
            basis: Basis::Tiers,
            detail: format!(
                "price of the quantity, {}",
                seen(metered.book, &metered.meter.source)
            ),
            parts,
        })
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
            parts.push(ExplanationNode::leaf(
                "duration of a request",
                self.duration_s(index, position, inputs),
                "s",
                Basis::Fitted,
                "processor time at that share, and the waiting measured at light load",
            ));
        }
        parts
    }
}

/// Processor time of one execution.
pub fn explain_demand(model: &ScalingModel, tier: &str, behaviour: &str, value: f64) -> ExplanationNode {
    let resource = model
        .resources
        .iter()
        .find(|resource| resource.name == format!("{tier}/cpu"));
    let estimate: Option<&Estimate> = resource.and_then(|resource| resource.demand.get(behaviour));
    let interval = estimate.map_or_else(String::new, |demand| {
        format!(", 90 % interval {} to {}", demand.low, demand.high)
    });
    ExplanationNode {
        name: format!("demand of {behaviour} on {tier}/cpu"),
        value: value.to_string(),
        unit: "s per execution".to_owned(),
        basis: Basis::Fitted,
        detail: format!("{}{interval}", fitted(model)),
        parts: vec![ExplanationNode::leaf(
            "steps measured",
            model.points.len(),
            "steps",
            Basis::Measured,
            format!("run {} on {}", model.run, model.measured_at),
        )],
    }
}

fn fitted(model: &ScalingModel) -> String {
    format!("regression over the steps of run {}", model.run)
}

fn explain_price(meter: &Meter, source: &str) -> Vec<ExplanationNode> {
    let Some(price) = &meter.price else {
        return vec![ExplanationNode::leaf(
            &meter.id,
            "0",
            &meter.unit,
            Basis::Priced,
            format!("price not known, {source}"),
        )];
    };
    let per = price.per.map_or_else(String::new, |per| format!("{per} "));
    let unit = format!("per {per}{}", meter.unit);
    let mut parts: Vec<ExplanationNode> = price
        .amount
        .iter()
        .map(|amount| ExplanationNode::leaf("price", amount, &unit, Basis::Priced, source))
        .collect();
    parts.extend(price.tiers.iter().map(|tier| {
        let bound = tier
            .up_to
            .map_or_else(|| "above".to_owned(), |bound| format!("up to {bound}"));
        let amount = tier
            .amount
            .map_or_else(|| "not known".to_owned(), |amount| amount.to_string());
        ExplanationNode::leaf(format!("price {bound}"), amount, &unit, Basis::Priced, source)
    }));
    parts.extend(meter.free.iter().map(|free| {
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

fn sum(name: String, lines: &[CostLine], currency: &str, parts: Vec<ExplanationNode>) -> ExplanationNode {
    ExplanationNode {
        name,
        value: total(lines).normalize().to_string(),
        unit: currency.to_owned(),
        basis: Basis::Sum,
        detail: "by what binds them".to_owned(),
        parts,
    }
}

/// A customer count as a decimal node.
pub fn thousands(customers: f64, config: &str) -> Result<ExplanationNode, ModelError> {
    let thousands = decimal(customers, config)? / Decimal::ONE_THOUSAND;
    Ok(ExplanationNode::leaf(
        "thousands of customers",
        thousands.normalize(),
        "1,000 customers",
        Basis::Assumed,
        "asked for",
    ))
}
