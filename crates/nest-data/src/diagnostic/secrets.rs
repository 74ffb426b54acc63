//! Secrets in URLs: user names and passwords before the host, and values whose names say that they are
//! secret. No file keeps them, and no message shows them.

use std::{borrow::Cow, fmt, ops::Range};

use url::Url;

/// What stands in the place of a secret.
const MASK: char = '*';
/// Parts of names, without what is no letter or digit, that say that the value is a secret.
const SECRET_PARTS: [&str; 20] = [
    "accesskey",
    "apikey",
    "assertion",
    "authent",
    "authoriz",
    "bearer",
    "cookie",
    "credential",
    "jwt",
    "passcode",
    "passphrase",
    "passw",
    "privatekey",
    "pwd",
    "secret",
    "sessid",
    "sessionid",
    "signature",
    "subscriptionkey",
    "token",
];
/// Words of names that say the same.
const SECRET_WORDS: [&str; 15] = [
    "auth", "creds", "hmac", "key", "oauth", "otp", "pass", "pin", "pw", "sas", "session", "sid", "sig",
    "totp", "ticket",
];
/// Words beside which `key` is none of a lock: `sort_key`.
const PLAIN_KEYS: [&str; 14] = [
    "cache",
    "foreign",
    "group",
    "hash",
    "index",
    "map",
    "order",
    "partition",
    "primary",
    "public",
    "range",
    "row",
    "search",
    "sort",
];

/// Where in a URL a secret stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// Before the host: `http://user:password@host`.
    UserInfo,
    /// The value of this name, in the query or another list of values: `?token=...`.
    Value(String),
}

impl fmt::Display for SecretPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UserInfo => f.write_str("a user name or password"),
            Self::Value(name) => write!(f, "a value for `{name}` that looks like a secret"),
        }
    }
}

/// The first secret in a URL, or in a text with URLs. A value that is filled in when the URL is used, by a
/// template (`{{ env("NAME") }}`) or a shell (`$NAME`), is none.
///
/// ```
/// use nest_data::diagnostic::secrets::{SecretPlace, secret_in};
///
/// assert_eq!(secret_in("http://me:x@127.0.0.1/"), Some(SecretPlace::UserInfo));
/// assert_eq!(secret_in("/items?api_key=x"), Some(SecretPlace::Value("api_key".to_owned())));
/// assert_eq!(secret_in("/items?page=2&api_key={{ env(\"KEY\") }}"), None);
/// ```
#[must_use]
pub fn secret_in(text: &str) -> Option<SecretPlace> {
    let has_user = |url: Url| !url.username().is_empty() || url.password().is_some();
    if Url::parse(text).is_ok_and(has_user) {
        return Some(SecretPlace::UserInfo);
    }
    let in_words = user_infos(text, char::is_whitespace).find(|range| !text[range.clone()].starts_with('$'));
    if in_words.is_some() {
        return Some(SecretPlace::UserInfo);
    }
    secret_values(text)
        .map(|(name, _)| SecretPlace::Value(name))
        .next()
}

/// A text for a reader, with a star for each byte of a secret in a URL, so that places in it stay where they
/// are.
#[must_use]
pub fn concealed(text: &str) -> Cow<'_, str> {
    let line_ends = |letter| letter == '\n';
    let ranges: Vec<Range<usize>> = user_infos(text, line_ends)
        .chain(loose_user_infos(text))
        .chain(secret_values(text).map(|(_, range)| range))
        .collect();
    starred(text, &ranges)
}

/// A text with a star for each byte in some ranges; line feeds stay.
#[must_use]
pub fn starred<'a>(text: &'a str, ranges: &[Range<usize>]) -> Cow<'a, str> {
    if ranges.is_empty() {
        return Cow::Borrowed(text);
    }
    let is_hidden = |place: usize| ranges.iter().any(|range| range.contains(&place));
    let mut out = String::with_capacity(text.len());
    for (place, letter) in text.char_indices() {
        if letter != '\n' && is_hidden(place) {
            out.extend(std::iter::repeat_n(MASK, letter.len_utf8()));
        } else {
            out.push(letter);
        }
    }
    Cow::Owned(out)
}

/// What stands before the host of each URL in a text; a host ends at the latest where `ends` says.
fn user_infos(text: &str, ends: impl Fn(char) -> bool + Copy) -> impl Iterator<Item = Range<usize>> {
    text.match_indices(':').filter_map(move |(colon, _)| {
        let rest = &text[colon + 1..];
        let bare = rest.trim_start_matches(['/', '\\']);
        let is_web = ["http", "https"].iter().any(|scheme| {
            let start = colon.checked_sub(scheme.len());
            start
                .and_then(|start| text.get(start..colon))
                .is_some_and(|word| word.eq_ignore_ascii_case(scheme))
        });
        if bare.len() == rest.len() && !is_web {
            return None;
        }
        let start = text.len() - bare.len();
        let end = bare
            .find(|letter| is_quote(letter) || ends(letter))
            .unwrap_or(bare.len());
        let host = &bare[..end];
        let authority = &host[..host.find(['/', '\\', '?', '#']).unwrap_or(host.len())];
        let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
        // A password with a slash in it makes a port that is none.
        let is_odd = authority
            .rsplit_once(':')
            .is_some_and(|(_, port)| !is_port(port) && !port.ends_with(']'));
        let searched = if is_odd { host } else { authority };
        let at = searched.rfind('@').filter(|at| *at > 0)?;
        Some(start..start + at)
    })
}

/// `user:password` before an `@` where no scheme tells that a URL begins.
fn loose_user_infos(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices('@').filter_map(|(at, _)| {
        let ends = |letter: char| letter.is_whitespace() || is_quote(letter) || "/=(,[{".contains(letter);
        let start = text[..at].rfind(ends).map_or(0, |place| {
            place + text[place..].chars().next().map_or(1, char::len_utf8)
        });
        text[start..at].contains(':').then_some(start..at)
    })
}

/// Names and values of `?name=value`, `&name=value`, `;name=value` and `#name=value` that are secret.
fn secret_values(text: &str) -> impl Iterator<Item = (String, Range<usize>)> {
    text.match_indices('=').filter_map(|(equals, _)| {
        let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || "-_.~%[]+$".contains(letter);
        let name = &text[..equals];
        let start = name.rfind(|letter| !is_of_name(letter))?;
        if !name[start..].starts_with(['?', '&', ';', '#']) {
            return None;
        }
        let name = decoded(&name[start + 1..]);
        let value = &text[equals + 1..];
        let end =
            value.find(|letter: char| letter.is_whitespace() || is_quote(letter) || "&;#".contains(letter));
        let value = &value[..end.unwrap_or(value.len())];
        let is_filled_in = value.contains("{{") || value.starts_with('$');
        let is_secret = !value.is_empty() && !is_filled_in && is_secret_name(&name);
        is_secret.then(|| (name, equals + 1..equals + 1 + value.len()))
    })
}

fn is_quote(letter: char) -> bool {
    matches!(letter, '"' | '\'' | '`' | '<' | '>')
}

/// A name without its percent-encoding.
fn decoded(name: &str) -> String {
    let pair = format!("{}=", name.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes())
        .map(|(name, _)| name.into_owned())
        .collect()
}

fn is_secret_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let letters: String = lower.chars().filter(char::is_ascii_alphanumeric).collect();
    let words = || lower.split(|letter: char| !letter.is_ascii_alphanumeric());
    let is_plain_key = words().any(|word| PLAIN_KEYS.contains(&word));
    SECRET_PARTS.iter().any(|part| letters.contains(part))
        || words().any(|word| SECRET_WORDS.contains(&word) && !(word == "key" && is_plain_key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_and_passwords_are_found_however_the_url_is_spelled() {
        for url in [
            "http://me:4711@127.0.0.1:80/",
            "http://4711@127.0.0.1/",
            "HTTPS://me:4711@[::1]:80",
            "http:\\\\me:4711@127.0.0.1",
            "http:/me:4711@127.0.0.1",
            "http:me:4711@127.0.0.1",
            "http://me:4711 4711@127.0.0.1",
            "http://me:47@11@127.0.0.1",
            "postgres://me:4711@127.0.0.1/bank",
            "nats://4711@127.0.0.1",
            "run --db postgres://me:4711@127.0.0.1/bank --port 80",
        ] {
            assert_eq!(secret_in(url), Some(SecretPlace::UserInfo), "{url}");
            let shown = concealed(url);
            assert!(!shown.contains("47") && shown.len() == url.len(), "{shown}");
            assert!(
                !concealed(&format!("base_url = \"{url}\"")).contains("47"),
                "{url}"
            );
        }
        for refused in [
            "me:4711@127.0.0.1:80",
            "http://me:x47/11@127.0.0.1",
            "http://me:4711@h:99999/",
        ] {
            assert!(!concealed(refused).contains("47"), "{}", concealed(refused));
        }
    }

    #[test]
    fn values_whose_names_say_that_they_are_secret_are_found() {
        for name in [
            "token",
            "access_token",
            "api_key",
            "apikey",
            "X-Api-Key",
            "key",
            "secret",
            "client_secret",
            "password",
            "pw",
            "sig",
            "X-Amz-Signature",
            "AWSAccessKeyId",
            "auth",
            "Authorization",
            "jsessionid",
            "PHPSESSID",
            "%74oken",
            "p%61ss",
            "sas",
            "jwt",
            "subscription-key",
            "user[password]",
        ] {
            for url in [
                format!("http://127.0.0.1/a?page=2&{name}=4711"),
                format!("/a?{name}=4711&page=2"),
                format!("/a;{name}=4711"),
                format!("http://127.0.0.1/#{name}=4711"),
            ] {
                assert!(matches!(secret_in(&url), Some(SecretPlace::Value(_))), "{url}");
                assert!(
                    !concealed(&url).contains("4711") && concealed(&url).contains("****"),
                    "{url}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for plain in [
            "http://127.0.0.1:8080/a?page=2&sort_key=name&author=me&keyword=x",
            "/a?token={{ env(\"TOKEN\") }}&key={{ key }}",
            "/a?token=v1.{{ token }}",
            "curl http://127.0.0.1/?key=$NEST_KEY",
            "psql postgres://$USER:$PW@127.0.0.1/bank",
            "http://127.0.0.1/users/@me",
            "token=",
            "/a?token=",
            "a = 1 & b = 2",
            "write to me@example.org: thanks",
        ] {
            assert_eq!(secret_in(plain), None, "{plain}");
        }
        for shown in [
            "http://127.0.0.1/users/@me",
            "/a?page=2&sort_key=name",
            "me@example.org: thanks",
        ] {
            assert!(matches!(concealed(shown), Cow::Borrowed(_)), "{shown}");
        }
    }

    #[test]
    fn stars_keep_places_and_lines() {
        assert_eq!(starred("aäb\nc", std::slice::from_ref(&(1..6))), "a***\n*");
    }
}
