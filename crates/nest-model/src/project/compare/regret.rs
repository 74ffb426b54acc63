//! What a choice costs above the cheapest one, in each growth scenario.

use nest_data::{estimate::quantile_of, projection::Regret, units::QuotedDecimal};
use rayon::prelude::*;
use rust_decimal::Decimal;

use super::Totals;
use crate::{
    error::ModelError,
    pricing::float,
    project::{
        config_projection::ProjectedConfig,
        context::Context,
        drawn_config::DrawnConfig,
        figure::DrawnAmount,
        growth::{GrowthDraws, Load},
        months::rates_at_moments,
    },
};

/// Draws in which totals of the scenarios beside the headline's are computed.
const REGRET_DRAWS: usize = 400;

/// Cost of each configuration above that of the cheapest of all, in each growth scenario of the study.
pub fn regrets(
    context: &Context<'_>,
    configs: &[DrawnConfig<'_>],
    projected: &[ProjectedConfig],
    headline: &[Totals],
) -> Result<Vec<Regret>, ModelError> {
    let mut regrets = Vec::new();
    for growth in &context.growths {
        let is_headline = context.growth().is_some_and(|one| one.name == growth.name);
        let totals = if is_headline {
            let known = headline
                .iter()
                .map(|totals| (totals.central, totals.draws.clone(), totals.at_least));
            known.collect()
        } else {
            configs
                .par_iter()
                .zip(headline)
                .map(|(drawn, totals)| scenario_total(drawn, context, growth, totals))
                .collect::<Result<Vec<_>, _>>()?
        };
        let least = totals
            .iter()
            .map(|(total, _, _)| *total)
            .min()
            .unwrap_or_default();
        let draws = totals.iter().map(|(_, draws, _)| draws.len()).min().unwrap_or(0);
        let cheapest: Vec<f64> = (0..draws)
            .map(|draw| {
                totals
                    .iter()
                    .map(|(_, draws, _)| draws[draw])
                    .fold(f64::INFINITY, f64::min)
            })
            .collect();
        for ((drawn, one), (total, draws, at_least)) in configs.iter().zip(projected).zip(&totals) {
            let mut above: Vec<f64> = draws
                .iter()
                .zip(&cheapest)
                .map(|(own, least)| own - least)
                .collect();
            let value = float(*total - least);
            regrets.push(Regret {
                growth: growth.name.to_owned(),
                config: drawn.priced.name.to_owned(),
                total: QuotedDecimal(total.normalize()),
                at_least: *at_least,
                regret: QuotedDecimal((*total - least).normalize()),
                interval: [0.05, 0.95].map(|quantile| quantile_of(&mut above, quantile).unwrap_or(value)),
                lasts: if is_headline {
                    one.config.lasts
                } else {
                    1.0 - one.limits.under(Load::Growing(growth)).first(false).reached()
                },
            });
        }
    }
    Ok(regrets)
}

/// What a configuration costs in a scenario, its migration included: in the point estimate and in the first
/// draws, and whether a price is missing.
fn scenario_total(
    drawn: &DrawnConfig<'_>,
    context: &Context<'_>,
    growth: &GrowthDraws<'_>,
    headline: &Totals,
) -> Result<(Decimal, Vec<f64>, bool), ModelError> {
    let count = drawn.draws.len().min(REGRET_DRAWS);
    let mut sum = DrawnAmount {
        value: headline.migration.amount,
        draws: headline.migration.draws[..count].to_vec(),
        at_least: false,
    };
    let months = growth.allowed_months(&growth.central);
    let rates = rates_at_moments(growth, months, |moment| {
        let grown = drawn.grown(context, growth, moment, count)?;
        let this = grown.as_ref().unwrap_or(drawn);
        let bill = this
            .priced
            .bill(growth.central.at_moment(moment), &this.central)?;
        let mut amount = this.amount(&bill, growth.customers_at(moment).into_iter());
        amount.draws.truncate(count);
        Ok(amount)
    })?;
    for piece in growth.pieces.before(months) {
        for end in [piece.begin, piece.end] {
            sum.add_share(&rates[end], piece.months / 2.0);
        }
    }
    Ok((sum.value, sum.draws, sum.at_least))
}
