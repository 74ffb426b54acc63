//! One configuration in the point estimate alone, quick to ask what comes of other inputs.

use nest_data::growth::MOST_CUSTOMERS;

use crate::{
    error::ModelError,
    project::{
        break_point::{LimitDraws, limits, search_scope},
        config::{ReadyInputs, ScenarioInputs},
        context::{Context, Moment},
        drawn_config::DrawnConfig,
        growth::Trajectory,
    },
};

/// A configuration's point estimate, as it is now and as it grows.
pub struct CentralCase<'c, 'a> {
    context: &'c Context<'a>,
    drawn: &'c DrawnConfig<'a>,
    months: Vec<DrawnConfig<'a>>, // by month of growth; empty if a customer causes the same in all of them
    at_limit: Option<DrawnConfig<'a>>, // with the data of the first limit, where demand depends on it
}

/// What comes of one set of inputs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    pub first_months: f64, // until the first limit, after the start of growth; infinite if none is reached
    pub total: f64,        // cost of all months
    pub per_1000: f64,     // cost of 1,000 customers in the last month
}

impl<'c, 'a> CentralCase<'c, 'a> {
    /// The point estimate of a configuration; `first_limit` are the customers at which something first fails.
    pub fn new(
        context: &'c Context<'a>,
        drawn: &'c DrawnConfig<'a>,
        first_limit: f64,
    ) -> Result<Self, ModelError> {
        let mut months = Vec::new();
        if let Some(growth) = context.growth().filter(|_| context.changes_with_time()) {
            for month in 0..growth.model.months() as usize {
                let customers = growth.central.at(month as f64);
                months.extend(drawn.grown_centrally(context, customers, month)?);
            }
        }
        let at_limit = if context.demand_follows_data() {
            let there = Moment {
                customers: first_limit.clamp(1.0, context.searched_to().max(1.0)),
                months: 0.0,
            };
            Some(DrawnConfig::central_at(
                context,
                drawn.priced.name,
                &drawn.set,
                there,
            )?)
        } else {
            None
        };
        Ok(Self {
            context,
            drawn,
            months,
            at_limit,
        })
    }

    /// The central trajectory; `None` if nothing grows.
    pub fn path(&self) -> Option<&Trajectory> {
        self.context.growth().map(|growth| &growth.central)
    }

    /// What comes of the inputs after a change, on a trajectory; with no trajectory, at the headline's
    /// customers.
    pub fn outcome(&self, path: Option<&Trajectory>, change: impl Fn(&mut ScenarioInputs)) -> Outcome {
        let first_months = self.first_months(path, &change);
        let Some(path) = path else {
            let customers = self.context.headline_customers();
            let cost = cost(self.drawn, customers, &changed(self.drawn, &change));
            return Outcome {
                first_months,
                total: cost,
                per_1000: cost / customers * 1e3,
            };
        };
        let months = self.context.months() as usize;
        let unchanging = self.months.is_empty().then(|| changed(self.drawn, &change));
        let (mut total, mut per_1000) = (0.0, f64::NAN);
        for month in 0..months {
            let ends = path.ends(month);
            if !ends
                .iter()
                .all(|customers| (1.0..=MOST_CUSTOMERS).contains(customers))
            {
                break;
            }
            let this = self.months.get(month).unwrap_or(self.drawn);
            let own = unchanging.is_none().then(|| changed(this, &change));
            let Some(inputs) = own.as_ref().or(unchanging.as_ref()) else {
                break;
            };
            let month_cost = (cost(this, ends[0], inputs) + cost(this, ends[1], inputs)) / 2.0;
            total += month_cost;
            per_1000 = month_cost / (ends[0] + ends[1]) * 2e3;
        }
        Outcome {
            first_months,
            total,
            per_1000,
        }
    }

    fn first_months(&self, path: Option<&Trajectory>, change: &impl Fn(&mut ScenarioInputs)) -> f64 {
        let drawn = self.at_limit.as_ref().unwrap_or(self.drawn);
        let inputs = changed(drawn, change);
        let scope = search_scope(self.context);
        let found = limits(&drawn.priced, &scope, &self.context.central, &inputs);
        let months = found.iter().filter(|limit| limit.kind.is_failure()).map(|limit| {
            let point = LimitDraws::new(limit, 0).central;
            match path {
                Some(path) => point.months(path),
                None if point.customers <= self.context.headline_customers() => 0.0,
                None => f64::INFINITY,
            }
        });
        months.fold(f64::INFINITY, f64::min)
    }
}

fn changed(drawn: &DrawnConfig<'_>, change: &impl Fn(&mut ScenarioInputs)) -> ReadyInputs {
    let mut inputs: ScenarioInputs = (*drawn.central).clone();
    change(&mut inputs);
    inputs.ready(&drawn.priced)
}

fn cost(drawn: &DrawnConfig<'_>, customers: f64, inputs: &ReadyInputs) -> f64 {
    drawn.priced.cost(customers, inputs)
}
