//! A customer's cookies for the one host that it visits: RFC 6265, section 5, without what only several hosts
//! need.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cookie::{Cookie, time::OffsetDateTime};

/// Most cookies that one customer keeps, as browsers do.
const MOST_COOKIES: usize = 180;

/// The cookies of one customer. Clones share them: the compatibility path reads and writes the same ones.
#[derive(Debug, Clone, Default)]
pub struct Jar(Option<Arc<Mutex<Vec<StoredCookie>>>>);

#[derive(Debug)]
struct StoredCookie {
    name: Box<str>,
    value: Box<str>,
    path: Box<str>,
    secure: bool,
    expires: Option<OffsetDateTime>,
}

impl Jar {
    /// A jar whose clones share what is stored later.
    pub fn shared(&mut self) -> Self {
        self.0.get_or_insert_default();
        self.clone()
    }

    /// Whether nothing was ever stored.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Keeps a `Set-Cookie` field of an answer to a request for `path` on `host`. One that is malformed or
    /// belongs to another host is ignored, as browsers do.
    pub fn store(&mut self, field: &[u8], host: &str, path: &str) {
        let Some(cookie) = std::str::from_utf8(field)
            .ok()
            .and_then(|text| Cookie::parse(text).ok())
        else {
            return;
        };
        if cookie
            .domain()
            .is_some_and(|domain| !is_of_domain(host, domain.trim_start_matches('.')))
        {
            return;
        }
        let path = cookie
            .path()
            .filter(|path| path.starts_with('/'))
            .unwrap_or_else(|| folder(path));
        let now = OffsetDateTime::now_utc();
        let expires = match cookie.max_age() {
            Some(age) => now.checked_add(age),
            None => cookie.expires_datetime(),
        };
        let kept = StoredCookie {
            name: cookie.name().into(),
            value: cookie.value().into(),
            path: path.into(),
            secure: cookie.secure().unwrap_or(false),
            expires,
        };
        let mut cookies = lock(self.0.get_or_insert_default());
        cookies.retain(|other| other.name != kept.name || other.path != kept.path);
        if expires.is_none_or(|expires| expires > now) && cookies.len() < MOST_COOKIES {
            cookies.push(kept);
        }
    }

    /// Appends the value of the `Cookie` field for a request to `out`, after `before`; nothing if no
    /// cookie applies.
    pub fn write(&self, path: &str, secure: bool, before: &str, out: &mut Vec<u8>) {
        let Some(cookies) = &self.0 else { return };
        let cookies = lock(cookies);
        // The time is asked for only if a cookie ends.
        let mut now = None;
        let mut separator = before;
        for cookie in cookies.iter() {
            let alive = cookie
                .expires
                .is_none_or(|expires| expires > *now.get_or_insert_with(OffsetDateTime::now_utc));
            if alive && (secure || !cookie.secure) && is_below(path, &cookie.path) {
                for part in [separator, &cookie.name, "=", &cookie.value] {
                    out.extend_from_slice(part.as_bytes());
                }
                separator = "; ";
            }
        }
    }
}

fn lock(cookies: &Mutex<Vec<StoredCookie>>) -> MutexGuard<'_, Vec<StoredCookie>> {
    // Nothing that holds the lock panics; a poisoned one would still hold whole cookies.
    cookies.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether `host` is the domain or lies below it: RFC 6265, section 5.1.3.
fn is_of_domain(host: &str, domain: &str) -> bool {
    let below = || {
        let start = host.len().checked_sub(domain.len())?;
        let dot = host.as_bytes().get(start.checked_sub(1)?)?;
        Some(
            *dot == b'.'
                && host.get(start..)?.eq_ignore_ascii_case(domain)
                && host.parse::<std::net::IpAddr>().is_err(),
        )
    };
    host.eq_ignore_ascii_case(domain) || below().unwrap_or(false)
}

/// The default path of a cookie: RFC 6265, section 5.1.4.
fn folder(path: &str) -> &str {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    match path.rfind('/') {
        Some(end) if end > 0 => &path[..end],
        _ => "/",
    }
}

/// Whether a request path lies below a cookie's path: RFC 6265, section 5.1.4.
fn is_below(path: &str, of: &str) -> bool {
    let Some(rest) = path.strip_prefix(of) else {
        return false;
    };
    of.ends_with('/') || rest.is_empty() || rest.starts_with(['/', '?', '#'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(jar: &Jar, path: &str, secure: bool) -> String {
        let mut out = Vec::new();
        jar.write(path, secure, "", &mut out);
        String::from_utf8(out).expect("cookies are text")
    }

    #[test]
    fn cookies_are_sent_where_they_apply() {
        let mut jar = Jar::default();
        jar.store(b"id=1; Path=/; HttpOnly", "shop.test", "/login");
        jar.store(b"cart=2", "shop.test", "/shop/add?x=/y/");
        jar.store(b"s=3; Secure", "shop.test", "/");
        jar.store(b"other=4; Domain=elsewhere.test", "shop.test", "/");
        jar.store(b"near=5; Domain=.Shop.test; Path=/", "shop.test", "/");
        assert_eq!(sent(&jar, "/", false), "id=1; near=5");
        assert_eq!(sent(&jar, "/shop/pay", true), "id=1; cart=2; s=3; near=5");
        assert_eq!(sent(&jar, "/shop?a", false), "id=1; cart=2; near=5");
        assert_eq!(sent(&jar, "/shopping", false), "id=1; near=5");
    }

    #[test]
    fn a_cookie_is_replaced_and_ends() {
        let mut jar = Jar::default();
        let shared = jar.shared();
        jar.store(b"id=1; Path=/", "h", "/");
        jar.store(b"id=2; Path=/; Max-Age=100", "h", "/");
        assert_eq!(sent(&shared, "/", false), "id=2", "clones share the cookies");
        jar.store(b"id=; Path=/; Max-Age=0", "h", "/");
        assert_eq!(sent(&jar, "/", false), "");
        jar.store(b"old=1; Expires=Wed, 21 Oct 2015 07:28:00 GMT", "h", "/");
        jar.store(b"no value", "h", "/");
        assert_eq!(sent(&jar, "/", false), "");
    }

    #[test]
    fn a_domain_holds_hosts_below_it_and_no_addresses() {
        assert!(is_of_domain("a.shop.test", "shop.test") && is_of_domain("shop.test", "SHOP.test"));
        assert!(
            !is_of_domain("myshop.test", "shop.test")
                && !is_of_domain("127.0.0.1", "0.0.1")
                && !is_of_domain("test", "shop.test")
        );
    }
}
