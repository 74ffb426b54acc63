//! Names that the study gives, on their way into a sentence.

/// Most characters of a name in a sentence; tables hold it in full.
const LONGEST: usize = 48;

/// A name in backticks: on one line, without characters that steer a terminal or turn the direction of text,
/// and cut if it is very long.
pub(crate) fn name(text: &str) -> String {
    let plain = clean(text).replace('`', "'");
    let mut short: String = plain.chars().take(LONGEST).collect();
    if short.len() < plain.len() {
        short = format!("{}…", short.trim_end());
    }
    if short.is_empty() {
        short.push('?');
    }
    format!("`{short}`")
}

/// A text on one line: every control character becomes a space, and marks that turn the direction of text are
/// left out.
pub(crate) fn clean(text: &str) -> String {
    let kept = text.chars().filter(|character| !turns(*character));
    let spaced: String = kept
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a character turns the direction of the text around it (Unicode Standard Annex 9), or breaks a
/// line.
pub(crate) fn turns(character: char) -> bool {
    matches!(
        character,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// A text with a capital at its beginning; one that begins with a name stays.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}

/// Several texts as a list in a sentence: `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_on_its_line_and_is_inert() {
        assert_eq!(name("today"), "`today`");
        assert_eq!(name("a\nb\u{1b}[31m`c"), "`a b [31m'c`");
        assert_eq!(name("x\u{202e}y"), "`xy`");
        assert_eq!(name(""), "`?`");
        assert_eq!(name(&"n".repeat(200)).chars().count(), 48 + 3);
    }

    #[test]
    fn lists_end_with_and() {
        let parts = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(listed(&parts), "a, b and c");
        assert_eq!(listed(&parts[..2]), "a and b");
        assert_eq!(listed(&parts[..1]), "a");
    }
}
