//! A configuration with what customers ask of it, in the point estimate and in every draw.

use std::collections::{BTreeMap, BTreeSet};

use nest_data::{Caveat, ScalingModel, config::Config, measurement::ResourceKind, projection::CostLine};
use rayon::prelude::*;
use rust_decimal::Decimal;

use crate::{
    draws::{ParameterDraw, RandomStream, StreamPurpose},
    error::ModelError,
    project::config::{
        Activity, ColdStart, ColdStarts, HostDraw, PricedConfig, PricingSource, ReadyInputs, ScenarioInputs,
        SizedPlacement, total,
    },
    project::context::{Context, DrawnActivity, Moment},
    project::figure::DrawnAmount,
    project::growth::GrowthDraws,
};

/// A drawn speed is not below this share of the low end of its range: the tail of the normal distribution
/// beyond a wide range must not bring a processor to a stand. Chosen by hand.
const SLOWEST_DRAW: f64 = 0.5;

/// A configuration with its inputs in the point estimate and in every draw.
pub struct DrawnConfig<'a> {
    pub priced: PricedConfig<'a>,
    pub set: BTreeMap<String, f64>,        // parameters that a policy sets
    pub parameters: BTreeMap<String, f64>, // all of them, in the point estimate
    pub central: ReadyInputs,
    pub draws: Vec<ReadyInputs>,
    // draws at whose parameters a formula has no value: they act as the point estimate does
    pub undefined: usize,
}

impl<'a> DrawnConfig<'a> {
    /// A configuration's inputs, with some parameters of the study set, as it is at the headline's customers.
    pub fn new(context: &Context<'a>, name: &str, set: &BTreeMap<String, f64>) -> Result<Self, ModelError> {
        Self::over(context, name, set, context.now(), &context.draws)
    }

    /// The same at any moment: with the data that customers have stored then, and the segments they belong
    /// to.
    fn over(
        context: &Context<'a>,
        name: &str,
        set: &BTreeMap<String, f64>,
        moment: Moment,
        draws: &[ParameterDraw],
    ) -> Result<Self, ModelError> {
        let (name, config) = context
            .study
            .configs
            .get_key_value(name)
            .expect("callers name configurations of the study");
        check_tiers(context.model, name, config)?;
        let priced = PricedConfig::new(
            PricingSource {
                study: context.study,
                model: context.model,
                books: context.books,
                delays: &context.delays,
                on: moment.on,
                months: moment.months,
            },
            name,
            config,
        )?;
        let usual = context.activity(None, set, moment.months)?;
        let hosts: Vec<HostDraw> = priced.placed.iter().map(middle_host).collect();
        let central = inputs(context, &priced, moment, &context.central, &usual, &hosts);
        let varies = context
            .study
            .parameters
            .values()
            .any(|parameter| parameter.range().is_some());
        let drawn = draws.par_iter().enumerate().map(|(index, draw)| {
            let index = index as u32;
            let activity = varies.then(|| context.activity(Some(index), set, moment.months));
            // The tail of a wide range may leave what a formula is defined for; a caveat counts these draws.
            let undefined = matches!(activity, Some(Err(_)));
            let activity = activity.and_then(Result::ok);
            let activity = activity.as_ref().unwrap_or(&usual);
            let hosts = drawn_hosts(context.model.draws.seed, index, &priced.placed);
            (
                inputs(context, &priced, moment, draw, activity, &hosts),
                undefined,
            )
        });
        let (draws, undefined): (Vec<ReadyInputs>, Vec<bool>) = drawn.unzip();
        Ok(Self {
            set: set.clone(),
            parameters: usual.parameters,
            central,
            undefined: undefined.into_iter().filter(|undefined| *undefined).count(),
            draws,
            priced,
        })
    }

    /// The configuration at a moment of growth, in the point estimate and in the first `draws` draws; `None`
    /// if nothing of it changes with time.
    pub fn grown(
        &self,
        context: &Context<'a>,
        growth: &GrowthDraws<'_>,
        moment: usize,
        draws: usize,
    ) -> Result<Option<Self>, ModelError> {
        let today = context.options.as_of;
        let moment = Moment {
            customers: growth.central.at_moment(moment),
            months: growth.model.months_at(moment),
            on: growth.model.day_of(moment).map_or(today, |day| day.max(today)),
        };
        let changes = context.changes_with_time() || self.priced.changes_before(context.last_day());
        changes.then(|| self.moved_to(context, moment, draws)).transpose()
    }

    /// The configuration at another moment, in the point estimate and in the first `draws` draws.
    pub fn moved_to(&self, context: &Context<'a>, moment: Moment, draws: usize) -> Result<Self, ModelError> {
        Self::over(
            context,
            self.priced.name,
            &self.set,
            moment,
            &context.draws[..draws],
        )
    }

    /// The point estimate alone, with some parameters set.
    pub fn central_only(
        context: &Context<'a>,
        name: &str,
        set: &BTreeMap<String, f64>,
    ) -> Result<Self, ModelError> {
        Self::over(context, name, set, context.now(), &[])
    }

    /// Cost of a month with so many customers in the point estimate, by its `bill`, and so many in each draw.
    pub fn amount(&self, bill: &[CostLine], customers: impl Iterator<Item = f64> + Clone) -> DrawnAmount {
        let unpriced = bill.iter().any(|line| line.amount.is_none());
        let mut draws = self.draws.iter().zip(customers.clone());
        let at_least = unpriced
            || self.priced.has_open_price()
                && draws.any(|(inputs, customers)| self.priced.is_open_at(customers, inputs));
        let draws = self.draws.iter().zip(customers);
        DrawnAmount {
            value: total(bill),
            draws: draws
                .map(|(inputs, customers)| self.priced.cost(customers, inputs))
                .collect(),
            at_least,
        }
    }

    /// The same with as many customers in each draw.
    pub fn amount_at(&self, customers: f64) -> Result<DrawnAmount, ModelError> {
        let bill = self.priced.bill(customers, &self.central)?;
        Ok(self.amount(&bill, std::iter::repeat_n(customers, self.draws.len())))
    }

    /// Fees of a month with so many customers in the point estimate, and so many in each draw; `None` if the
    /// study has none.
    pub fn fees(
        &self,
        customers: f64,
        draws: impl Iterator<Item = f64>,
    ) -> Result<Option<DrawnAmount>, ModelError> {
        if self.priced.study.fees.is_empty() {
            return Ok(None);
        }
        let lines = self
            .priced
            .fee_lines(customers, &self.central, &self.parameters)?;
        let draws = self.draws.iter().zip(draws);
        Ok(Some(DrawnAmount {
            value: total(&lines),
            draws: draws
                .map(|(inputs, customers)| self.priced.fees(customers, inputs))
                .collect(),
            at_least: false,
        }))
    }

    /// Total of the central bill at a customer count.
    pub fn bill_total(&self, customers: f64) -> Result<Decimal, ModelError> {
        self.priced
            .bill(customers, &self.central)
            .map(|lines| total(&lines))
    }

    /// A doubt about draws in which a formula has no value; `None` if there are no such draws.
    pub fn undefined_draws(&self) -> Option<Caveat> {
        (self.undefined > 0).then(|| Caveat::UndefinedDraws {
            config: self.priced.name.to_owned(),
            share: self.undefined as f64 / self.draws.len() as f64,
        })
    }
}

/// What one draw asks of a configuration.
fn inputs(
    context: &Context<'_>,
    priced: &PricedConfig<'_>,
    moment: Moment,
    draw: &ParameterDraw,
    activity: &DrawnActivity,
    hosts: &[HostDraw],
) -> ReadyInputs {
    let data = context.study.data.as_ref();
    let activity = Activity {
        rates: &activity.rates,
        backlog: &activity.backlog,
        stored: data.and_then(|data| data.stored_at(moment.customers, &activity.rates)),
        fees: &activity.fees,
    };
    ScenarioInputs::new(context.model, priced, draw, activity, hosts)
        .meeting_objectives(priced, context.study, context.model, draw)
        .ready(priced)
}

/// A configuration places only tiers that were measured.
fn check_tiers(model: &ScalingModel, name: &str, config: &Config) -> Result<(), ModelError> {
    let tiers: BTreeSet<&str> = model
        .resources
        .iter()
        .filter(|resource| resource.kind != ResourceKind::Count)
        .map(|resource| resource.tier.as_str())
        .collect();
    match config
        .placements()
        .find(|placement| !tiers.contains(placement.tier.as_str()))
    {
        Some(placement) => Err(ModelError::UnknownTier {
            config: name.to_owned(),
            tier: placement.tier.clone(),
            known: tiers.into_iter().collect::<Vec<_>>().join(", "),
        }),
        None => Ok(()),
    }
}

fn middle_host(placed: &SizedPlacement<'_>) -> HostDraw {
    HostDraw {
        speed: middle_speed(placed),
        cold_start: placed.middle_cold_start(),
    }
}

fn middle_speed(placed: &SizedPlacement<'_>) -> f64 {
    placed.speed().0.iter().sum::<f64>() / 2.0
}

/// The host of each placement in draw `index`; equal ones are equal in every configuration.
fn drawn_hosts(seed: u64, index: u32, placed: &[SizedPlacement<'_>]) -> Vec<HostDraw> {
    let host = |placed: &SizedPlacement<'_>| HostDraw {
        speed: drawn_speed(seed, index, placed),
        cold_start: drawn_cold_start(seed, index, placed),
    };
    placed.iter().map(host).collect()
}

/// Speed of a placement's processors in draw `index`; equal hardware is equally fast.
fn drawn_speed(seed: u64, index: u32, placed: &SizedPlacement<'_>) -> f64 {
    let ([low, high], _) = placed.speed();
    RandomStream::new(seed ^ seed_of(&placed.hardware()), StreamPurpose::Speed, index)
        .within(low, middle_speed(placed), high)
        .max(low * SLOWEST_DRAW)
}

/// Cold starts of a placement in draw `index`; functions of one host have the same.
fn drawn_cold_start(seed: u64, index: u32, placed: &SizedPlacement<'_>) -> ColdStart {
    let drawn = |(cold_starts, host): (&ColdStarts, &str)| {
        let name = format!("{} {host}", placed.book.provider);
        cold_starts.draw(|| RandomStream::new(seed ^ seed_of(&name), StreamPurpose::ColdStart, index))
    };
    placed.cold_starts().map_or(ColdStart::default(), drawn)
}

/// A number of its own for each name of a host or of hardware (FNV-1a), so that it is the same in every
/// configuration of a draw.
fn seed_of(name: &str) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    // The upper byte says what a stream is for.
    name.bytes().fold(0xcbf2_9ce4_8422_2325, mix) >> 8
}
