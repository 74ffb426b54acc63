//! Our parser beside the `cel` crate, on generated formulas.

use std::cell::Cell;

use proptest::{
    prelude::*,
    sample::select,
    strategy::Union,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::{Formula, cel_reference, evaluation, parser};

const OPERANDS: [&str; 24] = [
    "x",
    "x",
    "min_payment",
    "a",
    "_b2",
    "day",
    "week",
    "second",
    "dues.payments",
    "dues.open_items",
    "rates.pay",
    "rates[\"add-to-cart\"]",
    "rates['a.b']",
    "(rates).pay",
    "rates . pay",
    "in_2",
    "trueish",
    "1E3",
    "2e+2",
    "7e-1",
    "1 / day",
    "3 / week",
    "(1 / month)",
    "hour",
];
const ODD: [&str; 35] = [
    "true",
    "null",
    "if",
    "package",
    "'a'",
    "\"b\"",
    "rates.nothing",
    "rates.if",
    "rates.in",
    "dues.what",
    "x.y.z",
    "1.e5",
    "5.",
    "1 2",
    "1day",
    "80_000",
    "rates[1]",
    "rates[x]",
    "[1, 2]",
    "{}",
    "f(x)",
    "has(rates.pay)",
    "'a'.size()",
    "size([1])",
    "x.size()",
    "é",
    "",
    "1e999",
    "rates[\"a\"",
    "min",
    "table",
    "day.payments",
    "[]",
    "in",
    "x(1)",
];
const OPERATORS: [(u32, &str); 22] = [
    (9, "+"),
    (9, "-"),
    (9, "*"),
    (9, "/"),
    (9, " + "),
    (9, " - "),
    (9, " * "),
    (9, " / "),
    (3, "<"),
    (3, "<="),
    (3, ">"),
    (3, ">="),
    (3, "=="),
    (3, "!="),
    (1, "&&"),
    (1, "||"),
    (1, "%"),
    (1, " in "),
    (1, "\n+\t"),
    (1, "- -"),
    (1, "--"),
    (1, "!"),
];
const TOKENS: [&str; 26] = [
    "(", ")", "[", "]", "1", "2.5", "x", "day", "+", "-", "*", "/", "<", "?", ":", ",", ".", "min(",
    "table(", "rates", "pay", "'a'", " ", "!", "==", "=",
];

fn leaf() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => (0_u32..200).prop_map(|n| n.to_string()),
        3 => (0.0..100.0_f64).prop_map(|x| x.to_string()),
        1 => (0.0..10.0_f64, -9..9_i32).prop_map(|(x, e)| format!("{x:.3}e{e}")),
        1 => (0..99_u32).prop_map(|n| format!(".{n:02}")),
        9 => select(&OPERANDS[..]).prop_map(str::to_owned),
        1 => select(&ODD[..]).prop_map(str::to_owned),
    ]
}

fn text() -> impl Strategy<Value = String> {
    leaf().prop_recursive(5, 30, 4, |inner| {
        let operator = Union::new_weighted(OPERATORS.iter().map(|(weight, text)| (*weight, Just(*text))).collect());
        let (one, two) = (inner.clone(), (inner.clone(), inner.clone()));
        let three = (inner.clone(), inner.clone(), inner.clone());
        prop_oneof![
            8 => (inner.clone(), operator, inner).prop_map(|(a, o, b)| format!("{a}{o}{b}")),
            3 => one.clone().prop_map(|a| format!("({a})")),
            2 => one.clone().prop_map(|a| format!("-{a}")),
            1 => one.clone().prop_map(|a| format!("--{a}")),
            1 => one.clone().prop_map(|a| format!("!{a}")),
            2 => three.clone().prop_map(|(a, b, c)| format!("{a} ? {b} : {c}")),
            2 => three.clone().prop_map(|(a, b, c)| format!("({a} > 1 ? {b}:{c})")),
            3 => (select(vec!["min", "max", "f"]), two.clone()).prop_map(|(f, (a, b))| format!("{f}({a}, {b})")),
            2 => (select(vec!["ceil", "floor", "round", "min", "elastic"]), one.clone())
                .prop_map(|(f, a)| format!("{f} ( {a} )")),
            2 => three.clone().prop_map(|(a, b, c)| format!("elastic({a}, {b}, {c})")),
            2 => three.clone().prop_map(|(a, b, c)| format!("table({a}, [[1, {b}], [2, {c}]])")),
            1 => three.clone().prop_map(|(a, b, c)| format!("table({a}, [[1, {b},], [2, {c}],])")),
            1 => three.prop_map(|(a, b, c)| format!("table({a}, [[{b}, 1], [{c}, 0.5], [1e9, 2]])")),
            1 => two.prop_map(|(a, b)| format!("table({a}, [[1, {b}]])")),
            1 => one.clone().prop_map(|a| format!("{a}.pay")),
            1 => one.prop_map(|a| format!("{a}[\"pay\"]")),
        ]
    })
}

/// One character changed, left out or put in.
fn damaged() -> impl Strategy<Value = String> {
    let signs: Vec<char> = "()[]{}+-*/%<>=!&|?:.,'\" e1xday_\\\n#".chars().collect();
    (text(), any::<prop::sample::Index>(), select(signs), 0..3_u8).prop_map(|(text, at, sign, how)| {
        let mut letters: Vec<char> = text.chars().collect();
        if letters.is_empty() {
            return sign.to_string();
        }
        let at = at.index(letters.len());
        match how {
            0 => letters[at] = sign,
            1 => drop(letters.remove(at)),
            _ => letters.insert(at, sign),
        }
        letters.into_iter().collect()
    })
}

/// Parts of the other language that we leave out on purpose.
fn left_out(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    letters
        .windows(2)
        .any(|pair| pair[0].is_ascii_digit() && "xXuU".contains(pair[1]))
        || ["//", "\\", "\"\"\"", "'''"]
            .iter()
            .any(|part| text.contains(part))
        || leading_dot(&letters)
        || text.replace(' ', "").contains("!!")
}

/// A dot in front of a name, with nothing before it that could have a member.
fn leading_dot(letters: &[char]) -> bool {
    let solid: Vec<char> = letters.iter().copied().filter(|c| !c.is_whitespace()).collect();
    (0..solid.len()).any(|at| {
        let before = at.checked_sub(1).map(|before| solid[before]);
        let after = solid.get(at + 1).copied();
        solid[at] == '.'
            && after.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && !before.is_some_and(|c| c.is_ascii_alphanumeric() || "_)]}'\"".contains(c))
    })
}

fn same(text: &str) -> Result<bool, TestCaseError> {
    let (ours, theirs) = (Formula::parse(text), cel_reference::parse(text));
    if ours.is_ok() != theirs.is_ok() {
        prop_assert!(
            left_out(text),
            "{:?}: ours {:?}, theirs {:?}",
            text,
            ours,
            theirs.map(drop)
        );
        return Ok(false);
    }
    let (Ok(ours), Ok(theirs)) = (ours, theirs) else {
        return Ok(false);
    };
    prop_assert!(
        cel_reference::names(&theirs)
            .iter()
            .all(|name| ours.names().contains(name))
    );
    for seed in 1..4_u32 {
        let value = |name: &str| {
            let sum = name
                .bytes()
                .fold(f64::from(seed), |sum, b| (sum * 31.0 + f64::from(b)) % 17.0);
            Some(sum / 3.0)
        };
        let bits = |value: f64| if value.is_nan() { 0 } else { value.to_bits() };
        let a = evaluation::evaluate(&ours.expression, &value)
            .map(|q| (bits(q.value), q.time_power))
            .ok();
        let b = cel_reference::evaluate(&theirs, &value)
            .map(|q| (bits(q.value), q.time_power))
            .ok();
        prop_assert_eq!(a, b, "{}", text);
    }
    let printed = ours.expression.to_string();
    prop_assert_eq!(
        &parser::parse(&printed).expect(&printed),
        &ours.expression,
        "{}",
        printed
    );
    Ok(true)
}

fn compare(strategy: impl Strategy<Value = String>, cases: u32) {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let accepted = Cell::new(0);
    let result = runner.run(&strategy, |text| {
        if text.len() <= 1_000 {
            accepted.set(accepted.get() + u32::from(same(&text)?));
        }
        Ok(())
    });
    println!("{cases} formulas, {} accepted by both", accepted.get());
    result.expect("the same");
}

fn cases() -> u32 {
    std::env::var("CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(3_000)
}

#[test]
fn whole_formulas() {
    compare(text(), cases());
}

#[test]
fn damaged_formulas() {
    compare(damaged(), cases());
}

#[test]
fn token_soup() {
    let soup = prop::collection::vec(select(&TOKENS[..]), 0..9);
    compare(soup.prop_map(|tokens| tokens.concat()), cases() * 10);
}

#[test]
fn nesting() {
    for depth in 1..130 {
        let text = format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
        let accepted = (Formula::parse(&text).is_ok(), cel_reference::parse(&text).is_ok());
        if accepted.0 != accepted.1 || depth % 32 == 0 {
            println!("{depth} {accepted:?}");
        }
    }
}
