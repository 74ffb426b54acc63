//! Two versions of a target on one configuration: what each costs and where each breaks, on the same draws.

use std::{collections::BTreeMap, sync::Arc};

use nest_data::{
    Estimate, PriceBook, ScalingModel, Study,
    gate_report::{VersionMoney, VersionRoom},
    measure::gate::MoneyAt,
    scaling::{SizeDependence, SizeShape},
};
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::{
    comparison::{Contrast, SizedChange},
    draws::{ParameterDraw, RandomStream, ResourceDraw, StreamPurpose, parameter_draws},
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
    /// Logarithm of head over base, whatever is stored.
    pub change: Contrast,
    /// The same at the smallest and the largest size of stored data, if the versions grow differently with
    /// it: then head's demand goes through both in a straight line, or by doublings if base's does.
    pub by_size: Option<[SizedChange; 2]>,
}

/// A draw of a change.
#[derive(Debug, Clone, Copy)]
enum Ratio {
    /// Head over base, whatever is stored.
    Everywhere(f64),
    /// Stored items, and head over base there, at two sizes.
    At([(f64, f64); 2]),
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
/// to visits of base. Head's draws are base's with each demand multiplied by a draw of its change, or laid
/// through its changes at two sizes of stored data, so that all else cancels: growth, prices, speed, idle
/// use, response times without queueing. Cost is that of the headline, or of the customers and the day that
/// `at` names.
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
    let head_model = with_sizes(model, changes);
    let head_draws = (0..).zip(&base_draws).map(|(index, draw)| {
        let mut stream = RandomStream::new(model.draws.seed, StreamPurpose::Versions, index);
        let ratios: Vec<(&DemandChange, Ratio)> = changes
            .iter()
            .map(|change| (change, change.ratio(|contrast| contrast.draw(&mut stream))))
            .collect();
        changed(draw, &head_model, &ratios)
    });
    let head_draws: Vec<ParameterDraw> = head_draws.collect();
    let context =
        |model, draws: Vec<ParameterDraw>| Context::with_draws(model, study, books, options, Arc::new(draws));
    let (base, mut head) = (context(model, base_draws)?, context(&head_model, head_draws)?);
    let central: Vec<_> = changes
        .iter()
        .map(|change| (change, change.ratio(|contrast| contrast.mean)))
        .collect();
    head.central = changed(&base.central, &head_model, &central);
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

/// The model in which head's demands may grow with stored data where base's do not.
fn with_sizes(model: &ScalingModel, changes: &[DemandChange]) -> ScalingModel {
    let mut model = model.clone();
    for change in changes {
        let resource = model
            .resources
            .iter_mut()
            .find(|resource| resource.name == change.resource);
        let (Some(resource), Some([smallest, largest])) = (resource, change.by_size) else {
            continue;
        };
        resource.size_dependence.get_or_insert_with(|| SizeDependence {
            shape: SizeShape::Linear,
            reference: smallest.stored,
            largest: largest.stored,
            growth: BTreeMap::new(),
        });
    }
    model
}

/// A draw with some demands changed; `model` is head's.
fn changed(draw: &ParameterDraw, model: &ScalingModel, ratios: &[(&DemandChange, Ratio)]) -> ParameterDraw {
    let mut changed = draw.clone();
    for (change, ratio) in ratios {
        let Some(drawn) = changed.resources.get_mut(&change.resource) else {
            continue;
        };
        let size = model
            .resources
            .iter()
            .find(|resource| resource.name == change.resource)
            .and_then(|resource| resource.size_dependence.as_ref());
        match (ratio, size) {
            (Ratio::Everywhere(ratio), _) => multiply(drawn, &change.behaviour, *ratio),
            (Ratio::At(sizes), Some(size)) => lay_through(drawn, &change.behaviour, size, sizes),
            // Head's model has a dependence on size for each change at two sizes, unless it lacks the
            // resource.
            (Ratio::At(_), None) => {}
        }
    }
    changed
}

/// Multiplies a demand, and its growth with stored data.
fn multiply(drawn: &mut ResourceDraw, behaviour: &str, ratio: f64) {
    for part in [&mut drawn.demand, &mut drawn.growth] {
        if let Some(part) = part.get_mut(behaviour) {
            *part *= ratio;
        }
    }
}

/// Lays a demand through those of head at two sizes of stored data.
///
/// # Formula
/// `G' = (r_2 D(S_2) - r_1 D(S_1)) / (g(S_2) - g(S_1))`, `D' = r_1 D(S_1) - G' g(S_1)`, where `D(S) = D + G
/// g(S)` is base's demand.
fn lay_through(drawn: &mut ResourceDraw, behaviour: &str, size: &SizeDependence, sizes: &[(f64, f64); 2]) {
    if !drawn.demand.contains_key(behaviour) {
        return;
    }
    let [first, last] =
        sizes.map(|(stored, ratio)| (stored, ratio * drawn.demand_stored(behaviour, Some(size), stored)));
    let reach = |stored| size.shape.growth(stored, size.reference);
    let growth = (last.1 - first.1) / (reach(last.0) - reach(first.0));
    drawn
        .demand
        .insert(behaviour.to_owned(), first.1 - growth * reach(first.0));
    drawn.growth.insert(behaviour.to_owned(), growth);
}

impl DemandChange {
    fn ratio(&self, mut of: impl FnMut(&Contrast) -> f64) -> Ratio {
        match &self.by_size {
            None => Ratio::Everywhere(of(&self.change).exp()),
            Some(sizes) => Ratio::At(
                sizes
                    .each_ref()
                    .map(|sized| (sized.stored, of(&sized.change).exp())),
            ),
        }
    }
}

impl Contrast {
    /// One draw of it: Student's t around its mean.
    fn draw(&self, stream: &mut RandomStream) -> f64 {
        let position = stream.uniform();
        let t = StudentsT::new(0.0, 1.0, self.degrees).map_or(0.0, |t| t.inverse_cdf(position));
        self.mean + t * self.standard_error
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::load_law::LoadLaw;

    /// A demand of 10 ms at 100 items that grows by 0.05 ms an item.
    fn drawn(growth: Option<f64>) -> ResourceDraw {
        ResourceDraw {
            idle: 0.0,
            demand: [("list".to_owned(), 0.010)].into(),
            law: LoadLaw::default(),
            growth: growth
                .map(|growth| ("list".to_owned(), growth))
                .into_iter()
                .collect(),
        }
    }

    fn size() -> SizeDependence {
        SizeDependence {
            shape: SizeShape::Linear,
            reference: 100.0,
            largest: 300.0,
            growth: BTreeMap::new(),
        }
    }

    #[test]
    fn heads_demand_goes_through_what_it_was_at_both_sizes() {
        // Base: 10, 20 ms at 100, 300 items; head 10 % and 100 % more: 11, 40 ms, so 54.5 at 400.
        let mut head = drawn(Some(5e-5));
        lay_through(&mut head, "list", &size(), &[(100.0, 1.1), (300.0, 2.0)]);
        for (stored, demand) in [(100.0, 0.011), (300.0, 0.040), (400.0, 0.0545)] {
            let found = head.demand_stored("list", Some(&size()), stored);
            assert!((found - demand).abs() < 1e-12, "{stored}: {found}");
        }
        // Base may not grow at all.
        let mut head = drawn(None);
        lay_through(&mut head, "list", &size(), &[(100.0, 1.0), (300.0, 2.0)]);
        let found = head.demand_stored("list", Some(&size()), 400.0);
        assert!((found - 0.025).abs() < 1e-12, "{found}");
    }

    #[test]
    fn a_change_whatever_is_stored_scales_demand_and_growth() {
        let mut head = drawn(Some(5e-5));
        multiply(&mut head, "list", 1.2);
        let found = head.demand_stored("list", Some(&size()), 300.0);
        assert!((found - 0.024).abs() < 1e-12, "{found}");
    }
}
