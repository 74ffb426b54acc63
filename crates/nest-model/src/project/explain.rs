//! Explanation of a projected number: a tree of everything that it is computed from.

use std::collections::BTreeMap;

use nest_data::{
    Document, Explanation, PriceBook, ScalingModel, Study,
    diagnostic::nearest,
    explanation::{Basis, ExplanationNode},
    projection::{BreakKind, BreakPoint, first_break},
    units::DAYS_PER_MONTH,
};
use rust_decimal::Decimal;

use crate::{
    error::ModelError,
    project::break_point::{break_points, config_limits},
    project::config::{decimal, total},
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

/// Opens a number, down to what it rests on. Each number with parts can be computed from them again, as
/// [`Basis`] says.
///
/// # Errors
/// As [`crate::project()`], and [`ModelError::UnknownFigure`] for an unknown number.
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
    let root = node(&context, asked)?.opened_once();
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
        "instances" => Ok(instances(context, &drawn, customers)),
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
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    ModelError::UnknownFigure {
        figure: number.to_owned(),
        offer,
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
    let name = format!("cost of 1,000 customers a month on `{}`", drawn.priced.name);
    let parts = vec![cost, thousands(customers, drawn.priced.name)?];
    let node = ExplanationNode::computed(Basis::Quotient, name, &context.study.study.currency, parts);
    Ok(node
        .valued(value.normalize())
        .detailed("cost of the month / thousands of customers"))
}

fn fees(
    context: &Context<'_>,
    drawn: &DrawnConfig<'_>,
    customers: f64,
) -> Result<ExplanationNode, ModelError> {
    let (priced, currency) = (&drawn.priced, &context.study.study.currency);
    let lines = priced.fee_lines(customers, &drawn.central, &drawn.parameters)?;
    let mut parts = Vec::new();
    for (line, fee) in lines.iter().zip(context.study.fees.values()) {
        let position = priced.behaviours.iter().position(|known| *known == fee.behaviour);
        let rate = position.map_or(0.0, |position| drawn.central.rates_per_day[position]);
        let executions = vec![
            ExplanationNode::leaf("customers", customers, "customers", Basis::Assumed, "asked for"),
            priced.explain_rate(&fee.behaviour, rate),
            ExplanationNode::leaf(
                "days of a month",
                DAYS_PER_MONTH,
                "days",
                Basis::Assumed,
                "365 / 12",
            ),
        ];
        let name = format!("transactions of {}", fee.behaviour);
        let executions = ExplanationNode::computed(Basis::Product, name, &line.unit, executions);
        let each = fee
            .each(&drawn.parameters)
            .map_err(ModelError::Rates)?
            .normalize();
        let each = ExplanationNode::leaf(
            "fee of one",
            each,
            "per transaction",
            Basis::Assumed,
            "of the study",
        );
        let parts_of_fee = vec![executions.valued(line.quantity), each];
        let node = ExplanationNode::computed(Basis::Product, &line.meter, currency, parts_of_fee);
        let amount = line.amount.map(|amount| amount.0).unwrap_or_default();
        parts.push(node.valued(amount).detailed(&line.source));
    }
    let node = if parts.is_empty() {
        ExplanationNode::leaf("fees of a month", 0, currency, Basis::Assumed, "")
    } else {
        ExplanationNode::computed(Basis::Sum, "fees of a month", currency, parts)
    };
    Ok(node
        .valued(total(&lines).normalize())
        .detailed("what third parties take"))
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
    Ok(ExplanationNode::leaf(
        format!("demand of {behaviour} on {resource}"),
        estimate.value,
        format!("{} per execution", found.kind.unit()),
        Basis::Fitted,
        format!(
            "regression over the {} steps of run {}, 90 % interval {} to {}",
            context.model.points.len(),
            context.model.run,
            estimate.low,
            estimate.high
        ),
    ))
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
    let parts = points
        .iter()
        .filter(|point| point.kind.is_failure())
        .filter_map(|point| Some(limit(context, drawn, point, point.customers.as_ref()?.value)));
    let name = format!("break point of `{}`", drawn.priced.name);
    let node = ExplanationNode::computed(Basis::Minimum, name, "customers", parts.collect());
    Ok(node.valued(customers.value).detailed(format!(
        "the least of all limits that are reached: {}, 90 % interval {} to {}",
        point.cause, customers.low, customers.high
    )))
}

/// A limit and the customers that reach it: opened for the processors of units, a search for all others.
fn limit(
    context: &Context<'_>,
    drawn: &DrawnConfig<'_>,
    point: &BreakPoint,
    customers: f64,
) -> ExplanationNode {
    let priced = &drawn.priced;
    let detail = format!("first to fail in {:.0} % of the draws", point.probability * 100.0);
    let name = format!("{}: {}", point.kind.label(), point.cause);
    let utilisation = match point.kind {
        BreakKind::Saturation => Some(Some(1.0)),
        BreakKind::OverReserve => Some(None),
        _ => None,
    };
    let opened = utilisation.and_then(|utilisation| {
        let index = (priced.placed.iter()).position(|placed| placed.label == point.cause)?;
        let units = priced.placed[index].most_units();
        let node = priced.explain_customers_at(context.model, index, &drawn.central, units, utilisation)?;
        (units.is_finite() && (node.number() - customers).abs() <= 1e-9 * customers).then_some(node)
    });
    match opened {
        Some(node) => node.valued(customers).named(name).detailed(detail),
        None => ExplanationNode::leaf(name, customers, "customers", Basis::Fitted, detail),
    }
}

fn instances(context: &Context<'_>, drawn: &DrawnConfig<'_>, customers: f64) -> ExplanationNode {
    let opened = drawn
        .priced
        .explain_instances(context.model, customers, &drawn.central);
    opened.unwrap_or_else(|| {
        ExplanationNode::leaf("units", "none", "units", Basis::Assumed, "functions run by use")
    })
}

/// A customer count as a decimal node.
fn thousands(customers: f64, config: &str) -> Result<ExplanationNode, ModelError> {
    let thousands = decimal(customers, config)? / Decimal::ONE_THOUSAND;
    Ok(ExplanationNode::leaf(
        "thousands of customers",
        thousands.normalize(),
        "1,000 customers",
        Basis::Assumed,
        "asked for",
    ))
}
