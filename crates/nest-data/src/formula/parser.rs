//! Reads the text of a formula.
//!
//! ```ebnf
//! formula     = expression ;
//! expression  = comparison [ "?" comparison ":" expression ] ;
//! comparison  = sum { ( "<" | "<=" | ">" | ">=" | "==" | "!=" ) sum } ;
//! sum         = product { ( "+" | "-" ) product } ;
//! product     = negation { ( "*" | "/" ) negation } ;
//! negation    = { "-" } member ;
//! member      = primary [ "." name | "[" text "]" ] ;
//! primary     = number | name | call | table | "(" expression ")" ;
//! call        = name "(" expression { "," expression } ")" ;
//! table       = "table" "(" expression "," "[" point "," point { "," point } [ "," ] "]" ")" ;
//! point       = "[" expression "," expression [ "," ] "]" ;
//! number      = ( digits [ "." digits ] | "." digits ) [ ( "e" | "E" ) [ "+" | "-" ] digits ] ;
//! name        = ( letter | "_" ) { letter | digit | "_" } ;
//! text        = '"' { any but '"' } '"' | "'" { any but "'" } "'" ;
//! ```
//!
//! This is a part of the Common Expression Language (<https://cel.dev>). If a formula uses a sign or a
//! function of that language that is not in this part, the error names it.

use winnow::{
    Parser,
    combinator::{alt, delimited, eof, not, opt, peek, terminated},
    error::ParserError,
    stream::{Stateful, Stream},
    token::{one_of, take_till, take_while},
};

use super::{
    expression::{BinaryOperator, Expression, UnaryOperator},
    fault::FormulaFault,
    names::{RESERVED, is_field, is_letter},
};

/// How many expressions may stand inside one another. Brackets, the values of a function and what follows
/// the colon of a condition are expressions.
const DEEPEST: usize = 96;
/// The rest of the text, and how many expressions we are in.
type Input<'a> = Stateful<&'a str, usize>;
type Parsed<T> = Result<T, FormulaFault>;

/// Reads a formula.
pub(super) fn parse(text: &str) -> Parsed<Expression> {
    let mut input = Input {
        input: text,
        state: 0,
    };
    delimited(space, expression, eof).parse_next(&mut input)
}

// Only a syntax error lets another reading be tried; the others say what is wrong already.
impl<I: Stream> ParserError<I> for FormulaFault {
    type Inner = Self;

    fn from_input(_: &I) -> Self {
        Self::Syntax
    }

    fn is_backtrack(&self) -> bool {
        *self == Self::Syntax
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}

fn expression(input: &mut Input<'_>) -> Parsed<Expression> {
    if input.state == DEEPEST {
        return Err(FormulaFault::TooDeep { deepest: DEEPEST });
    }
    input.state += 1;
    let condition = comparison(input)?;
    let read = match opt(token("?")).parse_next(input)? {
        None => condition,
        Some(_) => Expression::Conditional {
            condition: Box::new(condition),
            yes: terminated(comparison, token(":"))
                .parse_next(input)
                .map(Box::new)?,
            no: expression(input).map(Box::new)?,
        },
    };
    input.state -= 1;
    Ok(read)
}

fn comparison(input: &mut Input<'_>) -> Parsed<Expression> {
    let mut left = sum(input)?;
    while let Some(operator) = opt(compared).parse_next(input)? {
        left = Expression::binary(operator, left, sum(input)?);
    }
    refuse(input, &["&&", "||"])?;
    if opt(keyword("in")).parse_next(input)?.is_some() {
        return Err(FormulaFault::NotAccepted("in".to_owned()));
    }
    Ok(left)
}

fn compared(input: &mut Input<'_>) -> Parsed<BinaryOperator> {
    alt((
        token("<=").value(BinaryOperator::LessOrEqual),
        token(">=").value(BinaryOperator::GreaterOrEqual),
        token("==").value(BinaryOperator::Equal),
        token("!=").value(BinaryOperator::NotEqual),
        token("<").value(BinaryOperator::Less),
        token(">").value(BinaryOperator::Greater),
    ))
    .parse_next(input)
}

fn sum(input: &mut Input<'_>) -> Parsed<Expression> {
    let mut left = product(input)?;
    while let Some(operator) = opt(alt((
        token("+").value(BinaryOperator::Add),
        token("-").value(BinaryOperator::Subtract),
    )))
    .parse_next(input)?
    {
        left = Expression::binary(operator, left, product(input)?);
    }
    Ok(left)
}

fn product(input: &mut Input<'_>) -> Parsed<Expression> {
    let mut left = negation(input)?;
    while let Some(operator) = opt(alt((
        token("*").value(BinaryOperator::Multiply),
        token("/").value(BinaryOperator::Divide),
    )))
    .parse_next(input)?
    {
        left = Expression::binary(operator, left, negation(input)?);
    }
    refuse(input, &["%"])?;
    Ok(left)
}

/// Two signs in a row cancel.
fn negation(input: &mut Input<'_>) -> Parsed<Expression> {
    refuse(input, &["!"])?;
    let mut negative = false;
    while opt(token("-")).parse_next(input)?.is_some() {
        negative = !negative;
    }
    let value = member(input)?;
    Ok(if negative {
        Expression::unary(UnaryOperator::Negate, value)
    } else {
        value
    })
}

fn member(input: &mut Input<'_>) -> Parsed<Expression> {
    let mut of = primary(input)?;
    loop {
        if opt(token(".")).parse_next(input)?.is_some() {
            let field = word.verify(|field: &str| is_field(field)).parse_next(input)?;
            if opt(token("(")).parse_next(input)?.is_some() {
                return Err(FormulaFault::NotAValue);
            }
            of = member_of(of, field)?;
        } else if opt(token("[")).parse_next(input)?.is_some() {
            if !input.input.starts_with(['"', '\'']) {
                return Err(FormulaFault::NotAMember);
            }
            let field = terminated(text, token("]")).parse_next(input)?;
            of = member_of(of, field)?;
        } else {
            return Ok(of);
        }
    }
}

fn member_of(table: Expression, field: &str) -> Parsed<Expression> {
    match table {
        Expression::Name(table) => Ok(Expression::Member {
            table,
            field: field.to_owned(),
        }),
        _ => Err(FormulaFault::NotAMember),
    }
}

fn primary(input: &mut Input<'_>) -> Parsed<Expression> {
    if opt(token("(")).parse_next(input)?.is_some() {
        return terminated(expression, token(")")).parse_next(input);
    }
    if let Some(number) = opt(number).parse_next(input)? {
        return Ok(Expression::Number(number));
    }
    if let Some(name) = opt(word).parse_next(input)? {
        return named(name, input);
    }
    let no_value = alt((text.void(), one_of(['[', '{']).void()));
    match opt(no_value).parse_next(input)? {
        Some(()) => Err(FormulaFault::NotAValue),
        None => Err(FormulaFault::Syntax),
    }
}

/// What begins with a name: a call, or the name alone.
fn named(name: &str, input: &mut Input<'_>) -> Parsed<Expression> {
    if RESERVED.contains(&name) {
        return Err(if ["true", "false", "null"].contains(&name) {
            FormulaFault::NotAValue
        } else {
            FormulaFault::Syntax
        });
    }
    if opt(token("(")).parse_next(input)?.is_none() {
        return Ok(Expression::Name(name.to_owned()));
    }
    let unary = |operator: UnaryOperator| move |[value]: [Expression; 1]| Expression::unary(operator, value);
    let binary = |operator: BinaryOperator| {
        move |[left, right]: [Expression; 2]| Expression::binary(operator, left, right)
    };
    match name {
        "ceil" => arguments("ceil", input).map(unary(UnaryOperator::Ceil)),
        "floor" => arguments("floor", input).map(unary(UnaryOperator::Floor)),
        "round" => arguments("round", input).map(unary(UnaryOperator::Round)),
        "min" => arguments("min", input).map(binary(BinaryOperator::Min)),
        "max" => arguments("max", input).map(binary(BinaryOperator::Max)),
        "elastic" => arguments("elastic", input).map(elastic),
        "table" => table(input),
        other => Err(FormulaFault::NotAccepted(other.to_owned())),
    }
}

fn elastic([value, reference, elasticity]: [Expression; 3]) -> Expression {
    Expression::Elastic {
        value: Box::new(value),
        reference: Box::new(reference),
        elasticity: Box::new(elasticity),
    }
}

/// The values of a function, after its opening bracket.
fn arguments<const COUNT: usize>(
    function: &'static str,
    input: &mut Input<'_>,
) -> Parsed<[Expression; COUNT]> {
    let mut values = Vec::new();
    if opt(token(")")).parse_next(input)?.is_none() {
        values.push(expression(input)?);
        while opt(token(",")).parse_next(input)?.is_some() {
            values.push(expression(input)?);
        }
        token(")").parse_next(input)?;
    }
    values
        .try_into()
        .map_err(|values: Vec<_>| FormulaFault::Arguments {
            function,
            wanted: ["one value", "two values", "three values"][COUNT - 1],
            given: values.len(),
        })
}

/// The arguments of `table`, after its opening bracket.
fn table(input: &mut Input<'_>) -> Parsed<Expression> {
    if peek(opt(token(")"))).parse_next(input)?.is_some() {
        return Err(FormulaFault::NotATable);
    }
    let at = expression(input).map(Box::new)?;
    mark(",", input)?;
    mark("[", input)?;
    let mut points = vec![point(input)?];
    while opt(token(",")).parse_next(input)?.is_some() && peek(not(token("]"))).parse_next(input).is_ok() {
        points.push(point(input)?);
    }
    mark("]", input)?;
    mark(")", input)?;
    if points.len() < 2 {
        return Err(FormulaFault::NotATable);
    }
    Ok(Expression::Table { at, points })
}

fn point(input: &mut Input<'_>) -> Parsed<[Expression; 2]> {
    mark("[", input)?;
    let x = expression(input)?;
    mark(",", input)?;
    let y = expression(input)?;
    opt(token(",")).parse_next(input)?;
    mark("]", input)?;
    Ok([x, y])
}

/// A sign that a table has at this place.
fn mark(sign: &'static str, input: &mut Input<'_>) -> Parsed<()> {
    match opt(token(sign)).parse_next(input)? {
        Some(_) => Ok(()),
        None => Err(FormulaFault::NotATable),
    }
}

/// Names the sign that comes next if it is one of `signs`, which other languages have.
fn refuse(input: &mut Input<'_>, signs: &[&'static str]) -> Parsed<()> {
    match signs.iter().find(|sign| input.input.starts_with(**sign)) {
        Some(sign) => Err(FormulaFault::NotAccepted((*sign).to_owned())),
        None => Ok(()),
    }
}

fn number(input: &mut Input<'_>) -> Parsed<f64> {
    let digits = || take_while(1.., |c: char| c.is_ascii_digit());
    let exponent = (one_of(['e', 'E']), opt(one_of(['+', '-'])), digits()).void();
    let whole = (digits(), opt((".", digits()))).void();
    let fraction = (".", digits()).void();
    terminated((alt((whole, fraction)), opt(exponent)).take(), space)
        .parse_to()
        .verify(|number: &f64| number.is_finite())
        .parse_next(input)
}

fn word<'a>(input: &mut Input<'a>) -> Parsed<&'a str> {
    let letters = (
        one_of(is_letter),
        take_while(0.., |c: char| is_letter(c) || c.is_ascii_digit()),
    );
    terminated(letters.take(), space).parse_next(input)
}

fn keyword<'a>(name: &'static str) -> impl Parser<Input<'a>, &'a str, FormulaFault> {
    word.verify(move |word: &str| word == name)
}

fn text<'a>(input: &mut Input<'a>) -> Parsed<&'a str> {
    let between = |quote: char| take_till(0.., move |c: char| c == quote || "\\\n\r".contains(c));
    let quoted = alt((
        delimited('"', between('"'), '"'),
        delimited('\'', between('\''), '\''),
    ));
    terminated(quoted, space).parse_next(input)
}

/// A sign, and the space after it.
fn token<'a>(sign: &'static str) -> impl Parser<Input<'a>, &'a str, FormulaFault> {
    terminated(sign, space)
}

fn space(input: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., [' ', '\t', '\r', '\n', '\u{c}'])
        .void()
        .parse_next(input)
}
