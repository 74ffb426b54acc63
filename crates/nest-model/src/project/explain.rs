//! Explanation of a projected number: a tree of everything that it is computed from.

use std::collections::BTreeMap;

use nest_data::{
    Document, Explanation, PriceBook, ScalingModel, Study,
    diagnostic::nearest,
    explanation::{Basis, ExplanationNode},
    projection::{BreakPoint, first_break},
};
use rust_decimal::Decimal;

use crate::{
    error::ModelError,
    project::break_point::{break_points, config_limits},
    project::config::{explain_demand, thousands, total},
    project::context::{Context, ProjectOptions, headline},
    project::drawn_config::DrawnConfig,
};

/// Numbers that have a name of their own; others are `demand.RESOURCE.BEHAVIOUR` and `rate.BEHAVIOUR`.
pub const NUMBERS: [&str; 5] = ["per-1000", "cost", "fees", "break-point", "instances"];

/// The number to explain, and for what.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplainRequest<'a> {
    /// The number: one of [`NUMBERS`], `demand.app/cpu.pay` or `rate.pay`.
    pub number: &'a str,
    /// The configuration [default: that of the headline].
    pub config: Option<&'a str>,
    /// Customers [default: those of the headline].
    pub customers: Option<f64>,
}

/// Opens a number. Sums in the tree are exact; products and quotients are rounded to the digits that they
/// show.
///
/// # Errors
/// As [`crate::project()`], and [`ModelError::UnknownNumber`] for an unknown number.
pub fn explain(
    model: &ScalingModel,
    study: &Study,
    books: &[PriceBook],
    options: &ProjectOptions,
    asked: &ExplainRequest<'_>,
) -> Result<Explanation, ModelError> {
    let mut study = study.clone();
    if asked.customers.is_some() {
        study.report.customers = asked.customers;
    }
    let context = headline::context(model, &study, books, options)?;
    let root = node(&context, asked)?;
    Ok(Explanation {
        header: Explanation::header(),
        root,
    })
}

fn node(context: &Context<'_>, asked: &ExplainRequest<'_>) -> Result<ExplanationNode, ModelError> {
    if let Some((resource, behaviour)) = asked
        .number
        .strip_prefix("demand.")
        .and_then(|rest| rest.rsplit_once('.'))
    {
        return demand(context, asked.number, resource, behaviour);
    }
    let name = asked
        .config
        .or(context.headline_config())
        .ok_or_else(|| unknown(context, asked.number))?;
    if !context.study.configs.contains_key(name) {
        let known: Vec<&str> = context.study.configs.keys().map(String::as_str).collect();
        let offer = match nearest(name, known.iter().copied()) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => format!("; it has {}", known.join(", ")),
        };
        return Err(ModelError::UnknownConfig {
            config: name.to_owned(),
            offer,
        });
    }
    let drawn = DrawnConfig::new(context, name, &BTreeMap::new())?;
    let customers = context.headline_customers();
    if let Some(behaviour) = asked.number.strip_prefix("rate.") {
        let position = drawn
            .priced
            .behaviours
            .iter()
            .position(|known| known == behaviour)
            .ok_or_else(|| unknown(context, asked.number))?;
        return Ok(drawn
            .priced
            .explain_rate(behaviour, drawn.central.rates_per_day[position]));
    }
    match asked.number {
        "per-1000" => per_1000(context, &drawn, customers),
        "cost" => drawn
            .priced
            .explain_cost(context.model, customers, &drawn.central),
        "fees" => fees(context, &drawn, customers),
        "break-point" => break_point(context, &drawn),
        "instances" => Ok(instances(&drawn, customers)),
        other => Err(unknown(context, other)),
    }
}

fn unknown(context: &Context<'_>, number: &str) -> ModelError {
    let demands = context.model.resources.iter().flat_map(|resource| {
        resource
            .demand
            .keys()
            .map(move |name| format!("demand.{}.{name}", resource.name))
    });
    let rates = context.study.rates.keys().map(|name| format!("rate.{name}"));
    let known: Vec<String> = NUMBERS
        .iter()
        .map(ToString::to_string)
        .chain(demands)
        .chain(rates)
        .collect();
    let offer = nearest(number, known.iter().map(String::as_str))
        .map_or_else(|| ".".to_owned(), |near| format!("; did you mean {near}?"));
    ModelError::UnknownNumber {
        number: number.to_owned(),
        offer,
        known: known.join(", "),
    }
}

fn per_1000(
    context: &Context<'_>,
    drawn: &DrawnConfig<'_>,
    customers: f64,
) -> Result<ExplanationNode, ModelError> {
    let cost = drawn
        .priced
        .explain_cost(context.model, customers, &drawn.central)?;
    let value = drawn.bill_total(customers)? * Decimal::ONE_THOUSAND / context.decimal(customers)?;
    Ok(ExplanationNode {
        name: format!("cost of 1,000 customers a month on `{}`", drawn.priced.name),
        value: value.normalize().to_string(),
        unit: context.study.study.currency.clone(),
        basis: Basis::Quotient,
        detail: "cost of the month / thousands of customers".to_owned(),
        parts: vec![cost, thousands(customers, drawn.priced.name)?],
    })
}

fn fees(
    context: &Context<'_>,
    drawn: &DrawnConfig<'_>,
    customers: f64,
) -> Result<ExplanationNode, ModelError> {
    let lines = drawn
        .priced
        .fee_lines(customers, &drawn.central, &drawn.parameters)?;
    let parts = lines.iter().map(|line| {
        let behaviour = line.behaviour.clone().unwrap_or_default();
        let position = drawn
            .priced
            .behaviours
            .iter()
            .position(|known| *known == behaviour)
            .unwrap_or_default();
        let each = line.amount.map_or(Decimal::ZERO, |amount| {
            if line.quantity.0.is_zero() {
                Decimal::ZERO
            } else {
                amount.0 / line.quantity.0
            }
        });
        let executions = ExplanationNode {
            name: format!("transactions of {behaviour}"),
            value: line.quantity.to_string(),
            unit: line.unit.clone(),
            basis: Basis::Formula,
            detail: "customers x executions a day x 365 / 12".to_owned(),
            parts: vec![
                ExplanationNode::leaf("customers", customers, "customers", Basis::Assumed, "asked for"),
                drawn
                    .priced
                    .explain_rate(&behaviour, drawn.central.rates_per_day[position]),
            ],
        };
        ExplanationNode {
            name: line.meter.clone(),
            value: line
                .amount
                .map_or_else(|| "0".to_owned(), |amount| amount.to_string()),
            unit: context.study.study.currency.clone(),
            basis: Basis::Product,
            detail: line.source.clone(),
            parts: vec![
                executions,
                ExplanationNode::leaf(
                    "fee of one",
                    each.round_dp(12).normalize(),
                    "per transaction",
                    Basis::Assumed,
                    "of the study",
                ),
            ],
        }
    });
    Ok(ExplanationNode {
        name: "fees of a month".to_owned(),
        value: total(&lines).normalize().to_string(),
        unit: context.study.study.currency.clone(),
        basis: Basis::Sum,
        detail: "what third parties take".to_owned(),
        parts: parts.collect(),
    })
}

fn demand(
    context: &Context<'_>,
    number: &str,
    resource: &str,
    behaviour: &str,
) -> Result<ExplanationNode, ModelError> {
    let found = context
        .model
        .resources
        .iter()
        .find(|one| one.name == resource)
        .ok_or_else(|| unknown(context, number))?;
    let estimate = found
        .demand
        .get(behaviour)
        .ok_or_else(|| unknown(context, number))?;
    let mut node = explain_demand(context.model, &found.tier, behaviour, estimate.value);
    node.name = format!("demand of {behaviour} on {resource}");
    node.detail = format!(
        "regression over the steps of run {}, 90 % interval {} to {}",
        context.model.run, estimate.low, estimate.high
    );
    node.unit = format!("{} per execution", found.kind.unit());
    Ok(node)
}

fn break_point(context: &Context<'_>, drawn: &DrawnConfig<'_>) -> Result<ExplanationNode, ModelError> {
    let limits = config_limits(drawn, context)?;
    let points = break_points(drawn, context, &limits.under(context.load()));
    let Some((point, customers)) = first_break(&points) else {
        let detail = format!("nothing fails below {:.0} customers", context.searched_to());
        return Ok(ExplanationNode::leaf(
            "break point",
            "none",
            "customers",
            Basis::Fitted,
            detail,
        ));
    };
    let leaf = |point: &BreakPoint| {
        let value = point
            .customers
            .map_or_else(|| "none".to_owned(), |customers| customers.value.to_string());
        let detail = format!(
            "{}: {}, first to fail in {:.0} % of the draws",
            point.kind.label(),
            point.cause,
            point.probability * 100.0
        );
        ExplanationNode::leaf(&point.cause, value, "customers", Basis::Fitted, detail)
    };
    let rates = drawn
        .priced
        .behaviours
        .iter()
        .zip(&drawn.central.rates_per_day)
        .map(|(name, rate)| drawn.priced.explain_rate(name, *rate));
    let demands = context
        .model
        .resources
        .iter()
        .filter(|resource| point.cause.starts_with(&resource.name))
        .flat_map(|resource| {
            resource.demand.iter().map(|(behaviour, estimate)| {
                explain_demand(context.model, &resource.tier, behaviour, estimate.value)
            })
        });
    Ok(ExplanationNode {
        name: format!("break point of `{}`", drawn.priced.name),
        value: customers.value.to_string(),
        unit: "customers".to_owned(),
        basis: Basis::Formula,
        detail: format!(
            "the least of all that can fail: {}, 90 % interval {} to {}",
            point.cause, customers.low, customers.high
        ),
        parts: points
            .iter()
            .filter(|point| point.kind.is_failure())
            .map(leaf)
            .chain(rates)
            .chain(demands)
            .collect(),
    })
}

fn instances(drawn: &DrawnConfig<'_>, customers: f64) -> ExplanationNode {
    let Some((index, sizing)) = drawn.priced.counted(&drawn.central) else {
        return ExplanationNode::leaf("units", "none", "units", Basis::Assumed, "functions run by use");
    };
    ExplanationNode {
        name: format!("units of {}", drawn.priced.placed[index].label),
        value: (sizing.instances(customers) + f64::from(sizing.spare)).to_string(),
        unit: "units in the busiest hour".to_owned(),
        basis: Basis::Formula,
        detail: "busy / (target x cores - idle), rounded up, at least `min`, and the spare ones".to_owned(),
        parts: vec![
            ExplanationNode::leaf(
                "busy cores in the busiest minute",
                customers * sizing.busy_per_customer,
                "cores",
                Basis::Fitted,
                "customers x rates x demand / speed",
            ),
            ExplanationNode::leaf(
                "utilisation units are bought for",
                sizing.target,
                "",
                Basis::Assumed,
                "1 - reserve, or less where an objective asks for it",
            ),
            ExplanationNode::leaf(
                "cores of a unit",
                sizing.cores,
                "vCPU",
                Basis::Priced,
                drawn.priced.shape(),
            ),
            ExplanationNode::leaf(
                "use without load",
                sizing.idle,
                "cores",
                Basis::Fitted,
                "of one unit",
            ),
            ExplanationNode::leaf("least", sizing.least, "units", Basis::Assumed, "of the study"),
            ExplanationNode::leaf("spare", sizing.spare, "units", Basis::Assumed, "of the study"),
        ],
    }
}
