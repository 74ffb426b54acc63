//! A customer's cookies by RFC 6265, section 5: what an answer sets, and what a request sends. HTTP/1.1,
//! HTTP/2 and the compatibility path use the same jar.
//!
//! - `set_cookie`: reads one `Set-Cookie` field; `date`: reads its `Expires`
//!
//! Of public suffixes (section 5.3, step 5) only names of one label are known, such as `com`: a customer
//! visits the study's hosts and no others.

use std::{
    cmp::Reverse,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

mod date;
mod set_cookie;

use set_cookie::SetCookie;

/// Most cookies of one domain and in all that a customer keeps. RFC 6265, section 6.1, asks for at least 50
/// and 3,000; browsers keep 180 of a domain.
const MOST_OF_DOMAIN: usize = 180;
const MOST_COOKIES: usize = 3_000;

/// The cookies of one customer. Clones share them: the compatibility path reads and writes the same ones.
#[derive(Debug, Clone, Default)]
pub struct Jar(Option<Arc<Mutex<Cookies>>>);

/// Where a request goes, as far as cookies ask.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    /// Name or address, without brackets.
    pub host: &'a str,
    /// Path; a query after it does not matter.
    pub path: &'a str,
    /// Whether it goes over TLS.
    pub secure: bool,
}

#[derive(Debug, Default)]
struct Cookies {
    stored: Vec<StoredCookie>, // in the order in which they are sent
    ticks: u64,                // counts uses, for creation and last access
}

#[derive(Debug)]
struct StoredCookie {
    name: Box<[u8]>,
    value: Box<[u8]>,
    domain: Box<str>,
    host_only: bool,
    path: Box<str>,
    secure: bool,
    expires_s: Option<i64>, // seconds since 1970, UTC
    created: u64,
    accessed: u64,
}

impl Jar {
    /// A jar whose clones share what is stored later.
    pub fn shared(&mut self) -> Self {
        self.0.get_or_insert_default();
        self.clone()
    }

    /// The values that are stored.
    pub fn values(&self) -> Vec<Vec<u8>> {
        let of = |cookies: &Mutex<Cookies>| {
            lock(cookies)
                .stored
                .iter()
                .map(|cookie| cookie.value.to_vec())
                .collect()
        };
        self.0.as_deref().map_or_else(Vec::new, of)
    }

    /// Whether nothing was ever stored.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Keeps a `Set-Cookie` field of an answer to a request for `path` on `host`. One that is malformed or
    /// belongs to another host is ignored, as browsers do.
    pub fn store(&mut self, field: &[u8], host: &str, path: &str) {
        let Some(cookie) = SetCookie::read(field) else {
            return;
        };
        let now_s = now_s();
        lock(self.0.get_or_insert_default()).store(cookie, host, path, now_s);
    }

    /// Appends the cookies for a request to `out`, with `before` in front of them; nothing if no cookie
    /// applies.
    pub fn write(&self, visit: Visit<'_>, before: &str, out: &mut Vec<u8>) {
        if let Some(cookies) = &self.0 {
            lock(cookies).write(visit, before, out);
        }
    }

    /// The same with cookies that the request brings itself, which come first: a request has one field for
    /// all of them (RFC 6265, section 5.4).
    pub fn write_with(&self, own: &[u8], visit: Visit<'_>, before: &str, out: &mut Vec<u8>) {
        let cookies = own.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let mut separator = before;
        for cookie in cookies.filter(|cookie| !cookie.is_empty()) {
            out.extend_from_slice(separator.as_bytes());
            out.extend_from_slice(cookie);
            separator = "; ";
        }
        self.write(visit, separator, out);
    }
}

impl Cookies {
    /// The storage model: RFC 6265, section 5.3.
    fn store(&mut self, cookie: SetCookie<'_>, host: &str, path: &str, now_s: i64) {
        let expires_s = cookie.expires_s(now_s);
        let host = host.to_ascii_lowercase();
        let Some((domain, host_only)) = place(cookie.domain, host) else {
            return;
        };
        self.ticks += 1;
        let kept = StoredCookie {
            name: cookie.name.into(),
            value: cookie.value.into(),
            domain: domain.into(),
            host_only,
            path: cookie.path.unwrap_or_else(|| default_path(path)).into(),
            secure: cookie.secure,
            expires_s,
            created: self.ticks,
            accessed: self.ticks,
        };
        self.put(kept);
        self.stored.retain(|cookie| !cookie.has_ended(now_s));
        self.make_room();
    }

    /// Puts a cookie where it is sent: longer paths first, then what was created earlier (section 5.4). One
    /// of the same name, domain and path is replaced and leaves its time of creation to the new one.
    fn put(&mut self, mut kept: StoredCookie) {
        let known = self.stored.iter_mut().find(|known| {
            (&known.name, &known.domain, &known.path) == (&kept.name, &kept.domain, &kept.path)
        });
        if let Some(known) = known {
            kept.created = known.created;
            *known = kept;
            return;
        }
        let key = |cookie: &StoredCookie| (Reverse(cookie.path.len()), cookie.created);
        let place = self.stored.partition_point(|known| key(known) < key(&kept));
        self.stored.insert(place, kept);
    }

    /// Lets go of what was not sent for the longest time, first of a domain that has too many.
    fn make_room(&mut self) {
        while let Some(domain) = self.crowded_domain() {
            self.evict(|cookie| cookie.domain == domain);
        }
        while self.stored.len() > MOST_COOKIES {
            self.evict(|_| true);
        }
    }

    fn crowded_domain(&self) -> Option<Box<str>> {
        if self.stored.len() <= MOST_OF_DOMAIN {
            return None;
        }
        // Only the domain of the latest cookie can have grown.
        let latest = self.stored.iter().max_by_key(|cookie| cookie.accessed)?;
        let of_domain = self.stored.iter().filter(|cookie| cookie.domain == latest.domain);
        (of_domain.count() > MOST_OF_DOMAIN).then(|| latest.domain.clone())
    }

    fn evict(&mut self, of: impl Fn(&StoredCookie) -> bool) {
        let candidates = self.stored.iter().enumerate().filter(|(_, cookie)| of(cookie));
        if let Some((oldest, _)) = candidates.min_by_key(|(_, cookie)| cookie.accessed) {
            self.stored.remove(oldest);
        }
    }

    /// The `Cookie` field: RFC 6265, section 5.4.
    fn write(&mut self, visit: Visit<'_>, before: &str, out: &mut Vec<u8>) {
        // The time is asked for only if a cookie ends.
        let mut now = None;
        let mut separator = before.as_bytes();
        self.ticks += 1;
        for cookie in &mut self.stored {
            let ended = cookie.expires_s.is_some() && cookie.has_ended(*now.get_or_insert_with(now_s));
            if !ended && cookie.is_for(visit) {
                for part in [separator, &cookie.name, b"=", &cookie.value] {
                    out.extend_from_slice(part);
                }
                separator = b"; ";
                cookie.accessed = self.ticks;
            }
        }
    }
}

impl StoredCookie {
    fn has_ended(&self, now_s: i64) -> bool {
        self.expires_s.is_some_and(|expires_s| expires_s <= now_s)
    }

    fn is_for(&self, visit: Visit<'_>) -> bool {
        let of_host = if self.host_only {
            visit.host.eq_ignore_ascii_case(&self.domain)
        } else {
            is_of_domain(visit.host, &self.domain)
        };
        of_host && (visit.secure || !self.secure) && is_below(visit.path, &self.path)
    }
}

fn lock(cookies: &Mutex<Cookies>) -> MutexGuard<'_, Cookies> {
    // Nothing that holds the lock panics; a poisoned one would still hold whole cookies.
    cookies.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs() as i64)
}

/// The domain of a cookie, and whether it is for that host only; `None` if the cookie is not to be kept.
/// RFC 6265, section 5.3, steps 4 to 6.
fn place(domain: Option<String>, host: String) -> Option<(String, bool)> {
    match domain {
        None => Some((host, true)),
        Some(domain) if domain == host && is_suffix(&domain) => Some((host, true)),
        Some(domain) if is_suffix(&domain) || !is_of_domain(&host, &domain) => None,
        Some(domain) => Some((domain, false)),
    }
}

/// Whether no site may set cookies for all names below this one.
fn is_suffix(domain: &str) -> bool {
    !domain.contains(['.', ':'])
}

/// Whether `host` is the domain or lies below it: RFC 6265, section 5.1.3. An address lies below nothing.
fn is_of_domain(host: &str, domain: &str) -> bool {
    let below = || {
        let start = host.len().checked_sub(domain.len())?;
        let dot = host.as_bytes().get(start.checked_sub(1)?)?;
        let is_tail = *dot == b'.' && host.get(start..)?.eq_ignore_ascii_case(domain);
        Some(is_tail && host.parse::<IpAddr>().is_err())
    };
    host.eq_ignore_ascii_case(domain) || below().unwrap_or(false)
}

/// A path without its query.
fn without_query(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

/// The default path of a cookie: RFC 6265, section 5.1.4.
fn default_path(path: &str) -> &str {
    let path = without_query(path);
    match path.rfind('/') {
        Some(end) if end > 0 && path.starts_with('/') => &path[..end],
        _ => "/",
    }
}

/// Whether a request path lies below a cookie's path: RFC 6265, section 5.1.4.
fn is_below(path: &str, of: &str) -> bool {
    let Some(rest) = without_query(path).strip_prefix(of) else {
        return false;
    };
    rest.is_empty() || of.ends_with('/') || rest.starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent_to(jar: &Jar, host: &str, path: &str, secure: bool) -> String {
        let mut out = Vec::new();
        jar.write(Visit { host, path, secure }, "", &mut out);
        String::from_utf8(out).expect("cookies are text")
    }

    fn sent(jar: &Jar, path: &str, secure: bool) -> String {
        sent_to(jar, "shop.test", path, secure)
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
        // Longer paths first: section 5.4, step 2.
        assert_eq!(sent(&jar, "/shop/pay", true), "cart=2; id=1; s=3; near=5");
        assert_eq!(sent(&jar, "/shop?a", false), "cart=2; id=1; near=5");
        assert_eq!(sent(&jar, "/shopping", false), "id=1; near=5");
        assert_eq!(sent_to(&jar, "a.shop.test", "/", true), "near=5");
    }

    #[test]
    fn a_cookie_is_replaced_and_ends() {
        let mut jar = Jar::default();
        let shared = jar.shared();
        let sent = |jar: &Jar| sent_to(jar, "h", "/", false);
        jar.store(b"id=1; Path=/", "h", "/");
        jar.store(b"id=2; Path=/; Max-Age=100", "h", "/");
        assert_eq!(sent(&shared), "id=2", "clones share the cookies");
        jar.store(b"id=; Path=/; Max-Age=0", "h", "/");
        assert_eq!(sent(&jar), "");
        jar.store(b"old=1; Expires=Wed, 21 Oct 2015 07:28:00 GMT", "h", "/");
        jar.store(b"no value", "h", "/");
        assert_eq!(sent(&jar), "");
    }

    #[test]
    fn what_a_request_brings_itself_stands_in_the_same_field() {
        let written = |jar: &Jar, own: &str| {
            let mut out = Vec::new();
            let (host, path, secure) = ("h", "/", false);
            jar.write_with(own.as_bytes(), Visit { host, path, secure }, "cookie: ", &mut out);
            String::from_utf8(out).expect("cookies are text")
        };
        let mut jar = Jar::default();
        assert_eq!(
            (written(&jar, ""), written(&jar, "a=1")),
            (String::new(), "cookie: a=1".to_owned())
        );
        jar.store(b"sid=jar", "h", "/");
        assert_eq!(written(&jar, "lang=de; "), "cookie: lang=de; sid=jar");
        assert_eq!(written(&jar, " ;"), "cookie: sid=jar");
    }

    #[test]
    fn a_replaced_cookie_keeps_its_place_and_a_deleted_one_loses_it() {
        let mut jar = Jar::default();
        for field in ["a=1", "b=1", "a=2"] {
            jar.store(field.as_bytes(), "shop.test", "/");
        }
        assert_eq!(sent(&jar, "/", false), "a=2; b=1");
        jar.store(b"a=; Max-Age=0", "shop.test", "/");
        jar.store(b"a=3", "shop.test", "/");
        assert_eq!(sent(&jar, "/", false), "b=1; a=3");
    }

    #[test]
    fn the_cookie_that_was_not_sent_for_the_longest_time_makes_room() {
        let mut jar = Jar::default();
        jar.store(b"first=1; Path=/used", "shop.test", "/");
        for index in 1..MOST_OF_DOMAIN {
            jar.store(format!("c{index}=1; Path=/idle").as_bytes(), "shop.test", "/");
        }
        assert_eq!(sent(&jar, "/used", false), "first=1");
        jar.store(b"last=1; Path=/idle", "shop.test", "/");
        jar.store(b"far=1", "other.test", "/");
        let idle = sent(&jar, "/idle", false);
        assert_eq!(idle.split("; ").count(), MOST_OF_DOMAIN - 1);
        assert!(idle.starts_with("c2=1; ") && idle.ends_with("; last=1"), "{idle}");
        assert_eq!(sent(&jar, "/used", false), "first=1");
        assert_eq!(sent_to(&jar, "other.test", "/", false), "far=1");
    }

    #[test]
    fn a_domain_holds_hosts_below_it_and_no_addresses() {
        assert!(is_of_domain("a.shop.test", "shop.test") && is_of_domain("shop.test", "SHOP.test"));
        assert!(
            !is_of_domain("myshop.test", "shop.test")
                && !is_of_domain("127.0.0.1", "0.0.1")
                && !is_of_domain("test", "shop.test")
        );
        let place = |domain: &str, host: &str| place(Some(domain.to_owned()), host.to_owned());
        assert_eq!(
            place("127.0.0.1", "127.0.0.1"),
            Some(("127.0.0.1".to_owned(), false))
        );
        assert_eq!(place("::1", "::1"), Some(("::1".to_owned(), false)));
        assert_eq!(
            place("localhost", "localhost"),
            Some(("localhost".to_owned(), true))
        );
        assert_eq!(
            (place("0.0.1", "127.0.0.1"), place("test", "shop.test")),
            (None, None)
        );
    }

    #[test]
    fn paths_are_those_of_the_standard() {
        for (path, default) in [
            ("/a/b/c", "/a/b"),
            ("/a/b/", "/a/b"),
            ("/a", "/"),
            ("", "/"),
            ("a/b", "/"),
            ("/a/?x=/y/z", "/a"),
        ] {
            assert_eq!(default_path(path), default, "{path}");
        }
        assert!(
            is_below("/docs", "/docs") && is_below("/docs/web", "/docs") && is_below("/docs/web", "/docs/")
        );
        assert!(!is_below("/docsets", "/docs") && !is_below("/", "/docs") && !is_below("/docs", "/docs/"));
    }
}
