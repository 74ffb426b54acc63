//! Syntax errors of a TOML text. A bracket that nothing closes makes an error of each line after it, so that
//! it alone is reported, where it stands.

use std::ops::Range;

use toml::de::Error;

use crate::diagnostic::{Diagnostic, Source};

/// What is wrong with a text, in its order.
pub fn errors(source: &Source, errors: &[Error]) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = errors.iter().map(|error| of_error(source, error)).collect();
    let is_open = |error: &Error| {
        let message = error.message();
        message.starts_with("unclosed inline table")
            || message.starts_with("unclosed array") && !message.starts_with("unclosed array table")
    };
    if errors.iter().any(is_open)
        && let Some(open) = unclosed(&source.text)
    {
        found.retain(|one| one.span.start < open.start);
        found.push(of_open(source, open));
    }
    found.sort_by_key(|diagnostic| diagnostic.span.start);
    found.dedup();
    found
}

fn of_error(source: &Source, error: &Error) -> Diagnostic {
    let help = match error.message() {
        message if message.contains("duplicate") => "keep one of the two",
        message
            if ["date", "time", "month", "day", "hour"]
                .iter()
                .any(|word| message.contains(word)) =>
        {
            "write a date such as 2026-11-01, a number such as 5, or text in double quotes"
        }
        message if message.contains("unclosed") || message.contains("missing closing") => {
            "close the bracket or quote that this line opens"
        }
        message if message.contains("quote") || message.contains("string") => {
            "put text in double quotes: key = \"value\""
        }
        _ => "write `key = value` or `[table]`; text goes in double quotes",
    };
    Diagnostic::at(
        &source.name,
        error.span().unwrap_or(0..0),
        format!("not valid TOML: {}", error.message()),
        help,
    )
}

fn of_open(source: &Source, open: Range<usize>) -> Diagnostic {
    let sign = &source.text[open.clone()];
    let closing = match sign {
        "[" => "]",
        "{" => "}",
        quote => quote,
    };
    let message = format!("not valid TOML: this `{sign}` is not closed");
    Diagnostic::at(
        &source.name,
        open,
        message,
        format!("add the missing `{closing}`"),
    )
}

/// The first bracket or quote of a text that nothing closes, or that a bracket of another kind would close.
fn unclosed(text: &str) -> Option<Range<usize>> {
    let mut open = Vec::new();
    let mut at = 0;
    while let Some(sign) = text[at..].chars().next() {
        at += match sign {
            '#' => text[at..].find('\n').unwrap_or(text.len() - at),
            '"' | '\'' => match length_of_text(&text[at..], sign) {
                Some(length) => length,
                None => return Some(at..at + 1),
            },
            '[' | '{' => {
                open.push((at, sign));
                1
            }
            ']' | '}' => match open.pop() {
                Some((place, opened)) if (opened == '[') != (sign == ']') => return Some(place..place + 1),
                _ => 1,
            },
            other => other.len_utf8(),
        };
    }
    open.first().map(|(place, _)| *place..place + 1)
}

/// Length of a quoted text with its quotes; none if it does not end.
fn length_of_text(text: &str, quote: char) -> Option<usize> {
    let three = quote.to_string().repeat(3);
    let mark = if text.starts_with(&three) {
        &three
    } else {
        &three[..1]
    };
    let mut at = mark.len();
    loop {
        let rest = &text[at..];
        if rest.starts_with(mark) {
            return Some(at + mark.len());
        }
        let mut letters = rest.chars();
        match letters.next()? {
            '\n' if mark.len() == 1 => return None,
            '\\' if quote == '"' => at += 1 + letters.next()?.len_utf8(),
            letter => at += letter.len_utf8(),
        }
    }
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::*;

    fn found(text: &str) -> Vec<String> {
        let source = Source::new("x.toml", text);
        let (_, broken) = DeTable::parse_recoverable(&source.text);
        let shown = |one: &Diagnostic| {
            let (line, column) = source.position(one.span.start);
            format!("{line}:{column}: {} ({})", one.message, one.help)
        };
        errors(&source, &broken).iter().map(shown).collect()
    }

    #[test]
    fn a_bracket_that_nothing_closes_is_one_error_where_it_stands() {
        let rest = "\n[b]\nc = [\"1%\", '}']\n# ]}\nd = \"]\\\"}\"\n[c]\nd = { e = 2 }\n";
        for (line, place, sign, closing) in [
            ("a = { b = 1", "1:5", '{', '}'),
            ("a = [1, 2", "1:5", '[', ']'),
            ("a = [{ b = 1 ]", "1:6", '{', '}'),
            ("a = { b = [1, 2 }", "1:11", '[', ']'),
            ("a = { b = \"x }", "1:11", '"', '"'),
        ] {
            let expected =
                format!("{place}: not valid TOML: this `{sign}` is not closed (add the missing `{closing}`)");
            assert_eq!(found(&format!("{line}{rest}")), [expected], "{line}");
        }
    }

    #[test]
    fn errors_before_an_open_bracket_stay() {
        let found = found("a = \nb = { c = 1\nd = 2\n");
        assert!(
            found.len() == 2 && found[0].starts_with("1:") && found[1].starts_with("2:5: "),
            "{found:#?}"
        );
    }

    #[test]
    fn texts_end_where_their_quotes_do() {
        for (text, length) in [
            ("\"a\" b", Some(3)),
            ("\"\" b", Some(2)),
            ("\"\\\"\" b", Some(4)),
            ("'\\' b", Some(3)),
            ("\"\"\"a\n\"b\"\"\" c", Some(10)),
            ("\"a\nb\"", None),
            ("'''a", None),
        ] {
            let quote = text.chars().next().expect("a quote");
            assert_eq!(length_of_text(text, quote), length, "{text}");
        }
    }
}
