//! What can be wrong with a formula.

/// Why a text is no formula, or why a formula has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum FormulaFault {
    /// The text breaks off, or has a sign that does not belong there.
    #[error("not a formula; use numbers, parameters, + - * / and brackets")]
    Syntax,
    /// A bracket that nothing closes.
    #[error("a bracket is not closed; add the missing `{0}`")]
    OpenBracket(char),
    /// A bracket that closes nothing.
    #[error("`{0}` closes no bracket; remove it, or open one before it")]
    StrayBracket(char),
    /// Brackets, functions and conditions stand inside one another too often.
    #[error("brackets, functions and conditions are nested more than {deepest} deep")]
    TooDeep { deepest: usize },
    /// An operator or a function that there is in other languages, but not in this one.
    #[error("`{0}` is not accepted in a formula")]
    NotAccepted(String),
    /// A text, a list or the like, which has no value.
    #[error(
        "only numbers, parameters, + - * /, comparisons, ?: and min, max, ceil, floor, round, elastic, table \
         are accepted"
    )]
    NotAValue,
    /// A dot or an index behind something else than a name.
    #[error("only MECHANISM.VALUE and rates.BEHAVIOUR are accepted")]
    NotAMember,
    /// A function with too few or too many values.
    #[error("`{function}` takes {wanted}, not {given}")]
    Arguments {
        function: &'static str,
        wanted: &'static str,
        given: usize,
    },
    /// Points of a table that are not what a curve can be drawn through.
    #[error(
        "a table is written table(x, [[5, 0.4], [10, 0.3]]): two or more points, x ascending, all of one unit"
    )]
    NotATable,
    /// A parameter that nothing defines.
    #[error("`{0}` has no value; define it under [parameters]")]
    UnknownParameter(String),
    /// A value of a mechanism or a rate that is not known.
    #[error("`{0}` has no value")]
    UnknownMember(String),
    /// A name behind a dot that no mechanism has.
    #[error("`{member}` is nothing that a mechanism says; it says {known}")]
    NoSuchValue { member: String, known: String },
    /// An operator between values of different units.
    #[error("`{0}` joins values of different units")]
    DifferentUnits(&'static str),
    /// A rounded value with a unit.
    #[error("`{0}` of a value with a unit of time depends on that unit; round before dividing")]
    RoundedUnit(&'static str),
    /// An elasticity with a unit.
    #[error("the elasticity of `elastic` has a unit of time, where a plain number is meant")]
    ElasticityWithUnit,
}

impl FormulaFault {
    /// What is wrong with the brackets of a text, if that is why it breaks off or has a sign that does not
    /// belong there.
    pub(super) fn or_of_brackets(self, text: &str) -> Self {
        match self {
            Self::Syntax => of_brackets(text).unwrap_or(self),
            other => other,
        }
    }
}

/// The first bracket of a text that has no other one. A text in quotes that does not end hides what follows.
fn of_brackets(text: &str) -> Option<FormulaFault> {
    let (mut missing, mut quote) = (Vec::new(), None);
    for sign in text.chars() {
        match (sign, quote) {
            (_, Some(open)) => quote = Some(open).filter(|open| *open != sign),
            ('"' | '\'', None) => quote = Some(sign),
            ('(', None) => missing.push(')'),
            ('[', None) => missing.push(']'),
            (')' | ']', None) => match missing.pop() {
                Some(closing) if closing == sign => {}
                Some(closing) => return Some(FormulaFault::OpenBracket(closing)),
                None => return Some(FormulaFault::StrayBracket(sign)),
            },
            _ => {}
        }
    }
    missing
        .pop()
        .filter(|_| quote.is_none())
        .map(FormulaFault::OpenBracket)
}
