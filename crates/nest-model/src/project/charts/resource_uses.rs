//! Use of a resource of the measured machine by a number of customers, in every draw.

use nest_data::scaling::ResourceModel;

use super::{SHOWN_DRAWS, banded};
use crate::{draws::ParameterDraw, laws::load_law::LoadLaw, project::context::Context};

/// Use of one resource in every draw, on the plain mix of the measured study.
pub(super) struct ResourceUses {
    capacity: f64,
    pub(super) central: DrawnUse,
    pub(super) draws: Vec<DrawnUse>,
}

/// Use of a resource in one draw.
pub(super) struct DrawnUse {
    idle: f64,
    per_customer: f64,
    law: LoadLaw,
}

impl ResourceUses {
    pub(super) fn new(context: &Context<'_>, resource: &ResourceModel) -> Self {
        let peak = context.model.study.busiest_minute_per_s();
        let drawn_use = |draw: &ParameterDraw| {
            let drawn = &draw.resources[&resource.name];
            let per_day: f64 = context
                .measured_rates
                .iter()
                .map(|(name, rate)| rate * drawn.demand.get(name).unwrap_or(&0.0))
                .sum();
            DrawnUse {
                idle: drawn.idle,
                per_customer: peak * per_day,
                law: drawn.law,
            }
        };
        Self {
            capacity: resource.capacity.unwrap_or(f64::INFINITY),
            central: drawn_use(&context.central),
            draws: context.draws.iter().map(drawn_use).collect(),
        }
    }

    /// Use by so many customers in one draw.
    pub(super) fn used(&self, one: &DrawnUse, customers: f64) -> f64 {
        one.law
            .used(one.idle, customers * one.per_customer, self.capacity)
    }

    /// A point of a curve: the use, turned into what is `shown`, with the interval of the draws.
    pub(super) fn banded(&self, customers: f64, shown: impl Fn(f64) -> f64) -> Option<[f64; 4]> {
        let value = |one: &DrawnUse| shown(self.used(one, customers));
        banded(
            customers,
            value(&self.central),
            self.draws.iter().take(SHOWN_DRAWS).map(value).collect(),
        )
    }
}
