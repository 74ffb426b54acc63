//! Behaviours: what a customer does, as a list of requests. Each is one file of `behaviours/`.

pub mod count;
pub mod locustfile;
pub mod template;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{study::customers::Think, units::Seconds};

pub use count::{CountPlace, CountSource};

/// One behaviour. An *execution* makes its requests in order; rates and service demand count executions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BehaviourSpec {
    /// What the customer wants, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A behaviour that the same customer must have executed before, such as a login. If the customer has
    /// not, it is executed first and counted as an execution of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
    /// Initial values of variables, by name: a template uses them as `{{ name }}` until a step saves another
    /// value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// What an execution causes elsewhere, by name: `{ mail = 1, tokens_out = { json =
    /// "$.usage.completion_tokens" } }`. A number is added for each completed execution; what is read is read
    /// from the answer to the last request. A meter can be paid by it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, CountSource>,
    /// The requests, in order; at least one.
    pub steps: Vec<Request>,
    /// Whether the behaviour is Rust code of the program that runs the study; never written in a file.
    #[serde(default, skip_serializing_if = "is_false")]
    #[schemars(skip)]
    pub code: bool,
}

fn is_false(value: &bool) -> bool {
    !*value
}

/// One request. Exactly one of `get`, `post`, `put`, `patch`, `delete` and `head` states its path.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Path (template) of a GET, from the base URL: `/items?page={{ int(1, 40) }}`. A value is one part of
    /// the path or query. A template that begins with a value, `{{ next }}`, is a link that an answer gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub get: Option<String>,
    /// Path (template) of a POST.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post: Option<String>,
    /// Path (template) of a PUT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub put: Option<String>,
    /// Path (template) of a PATCH.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<String>,
    /// Path (template) of a DELETE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete: Option<String>,
    /// Path (template) of a HEAD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// Name in reports. [default: the path]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Think time before this request, from the answer to the request before: a time, or a distribution.
    /// [default: none]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub think: Option<Think>,
    /// Headers, by name; values are templates. A header with several values is sent as several fields.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Texts>,
    /// JSON body; texts in it are templates. A text that is one single `{{ int(..) }}` becomes a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<serde_json::Value>,
    /// Form body, by field name; values are templates. A field with several values is sent several times.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub form: BTreeMap<String, Texts>,
    /// Plain text body (template). A header `Content-Type` that names JSON or a form decides how values are
    /// written in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Multipart body, by field name. The request then takes the compatibility path, which is slower.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub multipart: BTreeMap<String, FormPart>,
    /// Largest number of redirects to follow, 0 to 20. Each is a request of its own; the response time goes
    /// on until the last answer. [default: 0]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 20))]
    pub redirects: Option<u8>,
    /// Longest wait for the whole answer. [default: `measure.timeout`]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Seconds>,
    /// Values to save from the answer, by variable name: `{ id = "$.items[0].id" }`. A value has at most 64
    /// KiB.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub save: BTreeMap<String, Capture>,
    /// What this request causes elsewhere, by name, as `counts` of the behaviour; read from its own answer.
    /// It is counted if the execution completes. Amounts of the same name add up.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, CountSource>,
    /// What the answer must be to count as completed. [default: any status below 400]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
}

/// One value of a header or a field, or several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Texts {
    /// One value (template).
    One(String),
    /// Each value (template) in a field of its own, in this order.
    Several(Vec<String>),
}

impl Texts {
    /// The values, in the order in which they are sent.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Several(texts) => texts,
        }
    }
}

/// Where in the answer a saved value comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Capture {
    /// A path into a JSON answer: `"$.items[0].id"`.
    Json(String),
    /// Another place in the answer.
    Elsewhere(CaptureFrom),
}

/// A place in the answer other than a JSON path; exactly one of the two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaptureFrom {
    /// Name of a header, such as `"X-Token"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Regular expression to find in the body. Its first group is saved, or the whole match if it has no
    /// group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
}

/// One field of a multipart body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FormPart {
    /// The value of the field (template).
    Value(String),
    /// A value that is sent as a file.
    File(FilePart),
}

impl FormPart {
    /// The content (template).
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Value(value) => value,
            Self::File(file) => &file.content,
        }
    }
}

/// A field of a multipart body that is sent as a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilePart {
    /// Content of the file (template).
    pub content: String,
    /// File name to send.
    pub file_name: String,
    /// Media type, such as `"text/csv"`. [default: application/octet-stream]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// What an answer must be to count as completed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The expected status, or a list of statuses any of which is right. [default: any below 400]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// A text that the body must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_contains: Option<String>,
    /// A text that the body must not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_excludes: Option<String>,
}

/// One status or several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Status {
    /// This status only, such as `200`.
    One(u16),
    /// Any of these statuses, such as `[200, 201]`.
    Several(Vec<u16>),
}

impl Request {
    /// Method and path template; `None` unless exactly one is given.
    #[must_use]
    pub fn method_and_path(&self) -> Option<(&'static str, &str)> {
        let given = [
            ("GET", &self.get),
            ("POST", &self.post),
            ("PUT", &self.put),
            ("PATCH", &self.patch),
            ("DELETE", &self.delete),
            ("HEAD", &self.head),
        ];
        let mut given = given
            .into_iter()
            .filter_map(|(method, path)| path.as_deref().map(|path| (method, path)));
        given.next().filter(|_| given.next().is_none())
    }
}

impl Expect {
    /// Whether `status` is accepted; without a stated status, everything below 400 is.
    #[must_use]
    pub fn accepts(&self, status: u16) -> bool {
        match &self.status {
            None => status < 400,
            Some(Status::One(one)) => status == *one,
            Some(Status::Several(several)) => several.contains(&status),
        }
    }

    /// The statuses that are accepted, in words.
    #[must_use]
    pub fn wanted_status(&self) -> String {
        match &self.status {
            None => "a status below 400".to_owned(),
            Some(Status::One(one)) => format!("status {one}"),
            Some(Status::Several(several)) => {
                let each: Vec<String> = several.iter().map(u16::to_string).collect();
                format!("status {}", each.join(" or "))
            }
        }
    }
}

/// Turns a path such as `$.items[0].id` into a JSON pointer, `/items/0/id`.
///
/// Returns `None` if the path is not `$` followed by `.name` and `[index]` parts.
#[must_use]
pub fn json_pointer(path: &str) -> Option<String> {
    let mut rest = path.strip_prefix('$')?;
    let mut pointer = String::new();
    while !rest.is_empty() {
        let (part, after) = if let Some(index) = rest.strip_prefix('[') {
            let (index, after) = index.split_once(']')?;
            index.parse::<usize>().ok()?;
            (index, after)
        } else {
            let name = rest.strip_prefix('.')?;
            let end = name.find(['.', '[']).unwrap_or(name.len());
            (&name[..end], &name[end..])
        };
        if part.is_empty() {
            return None;
        }
        pointer.push('/');
        pointer.push_str(&part.replace('~', "~0").replace('/', "~1"));
        rest = after;
    }
    Some(pointer)
}

/// Every template of a request, with the key that it stands under.
pub fn texts_of(step: &Request) -> Vec<(&str, &str)> {
    let mut json_texts = Vec::new();
    step.json
        .iter()
        .for_each(|json| collect_texts(json, &mut json_texts));
    let paths = [
        ("get", &step.get),
        ("post", &step.post),
        ("put", &step.put),
        ("patch", &step.patch),
        ("delete", &step.delete),
        ("head", &step.head),
    ];
    paths
        .into_iter()
        .filter_map(|(key, path)| path.as_deref().map(|path| (key, path)))
        .chain(
            step.headers
                .values()
                .flat_map(|values| values.texts().iter().map(|text| ("headers", text.as_str()))),
        )
        .chain(
            step.form
                .values()
                .flat_map(|values| values.texts().iter().map(|text| ("form", text.as_str()))),
        )
        .chain(step.multipart.values().map(|value| ("multipart", value.text())))
        .chain(step.body.iter().map(|text| ("body", text.as_str())))
        .chain(json_texts.into_iter().map(|text| ("json", text)))
        .collect()
}

/// Every text inside a JSON value, depth first.
fn collect_texts<'a>(value: &'a serde_json::Value, texts: &mut Vec<&'a str>) {
    match value {
        serde_json::Value::String(text) => texts.push(text),
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect_texts(item, texts)),
        serde_json::Value::Object(fields) => fields.values().for_each(|field| collect_texts(field, texts)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_paths_become_pointers() {
        assert_eq!(json_pointer("$.items[0].id").as_deref(), Some("/items/0/id"));
        assert_eq!(json_pointer("$").as_deref(), Some(""));
        assert_eq!(json_pointer("$.a/b").as_deref(), Some("/a~1b"));
        for bad in ["items", "$..a", "$[x]", "$.", "$[1"] {
            assert_eq!(json_pointer(bad), None, "{bad}");
        }
    }

    #[test]
    fn exactly_one_method_is_needed() {
        let get = Request {
            get: Some("/".into()),
            ..Request::default()
        };
        assert_eq!(get.method_and_path(), Some(("GET", "/")));
        assert_eq!(
            Request {
                post: Some("/".into()),
                ..get
            }
            .method_and_path(),
            None
        );
        assert_eq!(Request::default().method_and_path(), None);
    }
}
