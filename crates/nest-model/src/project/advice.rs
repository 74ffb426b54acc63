//! What would change the results, and what to do next. It projects again and again, so a page that must
//! answer at once goes without.

mod actions;
mod central_case;
mod levers;
mod sensitivity;

use nest_data::{
    Projection,
    projection::{Lever, Sensitivity},
};

use self::{
    actions::{Findings, actions},
    levers::levers,
    sensitivity::sensitivity,
};
use crate::{
    error::ModelError,
    project::{config_projection::ProjectedConfig, context::Context, drawn_config::DrawnConfig},
};

/// Levers of all configurations, and what moves the headline's.
pub struct Advice {
    sensitivity: Vec<Sensitivity>,
    levers: Vec<Lever>,
}

impl Advice {
    /// Projects again for each lever and each end of an input; `lead` is the position of the headline's
    /// configuration.
    pub fn new<'a>(
        context: &Context<'a>,
        configs: &[DrawnConfig<'a>],
        projected: &[ProjectedConfig],
        lead: usize,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            sensitivity: sensitivity(context, &configs[lead])?,
            levers: levers(context, configs, projected)?,
        })
    }

    /// Enters itself into a projection, with the actions that follow from both.
    pub fn enter(self, projection: &mut Projection) {
        projection.sensitivity = self.sensitivity;
        projection.levers = self.levers;
        let name = projection.headline.as_ref().map(|headline| &headline.config);
        let Some(config) = projection
            .configs
            .iter()
            .find(|config| Some(&config.name) == name)
        else {
            return;
        };
        let mut growths = projection.growths.iter();
        let growth = growths.find(|growth| Some(&growth.name) == projection.growth.as_ref());
        projection.actions = actions(&Findings {
            config,
            first: growth.and_then(|growth| growth.date),
            comparison: projection.comparison.as_ref(),
            levers: &projection.levers,
            prices: &projection.prices,
            sensitivity: &projection.sensitivity,
        });
    }
}
