//! Explanation of what customers do and what an execution uses.

use std::collections::BTreeMap;

use nest_data::{
    ScalingModel,
    explanation::{Basis, ExplanationNode},
    formula::{RATES, Rate},
    measurement::ResourceKind,
    scaling::{ResourceModel, SizeDependence, SizeShape},
    study::segment::shares,
};

use super::{
    super::{PricedConfig, inputs::ScenarioInputs},
    fitted, is_near,
};

impl PricedConfig<'_> {
    /// Executions of a behaviour per customer and day: over all segments, if there are any.
    pub fn explain_rate(&self, behaviour: &str, per_day: f64) -> ExplanationNode {
        let (name, unit) = (format!("executions of {behaviour}"), "per customer and day");
        let stated = ExplanationNode::leaf(&name, per_day, unit, Basis::Assumed, "of the study");
        let study = self.study;
        if study.segments.is_empty() {
            let opened = self.open_rate(&study.rates, behaviour);
            let opened = opened.map(|rate| ExplanationNode {
                name,
                unit: unit.to_owned(),
                ..rate
            });
            return opened.filter(|rate| is_near(rate, per_day)).unwrap_or(stated);
        }
        let of_segment = |(segment, share): (String, f64)| {
            let mut rates = study.rates.clone();
            rates.extend(study.segments[&segment].rates.clone());
            let rate = self.open_rate(&rates, behaviour)?;
            let parts = vec![
                ExplanationNode::leaf(
                    format!("share of {segment}"),
                    share,
                    "of customers",
                    Basis::Assumed,
                    "of the study, at the start of growth",
                ),
                ExplanationNode {
                    name: format!("executions of {behaviour} in {segment}"),
                    unit: unit.to_owned(),
                    ..rate
                },
            ];
            let name = format!("executions of {behaviour} by {segment}");
            Some(ExplanationNode::computed(Basis::Product, name, unit, parts))
        };
        let parts: Option<Vec<ExplanationNode>> =
            shares(&study.segments, 0.0).into_iter().map(of_segment).collect();
        parts
            .map(|parts| ExplanationNode::computed(Basis::Sum, name, unit, parts))
            .filter(|rate| is_near(rate, per_day))
            .unwrap_or(stated)
    }

    /// The formula of a rate, opened; `None` if there is none, or if it has no value.
    fn open_rate(&self, rates: &BTreeMap<String, Rate>, behaviour: &str) -> Option<ExplanationNode> {
        let rate = rates.get(behaviour)?;
        let values = self.study.values_of_formulas(rates).ok()?;
        let name = |name: &str| {
            let opened = name
                .strip_prefix(RATES)
                .and_then(|rest| rest.strip_prefix('.'))
                .and_then(|other| self.open_rate(rates, other));
            let value = values.get(name).copied().unwrap_or(f64::NAN);
            let detail = if name.contains('.') {
                "as its mechanism says"
            } else {
                "parameter of the study"
            };
            opened.unwrap_or_else(|| ExplanationNode::leaf(name, value, "", Basis::Assumed, detail))
        };
        let formula = rate.formula();
        let opened = formula.open(&values, &name);
        Some(if opened.parts.is_empty() {
            opened.detailed("of the study")
        } else {
            opened.detailed(formula.to_string())
        })
    }
}

/// Processor time of one execution of a behaviour on a tier, as it is in a scenario: what was fitted, and
/// what stored data and open items add to it.
pub fn explain_demand(
    model: &ScalingModel,
    tier: &str,
    behaviour: &str,
    value: f64,
    stored: Option<f64>,
) -> ExplanationNode {
    let resource = model
        .resources
        .iter()
        .find(|resource| resource.kind == ResourceKind::Cpu && resource.tier == tier);
    explain_use(
        model,
        resource,
        &ResourceKind::Cpu.name_in(tier),
        behaviour,
        value,
        stored,
    )
}

/// Bytes that one execution of a behaviour sends, as they are in a scenario.
pub(super) fn explain_bytes(
    model: &ScalingModel,
    behaviour: &str,
    value: f64,
    inputs: &ScenarioInputs,
) -> ExplanationNode {
    let resource = model
        .resources
        .iter()
        .find(|resource| resource.kind == ResourceKind::Network);
    explain_use(model, resource, "network", behaviour, value, inputs.stored)
        .named(format!("bytes of {behaviour}"))
}

fn explain_use(
    model: &ScalingModel,
    resource: Option<&ResourceModel>,
    resource_name: &str,
    behaviour: &str,
    value: f64,
    stored: Option<f64>,
) -> ExplanationNode {
    let unit = resource.map_or("s", |resource| resource.kind.unit());
    let (name, unit) = (
        format!("demand of {behaviour} on {resource_name}"),
        format!("{unit} per execution"),
    );
    let Some((resource, estimate)) = resource.and_then(|one| Some((one, one.demand.get(behaviour)?))) else {
        return ExplanationNode::leaf(
            name,
            value,
            unit,
            Basis::Measured,
            format!("not seen in run {}", model.run),
        );
    };
    let detail = format!(
        "{}, 90 % interval {} to {}",
        fitted(model),
        estimate.low,
        estimate.high
    );
    let measured = ExplanationNode::leaf(&name, estimate.value, &unit, Basis::Fitted, detail);
    if is_near(&measured, value) {
        return measured;
    }
    let mut parts = vec![measured.named(format!("{name} as measured"))];
    let size = resource.size_dependence.as_ref().zip(stored);
    parts.extend(size.and_then(|(size, stored)| of_stored_data(model, size, behaviour, stored, &unit)));
    let more = value - parts.iter().map(ExplanationNode::number).sum::<f64>();
    if more.abs() > 1e-12 * value.abs() {
        let detail = "those of a mechanism; or what keeps the demand from falling below 0";
        parts.push(ExplanationNode::leaf(
            "what open items add",
            more,
            &unit,
            Basis::Assumed,
            detail,
        ));
    }
    ExplanationNode::computed(Basis::Sum, name, unit, parts).valued(value)
}

/// What stored data adds to the demand of an execution; `None` if it adds nothing.
fn of_stored_data(
    model: &ScalingModel,
    size: &SizeDependence,
    behaviour: &str,
    stored: f64,
    unit: &str,
) -> Option<ExplanationNode> {
    let growth = size.growth.get(behaviour)?;
    let items = |name: &str, items: f64, detail: &str| {
        ExplanationNode::leaf(name, items, "items", Basis::Assumed, detail)
    };
    let grown = match size.shape {
        SizeShape::Linear => ExplanationNode::computed(
            Basis::Difference,
            "stored items beyond those of the measurement",
            "items",
            vec![
                items("stored items", stored, "of the study, at these customers"),
                items("stored items of the measurement", size.reference, &model.run),
            ],
        ),
        SizeShape::Doubling => ExplanationNode::leaf(
            "doublings of stored items since the measurement",
            size.shape.growth(stored, size.reference),
            "doublings",
            Basis::Assumed,
            format!(
                "{stored} items are stored, {} when it was measured",
                size.reference
            ),
        ),
    };
    let each = ExplanationNode::leaf(
        "growth with each",
        growth.value,
        unit,
        Basis::Fitted,
        fitted(model),
    );
    Some(ExplanationNode::computed(
        Basis::Product,
        "what stored data adds",
        unit,
        vec![each, grown],
    ))
}
