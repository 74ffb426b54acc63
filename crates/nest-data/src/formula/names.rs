//! Which words may be names in a formula.

/// Words that are no names: four values of the Common Expression Language, then the words that it reserves.
pub(super) const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];
/// How many of [`RESERVED`] are no names after a dot either.
const VALUES: usize = 4;

/// Whether a name may stand after a dot.
pub(super) fn is_field(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(is_letter)
        && letters.all(|other| is_letter(other) || other.is_ascii_digit())
        && !RESERVED[..VALUES].contains(&name)
}

pub(super) fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}
