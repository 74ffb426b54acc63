//! A behaviour made ready to run: templates parsed, names resolved, secrets read.

use std::collections::BTreeMap;

use nest_data::{
    Behaviour, Study,
    behaviour::{Capture, Expect, Request, json_pointer},
    template::{Segment, Template},
};
use rand::{RngExt, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use crate::LoadError;

/// A behaviour made ready to run.
#[derive(Debug)]
pub struct Script {
    pub name: String,
    pub needs: Option<usize>, // index among the scripts
    pub variables: BTreeMap<String, String>,
    pub steps: Vec<ScriptStep>,
}

/// A request made ready to run.
#[derive(Debug)]
pub struct ScriptStep {
    pub method: &'static str,
    pub path: Text,
    pub headers: Vec<(String, Text)>,
    pub body: ScriptBody,
    pub think_s: f64,
    pub timeout_s: f64,
    pub save: Vec<(String, String)>, // variable, JSON pointer
    pub expect: Expect,
}

/// A body made ready to run.
#[derive(Debug)]
pub enum ScriptBody {
    None,
    Json(Json),
    Form(Vec<(String, Text)>),
    Text(Text),
}

/// A JSON value whose texts are templates.
#[derive(Debug)]
pub enum Json {
    /// Numbers, truth values and null.
    Plain(serde_json::Value),
    /// A text; one that is a single `int` or `customer` becomes a number.
    Text(Text),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
}

/// A template with its secrets read.
#[derive(Debug)]
pub struct Text(Vec<Segment>);

/// What fills a template.
pub struct Filling<'a> {
    pub variables: &'a BTreeMap<String, String>,
    pub customer: u32,
    pub random: &'a mut ChaCha8Rng,
}

/// All behaviours of a study, in the order of their names.
pub fn compile(study: &Study, secrets: &BTreeMap<String, String>) -> Result<Vec<Script>, LoadError> {
    let names: Vec<&String> = study.behaviours.keys().collect();
    study
        .behaviours
        .iter()
        .map(|(name, behaviour)| {
            let needs = behaviour.needs.as_ref().and_then(|needed| names.iter().position(|name| *name == needed));
            let context = Context { behaviour: name, secrets, timeout_s: study.measure.timeout.get() };
            context.script(behaviour, needs)
        })
        .collect()
}

/// Names of the environment variables that the behaviours read.
pub fn secret_names(study: &Study) -> Vec<String> {
    let texts = study.behaviours.values().flat_map(|behaviour| &behaviour.steps).flat_map(texts_of);
    let mut names: Vec<String> = texts
        .filter_map(|text| text.parse::<Template>().ok())
        .flat_map(|template| template.segments().to_vec())
        .filter_map(|segment| match segment {
            Segment::Env(name) => Some(name),
            _ => None,
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

fn texts_of(request: &Request) -> Vec<String> {
    let path = request.method_and_path().map(|(_, path)| path.to_owned());
    let json = request.json.as_ref().map(ToString::to_string);
    path.into_iter().chain(request.headers.values().cloned()).chain(request.form.values().cloned()).chain(request.body.clone()).chain(json).collect()
}

struct Context<'a> {
    behaviour: &'a str,
    secrets: &'a BTreeMap<String, String>,
    timeout_s: f64,
}

impl Context<'_> {
    fn script(&self, behaviour: &Behaviour, needs: Option<usize>) -> Result<Script, LoadError> {
        let steps = behaviour.steps.iter().map(|step| self.step(step)).collect::<Result<_, _>>()?;
        Ok(Script { name: self.behaviour.to_owned(), needs, variables: behaviour.variables.clone(), steps })
    }

    fn step(&self, step: &Request) -> Result<ScriptStep, LoadError> {
        let (method, path) = step.method_and_path().expect("read_study accepts only steps with one method");
        let pairs = |pairs: &BTreeMap<String, String>| {
            pairs.iter().map(|(name, text)| Ok((name.clone(), self.text(text)?))).collect::<Result<Vec<_>, LoadError>>()
        };
        let body = if let Some(json) = &step.json {
            ScriptBody::Json(self.json(json)?)
        } else if !step.form.is_empty() {
            ScriptBody::Form(pairs(&step.form)?)
        } else if let Some(body) = &step.body {
            ScriptBody::Text(self.text(body)?)
        } else {
            ScriptBody::None
        };
        let save = step.save.iter().filter_map(|(name, capture)| match capture {
            Capture::Json(path) => json_pointer(path).map(|pointer| (name.clone(), pointer)),
            Capture::Elsewhere(_) => None,
        });
        Ok(ScriptStep {
            method,
            path: self.text(path)?,
            headers: pairs(&step.headers)?,
            body,
            think_s: step.think.map_or(0.0, |think| think.get()),
            timeout_s: step.timeout.map_or(self.timeout_s, |timeout| timeout.get()),
            save: save.collect(),
            expect: step.expect.clone().unwrap_or_default(),
        })
    }

    fn json(&self, value: &serde_json::Value) -> Result<Json, LoadError> {
        Ok(match value {
            serde_json::Value::String(text) => Json::Text(self.text(text)?),
            serde_json::Value::Array(items) => Json::List(items.iter().map(|item| self.json(item)).collect::<Result<_, _>>()?),
            serde_json::Value::Object(fields) => {
                Json::Object(fields.iter().map(|(name, field)| Ok((name.clone(), self.json(field)?))).collect::<Result<_, LoadError>>()?)
            }
            plain => Json::Plain(plain.clone()),
        })
    }

    fn text(&self, text: &str) -> Result<Text, LoadError> {
        let template: Template = text.parse().expect("read_study accepts only valid templates");
        let segments = template.segments().iter().map(|segment| match segment {
            Segment::Env(variable) => match self.secrets.get(variable) {
                Some(secret) => Ok(Segment::Literal(secret.clone())),
                None => Err(LoadError::SecretMissing { behaviour: self.behaviour.to_owned(), variable: variable.clone() }),
            },
            other => Ok(other.clone()),
        });
        segments.collect::<Result<_, _>>().map(Text)
    }
}

impl Text {
    /// The text with its values filled in.
    pub fn fill(&self, filling: &mut Filling<'_>) -> String {
        let mut out = String::new();
        for segment in &self.0 {
            match segment {
                Segment::Literal(text) => out.push_str(text),
                Segment::Variable(name) => out.push_str(filling.variables.get(name).map_or("", String::as_str)),
                Segment::Int(low, high) => out.push_str(&filling.random.random_range(*low..=*high).to_string()),
                Segment::Pick(choices) => out.push_str(choices.choose(filling.random).map_or("", String::as_str)),
                Segment::Customer => out.push_str(&filling.customer.to_string()),
                Segment::Env(_) => {} // replaced by a literal when the script was compiled
            }
        }
        out
    }
}

impl Json {
    /// The value with its texts filled in.
    pub fn fill(&self, filling: &mut Filling<'_>) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Self::Plain(value) => value.clone(),
            Self::Text(text) => {
                let filled = text.fill(filling);
                match text.0.as_slice() {
                    [Segment::Int(..) | Segment::Customer] => filled.parse::<i64>().map_or(Value::Null, Value::from),
                    _ => Value::String(filled),
                }
            }
            Self::List(items) => Value::Array(items.iter().map(|item| item.fill(filling)).collect()),
            Self::Object(fields) => Value::Object(fields.iter().map(|(name, field)| (name.clone(), field.fill(filling))).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn templates_fill_from_variables_secrets_and_the_seed() {
        let variables = [("id".to_owned(), "42".to_owned())].into_iter().collect();
        let secrets = [("PW".to_owned(), "s3cret".to_owned())].into_iter().collect();
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut filling = Filling { variables: &variables, customer: 7, random: &mut random };
        let context = Context { behaviour: "login", secrets: &secrets, timeout_s: 1.0 };
        let value = serde_json::json!({ "a": "{{ id }}", "n": ["{{ int(3, 3) }}", "x{{ customer }}"], "b": true, "p": "{{ env(\"PW\") }}" });
        let filled = context.json(&value).expect("the secret is set").fill(&mut filling);
        assert_eq!(filled, serde_json::json!({ "a": "42", "n": [3, "x7"], "b": true, "p": "s3cret" }));
        let without = Context { secrets: &BTreeMap::new(), ..context };
        assert!(matches!(without.json(&value), Err(LoadError::SecretMissing { .. })));
    }
}
