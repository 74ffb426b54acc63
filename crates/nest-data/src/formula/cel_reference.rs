//! Formulas as the `cel` crate reads them, to compare with.

use cel::{
    common::ast::{Expr, IdedExpr, LiteralValue},
    parser::Parser,
};

use crate::{
    formula::RATES,
    mechanism::Mechanism,
    pchip::pchip,
    units::{DAYS_PER_MONTH, SECONDS_PER_DAY},
};

#[derive(Clone, Copy)]
pub(super) struct Quantity {
    pub(super) value: f64,
    pub(super) time_power: i32,
}

pub(super) fn parse(text: &str) -> Result<IdedExpr, String> {
    let expression = Parser::default().parse(text).map_err(|_| "syntax".to_owned())?;
    evaluate(&expression, &|_| Some(1.0)).map(|_| expression)
}

pub(super) fn names(expression: &IdedExpr) -> Vec<String> {
    let mut names = Vec::new();
    collect_names(expression, &mut names);
    names.retain(|name| days_in(name).is_none());
    names
}

/// Length of a unit of time in days.
fn days_in(name: &str) -> Option<f64> {
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

/// The name of what stands in a table: `rates.pay` or `rates["pay"]`.
fn dotted(expression: &IdedExpr) -> Option<String> {
    let (of, field) = match &expression.expr {
        Expr::Select(select) if !select.test => (&*select.operand, select.field.as_str()),
        Expr::Call(call) if call.func_name == "_[_]" && call.target.is_none() => match &call.args[..] {
            [
                of,
                IdedExpr {
                    expr: Expr::Literal(LiteralValue::String(field)),
                    ..
                },
            ] => (of, field.inner()),
            _ => return None,
        },
        _ => return None,
    };
    let Expr::Ident(table) = &of.expr else { return None };
    Some(format!("{table}.{field}"))
}

/// Power of time in the unit of what stands in a table; none where nothing of that name can stand in one.
fn power_of(dotted: &str) -> Option<i32> {
    let (table, field) = dotted.split_once('.')?;
    if table == RATES {
        Some(-1)
    } else {
        Mechanism::VALUES
            .iter()
            .find(|(name, _)| *name == field)
            .map(|(_, power)| *power)
    }
}

fn collect_names(expression: &IdedExpr, names: &mut Vec<String>) {
    if let Some(name) = dotted(expression) {
        return names.push(name);
    }
    match &expression.expr {
        Expr::Ident(name) => names.push(name.clone()),
        Expr::Call(call) => call
            .args
            .iter()
            .for_each(|argument| collect_names(argument, names)),
        _ => {}
    }
}

pub(super) fn evaluate(
    expression: &IdedExpr,
    parameter: &dyn Fn(&str) -> Option<f64>,
) -> Result<Quantity, String> {
    let number = |value: f64| Quantity { value, time_power: 0 };
    match &expression.expr {
        Expr::Literal(LiteralValue::Int(literal)) => Ok(number(*literal.inner() as f64)),
        Expr::Literal(LiteralValue::UInt(literal)) => Ok(number(*literal.inner() as f64)),
        Expr::Literal(LiteralValue::Double(literal)) => Ok(number(*literal.inner())),
        Expr::Ident(name) => match days_in(name) {
            Some(days) => Ok(Quantity { value: days, time_power: 1 }),
            None => parameter(name).map(number).ok_or_else(|| format!("`{name}` has no value; define it under [parameters]")),
        },
        Expr::Call(call) if call.func_name == "table" && call.target.is_none() => table(&call.args, parameter),
        Expr::Select(_) => of_a_table(expression, parameter),
        Expr::Call(call) if call.func_name == "_[_]" => of_a_table(expression, parameter),
        Expr::Call(call) if call.target.is_none() => {
            let arguments = call.args.iter().map(|argument| evaluate(argument, parameter)).collect::<Result<Vec<_>, _>>()?;
            apply(&call.func_name, &arguments)
        }
        _ => Err("only numbers, parameters, + - * /, comparisons, ?: and min, max, ceil, floor, round, elastic, table are accepted".to_owned()),
    }
}

fn of_a_table(expression: &IdedExpr, parameter: &dyn Fn(&str) -> Option<f64>) -> Result<Quantity, String> {
    let name = dotted(expression).ok_or("only MECHANISM.VALUE and rates.BEHAVIOUR are accepted")?;
    let time_power = power_of(&name).ok_or_else(|| {
        let known = Mechanism::VALUES.map(|(value, _)| value).join(", ");
        format!("`{name}` is nothing that a mechanism says; it says {known}")
    })?;
    let value = parameter(&name).ok_or_else(|| format!("`{name}` has no value"))?;
    Ok(Quantity { value, time_power })
}

/// `table(x, [[x0, y0], [x1, y1], ..])`: a number, or a rate where the y are rates.
fn table(arguments: &[IdedExpr], parameter: &dyn Fn(&str) -> Option<f64>) -> Result<Quantity, String> {
    let wanted = || {
        "a table is written table(x, [[5, 0.4], [10, 0.3]]): two or more points, x ascending, all of one unit"
            .to_owned()
    };
    let [x, points] = arguments else {
        return Err(wanted());
    };
    let x = evaluate(x, parameter)?;
    let list = |expression: &IdedExpr| match &expression.expr {
        Expr::List(list) => list
            .elements
            .iter()
            .map(|element| evaluate(element, parameter).ok())
            .collect::<Option<Vec<_>>>(),
        _ => None,
    };
    let Expr::List(rows) = &points.expr else {
        return Err(wanted());
    };
    let (mut points, mut power) = (Vec::new(), None);
    for row in &rows.elements {
        let Some([at, value]) = list(row).and_then(|row| <[Quantity; 2]>::try_from(row).ok()) else {
            return Err(wanted());
        };
        if at.time_power != x.time_power
            || *power.get_or_insert(value.time_power) != value.time_power
            || !at.value.is_finite()
            || !value.value.is_finite()
        {
            return Err(wanted());
        }
        points.push([at.value, value.value]);
    }
    match power {
        Some(time_power) if points.len() > 1 && points.windows(2).all(|pair| pair[0][0] < pair[1][0]) => {
            Ok(Quantity {
                value: pchip(&points, x.value),
                time_power,
            })
        }
        _ => Err(wanted()),
    }
}

fn apply(function: &str, arguments: &[Quantity]) -> Result<Quantity, String> {
    let same_unit = |a: &Quantity, b: &Quantity, value: f64| {
        if a.time_power == b.time_power {
            Ok(Quantity {
                value,
                time_power: a.time_power,
            })
        } else {
            Err(format!("`{}` joins values of different units", plain(function)))
        }
    };
    let truth = |a: &Quantity, b: &Quantity, holds: bool| {
        same_unit(a, b, f64::from(u8::from(holds))).map(|q| Quantity { time_power: 0, ..q })
    };
    match (function, arguments) {
        ("_+_", [a, b]) => same_unit(a, b, a.value + b.value),
        ("_-_", [a, b]) => same_unit(a, b, a.value - b.value),
        ("_*_", [a, b]) => Ok(Quantity {
            value: a.value * b.value,
            time_power: a.time_power + b.time_power,
        }),
        ("_/_", [a, b]) => Ok(Quantity {
            value: a.value / b.value,
            time_power: a.time_power - b.time_power,
        }),
        ("-_", [a]) => Ok(Quantity {
            value: -a.value,
            ..*a
        }),
        ("min", [a, b]) => same_unit(a, b, a.value.min(b.value)),
        ("max", [a, b]) => same_unit(a, b, a.value.max(b.value)),
        ("ceil" | "floor" | "round", [a]) if a.time_power != 0 => Err(format!(
            "`{function}` of a value with a unit of time depends on that unit; round before dividing"
        )),
        ("ceil", [a]) => Ok(Quantity {
            value: a.value.ceil(),
            ..*a
        }),
        ("floor", [a]) => Ok(Quantity {
            value: a.value.floor(),
            ..*a
        }),
        ("round", [a]) => Ok(Quantity {
            value: a.value.round(),
            ..*a
        }),
        ("elastic", [x, reference, elasticity]) if elasticity.time_power == 0 => {
            same_unit(x, reference, (x.value / reference.value).powf(-elasticity.value)).map(|quantity| {
                Quantity {
                    time_power: 0,
                    ..quantity
                }
            })
        }
        ("_<_", [a, b]) => truth(a, b, a.value < b.value),
        ("_<=_", [a, b]) => truth(a, b, a.value <= b.value),
        ("_>_", [a, b]) => truth(a, b, a.value > b.value),
        ("_>=_", [a, b]) => truth(a, b, a.value >= b.value),
        ("_==_", [a, b]) => truth(a, b, a.value == b.value),
        ("_!=_", [a, b]) => truth(a, b, a.value != b.value),
        ("_?_:_", [condition, yes, no]) => same_unit(
            yes,
            no,
            if condition.value != 0.0 {
                yes.value
            } else {
                no.value
            },
        ),
        _ => Err(format!("`{}` is not accepted in a formula", plain(function))),
    }
}

fn plain(function: &str) -> String {
    function.replace('_', "")
}
