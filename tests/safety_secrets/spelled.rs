//! Secrets of every place in which one can stand, what a target makes of them, and how they are looked for.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};

use crate::support::server::{Asked, Reply};

/// Variables of the environment, each with a secret of its own.
const VARIABLES: [&str; 10] = [
    "PATH_KEY",
    "QUERY_KEY",
    "HEADER_KEY",
    "COOKIE_KEY",
    "FORM_KEY",
    "BODY_KEY",
    "PART_KEY",
    "NEST_JSON_KEY",
    "STATE_KEY",
    "RESET_KEY",
];

/// The secret of a place. Each is spelled otherwise in a URL, in HTML, in JSON and in base64.
pub fn secret(place: &str) -> String {
    format!("{place}/Tk<47>&11=+'é'x")
}

pub fn environment() -> Vec<(&'static str, String)> {
    // A header holds ASCII only.
    let value = |name: &str| secret(name).replace('é', "e");
    VARIABLES.map(|name| (name, value(name))).to_vec()
}

/// Everything that must be nowhere.
pub fn secrets() -> Vec<String> {
    let of_answers = ["captured", "session", "fresh"].map(|place| secret(place).replace('é', "e"));
    environment()
        .into_iter()
        .map(|(_, value)| value)
        .chain(of_answers)
        .collect()
}

pub fn percent(text: &str, write: impl Fn(u8) -> String) -> String {
    let stays = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| {
            if stays(byte) {
                char::from(byte).to_string()
            } else {
                write(byte)
            }
        })
        .collect()
}

fn html(text: &str) -> String {
    let named = [
        ('&', "&amp;"),
        ('<', "&lt;"),
        ('>', "&gt;"),
        ('\'', "&#39;"),
        ('/', "&#x2F;"),
    ];
    named
        .into_iter()
        .fold(text.to_owned(), |text, (letter, entity)| match letter {
            '&' => text.replace('&', entity),
            other => text.replace(other, entity),
        })
}

fn json_units(text: &str) -> String {
    let unit = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter.to_string()
        } else {
            format!("\\u{:04x}", u32::from(letter))
        }
    };
    text.chars().map(unit).collect()
}

fn hexadecimal(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// The letters of a base64 text that depend on a secret alone, which has so many bytes before it.
fn base64_core(text: &str, before: usize) -> String {
    let padded = [vec![b'x'; before], text.as_bytes().to_vec()].concat();
    let (from, to) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
    STANDARD.encode(padded)[from..to].to_owned()
}

/// Twelve spellings by which a secret is looked for, each in lower case. Two of them are looked for at three
/// places of a base64 text.
pub fn spellings(secret: &str) -> Vec<String> {
    let mut all = vec![
        secret.to_owned(),
        secret.to_uppercase(),
        percent(secret, |byte| format!("%{byte:02X}")),
        percent(secret, |byte| format!("%{byte:02x}")),
        percent(secret, |byte| format!("%25{byte:02X}")),
        html(secret),
        secret.replace('/', "\\/"),
        json_units(secret),
        json_units(secret).replace("\\u", "\\\\u"),
        hexadecimal(secret),
    ];
    for before in 0..3 {
        let core = base64_core(secret, before);
        all.push(core.replace('+', "-").replace('/', "_"));
        all.push(core);
    }
    all.iter().map(|spelling| spelling.to_lowercase()).collect()
}

/// Everything that a request tells: its header fields, path and body.
pub fn told(asked: &Asked) -> Vec<String> {
    let field = |(name, value): &(String, String)| format!("{name}: {value}\n");
    let fields = asked.headers.iter().map(field).collect();
    vec![fields, asked.path.clone(), asked.body.clone()]
}

/// Texts as a target gives them back, in one of eight encodings.
pub fn echo(texts: &[String], number: usize) -> String {
    let encode = |text: &String| match number % 8 {
        0 => text.clone(),
        1 => percent(text, |byte| format!("%{byte:02X}")),
        2 => percent(text, |byte| format!("%{byte:02x}")),
        3 => html(text),
        4 => text.replace('/', "\\/").replace('"', "\\\""),
        5 => json_units(text),
        6 => STANDARD.encode(format!("{}{text}", "x".repeat(number % 3))),
        _ => URL_SAFE.encode(text),
    };
    texts.iter().map(encode).collect::<Vec<_>>().join("\n")
}

/// A target that fails in one of five ways, in turn, with everything that it was told in body and header
/// fields.
pub fn failure(asked: &Asked, number: usize) -> Reply {
    let body = echo(&[secrets(), told(asked)].concat(), number);
    let fresh = percent(&secret("fresh").replace('é', "e"), |byte| format!("%{byte:02X}"));
    let plain = Reply::Answer {
        status: [500, 200, 200, 302, 404][number % 5],
        headers: Vec::new(),
        body,
    };
    match number % 5 {
        1 => plain.with("content-type", format!("text/{fresh}; key={fresh}")),
        2 => plain.with("content-encoding", fresh),
        3 => plain.with(
            "location",
            format!("http://{fresh}.invalid/?token={fresh}#{fresh}"),
        ),
        4 => plain.with("set-cookie", format!("late={fresh}")),
        _ => plain,
    }
}

/// A login that gives a token and a session, whatever comes.
pub fn login() -> Reply {
    let token = secret("captured").replace('é', "e");
    let body = serde_json::json!({ "token": token, "right": true }).to_string();
    let session = percent(&secret("session").replace('é', "e"), |byte| {
        format!("%{byte:02X}")
    });
    Reply::text(body).with("set-cookie", format!("session={session}"))
}
