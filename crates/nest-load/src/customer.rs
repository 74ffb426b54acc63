//! One customer: a connection, cookies and saved values, and the execution of a behaviour from its due time.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    rc::Rc,
    time::{Duration, Instant},
};

use nest_data::measurement::Outcome;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::{
    http::{Answer, Body, Connection, NoAnswer, Outgoing},
    recorder::{Phase, Recorder, RequestRecord},
    script::{Filling, Script, ScriptBody, ScriptStep},
};

/// Least length of a text that is taken for a secret where exchanges are kept, in bytes.
const SHORTEST_SECRET: usize = 4;
/// How much of a failed exchange is kept, in characters.
const KEPT: usize = 1_024;

/// One customer, between executions.
pub struct Customer {
    number: u32,
    connection: Connection,
    variables: BTreeMap<String, String>,
    done: Vec<bool>, // one per behaviour: executed with success by this customer
}

/// What every execution of a step shares. One worker, one thread.
pub struct StepContext {
    pub scripts: Rc<Vec<Script>>,
    pub recorder: RefCell<Recorder>,
    pub secrets: Rc<Vec<String>>,
    pub windows: Windows,
}

/// Where the windows of a step lie.
#[derive(Debug, Clone, Copy)]
pub struct Windows {
    pub start: Instant,
    pub length: Duration,
    pub count: usize,
}

/// One execution that is to be made.
pub struct Execution {
    pub behaviour: usize,
    pub due: Instant,
    pub phase: Phase,
    pub seed: u64,
}

impl Windows {
    /// The window that an instant falls into.
    pub fn index(&self, now: Instant) -> Option<usize> {
        let since = now.checked_duration_since(self.start)?;
        let index = (since.as_secs_f64() / self.length.as_secs_f64()) as usize;
        (index < self.count).then_some(index)
    }
}

impl Customer {
    /// A customer who has done nothing yet.
    pub fn new(number: u32, base_url: &str, behaviours: usize) -> Result<Self, crate::LoadError> {
        let connection = Connection::new(base_url).map_err(|_| crate::LoadError::BaseUrl { url: base_url.to_owned() })?;
        Ok(Self { number, connection, variables: BTreeMap::new(), done: vec![false; behaviours] })
    }

    /// Whether this customer has executed the behaviour that `script` needs.
    pub fn is_ready_for(&self, script: &Script) -> bool {
        script.needs.is_none_or(|needed| self.done[needed])
    }

    /// Executes a behaviour, after what it needs where that is missing. The needed behaviour is due at the scheduled
    /// time and counts as an execution of its own; the wanted one is due when that has ended.
    pub async fn execute(&mut self, context: &StepContext, execution: &Execution) {
        let needed = context.scripts[execution.behaviour].needs.filter(|needed| !self.done[*needed]);
        let mut due = execution.due;
        if let Some(needed) = needed {
            context.recorder.borrow_mut().execution_due(needed, execution.phase);
            let first = Execution { behaviour: needed, seed: execution.seed ^ 1, ..*execution };
            self.execute_one(context, &first).await;
            due = Instant::now();
        }
        self.execute_one(context, &Execution { due, ..*execution }).await;
    }

    async fn execute_one(&mut self, context: &StepContext, execution: &Execution) {
        let script = &context.scripts[execution.behaviour];
        for (name, value) in &script.variables {
            self.variables.entry(name.clone()).or_insert_with(|| value.clone());
        }
        let mut random = ChaCha8Rng::seed_from_u64(execution.seed);
        let mut due = execution.due;
        let mut outcome = Outcome::Ok;
        for step in &script.steps {
            if step.think_s > 0.0 {
                due += Duration::from_secs_f64(step.think_s);
                tokio::time::sleep_until(due.into()).await;
            }
            outcome = self.request(context, execution, step, due, &mut random).await;
            if outcome == Outcome::Failed {
                break;
            }
            due = Instant::now();
        }
        self.done[execution.behaviour] |= outcome == Outcome::Ok;
        let now = Instant::now();
        let took = now.saturating_duration_since(execution.due);
        context.recorder.borrow_mut().execution_ended(execution.behaviour, execution.phase, outcome, context.windows.index(now), took);
    }

    async fn request(&mut self, context: &StepContext, execution: &Execution, step: &ScriptStep, due: Instant, random: &mut ChaCha8Rng) -> Outcome {
        context.recorder.borrow_mut().request_due(execution.behaviour, execution.phase);
        let outgoing = self.fill(step, random);
        let asked = format!("{} {}", outgoing.method, outgoing.path);
        let sent = Instant::now();
        let answer = self.connection.send(outgoing).await;
        let now = Instant::now();
        let bytes = answer.as_ref().map_or(0, |answer| answer.bytes);
        let problem = self.judge(step, answer);
        let outcome = if problem.is_some() { Outcome::Failed } else { Outcome::Ok };
        let record = RequestRecord { from_due: now.saturating_duration_since(due), from_sent: now - sent, outcome, bytes };
        let mut recorder = context.recorder.borrow_mut();
        if let Some((kind, what)) = problem
            && execution.phase == Phase::Measured
        {
            recorder.failure(
                execution.behaviour,
                &kind,
                &shortened(&masked(&format!("{asked}\n{what}"), context.secrets.iter().chain(self.variables.values()))),
            );
        }
        recorder.request_ended(execution.behaviour, execution.phase, context.windows.index(now), &record);
        outcome
    }

    fn fill(&self, step: &ScriptStep, random: &mut ChaCha8Rng) -> Outgoing {
        let mut filling = Filling { variables: &self.variables, customer: self.number, random };
        let path = step.path.fill(&mut filling);
        let headers = step.headers.iter().map(|(name, text)| (name.clone(), text.fill(&mut filling))).collect();
        let body = match &step.body {
            ScriptBody::None => Body::None,
            ScriptBody::Json(json) => Body::Json(json.fill(&mut filling)),
            ScriptBody::Form(pairs) => Body::Form(pairs.iter().map(|(name, text)| (name.clone(), text.fill(&mut filling))).collect()),
            ScriptBody::Text(text) => Body::Text(text.fill(&mut filling)),
        };
        Outgoing { method: step.method, path, headers, body, timeout: Duration::from_secs_f64(step.timeout_s) }
    }

    /// Checks an answer and saves from it; what is wrong with it comes back as its kind and a description.
    fn judge(&mut self, step: &ScriptStep, answer: Result<Answer, NoAnswer>) -> Option<(String, String)> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(no_answer) => return Some((no_answer.kind.to_owned(), no_answer.reason)),
        };
        let came_back = |what: &str| format!("{what}\nstatus {}\n{}", answer.status, answer.text());
        if !step.expect.accepts(answer.status) {
            return Some((format!("status {}", answer.status), came_back("unexpected status")));
        }
        let contains = |text: &str| answer.body.windows(text.len().max(1)).any(|window| window == text.as_bytes());
        if let Some(text) = step.expect.body_contains.as_deref().filter(|text| !contains(text)) {
            return Some(("check".to_owned(), came_back(&format!("the body does not contain {text:?}"))));
        }
        if let Some(text) = step.expect.body_excludes.as_deref().filter(|text| contains(text)) {
            return Some(("check".to_owned(), came_back(&format!("the body contains {text:?}"))));
        }
        if step.save.is_empty() {
            return None;
        }
        let Ok(json) = serde_json::from_slice::<serde_json::Value>(&answer.body) else {
            return Some(("capture".to_owned(), came_back("the body to save from is not JSON")));
        };
        for (name, pointer) in &step.save {
            let value = match json.pointer(pointer) {
                Some(serde_json::Value::String(text)) => text.clone(),
                Some(value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_))) => value.to_string(),
                _ => return Some(("capture".to_owned(), came_back(&format!("nothing to save for `{name}` at {pointer}")))),
            };
            self.variables.insert(name.clone(), value);
        }
        None
    }
}

/// Replaces secrets by stars, as they are, as they stand in a URL, and as they stand in JSON. What answers were saved from may
/// be a session's key, so saved values count as secrets too, unless they are too short to be one.
fn masked<'a>(text: &str, secrets: impl Iterator<Item = &'a String>) -> String {
    let forms = |secret: &String| {
        let in_url: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let in_json = serde_json::Value::from(secret.as_str()).to_string();
        [secret.clone(), in_url, in_json.trim_matches('"').to_owned()]
    };
    secrets.filter(|secret| secret.len() >= SHORTEST_SECRET).flat_map(forms).fold(text.to_owned(), |text, form| text.replace(&form, "***"))
}

/// The start of a kept exchange, cut after masking so that no part of a secret stays at the cut.
fn shortened(text: &str) -> String {
    text.chars().take(KEPT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_in_kept_exchanges() {
        let secrets = ["a b\"c".to_owned(), "ab".to_owned()];
        assert_eq!(masked("GET /?t=a+b%22c {\"t\":\"a b\\\"c\"} ab a b\"c", secrets.iter()), "GET /?t=*** {\"t\":\"***\"} ab ***");
    }

    #[test]
    fn an_instant_belongs_to_one_window() {
        let start = Instant::now() + Duration::from_secs(100);
        let windows = Windows { start, length: Duration::from_secs(2), count: 3 };
        assert_eq!(windows.index(start - Duration::from_secs(1)), None);
        assert_eq!(windows.index(start), Some(0));
        assert_eq!(windows.index(start + Duration::from_secs(5)), Some(2));
        assert_eq!(windows.index(start + Duration::from_secs(6)), None);
    }
}
