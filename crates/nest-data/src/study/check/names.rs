//! Checks that names can be printed: they stand in tables, messages, file names and pages.

use crate::{diagnostic::Diagnostic, study::Study, toml_document::Spans};

/// Most letters of a name.
const LONGEST: usize = 200;
const HELP: &str = "write it in letters, digits and signs that are printed, up to 200, on one line";

/// Checks the names of a study: its own, and those of everything that its tables and files name.
pub(crate) fn check_names(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let about = &study.study;
    for (key, text) in [("name", &about.name), ("customer", &about.customer)] {
        if let Some(fault) = fault(text) {
            let message = format!("`study.{key}` {fault}");
            found.push(spans.at_value(&["study", key], message, HELP));
        }
    }
    for (table, name) in keys(study) {
        if let Some(fault) = fault(name) {
            let message = format!("a name in `{table}` {fault}: {name:?}");
            found.push(spans.at_key(&[table, name], message, HELP));
        }
    }
    for (name, probe) in &study.probes {
        if let Some(fault) = fault(&probe.tier) {
            let message = format!("the tier of probe `{name}` {fault}: {:?}", probe.tier);
            found.push(spans.at_value(&["probes", name, "tier"], message, HELP));
        }
    }
}

/// Every name that a table gives, with its table. Behaviours are among them, by their rates.
fn keys(study: &Study) -> impl Iterator<Item = (&'static str, &String)> {
    fn of<'a, T>(
        table: &'static str,
        named: &'a std::collections::BTreeMap<String, T>,
    ) -> impl Iterator<Item = (&'static str, &'a String)> {
        named.keys().map(move |name| (table, name))
    }
    of("parameters", &study.parameters)
        .chain(of("mechanisms", &study.mechanisms))
        .chain(of("rates", &study.rates))
        .chain(of("behaviours", &study.behaviours))
        .chain(of("segments", &study.segments))
        .chain(of("feeds", &study.feeds))
        .chain(of("probes", &study.probes))
        .chain(of("slo", &study.slo))
        .chain(of("configs", &study.configs))
        .chain(of("fees", &study.fees))
        .chain(of("exchange", &study.exchange))
        .chain(of("growth", &study.growth))
        .chain(of("policies", &study.policies))
}

/// What is wrong with a name.
fn fault(name: &str) -> Option<&'static str> {
    if name.trim().is_empty() {
        Some("is empty")
    } else if name.chars().any(steers) {
        Some("holds a character that is not printed")
    } else if name.chars().count() > LONGEST {
        Some("is too long")
    } else {
        None
    }
}

/// Whether a character is a control character, or one that turns or hides text: the "bidirectional formatting
/// characters" of Unicode (UAX 9, table 1), line and paragraph separators, and the byte order mark.
fn steers(letter: char) -> bool {
    let marks = matches!(letter, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{feff}');
    let turns = matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    marks || turns || letter.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_steer_a_terminal_or_hide_text_are_refused() {
        for name in [
            "",
            " ",
            "a\u{1b}[2Jb",
            "a\nerror: b",
            "a\u{202e}b",
            "a\u{9b}b",
            &"a".repeat(201),
        ] {
            assert!(fault(name).is_some(), "{name:?}");
        }
        for name in ["pay", "Größe 1", "支払い", "a-b_c.d/e", &"a".repeat(200)] {
            assert_eq!(fault(name), None, "{name:?}");
        }
    }
}
