//! One configuration in the point estimate alone, quick to ask what comes of other inputs.

use nest_data::{Study, projection::BreakKind};

use crate::{
    error::ModelError,
    project::{
        break_point::{
            LimitPoint, SearchScope, at_first_limit, limit_months, limits, months_to, search_scope,
        },
        config::{ReadyInputs, ScenarioInputs},
        context::Context,
        drawn_config::DrawnConfig,
        growth::Trajectory,
    },
};

/// A configuration's point estimate, as it is now and as it grows.
pub struct CentralCase<'c, 'a> {
    context: &'c Context<'a>,
    drawn: &'c DrawnConfig<'a>,
    // by moment of growth; empty if a customer causes and costs the same at all times
    ends: Vec<DrawnConfig<'a>>,
    // so many months after the start, as it first fails; `None` if it is as it was drawn
    at_limits: Vec<(f64, Option<DrawnConfig<'a>>)>,
}

/// What comes of one set of inputs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    pub first_months: f64, // until the first limit, after the start of growth; infinite if none is reached
    pub total: f64,        // cost of all months
    pub per_1000: f64,     // cost of 1,000 customers in the last month
}

impl<'c, 'a> CentralCase<'c, 'a> {
    /// The point estimate of a configuration.
    pub fn new(context: &'c Context<'a>, drawn: &'c DrawnConfig<'a>) -> Result<Self, ModelError> {
        let alone = drawn.moved_to(context, context.now(), 0)?;
        let mut ends = Vec::new();
        if let Some(growth) = context.growth() {
            for moment in 0..growth.model.moments() {
                ends.extend(alone.grown(context, growth, moment, 0)?);
            }
        }
        let moments = limit_months(drawn, context).into_iter();
        let at_limits = moments.map(|months| Ok((months, at_first_limit(&alone, context, months)?)));
        Ok(Self {
            context,
            drawn,
            ends,
            at_limits: at_limits.collect::<Result<_, ModelError>>()?,
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
        let (Some(path), Some(growth)) = (path, self.context.growth()) else {
            let customers = self.context.headline_customers();
            let cost = cost(
                self.drawn,
                customers,
                &self.changed(self.drawn, self.context.study, &change),
            );
            return Outcome {
                first_months,
                total: cost,
                per_1000: cost / customers * 1e3,
            };
        };
        let unchanging = self
            .ends
            .is_empty()
            .then(|| self.changed(self.drawn, self.context.study, &change));
        let cost_at = |moment: usize| {
            let customers = path.at_moment(moment);
            match &unchanging {
                Some(inputs) => cost(self.drawn, customers, inputs),
                None => cost(
                    &self.ends[moment],
                    customers,
                    &self.changed(&self.ends[moment], self.context.study, &change),
                ),
            }
        };
        let (mut total, mut per_1000) = (0.0, f64::NAN);
        for month in 0..growth.allowed_months(path) {
            let (mut month_cost, mut customers) = (0.0, 0.0);
            for piece in growth.pieces.of(month) {
                let half = piece.months / 2.0;
                month_cost += half * (cost_at(piece.begin) + cost_at(piece.end));
                customers += half * (path.at_moment(piece.begin) + path.at_moment(piece.end));
            }
            total += month_cost;
            per_1000 = month_cost / customers * 1e3;
        }
        Outcome {
            first_months,
            total,
            per_1000,
        }
    }

    fn first_months(&self, path: Option<&Trajectory>, change: &impl Fn(&mut ScenarioInputs)) -> f64 {
        let limits = self.limits(self.context.study, change);
        let failures = limits.iter().filter(|(kind, _)| kind.is_failure());
        failures
            .map(|(_, points)| self.months_to(points, path))
            .fold(f64::INFINITY, f64::min)
    }

    /// Months until a limit is reached on a trajectory, or with the headline's customers; infinite if it is
    /// not.
    pub fn months_to(&self, points: &[(f64, LimitPoint)], path: Option<&Trajectory>) -> f64 {
        match path {
            Some(path) => months_to(path, points),
            None => points[0].1.months_with(self.context.headline_customers()),
        }
    }

    /// Every limit after a change of the inputs, with where it lies so many months after the start of growth.
    /// The study may be another one with the same objectives, of other limits.
    pub fn limits(
        &self,
        study: &Study,
        change: impl Fn(&mut ScenarioInputs),
    ) -> Vec<(BreakKind, Vec<(f64, LimitPoint)>)> {
        let mut found: Vec<(BreakKind, Vec<(f64, LimitPoint)>)> = Vec::new();
        for (months, there) in &self.at_limits {
            let drawn = there.as_ref().unwrap_or(self.drawn);
            let scope = SearchScope {
                study,
                ..search_scope(self.context)
            };
            let inputs = self.changed(drawn, study, &change);
            let here = limits(&drawn.priced, &scope, &self.context.central, &inputs);
            found.resize_with(here.len(), || (BreakKind::Knee, Vec::new()));
            for ((kind, points), limit) in found.iter_mut().zip(&here) {
                *kind = limit.kind;
                points.push((*months, limit.point()));
            }
        }
        found
    }

    /// The inputs after a change. How far units may be used follows from it: an objective of response time
    /// allows more of a faster one.
    fn changed(
        &self,
        drawn: &DrawnConfig<'_>,
        study: &Study,
        change: &impl Fn(&mut ScenarioInputs),
    ) -> ReadyInputs {
        let mut inputs: ScenarioInputs = (*drawn.central).clone();
        change(&mut inputs);
        inputs
            .meeting_objectives(&drawn.priced, study, self.context.model, &self.context.central)
            .ready(&drawn.priced)
    }
}

fn cost(drawn: &DrawnConfig<'_>, customers: f64, inputs: &ReadyInputs) -> f64 {
    drawn.priced.cost(customers, inputs)
}
