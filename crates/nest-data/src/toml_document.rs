//! Reads TOML so that every error points at its line: first all syntax errors, then all secrets in URLs, then
//! all differences from the schema of the type, then the type itself.

mod advice;
mod overrides;
mod schema_check;
mod secret_check;
mod syntax;
mod text_format;

use std::{collections::BTreeMap, ops::Range};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::diagnostic::{Diagnostic, Source, secrets::concealed};

/// Where each key and value of a TOML text stands, by path: `["rates", "pay"]`.
#[derive(Debug, Clone, Default)]
pub struct Spans {
    file: String,
    keys: BTreeMap<Vec<String>, Range<usize>>,
    values: BTreeMap<Vec<String>, Range<usize>>,
    overrides: Vec<(Vec<String>, String)>,
}

impl Spans {
    /// A diagnostic at the value of a path, or at its nearest parent that the text holds.
    pub fn at_value(&self, path: &[&str], message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        self.at(&self.values, path, message.into(), help.into())
    }

    /// A diagnostic at the key of a path, or at its nearest parent that the text holds.
    pub fn at_key(&self, path: &[&str], message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        self.at(&self.keys, path, message.into(), help.into())
    }

    /// A diagnostic at the value of a path, of which nothing is shown.
    pub fn at_secret(
        &self,
        path: &[&str],
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Diagnostic {
        let found = self.at_value(path, message, help).secret();
        match found.file.split_once('=') {
            Some((place, _)) if found.file.starts_with("--set ") => Diagnostic {
                file: place.to_owned(),
                ..found
            },
            _ => found,
        }
    }

    /// At the override that gave the path its value, or that made a table which the text does not have.
    fn at(
        &self,
        spans: &BTreeMap<Vec<String>, Range<usize>>,
        path: &[&str],
        message: String,
        help: String,
    ) -> Diagnostic {
        match self.override_at(path) {
            Some((place, text)) => {
                let given = format!("--set {}={}", place.join("."), concealed(text));
                Diagnostic::at(&given, 0..0, message, help)
            }
            None => Diagnostic::at(&self.file, self.find(spans, path), message, help),
        }
    }

    /// The override that gave the path its value, or that made a table there: its keys and its text.
    pub(crate) fn override_at(&self, path: &[&str]) -> Option<&(Vec<String>, String)> {
        let mut known = self.keys.keys().chain(self.values.keys());
        let of_the_text = path.is_empty() || known.any(|key| key.as_slice() == path);
        let given = |place: &[String]| {
            let agree = place.iter().zip(path).all(|(a, b)| a == b);
            agree && (path.len() >= place.len() || !of_the_text)
        };
        self.overrides.iter().rev().find(|(place, _)| given(place))
    }

    /// Name of the text.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// Whether only overrides made the table at a path.
    pub(crate) fn is_only_set(&self, path: &[String]) -> bool {
        !self.keys.contains_key(path) && self.overrides.iter().any(|(place, _)| place.starts_with(path))
    }

    /// The names that the text gives in the table at a path.
    pub(crate) fn names_in(&self, table: &[String]) -> Vec<&str> {
        let names = self.keys.keys().filter_map(|key| key.split_last());
        names
            .filter(|(_, above)| *above == table)
            .map(|(name, _)| name.as_str())
            .collect()
    }

    fn find(&self, spans: &BTreeMap<Vec<String>, Range<usize>>, path: &[&str]) -> Range<usize> {
        let mut path: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
        loop {
            if let Some(span) = spans.get(&path).or_else(|| self.keys.get(&path)) {
                return span.clone();
            }
            if path.pop().is_none() {
                return 0..0;
            }
        }
    }
}

/// Reads `source` as a `T`.
///
/// `overrides` are `path=value` pairs that replace or add single values before anything is checked. A value
/// that is not valid TOML counts as a string.
///
/// # Errors
/// Every syntax error, every URL that holds a secret, or every difference from the schema of `T`: unknown
/// keys (with the nearest known one), missing keys, wrong types, texts that do not follow their format.
pub fn read<T: DeserializeOwned + JsonSchema>(
    source: &Source,
    overrides: &[(String, String)],
) -> Result<(T, Spans), Vec<Diagnostic>> {
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    if !errors.is_empty() {
        return Err(syntax::errors(source, &errors));
    }
    let mut spans = Spans {
        file: source.name.clone(),
        ..Spans::default()
    };
    let mut value = lower_table(table.get_ref(), &mut Vec::new(), &mut spans);
    let schema = schemars::schema_for!(T).to_value();
    for (path, text) in overrides {
        let place = overrides::keys_of(path);
        overrides::set(&mut value, &place, text).map_err(|refused| vec![refused])?;
        schema_check::quote_decimal(&schema, &mut value, &place, text);
        spans.overrides.push((place, text.clone()));
    }
    let found = secret_check::secrets(&value, &spans);
    if !found.is_empty() {
        return Err(found);
    }
    let found = schema_check::differences(&schema, &value, &spans);
    if !found.is_empty() {
        return Err(found);
    }
    serde_json::from_value(value)
        .map(|typed| (typed, spans))
        .map_err(|error| {
            vec![Diagnostic::at(
                &source.name,
                0..0,
                error.to_string(),
                "run `locust-nest schema` to see what is accepted",
            )]
        })
}

fn lower_table(table: &DeTable<'_>, path: &mut Vec<String>, spans: &mut Spans) -> Value {
    let mut object = serde_json::Map::new();
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        spans.keys.insert(path.clone(), key.span());
        let lowered = lower_value(value, path, spans);
        object.insert(key.get_ref().to_string(), lowered);
        path.pop();
    }
    Value::Object(object)
}

fn lower_value(value: &Spanned<DeValue<'_>>, path: &mut Vec<String>, spans: &mut Spans) -> Value {
    spans.values.insert(path.clone(), value.span());
    match value.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Null, Value::from)
        }
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(datetime) => Value::String(datetime.to_string()),
        DeValue::Array(items) => {
            let lower = |(index, item): (usize, &Spanned<DeValue<'_>>)| {
                path.push(index.to_string());
                let lowered = lower_value(item, path, spans);
                path.pop();
                lowered
            };
            Value::Array(items.iter().enumerate().map(lower).collect())
        }
        DeValue::Table(table) => lower_table(table, path, spans),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{QuotedDecimal, Seconds};
    use serde::Deserialize;

    #[allow(dead_code, reason = "some fields are only there to be checked")]
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Example {
        /// How long.
        wait: Seconds,
        price: Option<QuotedDecimal>,
        inner: Option<Inner>,
        /// Part of the rest.
        #[schemars(range(min = 0.0, max = 0.5))]
        share: Option<f64>,
        list: Option<Vec<u32>>,
        on: Option<bool>,
        word: Option<String>,
        #[serde(default)]
        all: BTreeMap<String, Inner>,
    }

    #[allow(dead_code, reason = "some fields are only there to be checked")]
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        customers: u32,
    }

    fn errors(text: &str) -> Vec<String> {
        let source = Source::new("x.toml", text);
        let errors = read::<Example>(&source, &[]).expect_err("must be refused");
        errors
            .iter()
            .map(|error| {
                format!(
                    "{}:{}: {} ({})",
                    source.position(error.span.start).0,
                    source.position(error.span.start).1,
                    error.message,
                    error.help
                )
            })
            .collect()
    }

    #[test]
    fn all_errors_come_at_once_each_at_its_place() {
        let found =
            errors("wiat = \"3s\"\nprice = 0.1\n[inner]\ncustomers = \"many\"\n[all.a]\ncustomer = 3\n");
        let expected = [
            "5:6: unknown key `all.a.customer` (did you mean `customers`?)",
            "5:6: `customers` is missing in `all.a` (add `customers = ...`)",
            "4:13: `inner.customers` must be a whole number, not \"many\" (write a whole number, such as \
             2)",
            "2:9: `price` must be text in quotes, not 0.1 (write a decimal in quotes and without a unit, \
             such as \"0.0116\" or \"-12\": a bare number would lose digits)",
            "1:1: unknown key `wiat` (did you mean `wait`?)",
            "1:1: `wait` is missing at the top (add `wait = ...`: How long.)",
        ];
        for line in expected {
            let (_, text) = line.split_once(": ").expect("place and text");
            assert!(
                found.iter().any(|one| one.ends_with(text)),
                "{line}\nin {found:#?}"
            );
        }
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        assert!(
            found.contains(&expected[2].to_owned())
                && found.contains(&expected[3].to_owned())
                && found.contains(&expected[4].to_owned()),
            "{found:#?}"
        );
    }

    #[test]
    fn broken_toml_is_reported_with_every_error() {
        let found = errors("wait = \nprice = \"1\n[inner\n");
        assert!(found.len() >= 2, "{found:#?}");
        assert!(found[0].starts_with("1:"), "{found:#?}");
    }

    #[test]
    fn a_bad_duration_names_what_is_accepted() {
        assert_eq!(
            errors("wait = \"soon\""),
            [
                "1:8: `wait`: \"soon\" is not a duration such as \"300ms\", \"10s\" or \"2m\" (write a \
                    number and a unit, such as \"300ms\", \"10s\" or \"2m\")"
            ]
        );
    }

    #[test]
    fn overrides_replace_and_add_values() {
        let source = Source::new("x.toml", "wait = \"3s\"\n");
        let overrides = [
            ("wait".to_owned(), "5s".to_owned()),
            ("all.x.customers".to_owned(), "7".to_owned()),
        ];
        let (example, _) = read::<Example>(&source, &overrides).expect("valid");
        assert_eq!(example.wait.get(), 5.0);
        assert_eq!(example.all["x"].customers, 7);
    }

    #[test]
    fn a_table_that_only_an_override_makes_is_named_by_it() {
        let source = Source::new("x.toml", "wait = \"3s\"\n");
        let given = |path: &str| [(path.to_owned(), "1".to_owned())];
        for path in ["foo.bar", "all.x.custmers", "foo"] {
            let found = read::<Example>(&source, &given(path)).expect_err("no such key");
            let place = format!("--set {path}=1");
            assert!(found.iter().all(|one| one.file == place), "{found:#?}");
        }
    }

    #[test]
    fn a_name_that_only_an_override_gives_is_likely_a_slip() {
        let source = Source::new("x.toml", "wait = \"3s\"\n[all.today]\ncustomers = 2\n");
        for (path, help) in [
            ("all.todya.custmers", "did you mean `today`?"),
            (
                "all.other.custmers",
                "it has: today; a new one also needs `customers`",
            ),
        ] {
            let given = [(path.to_owned(), "5".to_owned())];
            let found = read::<Example>(&source, &given).expect_err("no such name");
            let (name, _) = path.rsplit_once('.').expect("two parts and a key");
            let [one] = &found[..] else { panic!("{found:#?}") };
            assert_eq!(
                (one.message.as_str(), one.help.as_str(), one.file.as_str()),
                (
                    format!("x.toml has no `{name}`").as_str(),
                    help,
                    format!("--set {path}=5").as_str()
                )
            );
        }
    }

    #[test]
    fn a_wrong_type_is_answered_with_what_to_write() {
        let help = |text: &str| {
            let source = Source::new("x.toml", format!("wait = \"3s\"\n{text}\n"));
            let found = read::<Example>(&source, &[]).expect_err("a wrong type");
            found.iter().map(|one| one.help.clone()).collect::<Vec<_>>()
        };
        for (text, expected) in [
            ("share = \"1.5\"", "write 1.5 without quotes: Part of the rest."),
            ("share = true", "write a number, such as 0.5: Part of the rest."),
            ("inner = 3", "write a table, [inner]"),
            ("all = 3", "write a table, [all.NAME]"),
            ("list = 3", "write a list, such as [3]"),
            ("on = \"true\"", "write true without quotes"),
            ("on = 1", "write true or false"),
            ("word = 7", "write text in quotes, such as \"7\""),
        ] {
            assert_eq!(help(text), [expected], "{text}");
        }
    }

    #[test]
    fn an_override_is_answered_with_what_a_shell_takes() {
        let source = Source::new("x.toml", "wait = \"3s\"\n");
        for (path, value, message, help) in [
            (
                "wait",
                "9",
                "`wait` must be text, not 9",
                "write it as --set wait=9s",
            ),
            (
                "price",
                "true",
                "`price` must be text, not true",
                "write it as --set price=0.0116",
            ),
            (
                "word",
                "7",
                "`word` must be text, not 7",
                "write it as --set 'word=\"7\"'",
            ),
            (
                "all.m7i.customers.x",
                "3",
                "`all.m7i.customers` must be a whole number, not a table",
                "a name with a dot stands in quotes: --set 'all.m7i.\"customers.x\"=3'",
            ),
        ] {
            let given = [(path.to_owned(), value.to_owned())];
            let found = read::<Example>(&source, &given).expect_err("a wrong type");
            assert_eq!(
                (found[0].message.as_str(), found[0].help.as_str()),
                (message, help)
            );
        }
    }

    #[test]
    fn an_override_may_leave_out_the_quotes_of_a_decimal() {
        let source = Source::new("x", "wait = \"3s\"\nprice = \"1\"");
        let given = |value: &str| [("price".to_owned(), value.to_owned())];
        for value in ["0.10", "\"0.10\""] {
            let (read, _) = read::<Example>(&source, &given(value)).expect("valid");
            assert_eq!(read.price.map(|price| price.to_string()), Some("0.10".to_owned()));
        }
        read::<Example>(&source, &given("true")).expect_err("no amount");
    }
}
