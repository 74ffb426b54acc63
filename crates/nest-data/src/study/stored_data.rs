//! How much data the target holds: what it is measured at, and what it grows to.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Data stored in the target. It is measured at two or more sizes, so that demand at the size of later months is forecast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoredData {
    /// What one of them is called: `"stored payment"`.
    pub item: String,
    /// Sizes that the target is measured at, ascending, above 0. The whole plan is run at the first, a boosted step per
    /// behaviour at each of the others. The commands `start`, `state` and `reset` find the size in $NEST_SIZE; a target whose
    /// `start` names it is started again.
    pub sizes: Vec<f64>,
    /// Behaviours that are measured at the further sizes; all where missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behaviours: Option<Vec<String>>,
    /// Items that are there whoever comes.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub fixed: f64,
    /// Items that each customer has.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub per_customer: f64,
    /// Behaviour each execution of which stores one item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_by: Option<String>,
    /// Days for which such an item is kept.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub kept_days: f64,
}

impl StoredData {
    /// Items stored for `customers`, once as many are taken away as come; none where the study does not say what they grow by.
    ///
    /// # Formula
    /// `fixed + N (per_customer + rate kept_days)`, the last by Little's Law; `rates` are executions per customer and day.
    #[must_use]
    pub fn stored_at(&self, customers: f64, rates: &BTreeMap<String, f64>) -> Option<f64> {
        let added = self.added_by.as_ref().map_or(0.0, |behaviour| {
            rates.get(behaviour).copied().unwrap_or(0.0) * self.kept_days
        });
        let stored = self.fixed + customers * (self.per_customer + added);
        (stored > 0.0).then_some(stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_items_follow_customers_and_what_they_add() {
        let data = StoredData {
            item: "payment".into(),
            sizes: vec![1e3, 2e3],
            behaviours: None,
            fixed: 500.0,
            per_customer: 2.0,
            added_by: Some("pay".into()),
            kept_days: 30.0,
        };
        let rates = BTreeMap::from([("pay".to_owned(), 0.1)]);
        // 500 + 1000 (2 + 0.1 * 30)
        assert_eq!(data.stored_at(1_000.0, &rates), Some(5_500.0));
        assert_eq!(
            StoredData {
                fixed: 0.0,
                per_customer: 0.0,
                added_by: None,
                ..data
            }
            .stored_at(1_000.0, &rates),
            None
        );
    }
}
