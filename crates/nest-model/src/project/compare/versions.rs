//! Two versions of a target on one configuration: what each costs and where each breaks, on the same draws.

use std::{collections::BTreeMap, sync::Arc};

use nest_data::{
    Estimate, PriceBook, ScalingModel, Study,
    gate_report::{VersionMoney, VersionRoom},
    measure::gate::MoneyAt,
};
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::{
    comparison::Contrast,
    draws::{ParameterDraw, RandomStream, StreamPurpose, parameter_draws},
    error::ModelError,
    project::break_point::{ConfigLimits, config_limits, first_break_point},
    project::context::{Context, Moment, ProjectOptions},
    project::drawn_config::DrawnConfig,
    project::policy::{date_change_days, per_1000},
};

/// By how much head's demand differs from base's: of a behaviour on a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct DemandChange {
    /// The behaviour.
    pub behaviour: String,
    /// The resource, as `tier/kind`.
    pub resource: String,
    /// Logarithm of head over base.
    pub change: Contrast,
}

/// What two versions cost and carry.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionsProjection {
    /// Cost of 1,000 customers a month.
    pub money: VersionMoney,
    /// Customers at which something first fails.
    pub room: VersionRoom,
}

/// Projects the configuration of the study's headline with base's demands and with head's. `model` was fitted
/// to visits of base. Head's draws are base's with each demand multiplied by a draw of its change, so that
/// all else cancels: growth, prices, speed, idle use, response times without queueing. Cost is that of the
/// headline, or of the customers and the day that `at` names.
///
/// `None` if the study prices no configuration.
///
/// # Errors
/// As [`crate::project()`].
pub fn project_versions(
    model: &ScalingModel,
    changes: &[DemandChange],
    study: &Study,
    books: &[PriceBook],
    options: &ProjectOptions,
    at: Option<&MoneyAt>,
) -> Result<Option<VersionsProjection>, ModelError> {
    let base_draws = parameter_draws(model)?;
    let head_draws = (0..).zip(&base_draws).map(|(index, draw)| {
        let mut stream = RandomStream::new(model.draws.seed, StreamPurpose::Versions, index);
        let ratios: Vec<(&DemandChange, f64)> = changes
            .iter()
            .map(|change| (change, change.change.draw(&mut stream).exp()))
            .collect();
        changed(draw, &ratios)
    });
    let head_draws: Vec<ParameterDraw> = head_draws.collect();
    let context =
        |draws: Vec<ParameterDraw>| Context::with_draws(model, study, books, options, Arc::new(draws));
    let (base, mut head) = (context(base_draws)?, context(head_draws)?);
    let central: Vec<_> = changes
        .iter()
        .map(|change| (change, change.change.mean.exp()))
        .collect();
    head.central = changed(&base.central, &central);
    let Some(name) = base.headline_config() else {
        return Ok(None);
    };
    let moment = moment(&base, at)?;
    let customers = moment.customers;
    let drawn = |context: &Context<'_>| -> Result<_, ModelError> {
        let drawn = DrawnConfig::new(context, name, &BTreeMap::new())?;
        let then = drawn.moved_to(context, moment, context.draws.len())?;
        let cost = per_1000(context, &then.amount_at(customers)?, customers)?;
        let limits = config_limits(&drawn, context)?;
        let reached = limits.under(context.load());
        let first = first_break_point(&drawn, context, &reached);
        let months = reached.first(false);
        Ok((cost, limits, first, months))
    };
    let (cost_before, limits_before, break_before, months_before) = drawn(&base)?;
    let (cost_after, limits_after, break_after, months_after) = drawn(&head)?;
    Ok(Some(VersionsProjection {
        money: VersionMoney {
            config: name.to_owned(),
            currency: study.study.currency.clone(),
            customers,
            date: at.and_then(|at| at.date),
            change: cost_after.change_from(&cost_before).into_money(),
            before: cost_before.into_money(),
            after: cost_after.into_money(),
        },
        room: VersionRoom {
            before: break_before,
            after: break_after,
            change: relative_room(&limits_before, &limits_after),
            date_change_days: date_change_days(&base, &months_before, &months_after),
        },
    }))
}

/// The customers, the prices and the stored data for which cost is compared.
fn moment(context: &Context<'_>, at: Option<&MoneyAt>) -> Result<Moment, ModelError> {
    let Some(at) = at else {
        return Ok(context.now());
    };
    let Some(date) = at.date else {
        return Ok(Moment {
            customers: at.customers.unwrap_or_else(|| context.headline_customers()),
            ..context.now()
        });
    };
    let growth = match &at.growth {
        Some(name) => context.growths.iter().find(|growth| growth.name == name),
        None => context.growth(),
    };
    let name = at.growth.clone().unwrap_or_default();
    let growth = growth.ok_or_else(|| ModelError::Growth {
        scenario: name.clone(),
        reason: "it is not in the study".to_owned(),
    })?;
    let months = growth.model.months_to(date).filter(|months| *months >= 0.0);
    let months = months.ok_or_else(|| ModelError::Growth {
        scenario: growth.name.to_owned(),
        reason: format!("{date} lies before its first day"),
    })?;
    Ok(Moment {
        customers: growth.central.at(months),
        months,
        on: date.max(context.options.as_of),
    })
}

/// Relative change of the customers at which something first fails, paired by draw. `None` if nothing does in
/// the point estimate.
fn relative_room(before: &ConfigLimits, after: &ConfigLimits) -> Option<Estimate> {
    let relative = |before: f64, after: f64| after / before - 1.0;
    let value = relative(before.first_central(), after.first_central());
    let paired = before.first_customers().into_iter().zip(after.first_customers());
    let mut draws = paired.map(|(before, after)| relative(before, after)).collect();
    Estimate::from_draws(value, &mut draws).filter(|_| value.is_finite())
}

/// A draw with some demands multiplied.
fn changed(draw: &ParameterDraw, ratios: &[(&DemandChange, f64)]) -> ParameterDraw {
    let mut changed = draw.clone();
    for (change, ratio) in ratios {
        let resource = changed.resources.get_mut(&change.resource);
        if let Some(demand) = resource.and_then(|resource| resource.demand.get_mut(&change.behaviour)) {
            *demand *= ratio;
        }
    }
    changed
}

impl Contrast {
    /// One draw of it: Student's t around its mean.
    fn draw(&self, stream: &mut RandomStream) -> f64 {
        let position = stream.uniform();
        let t = StudentsT::new(0.0, 1.0, self.degrees).map_or(0.0, |t| t.inverse_cdf(position));
        self.mean + t * self.standard_error
    }
}
