//! Reads a `Set-Cookie` field: RFC 6265, section 5.2.

use super::date::cookie_date_s;

/// What a `Set-Cookie` field says. Of an attribute that is there several times, the last one counts
/// (section 5.3).
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SetCookie<'a> {
    pub name: &'a [u8],
    pub value: &'a [u8],
    pub domain: Option<String>, // in lower case, without a dot before it
    pub path: Option<&'a str>,
    pub secure: bool,
    max_age_s: Option<i64>,
    expires_s: Option<i64>,
}

impl<'a> SetCookie<'a> {
    /// The cookie; `None` without a name and a value, which may be empty.
    pub fn read(field: &'a [u8]) -> Option<Self> {
        let mut parts = field.split(|byte| *byte == b';');
        let (name, value) = pair(parts.next()?);
        let (name, value) = (name, value?);
        if name.is_empty() {
            return None;
        }
        let mut cookie = Self {
            name,
            value,
            ..Self::default()
        };
        for part in parts {
            let (name, value) = pair(part);
            cookie.take(name, value.unwrap_or_default());
        }
        Some(cookie)
    }

    /// Takes an attribute; one that is unknown or cannot be read is ignored.
    fn take(&mut self, name: &[u8], value: &'a [u8]) {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        let text = std::str::from_utf8(value).unwrap_or_default();
        if is("expires") {
            self.expires_s = cookie_date_s(value).or(self.expires_s);
        } else if is("max-age") {
            self.max_age_s = max_age_s(value).or(self.max_age_s);
        } else if is("domain") {
            let domain = text.strip_prefix('.').unwrap_or(text);
            if !domain.is_empty() {
                self.domain = Some(domain.to_ascii_lowercase());
            }
        } else if is("path") {
            self.path = Some(text).filter(|path| path.starts_with('/'));
        } else if is("secure") {
            self.secure = true;
        }
    }

    /// When it ends, in seconds since 1970; `None` with the session. `Max-Age` goes before `Expires`.
    pub fn expires_s(&self, now_s: i64) -> Option<i64> {
        match self.max_age_s {
            Some(age_s) if age_s <= 0 => Some(i64::MIN),
            Some(age_s) => Some(now_s.saturating_add(age_s)),
            None => self.expires_s,
        }
    }
}

/// Name and value around the first `=`, without blanks at their ends.
fn pair(part: &[u8]) -> (&[u8], Option<&[u8]>) {
    match part.iter().position(|byte| *byte == b'=') {
        Some(place) => (trimmed(&part[..place]), Some(trimmed(&part[place + 1..]))),
        None => (trimmed(part), None),
    }
}

/// Without spaces and tabs at both ends.
fn trimmed(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// Digits, perhaps after a minus sign: section 5.2.2. A number too large for the clock never ends.
fn max_age_s(value: &[u8]) -> Option<i64> {
    let (negative, digits) = match value {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if (digits.is_empty() && !negative) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let text = std::str::from_utf8(digits).ok()?;
    Some(if negative {
        -1
    } else {
        text.parse().unwrap_or(i64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_cut_as_the_standard_says() {
        let read = |text: &'static str| SetCookie::read(text.as_bytes());
        let cookie =
            read(" a\t=  \"b = c\" ;PATH=/x;path = /y ; Domain=.A.Test;Domain=;SECURE=no").expect("a cookie");
        assert_eq!((cookie.name, cookie.value), (&b"a"[..], &b"\"b = c\""[..]));
        assert_eq!(
            (cookie.path, cookie.domain.as_deref(), cookie.secure),
            (Some("/y"), Some("a.test"), true)
        );
        // A last path that is none stands for the default one.
        assert_eq!(read("a=1; Path=/x; Path=y").expect("a cookie").path, None);
        assert_eq!(read("a=").expect("a cookie").value, b"");
        assert_eq!(
            (read("a"), read("=1"), read(""), read(";a=1")),
            (None, None, None, None)
        );
        let umlaut = SetCookie::read(b"a=\xe4").expect("bytes need not be UTF-8");
        assert_eq!(umlaut.value, b"\xe4");
    }

    #[test]
    fn max_age_goes_before_expires_and_the_last_readable_one_counts() {
        let ends = |text: &str| SetCookie::read(text.as_bytes()).and_then(|cookie| cookie.expires_s(1_000));
        let epoch = "Expires=Thu, 01 Jan 1970 00:00:01 GMT";
        assert_eq!(ends(&format!("a=1; Max-Age=60; {epoch}")), Some(1_060));
        assert_eq!(ends(&format!("a=1; {epoch}; Max-Age=later")), Some(1));
        assert_eq!(
            ends("a=1; Max-Age=60; Max-Age=+5; Max-Age=\"7\"; Max-Age=1.5"),
            Some(1_060)
        );
        assert_eq!(ends("a=1; Max-Age=-1"), Some(i64::MIN));
        assert_eq!(ends("a=1; Max-Age=99999999999999999999"), Some(i64::MAX));
        assert_eq!(ends(&format!("a=1; {epoch}; Expires=0")), Some(1));
        assert_eq!(ends("a=1"), None);
    }
}
