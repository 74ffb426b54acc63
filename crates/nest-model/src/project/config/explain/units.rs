//! Explanation of the units of a placement: demands, rates and prices.

use nest_data::{
    ScalingModel,
    explanation::{Basis, ExplanationNode},
    price_book::Instance,
    projection::{CostDriver, CostLine},
};
use rust_decimal::Decimal;

use super::{
    super::{
        PricedConfig,
        inputs::ScenarioInputs,
        meters::seen,
        placed::{Host, SizedPlacement, Units},
        units::Sizing,
    },
    explain_demand, fitted,
};

impl PricedConfig<'_> {
    pub(super) fn explain_unit_line(
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
        let price = self.explain_unit_price(placed, instance, *per_hour);
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

    /// The formula of the units of a line, in words.
    fn formula_of(&self, driver: CostDriver) -> &'static str {
        match driver {
            CostDriver::Behaviour => {
                "customers x executions a day x peak_hour_share x burst / 3600 x demand / speed x change \
                 with load x mean load / cores"
            }
            CostDriver::Idle => "units needed x mean load x use without load / cores",
            CostDriver::Reserve => "units needed x mean load x reserve",
            CostDriver::Queueing => "units needed x mean load x headroom for queueing",
            CostDriver::Forecast => {
                "units needed x mean load x (1 - headroom for queueing) x headroom for forecast"
            }
            CostDriver::Objective => {
                "units needed x mean load x (1 - reserve - utilisation that the objective allows)"
            }
            CostDriver::Rounding => "whole units that run, less the units of all other lines",
            _ => "units beyond those needed",
        }
    }

    /// Price of one unit for a month.
    fn explain_unit_price(
        &self,
        placed: &SizedPlacement<'_>,
        instance: &Instance,
        per_hour: Decimal,
    ) -> ExplanationNode {
        let per_month = per_hour * placed.book.month_hours.0 * placed.exchange;
        ExplanationNode {
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
                    seen(placed.book, &instance.source),
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
        }
    }

    /// What the units of a line are computed from: the customers, then what its driver needs.
    fn explain_units(
        &self,
        model: &ScalingModel,
        index: usize,
        line: &CostLine,
        customers: f64,
        inputs: &ScenarioInputs,
    ) -> Vec<ExplanationNode> {
        let sizing = self.sizing(index, inputs).expect("units have a sizing");
        let mut parts = vec![ExplanationNode::leaf(
            "customers",
            customers,
            "customers",
            Basis::Assumed,
            "asked for",
        )];
        match (&line.behaviour, line.driver) {
            (Some(behaviour), _) => {
                parts.extend(self.explain_load(model, index, behaviour, inputs));
                parts.extend(self.explain_load_per_core(index, &sizing));
            }
            (None, driver) => {
                parts.push(units_needed(&sizing, customers));
                match driver {
                    CostDriver::Rounding | CostDriver::Spare => {
                        let counts = self.counts(index, customers, inputs);
                        parts.extend(units_running(&sizing, counts.map_or(0.0, |counts| counts.mean())));
                    }
                    CostDriver::Idle => parts.extend([
                        self.explain_mean_load(index),
                        ExplanationNode::leaf(
                            "use without load",
                            sizing.idle,
                            "cores",
                            Basis::Fitted,
                            fitted(model),
                        ),
                        self.cores_of_unit(index, &sizing),
                    ]),
                    CostDriver::Queueing | CostDriver::Forecast => {
                        parts.push(self.explain_mean_load(index));
                        parts.extend(self.explain_headroom(index));
                    }
                    _ => {
                        parts.push(self.explain_mean_load(index));
                        parts.extend(target_utilisation(&sizing));
                    }
                }
            }
        }
        parts
    }

    /// What turns the busiest hour's demand into the units of a mean hour.
    fn explain_load_per_core(&self, index: usize, sizing: &Sizing) -> [ExplanationNode; 3] {
        [
            ExplanationNode::leaf(
                "change of demand with load",
                sizing.law.factor(sizing.target),
                "",
                Basis::Fitted,
                "at the utilisation that units are bought for",
            ),
            self.explain_mean_load(index),
            self.cores_of_unit(index, sizing),
        ]
    }

    fn explain_mean_load(&self, index: usize) -> ExplanationNode {
        ExplanationNode::leaf(
            "mean load over the busiest hour's",
            self.mean_load(index),
            "",
            Basis::Assumed,
            "profile of the week; 1 where units stay",
        )
    }

    /// What a study keeps free by purpose.
    fn explain_headroom(&self, index: usize) -> Vec<ExplanationNode> {
        let Some(headroom) = &self.placed[index].placement.headroom else {
            return Vec::new();
        };
        let purposes = [
            ("headroom for queueing", headroom.queueing),
            ("headroom for forecast", headroom.forecast),
        ];
        let leaf = |(name, share): (&str, nest_data::units::Share)| {
            ExplanationNode::leaf(name, share.get(), "", Basis::Assumed, "of the study")
        };
        purposes.into_iter().map(leaf).collect()
    }

    fn cores_of_unit(&self, index: usize, sizing: &Sizing) -> ExplanationNode {
        ExplanationNode::leaf(
            "cores of a unit",
            sizing.cores,
            "vCPU",
            Basis::Priced,
            self.placed[index].shape(false),
        )
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
            .expect("lines of a bill name behaviours of its study");
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
}

fn units_needed(sizing: &Sizing, customers: f64) -> ExplanationNode {
    ExplanationNode::leaf(
        "units needed",
        rounded(sizing.exact_instances(customers)),
        "units",
        Basis::Fitted,
        "busy / (target x cores - idle), before rounding up",
    )
}

fn units_running(sizing: &Sizing, running: f64) -> [ExplanationNode; 2] {
    [
        ExplanationNode::leaf(
            "units that run",
            rounded(running),
            "units",
            Basis::Fitted,
            "rounded up, at least `min`, spare ones among them",
        ),
        ExplanationNode::leaf("spare", sizing.spare, "units", Basis::Assumed, "of the study"),
    ]
}

/// A number without the noise of its last digits.
fn rounded(number: f64) -> f64 {
    let digits = 12 - number.abs().log10().ceil() as i32;
    let unit = 10_f64.powi(digits);
    if number.is_finite() && number != 0.0 {
        (number * unit).round() / unit
    } else {
        number
    }
}

fn target_utilisation(sizing: &Sizing) -> [ExplanationNode; 2] {
    [
        ExplanationNode::leaf(
            "reserve",
            sizing.reserve,
            "",
            Basis::Assumed,
            "policy of the study",
        ),
        ExplanationNode::leaf(
            "utilisation units are bought for",
            sizing.target,
            "",
            Basis::Fitted,
            "1 - reserve, or less where an objective asks for it",
        ),
    ]
}
