//! Differences between a value and the schema of the type that is wanted.

use serde_json::Value;

use super::{Spans, text_format::TextFormat};
use crate::diagnostic::{Diagnostic, nearest};

/// Keys that people look for in a document that holds them nowhere: its title, the keys, where they belong.
const ELSEWHERE: [(&str, &[&str], &str); 1] = [(
    "locust-nest study (nest.toml)",
    &[
        "price",
        "prices",
        "pricing",
        "adjustment",
        "adjustments",
        "discount",
        "discounts",
        "tax",
        "vat",
        "instance",
        "commitment",
        "edp",
    ],
    "prices, discounts and taxes stand in a price book of your own, pricing/PROVIDER/REGION.toml: see \
     docs/prices.md",
)];

/// Every difference between a value and its schema, in the order of the text.
pub fn differences(schema: &Value, value: &Value, spans: &Spans) -> Vec<Diagnostic> {
    let mut check = SchemaCheck {
        root: schema,
        spans,
        found: Vec::new(),
    };
    check.value(schema, value, &mut Vec::new());
    check.found.sort_by_key(|diagnostic| diagnostic.span.start);
    check.found
}

/// Makes the number that an override gave as `text` a quoted decimal, if its place wants one.
pub fn quote_decimal(schema: &Value, root: &mut Value, keys: &[String], text: &str) {
    let spans = Spans::default();
    let check = SchemaCheck {
        root: schema,
        spans: &spans,
        found: Vec::new(),
    };
    let mut wanted = check.resolve(schema, root);
    let mut place = root;
    for key in keys {
        let next = match place {
            Value::Object(object) => object.get_mut(key),
            Value::Array(items) => key.parse().ok().and_then(|index: usize| items.get_mut(index)),
            _ => None,
        };
        let Some(next) = next else { return };
        let of_key = match (&wanted["properties"][key], &wanted["items"]) {
            (Value::Null, Value::Null) => &wanted["additionalProperties"],
            (Value::Null, items) => items,
            (property, _) => property,
        };
        let text = Value::String(String::new());
        wanted = check.resolve(of_key, if next.is_number() { &text } else { next });
        place = next;
    }
    if place.is_number() && wanted["format"] == "nest-decimal" {
        *place = Value::String(text.to_owned());
    }
}

/// Walks a value beside its JSON Schema, as far as `schemars` writes it for our types.
struct SchemaCheck<'a> {
    root: &'a Value,
    spans: &'a Spans,
    found: Vec<Diagnostic>,
}

impl SchemaCheck<'_> {
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
                let elsewhere = ELSEWHERE
                    .iter()
                    .find(|(title, keys, _)| self.root["title"] == *title && keys.contains(&key.as_str()));
                let help = elsewhere
                    .map(|(_, _, help)| (*help).to_owned())
                    .unwrap_or_else(|| match nearest(key, known.keys().map(String::as_str)) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!(
                            "known here: {}",
                            known.keys().cloned().collect::<Vec<_>>().join(", ")
                        ),
                    });
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
                Some(description) => format!("add `{key} = ...`: {}", first_paragraph(description)),
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
        if let Some(format) = format_of(schema)
            && let Err(error) = format.check(&text)
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

fn format_of(schema: &Value) -> Option<&'static TextFormat> {
    TextFormat::named(schema["format"].as_str()?)
}

/// What to write instead: the hint of the text's form, or the description of the key.
fn hint(schema: &Value) -> String {
    if let Some(hint) = format_of(schema).and_then(|format| format.hint) {
        return hint.to_owned();
    }
    match schema["description"].as_str() {
        Some(description) => first_paragraph(description),
        None => format!("write {}", expected(schema)),
    }
}

/// The first paragraph of a description, on one line.
fn first_paragraph(description: &str) -> String {
    let lines: Vec<&str> = description.lines().take_while(|line| !line.is_empty()).collect();
    lines.join(" ")
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
