//! Values of formulas, and the power of time in their units. What is no number, such as `0 / 0`, stays none
//! through every operation: no function makes a rate of it.

use super::{
    MECHANISM_VALUES, RATES,
    expression::{BinaryOperator, Expression, UnaryOperator},
    fault::FormulaFault,
    pchip::pchip,
};
use crate::units::{DAYS_PER_MONTH, SECONDS_PER_DAY};

/// A number with the power of time in its unit: 1 for days, -1 for a rate per day, 0 for a plain number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Quantity {
    pub(super) value: f64,
    pub(super) time_power: i32,
}

/// Gives the value of a parameter or of `TABLE.FIELD`; none if nothing defines it.
pub(super) type ValueOf<'a> = &'a dyn Fn(&str) -> Option<f64>;

type Evaluated = Result<Quantity, FormulaFault>;

impl Quantity {
    fn number(value: f64) -> Self {
        Self { value, time_power: 0 }
    }
}

/// Value of an expression at the values that `value_of` gives.
pub(super) fn evaluate(expression: &Expression, value_of: ValueOf) -> Evaluated {
    match expression {
        Expression::Number(number) => Ok(Quantity::number(*number)),
        Expression::Name(name) => of_a_name(name, value_of),
        Expression::Member { table, field } => of_a_member(table, field, value_of),
        Expression::Unary { operator, value } => unary(*operator, evaluate(value, value_of)?),
        Expression::Binary {
            operator,
            left,
            right,
        } => binary(*operator, evaluate(left, value_of)?, evaluate(right, value_of)?),
        Expression::Conditional { condition, yes, no } => {
            let condition = evaluate(condition, value_of)?;
            let (yes, no) = (evaluate(yes, value_of)?, evaluate(no, value_of)?);
            let chosen = match condition.value {
                unknown if unknown.is_nan() => f64::NAN,
                0.0 => no.value,
                _ => yes.value,
            };
            in_one_unit("?:", yes, no, chosen)
        }
        Expression::Elastic {
            value,
            reference,
            elasticity,
        } => elastic(
            evaluate(value, value_of)?,
            evaluate(reference, value_of)?,
            evaluate(elasticity, value_of)?,
        ),
        Expression::Table { at, points } => table(evaluate(at, value_of)?, points, value_of),
    }
}

/// The units of time.
pub const UNITS_OF_TIME: [&str; 6] = ["second", "minute", "hour", "day", "week", "month"];

/// Length of a unit of time in days; none for a name that is none.
pub(super) fn days_in(name: &str) -> Option<f64> {
    Some(match name {
        "second" => 1.0 / SECONDS_PER_DAY,
        "minute" => 1.0 / 1_440.0,
        "hour" => 1.0 / 24.0,
        "day" => 1.0,
        "week" => 7.0,
        "month" => DAYS_PER_MONTH,
        _ => return None,
    })
}

fn of_a_name(name: &str, value_of: ValueOf) -> Evaluated {
    match days_in(name) {
        Some(value) => Ok(Quantity { value, time_power: 1 }),
        None => value_of(name)
            .map(Quantity::number)
            .ok_or_else(|| FormulaFault::UnknownParameter(name.to_owned())),
    }
}

fn of_a_member(table: &str, field: &str, value_of: ValueOf) -> Evaluated {
    let member = format!("{table}.{field}");
    let Some(time_power) = time_power_of(table, field) else {
        let known = MECHANISM_VALUES.map(|(value, _)| value).join(", ");
        return Err(FormulaFault::NoSuchValue { member, known });
    };
    match value_of(&member) {
        Some(value) => Ok(Quantity { value, time_power }),
        None => Err(FormulaFault::UnknownMember(member)),
    }
}

/// Power of time in the unit of `TABLE.FIELD`; none if no table can have that field.
fn time_power_of(table: &str, field: &str) -> Option<i32> {
    if table == RATES {
        return Some(-1);
    }
    let known = MECHANISM_VALUES.iter().find(|(name, _)| *name == field);
    known.map(|(_, power)| *power)
}

fn unary(operator: UnaryOperator, x: Quantity) -> Evaluated {
    if operator != UnaryOperator::Negate && x.time_power != 0 {
        return Err(FormulaFault::RoundedUnit(operator.symbol()));
    }
    let value = match operator {
        UnaryOperator::Negate => -x.value,
        UnaryOperator::Ceil => x.value.ceil(),
        UnaryOperator::Floor => x.value.floor(),
        UnaryOperator::Round => x.value.round(),
    };
    Ok(Quantity { value, ..x })
}

fn binary(operator: BinaryOperator, x: Quantity, y: Quantity) -> Evaluated {
    let is_unknown = x.value.is_nan() || y.value.is_nan();
    let known = |value: f64| if is_unknown { f64::NAN } else { value };
    let of_one_unit = |value: f64| in_one_unit(operator.symbol(), x, y, known(value));
    let truth = |holds: bool| of_one_unit(0.0).map(|_| Quantity::number(known(f64::from(u8::from(holds)))));
    match operator {
        BinaryOperator::Add => of_one_unit(x.value + y.value),
        BinaryOperator::Subtract => of_one_unit(x.value - y.value),
        BinaryOperator::Multiply => Ok(Quantity {
            value: x.value * y.value,
            time_power: x.time_power + y.time_power,
        }),
        BinaryOperator::Divide => Ok(Quantity {
            value: x.value / y.value,
            time_power: x.time_power - y.time_power,
        }),
        BinaryOperator::Min => of_one_unit(x.value.min(y.value)),
        BinaryOperator::Max => of_one_unit(x.value.max(y.value)),
        BinaryOperator::Less => truth(x.value < y.value),
        BinaryOperator::LessOrEqual => truth(x.value <= y.value),
        BinaryOperator::Greater => truth(x.value > y.value),
        BinaryOperator::GreaterOrEqual => truth(x.value >= y.value),
        BinaryOperator::Equal => truth(x.value == y.value),
        BinaryOperator::NotEqual => truth(x.value != y.value),
    }
}

/// `value` in the unit of both; an error if they have different ones.
fn in_one_unit(symbol: &'static str, x: Quantity, y: Quantity, value: f64) -> Evaluated {
    if x.time_power == y.time_power {
        Ok(Quantity { value, ..x })
    } else {
        Err(FormulaFault::DifferentUnits(symbol))
    }
}

/// Reaction of customers to a value that moved away from `reference`.
///
/// # Formula
/// `(x / x0)^-e`: constant elasticity `e`. A value that is 1 % higher lowers the result by `e` %. No number
/// if
/// `x0` is 0.
///
/// Source: Varian, "Intermediate Microeconomics", 9th edition, chapter 15, appendix.
fn elastic(x: Quantity, reference: Quantity, elasticity: Quantity) -> Evaluated {
    if elasticity.time_power != 0 {
        return Err(FormulaFault::ElasticityWithUnit);
    }
    let change = x.value / reference.value;
    // Of a quotient without end, a power would be 0 or 1.
    let reaction = if change.is_finite() {
        change.powf(-elasticity.value)
    } else {
        f64::NAN
    };
    in_one_unit("elastic", x, reference, reaction).map(|_| Quantity::number(reaction))
}

/// The curve through `points`, read at `at`: a number, or a rate if their second values are rates.
fn table(at: Quantity, points: &[[Expression; 2]], value_of: ValueOf) -> Evaluated {
    let mut evaluated = Vec::with_capacity(points.len());
    for [x, y] in points {
        evaluated.push([evaluate(x, value_of)?, evaluate(y, value_of)?]);
    }
    let unit = evaluated[0][1];
    let usable = |[x, y]: &[Quantity; 2]| {
        x.time_power == at.time_power
            && y.time_power == unit.time_power
            && x.value.is_finite()
            && y.value.is_finite()
    };
    let curve: Vec<[f64; 2]> = evaluated.iter().map(|[x, y]| [x.value, y.value]).collect();
    if !evaluated.iter().all(usable) || !curve.is_sorted_by(|left, right| left[0] < right[0]) {
        return Err(FormulaFault::NotATable);
    }
    Ok(Quantity {
        value: pchip(&curve, at.value),
        ..unit
    })
}
