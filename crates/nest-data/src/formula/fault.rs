//! What can be wrong with a formula.

/// Why a text is no formula, or why a formula has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum FormulaFault {
    /// The text breaks off, or has a sign that does not belong there.
    #[error("not a formula; use numbers, parameters, + - * / and brackets")]
    Syntax,
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
