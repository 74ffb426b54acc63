//! Shows errors in the lines of the files that a person wrote.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use nest_data::{Diagnostic, Source};

/// All diagnostics as text, each with its line and its help.
pub fn render(found: &[Diagnostic], sources: &[Source]) -> String {
    let renderer = Renderer::plain();
    let mut text = String::new();
    for diagnostic in found {
        text.push_str(&one(diagnostic, sources, &renderer));
        text.push_str("\n\n");
    }
    let plural = if found.len() == 1 { "error" } else { "errors" };
    text.push_str(&format!("{} {plural}\n", found.len()));
    text
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
    let end = diagnostic.span.end.min(source.text.len());
    let start = diagnostic.span.start.min(end);
    let snippet = Snippet::source(&source.text)
        .path(&source.name)
        .annotation(AnnotationKind::Primary.span(start..end));
    renderer.render(&[title.element(snippet).element(help)])
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
    fn a_file_that_is_not_at_hand_is_still_named() {
        let text = render(&[Diagnostic::at("--set", 0..0, "no", "do")], &[]);
        assert!(text.contains("--> --set") && text.contains("help: do"), "{text}");
    }
}
