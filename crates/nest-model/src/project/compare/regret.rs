//! What a choice costs above the best one, in each growth scenario.

use nest_data::{
    growth::MOST_CUSTOMERS,
    projection::{ConfigProjection, Regret, first_break},
    study::GrowthScenario,
    units::QuotedDecimal,
};
use rust_decimal::Decimal;

use crate::{
    error::ModelError,
    project::{context::Context, drawn_config::DrawnConfig, growth::GrowthDraws},
};

/// Cost of each configuration above that of the best one that lasts, in each growth scenario of the study.
pub fn regrets(
    context: &Context<'_>,
    configs: &[DrawnConfig<'_>],
    projected: &[&ConfigProjection],
) -> Result<Vec<Regret>, ModelError> {
    let mut regrets = Vec::new();
    for (name, scenario) in &context.study.growth {
        let growth_draws = central_growth(context, name, scenario)?;
        let end = (0..=growth_draws.model.months())
            .map(|month| growth_draws.central.at(f64::from(month)))
            .fold(0.0, f64::max);
        let lasting: Vec<bool> = projected
            .iter()
            .map(|config| {
                first_break(&config.break_points).is_none_or(|(_, customers)| customers.value > end)
            })
            .collect();
        let totals = configs
            .iter()
            .map(|drawn| central_total(drawn, context, &growth_draws))
            .collect::<Result<Vec<_>, _>>()?;
        let any = lasting.iter().any(|lasts| *lasts);
        let least = totals
            .iter()
            .zip(&lasting)
            .filter(|(_, lasts)| **lasts || !any)
            .map(|(total, _)| *total)
            .min()
            .unwrap_or_default();
        for ((drawn, total), lasts) in configs.iter().zip(&totals).zip(&lasting) {
            regrets.push(Regret {
                growth: name.clone(),
                config: drawn.priced.name.to_owned(),
                total: QuotedDecimal(total.normalize()),
                regret: QuotedDecimal((*total - least).max(Decimal::ZERO).normalize()),
                lasts: *lasts,
            });
        }
    }
    Ok(regrets)
}

/// A scenario of which only the point estimate is asked.
fn central_growth<'a>(
    context: &Context<'_>,
    name: &'a str,
    scenario: &'a GrowthScenario,
) -> Result<GrowthDraws<'a>, ModelError> {
    GrowthDraws::new(name, scenario, context.model.draws.seed, 1)
}

fn central_total(
    drawn: &DrawnConfig<'_>,
    context: &Context<'_>,
    growth: &GrowthDraws<'_>,
) -> Result<Decimal, ModelError> {
    let mut sum = drawn
        .priced
        .config
        .migration
        .as_ref()
        .map_or(Decimal::ZERO, |migration| migration.amount.0);
    for month in 0..growth.model.months() as usize {
        let [begin, end] = growth.central.ends(month);
        if !(1.0..=MOST_CUSTOMERS).contains(&begin) || !(1.0..=MOST_CUSTOMERS).contains(&end) {
            break;
        }
        let grown = drawn.grown_centrally(context, begin, month)?;
        let this = grown.as_ref().unwrap_or(drawn);
        sum += (this.bill_total(begin)? + this.bill_total(end)?) / Decimal::TWO;
    }
    Ok(sum)
}
