//! Changes values and keys of TOML and JSON, so that the text stays well formed.

use rand::RngExt;
use serde_json::{Map, Value, json};

use super::{
    Random,
    tokens::{NUMBERS, WORDS},
};
use crate::target::Language;

/// Marks a text that is a date or time of TOML.
const DATE: &str = "\u{1}date:";
/// Deepest nesting that is made: more than a reader should follow.
const DEEPEST: usize = 300;

/// What a text holds; `None` if its language has no trees, or it is none.
#[must_use]
pub fn parse(language: Language, text: &[u8]) -> Option<Value> {
    match language {
        Language::Json => serde_json::from_slice(text).ok(),
        Language::Toml => {
            let table: toml::Table = toml::from_str(std::str::from_utf8(text).ok()?).ok()?;
            Some(from_toml(toml::Value::Table(table)))
        }
        Language::Lines | Language::Bytes => None,
    }
}

/// The text of a changed tree, with parts of others; `None` if the language cannot write it.
pub fn mutated(
    tree: &Value,
    others: &[Option<Value>],
    language: Language,
    random: &mut Random,
) -> Option<Vec<u8>> {
    let mut tree = tree.clone();
    let others: Vec<&Value> = others.iter().flatten().collect();
    // Mostly one change: with more of them, little is still understood.
    for _ in 0..1 + random.random_range(0..4) / 2 {
        let donor = node_of(others[random.random_range(0..others.len())], random).clone();
        change(node_mut(&mut tree, random), donor, random);
    }
    print(&tree, language)
}

fn print(tree: &Value, language: Language) -> Option<Vec<u8>> {
    match language {
        Language::Toml => match to_toml(tree)? {
            toml::Value::Table(table) => toml::to_string(&table).ok().map(String::into_bytes),
            _ => None,
        },
        _ => serde_json::to_vec(tree).ok(),
    }
}

/// Changes one value; `donor` is one from elsewhere.
fn change(node: &mut Value, donor: Value, random: &mut Random) {
    match random.random_range(0..16) {
        10.. if near(node, random) => {}
        0 | 1 => *node = number(node, random),
        2 => *node = donor,
        3 => *node = Value::from(WORDS[random.random_range(0..WORDS.len())]),
        4 => *node = [Value::Null, json!(true), json!([]), json!({})][random.random_range(0..4)].clone(),
        5 => wrap(node, random),
        _ => change_children(node, donor, random),
    }
}

/// Gives a number, or one in a text such as `12 / day`, another value of the same form; a truth value turns.
/// False if there is none.
fn near(node: &mut Value, random: &mut Random) -> bool {
    match node {
        Value::Bool(truth) => *truth = !*truth,
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => *node = json!(whole.saturating_add(random.random_range(-3..4))),
            (None, Some(value)) => *node = json!(value * random.random_range(0.2..5.0)),
            (None, None) => return false,
        },
        Value::String(text) => {
            let digits: Vec<usize> = text
                .match_indices(|letter: char| letter.is_ascii_digit())
                .map(|found| found.0)
                .collect();
            if digits.is_empty() {
                return false;
            }
            let place = digits[random.random_range(0..digits.len())];
            let digit = random.random_range(0..10).to_string();
            text.replace_range(place..=place, &digit);
        }
        _ => return false,
    }
    true
}

/// A number at an end of its range, in a text if the value was one; or the value moved by some orders of
/// magnitude.
fn number(node: &Value, random: &mut Random) -> Value {
    let text = NUMBERS[random.random_range(0..NUMBERS.len())];
    if node.is_string() {
        return Value::from(text);
    }
    if let (Some(value), true) = (node.as_f64(), random.random_bool(0.3)) {
        return json!(value * 10f64.powi(random.random_range(-9..10)));
    }
    let whole = text
        .parse::<i64>()
        .map(Value::from)
        .or(text.parse::<u64>().map(Value::from));
    whole.unwrap_or_else(|_| text.parse::<f64>().map_or(Value::Null, Value::from))
}

/// Puts a value into lists or tables, once or very often.
fn wrap(node: &mut Value, random: &mut Random) {
    let levels = if random.random_bool(0.2) {
        random.random_range(2..DEEPEST)
    } else {
        1
    };
    for _ in 0..levels {
        let inner = node.take();
        *node = if levels % 2 == 0 {
            json!({ "a": inner })
        } else {
            json!([inner])
        };
    }
}

/// Removes, repeats, renames or adds what a list or a table holds.
fn change_children(node: &mut Value, donor: Value, random: &mut Random) {
    match node {
        Value::Array(items) if !items.is_empty() => {
            let place = random.random_range(0..items.len());
            match random.random_range(0..4) {
                0 => drop(items.remove(place)),
                1 => items.insert(place, donor),
                2 => items.swap(place, 0),
                _ => {
                    let copies = vec![items[place].clone(); 1 << random.random_range(0..7)];
                    items.splice(place..place, copies);
                }
            }
        }
        Value::Object(map) if !map.is_empty() => change_table(map, donor, random),
        other => *other = number(other, random),
    }
}

fn change_table(map: &mut Map<String, Value>, donor: Value, random: &mut Random) {
    let key = |map: &Map<String, Value>, random: &mut Random| {
        let place = random.random_range(0..map.len());
        map.keys().nth(place).cloned().unwrap_or_default()
    };
    let one = key(map, random);
    match random.random_range(0..5) {
        0 => drop(map.remove(&one)),
        1 => {
            if let Some(value) = map.remove(&one) {
                let word = WORDS[random.random_range(0..WORDS.len())];
                map.insert(word.to_owned(), value);
            }
        }
        2 => {
            let other = key(map, random);
            if let (Some(left), Some(right)) = (map.get(&one).cloned(), map.get(&other).cloned()) {
                map.insert(one, right);
                map.insert(other, left);
            }
        }
        3 => {
            if let Value::Object(given) = donor {
                map.extend(given);
            }
        }
        _ => drop(map.insert(one, donor)),
    }
}

fn count(tree: &Value) -> usize {
    1 + match tree {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

fn node_of<'a>(tree: &'a Value, random: &mut Random) -> &'a Value {
    fn find<'a>(tree: &'a Value, left: &mut usize) -> Option<&'a Value> {
        if *left == 0 {
            return Some(tree);
        }
        *left -= 1;
        match tree {
            Value::Array(items) => items.iter().find_map(|item| find(item, left)),
            Value::Object(map) => map.values().find_map(|item| find(item, left)),
            _ => None,
        }
    }
    find(tree, &mut random.random_range(0..count(tree))).unwrap_or(tree)
}

fn node_mut<'a>(tree: &'a mut Value, random: &mut Random) -> &'a mut Value {
    fn find<'a>(tree: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
        if *left == 0 {
            return Some(tree);
        }
        *left -= 1;
        match tree {
            Value::Array(items) => items.iter_mut().find_map(|item| find(item, left)),
            Value::Object(map) => map.values_mut().find_map(|item| find(item, left)),
            _ => None,
        }
    }
    let mut left = random.random_range(0..count(tree));
    find(tree, &mut left).expect("one of the counted nodes")
}

fn from_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => json!(number),
        toml::Value::Boolean(truth) => Value::from(truth),
        toml::Value::Datetime(date) => Value::from(format!("{DATE}{date}")),
        toml::Value::Array(items) => items.into_iter().map(from_toml).collect(),
        toml::Value::Table(table) => Value::Object(
            table
                .into_iter()
                .map(|(key, value)| (key, from_toml(value)))
                .collect(),
        ),
    }
}

/// `None` where TOML has no such value.
fn to_toml(value: &Value) -> Option<toml::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(truth) => toml::Value::Boolean(*truth),
        Value::Number(number) => match number.as_i64() {
            Some(number) => toml::Value::Integer(number),
            None => toml::Value::Float(number.as_f64()?),
        },
        Value::String(text) => match text.strip_prefix(DATE).map(str::parse) {
            Some(Ok(date)) => toml::Value::Datetime(date),
            _ => toml::Value::String(text.clone()),
        },
        Value::Array(items) => toml::Value::Array(items.iter().filter_map(to_toml).collect()),
        Value::Object(map) => toml::Value::Table(
            map.iter()
                .filter_map(|(key, value)| Some((key.clone(), to_toml(value)?)))
                .collect(),
        ),
    })
}
