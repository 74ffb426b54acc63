//! Text on its way into HTML, SVG and Markdown.

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
            // XML 1.0 allows no other control characters.
            control if control.is_control() && !matches!(control, '\n' | '\t') => {}
            other => escaped.push(other),
        }
    }
    escaped
}

/// Longest interval that is kept on one line, in bytes.
const LONGEST_INTERVAL: usize = 60;

/// Escaped text in which every pair of backticks becomes `<code>`, a backtick without a partner stays, and
/// intervals keep to one line.
pub(crate) fn prose(text: &str) -> String {
    let parts: Vec<String> = text.split('`').map(escape).collect();
    let mut html = String::with_capacity(text.len());
    for (index, part) in parts.iter().enumerate() {
        let opens = index % 2 == 1;
        let closes = index + 1 < parts.len();
        match (opens, closes) {
            (true, true) => html.push_str(&format!("<code>{part}</code>")),
            (true, false) => html.push_str(&format!("`{}", unbroken(part))),
            (false, _) => html.push_str(&unbroken(part)),
        }
    }
    html
}

/// Wraps each `[low … high]` so that no line ends inside it.
fn unbroken(escaped: &str) -> String {
    let mut html = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((before, after)) = rest.split_once('[') {
        html.push_str(before);
        match after.split_once(']') {
            Some((inside, behind)) if inside.contains(" … ") && inside.len() < LONGEST_INTERVAL => {
                html.push_str(&format!("<span class=\"i\">[{inside}]</span>"));
                rest = behind;
            }
            _ => {
                html.push('[');
                rest = after;
            }
        }
    }
    html.push_str(rest);
    html
}

/// Text for one line of Markdown: no table bars, tags, links or line breaks of its own.
pub(crate) fn markdown_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
        .replace('<', "&lt;")
        .replace('|', "\\|")
        .replace("](", "]\\(")
}

/// Names for anchors and files, one for each of `ids` and no two alike: lower-case letters, digits and
/// hyphens.
pub(crate) fn slugs<'a>(ids: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for id in ids {
        let base = slug(id);
        let mut name = base.clone();
        let mut number = 2;
        while taken.contains(&name) {
            name = format!("{base}-{number}");
            number += 1;
        }
        taken.push(name);
    }
    taken
}

fn slug(id: &str) -> String {
    let mut slug = String::new();
    for character in id.chars() {
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        "chart".to_owned()
    } else {
        slug.to_owned()
    }
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
        assert_eq!(prose("5 [4 … 6] [x"), "5 <span class=\"i\">[4 … 6]</span> [x");
        assert_eq!(escape("a\u{0}b"), "ab");
    }

    #[test]
    fn markdown_keeps_a_cell_on_its_line() {
        assert_eq!(
            markdown_line("a|b\n<script> [x](y)"),
            "a\\|b &lt;script> [x]\\(y)"
        );
    }

    #[test]
    fn slugs_are_safe_and_differ() {
        assert_eq!(
            slugs(["app/cpu", "APP cpu", "../..", "§"]),
            ["app-cpu", "app-cpu-2", "chart", "chart-2"]
        );
    }
}
