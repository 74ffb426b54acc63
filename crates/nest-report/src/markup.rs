//! Text on its way into HTML, SVG and Markdown.

use crate::words::turns;

/// Text in which every character with a meaning in HTML or XML is escaped, for content and for attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // XML 1.0 allows no other control characters, and no mark turns the text around it.
            control if control.is_control() && !matches!(control, '\n' | '\t') => {}
            mark if turns(mark) => {}
            other => escaped.push(other),
        }
    }
    escaped
}

/// Escaped text in which every pair of backticks becomes `<code>` and a backtick without a partner stays.
pub(crate) fn prose(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for (part, is_code) in parts(text) {
        if is_code {
            html.push_str(&format!("<code>{}</code>", escape(part)));
        } else {
            html.push_str(&held_together(&escape(part)));
        }
    }
    html
}

/// Pieces of a text, and whether each stands between backticks. A backtick without a partner stays in its
/// piece.
fn parts(text: &str) -> Vec<(&str, bool)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('`') {
        let Some((code, behind)) = after.split_once('`') else {
            break;
        };
        found.push((before, false));
        found.push((code, true));
        rest = behind;
    }
    found.push((rest, false));
    found.retain(|(part, _)| !part.is_empty());
    found
}

/// No line ends between a number and its percent sign, where a thin space stands, or after a minus sign.
fn held_together(text: &str) -> String {
    text.replace(" %", "\u{202f}%").replace('−', "−\u{2060}")
}

/// Text for one line of Markdown: no table bars, tags, links, mentions, emphasis or line breaks of its own.
/// What stands between backticks stays code.
pub(crate) fn markdown_line(text: &str) -> String {
    let plain: String = text.chars().filter(|character| !turns(*character)).collect();
    let plain = plain.replace(|character: char| character.is_control(), " ");
    let mut line = String::with_capacity(plain.len());
    for (part, is_code) in parts(&plain) {
        if is_code {
            // A tag stays text even where somebody takes the code out of its backticks.
            line.push_str(&format!(
                "`{}`",
                part.replace('|', "\\|").replace('<', "<\u{200b}")
            ));
        } else {
            line.push_str(&inert(part));
        }
    }
    line
}

/// Markdown without a meaning: no tag, link, table bar or emphasis, and an `@` mentions nobody.
fn inert(text: &str) -> String {
    let mut inert = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => inert.push_str("&lt;"),
            '@' => inert.push_str("@\u{200b}"),
            '\\' | '`' | '*' | '|' => {
                inert.push('\\');
                inert.push(character);
            }
            other => inert.push(other),
        }
    }
    inert.replace("](", "]\\(")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_marked_and_nothing_escapes() {
        assert_eq!(
            prose("on `a<b` & 'c'"),
            "on <code>a&lt;b</code> &amp; &#39;c&#39;"
        );
        assert_eq!(prose("a ` b"), "a ` b");
        assert_eq!(prose("71 % of `x`"), "71\u{202f}% of <code>x</code>");
        assert_eq!(prose("−$950"), "−\u{2060}$950");
        assert_eq!(escape("a\u{202e}b"), "ab");
        assert_eq!(escape("a\u{0}b"), "ab");
    }

    #[test]
    fn markdown_keeps_a_cell_on_its_line() {
        assert_eq!(
            markdown_line("a|b\n<script> [x](y)\u{1b}[31m"),
            "a\\|b &lt;script> [x]\\(y) [31m"
        );
        assert_eq!(
            markdown_line("=1 @me `a|<b` `"),
            "=1 @\u{200b}me `a\\|<\u{200b}b` \\`"
        );
    }
}
