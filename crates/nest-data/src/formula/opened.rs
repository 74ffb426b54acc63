//! A formula opened into the operations that it is made of, for explanations.

use super::{
    evaluation::{ValueOf, days_in, evaluate},
    expression::{BinaryOperator, Expression, UnaryOperator},
};
use crate::projection::explanation::{Basis, ExplanationNode};

/// Gives the number that a name of a formula stands for, opened.
pub(super) type OpenName<'a> = &'a dyn Fn(&str) -> ExplanationNode;

/// The tree of an expression at the values of its names. Its numbers are named as the formula writes them.
pub(super) fn open(expression: &Expression, value_of: ValueOf, name: OpenName) -> ExplanationNode {
    let part = |expression: &Expression| open(expression, value_of, name);
    let computed = |basis: Basis, parts: Vec<ExplanationNode>| {
        ExplanationNode::computed(basis, expression.to_string(), "", parts)
    };
    match expression {
        Expression::Number(number) => constant(*number),
        Expression::Name(text) => match days_in(text) {
            Some(days) => ExplanationNode::leaf(text, days, "days", Basis::Assumed, "unit of time"),
            None => name(text),
        },
        Expression::Member { table, field } => name(&format!("{table}.{field}")),
        Expression::Unary { operator, value } => match operator {
            UnaryOperator::Negate => computed(Basis::Product, vec![constant(-1.0), part(value)]),
            UnaryOperator::Ceil => computed(Basis::Ceiling, vec![part(value)]),
            UnaryOperator::Floor => computed(Basis::Floor, vec![part(value)]),
            UnaryOperator::Round => {
                let raised = vec![part(value), constant(0.5)];
                let raised = ExplanationNode::computed(Basis::Sum, format!("{value} + 0.5"), "", raised);
                computed(Basis::Floor, vec![raised])
            }
        },
        Expression::Binary {
            operator,
            left,
            right,
        } => match operation(*operator) {
            Some(basis) => computed(basis, vec![part(left), part(right)]),
            None => chosen(expression, value_of),
        },
        Expression::Conditional { condition, yes, no } => {
            let holds = evaluate(condition, value_of).is_ok_and(|condition| condition.value != 0.0);
            let taken = if holds { yes } else { no };
            let word = if holds { "holds" } else { "does not hold" };
            computed(Basis::Sum, vec![part(taken)]).detailed(format!("{condition} {word}"))
        }
        Expression::Elastic {
            value,
            reference,
            elasticity,
        } => {
            let ratio = ExplanationNode::computed(
                Basis::Quotient,
                format!("({value}) / ({reference})"),
                "",
                vec![part(value), part(reference)],
            );
            let power = ExplanationNode::computed(
                Basis::Product,
                format!("-({elasticity})"),
                "",
                vec![constant(-1.0), part(elasticity)],
            );
            computed(Basis::Power, vec![ratio, power])
        }
        Expression::Table { .. } => chosen(expression, value_of),
    }
}

/// A number that the formula writes.
fn constant(number: f64) -> ExplanationNode {
    ExplanationNode::leaf("number of the formula", number, "", Basis::Assumed, "")
}

/// What has no operation of its own: a comparison, a curve through points.
fn chosen(expression: &Expression, value_of: ValueOf) -> ExplanationNode {
    let value = evaluate(expression, value_of).map_or(f64::NAN, |quantity| quantity.value);
    ExplanationNode::leaf(
        expression.to_string(),
        value,
        "",
        Basis::Assumed,
        "as the formula says",
    )
}

fn operation(operator: BinaryOperator) -> Option<Basis> {
    match operator {
        BinaryOperator::Add => Some(Basis::Sum),
        BinaryOperator::Subtract => Some(Basis::Difference),
        BinaryOperator::Multiply => Some(Basis::Product),
        BinaryOperator::Divide => Some(Basis::Quotient),
        BinaryOperator::Min => Some(Basis::Minimum),
        BinaryOperator::Max => Some(Basis::Maximum),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formula::Formula;

    #[test]
    fn an_opened_formula_computes_what_the_formula_says() {
        let value_of = |name: &str| Some(if name == "x" { 2.5 } else { 4.0 });
        let leaf = |name: &str| {
            ExplanationNode::leaf(name, value_of(name).expect("a value"), "", Basis::Assumed, "")
        };
        for text in [
            "3 / (x + 0.5) / day",
            "-x * rates.pay - 7 / week",
            "x < 3 ? ceil(x) : floor(x)",
            "round(x) + min(x, 1) * max(x, 3)",
            "elastic(x, 4, 0.3)",
            "table(x, [[1, 2], [3, 4]]) + (x > 1)",
        ] {
            let formula = Formula {
                expression: crate::formula::parser::parse(text).expect(text),
                text: text.to_owned(),
            };
            let value = evaluate(&formula.expression, &value_of).map(|quantity| quantity.value);
            let opened = open(&formula.expression, &value_of, &leaf);
            let close = value.is_ok_and(|value| (opened.number() - value).abs() < 1e-12);
            assert!(close, "{text}: {opened:?}");
        }
    }
}
