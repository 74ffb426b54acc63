use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;

const SECRET: &str = "Tök/en+4711&\"x\" %2F";

fn masked(secrets: &[&str], text: &str) -> String {
    let masker = Masker::new(secrets.iter().map(|secret| secret.as_bytes()));
    String::from_utf8(masker.masked(text.as_bytes(), TextEnd::Whole).into_owned()).expect("UTF-8")
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn component(text: &str) -> String {
    String::from_utf8(crate::script::text::Escape::Component.apply(text)).expect("ASCII")
}

/// A secret as programs write it, each with the name of its spelling.
fn spellings(secret: &str) -> Vec<(&'static str, String)> {
    let html = secret
        .replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('/', "&#47;");
    let numbered: String = secret
        .chars()
        .map(|letter| format!("&#x{:x};", u32::from(letter)))
        .collect();
    let json = serde_json::Value::from(secret).to_string();
    let json = json[1..json.len() - 1].to_owned();
    let units: String = secret
        .encode_utf16()
        .map(|unit| format!("\\u{unit:04x}"))
        .collect();
    let hexadecimal: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let pairs: Vec<String> = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
    let lines: Vec<String> = STANDARD
        .encode(format!("me:{secret}"))
        .as_bytes()
        .chunks(7)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    vec![
        ("as it is", secret.to_owned()),
        ("component", component(secret)),
        (
            "component, lower case",
            component(secret)
                .replace("%2F", "%2f")
                .replace("%C3%B6", "%c3%b6"),
        ),
        ("percent", percent(secret)),
        ("percent twice", percent(&percent(secret))),
        (
            "form",
            url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        ),
        ("HTML", html.clone()),
        ("HTML in JSON", serde_json::Value::from(html).to_string()),
        ("HTML, numbered", numbered),
        ("JSON", json.clone()),
        ("JSON, slashes", json.replace('/', "\\/")),
        ("JSON, units", units),
        ("JSON in JSON", serde_json::Value::from(json).to_string()),
        ("upper case", secret.to_uppercase()),
        ("lower case", secret.to_lowercase()),
        ("base64 after 0", STANDARD.encode(secret)),
        ("base64 after 1", STANDARD.encode(format!("a{secret}b"))),
        ("base64 after 2", STANDARD.encode(format!("ab{secret}c"))),
        ("base64 for URLs", URL_SAFE.encode(format!("?>?{secret}"))),
        ("base64 in a URL", component(&STANDARD.encode(secret))),
        ("base64 of a component", STANDARD.encode(component(secret))),
        (
            "base64 of JSON",
            STANDARD.encode(format!("{{\"t\":\"{}\"}}", secret.replace('"', "\\\""))),
        ),
        ("base64 in lines", lines.join("\r\n")),
        ("hexadecimal", hexadecimal),
        ("pairs of digits", pairs.join(":")),
    ]
}

#[test]
fn a_secret_is_found_in_every_spelling() {
    for secret in [
        SECRET,
        "abcd",
        "A-b_c.d~e",
        "0123456789abcdef0123456789abcdef",
        "//++//++",
        "\u{1f511}key",
    ] {
        for (name, spelling) in spellings(secret) {
            let text = masked(&[secret], &format!("before [{spelling}] after"));
            assert!(
                text.starts_with("before [") && text.ends_with("] after"),
                "{secret}, {name}: {text}"
            );
            // What is left of base64 are letters that also depend on its neighbours.
            let left = text.replace("***", "").len() - "before [] after".len();
            let most = if name.starts_with("base64") { 16 } else { 2 };
            assert!(left <= most, "{secret}, {name}: {spelling} became {text}");
            assert!(
                !text.contains(&spelling) && text.contains("***"),
                "{secret}, {name}: {text}"
            );
        }
    }
}

#[test]
fn a_mixture_of_spellings_is_found() {
    for text in [
        "a/b&c",
        "a%2Fb&amp;c",
        "a\\/b%26c",
        "A&#x2f;b\\u0026C",
        "a%252fb%26amp%3Bc",
    ] {
        assert_eq!(masked(&["a/b&c"], text), "***", "{text}");
    }
    assert_eq!(masked(&["x%41/y"], "x%41%2Fy"), "***");
}

/// Letters of secrets. A backslash is left out: where it stands before an escape, nobody can tell what is
/// meant.
const LETTERS: &[u8] = b"abcXYZ019-._~/+=&<>\"' %:;@";

#[test]
fn letters_that_are_spelled_each_in_its_own_way_are_found() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
    for _ in 0..5_000 {
        let letters: Vec<u8> = (0..random.random_range(4..16))
            .map(|_| LETTERS[random.random_range(0..LETTERS.len())])
            .collect();
        let mut spell = |letter: &u8| match random.random_range(0..8) {
            0 => format!("%{letter:02X}"),
            1 => format!("%{letter:02x}"),
            2 => format!("&#{letter};"),
            3 => format!("&#x{letter:X};"),
            4 => format!("\\u{letter:04x}"),
            5 => format!("\\x{letter:02x}"),
            6 => char::from(letter.to_ascii_uppercase()).to_string(),
            _ => char::from(*letter).to_string(),
        };
        let text: String = letters.iter().map(&mut spell).collect();
        let secret = String::from_utf8(letters).expect("ASCII");
        assert_eq!(
            masked(&[&secret], &format!("[{text}]")),
            "[***]",
            "{secret}: {text}"
        );
    }
}

/// A target could give such a value to hold up the generator.
#[test]
fn a_value_of_escapes_within_escapes_is_read_four_times_and_no_more() {
    let value = format!("%{}41", "25".repeat(100_000));
    assert_eq!(masked(&[&value], &format!("[{value}]")), "[***]");
}

#[test]
fn what_is_no_secret_stays() {
    let text = "GET /items/7?page=2 says 100% of {\"a\": \"b\\n\"} &amp; more";
    assert_eq!(masked(&["token-4711"], text), text);
    assert_eq!(masked(&[""], text), text);
    assert_eq!(masked(&[], text), text);
}

#[test]
fn secrets_that_overlap_or_hold_one_another_are_masked_whole() {
    assert_eq!(masked(&["ab", "a b\"c"], "t=a b\"c; ab"), "t=***; ***");
    assert_eq!(masked(&["abc", "cde"], "xabcdex"), "x***x");
    assert_eq!(masked(&["aa"], "aaaaa"), "***");
    assert_eq!(masked(&["7"], "7 of 17"), "*** of 1***");
}

#[test]
fn the_part_of_a_secret_before_a_cut_is_masked_in_every_spelling() {
    let secret = "Token/4711&x";
    let masker = Masker::new([secret.as_bytes()]);
    for (name, spelling) in spellings(secret) {
        for length in 1..spelling.len() {
            if !spelling.is_char_boundary(length) {
                continue;
            }
            let cut = format!("before: {}", &spelling[..length]);
            let text = masker.masked(cut.as_bytes(), TextEnd::Cut);
            let text = String::from_utf8_lossy(&text);
            // A base64 text begins with letters that depend on what is before the secret.
            let most = if name.starts_with("base64") { 16 } else { 2 };
            let left = text.replace("***", "").len() - "before: ".len();
            assert!(left <= most, "{name}, {length}: {cut} became {text}");
        }
    }
}
