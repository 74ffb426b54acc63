//! What a formula says, as a tree. It prints as a formula that reads back as the same tree.

use std::fmt;

/// A formula, or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    /// A number, 0 or more: a sign in front of it is [`UnaryOperator::Negate`].
    Number(f64),
    /// A parameter or a unit of time.
    Name(String),
    /// `TABLE.FIELD`: a value of a mechanism, or the rate of another behaviour.
    Member {
        /// Name of the mechanism, or `rates`.
        table: String,
        /// Name of the value or of the behaviour: text without line breaks and backslashes, and with at
        /// most one kind of quotes.
        field: String,
    },
    /// An operator or function of one value.
    Unary {
        /// What is done to the value.
        operator: UnaryOperator,
        /// The value.
        value: Box<Expression>,
    },
    /// An operator or function of two values.
    Binary {
        /// What is done to the values.
        operator: BinaryOperator,
        /// The first value.
        left: Box<Expression>,
        /// The second value.
        right: Box<Expression>,
    },
    /// `condition ? yes : no`.
    Conditional {
        /// True unless it is 0.
        condition: Box<Expression>,
        /// Value if the condition is true.
        yes: Box<Expression>,
        /// Value if it is not.
        no: Box<Expression>,
    },
    /// `elastic(value, reference, elasticity)`.
    Elastic {
        /// What customers react to, such as a price.
        value: Box<Expression>,
        /// The value at which nothing changes.
        reference: Box<Expression>,
        /// How strongly they react.
        elasticity: Box<Expression>,
    },
    /// `table(at, [[x, y], ..])`.
    Table {
        /// Where the curve is read.
        at: Box<Expression>,
        /// Points x, y of the curve, two or more.
        points: Vec<[Expression; 2]>,
    },
}

/// An operator or function of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnaryOperator {
    /// `-x`.
    Negate,
    /// `ceil(x)`.
    Ceil,
    /// `floor(x)`.
    Floor,
    /// `round(x)`, halves away from 0.
    Round,
}

/// An operator or function of two values. Comparisons give 1 or 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BinaryOperator {
    /// `x + y`.
    Add,
    /// `x - y`.
    Subtract,
    /// `x * y`.
    Multiply,
    /// `x / y`.
    Divide,
    /// `x < y`.
    Less,
    /// `x <= y`.
    LessOrEqual,
    /// `x > y`.
    Greater,
    /// `x >= y`.
    GreaterOrEqual,
    /// `x == y`.
    Equal,
    /// `x != y`.
    NotEqual,
    /// `min(x, y)`.
    Min,
    /// `max(x, y)`.
    Max,
}

/// How tightly the parts of an expression hold together, from loose to tight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Conditional,
    Comparison,
    Sum,
    Product,
    Negation,
    Primary,
}

impl Expression {
    pub(super) fn unary(operator: UnaryOperator, value: Self) -> Self {
        Self::Unary {
            operator,
            value: Box::new(value),
        }
    }

    pub(super) fn binary(operator: BinaryOperator, left: Self, right: Self) -> Self {
        Self::Binary {
            operator,
            left: Box::new(left),
            right: Box::new(right),
        }
    }

    /// Calls `visit` with this expression and with every part of it.
    pub(super) fn walk(&self, visit: &mut dyn FnMut(&Self)) {
        visit(self);
        match self {
            Self::Number(_) | Self::Name(_) | Self::Member { .. } => {}
            Self::Unary { value, .. } => value.walk(visit),
            Self::Binary { left, right, .. } => [left, right].into_iter().for_each(|part| part.walk(visit)),
            Self::Conditional { condition, yes, no } => {
                [condition, yes, no].into_iter().for_each(|part| part.walk(visit));
            }
            Self::Elastic {
                value,
                reference,
                elasticity,
            } => [value, reference, elasticity]
                .into_iter()
                .for_each(|part| part.walk(visit)),
            Self::Table { at, points } => {
                at.walk(visit);
                points.iter().flatten().for_each(|part| part.walk(visit));
            }
        }
    }

    fn binding(&self) -> Binding {
        match self {
            Self::Conditional { .. } => Binding::Conditional,
            Self::Binary { operator, .. } => operator.binding(),
            Self::Unary {
                operator: UnaryOperator::Negate,
                ..
            } => Binding::Negation,
            _ => Binding::Primary,
        }
    }

    /// Prints it, in brackets if it holds together less tightly than `least`.
    fn print(&self, f: &mut fmt::Formatter<'_>, least: Binding) -> fmt::Result {
        if self.binding() < least {
            return write!(f, "({self})");
        }
        write!(f, "{self}")
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => print_number(*number, f),
            Self::Name(name) => f.write_str(name),
            Self::Member { table, field } => print_member(table, field, f),
            Self::Unary {
                operator: UnaryOperator::Negate,
                value,
            } => {
                f.write_str("-")?;
                value.print(f, Binding::Primary)
            }
            Self::Unary { operator, value } => write!(f, "{}({value})", operator.symbol()),
            Self::Binary {
                operator,
                left,
                right,
            } => print_binary(*operator, left, right, f),
            Self::Conditional { condition, yes, no } => {
                condition.print(f, Binding::Comparison)?;
                f.write_str(" ? ")?;
                yes.print(f, Binding::Comparison)?;
                write!(f, " : {no}")
            }
            Self::Elastic {
                value,
                reference,
                elasticity,
            } => write!(f, "elastic({value}, {reference}, {elasticity})"),
            Self::Table { at, points } => print_table(at, points, f),
        }
    }
}

impl UnaryOperator {
    /// The sign or the name of the function.
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Negate => "-",
            Self::Ceil => "ceil",
            Self::Floor => "floor",
            Self::Round => "round",
        }
    }
}

impl BinaryOperator {
    /// The sign or the name of the function.
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Min => "min",
            Self::Max => "max",
        }
    }

    fn binding(self) -> Binding {
        match self {
            Self::Add | Self::Subtract => Binding::Sum,
            Self::Multiply | Self::Divide => Binding::Product,
            Self::Min | Self::Max => Binding::Primary,
            _ => Binding::Comparison,
        }
    }
}

impl Binding {
    /// The next tighter one.
    fn tighter(self) -> Self {
        match self {
            Self::Conditional => Self::Comparison,
            Self::Comparison => Self::Sum,
            Self::Sum => Self::Product,
            Self::Product => Self::Negation,
            Self::Negation | Self::Primary => Self::Primary,
        }
    }
}

/// Prints an operator between its values, or a function in front of them. Operators that bind alike are
/// read from the left.
fn print_binary(
    operator: BinaryOperator,
    left: &Expression,
    right: &Expression,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let (symbol, binding) = (operator.symbol(), operator.binding());
    if binding == Binding::Primary {
        return write!(f, "{symbol}({left}, {right})");
    }
    left.print(f, binding)?;
    write!(f, " {symbol} ")?;
    right.print(f, binding.tighter())
}

/// Prints the shortest digits that read back as the same number, with an exponent if that is shorter to read.
fn print_number(number: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if number == 0.0 || (1e-5..1e15).contains(&number) {
        write!(f, "{number}")
    } else {
        write!(f, "{number:e}")
    }
}

fn print_member(table: &str, field: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if super::names::is_field(field) {
        write!(f, "{table}.{field}")
    } else if field.contains('"') {
        write!(f, "{table}['{field}']")
    } else {
        write!(f, "{table}[\"{field}\"]")
    }
}

fn print_table(at: &Expression, points: &[[Expression; 2]], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "table({at}, [")?;
    for (index, [x, y]) in points.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        write!(f, "{comma}[{x}, {y}]")?;
    }
    f.write_str("])")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::formula::parser::parse;

    const UNARY: [UnaryOperator; 4] = [
        UnaryOperator::Negate,
        UnaryOperator::Ceil,
        UnaryOperator::Floor,
        UnaryOperator::Round,
    ];
    const BINARY: [BinaryOperator; 12] = [
        BinaryOperator::Add,
        BinaryOperator::Subtract,
        BinaryOperator::Multiply,
        BinaryOperator::Divide,
        BinaryOperator::Less,
        BinaryOperator::LessOrEqual,
        BinaryOperator::Greater,
        BinaryOperator::GreaterOrEqual,
        BinaryOperator::Equal,
        BinaryOperator::NotEqual,
        BinaryOperator::Min,
        BinaryOperator::Max,
    ];

    fn any_leaf() -> impl Strategy<Value = Expression> {
        let fields = ["pay", "add-to-cart", "true", "a 'b'", "a \"b\"", ""];
        prop_oneof![
            (0_u32..10_000).prop_map(|number| Expression::Number(f64::from(number))),
            prop::num::f64::POSITIVE.prop_map(|number| Expression::Number(number.min(f64::MAX))),
            prop::sample::select(vec!["x", "day", "min", "_a1", "trueish"])
                .prop_map(|name| Expression::Name(name.to_owned())),
            prop::sample::select(fields.to_vec()).prop_map(|field| Expression::Member {
                table: "rates".to_owned(),
                field: field.to_owned(),
            }),
        ]
    }

    fn any_expression() -> impl Strategy<Value = Expression> {
        any_leaf().prop_recursive(6, 60, 5, |part| {
            let three = || (part.clone(), part.clone(), part.clone());
            let points = prop::collection::vec([part.clone(), part.clone()], 2..4);
            prop_oneof![
                (prop::sample::select(&UNARY[..]), part.clone())
                    .prop_map(|(operator, value)| Expression::unary(operator, value)),
                (prop::sample::select(&BINARY[..]), part.clone(), part.clone())
                    .prop_map(|(operator, left, right)| Expression::binary(operator, left, right)),
                three().prop_map(|(condition, yes, no)| Expression::Conditional {
                    condition: Box::new(condition),
                    yes: Box::new(yes),
                    no: Box::new(no),
                }),
                three().prop_map(|(value, reference, elasticity)| Expression::Elastic {
                    value: Box::new(value),
                    reference: Box::new(reference),
                    elasticity: Box::new(elasticity),
                }),
                (part.clone(), points).prop_map(|(at, points)| Expression::Table {
                    at: Box::new(at),
                    points,
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_as_the_same_tree(expression in any_expression()) {
            let printed = expression.to_string();
            prop_assert_eq!(parse(&printed), Ok(expression), "{}", printed);
        }
    }

    #[test]
    fn brackets_are_printed_only_if_they_change_the_reading() {
        for (text, printed) in [
            ("((1+2))*3", "(1 + 2) * 3"),
            ("1+(2*3)", "1 + 2 * 3"),
            ("1-(2-3)-(4)", "1 - (2 - 3) - 4"),
            ("-(a+b)/-(c)", "-(a + b) / -c"),
            ("--x - - -y", "x - y"),
            ("(a<b)==c", "a < b == c"),
            ("a<(b==c)", "a < (b == c)"),
            ("a?b:(c?d:e)", "a ? b : c ? d : e"),
            ("(a?b:c)?(d?1:2):e", "(a ? b : c) ? (d ? 1 : 2) : e"),
            ("min( (a) ,b)+rates['x y']", "min(a, b) + rates[\"x y\"]"),
            ("(rates).pay * 1e3 / 2.50", "rates.pay * 1000 / 2.5"),
            ("1e20 + 1e-9", "1e20 + 1e-9"),
            ("table(x,[[1,2,],[3,4],])", "table(x, [[1, 2], [3, 4]])"),
        ] {
            assert_eq!(parse(text).expect(text).to_string(), printed, "{text}");
        }
    }
}
