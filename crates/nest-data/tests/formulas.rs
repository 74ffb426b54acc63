//! The language of formulas: known values, what is refused and why, and texts that nobody would write.

use std::collections::BTreeMap;

use nest_data::formula::{Formula, Number, Rate};
use proptest::prelude::*;

/// x = 4, y = 10, zero = 0, dues.payments = 0.5 a day, dues.open_items = 3, rates.pay = 2 a day,
/// rates["add-to-cart"] = 6 a day.
fn values() -> BTreeMap<String, f64> {
    [
        ("x", 4.0),
        ("y", 10.0),
        ("zero", 0.0),
        ("dues.payments", 0.5),
        ("dues.open_items", 3.0),
        ("rates.pay", 2.0),
        ("rates.add-to-cart", 6.0),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

#[test]
fn numbers_have_their_known_values() {
    for (text, value) in [
        ("7", 7.0),
        (" 1.50 ", 1.5),
        (".25", 0.25),
        ("1e3", 1_000.0),
        ("2.5E-1", 0.25),
        ("1e+2", 100.0),
        ("12345678901234567890", 12_345_678_901_234_567_890.0),
        ("3 / 2", 1.5),
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("10 - 4 - 3", 3.0),
        ("16 / 4 / 2", 2.0),
        ("2 * 6 / 4", 3.0),
        ("-2 * 3 + 1", -5.0),
        ("1 - -2", 3.0),
        ("--2", 2.0),
        ("-(1 + x)", -5.0),
        ("1 +\n\t2", 3.0),
        ("x", 4.0),
        ("x * y", 40.0),
        ("1 < 2", 1.0),
        ("2 <= 1", 0.0),
        ("2 > 1", 1.0),
        ("2 >= 2", 1.0),
        ("x == 4", 1.0),
        ("x != 4", 0.0),
        ("3 > 2 > 1", 0.0), // (3 > 2) > 1
        ("1 < 2 == 1", 1.0),
        ("1 + 1 < 2 * 2", 1.0),
        ("x > 3 ? 5 : 6", 5.0),
        ("zero ? 5 : 6", 6.0),
        ("zero ? 1 : zero ? 2 : 3", 3.0),
        ("x > 3 ? y + 1 : 0", 11.0),
        ("1 + (x > 3 ? 1 : 2) * 3", 4.0),
        ("min(x, y)", 4.0),
        ("max(x, y)", 10.0),
        ("min(max(1, 2), 3)", 2.0),
        ("ceil(1.2)", 2.0),
        ("floor(-1.2)", -2.0),
        ("round(2.5)", 3.0),
        ("round(-2.5)", -3.0),
        ("elastic(x, 1, 0.5)", 0.5),
        ("elastic(2 / day, 1 / day, 1)", 0.5),
        ("table(x, [[2, 5], [4, 3], [8, 1]])", 3.0),
        ("table(1, [[2, 5], [4, 3]])", 5.0),
        ("table(9, [[2, 5], [4, 3],])", 3.0),
        ("table(3, [[2, 5], [4, 3]])", 4.0),
        ("table(1 / day, [[0 / day, 1], [2 / day, 3]])", 2.0),
        ("dues.open_items * 2", 6.0),
        ("day / hour", 24.0),
        ("week / day", 7.0),
        ("rates.pay / rates[\"add-to-cart\"]", 1.0 / 3.0),
        ("rates['pay'] * day", 2.0),
        ("(rates).pay * day", 2.0),
    ] {
        let number: Number = text.parse().expect(text);
        assert_eq!(number.formula().number(&values()).expect(text), value, "{text}");
        assert_eq!(number.to_string(), text);
    }
}

#[test]
fn rates_have_their_known_values_per_day() {
    for (text, value) in [
        ("0.3 / day", 0.3),
        ("2 / hour", 48.0),
        ("1 / minute", 1_440.0),
        ("1 / second", 86_400.0),
        ("7 / week", 1.0),
        ("365 / 12 / month", 1.0),
        ("1 / (2 * day)", 0.5),
        ("(x > 3 ? 1 : 2) / day", 1.0),
        ("min(1 / hour, 30 / day)", 24.0),
        ("1 / day + 1 / hour", 25.0),
        ("dues.payments", 0.5),
        ("0.5 * rates.pay + rates[\"add-to-cart\"]", 7.0),
        ("8 / day * elastic(x, 1, 0.5)", 4.0),
        ("table(x, [[2, 1 / week], [4, 1 / day]])", 1.0),
        ("dues.open_items / week * 7", 3.0),
    ] {
        let rate: Rate = text.parse().expect(text);
        let per_day = rate.formula().per_day(&values()).expect(text);
        assert!((per_day - value).abs() <= 1e-12 * value, "{text}: {per_day}"); // a few roundings
    }
}

#[test]
fn names_are_those_of_parameters_mechanisms_and_rates() {
    let formula = Formula::parse(
        "x / day * table(y, [[a, rates.pay * day], [a + 1, b]]) * elastic(x, c, dues.open_items)",
    );
    let names = formula.expect("a formula").names();
    assert_eq!(names, ["a", "b", "c", "dues.open_items", "rates.pay", "x", "y"]);
}

#[test]
fn what_is_no_formula_is_refused_with_the_reason() {
    let syntax = "is not a formula; use numbers, parameters, + - * / and brackets";
    let accepted = "only numbers, parameters, + - * /, comparisons, ?: and min, max";
    let member = "only MECHANISM.VALUE and rates.BEHAVIOUR are accepted";
    let table = "a table is written table(x, [[5, 0.4], [10, 0.3]])";
    for (text, reason) in [
        ("", syntax),
        ("1 /", syntax),
        ("(1", "a bracket is not closed; add the missing `)`"),
        (
            "3 / (x + 0.5 / day",
            "a bracket is not closed; add the missing `)`",
        ),
        ("1)", "`)` closes no bracket; remove it"),
        ("1 2", syntax),
        ("1day", syntax),
        ("80_000", syntax),
        ("5.", syntax),
        ("1e", syntax),
        ("1e999", syntax),
        ("0x1F", syntax),
        ("5u", syntax),
        ("x?1", syntax),
        ("x ? zero ? 1 : 2 : 3", syntax),
        ("a := 1", syntax),
        ("1 // one", syntax),
        (".x", syntax),
        ("x.", syntax),
        ("rates.in", syntax),
        ("rates[\"a", syntax),
        ("rates[\"a\"", "a bracket is not closed; add the missing `]`"),
        ("if", syntax),
        ("package + 1", syntax),
        ("é", syntax),
        ("min(1, 2,)", syntax),
        ("'a'", accepted),
        ("[1]", accepted),
        ("{}", accepted),
        ("true", accepted),
        ("'a'.size()", accepted),
        ("x.size()", accepted),
        ("1 % 2", "`%` is not accepted in a formula"),
        ("x && y", "`&&` is not accepted in a formula"),
        ("x || y", "`||` is not accepted in a formula"),
        ("!x", "`!` is not accepted in a formula"),
        ("x in y", "`in` is not accepted in a formula"),
        ("size(x)", "`size` is not accepted in a formula"),
        ("my_function(1)", "`my_function` is not accepted in a formula"),
        ("has(rates.pay)", "`has` is not accepted in a formula"),
        ("min(1)", "`min` takes two values, not 1"),
        ("round()", "`round` takes one value, not 0"),
        ("elastic(1, 2)", "`elastic` takes three values, not 2"),
        ("a.b.c", member),
        ("rates[1]", member),
        ("f[1]", member),
        ("1.e5", member),
        ("(1 + x).pay", member),
        (
            "dues.what",
            "`dues.what` is nothing that a mechanism says; it says payments, lumps, mean_payment, open_items",
        ),
        ("1 / day + 2", "`+` joins values of different units"),
        ("1 < day", "`<` joins values of different units"),
        ("x ? 1 : day", "`?:` joins values of different units"),
        ("max(1, day)", "`max` joins values of different units"),
        ("elastic(1, day, 1)", "`elastic` joins values of different units"),
        (
            "elastic(1, 2, day)",
            "the elasticity of `elastic` has a unit of time",
        ),
        (
            "round(1 / day)",
            "`round` of a value with a unit of time depends on that unit",
        ),
        ("table()", table),
        ("table(1)", table),
        ("table(1, 2)", table),
        ("table(1, [])", table),
        ("table(1, [[5, 1]])", table),
        ("table(1, [5, 1])", table),
        ("table(1, [[5, 1], [5, 2]])", table),
        ("table(1, [[5, 1, 1], [6, 2, 2]])", table),
        ("table(1, [[1, 1 / day], [2, 1]])", table),
        ("table(1 / day, [[1, 1], [2, 1]])", table),
    ] {
        let error = Formula::parse(text).expect_err(text).to_string();
        assert!(error.contains(reason), "{text}: {error}");
        assert!(error.contains(&format!("{text:?}")), "{text}: {error}");
    }
}

#[test]
fn what_is_too_long_or_nested_too_deep_is_refused() {
    let refused = |text: &str, reason: &str| {
        let error = Formula::parse(text).expect_err(reason).to_string();
        assert!(error.contains(reason), "{error}");
    };
    refused(&"1+".repeat(600), "the formula is longer than 1000 bytes");
    refused(&"(".repeat(999), "nested more than 96 deep");
    refused(&"min(".repeat(240), "nested more than 96 deep");
    refused(&"table(".repeat(160), "nested more than 96 deep");
    let brackets = |depth: usize| format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Formula::parse(&brackets(95)).is_ok());
    refused(&brackets(96), "nested more than 96 deep");
    for long in [
        format!("1{}", "+1".repeat(499)),
        format!("1{}", "<1".repeat(499)),
        format!("{}1", "-".repeat(999)),
        format!("{}1", "1?1:".repeat(95)),
    ] {
        assert!(Formula::parse(&long).is_ok(), "{long}");
    }
}

#[test]
fn a_parameter_without_a_value_is_named() {
    let without = |text: &str| {
        let formula = Formula::parse(text).expect(text);
        formula.number(&BTreeMap::new()).expect_err(text).to_string()
    };
    assert!(without("table(1, [[1, a], [2, 3]])").contains("`a` has no value; define it under [parameters]"));
    assert!(without("dues.lumps").contains("`dues.lumps` has no value"));
}

const PAGE: &str = include_str!("../../../docs/formulas.md");

/// Lines of a block that begins with three backticks and `name`, without the marks of doc comments.
fn block(text: &str, name: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.trim_start_matches("//!").trim());
    lines
        .skip_while(|line| *line != format!("```{name}"))
        .skip(1)
        .take_while(|line| *line != "```")
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_page_of_formulas_has_the_grammar_of_the_parser() {
    let grammar = block(PAGE, "ebnf");
    assert_eq!(grammar.len(), 14);
    assert_eq!(block(include_str!("../src/formula/parser.rs"), "ebnf"), grammar);
}

#[test]
fn the_page_of_formulas_has_rates_that_read_and_messages_that_are_printed() {
    let rates = block(PAGE, "toml").join("\n");
    let study: toml::Table = rates.parse().expect("the example is TOML");
    for (name, rate) in study["rates"].as_table().expect("rates") {
        let rate = rate.as_str().expect(name);
        assert!(rate.parse::<Rate>().is_ok(), "{rate}");
    }
    let messages: Vec<&str> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("| `\"")?.split('`').next())
        .collect();
    assert_eq!(messages.len(), 8);
    for message in messages {
        let (formula, reason) = message.split_once('"').expect("a formula in quotes");
        let begin = reason.trim_end_matches("...").trim_end();
        let refused = |error: nest_data::DataError| error.to_string().replace('`', "");
        let printed = [
            formula.parse::<Rate>().map(drop).err().map(refused),
            formula.parse::<Number>().map(drop).err().map(refused),
            formula
                .parse::<Number>()
                .ok()
                .and_then(|number| number.formula().number(&BTreeMap::new()).err())
                .map(refused),
        ];
        let says = |error: &Option<String>| error.as_ref().is_some_and(|error| error.contains(begin));
        assert!(printed.iter().any(says), "{message}: {printed:?}");
    }
}

const SIGNS: [&str; 36] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "1",
    "2.5",
    "1e9",
    ".",
    "x",
    "day",
    "+",
    "-",
    "*",
    "/",
    "%",
    "<",
    "=",
    "!",
    "?",
    ":",
    ",",
    "min(",
    "table(x, [[",
    "elastic(",
    "rates",
    ".pay",
    "'a'",
    "\"",
    "\\",
    "\u{e9}",
    "\n",
    " ",
    "&&",
    "in",
    "true",
];

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = Formula::parse(&text);
    }

    #[test]
    fn no_row_of_signs_makes_the_parser_panic(
        signs in prop::collection::vec(prop::sample::select(&SIGNS[..]), 0..200)
    ) {
        if let Ok(formula) = Formula::parse(&signs.concat()) {
            let _ = formula.number(&BTreeMap::new());
        }
    }
}

/// Nothing makes a number of what is none: `N` stands for 0 / 0.
#[test]
fn what_is_no_number_stays_none() {
    let value = |text: &str| {
        let number = text.replace('N', "(zero / zero)");
        number.parse::<Formula>().expect(text).number(&values())
    };
    for text in [
        "N",
        "min(N, 1)",
        "max(1, N)",
        "ceil(N)",
        "N > 1",
        "1 != N",
        "N == N",
        "N ? 1 : 2",
        "(N < 1 ? 1 : 2) + 1",
        "0 * N",
        "table(N, [[1, 1], [2, 2]])",
        "elastic(N, 10, 0)",
        "elastic(10, N, 0.5)",
        "elastic(10, zero, 0.5)",
        "elastic(zero, zero, 0)",
    ] {
        let error = value(text).expect_err(text).to_string();
        assert!(error.contains("NaN"), "{text}: {error}");
    }
    // A condition that is known keeps the branch that it does not choose out.
    assert_eq!(value("zero == 0 ? 3 : N").expect("chosen"), 3.0);
    assert_eq!(value("min(5, 1 / zero)").expect("an end"), 5.0);
}
