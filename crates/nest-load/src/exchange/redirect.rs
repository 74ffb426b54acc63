//! Which request a redirect asks for: RFC 9110, section 15.4. Pure: nothing is sent here.

use nest_data::study::is_loopback;
use url::{Host, Url};

use crate::{
    http::origin::{Origin, bare},
    script::step::RequestBody,
};

/// Header fields that say something about a body, and go with it.
const OF_BODY: [&str; 10] = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-type",
    "content-md5",
    "digest",
    "content-digest",
    "repr-digest",
    "last-modified",
];
/// Header fields that another origin may be told. Any other one may hold a key, whatever its name.
const FOR_OTHERS: [&str; 6] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "content-type",
    "user-agent",
];

/// A request as it was sent, with everything filled in.
#[derive(Clone)]
pub struct SentRequest {
    pub method: String,
    pub url: Url,
    pub headers: Vec<(String, String)>,
    /// Cookies besides those that the customer keeps.
    pub own_cookies: Vec<u8>,
    pub body: RequestBody,
}

/// Where customers may be sent.
#[derive(Clone, Copy)]
pub struct Territory<'a> {
    /// Where the study's target is.
    pub origin: &'a Origin,
    /// Hosts besides it that may be put under load.
    pub allow_hosts: &'a [String],
}

/// Whether a status sends the client to another place: RFC 9110, section 15.4.
pub fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

impl SentRequest {
    /// The request that follows from an answer with this status and place, or why it must not be made.
    pub fn redirected(self, status: u16, location: &str, territory: Territory<'_>) -> Result<Self, String> {
        let url = self
            .url
            .join(location)
            .map_err(|_| "the redirect leads to what is no address".to_owned())?;
        let url = territory.admits(url, &self)?;
        let mut next = Self { url, ..self.clone() };
        if becomes_get(status, &next.method) {
            next.method = "GET".to_owned();
            next.body = RequestBody::None;
            next.keep_headers(|name| !OF_BODY.contains(&name));
        }
        if next.url.origin() != self.url.origin() && !territory.is_own(&next.url, &next.headers) {
            next.for_another_origin()?;
        }
        Ok(next)
    }

    /// Takes out what is meant for the target alone. A body cannot be taken out of a request that is to be
    /// made again as it was.
    fn for_another_origin(&mut self) -> Result<(), String> {
        if !matches!(self.body, RequestBody::None) {
            return Err(format!(
                "the redirect to {} was not followed: it would bring the request's body to another origin",
                self.url.origin().ascii_serialization()
            ));
        }
        self.keep_headers(|name| FOR_OTHERS.contains(&name));
        self.own_cookies.clear();
        Ok(())
    }

    fn keep_headers(&mut self, keeps: impl Fn(&str) -> bool) {
        self.headers.retain(|(name, _)| keeps(&name.to_ascii_lowercase()));
    }

    /// Path and query, as a request line holds them.
    pub fn target(&self) -> &str {
        &self.url[url::Position::BeforePath..url::Position::AfterQuery]
    }
}

/// Whether the method becomes GET, and the body goes: after 303, and for POST after 301 and 302, as RFC 9110
/// allows and every browser does. 307 and 308 change nothing.
fn becomes_get(status: u16, method: &str) -> bool {
    match status {
        303 => method != "HEAD",
        301 | 302 => method == "POST",
        _ => false,
    }
}

impl Territory<'_> {
    /// Whether a URL is the target's own, by its address or by the name that the request gave it.
    pub fn is_own(&self, url: &Url, headers: &[(String, String)]) -> bool {
        let authority = authority(url);
        let named = |(name, value): &(String, String)| {
            name.eq_ignore_ascii_case("host") && value.trim().eq_ignore_ascii_case(&authority)
        };
        url.scheme() == self.origin.scheme
            && (authority == self.origin.authority || headers.iter().any(named))
    }

    /// The address without what has no place in a request, if customers may go there.
    fn admits(&self, mut url: Url, from: &SentRequest) -> Result<Url, String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err("the redirect leads to an address that is not HTTP".to_owned());
        }
        let host = bare(url.host_str().unwrap_or_default());
        let is_own = self.is_own(&url, &from.headers);
        let allowed = is_own
            || host == self.origin.host
            || self.allow_hosts.iter().any(|allowed| bare(allowed) == host)
            || is_loopback(host) && is_loopback(&self.origin.host);
        if !allowed {
            // A name is the target's word, and may hold a secret; an address cannot.
            let host = match url.host() {
                Some(Host::Domain(_)) | None => "another host".to_owned(),
                Some(address) => format!("host {address}"),
            };
            return Err(format!(
                "the redirect to {host} was not followed: it is not in allow_hosts"
            ));
        }
        if is_loopback(host) && !is_own && !is_loopback(bare(from.url.host_str().unwrap_or_default())) {
            return Err(format!(
                "the redirect to {host} was not followed: no other host may send customers to this machine"
            ));
        }
        // Both can be refused only by addresses that have no host.
        let _ = (url.set_username(""), url.set_password(None));
        url.set_fragment(None);
        Ok(url)
    }
}

/// Host and port as they stand in a `Host` field.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{http::tls::Trust, script::text::Text};

    fn origin(base_url: &str) -> Origin {
        Origin::of(base_url, &Trust::Anybody, false).expect("an address")
    }

    fn sent(method: &str, url: &str, headers: &[(&str, &str)]) -> SentRequest {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        SentRequest {
            method: method.to_owned(),
            url: url.parse().expect("a URL"),
            headers: headers.iter().map(own).collect(),
            own_cookies: b"own=k".to_vec(),
            body: RequestBody::Text(Text::literal("body")),
        }
    }

    fn names(request: &SentRequest) -> Vec<&str> {
        request.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    const BASE: &str = "http://127.0.0.1:8080";

    fn next(request: SentRequest, status: u16, location: &str) -> Result<SentRequest, String> {
        let origin = origin(BASE);
        let territory = Territory {
            origin: &origin,
            allow_hosts: &["shop.test".to_owned()],
        };
        request.redirected(status, location, territory)
    }

    #[test]
    fn methods_change_as_rfc_9110_section_15_4_has_it() {
        // Status, method, and what follows: its method, and whether the body stays.
        for (status, method, then, keeps) in [
            (301, "POST", "GET", false),
            (302, "POST", "GET", false),
            (303, "POST", "GET", false),
            (307, "POST", "POST", true),
            (308, "POST", "POST", true),
            (301, "PUT", "PUT", true),
            (302, "DELETE", "DELETE", true),
            (303, "PUT", "GET", false),
            (303, "HEAD", "HEAD", true),
            (302, "HEAD", "HEAD", true),
            (308, "PATCH", "PATCH", true),
        ] {
            let headers = [("Content-Type", "text/plain"), ("X-Trace", "1")];
            let request = sent(method, "http://127.0.0.1:8080/a", &headers);
            let next = next(request, status, "/b").expect("it is allowed");
            assert_eq!(next.method, then, "{status} {method}");
            assert_eq!(
                !matches!(next.body, RequestBody::None),
                keeps,
                "{status} {method}"
            );
            let left: &[&str] = if keeps {
                &["Content-Type", "X-Trace"]
            } else {
                &["X-Trace"]
            };
            assert_eq!(names(&next), left, "{status} {method}");
        }
        assert!([301, 302, 303, 307, 308].into_iter().all(is_redirect));
        assert!(![200, 300, 304, 305, 306, 404].into_iter().any(is_redirect));
    }

    #[test]
    fn another_origin_is_told_no_keys() {
        let headers = [
            ("Authorization", "k"),
            ("Cookie", "k"),
            ("X-Api-Key", "k"),
            ("Accept", "*/*"),
        ];
        let from = || sent("GET", "http://127.0.0.1:8080/a", &headers);
        let from = || SentRequest {
            body: RequestBody::None,
            ..from()
        };
        for elsewhere in [
            "http://127.0.0.1:9/",
            "https://127.0.0.1:8080/",
            "http://shop.test/b",
            "//localhost:8080/",
        ] {
            let next = next(from(), 307, elsewhere).expect("it is allowed");
            assert_eq!(
                (names(&next), next.own_cookies.as_slice()),
                (vec!["Accept"], &[][..])
            );
        }
        for status in [307, 308] {
            let with_body = next(
                sent("POST", "http://127.0.0.1:8080/a", &headers),
                status,
                "http://127.0.0.1:9/",
            );
            let why = with_body.err().expect("it would carry the body");
            assert!(
                why.contains("http://127.0.0.1:9") && why.contains("body"),
                "{why}"
            );
        }
        let post = next(
            sent("POST", "http://127.0.0.1:8080/a", &headers),
            303,
            "http://127.0.0.1:9/",
        );
        let post = post.expect("it is a GET without a body");
        assert!(matches!(post.body, RequestBody::None) && post.own_cookies.is_empty());
        let same = next(from(), 307, "b?c").expect("it is allowed");
        assert_eq!(
            (names(&same).len(), same.own_cookies.as_slice()),
            (4, &b"own=k"[..])
        );
    }

    #[test]
    fn places_are_resolved_against_the_request_that_was_sent() {
        for (location, target) in [
            ("/b", "/b"),
            ("b?c=d", "/x/b?c=d"),
            ("../b#top", "/b"),
            ("?q", "/x/y?q"),
            ("http://127.0.0.1:8080/z", "/z"),
            ("http://user:key@127.0.0.1:8080", "/"),
            ("/a b", "/a%20b"),
        ] {
            let request = sent("GET", "http://127.0.0.1:8080/x/y?z", &[]);
            let next = next(request, 302, location).expect("it is allowed");
            assert_eq!((next.target(), next.url.username()), (target, ""), "{location}");
        }
    }

    #[test]
    fn only_hosts_that_may_be_put_under_load_are_visited() {
        let plain = |url| SentRequest {
            body: RequestBody::None,
            ..sent("GET", url, &[])
        };
        let from = || plain("http://127.0.0.1:8080/x");
        for allowed in [
            "http://127.9.9.9/",
            "http://[::1]:1/",
            "http://localhost/",
            "https://shop.test/",
        ] {
            assert!(next(from(), 302, allowed).is_ok(), "{allowed}");
        }
        for refused in [
            "http://192.0.2.1/",
            "//elsewhere.test/",
            "http://shop.test.evil/",
            "ftp://127.0.0.1/",
            "http://",
        ] {
            assert!(next(from(), 302, refused).is_err(), "{refused}");
        }
        // The target is elsewhere: it must not send customers to this machine.
        let origin = Origin {
            host: "shop.test".to_owned(),
            authority: "shop.test".to_owned(),
            ..origin(BASE)
        };
        let territory = Territory {
            origin: &origin,
            allow_hosts: &[],
        };
        let from = || plain("http://shop.test/");
        assert!(from().redirected(302, "http://127.0.0.1/", territory).is_err());
        assert!(from().redirected(302, "http://shop.test/x", territory).is_ok());
    }

    #[test]
    fn a_host_that_the_target_leads_to_cannot_lead_back_to_another_service_of_this_machine() {
        let from = || SentRequest {
            body: RequestBody::None,
            ..sent("GET", "http://shop.test/", &[])
        };
        for refused in ["http://127.0.0.1:9/", "http://localhost/", "http://[::1]:8080/"] {
            assert!(next(from(), 302, refused).is_err(), "{refused}");
        }
        assert!(
            next(from(), 302, "http://127.0.0.1:8080/back").is_ok(),
            "the target itself"
        );
    }

    #[test]
    fn a_name_that_the_request_gave_the_target_is_its_own() {
        let named = sent(
            "GET",
            "http://127.0.0.1:8080/x",
            &[("Host", "www.shop.example"), ("X-Key", "k")],
        );
        let next = next(named, 301, "http://www.shop.example/y").expect("it is the target itself");
        assert_eq!((next.target(), names(&next).len()), ("/y", 2));
    }
}
