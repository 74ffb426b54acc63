//! Cookies. RFC 6265 is the truth; `cookies.json` also says what curl 7.88 and Python's http.cookiejar send
//! where that is something else.
//!
//! Their main reasons, found by giving a model of the RFC one of them after the other:
//!
//! - Both take a cookie whose `Max-Age` is no number for one that has ended (the RFC ignores the attribute),
//!   and let a cookie for one host stand beside one for its domain.
//! - curl takes a path that does not begin with `/` for `/`, not for the default path, and sends `Secure`
//!   cookies to 127.0.0.1 without TLS.
//! - http.cookiejar sends a cookie whose path does not begin with `/` nowhere, takes the first of two `Path`
//!   attributes, not the last, and reads fewer dates.

use nest_data::behaviour::{Request, Texts};
use serde::Deserialize;

use crate::{PATHS, Path, assert_completed, assert_sent_by, run, server::Reply, server::Server, spec};

/// Exchanges of one customer, drawn by `make-expectations`.
const EXCHANGES: &str = include_str!("cookies.json");
/// Scenarios that one customer goes through, so that a domain never has too many cookies.
const AT_ONCE: usize = 20;

#[derive(Debug, Clone, Deserialize)]
struct Exchange {
    host: String,
    path: String,
    set: Vec<String>,
    /// What RFC 6265 sends before it.
    cookie: String,
    /// What others send, if that is something else.
    curl: Option<String>,
    cookiejar: Option<String>,
}

fn scenarios() -> Vec<Vec<Exchange>> {
    serde_json::from_str(EXCHANGES).expect("`make-expectations` writes JSON")
}

/// The number of an exchange is the last query of its path.
fn numbered(number: usize, exchange: &Exchange) -> String {
    let separator = if exchange.path.contains('?') { '&' } else { '?' };
    format!("{}{separator}n={number}", exchange.path)
}

fn number(path: &str) -> usize {
    path.rsplit_once("n=")
        .and_then(|(_, number)| number.parse().ok())
        .expect("a number")
}

fn server(exchanges: Vec<Exchange>) -> Server {
    Server::start(move |asked| Reply {
        headers: exchanges[number(&asked.path)]
            .set
            .iter()
            .map(|field| ("set-cookie", field.clone().into_bytes()))
            .collect(),
        body: b"ok".to_vec(),
    })
}

fn step(path: Path, number: usize, exchange: &Exchange) -> Request {
    let host = ("Host".to_owned(), Texts::One(exchange.host.clone()));
    Request {
        headers: [host].into(),
        ..path.request(numbered(number, exchange))
    }
}

/// The cookies of one scenario out of all that were sent: their names begin with its number.
fn of_scenario(line: &str, scenario: usize) -> String {
    let [one, other] = [format!("s{scenario}a="), format!("s{scenario}b=")];
    let cookies = line
        .split("; ")
        .filter(|cookie| cookie.starts_with(&one) || cookie.starts_with(&other));
    cookies.collect::<Vec<_>>().join("; ")
}

#[test]
fn cookies_are_those_of_rfc_6265_on_every_path() {
    let scenarios = scenarios();
    for path in PATHS {
        let mut compared = 0;
        for (chunk, scenarios) in scenarios.chunks(AT_ONCE).enumerate() {
            let exchanges: Vec<Exchange> = scenarios.iter().flatten().cloned().collect();
            let server = server(exchanges.clone());
            let steps = exchanges
                .iter()
                .enumerate()
                .map(|(number, exchange)| step(path, number, exchange));
            let result = run(&server, path, spec(steps.collect()));
            assert_completed(&result);
            assert_sent_by(&result, path);
            let asked = server.asked();
            assert_eq!(asked.len(), exchanges.len());
            for (place, (asked, exchange)) in asked.iter().zip(&exchanges).enumerate() {
                let scenario = chunk * AT_ONCE + place / 4;
                let fields = asked.all("cookie");
                assert!(fields.len() <= 1, "one field holds them all: {fields:?}");
                let sent = of_scenario(fields.first().map_or("", String::as_str), scenario);
                let before = &exchanges[place / 4 * 4..place];
                assert_eq!(sent, exchange.cookie, "{path:?}: {exchange:?} after {before:#?}");
                compared += 1;
            }
        }
        println!("{path:?}: {compared} exchanges");
        assert_eq!(compared, 320);
    }
}

#[test]
fn peers_disagree_where_the_list_says() {
    let exchanges: Vec<Exchange> = scenarios().into_iter().flatten().collect();
    let curl = exchanges
        .iter()
        .filter(|exchange| exchange.curl.is_some())
        .count();
    let cookiejar = exchanges
        .iter()
        .filter(|exchange| exchange.cookiejar.is_some())
        .count();
    assert_eq!((curl, cookiejar), (69, 76));
}

/// Two cookies of one name, the general one first; the behaviour's own field beside the jar's; a default
/// path out of a template.
#[test]
fn one_field_holds_the_behaviours_own_cookies_and_the_jars_longest_path_first() {
    for path in PATHS {
        let server = Server::start(|asked| {
            let set: &[&str] = match asked.path.as_str() {
                "/set" => &["sid=site; Path=/", "sid=app; Path=/app"],
                "/shop/7/add" => &["cart=7"],
                _ => &[],
            };
            Reply {
                headers: set
                    .iter()
                    .map(|field| ("set-cookie", field.as_bytes().to_vec()))
                    .collect(),
                body: Vec::new(),
            }
        });
        let own = |values: &[&str]| {
            let values = values.iter().map(ToString::to_string).collect();
            [("cookie".to_owned(), Texts::Several(values))].into()
        };
        let steps = vec![
            path.request("/set"),
            path.request("/app/x"),
            Request {
                headers: own(&["lang={{ pick(\"de\") }}; ", "theme=dark"]),
                ..path.request("/app/y")
            },
            path.request("/shop/{{ int(7, 7) }}/add"),
            path.request("/shop/7/pay"),
            path.request("/shop/8"),
        ];
        let result = run(&server, path, spec(steps));
        assert_completed(&result);
        let fields: Vec<_> = server.asked().iter().map(|asked| asked.all("cookie")).collect();
        let expected: [&[&str]; 6] = [
            &[],
            &["sid=app; sid=site"],
            &["lang=de; theme=dark; sid=app; sid=site"],
            &["sid=site"],
            &["cart=7; sid=site"],
            &["sid=site"],
        ];
        assert_eq!(fields, expected, "{path:?}");
    }
}
