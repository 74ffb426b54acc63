//! The types that a schema accepts, and what to write where a value is of another one.

use serde_json::Value;

/// What to write instead of `value`. `holds_tables` says whether a table that is wanted is a map of tables.
pub fn of_type(schema: &Value, value: &Value, path: &[String], holds_tables: bool) -> String {
    let wanted: Vec<&str> = types(schema).into_iter().filter(|&name| name != "null").collect();
    match wanted[..] {
        ["number"] => number(schema, value, 1.5),
        ["integer"] => number(schema, value, 2.0),
        ["boolean"] => match value.as_str() {
            Some(text @ ("true" | "false")) => format!("write {text} without quotes"),
            _ => "write true or false".to_owned(),
        },
        ["string"] if is_plain(value) => format!("write text in quotes, such as \"{value}\""),
        ["array"] if is_plain(value) || value.is_string() => format!("write a list, such as [{value}]"),
        ["object"] => table(path, holds_tables),
        _ => format!("write {}", expected(schema)),
    }
}

fn is_plain(value: &Value) -> bool {
    value.is_number() || value.is_boolean()
}

/// Advice for a number: the one that stands in the quotes, or `example` as far as the range allows it.
fn number(schema: &Value, value: &Value, example: f64) -> String {
    let is_whole = schema["type"].to_string().contains("integer");
    let quoted = value.as_str().map(str::trim).filter(|text| {
        let read = text.parse::<f64>().ok();
        read.is_some_and(|number| number.is_finite() && !(is_whole && number.fract() != 0.0))
    });
    if let Some(number) = quoted {
        return format!("write {number} without quotes");
    }
    let low = schema["minimum"].as_f64().unwrap_or(f64::NEG_INFINITY);
    let high = schema["maximum"].as_f64().unwrap_or(f64::INFINITY);
    let what = if is_whole { "a whole number" } else { "a number" };
    format!("write {what}, such as {}", example.max(low).min(high))
}

/// Advice for a table: its heading, where one can stand.
fn table(path: &[String], holds_tables: bool) -> String {
    let is_in_list = path.iter().any(|key| key.parse::<usize>().is_ok());
    match path.join(".") {
        heading if heading.is_empty() || is_in_list => "write a table, { key = value }".to_owned(),
        heading if holds_tables => format!("write a table, [{heading}.NAME]"),
        heading => format!("write a table, [{heading}]"),
    }
}

/// Names of the types that a schema accepts.
pub fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The same in words.
pub fn expected(schema: &Value) -> String {
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
