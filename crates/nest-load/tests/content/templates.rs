//! Values of templates: whatever a value is, the target reads exactly it, in a path, a query, a header,
//! JSON and a form. The values are read back by the `url` crate and by serde_json.

use nest_data::behaviour::{Request, Texts};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::{
    PATHS, Path, assert_completed, run,
    server::{Asked, Reply, Server},
    spec,
};

/// Values that users had trouble with.
const KNOWN: [&str; 16] = [
    "Civil ++ Demolition & Labourers",
    "R&D 50% off",
    "a=b",
    "C#",
    "plain",
    "x%20y",
    "  two spaces  ",
    "say \"hi\", twice",
    "semi;colon",
    "Zoë",
    "a/b?c#d",
    "..\\..",
    "{{ not a template }}",
    "\u{1F600}\u{200D}\u{10FFFF}",
    "100%",
    "+",
];

/// Characters that mean something in a URL, in JSON or in a form.
const RESERVED: &[u8] = b"%&=+?#/;:@!$'()*,[]\"\\<>^`{|}~ ";

/// 100 values: those above, and texts of any characters.
fn values() -> Vec<String> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(3986);
    let mut drawn = || -> String {
        let length = random.random_range(1..24);
        let character = |_| match random.random_range(0..3) {
            0 => char::from(random.random_range(0x20..0x7F_u8)),
            1 => char::from_u32(random.random_range(0xA0..0xD7FF)).unwrap_or('?'),
            _ => char::from(RESERVED[random.random_range(0..RESERVED.len())]),
        };
        (0..length).map(character).collect()
    };
    let known = KNOWN.iter().map(ToString::to_string);
    known.chain(std::iter::repeat_with(&mut drawn).take(84)).collect()
}

fn server() -> Server {
    Server::start(|_| Reply::default())
}

/// What the target reads in the last segment of the path and in the query.
fn read(asked: &Asked) -> (String, Vec<(String, String)>) {
    let url = url::Url::parse(&format!("http://host{}", asked.path)).expect("a URL");
    let last = url
        .path_segments()
        .and_then(Iterator::last)
        .unwrap_or_default()
        .to_owned();
    let segment: String = url::form_urlencoded::parse(last.replace('+', "%2B").as_bytes())
        .map(|(name, _)| name.into_owned())
        .collect();
    let query = url
        .query_pairs()
        .map(|(name, value)| (name.into_owned(), value.into_owned()));
    (segment, query.collect())
}

#[test]
fn the_target_reads_every_value_as_it_is_on_every_path() {
    let values = values();
    for path in PATHS {
        let server = server();
        let steps = (0..values.len()).map(|number| Request {
            headers: [("X-Value".to_owned(), Texts::One(format!("<{{{{ v{number} }}}}>")))].into(),
            ..path.request(format!(
                "/items/{{{{ v{number} }}}}?first={{{{ v{number} }}}}&n={number}&last={{{{ v{number} }}}}"
            ))
        });
        let mut behaviour = spec(steps.collect());
        let numbered = values.iter().enumerate();
        behaviour.variables = numbered
            .map(|(number, value)| (format!("v{number}"), value.clone()))
            .collect();
        let result = run(&server, path, behaviour);
        assert_completed(&result);
        let asked = server.asked();
        assert_eq!(asked.len(), values.len());
        for (number, (asked, value)) in asked.iter().zip(&values).enumerate() {
            let (segment, query) = read(asked);
            let pairs = [
                ("first", value.as_str()),
                ("n", &number.to_string()),
                ("last", value),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(
                (&segment, query.as_slice()),
                (value, pairs.as_slice()),
                "{path:?} {}",
                asked.path
            );
            assert_eq!(asked.all("x-value"), [format!("<{value}>")], "{path:?}");
        }
    }
}

#[test]
fn bodies_hold_every_value_as_it_is() {
    let values = values();
    let server = server();
    let steps = values.iter().enumerate().flat_map(|(number, _)| {
        let value = format!("{{{{ v{number} }}}}");
        let post = Request {
            post: Some("/".to_owned()),
            ..Request::default()
        };
        let media_type = |text: &str| [("content-type".to_owned(), Texts::One(text.to_owned()))].into();
        [
            Request {
                json: Some(serde_json::json!({ "value": value, "list": [format!("<{value}>")] })),
                ..post.clone()
            },
            Request {
                form: [(
                    "value".to_owned(),
                    Texts::Several(vec![value.clone(), format!("<{value}>")]),
                )]
                .into(),
                ..post.clone()
            },
            Request {
                headers: media_type("application/json"),
                body: Some(format!("{{\"value\": \"{value}\", \"list\": [\"<{value}>\"]}}")),
                ..post.clone()
            },
            Request {
                headers: media_type("application/x-www-form-urlencoded; charset=utf-8"),
                body: Some(format!("value={value}&value=<{value}>")),
                ..post.clone()
            },
            Request {
                body: Some(format!("<{value}>")),
                ..post
            },
        ]
    });
    let mut behaviour = spec(steps.collect());
    let numbered = values.iter().enumerate();
    behaviour.variables = numbered
        .map(|(number, value)| (format!("v{number}"), value.clone()))
        .collect();
    assert_completed(&run(&server, Path::Http1, behaviour));
    let asked = server.asked();
    assert_eq!(asked.len(), 5 * values.len());
    for (asked, value) in asked.chunks(5).zip(&values) {
        let in_brackets = format!("<{value}>");
        for place in [0, 2] {
            let json: serde_json::Value = serde_json::from_slice(&asked[place].body).expect("JSON");
            assert_eq!(
                (json["value"].as_str(), json["list"][0].as_str()),
                (Some(&**value), Some(&*in_brackets))
            );
        }
        for place in [1, 3] {
            let pairs: Vec<_> = url::form_urlencoded::parse(&asked[place].body).collect();
            let expected = [
                ("value".into(), value.into()),
                ("value".into(), (&in_brackets).into()),
            ];
            assert_eq!(pairs, expected);
        }
        assert_eq!(asked[4].body, in_brackets.as_bytes());
    }
}

#[test]
fn a_link_that_an_answer_gave_is_followed_as_a_link() {
    for path in PATHS {
        let server = Server::start(|asked| Reply {
            headers: vec![("x-host", asked.all("host").concat().into_bytes())],
            body: br#"{"next":"/items?page=2&q=a%20b","relative":"items/3","id":"a/b?c"}"#.to_vec(),
        });
        let save = ["next", "relative", "id"].map(|name| {
            (
                name.to_owned(),
                nest_data::behaviour::Capture::Json(format!("$.{name}")),
            )
        });
        let steps = vec![
            Request {
                save: save.into(),
                ..path.request("/start")
            },
            path.request("{{ next }}"),
            path.request("{{ next }}&more={{ id }}"),
            path.request("{{ relative }}"),
            path.request("/{{ relative }}"),
            path.request("/x/{{ relative }}"),
        ];
        let result = run(&server, path, spec(steps));
        assert_completed(&result);
        let paths: Vec<String> = server.asked().into_iter().map(|asked| asked.path).collect();
        assert_eq!(
            paths,
            [
                "/start",
                "/items?page=2&q=a%20b",
                "/items?page=2&q=a%20b&more=a%2Fb%3Fc",
                "/items/3",
                "/items/3",
                "/x/items%2F3"
            ],
            "{path:?}"
        );
    }
}

#[test]
fn a_link_that_leads_away_and_a_header_with_a_line_break_are_never_sent() {
    for (value, step) in [
        ("http://127.0.0.2:1/elsewhere", Path::Http1.request("{{ v }}")),
        (
            "a\r\nEvil: 1",
            Request {
                headers: [("X-Value".to_owned(), Texts::One("{{ v }}".to_owned()))].into(),
                ..Path::Http1.request("/")
            },
        ),
    ] {
        for path in [Path::Http1, Path::Http2] {
            let server = server();
            let mut behaviour = spec(vec![step.clone()]);
            behaviour.variables = [("v".to_owned(), value.to_owned())].into();
            let result = run(&server, path, behaviour);
            assert_eq!(result.errors[0].kind, "request", "{:?}", result.errors);
            assert!(server.asked().is_empty());
        }
    }
}
