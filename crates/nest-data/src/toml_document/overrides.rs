//! Values that `--set` puts in the place of those of a text.

use serde_json::Value;
use toml::de::DeTable;

use super::{Spans, lower_table};
use crate::diagnostic::{Diagnostic, Source};

/// The keys of a path: separated by dots, those with a dot in quotes.
pub fn keys_of(path: &str) -> Vec<String> {
    let (mut keys, mut quote) = (vec![String::new()], None);
    for character in path.chars() {
        match (character, quote) {
            ('"' | '\'', None) => quote = Some(character),
            (character, Some(open)) if character == open => quote = None,
            ('.', None) => keys.push(String::new()),
            (character, _) => keys.last_mut().expect("one at least").push(character),
        }
    }
    if quote.is_some() {
        keys.push(String::new()); // a quote that nothing closes: no path
    }
    keys
}

/// Sets the value at a path, with the tables that lead there. A text that is not valid TOML is a string.
///
/// # Errors
/// A path that leads nowhere.
pub fn set(root: &mut Value, keys: &[String], text: &str) -> Result<(), Diagnostic> {
    let path = keys.join(".");
    let refused = |message: String, help: String| Diagnostic::at("--set", 0..0, message, help);
    let mut place = root;
    for (depth, key) in keys.iter().enumerate() {
        if key.is_empty() {
            let help = "write --set table.key=value; a name with a dot stands in quotes: --set \
                        'table.\"a.b\"=value'";
            return Err(refused(
                format!("{path:?} is not a path to a value"),
                help.to_owned(),
            ));
        }
        let above = keys[..depth].join(".");
        place = match place {
            Value::Object(object) => object
                .entry(key.as_str())
                .or_insert_with(|| Value::Object(serde_json::Map::new())),
            Value::Array(items) => {
                let count = items.len();
                let item = key.parse().ok().and_then(|index: usize| items.get_mut(index));
                item.ok_or_else(|| {
                    let message =
                        format!("{path:?} leads to item {key} of a list with {count}, counted from 0");
                    refused(message, positions(count, &above))
                })?
            }
            _ => {
                let message = format!("{path:?} leads through `{above}`, which is a value and not a table");
                return Err(refused(message, format!("write --set {above}=VALUE")));
            }
        };
    }
    *place = value_of(text);
    Ok(())
}

/// A path and a value as a shell takes them: `--set 'rates.pay=0.3 / day'`.
pub fn written(keys: &[String], value: &str) -> String {
    let quoted = |key: &String| {
        if key.contains('.') {
            format!("\"{key}\"")
        } else {
            key.clone()
        }
    };
    let path: Vec<String> = keys.iter().map(quoted).collect();
    let pair = format!("{}={value}", path.join("."));
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-+%=:,".contains(letter);
    if pair.chars().all(is_plain) {
        format!("--set {pair}")
    } else {
        format!("--set '{pair}'")
    }
}

fn value_of(text: &str) -> Value {
    let parsed = Source::new("--set", format!("value = {text}"));
    let (table, errors) = DeTable::parse_recoverable(&parsed.text);
    match lower_table(table.get_ref(), &mut Vec::new(), &mut Spans::default()) {
        Value::Object(mut object) if errors.is_empty() => object.remove("value").unwrap_or(Value::Null),
        _ => Value::String(text.to_owned()),
    }
}

/// Which positions a list has.
fn positions(count: usize, list: &str) -> String {
    let whole = format!("set the whole list: --set '{list}=[...]'");
    match count {
        0 => whole,
        1 => format!("use 0, or {whole}"),
        count => format!("use 0 to {}, or {whole}", count - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_a_dot_stands_in_quotes() {
        assert_eq!(keys_of("a.b"), ["a", "b"]);
        assert_eq!(keys_of("a.\"b.c\".d"), ["a", "b.c", "d"]);
        assert_eq!(keys_of("a.'b.c'"), ["a", "b.c"]);
        assert_eq!(keys_of("a..b"), ["a", "", "b"]);
    }

    #[test]
    fn a_path_is_written_as_a_shell_takes_it() {
        assert_eq!(written(&keys_of("a.b"), "9%"), "--set a.b=9%");
        assert_eq!(
            written(&keys_of("rates.pay"), "0.3 / day"),
            "--set 'rates.pay=0.3 / day'"
        );
        assert_eq!(written(&keys_of("a.'b.c'"), "3"), "--set 'a.\"b.c\"=3'");
    }

    #[test]
    fn an_override_reaches_into_a_list_by_position() {
        let mut value = serde_json::json!({ "place": [{ "max": 1 }, { "max": 2 }] });
        set(&mut value, &keys_of("place.1.max"), "5").expect("there are two");
        assert_eq!(
            value,
            serde_json::json!({ "place": [{ "max": 1 }, { "max": 5 }] })
        );
        for beyond in ["place.2.max", "place.max"] {
            let refused = set(&mut value, &keys_of(beyond), "5").expect_err("no such item");
            assert!(
                refused.message.ends_with("of a list with 2, counted from 0")
                    && refused.help.starts_with("use 0 to 1, or set the whole list"),
                "{refused:?}"
            );
        }
        let refused = set(&mut value, &keys_of("place.0.max.x"), "5").expect_err("no table");
        assert_eq!(refused.help, "write --set place.0.max=VALUE");
    }
}
