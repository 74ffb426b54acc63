//! Segments: kinds of customers, such as subscription plans, that act or pay differently.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    formula::Rate,
    units::{Growth, QuotedDecimal, Share},
};

/// A segment: one kind of customers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Share of all customers at the start of growth. The shares of all segments add up to 1.
    pub share: Share,
    /// Rates of this segment that differ from `[rates]`, by behaviour.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rates: BTreeMap<String, Rate>,
    /// Monthly growth of this segment relative to that of all customers: `"2%"`. [default: 0%]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth: Option<Growth>,
    /// What one customer pays each month, in the study's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<QuotedDecimal>,
    /// Share of the price to keep after infrastructure and fees, below 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_margin: Option<Share>,
}

/// Share of each segment (0-1, adding up to 1) `months` after the start of growth.
///
/// # Formula
/// `share_s (1 + g_s)^t / sum_j share_j (1 + g_j)^t`.
#[must_use]
pub fn shares(segments: &BTreeMap<String, Segment>, months: f64) -> BTreeMap<String, f64> {
    let weight = |segment: &Segment| {
        segment.share.get() * (1.0 + segment.growth.map_or(0.0, Growth::get)).powf(months)
    };
    let all: f64 = segments.values().map(weight).sum();
    segments
        .iter()
        .map(|(name, segment)| (name.clone(), weight(segment) / all))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_always_add_up_and_follow_growth() {
        let segment = |share: &str, growth: Option<&str>| Segment {
            share: share.parse().expect("a share"),
            rates: BTreeMap::new(),
            growth: growth.map(|growth| growth.parse().expect("a growth")),
            price: None,
            target_margin: None,
        };
        let segments = BTreeMap::from([
            ("free".to_owned(), segment("80%", None)),
            ("pro".to_owned(), segment("20%", Some("10%"))),
        ]);
        let later = shares(&segments, 12.0);
        assert!((later.values().sum::<f64>() - 1.0).abs() < 1e-12);
        // 0.2 x 1.1^12 = 0.627686 against 0.8
        assert!((later["pro"] - 0.627_685_67 / 1.427_685_67).abs() < 1e-7);
        assert_eq!(shares(&segments, 0.0)["pro"], 0.2);
    }
}
