//! Explanation of a bill: a tree of everything that it is computed from. Sums are exact; products and
//! formulas give the digits that are shown.

mod meters;
mod units;

use nest_data::{
    Estimate, ScalingModel,
    explanation::{Basis, ExplanationNode},
    measurement::ResourceKind,
    projection::CostLine,
};
use rust_decimal::Decimal;

use super::{PricedConfig, bill::BillPart, decimal, inputs::ScenarioInputs};
use crate::error::ModelError;

impl<'a> PricedConfig<'a> {
    /// The cost of a month: a node for each placement's units, each meter, each fixed amount; they sum to it
    /// exactly.
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
            value: known_total(lines.iter()),
            unit: self.study.study.currency.clone(),
            basis: Basis::Sum,
            detail: format!(
                "{} lines of the bill at {customers} customers{}",
                lines.len(),
                without_price(&lines)
            ),
            parts: nodes,
        })
    }

    /// A line of the bill that has nothing below it but its price: a fixed amount, a discount.
    fn leaf_of(&self, line: &CostLine) -> ExplanationNode {
        let amount = line.amount.map_or_else(unknown, |amount| amount.to_string());
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
}

/// Processor time of one execution.
pub fn explain_demand(model: &ScalingModel, tier: &str, behaviour: &str, value: f64) -> ExplanationNode {
    let resource = model
        .resources
        .iter()
        .find(|resource| resource.kind == ResourceKind::Cpu && resource.tier == tier);
    let estimate: Option<&Estimate> = resource.and_then(|resource| resource.demand.get(behaviour));
    let interval = estimate.map_or_else(String::new, |demand| {
        format!(", 90 % interval {} to {}", demand.low, demand.high)
    });
    ExplanationNode {
        name: format!("demand of {behaviour} on {}", ResourceKind::Cpu.name_in(tier)),
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

/// Where a fitted number comes from.
fn fitted(model: &ScalingModel) -> String {
    format!("regression over the steps of run {}", model.run)
}

/// The value of a node whose price is not known. It is never shown as 0.
fn unknown() -> String {
    "unknown".to_owned()
}

/// Sum of the lines that have a price; unknown if none of them has one.
fn known_total<'l>(lines: impl Iterator<Item = &'l CostLine>) -> String {
    let amounts: Vec<Option<Decimal>> = lines.map(|line| line.amount.map(|amount| amount.0)).collect();
    if !amounts.is_empty() && amounts.iter().all(Option::is_none) {
        return unknown();
    }
    amounts
        .into_iter()
        .flatten()
        .sum::<Decimal>()
        .normalize()
        .to_string()
}

/// What a sum leaves out, in words.
fn without_price(lines: &[CostLine]) -> String {
    match lines.iter().filter(|line| line.amount.is_none()).count() {
        0 => String::new(),
        count => format!("; at least, {count} without a known price"),
    }
}

fn sum(name: String, lines: &[CostLine], currency: &str, parts: Vec<ExplanationNode>) -> ExplanationNode {
    ExplanationNode {
        name,
        value: known_total(lines.iter()),
        unit: currency.to_owned(),
        basis: Basis::Sum,
        detail: format!("by what binds them{}", without_price(lines)),
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
