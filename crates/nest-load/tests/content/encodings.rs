//! Content codings: what was compressed is read, and what cannot be read never passes a check.

use base64::{Engine, prelude::BASE64_STANDARD};
use nest_data::{
    behaviour::{Capture, Expect, Request},
    measurement::Validity,
    study::read::CodeBehaviour,
};
use nest_load::code::{Behaviour, ExecutionContext, Failure, Registry};
use serde::Deserialize;

use crate::{
    PATHS, Path, assert_completed, assert_sent_by, run, run_with,
    server::{Asked, Reply, Server},
    spec,
};

const EXCHANGES: &str = include_str!("encodings.json");

#[derive(Deserialize)]
struct Exchanges {
    good: Vec<Coded>,
    bad: Vec<Coded>,
}

/// A compressed answer; the one with a token holds it and a number in JSON.
#[derive(Clone, Deserialize)]
struct Coded {
    fields: Vec<String>,
    body: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    number: String,
}

impl Coded {
    fn reply(&self) -> Reply {
        let fields = self.fields.iter();
        Reply {
            headers: fields
                .map(|field| ("content-encoding", field.clone().into_bytes()))
                .collect(),
            body: BASE64_STANDARD.decode(&self.body).expect("base64"),
        }
    }
}

fn exchanges() -> Exchanges {
    serde_json::from_str(EXCHANGES).expect("`make-expectations` writes JSON")
}

/// Answers `/0`, `/1` ... with the exchanges of that number.
fn server(exchanges: Vec<Coded>) -> Server {
    Server::start(move |asked| exchanges[number(asked)].reply())
}

fn number(asked: &Asked) -> usize {
    let path = asked.path.trim_start_matches('/');
    let digits = path
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(path.len());
    path[..digits].parse().expect("a number")
}

fn excluding(text: &str) -> Option<Expect> {
    Some(Expect {
        body_excludes: Some(text.to_owned()),
        ..Expect::default()
    })
}

#[test]
fn compressed_answers_are_read_on_every_path() {
    let exchanges = exchanges().good;
    for path in PATHS {
        let server = server(exchanges.clone());
        // Each request brings what the one before it has saved.
        let step = |number: usize| Request {
            save: [("token", "$.token"), ("number", "$.number")]
                .map(|(name, path)| (name.to_owned(), Capture::Json(path.to_owned())))
                .into(),
            expect: Some(Expect {
                body_contains: Some("{\"token\":\"".to_owned()),
                body_excludes: Some("\u{1f}".to_owned()),
                ..Expect::default()
            }),
            ..path.request(match number {
                0 => "/0".to_owned(),
                number => format!("/{number}?token={{{{ token }}}}&number={{{{ number }}}}"),
            })
        };
        let result = run(&server, path, spec((0..exchanges.len()).map(step).collect()));
        assert_completed(&result);
        assert_sent_by(&result, path);
        let asked = server.asked();
        assert_eq!(asked.len(), exchanges.len());
        for (asked, exchange) in asked[1..].iter().zip(&exchanges) {
            let (_, query) = asked.path.split_once('?').expect("a query");
            let values: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
            assert_eq!(
                (&*values[0].1, &*values[1].1),
                (&*exchange.token, &*exchange.number)
            );
        }
        // What was counted are the bytes on the wire.
        let wire: usize = exchanges.iter().map(|exchange| exchange.reply().body.len()).sum();
        let heads = 300 * exchanges.len();
        let counted = result.bytes as usize;
        assert!(
            (wire..wire + heads).contains(&counted),
            "{path:?}: {counted} of {wire}"
        );
    }
}

#[test]
fn what_cannot_be_read_never_passes_a_check_and_says_why() {
    let exchanges = exchanges().bad;
    for (turn, path) in PATHS.into_iter().enumerate() {
        let server = server(exchanges.clone());
        for number in (turn..exchanges.len()).step_by(PATHS.len()) {
            let step = Request {
                expect: excluding("nowhere in it"),
                ..path.request(format!("/{number}"))
            };
            let result = run(&server, path, spec(vec![step]));
            let coding = &exchanges[number].fields[0];
            assert_eq!(result.executions.failed, 1, "{path:?} {coding} {number}");
            assert_eq!(result.errors[0].kind, "encoding", "{coding} {number}");
            let shown = &result.failures[0].reason;
            let named = coding.split(", ").last().expect("a coding");
            assert!(
                shown.contains("compressed with") && shown.contains(named),
                "{shown}"
            );
            let is_shown = |character: char| character == '\n' || !character.is_control();
            assert!(shown.chars().all(is_shown), "{shown:?}");
            assert_ne!(result.verdict.validity, Validity::Limited, "{:?}", result.verdict);
        }
    }
}

#[test]
fn a_body_that_nothing_looks_at_need_not_be_read() {
    let exchanges = exchanges().bad;
    for path in PATHS {
        let server = server(exchanges.clone());
        let steps = (0..exchanges.len()).map(|number| path.request(format!("/{number}")));
        assert_completed(&run(&server, path, spec(steps.collect())));
    }
}

/// 32 MB of zeros in 32 kB of gzip, as `gzip -9` writes them; the limit is 1 MiB.
#[test]
fn a_decompression_bomb_names_the_limit() {
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut bomb, &vec![0; 32 << 20]).expect("memory");
    let body = bomb.finish().expect("memory");
    assert!(body.len() < 64 << 10, "{}", body.len());
    for path in PATHS {
        let body = body.clone();
        let server = Server::start(move |_| Reply {
            headers: vec![("content-encoding", b"gzip".to_vec())],
            body: body.clone(),
        });
        let step = Request {
            expect: excluding("one"),
            ..path.request("/")
        };
        let result = run(&server, path, spec(vec![step]));
        assert_eq!(result.errors[0].kind, "answer too long", "{:?}", result.errors);
        let shown = &result.failures[0].reason;
        assert!(
            shown.contains("longer than 1048576 bytes") && shown.contains("`longest_body`"),
            "{shown}"
        );
    }
}

/// Asks by code, and takes the body to be the token.
struct Look;

impl Behaviour for Look {
    type State = ();

    async fn begin(&self, _: &mut ExecutionContext<'_>) -> Result<(), Failure> {
        Ok(())
    }

    async fn execute(&self, (): &mut (), context: &mut ExecutionContext<'_>) -> Result<(), Failure> {
        for number in 0..exchanges().good.len() {
            let path = format!("/{number}");
            let answer = context
                .send("look", "GET", &path, &[("accept-encoding", "gzip")], b"")
                .await?;
            if !answer.body.starts_with(b"{\"token\":\"") {
                return Err(Failure::check(format!("{number} is not decoded")));
            }
        }
        context.send("look", "GET", "/last", &[], b"").await.map(drop)
    }
}

#[test]
fn code_sees_the_decoded_body() {
    let exchanges = exchanges();
    let (good, bad) = (exchanges.good, exchanges.bad);
    for path in [Path::Http1, Path::Http2] {
        let (good, count, unknown) = (good.clone(), good.len(), bad[bad.len() - 1].clone());
        let server = Server::start(move |asked| match asked.path.as_str() {
            "/last" => unknown.reply(),
            _ => good[number(asked)].reply(),
        });
        let registry = Registry::new().with("look", Look);
        let result = run_with(&server, path, CodeBehaviour::default().spec(), registry, 1 << 20);
        // All but the last, which nobody can read.
        let counted: Vec<_> = result
            .errors
            .iter()
            .map(|error| (error.kind.as_str(), error.count))
            .collect();
        assert_eq!(counted, [("encoding", 1)], "{:?}", result.failures);
        assert_eq!(result.requests.completed as usize, count);
        assert!(
            result.failures[0].reason.contains("aes128gcm"),
            "{:?}",
            result.failures
        );
    }
}
