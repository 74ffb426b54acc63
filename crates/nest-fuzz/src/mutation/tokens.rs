//! Puts words and numbers in the place of others.

use std::ops::Range;

use rand::RngExt;

use super::Random;

/// Numbers at the ends of what can be read, and beyond.
pub const NUMBERS: [&str; 36] = [
    "0",
    "-0",
    "-1",
    "1",
    "0.0",
    "0.5",
    "1e-300",
    "5e-324",
    "1e300",
    "-1e300",
    "1.7976931348623157e308",
    "1e309",
    "1e999999999",
    "nan",
    "NaN",
    "inf",
    "-inf",
    "Infinity",
    "255",
    "65536",
    "2147483647",
    "-2147483648",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "79228162514264337593543950335",
    "79228162514264337593543950336",
    "0.0000000000000000000000000001",
    "1000000000",
    "100000000000000000000000000",
    "0x7fffffff",
    "1_000_000",
];

/// Words that mean something to one reader or another.
pub const WORDS: [&str; 44] = [
    "",
    " ",
    "\"",
    "'",
    "\\",
    "true",
    "null",
    "{}",
    "[]",
    "%",
    "100%",
    "-5%",
    "1e300%",
    "/ day",
    "per",
    "1 / 0",
    "0001-01-01",
    "9999-12-31",
    "9999-12",
    "-9999-01-01",
    "2024-02-30",
    "1970-01-01T00:00:00Z",
    "99:99",
    "60s",
    "1e300s",
    "0s",
    "-1s",
    "{{ env(\"HOME\") }}",
    "{{ int(0, 0) }}",
    "{{ int(-9223372036854775808, 1) }}",
    "../../x",
    "/etc/passwd",
    "http://127.0.0.1",
    "http://[::1]:65536/",
    "=1+1",
    "\u{feff}",
    "\u{202e}",
    "\u{0}",
    "ß",
    "𝕏",
    "\u{1b}[31m",
    "table(0, [[0, 0], [1, 1]])",
    "(a+)+$",
    "name{a=~\"(x|x)*y\"}",
];

/// Replaces, removes or repeats a word or a number.
pub fn change(text: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let tokens = tokens(text);
    if tokens.is_empty() {
        return;
    }
    let one = tokens[random.random_range(0..tokens.len())].clone();
    let number = |token: &Range<usize>| text[token.start].is_ascii_digit();
    let numbers: Vec<&Range<usize>> = tokens.iter().filter(|token| number(token)).collect();
    match random.random_range(0..8) {
        0..=2 if !numbers.is_empty() => {
            let place = numbers[random.random_range(0..numbers.len())].clone();
            text.splice(place, extreme(random));
        }
        3 => {
            text.splice(one, extreme(random));
        }
        4 => {
            let word = WORDS[random.random_range(0..WORDS.len())];
            text.splice(one, word.bytes());
        }
        5 => {
            let others = self::tokens(other);
            if !others.is_empty() {
                let from = others[random.random_range(0..others.len())].clone();
                text.splice(one, other[from].iter().copied());
            }
        }
        6 => drop(text.drain(one)),
        _ => {
            let copied = text[one.clone()].repeat(1 << random.random_range(0..10));
            text.splice(one, copied);
        }
    }
}

/// One of [`NUMBERS`], or one of very many digits.
fn extreme(random: &mut Random) -> Vec<u8> {
    if random.random_bool(0.1) {
        let digits = random.random_range(1..400);
        return (0..digits).map(|_| random.random_range(b'0'..=b'9')).collect();
    }
    NUMBERS[random.random_range(0..NUMBERS.len())].into()
}

/// The words and numbers of a text.
fn tokens(text: &[u8]) -> Vec<Range<usize>> {
    let belongs = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'+');
    let mut found: Vec<Range<usize>> = Vec::new();
    for (index, byte) in text.iter().enumerate() {
        match found.last_mut() {
            _ if !belongs(*byte) => {}
            Some(last) if last.end == index => last.end = index + 1,
            _ => found.push(index..index + 1),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_told_from_what_is_between() {
        let text = b"a_b = \"-1.5e+3\", [x]";
        let found: Vec<&[u8]> = tokens(text).into_iter().map(|token| &text[token]).collect();
        assert_eq!(found, [&b"a_b"[..], b"-1.5e+3", b"x"]);
    }
}
