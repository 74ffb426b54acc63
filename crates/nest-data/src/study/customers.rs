//! How customers arrive, wait and think.

pub mod profile;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{Seconds, Share};

/// The standard normal quantile at 0.95.
const Z_95: f64 = 1.644_853_626_951_472_2;

/// How the executions of a day become the load of the busiest minute, and how customers arrive, wait and
/// think.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Customers {
    /// Whether load follows a schedule or waits for answers. [default: open]
    #[serde(default)]
    pub arrival: Arrival,
    /// Share of a day's executions in its busiest hour, 1/24 (an even day) to 1: shorthand for a `profile` of
    /// seven equal days. Give either this or `profile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_hour_share: Option<Share>,
    /// Executions in each of the 168 hours of a week, from Monday 0:00, in any unit; instead of
    /// `peak_hour_share`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Vec<f64>>,
    /// Load of the busiest minute divided by the mean minute of the busiest hour, 1 to 1,000.
    #[schemars(range(min = 1.0, max = 1000.0))]
    pub burst: f64,
    /// How the starts of a schedule follow one another (open and partly open). [default: poisson]
    #[serde(default, skip_serializing_if = "Spacing::is_poisson")]
    pub spacing: Spacing,
    /// Think time: a customer's pause between two behaviours (closed and partly open). A time, or a
    /// distribution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub think: Option<Think>,
    /// Time from the start of one behaviour to the start of the customer's next, instead of `think`. After a
    /// behaviour that takes longer, the next one starts at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pacing: Option<Think>,
    /// Length of a session (partly open), and the behaviours that begin and end it (partly open and closed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
}

/// How load arrives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Arrival {
    /// Executions start on a schedule, whatever the answers.
    #[default]
    Open,
    /// Sessions start on a schedule; inside its session a customer waits for each answer, then thinks.
    PartlyOpen,
    /// A fixed number of active customers; each waits for an answer, then thinks.
    Closed,
}

impl Arrival {
    /// Whether arrivals are open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self == Self::Open
    }
}

/// How the starts of a schedule follow one another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Spacing {
    /// At random: a Poisson process.
    #[default]
    Poisson,
    /// At equal intervals.
    Uniform,
}

impl Spacing {
    fn is_poisson(&self) -> bool {
        *self == Self::Poisson
    }
}

/// A session: the behaviours that one customer executes in a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Mean number of behaviours in a session, 1 to 1,000,000, without those that begin and end it;
    /// geometrically distributed. Required when arrivals are partly open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1.0, max = 1_000_000.0))]
    pub behaviours: Option<f64>,
    /// Behaviour that begins every session, such as a login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Behaviour that ends every session, such as a logout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
}

/// A time, or a distribution of times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Think {
    /// Always the same time: `"8s"`.
    Constant(Seconds),
    /// Drawn anew each time from a distribution.
    Drawn(ThinkLaw),
}

/// A distribution of times: `{ dist = "exponential", mean = "8s" }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThinkLaw {
    /// Kind of distribution: uniform (needs from, to), exponential (mean) or lognormal (median, p95).
    pub dist: Dist,
    /// Shortest time (uniform).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Seconds>,
    /// Longest time (uniform).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Seconds>,
    /// Mean time (exponential).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<Seconds>,
    /// Median time (lognormal).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median: Option<Seconds>,
    /// Time that 95 % of the draws stay below, above the median (lognormal).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95: Option<Seconds>,
}

/// Kind of distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dist {
    /// Every time between two ends is equally likely.
    Uniform,
    /// Exponential.
    Exponential,
    /// Log-normal.
    Lognormal,
}

/// A distribution of times with its parameters in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Times {
    /// Always the same.
    Constant(f64),
    /// Uniform between two ends.
    Uniform(f64, f64),
    /// Exponential with this mean.
    Exponential(f64),
    /// The exponential of a normal variable with this mean and standard deviation.
    Lognormal(f64, f64),
}

impl Think {
    /// The distribution.
    ///
    /// # Errors
    /// A sentence about a parameter that is missing, not used by the distribution, or out of range.
    pub fn times(&self) -> Result<Times, String> {
        let law = match self {
            Self::Constant(seconds) => return Ok(Times::Constant(seconds.get())),
            Self::Drawn(law) => law,
        };
        let given = [
            ("from", law.from),
            ("to", law.to),
            ("mean", law.mean),
            ("median", law.median),
            ("p95", law.p95),
        ];
        let (name, wanted): (_, &[&str]) = match law.dist {
            Dist::Uniform => ("uniform", &["from", "to"]),
            Dist::Exponential => ("exponential", &["mean"]),
            Dist::Lognormal => ("lognormal", &["median", "p95"]),
        };
        for (key, value) in given {
            match (wanted.contains(&key), value) {
                (true, None) => return Err(format!("a {name} time needs `{key}`")),
                (false, Some(_)) => return Err(format!("a {name} time has no `{key}`")),
                _ => {}
            }
        }
        let value = |seconds: Option<Seconds>| seconds.map_or(0.0, Seconds::get);
        match law.dist {
            Dist::Uniform if value(law.from) > value(law.to) => Err("`from` is above `to`".to_owned()),
            Dist::Uniform => Ok(Times::Uniform(value(law.from), value(law.to))),
            Dist::Exponential => Ok(Times::Exponential(value(law.mean))),
            Dist::Lognormal if value(law.median) <= 0.0 || value(law.p95) <= value(law.median) => {
                Err("`median` must be above zero and `p95` above `median`".to_owned())
            }
            Dist::Lognormal => Ok(Times::Lognormal(
                value(law.median).ln(),
                (value(law.p95) / value(law.median)).ln() / Z_95,
            )),
        }
    }
}

impl Times {
    /// Mean in seconds.
    ///
    /// # Formula
    /// Log-normal: `exp(mu + sigma^2 / 2)`.
    #[must_use]
    pub fn mean_s(&self) -> f64 {
        match *self {
            Self::Constant(seconds) | Self::Exponential(seconds) => seconds,
            Self::Uniform(from, to) => (from + to) / 2.0,
            Self::Lognormal(mu, sigma) => (mu + sigma * sigma / 2.0).exp(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn think(toml: &str) -> Result<Times, String> {
        #[derive(Deserialize)]
        struct Holder {
            think: Think,
        }
        toml::from_str::<Holder>(&format!("think = {toml}"))
            .expect("valid TOML")
            .think
            .times()
    }

    #[test]
    fn a_time_is_constant_or_drawn() {
        assert_eq!(think("\"8s\""), Ok(Times::Constant(8.0)));
        assert_eq!(
            think("{ dist = \"uniform\", from = \"1s\", to = \"3s\" }").map(|times| times.mean_s()),
            Ok(2.0)
        );
        let lognormal = think("{ dist = \"lognormal\", median = \"8s\", p95 = \"40s\" }").expect("valid");
        // sigma = ln(5) / 1.6449 = 0.97848, mean = 8 exp(0.4787) = 12.912
        assert!((lognormal.mean_s() - 12.912).abs() < 1e-3, "{lognormal:?}");
    }

    #[test]
    fn a_distribution_names_what_it_lacks() {
        for (toml, reason) in [
            ("{ dist = \"exponential\" }", "needs `mean`"),
            (
                "{ dist = \"exponential\", mean = \"1s\", to = \"2s\" }",
                "has no `to`",
            ),
            ("{ dist = \"uniform\", from = \"3s\", to = \"2s\" }", "above `to`"),
            (
                "{ dist = \"lognormal\", median = \"3s\", p95 = \"2s\" }",
                "above `median`",
            ),
        ] {
            assert!(think(toml).expect_err(toml).contains(reason), "{toml}");
        }
    }
}
