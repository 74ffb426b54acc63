//! Keeps secrets out of what is kept of failed exchanges.

use crate::script::text::Escape;

/// Least length of a text that is taken for a secret, in bytes.
const SHORTEST_SECRET: usize = 4;
/// How much of a failed exchange is kept, in characters.
const KEPT: usize = 1_024;

/// Replaces secrets by stars, as they are, as they stand in a URL, and as they stand in JSON. What answers
/// were saved from may be a session's key, so saved values count as secrets too, unless they are too short to
/// be one.
pub fn masked<'a>(text: &str, secrets: impl Iterator<Item = &'a str>) -> String {
    let forms = |secret: &str| {
        let in_url: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let in_json = serde_json::Value::from(secret).to_string();
        let in_path = String::from_utf8_lossy(&Escape::Path.apply(secret)).into_owned();
        [
            secret.to_owned(),
            in_url,
            in_path,
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

/// The start of a kept exchange, cut after masking so that no part of a secret stays at the cut.
pub fn shortened(text: &str) -> String {
    text.chars().take(KEPT).collect()
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
    }
}
