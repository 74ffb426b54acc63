//! Counts: what an execution causes elsewhere, such as mails, messages in a queue or tokens of a language
//! model.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BehaviourSpec;

/// How much is added to a count: the same amount each time, or a number that the answer holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CountSource {
    /// The same amount each time, 0 to 1e15: `1`.
    Constant(f64),
    /// A number in the answer.
    Read(CountPlace),
}

/// Where in the answer the number of a count is; exactly one of the two. A behaviour in code has neither: it
/// adds to its counts itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CountPlace {
    /// A path into a JSON answer: `"$.usage.completion_tokens"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<String>,
    /// Name of a header, such as `"X-Queued"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
}

impl BehaviourSpec {
    /// Names of everything that it counts, each once, in order.
    #[must_use]
    pub fn count_names(&self) -> BTreeSet<&str> {
        self.count_sources().map(|(name, _)| name).collect()
    }

    /// What one completed execution adds to a count, if only constants add to it; `None` if something is read
    /// from an answer, or if nothing adds to it. A completed execution makes each of its requests once.
    #[must_use]
    pub fn stated_amount(&self, count: &str) -> Option<f64> {
        let sources = self.count_sources().filter(|(name, _)| *name == count);
        let amounts = sources.map(|(_, source)| match source {
            CountSource::Constant(amount) => Some(*amount),
            CountSource::Read(_) => None,
        });
        let amounts: Vec<f64> = amounts.collect::<Option<_>>()?;
        (!amounts.is_empty()).then(|| amounts.iter().sum())
    }

    /// Everything that adds to a count, of the execution and of its requests.
    fn count_sources(&self) -> impl Iterator<Item = (&str, &CountSource)> {
        let of_steps = self.steps.iter().flat_map(|step| &step.counts);
        let all = self.counts.iter().chain(of_steps);
        all.map(|(name, source)| (name.as_str(), source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{diagnostic::Source, toml_document};

    fn behaviour(text: &str) -> BehaviourSpec {
        let (behaviour, _) = toml_document::read(&Source::new("a.toml", text), &[]).expect("valid");
        behaviour
    }

    #[test]
    fn constants_of_an_execution_and_of_its_requests_add_up() {
        let spec = behaviour(
            r#"
counts = { mail = 1, tokens = { json = "$.usage.total" } }
steps = [
    { get = "/a", counts = { mail = 2, queue = { header = "X-Queued" } } },
    { get = "/b", counts = { tokens = 5 } },
]
"#,
        );
        assert_eq!(
            spec.count_names().into_iter().collect::<Vec<_>>(),
            ["mail", "queue", "tokens"]
        );
        assert_eq!(spec.stated_amount("mail"), Some(3.0));
        for read in ["tokens", "queue", "nothing"] {
            assert_eq!(spec.stated_amount(read), None, "{read}");
        }
    }

    #[test]
    fn a_behaviour_without_counts_is_written_as_before() {
        let written = serde_json::to_string(&behaviour("steps = [{ get = \"/\" }]\n")).expect("serialises");
        assert_eq!(written, r#"{"steps":[{"get":"/"}]}"#);
    }
}
