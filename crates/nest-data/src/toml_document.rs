//! Reads TOML so that every error can point at its line: all syntax errors at once, then all differences from
//! the schema of the type that is wanted, then the type itself.

use std::{collections::BTreeMap, ops::Range};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    diagnostic::{Diagnostic, Source, nearest},
    units::check_format,
};

/// Where each key and value of a TOML text stands, by path: `["rates", "pay"]`.
#[derive(Debug, Clone, Default)]
pub struct Spans {
    file: String,
    keys: BTreeMap<Vec<String>, Range<usize>>,
    values: BTreeMap<Vec<String>, Range<usize>>,
}

impl Spans {
    /// A diagnostic at the value of a path, or at its nearest parent that the text holds.
    pub fn at_value(&self, path: &[&str], message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        Diagnostic::at(&self.file, self.find(&self.values, path), message, help)
    }

    /// A diagnostic at the key of a path, or at its nearest parent that the text holds.
    pub fn at_key(&self, path: &[&str], message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        Diagnostic::at(&self.file, self.find(&self.keys, path), message, help)
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
/// `overrides` are `path=value` pairs that replace or add single values before anything is checked; a value that
/// is not valid TOML is taken as a string.
///
/// # Errors
/// Every syntax error, or every difference from the schema of `T`: unknown keys (with the nearest known one), missing
/// keys, wrong types, texts that do not follow their format.
pub fn read<T: DeserializeOwned + JsonSchema>(
    source: &Source,
    overrides: &[(String, String)],
) -> Result<(T, Spans), Vec<Diagnostic>> {
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    if !errors.is_empty() {
        let mut found: Vec<Diagnostic> = errors.iter().map(|error| syntax_error(source, error)).collect();
        found.sort_by_key(|diagnostic| diagnostic.span.start);
        return Err(found);
    }
    let mut spans = Spans {
        file: source.name.clone(),
        ..Spans::default()
    };
    let mut value = lower_table(table.get_ref(), &mut Vec::new(), &mut spans);
    for (path, text) in overrides {
        set(&mut value, path, text).map_err(|message| {
            vec![Diagnostic::at(
                "--set",
                0..0,
                message,
                "write --set table.key=value",
            )]
        })?;
    }
    let schema = schemars::schema_for!(T).to_value();
    let mut check = Check {
        root: &schema,
        spans: &spans,
        found: Vec::new(),
    };
    check.value(&schema, &value, &mut Vec::new());
    if !check.found.is_empty() {
        check.found.sort_by_key(|diagnostic| diagnostic.span.start);
        return Err(check.found);
    }
    serde_json::from_value(value)
        .map(|typed| (typed, spans))
        .map_err(|error| {
            vec![Diagnostic::at(
                &source.name,
                0..0,
                error.to_string(),
                "see `locust-nest schema` for what is accepted",
            )]
        })
}

fn syntax_error(source: &Source, error: &toml::de::Error) -> Diagnostic {
    let help = match error.message() {
        message if message.contains("duplicate") => "keep one of the two",
        message if message.contains("unclosed") || message.contains("missing closing") => {
            "close what is open on this line"
        }
        message if message.contains("quote") || message.contains("string") => {
            "put text in double quotes: key = \"value\""
        }
        _ => "write `key = value` or `[table]`; text goes in double quotes",
    };
    Diagnostic::at(
        &source.name,
        error.span().unwrap_or(0..0),
        format!("not valid TOML: {}", error.message()),
        help,
    )
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

fn set(root: &mut Value, path: &str, text: &str) -> Result<(), String> {
    let parsed = Source::new("--set", format!("value = {text}"));
    let (table, errors) = DeTable::parse_recoverable(&parsed.text);
    let new = match lower_table(table.get_ref(), &mut Vec::new(), &mut Spans::default()) {
        Value::Object(mut object) if errors.is_empty() => object.remove("value").unwrap_or(Value::Null),
        _ => Value::String(text.to_owned()),
    };
    let mut place = root;
    for part in path.split('.') {
        if part.is_empty() {
            return Err(format!("{path:?} is not a path to a value"));
        }
        place = match place {
            Value::Object(object) => object
                .entry(part)
                .or_insert_with(|| Value::Object(serde_json::Map::new())),
            _ => return Err(format!("{path:?} goes through a value that is not a table")),
        };
    }
    *place = new;
    Ok(())
}

/// Walks a value beside its JSON Schema, as far as `schemars` writes it for our types.
struct Check<'a> {
    root: &'a Value,
    spans: &'a Spans,
    found: Vec<Diagnostic>,
}

impl Check<'_> {
    fn value(&mut self, schema: &Value, value: &Value, path: &mut Vec<String>) {
        let schema = self.resolve(schema, value);
        if let Some(constant) = choices(&schema) {
            return self.choice(&constant, value, path);
        }
        if !type_matches(&schema, value) {
            let message = format!(
                "{} must be {}, not {}",
                named(path),
                expected(&schema),
                describe(value)
            );
            return self.report(path, message, hint(&schema));
        }
        match value {
            Value::Object(object) => self.object(&schema, object, path),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    path.push(index.to_string());
                    self.value(&schema["items"], item, path);
                    path.pop();
                }
            }
            Value::String(_) | Value::Number(_) => self.scalar(&schema, value, path),
            _ => {}
        }
    }

    fn object(&mut self, schema: &Value, object: &serde_json::Map<String, Value>, path: &mut Vec<String>) {
        let empty = serde_json::Map::new();
        let known = schema["properties"].as_object().unwrap_or(&empty);
        for (key, value) in object {
            path.push(key.clone());
            if let Some(property) = known.get(key) {
                self.value(property, value, path);
            } else if schema["additionalProperties"].is_object() {
                self.value(&schema["additionalProperties"], value, path);
            } else if schema["additionalProperties"] == Value::Bool(false) {
                let help = match nearest(key, known.keys().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!(
                        "known here: {}",
                        known.keys().cloned().collect::<Vec<_>>().join(", ")
                    ),
                };
                let parts: Vec<&str> = path.iter().map(String::as_str).collect();
                self.found.push(
                    self.spans
                        .at_key(&parts, format!("unknown key {}", named(path)), help),
                );
            }
            path.pop();
        }
        let required = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        for key in required.filter(|key| !object.contains_key(*key)) {
            let place = if path.is_empty() {
                "at the top".to_owned()
            } else {
                format!("in {}", named(path))
            };
            let help = match known
                .get(key)
                .and_then(|property| property["description"].as_str())
            {
                Some(description) => format!(
                    "add `{key} = ...`: {}",
                    description.lines().next().unwrap_or_default()
                ),
                None => format!("add `{key} = ...`"),
            };
            self.report(path, format!("`{key}` is missing {place}"), help);
        }
    }

    fn scalar(&mut self, schema: &Value, value: &Value, path: &[String]) {
        if let (Some(number), Some(minimum)) = (value.as_f64(), schema["minimum"].as_f64())
            && number < minimum
        {
            return self.report(
                path,
                format!("{} is {number}, below {minimum}", named(path)),
                format!("give {minimum} or more"),
            );
        }
        if let (Some(number), Some(maximum)) = (value.as_f64(), schema["maximum"].as_f64())
            && number > maximum
        {
            return self.report(
                path,
                format!("{} is {number}, above {maximum}", named(path)),
                format!("give {maximum} or less"),
            );
        }
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if let Some(format) = schema["format"].as_str()
            && let Err(error) = check_format(format, &text)
        {
            self.report(path, format!("{}: {error}", named(path)), hint(schema));
        }
    }

    fn choice(&mut self, choices: &[String], value: &Value, path: &[String]) {
        let written = value.as_str().unwrap_or_default();
        if !choices.iter().any(|choice| choice == written) {
            let help = match nearest(written, choices.iter().map(String::as_str)) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("one of: {}", choices.join(", ")),
            };
            self.report(
                path,
                format!("{} cannot be {}", named(path), describe(value)),
                help,
            );
        }
    }

    fn report(&mut self, path: &[String], message: String, help: impl Into<String>) {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        self.found.push(self.spans.at_value(&parts, message, help));
    }

    /// Follows references, and of several alternatives takes the one whose type the value has.
    fn resolve(&self, schema: &Value, value: &Value) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let target = self
                .root
                .pointer(reference.trim_start_matches('#'))
                .unwrap_or(&Value::Null);
            return self.resolve(target, value);
        }
        let Some(alternatives) = schema["anyOf"].as_array() else {
            return schema.clone();
        };
        let resolved: Vec<Value> = alternatives
            .iter()
            .map(|alternative| self.resolve(alternative, value))
            .filter(|one| one["type"] != "null")
            .collect();
        let fits = |one: &&Value| type_matches(one, value);
        resolved
            .iter()
            .find(fits)
            .or(resolved.first())
            .cloned()
            .unwrap_or(Value::Null)
    }
}

fn choices(schema: &Value) -> Option<Vec<String>> {
    let texts = |values: &[Value]| {
        values
            .iter()
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    if let Some(values) = schema["enum"].as_array() {
        return Some(texts(values));
    }
    let alternatives = schema["oneOf"].as_array()?;
    alternatives.iter().all(|one| one["type"] == "string").then(|| {
        alternatives
            .iter()
            .flat_map(|one| {
                one["const"]
                    .as_str()
                    .map(|text| vec![text.to_owned()])
                    .or(one["enum"].as_array().map(|values| texts(values)))
                    .unwrap_or_default()
            })
            .collect()
    })
}

fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn type_matches(schema: &Value, value: &Value) -> bool {
    if choices(schema).is_some() {
        return value.is_string();
    }
    let types = types(schema);
    types.is_empty()
        || types.iter().any(|&name| match name {
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            _ => false,
        })
}

fn expected(schema: &Value) -> String {
    let names: Vec<&str> = types(schema)
        .into_iter()
        .filter(|&name| name != "null")
        .map(|name| match name {
            "object" => "a table",
            "array" => "a list",
            "integer" => "a whole number",
            "number" => "a number",
            "boolean" => "true or false",
            _ => "text in quotes",
        })
        .collect();
    names.join(" or ")
}

fn hint(schema: &Value) -> String {
    let by_format = match schema["format"].as_str().unwrap_or_default() {
        "nest-duration" => "write a number and a unit, such as \"300ms\", \"10s\" or \"2m\"",
        "nest-share" => "write \"30%\" or 0.3",
        "nest-growth" => "write a monthly change such as \"7%\"",
        "nest-decimal" => {
            "money and prices are quoted decimals, such as \"0.0116\"; a bare number would lose digits"
        }
        "nest-rate" => "write executions per customer and time, such as \"0.3 / day\"",
        "date" => "write a date such as 2026-11-01",
        _ => "",
    };
    if !by_format.is_empty() {
        return by_format.to_owned();
    }
    match schema["description"].as_str() {
        Some(description) => description.lines().next().unwrap_or_default().to_owned(),
        None => format!("write {}", expected(schema)),
    }
}

fn named(path: &[String]) -> String {
    if path.is_empty() {
        "the file".to_owned()
    } else {
        format!("`{}`", path.join("."))
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
        Value::Null => "a number out of range".to_owned(),
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
            "4:13: `inner.customers` must be a whole number, not \"many\" (write a whole number)",
            "2:9: `price` must be text in quotes, not 0.1 (money and prices are quoted decimals, such as \"0.0116\"; a bare number would lose digits)",
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
                "1:8: `wait`: \"soon\" is not a duration such as \"300ms\", \"10s\" or \"2m\" (write a number and a unit, such as \"300ms\", \"10s\" or \"2m\")"
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
}
