//! Explanation of a bill: a tree of everything that it is computed from.
//!
//! `units`: lines of a placement's units, `counts`: how many of them run; `meters`: price of a metered
//! quantity, `quantities` and `functions`: what makes it; `rates`: what customers do and what an execution
//! uses.

mod counts;
mod functions;
mod meters;
mod quantities;
mod rates;
mod units;

use nest_data::{
    ScalingModel,
    explanation::{Basis, ExplanationNode, UNKNOWN},
    projection::{CostDriver, CostLine, QuantityBasis},
};
use rust_decimal::Decimal;

use self::{counts::ExplainedUnits, meters::ExplainedMeter, rates::explain_demand, units::unused};
use super::{PricedConfig, bill::BillPart, inputs::ScenarioInputs, placed::Host};
use crate::error::ModelError;

/// How far a computed number may lie from the one it explains, relative: rounding errors alone.
const NEAR: f64 = 1e-9;

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
                    let units = self.explained_units(model, index, customers, inputs);
                    let mut parts: Vec<ExplanationNode> = Vec::new();
                    for line in &of {
                        let opened = units.as_ref().and_then(|units| units.line(line));
                        parts.push(opened.unwrap_or_else(|| self.unopened(line, &parts)));
                    }
                    nodes.push(self.sum(self.placed[index].label.clone(), &of, parts));
                }
                BillPart::Meter(index) if self.metered[index].share().is_none() && !of.is_empty() => {
                    let id = &self.metered[index].meter.id;
                    let (counted, others): (Vec<&CostLine>, Vec<&CostLine>) =
                        of.iter().partition(|line| line.meter == *id);
                    let explained = ExplainedMeter {
                        config: self,
                        model,
                        index,
                        customers,
                        inputs,
                    };
                    let mut parts = vec![explained.cost(&counted)?];
                    for line in others {
                        parts.push(self.unopened(line, &parts));
                    }
                    nodes.extend(parts);
                }
                _ => {
                    let mut parts = Vec::new();
                    for line in &of {
                        parts.push(self.unopened(line, &parts));
                    }
                    nodes.extend(parts);
                }
            }
            lines.extend(of);
        }
        let detail = format!(
            "{} lines of the bill at {customers} customers{}",
            lines.len(),
            without_price(&lines)
        );
        let node = self.sum(format!("cost of a month on `{}`", self.name), &lines, nodes);
        Ok(node.detailed(detail))
    }

    /// The units of a placement with all that their numbers follow from; `None` for functions.
    fn explained_units<'e>(
        &'e self,
        model: &'e ScalingModel,
        index: usize,
        customers: f64,
        inputs: &'e ScenarioInputs,
    ) -> Option<ExplainedUnits<'e, 'a>> {
        let placed = &self.placed[index];
        let Host::Units(units) = &placed.host else {
            return None;
        };
        Some(ExplainedUnits {
            config: self,
            model,
            index,
            placed,
            units,
            sizing: self.sizing(index, inputs)?,
            customers,
            inputs,
        })
    }

    /// Units that run in the busiest hour, opened; `None` if everything is functions.
    pub fn explain_instances(
        &self,
        model: &ScalingModel,
        customers: f64,
        inputs: &ScenarioInputs,
    ) -> Option<ExplanationNode> {
        let (index, _) = self.counted(inputs)?;
        let units = self.explained_units(model, index, customers, inputs)?;
        Some(units.whole(1.0))
    }

    /// Customers at which so many units of a placement are at a utilisation, opened.
    pub fn explain_customers_at(
        &self,
        model: &ScalingModel,
        index: usize,
        inputs: &ScenarioInputs,
        units: f64,
        utilisation: Option<f64>,
    ) -> Option<ExplanationNode> {
        self.explained_units(model, index, 1.0, inputs)
            .map(|explained| explained.customers_at(units, utilisation))
    }

    /// A line of the bill that is not made of units or metered quantities: a fixed amount, what a contract
    /// takes off the numbers `above` it.
    fn unopened(&self, line: &CostLine, above: &[ExplanationNode]) -> ExplanationNode {
        let currency = &self.study.study.currency;
        let amount = line.amount.map_or_else(unknown, |amount| amount.to_string());
        if let (QuantityBasis::Agreed, Some(amount)) = (line.quantity_basis(), line.amount) {
            let percent = ExplanationNode::leaf("percent", line.quantity, "%", Basis::Agreed, &line.source);
            let before = above.iter().map(ExplanationNode::above).collect();
            let before =
                ExplanationNode::computed(Basis::Sum, format!("before {}", line.meter), currency, before);
            let product =
                ExplanationNode::computed(Basis::Product, "percent of it", "", vec![percent, before]);
            let hundred = ExplanationNode::leaf("hundred", 100, "", Basis::Assumed, "");
            let node =
                ExplanationNode::computed(Basis::Quotient, &line.meter, currency, vec![product, hundred]);
            return node.valued(amount).detailed(&line.source);
        }
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
        if line.driver == CostDriver::Unused {
            let (name, of) = unused(line);
            return ExplanationNode::leaf(name, amount, currency, basis, format!("{of}: {detail}"));
        }
        ExplanationNode::leaf(&line.meter, amount, currency, basis, detail)
    }

    /// The sum of lines of the bill.
    fn sum(&self, name: String, lines: &[CostLine], parts: Vec<ExplanationNode>) -> ExplanationNode {
        let detail = format!("by what binds them{}", without_price(lines));
        ExplanationNode::computed(Basis::Sum, name, &self.study.study.currency, parts)
            .valued(known_total(lines.iter()))
            .detailed(detail)
    }
}

/// Whether a node has a value, but for rounding errors.
fn is_near(node: &ExplanationNode, value: f64) -> bool {
    (node.number() - value).abs() <= NEAR * value.abs()
}

/// Where a fitted number comes from.
fn fitted(model: &ScalingModel) -> String {
    let (steps, run) = (model.points.len(), &model.run);
    format!(
        "regression over the {steps} steps of run {run}, {}",
        model.measured_at
    )
}

/// The value of a node whose price is not known.
fn unknown() -> String {
    UNKNOWN.to_owned()
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

/// The rate of exchange from a book's currency; none if it is the study's.
fn exchange(from: &str, rate: Decimal, to: &str) -> Option<ExplanationNode> {
    (from != to).then(|| {
        let unit = format!("{to} for 1 {from}");
        ExplanationNode::leaf("rate of exchange", rate, unit, Basis::Assumed, "of the study")
    })
}
