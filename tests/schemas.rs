//! The JSON Schemas that `schema` prints, against the files that the repository itself holds.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::support::{nest, repository};

/// The schema of one kind of file.
fn schema(kind: &str) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let printed = nest(folder.path(), &["schema", kind]).expect(0).stdout;
    serde_json::from_str(&printed).expect("JSON")
}

/// Files with the extension `toml` in a folder and all below it, outside of runs.
fn toml_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "runs") {
            found.extend(toml_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
    found
}

/// The schemas that a value at this place may follow: without references and alternatives.
fn alternatives<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let mut found = vec![schema];
    if let Some(reference) = schema["$ref"].as_str() {
        let place = reference
            .strip_prefix('#')
            .expect("a reference within the schema");
        let target = root.pointer(place).expect("what is referred to is there");
        found.extend(alternatives(root, target));
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        let each = schema[key].as_array().into_iter().flatten();
        found.extend(each.flat_map(|one| alternatives(root, one)));
    }
    found
}

/// What a schema says of a key: `properties` by name, or `additionalProperties` that may have any.
fn of_key<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    let any = &schema["additionalProperties"];
    let named = schema["properties"].get(key);
    named.or_else(|| (any.is_object() || any == &Value::Bool(true)).then_some(any))
}

/// Whether a schema only describes, and so accepts any value, as that of a JSON body does.
fn accepts_anything(schema: &Value) -> bool {
    let is_remark = |key: &String| ["title", "description", "default", "examples"].contains(&key.as_str());
    schema == &Value::Bool(true) || schema.as_object().is_some_and(|keys| keys.keys().all(is_remark))
}

/// Keys of a value that none of the schemas holds, each with the path to it.
fn unknown_keys(root: &Value, schemas: &[&Value], value: &Value, path: &str) -> Vec<String> {
    let schemas: Vec<&Value> = schemas
        .iter()
        .flat_map(|schema| alternatives(root, schema))
        .collect();
    if schemas.iter().any(|schema| accepts_anything(schema)) {
        return Vec::new();
    }
    match value {
        Value::Object(keys) => {
            let below = |(key, value): (&String, &Value)| {
                let path = format!("{path}.{key}");
                let known: Vec<&Value> = schemas.iter().filter_map(|schema| of_key(schema, key)).collect();
                if known.is_empty() {
                    vec![path]
                } else {
                    unknown_keys(root, &known, value, &path)
                }
            };
            keys.iter().flat_map(below).collect()
        }
        Value::Array(items) => {
            let of_items: Vec<&Value> = schemas.iter().filter_map(|schema| schema.get("items")).collect();
            let below = |item: &Value| unknown_keys(root, &of_items, item, &format!("{path}[]"));
            items.iter().flat_map(below).collect()
        }
        _ => Vec::new(),
    }
}

/// A TOML value as JSON, dates as strings.
fn json(value: &toml::Value) -> Value {
    match value {
        toml::Value::Table(table) => table
            .iter()
            .map(|(key, value)| (key.clone(), json(value)))
            .collect(),
        toml::Value::Array(items) => items.iter().map(json).collect(),
        other => Value::String(other.to_string()),
    }
}

/// Keys of a TOML text that a schema does not hold.
fn unknown_in(schema: &Value, text: &str) -> Vec<String> {
    let table: toml::Value = toml::Value::Table(text.parse().expect("valid TOML"));
    let value = json(&table);
    unknown_keys(schema, &[schema], &value, "")
}

#[test]
fn schemas_hold_every_key_of_the_committed_studies_behaviours_and_price_books() {
    let models = toml_files(&repository().join("models"));
    let named = |name: &str| {
        let files = models.iter().filter(move |path| path.ends_with(name));
        files.cloned().collect::<Vec<_>>()
    };
    let behaviours = models.iter().filter(|path| {
        let folder = path.parent().and_then(Path::file_name);
        folder.is_some_and(|name| name == "behaviours")
    });
    for (kind, files) in [
        ("study", named("nest.toml")),
        ("behaviour", behaviours.cloned().collect()),
        ("price-book", toml_files(&repository().join("pricing"))),
    ] {
        let schema = schema(kind);
        assert!(files.len() > 5, "{kind}: {files:?}");
        for file in files {
            let text = fs::read_to_string(&file).expect("readable");
            let unknown = unknown_in(&schema, &text);
            assert!(
                unknown.is_empty(),
                "{}: the schema lacks {unknown:?}",
                file.display()
            );
        }
    }
}

#[test]
fn a_key_that_no_study_has_is_not_in_the_schema() {
    let unknown = unknown_in(
        &schema("study"),
        "nest = 1\n[customers]\nbrust = 2\n[[extra]]\nkey = 1\n",
    );
    assert_eq!(unknown, [".customers.brust", ".extra"]);
}
