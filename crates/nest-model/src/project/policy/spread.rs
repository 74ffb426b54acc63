//! What the interval of a policy's change comes from: how closely the change follows growth, parameters and
//! speeds from draw to draw.

use nest_data::projection::SpreadShare;
use statrs::statistics::{Data, OrderStatistics, RankTieBreaker};

use crate::project::{context::Context, drawn_config::DrawnConfig, figure::DrawnAmount, growth::Trajectory};

/// Share of the spread below which an input is not listed.
const LEAST: f64 = 0.05;
/// Most inputs that are listed.
const MOST: usize = 3;

/// The inputs that the change follows most, the closest first: the path of growth, each parameter of the
/// study with a range, and the speed of each host. What was measured, such as demand, is not told apart.
///
/// # Formula
/// The square of Spearman's rank correlation over the draws. Source: Saltelli et al., "Global sensitivity
/// analysis: the primer", Wiley, 2008, section 1.2.5.
pub fn spread(context: &Context<'_>, before: &DrawnConfig<'_>, change: &DrawnAmount) -> Vec<SpreadShare> {
    let mut shares: Vec<SpreadShare> = inputs(context, before)
        .into_iter()
        .map(|(input, values)| SpreadShare {
            input,
            share: squared_rank_correlation(&values, &change.draws),
        })
        .filter(|found| found.share >= LEAST)
        .collect();
    shares.sort_by(|a, b| b.share.total_cmp(&a.share));
    shares.truncate(MOST);
    shares
}

/// Those inputs by name, with their value in every draw.
fn inputs(context: &Context<'_>, before: &DrawnConfig<'_>) -> Vec<(String, Vec<f64>)> {
    let mut found = Vec::new();
    if let Some(growth) = context.growth() {
        let months = growth.allowed_months(&growth.central);
        let customers = |path: &Trajectory| (0..=months).map(|month| path.at(month as f64)).sum();
        let values = growth.draws.iter().map(customers).collect();
        found.push((format!("growth `{}`", growth.name), values));
    }
    for (index, placed) in before.priced.placed.iter().enumerate() {
        let values = before.draws.iter().map(|draw| draw.placed[index].speed).collect();
        found.push((format!("speed of {}", placed.shape(false)), values));
    }
    let ranged = || {
        let parameters = context.study.parameters.iter();
        parameters.filter(|(_, parameter)| parameter.range().is_some())
    };
    if ranged().next().is_none() {
        return found;
    }
    let drawn: Vec<_> = (0..before.draws.len())
        .map(|index| context.parameters(Some(index as u32)))
        .collect();
    for (name, _) in ranged() {
        let values = drawn.iter().map(|parameters| parameters[name]).collect();
        found.push((format!("parameter {name}"), values));
    }
    found
}

/// 0 if either never changes. Pairs with a value that is no number count for nothing.
fn squared_rank_correlation(a: &[f64], b: &[f64]) -> f64 {
    let (a, b): (Vec<f64>, Vec<f64>) = a
        .iter()
        .zip(b)
        .filter(|(a, b)| a.is_finite() && b.is_finite())
        .unzip();
    let off = |values: Vec<f64>| {
        let middle = (values.len() as f64 + 1.0) / 2.0;
        let mut ranks = Data::new(values).ranks(RankTieBreaker::Average);
        ranks.iter_mut().for_each(|rank| *rank -= middle);
        ranks
    };
    let (a, b) = (off(a), off(b));
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let scale = product(&a, &a) * product(&b, &b);
    if scale > 0.0 {
        product(&a, &b).powi(2) / scale
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_closely_has_all_of_the_spread_and_what_stands_still_none() {
        let one: Vec<f64> = (0..50).map(f64::from).collect();
        let cubed: Vec<f64> = one.iter().map(|value| -value.powi(3)).collect();
        assert!((squared_rank_correlation(&one, &cubed) - 1.0).abs() < 1e-12);
        assert_eq!(squared_rank_correlation(&one, &[3.0; 50]), 0.0);
        let alternating: Vec<f64> = one.iter().map(|value| value % 2.0).collect();
        assert!(squared_rank_correlation(&one, &alternating) < 0.01);
        let mut holed = cubed;
        holed[7] = f64::NAN;
        assert!((squared_rank_correlation(&one, &holed) - 1.0).abs() < 1e-12);
    }
}
