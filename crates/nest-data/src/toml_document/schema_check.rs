//! Differences between a value and the schema of the type that is wanted.

use serde_json::Value;

use super::{
    Spans,
    advice::{self, expected, types},
    overrides,
    text_format::TextFormat,
};
use crate::{
    diagnostic::{Diagnostic, nearest, secrets::concealed},
    formula::{Formula, UNITS_OF_TIME},
};

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
        document: value,
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
        document: &Value::Null,
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
    document: &'a Value,
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
            let set = self.set_instead(&schema, value, path);
            let wanted = match &set {
                Some(_) => expected(&schema).replace("text in quotes", "text"),
                None => expected(&schema),
            };
            let message = format!("{} must be {wanted}, not {}", named(path), describe(value));
            let help = match format_of(&schema) {
                _ if set.is_some() => set.unwrap_or_default(),
                Some(format) => format.hint.to_owned(),
                None => {
                    let of_names = self.resolve(&schema["additionalProperties"], &Value::Null);
                    let holds_tables = of_names["type"] == "object";
                    with_description(advice::of_type(&schema, value, path, holds_tables), &schema)
                }
            };
            return self.report(path, message, help);
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
                let of_names = &schema["additionalProperties"];
                match self.slip_of_an_override(of_names, value, path) {
                    Some(slip) => self.found.push(slip),
                    None => self.value(of_names, value, path),
                }
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
        for key in missing(schema, object) {
            let place = if path.is_empty() {
                "at the top".to_owned()
            } else {
                format!("in {}", named(path))
            };
            let help = with_description(format!("add `{key} = ...`"), &schema["properties"][key]);
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
            match self.no_unit_of(schema, &text) {
                Some((reason, help)) => self.report(path, format!("{}: {reason}", named(path)), help),
                None => {
                    let help = self.set_instead(schema, value, path);
                    let help = help.unwrap_or_else(|| format.hint.to_owned());
                    self.report(path, format!("{}: {error}", named(path)), help);
                }
            }
        }
    }

    /// What to write after `--set`, where that gave the value: a shell removes the quotes that a file needs.
    fn set_instead(&self, schema: &Value, value: &Value, path: &[String]) -> Option<String> {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        let (place, text) = self.spans.override_at(&parts)?;
        if value.is_object() && place.len() > path.len() {
            let (last, above) = path.split_last()?;
            let name = format!("{last}.{}", place[path.len()..].join("."));
            let keys: Vec<String> = above.iter().cloned().chain([name]).collect();
            let written = overrides::written(&keys, &concealed(text));
            return Some(format!("a name with a dot stands in quotes: {written}"));
        }
        let instead = match format_of(schema) {
            _ if place.as_slice() != path => return None,
            Some(format) => format.instead_of(value),
            None if types(schema).contains(&"string") && (value.is_number() || value.is_boolean()) => {
                format!("\"{value}\"")
            }
            None => return None,
        };
        Some(format!("write it as {}", overrides::written(place, &instead)))
    }

    /// What is wrong with a formula that is no rate because of a name in it, and what to do about it.
    fn no_unit_of(&self, schema: &Value, text: &str) -> Option<(String, String)> {
        let format = format_of(schema).filter(|format| format.is_rate())?;
        let names = Formula::parse(text).ok()?.names();
        let known = self.document["parameters"].as_object();
        let is_unknown =
            |name: &&String| !name.contains('.') && !known.is_some_and(|known| known.contains_key(*name));
        let name = names.iter().find(is_unknown)?;
        let parameters = known.into_iter().flatten().map(|(name, _)| name.as_str());
        let help = match nearest(name, UNITS_OF_TIME.into_iter().chain(parameters)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format.hint.to_owned(),
        };
        let reason = format!("{text:?} is not a rate: `{name}` is neither a unit of time nor a parameter");
        Some((reason, help))
    }

    /// A table in a map of names that only an override gives, and that lacks what such a table needs: its
    /// name is likely a slip.
    fn slip_of_an_override(&self, schema: &Value, value: &Value, path: &[String]) -> Option<Diagnostic> {
        let schema = self.resolve(schema, value);
        let lacks = missing(&schema, value.as_object()?).next()?;
        let (name, map) = path.split_last().filter(|_| self.spans.is_only_set(path))?;
        let known = self.spans.names_in(map);
        let help = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => format!("a new one also needs `{lacks}`"),
            None => format!("it has: {}; a new one also needs `{lacks}`", known.join(", ")),
        };
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        let message = format!("{} has no {}", self.spans.file(), named(path));
        Some(self.spans.at_value(&parts, message, help))
    }

    fn choice(&mut self, choices: &[String], value: &Value, path: &[String]) {
        let written = value.as_str().unwrap_or_default();
        if !choices.iter().any(|choice| choice == written) {
            let dotted = self.set_instead(&Value::Null, value, path);
            let near = nearest(written, choices.iter().map(String::as_str));
            let help = match near {
                _ if dotted.is_some() => dotted.unwrap_or_default(),
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

fn format_of(schema: &Value) -> Option<&'static TextFormat> {
    TextFormat::named(schema["format"].as_str()?)
}

/// The keys that a table must have and does not.
fn missing<'a>(
    schema: &'a Value,
    object: &'a serde_json::Map<String, Value>,
) -> impl Iterator<Item = &'a str> {
    let required = schema["required"].as_array().into_iter().flatten();
    required
        .filter_map(Value::as_str)
        .filter(|key| !object.contains_key(*key))
}

/// What to do, and what the key means: the first paragraph of its description, on one line.
fn with_description(advice: String, schema: &Value) -> String {
    match schema["description"].as_str() {
        Some(description) => {
            let lines: Vec<&str> = description.lines().take_while(|line| !line.is_empty()).collect();
            format!("{advice}: {}", lines.join(" "))
        }
        None => advice,
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
