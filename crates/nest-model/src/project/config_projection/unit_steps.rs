//! When growth adds each unit of a configuration.

use nest_data::{Estimate, growth::MOST_CUSTOMERS, projection::UnitStep};

use crate::{
    error::ModelError,
    project::{
        break_point::LimitMonths, config::ReadyInputs, context::Context, drawn_config::DrawnConfig,
        figure::estimate, growth::Trajectory,
    },
};

/// Most steps that are listed: a fleet of hundreds grows too evenly for its steps to matter.
const MOST_STEPS: usize = 60;

/// Every unit that growth adds to the placement that the months count, in the point estimate or in more than
/// 5 % of the draws. None if what one customer causes changes from month to month: no number of customers
/// stands for a step then.
pub fn unit_steps(drawn: &DrawnConfig<'_>, context: &Context<'_>) -> Result<Vec<UnitStep>, ModelError> {
    let Some(growth) = context.growth().filter(|_| !context.changes_with_time()) else {
        return Ok(Vec::new());
    };
    let Some((placed, sizing)) = drawn.priced.counted(&drawn.central) else {
        return Ok(Vec::new());
    };
    let allowed = drawn.priced.placed[placed].most_units();
    let start = sizing.instances(growth.central.at(0.0));
    let mut steps = Vec::new();
    for carrying in (0..MOST_STEPS).map(|step| start + step as f64) {
        // Customers at which so many units are as busy as they may be, so that one more is needed.
        let full_at = |inputs: &ReadyInputs| {
            let sizing = drawn.priced.sizing(placed, inputs);
            sizing.map_or(f64::INFINITY, |sizing| {
                sizing.customers_at(carrying, sizing.target)
            })
        };
        let months = |customers: f64, path: &Trajectory| path.reaches(|_| customers).unwrap_or(f64::INFINITY);
        let customers: Vec<f64> = drawn.draws.iter().map(full_at).collect();
        let central = full_at(&drawn.central);
        let reached = LimitMonths {
            central: months(central, &growth.central),
            draws: customers
                .iter()
                .zip(&growth.draws)
                .map(|(customers, path)| months(*customers, path))
                .collect(),
        };
        let date = reached.date(growth);
        if date.value.is_none() && date.low.is_none() {
            break;
        }
        let finite = customers.iter().map(|customers| customers.min(MOST_CUSTOMERS));
        let customers: Estimate = estimate(central, finite.collect(), "customers of a unit")?;
        steps.push(UnitStep {
            resource: drawn.priced.placed[placed].label.clone(),
            units: carrying + 1.0 + f64::from(sizing.spare),
            customers,
            date,
            allowed: carrying + 1.0 <= allowed,
        });
    }
    Ok(steps)
}
