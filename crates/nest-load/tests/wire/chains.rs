//! Generated chains of redirects, over HTTP/1.1, HTTP/2 and the compatibility path. The truth is RFC 9110,
//! section 15.4, and the server's own ledger; curl 7.88 is a peer and follows every chain in the same way.
//! It would differ where it is told a method by `-X`, which it keeps for good, so that PUT is an upload
//! (`-T`) here.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    process::Command,
    sync::{Arc, OnceLock},
};

use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::{
    client::{WAYS, Way, errors, execute, has_body},
    ledger::{Asked, Entry, Fate, Ledger, Reply},
};

/// Chains of each way; with the three ways more than a hundred.
const CHAINS: usize = 36;
/// How often all of them are walked.
const EXECUTIONS: u64 = 2;
/// Longest chain.
const MOST_REDIRECTS: usize = 5;

/// A chain: what is asked first, and the answers.
#[derive(Debug, Clone)]
struct Chain {
    method: &'static str,
    statuses: Vec<u16>,
    lengths: Vec<usize>, // of the bodies of all answers
    forms: Vec<u8>,      // how each redirect writes where it leads
}

impl Chain {
    fn draw(methods: &[&'static str], random: &mut Xoshiro256PlusPlus) -> Self {
        let redirects = random.random_range(0..=MOST_REDIRECTS);
        let mut many = |from: &[u16]| -> Vec<u16> {
            (0..redirects)
                .map(|_| *from.choose(random).expect("not empty"))
                .collect()
        };
        let (statuses, forms) = (many(&[301, 302, 303, 307, 308]), many(&[0, 1, 2, 3, 4, 5]));
        Self {
            method: *methods.choose(random).expect("not empty"),
            statuses,
            lengths: (0..=redirects).map(|_| random.random_range(0..20_000)).collect(),
            forms: forms.into_iter().map(|form| form as u8).collect(),
        }
    }

    /// What a server must be asked: RFC 9110, sections 15.4.2 to 15.4.9.
    fn asked(&self, number: usize) -> Vec<Asked> {
        let (mut method, mut body) = (self.method, has_body(self.method));
        let mut all = vec![asked(method, number, 0, body)];
        for (place, status) in self.statuses.iter().enumerate() {
            (method, body) = match (*status, method) {
                (303, "HEAD") => (method, body),
                (303, _) | (301 | 302, "POST") => ("GET", false),
                _ => (method, body),
            };
            all.push(asked(method, number, place + 1, body));
        }
        all
    }

    /// The answer at one of its places.
    fn reply(&self, number: usize, place: usize, address: SocketAddr) -> Reply {
        let mut reply = Reply::ok(self.lengths[place]);
        if let Some(status) = self.statuses.get(place) {
            reply.status = *status;
            let next = target(number, place + 1);
            let last = next.rsplit('/').next().unwrap_or_default();
            reply.location = Some(match self.forms[place] {
                0 => next,
                1 => last.to_owned(),
                2 => format!("http://{address}{next}"),
                3 => format!("{next}#top"),
                4 => format!("../{number}/{last}"),
                _ => format!("//{address}{next}"),
            });
        }
        reply
    }
}

fn target(number: usize, place: usize) -> String {
    format!("/{number}/{place}?q=a%20b")
}

fn asked(method: &str, number: usize, place: usize, body: bool) -> Asked {
    Asked {
        method: method.to_owned(),
        target: target(number, place),
        body,
        typed: body,
    }
}

/// A server of these chains.
fn serve(way: Way, chains: &[Chain]) -> (Ledger, SocketAddr) {
    let bound: Arc<OnceLock<SocketAddr>> = Arc::default();
    let (address, of) = (Arc::clone(&bound), chains.to_vec());
    let ledger = Ledger::new(move |_, asked| {
        let mut parts = asked.target.split(['/', '?']).skip(1).map(str::parse::<usize>);
        let (Some(Ok(number)), Some(Ok(place))) = (parts.next(), parts.next()) else {
            return Reply {
                status: 404,
                ..Reply::ok(0)
            };
        };
        of[number].reply(number, place, *address.get().expect("it is bound"))
    });
    let address = way.serve(&ledger);
    bound.set(address).expect("it is bound once");
    (ledger, address)
}

fn draw(way: Way) -> Vec<Chain> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(16);
    (0..CHAINS)
        .map(|_| Chain::draw(way.methods(), &mut random))
        .collect()
}

fn requests(entries: Vec<Entry>) -> Vec<Asked> {
    entries.into_iter().map(|entry| entry.asked).collect()
}

#[test]
fn every_redirect_is_a_request_of_its_own_on_every_way() {
    for way in WAYS {
        let chains = draw(way);
        let (ledger, address) = serve(way, &chains);
        let step = |(number, chain): (usize, &Chain)| {
            let mut request = way.request(chain.method, &target(number, 0));
            request.redirects = Some(MOST_REDIRECTS as u8);
            request.name = Some(number.to_string());
            request
        };
        let steps = chains.iter().enumerate().map(step).collect();
        let result = execute(way, address, steps, EXECUTIONS);
        assert_eq!(
            (result.executions.completed, errors(&result)),
            (EXECUTIONS, BTreeMap::new()),
            "{way:?}"
        );

        let entries = ledger.take();
        let once: Vec<Asked> = chains
            .iter()
            .enumerate()
            .flat_map(|(number, chain)| chain.asked(number))
            .collect();
        let bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
        let redirects: usize = chains.iter().map(|chain| chain.statuses.len()).sum();
        assert!(redirects > CHAINS, "{way:?}: {redirects} redirects");
        let made = entries.len() as u64;
        assert_eq!(
            (result.requests.due, result.requests.completed, result.ended),
            (made, made, made),
            "{way:?}"
        );
        assert_eq!(result.bytes, bytes, "{way:?}");
        assert_eq!(result.redirected, redirects as u64 * EXECUTIONS, "{way:?}");
        let statuses = chains
            .iter()
            .flat_map(|chain| chain.statuses.iter().copied().chain([200]));
        let mut counted = BTreeMap::new();
        statuses.for_each(|status| *counted.entry(status).or_insert(0) += EXECUTIONS);
        assert_eq!(result.statuses, counted, "{way:?}");
        for (endpoint, chain) in result.endpoints.iter().zip(&chains) {
            let made = (chain.statuses.len() as u64 + 1) * EXECUTIONS;
            assert_eq!(endpoint.requests.completed, made, "{way:?}: {chain:?}");
        }
        assert_eq!(
            requests(entries),
            (0..EXECUTIONS).flat_map(|_| once.clone()).collect::<Vec<_>>(),
            "{way:?}"
        );
    }
}

#[test]
fn curl_follows_the_same_chains() {
    let chains = draw(Way::Http1);
    let (ledger, address) = serve(Way::Http1, &chains);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("body");
    std::fs::write(&file, "a=b").expect("a temporary folder");
    let mut compared = 0;
    for (number, chain) in chains.iter().enumerate() {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--show-error",
            "--location",
            "--header",
            "Expect:",
            "--output",
        ])
        .arg(folder.path().join("answer"));
        match chain.method {
            "GET" => &mut curl,
            "HEAD" => curl.arg("--head"),
            "POST" => curl.args(["--data", "a=b"]),
            "PUT" => curl
                .args(["--header", "Content-Type: text/plain", "--upload-file"])
                .arg(&file),
            _ => continue,
        };
        let output = curl
            .arg(format!("http://{address}{}", target(number, 0)))
            .output();
        let output = output.expect("curl is missing: tests/run installs it");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        // A field that curl was told by hand stays with every request.
        let without_type = |asked: Asked| Asked {
            typed: false,
            ..asked
        };
        let curls: Vec<_> = requests(ledger.take()).into_iter().map(without_type).collect();
        let expected: Vec<_> = chain.asked(number).into_iter().map(without_type).collect();
        assert_eq!(curls, expected, "{chain:?}");
        compared += 1;
    }
    assert!(compared > CHAINS / 3, "{compared} chains");
}

#[test]
fn a_redirect_that_is_not_followed_is_a_failed_request_that_came() {
    for way in WAYS {
        let ledger = Ledger::new(|_, asked| Reply {
            status: 302,
            location: Some(if asked.target == "/away" {
                "http://192.0.2.1/".to_owned()
            } else {
                "/again".to_owned()
            }),
            length: 100,
            fate: Fate::Answered,
        });
        let address = way.serve(&ledger);
        let method = way.methods()[0];
        for (path, redirects, made) in [("/loop", 3, 4), ("/away", 3, 1)] {
            let mut request = way.request(method, path);
            request.redirects = Some(redirects);
            let result = execute(way, address, vec![request], 1);
            let entries = ledger.take();
            let bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
            assert_eq!((entries.len(), result.bytes), (made, bytes), "{way:?} {path}");
            assert_eq!(errors(&result), [("redirect", 1)].into(), "{way:?} {path}");
            let counts = result.requests;
            assert_eq!(
                (counts.due, counts.completed, counts.failed),
                (made as u64, made as u64 - 1, 1),
                "{way:?} {path}"
            );
        }
    }
}

#[test]
fn a_redirect_to_another_allowed_place_is_followed_without_keys() {
    let other = Ledger::new(|_, _| Reply::ok(7));
    let elsewhere = Way::Http1.serve(&other);
    for way in WAYS {
        let ledger = Ledger::new(move |_, asked| Reply {
            status: if asked.target == "/here" { 303 } else { 307 },
            location: Some(format!("http://{elsewhere}/there?x=1")),
            length: 50,
            fate: Fate::Answered,
        });
        let address = way.serve(&ledger);
        let mut request = way.request("POST", "/here");
        request.redirects = Some(1);
        let result = execute(way, address, vec![request], 3);
        assert_eq!(
            (result.executions.completed, errors(&result)),
            (3, BTreeMap::new()),
            "{way:?}"
        );
        let (here, there) = (ledger.take(), other.take());
        assert_eq!(
            (here.len(), there.len(), result.requests.completed),
            (3, 3, 6),
            "{way:?}"
        );
        assert_eq!(
            result.bytes,
            here.iter().chain(&there).map(|entry| entry.bytes).sum::<u64>(),
            "{way:?}"
        );
        assert_eq!(
            there[0].asked,
            Asked {
                method: "GET".to_owned(),
                target: "/there?x=1".to_owned(),
                body: false,
                typed: false,
            },
            "{way:?}"
        );
        // The same request again would bring its body to another origin.
        let mut request = way.request("POST", "/again");
        request.redirects = Some(1);
        let result = execute(way, address, vec![request], 1);
        assert_eq!(errors(&result), [("redirect", 1)].into(), "{way:?}");
        assert_eq!((ledger.take().len(), other.take().len()), (1, 0), "{way:?}");
    }
}
