//! What the shop really spent: the truth against which later stages are checked.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ShopBehaviour;

/// Longest wait for the ledger of a shop.
const PATIENCE: Duration = Duration::from_secs(5);

/// Executions and CPU since the process started, answered by `GET /ledger`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// One entry per behaviour that was executed at least once, by name.
    pub behaviours: BTreeMap<String, LedgerEntry>,
    /// CPU seconds of the shop's threads outside any execution, since it opened: network, handing over,
    /// answering. 0 in the second tier, whose threads account for everything themselves.
    pub overhead_s: f64,
    /// Calibrated CPU seconds of a request that does nothing, which a set demand assumes as the overhead of
    /// one execution; 0 in the second tier.
    pub empty_request_s: f64,
    /// Stored items; 0 in the second tier.
    pub items: u64,
    /// Tokens that all descriptions together used; 0 in the second tier.
    #[serde(default)]
    pub tokens: TokenUsage,
    /// Method, path with query, and body of each request for a behaviour, refused ones among them, in the
    /// order in which they came: the first million. Empty unless [`ShopOptions::keep_requests`] is set.
    ///
    /// [`ShopOptions::keep_requests`]: crate::ShopOptions::keep_requests
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<String>,
}

/// Tokens of a language model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Tokens that the model read, those from its cache among them.
    pub prompt: u64,
    /// Tokens of the prompt that came from the model's cache.
    pub cached: u64,
    /// Tokens that the model wrote.
    pub completion: u64,
}

impl TokenUsage {
    /// Adds what another answer used.
    pub(crate) fn add(&mut self, other: Self) {
        self.prompt += other.prompt;
        self.cached += other.cached;
        self.completion += other.completion;
    }
}

/// What the executions of one behaviour spent in this process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// Executions that ended, whether or not the client was still there.
    pub executions: u64,
    /// CPU seconds spent inside the executions.
    pub cpu_s: f64,
    /// CPU seconds that were set for this process, overhead included. They are fewer than those spent if the
    /// real work alone cost more.
    pub set_s: f64,
}

impl Ledger {
    /// Mean CPU seconds that one execution of each behaviour really cost the process between an earlier
    /// ledger and this one.
    ///
    /// # Formula
    /// `(inside_j + n_j overhead / n) / n_j`: the work outside of executions is much the same for all of
    /// them.
    #[must_use]
    pub fn per_execution_since(&self, earlier: &Self) -> BTreeMap<String, f64> {
        let difference = |name: &String, entry: &LedgerEntry| {
            let before = earlier.behaviours.get(name).copied().unwrap_or_default();
            (
                (entry.executions - before.executions) as f64,
                entry.cpu_s - before.cpu_s,
            )
        };
        let spent: BTreeMap<&String, (f64, f64)> = self
            .behaviours
            .iter()
            .map(|(name, entry)| (name, difference(name, entry)))
            .filter(|(_, (count, _))| *count > 0.0)
            .collect();
        let executions: f64 = spent.values().map(|(count, _)| count).sum();
        let overhead_s = (self.overhead_s - earlier.overhead_s) / executions;
        spent
            .into_iter()
            .map(|(name, (count, cpu_s))| (name.clone(), cpu_s / count + overhead_s))
            .collect()
    }

    /// Reads the ledger of a shop at `address`.
    ///
    /// # Errors
    /// The connection fails, or the answer is not a ledger.
    pub fn read_from(address: SocketAddr) -> io::Result<Self> {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(
            stream,
            "GET /ledger HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
        serde_json::from_str(body).map_err(io::Error::other)
    }

    /// Adds one execution.
    pub(crate) fn record(&mut self, behaviour: ShopBehaviour, cpu_s: f64, set_s: f64) {
        let entry = self.behaviours.entry(behaviour.name().to_owned()).or_default();
        entry.executions += 1;
        entry.cpu_s += cpu_s;
        entry.set_s += set_s;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_add_up_and_survive_json() {
        let mut ledger = Ledger {
            items: 1_000,
            ..Ledger::default()
        };
        ledger.record(ShopBehaviour::Pay, 0.25, 0.5);
        ledger.record(ShopBehaviour::Pay, 0.5, 0.5);
        assert_eq!(
            ledger.behaviours["pay"],
            LedgerEntry {
                executions: 2,
                cpu_s: 0.75,
                set_s: 1.0
            }
        );
        let text = serde_json::to_string(&ledger).expect("plain data serialises");
        assert_eq!(
            serde_json::from_str::<Ledger>(&text).expect("our own text reads back"),
            ledger
        );
    }
}
