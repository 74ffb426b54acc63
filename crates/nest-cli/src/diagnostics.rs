//! Shows errors in the lines of the files that a person wrote. What is shown is bounded: a price list may
//! come in one line of many megabytes, and may have an error in each of its rows.

use std::{borrow::Cow, ops::Range};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use nest_data::{
    Diagnostic, Source,
    diagnostic::secrets::{concealed, starred},
};

/// Most errors that are shown.
const MOST_SHOWN: usize = 100;
/// Bytes before and after the beginning of an error that are shown of its lines at most.
const SHOWN_BYTES: usize = 1_000;

/// The diagnostics as text, each with its line and its help. Of secrets that the lines hold, stars are shown.
pub fn render(found: &[Diagnostic], sources: &[Source]) -> String {
    let renderer = Renderer::plain();
    let shown: Vec<Source> = sources.iter().map(|source| shown(source, found)).collect();
    let mut text = String::new();
    for diagnostic in found.iter().take(MOST_SHOWN) {
        text.push_str(&one(diagnostic, &shown, &renderer));
        text.push_str("\n\n");
    }
    let plural = if found.len() == 1 { "error" } else { "errors" };
    text.push_str(&format!("{} {plural}", found.len()));
    if found.len() > MOST_SHOWN {
        text.push_str(&format!(", of which the first {MOST_SHOWN} are shown"));
    }
    text.push('\n');
    text
}

/// A source without the secrets that diagnostics have found in it, and those of its URLs.
fn shown(source: &Source, found: &[Diagnostic]) -> Source {
    let is_here = |diagnostic: &&Diagnostic| diagnostic.is_secret && diagnostic.file == source.name;
    let secrets: Vec<_> = found.iter().filter(is_here).map(|one| one.span.clone()).collect();
    Source::new(&source.name, concealed(&starred(&source.text, &secrets)))
}

fn one(diagnostic: &Diagnostic, sources: &[Source], renderer: &Renderer) -> String {
    let title = Level::ERROR.primary_title(&diagnostic.message);
    let help = Level::HELP.message(&diagnostic.help);
    let Some(source) = sources.iter().find(|source| source.name == diagnostic.file) else {
        return format!(
            "error: {}\n  --> {}\n  = help: {}",
            diagnostic.message, diagnostic.file, diagnostic.help
        );
    };
    let excerpt = Excerpt::of(source, &diagnostic.span);
    let snippet = Snippet::source(excerpt.text)
        .path(&*excerpt.name)
        .line_start(excerpt.line)
        .annotation(AnnotationKind::Primary.span(excerpt.span));
    renderer.render(&[title.element(snippet).element(help)])
}

/// The lines of an error, or the part of them around its beginning.
struct Excerpt<'a> {
    /// Name of the file; with the byte from which its line is shown, if that is not the first.
    name: Cow<'a, str>,
    text: &'a str,
    /// Number of the first line, from 1.
    line: usize,
    /// Where the error is in `text`.
    span: Range<usize>,
}

impl<'a> Excerpt<'a> {
    fn of(source: &'a Source, span: &Range<usize>) -> Self {
        let text = source.text.as_str();
        let start = text.floor_char_boundary(span.start.min(span.end));
        let end = text.ceil_char_boundary(span.end);
        let line_start = text[..start].rfind('\n').map_or(0, |place| place + 1);
        let line_end = text[end..].find('\n').map_or(text.len(), |place| end + place);
        let from = line_start.max(text.floor_char_boundary(start.saturating_sub(SHOWN_BYTES)));
        let to = line_end.min(text.ceil_char_boundary(start.saturating_add(SHOWN_BYTES)));
        let name = if from > line_start {
            Cow::Owned(format!(
                "{} (from byte {} of the line)",
                source.name,
                from - line_start
            ))
        } else {
            Cow::Borrowed(source.name.as_str())
        };
        Self {
            name,
            text: &text[from..to],
            line: 1 + text[..from].matches('\n').count(),
            span: start - from..end.min(to) - from,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_file_line_column_and_help() {
        let source = Source::new("nest.toml", "a = 1\nbb = 2\n");
        let diagnostic = Diagnostic::at("nest.toml", 6..8, "unknown key `bb`", "did you mean `b`?");
        let text = render(&[diagnostic], &[source]);
        for part in [
            "error: unknown key `bb`",
            "nest.toml:2:1",
            "bb = 2",
            "help: did you mean `b`?",
            "1 error",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_secret_is_shown_by_stars_in_every_diagnostic_of_its_line() {
        let text = "a = { x = 1, url = \"http://me:p\\u0040ss@h/\" }\nb = \"/x?token=4711\"\n";
        let source = Source::new("nest.toml", text);
        let start = text.find("\"http").expect("in the text");
        let end = text.find(" }").expect("in the text");
        let found = [
            Diagnostic::at("nest.toml", start..end, "a password", "none").secret(),
            Diagnostic::at("nest.toml", 0..1, "unknown key `a`", "none"),
            Diagnostic::at(
                "nest.toml",
                text.find("b =").expect("there")..text.len() - 1,
                "other",
                "none",
            ),
        ];
        let rendered = render(&found, &[source]);
        assert!(rendered.contains("a = { x = 1, url = ****"), "{rendered}");
        assert!(rendered.contains("/x?token=****"), "{rendered}");
        for secret in ["ss@h", "me:", "4711"] {
            assert!(!rendered.contains(secret), "{secret} in {rendered}");
        }
    }

    #[test]
    fn a_file_that_is_not_at_hand_is_still_named() {
        let text = render(&[Diagnostic::at("--set", 0..0, "no", "do")], &[]);
        assert!(text.contains("--> --set") && text.contains("help: do"), "{text}");
    }
    #[test]
    fn many_errors_in_one_long_line_are_shown_in_parts() {
        let row = "{\"sku\": \"ä\"}, ";
        let source = Source::new("prices.json", row.repeat(200_000));
        let at = |index: usize| Diagnostic::at("prices.json", index..index + 5, "no price", "add one");
        let found: Vec<Diagnostic> = (0..5_000).map(|index| at(index * 480)).collect();
        let text = render(&found, &[source]);
        assert!(text.len() < 400_000, "{} bytes", text.len());
        assert!(
            text.contains("5000 errors, of which the first 100 are shown"),
            "{text}"
        );
        assert!(
            text.contains("prices.json (from byte 46520 of the line)"),
            "{text}"
        );
    }

    #[test]
    fn an_error_at_any_place_of_a_text_is_shown() {
        let source = Source::new("nest.toml", "a = \"ä\"\r\n\n\u{2028}b = 1");
        for start in 0..20 {
            for end in start..20 {
                let text = render(
                    &[Diagnostic::at("nest.toml", start..end, "no", "do")],
                    std::slice::from_ref(&source),
                );
                assert!(text.contains("nest.toml:"), "{start}..{end}: {text}");
            }
        }
    }
}
