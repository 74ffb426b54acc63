//! In which order sections stand: what moves cost by less than a hundredth comes behind the rest.

use nest_data::Projection;
use rust_decimal::prelude::ToPrimitive;

use super::Section;
use crate::verdict::policy_effect;

/// Share of the bill below which an effect is small.
const SMALL: f64 = 0.01;
/// Share of cost and fees from which on a policy comes first.
const LARGE: f64 = 0.1;

/// Size, set-ups, bills and policies, those of small effect last and a policy of large effect first.
pub(super) fn by_effect(projection: &Projection, sections: [Option<Section>; 4]) -> Vec<Section> {
    let mut ranked: Vec<(u8, Section)> = sections
        .into_iter()
        .flatten()
        .map(|section| (rank(projection, section.id), section))
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, section)| section).collect()
}

fn rank(projection: &Projection, id: &str) -> u8 {
    match id {
        "policies" => {
            let effects = projection
                .policies
                .iter()
                .map(|policy| policy_effect(policy).abs());
            match effects.fold(0.0, f64::max) {
                effect if effect > LARGE => 0,
                effect if effect >= SMALL => 1,
                _ => 2,
            }
        }
        "compare" if of_choice(projection) < SMALL => 2,
        _ => 1,
    }
}

/// The largest difference between two set-ups, as a share of what the base costs.
fn of_choice(projection: &Projection) -> f64 {
    let Some(comparison) = &projection.comparison else {
        return 0.0;
    };
    let number = |value: rust_decimal::Decimal| value.to_f64().unwrap_or(0.0);
    let base = comparison
        .totals
        .iter()
        .find(|total| total.config == comparison.baseline);
    let base = base.map_or(0.0, |total| number(total.total.value.0));
    let changes = comparison
        .totals
        .iter()
        .map(|total| number(total.change.value.0).abs());
    if base > 0.0 {
        changes.fold(0.0, f64::max) / base
    } else {
        f64::INFINITY
    }
}
