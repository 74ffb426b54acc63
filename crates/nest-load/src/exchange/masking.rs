//! Keeps secrets out of what is kept of failed exchanges.

use crate::script::text::Escape;

/// Least length of a text that is taken for a secret, in bytes.
const SHORTEST_SECRET: usize = 4;
/// How much of a failed exchange is kept, in characters.
const KEPT: usize = 1_024;
/// One odd character in so many makes a body no text. Our choice: a page in Latin-1 has fewer, a picture
/// more.
const MOST_ODD: usize = 8;

/// Replaces secrets by stars, as they are, as they stand in a URL, and as they stand in JSON. What answers
/// were saved from may be a session's key, so saved values count as secrets too, unless they are too short to
/// be one.
pub fn masked<'a>(text: &str, secrets: impl Iterator<Item = &'a str>) -> String {
    let forms = |secret: &str| {
        let in_url: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let in_json = serde_json::Value::from(secret).to_string();
        let written = |escape: Escape| String::from_utf8_lossy(&escape.apply(secret)).into_owned();
        [
            secret.to_owned(),
            in_url,
            written(Escape::Component),
            written(Escape::Path),
            in_json.trim_matches('"').to_owned(),
        ]
    };
    // The longest first, or a short one inside would leave the rest of a long one.
    let mut secrets: Vec<&str> = secrets.filter(|secret| secret.len() >= SHORTEST_SECRET).collect();
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
        .into_iter()
        .flat_map(forms)
        .fold(text.to_owned(), |text, form| text.replace(&form, "***"))
}

/// The start of a kept exchange, cut after masking so that no part of a secret stays at the cut. A terminal
/// shows it: what is no text is replaced.
pub fn shortened(text: &str) -> String {
    let shown = text.replace("\r\n", "\n");
    let printed = |character| match character {
        '\n' | '\t' => character,
        _ if is_unprintable(character) => char::REPLACEMENT_CHARACTER,
        _ => character,
    };
    shown.chars().take(KEPT).map(printed).collect()
}

/// Control characters, and those that change the direction of the text around them.
fn is_unprintable(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// A body for a reader; of one that is no text, its length.
pub fn readable(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let is_odd = |character: &char| {
        *character == char::REPLACEMENT_CHARACTER
            || (is_unprintable(*character) && !"\n\r\t".contains(*character))
    };
    let (mut all, mut odd) = (0, 0);
    for character in text.chars().take(KEPT) {
        all += 1;
        odd += usize::from(is_odd(&character));
    }
    if odd * MOST_ODD > all {
        format!("({} bytes that are no text)", body.len())
    } else {
        text.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_in_kept_exchanges() {
        let secrets = ["a b\"c", "ab"];
        assert_eq!(
            masked(
                "GET /?t=a+b%22c {\"t\":\"a b\\\"c\"} ab a b\"c",
                secrets.into_iter()
            ),
            "GET /?t=*** {\"t\":\"***\"} ab ***"
        );
        assert_eq!(masked("/a%2Fb%26c /a/b&c", ["a/b&c"].into_iter()), "/*** /***");
    }

    #[test]
    fn no_control_character_reaches_a_terminal() {
        assert_eq!(
            shortened("a\r\n\tb\u{1b}[31m\u{9b}\r\u{202e}\0\u{7f}"),
            "a\n\tb\u{fffd}[31m\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}"
        );
        assert_eq!(
            readable(b"\x1f\x8b\x08\x00\x00\x00"),
            "(6 bytes that are no text)"
        );
        assert_eq!(readable("Zoë\r\n".as_bytes()), "Zoë\r\n");
        assert_eq!(
            readable(b"Zo\xeb, a name that ISO 8859-1 writes"),
            "Zo\u{fffd}, a name that ISO 8859-1 writes"
        );
        assert_eq!(readable(b""), "");
    }
}
