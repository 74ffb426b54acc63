//! Data stored in the target: the sizes at which it is measured, and what makes it grow.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Data stored in the target. It is measured at two or more sizes, to forecast service demand at the sizes of
/// later months.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoredData {
    /// Name of one stored item: `"stored payment"`.
    pub item: String,
    /// Sizes at which the target is measured, in items: two or more, ascending, above 0. The whole plan runs
    /// at the first, a boosted step per behaviour at each of the others. The commands `start`, `state` and
    /// `reset` find the size in $NEST_SIZE; a target whose `start` uses it is started again for each size.
    pub sizes: Vec<f64>,
    /// Command that prints how many items are stored. `check` runs it after `state` in each version and
    /// compares no demands where the versions store different numbers. [default: each version is taken to
    /// store $NEST_SIZE items]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<String>,
    /// Behaviours to measure at the other sizes. [default: all]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behaviours: Option<Vec<String>>,
    /// Items that are stored whatever the number of customers, 0 or more. [default: 0]
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub fixed: f64,
    /// Items stored for each customer, 0 or more. [default: 0]
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub per_customer: f64,
    /// Behaviour that stores one item with each execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_by: Option<String>,
    /// Days for which an item of `added_by` is kept, 0 or more: as many items are there as the customers of
    /// the day add in so many days. [default: 0]
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub kept_days: f64,
}

impl StoredData {
    /// Items stored for `customers` once as many are removed as are added; `None` if the study does not say
    /// what adds them.
    ///
    /// # Formula
    /// `fixed + N (per_customer + rate kept_days)`, the last by Little's Law; `rates` are executions per
    /// customer and day.
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
            count: None,
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
