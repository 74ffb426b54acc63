//! The settings of `[check]`: how two versions of the target are compared, and how much worse head may be.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{DateText, Share};

/// How `check` compares two versions of the target, and how much worse the new one may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Gate {
    /// Command that builds a version. `sh` runs it once in a work tree of each revision, and it finds a
    /// folder of that version's own in $NEST_BUILD. [default: nothing is built]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// Command that starts a version and stays in the foreground, as `target.start`; it finds the work tree
    /// in $NEST_TREE and what was built in $NEST_BUILD. [default: `target.start`]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Growth of service demand that is tolerated, 2 % or more. [default: 5 %]
    pub limit: Share,
    /// The same for single behaviours, by name. [default: `limit`]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, Share>,
    /// Growth of the cost of 1,000 customers that is tolerated. [default: it is shown and not judged]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money: Option<MoneyLimit>,
    /// By how much the number of customers at which something first fails may come down.
    /// [default: it is shown and not judged]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub break_point: Option<RoomLimit>,
    /// Sizes of stored data at which versions are compared, in items, ascending: one or two.
    /// [default: the first and the last of `data.sizes`, or whatever `state` leaves]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sizes: Option<Vec<f64>>,
    /// What an unclear gate does. [default: warn]
    #[serde(skip_serializing_if = "IfUnclear::is_warn")]
    pub if_unclear: IfUnclear,
    /// Share of a resource's use below which a behaviour is shown but not judged. [default: 2 %]
    pub share_at_least: Share,
    /// Paths of the repository whose changes can matter; a change of other files passes at once.
    /// [default: all paths]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<String>>,
    /// Blocks of four visits after which a gate ends at the latest, 2 to 60. [default: 6]
    #[schemars(range(min = 2, max = 60))]
    pub blocks: u32,
    /// Length of a window of a visit, in seconds, above 0. [default: 2]
    pub window_s: f64,
}

/// Growth of cost that is tolerated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoneyLimit {
    /// Growth of the cost of 1,000 customers a month.
    pub limit: Share,
    /// How many customers there are then. [default: those of the report]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<MoneyAt>,
}

/// For how many customers cost is compared: a number, or those of a growth scenario on a day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoneyAt {
    /// Customers, 1 or more. [default: those on `date`]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1.0))]
    pub customers: Option<f64>,
    /// Growth scenario that says how many customers there are on `date`. [default: that of the report]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth: Option<String>,
    /// Day within the growth scenario; its prices and its stored data count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateText>")]
    pub date: Option<Date>,
}

/// Loss of room that is tolerated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomLimit {
    /// Share of the customers by which the first limit may come down.
    pub drop: Share,
}

/// What an unclear gate does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IfUnclear {
    /// It says so and ends with 0.
    #[default]
    Warn,
    /// It ends with 5.
    Fail,
}

impl IfUnclear {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_warn(&self) -> bool {
        *self == Self::Warn
    }
}

impl Default for Gate {
    fn default() -> Self {
        let share = |share| Share::new(share).expect("a share from 0 to 1");
        Self {
            build: None,
            start: None,
            limit: share(0.05),
            limits: BTreeMap::new(),
            money: None,
            break_point: None,
            sizes: None,
            if_unclear: IfUnclear::Warn,
            share_at_least: share(0.02),
            paths: None,
            blocks: 6,
            window_s: 2.0,
        }
    }
}

impl Gate {
    /// Growth of the demand of a behaviour that is tolerated, as a share; `None` names the whole mix.
    #[must_use]
    pub fn limit_of(&self, behaviour: Option<&str>) -> f64 {
        let own = behaviour.and_then(|name| self.limits.get(name));
        own.unwrap_or(&self.limit).get()
    }
}
