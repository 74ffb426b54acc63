//! The projection: a model, a study and price books become costs, dates and break points.

mod advice;
mod break_point;
mod charts;
mod compare;
mod config;
mod config_projection;
mod context;
mod drawn_config;
pub mod explain;
mod figure;
pub mod growth;
mod months;
mod performance;
mod policy;
mod segments;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use nest_data::{
    Caveat, Document, Estimate, PriceBook, Projection, ScalingModel, Study,
    projection::{
        BookUse, Comparison, CountRow, DemandRow, GrowthProjection, Headline, ModelSource, PolicyProjection,
        PriceRow, SegmentProjection, SourceUse, first_break,
    },
};
use rayon::prelude::*;

use self::{
    advice::Advice,
    charts::charts,
    compare::{compare, growths},
    config_projection::{ProjectedConfig, age_days, price_rows, project_config},
    context::{Context, headline},
    drawn_config::DrawnConfig,
    growth::GrowthDraws,
    policy::project_policy,
    segments::segments,
};
pub use self::{
    compare::versions::{DemandChange, VersionsProjection, project_versions},
    context::ProjectOptions,
};
use crate::error::ModelError;

/// Months after the start of a growth from which on a forecast says that it is past.
const PAST_MONTHS: f64 = 1.0;

/// Projects a study on all of its configurations, with what would move the results: levers, sensitivity and
/// what to do next. `study` may differ from the measured one in everything but behaviours.
///
/// # Errors
/// [`ModelError`] for a book, instance type, meter or tier that is not there, a rate without a value, or a
/// behaviour that was never measured.
pub fn project(
    model: &ScalingModel,
    study: &Study,
    books: &[PriceBook],
    options: &ProjectOptions,
) -> Result<Projection, ModelError> {
    projected(model, study, books, options, true)
}

/// The same without levers, sensitivity and actions, each of which projects again: for a page that must
/// answer at once.
///
/// # Errors
/// As [`project`].
pub fn project_quickly(
    model: &ScalingModel,
    study: &Study,
    books: &[PriceBook],
    options: &ProjectOptions,
) -> Result<Projection, ModelError> {
    projected(model, study, books, options, false)
}

fn projected(
    model: &ScalingModel,
    study: &Study,
    books: &[PriceBook],
    options: &ProjectOptions,
    with_levers: bool,
) -> Result<Projection, ModelError> {
    check_behaviours(model, study)?;
    let context = headline::context(model, study, books, options)?;
    // Configurations know nothing of one another, so each has a processor of its own if there is one.
    let names: Vec<&String> = study.configs.keys().collect();
    let configs = names
        .par_iter()
        .map(|name| DrawnConfig::new(&context, name, &BTreeMap::new()))
        .collect::<Result<Vec<_>, _>>()?;
    let projected = configs
        .par_iter()
        .map(|drawn| project_config(drawn, &context, context.headline_customers()))
        .collect::<Result<Vec<_>, _>>()?;
    let lead = lead_figures(&context, &configs, &projected)?;
    let advice = match lead_position(&context, &configs).filter(|_| with_levers) {
        Some(lead) => Some(Advice::new(&context, &configs, &projected, lead)?),
        None => None,
    };
    let prices: Vec<PriceRow> = configs
        .iter()
        .map(|drawn| price_rows(&context, drawn))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
        .collect();
    let old_prices: Vec<Caveat> = configs
        .iter()
        .filter_map(|drawn| old_prices(drawn.priced.name, &prices))
        .collect();
    let of_configs = projected.iter().flat_map(|one| &one.caveats);
    let early = before_measurement(model, options.as_of);
    let of_growths = |growth| {
        let left = growth_left(growth).into_iter();
        left.chain(growth_begun(growth, options.as_of))
            .chain(history_end(growth))
            .chain(history_shift(growth))
    };
    let of_growths: Vec<Caveat> = context.growths.iter().flat_map(of_growths).collect();
    let caveats = model
        .caveats
        .iter()
        .chain(&early)
        .chain(&of_growths)
        .chain(of_configs)
        .chain(&lead.caveats);
    let mut projection = Projection {
        header: Projection::header(),
        as_of: options.as_of,
        study: study.study.clone(),
        set: Vec::new(),
        model: ModelSource {
            run: model.run.clone(),
            measured_at: model.measured_at.clone(),
            measured_hash: model.measured_hash.clone(),
            machine: model.machine.clone(),
            generators: model.generators.clone(),
            tested_customers: context.tested_customers(),
        },
        growth: context.growth().map(|growth| growth.name.to_owned()),
        headline: lead.headline,
        demand: demand_rows(model),
        counts: count_rows(model, study),
        rates_per_day: study
            .rates_per_day(&study.parameter_values())
            .map_err(ModelError::Rates)?
            .into_iter()
            .collect(),
        charts: charts(&context, &configs),
        comparison: lead.comparison,
        growths: lead.growths,
        sensitivity: Vec::new(),
        levers: Vec::new(),
        actions: Vec::new(),
        prices,
        segments: lead.segments,
        policies: lead.policies,
        points: model.points.clone(),
        checks: model.checks.clone(),
        books: book_uses(&configs, options.as_of),
        caveats: caveats.cloned().chain(old_prices).collect(),
        configs: projected.into_iter().map(|one| one.config).collect(),
    };
    if let Some(advice) = advice {
        advice.enter(&mut projection);
    }
    Ok(projection)
}

/// A doubt about a forecast for a day before the measurement it rests on.
fn before_measurement(model: &ScalingModel, as_of: Date) -> Option<Caveat> {
    let measured_on: Date = model.measured_at.get(..10)?.parse().ok()?;
    (as_of < measured_on).then(|| Caveat::BeforeMeasurement {
        as_of,
        measured_at: model.measured_at.clone(),
    })
}

/// A doubt about a growth whose last months are not projected.
fn growth_left(growth: &GrowthDraws<'_>) -> Option<Caveat> {
    let months = growth.allowed_months(&growth.central);
    let from = growth.model.dates().get(months).copied()?;
    (months < growth.model.months() as usize).then(|| Caveat::GrowthLeft {
        scenario: growth.name.to_owned(),
        months: months as u32,
        from,
    })
}

/// A doubt about a growth that began a month or more before the day of the forecast.
fn growth_begun(growth: &GrowthDraws<'_>, as_of: Date) -> Option<Caveat> {
    let start = growth.model.start().date;
    let months = growth.model.months_to(as_of)?;
    (months >= PAST_MONTHS).then(|| Caveat::GrowthBegun {
        scenario: growth.name.to_owned(),
        start,
        as_of,
    })
}

/// A doubt about a history whose level changed once.
fn history_shift(growth: &GrowthDraws<'_>) -> Option<Caveat> {
    let (ago, ratio) = growth.model.level_shift()?;
    Some(Caveat::HistoryShift {
        scenario: growth.name.to_owned(),
        ago,
        ratio,
    })
}

/// A doubt about the last row of a history.
fn history_end(growth: &GrowthDraws<'_>) -> Option<Caveat> {
    let (customers, expected) = growth.model.doubted_end()?;
    Some(Caveat::HistoryEnd {
        scenario: growth.name.to_owned(),
        customers,
        expected,
    })
}

/// Position of the headline's configuration.
fn lead_position(context: &Context<'_>, configs: &[DrawnConfig<'_>]) -> Option<usize> {
    let name = context.headline_config();
    name.and_then(|name| configs.iter().position(|drawn| drawn.priced.name == name))
}

/// The part of a projection that is made for the configuration of the headline alone.
#[derive(Default)]
struct LeadFigures {
    headline: Option<Headline>,
    comparison: Option<Comparison>,
    growths: Vec<GrowthProjection>,
    segments: Vec<SegmentProjection>,
    policies: Vec<PolicyProjection>,
    caveats: Vec<Caveat>,
}

fn lead_figures(
    context: &Context<'_>,
    configs: &[DrawnConfig<'_>],
    projected: &[ProjectedConfig],
) -> Result<LeadFigures, ModelError> {
    let study = context.study;
    let Some(position) = lead_position(context, configs) else {
        return Ok(LeadFigures::default());
    };
    let (drawn, config) = (&configs[position], &projected[position].config);
    let customers = context.headline_customers();
    let policies = study
        .policies
        .iter()
        .map(|(name, policy)| project_policy(context, name, policy, drawn, &projected[position], customers))
        .collect::<Result<Vec<_>, _>>()?;
    let (policies, doubts): (Vec<_>, Vec<_>) = policies.into_iter().unzip();
    Ok(LeadFigures {
        headline: Some(Headline {
            customers,
            config: config.name.clone(),
            per_1000: config.bill.per_1000,
            break_point: first_break(&config.break_points).map(|(point, _)| point.clone()),
            searched_to: context.searched_to(),
            customers_stated: context.customers_stated(),
        }),
        comparison: compare(context, configs, projected, position)?,
        growths: growths(context, drawn, &projected[position])?,
        segments: segments(context, drawn, &config.bill)?,
        policies,
        caveats: headline::unstated_customers(context)
            .into_iter()
            .chain(doubts.into_iter().flatten())
            .collect(),
    })
}

/// A study asks only for behaviours that were measured.
fn check_behaviours(model: &ScalingModel, study: &Study) -> Result<(), ModelError> {
    let measured = |behaviour: &String| model.behaviours.iter().any(|facts| facts.name == *behaviour);
    match study.behaviours.keys().find(|behaviour| !measured(behaviour)) {
        Some(behaviour) => Err(ModelError::NotMeasured {
            behaviour: behaviour.clone(),
        }),
        None => Ok(()),
    }
}

fn demand_rows(model: &ScalingModel) -> Vec<DemandRow> {
    let rows = model.resources.iter().flat_map(|resource| {
        let row = |behaviour: &str, estimate: &Estimate| DemandRow {
            resource: resource.name.clone(),
            behaviour: behaviour.to_owned(),
            unit: resource.kind.unit().to_owned(),
            estimate: *estimate,
            separable: resource.separable,
        };
        let demands = resource
            .demand
            .iter()
            .map(|(behaviour, estimate)| row(behaviour, estimate))
            .collect::<Vec<_>>();
        demands.into_iter().chain([row("idle", &resource.idle)])
    });
    rows.collect()
}

fn count_rows(model: &ScalingModel, study: &Study) -> Vec<CountRow> {
    let rows = model.behaviours.iter().flat_map(|facts| {
        let behaviour = study.behaviours.get(&facts.name);
        facts.counts.iter().map(move |(count, estimate)| CountRow {
            behaviour: facts.name.clone(),
            count: count.clone(),
            estimate: *estimate,
            stated: behaviour.is_some_and(|one| one.stated_amount(count).is_some()),
        })
    });
    rows.collect()
}

/// The prices on a configuration's bill that are older than their book allows; `None` if there are none.
fn old_prices(config: &str, prices: &[PriceRow]) -> Option<Caveat> {
    let old: Vec<&PriceRow> = prices
        .iter()
        .filter(|row| row.config == config && row.is_old())
        .collect();
    let oldest = old.iter().max_by_key(|row| row.age_days)?;
    Some(Caveat::PriceOld {
        config: config.to_owned(),
        prices: old.len(),
        share: old.iter().map(|row| row.share).sum(),
        oldest: oldest.item.clone(),
        days: oldest.age_days,
    })
}

/// Every book that a configuration is priced by, with the sources that were used.
fn book_uses(configs: &[DrawnConfig<'_>], as_of: Date) -> Vec<BookUse> {
    let mut by_book: BTreeMap<String, (&PriceBook, BTreeSet<&str>)> = BTreeMap::new();
    for (book, source) in configs.iter().flat_map(|drawn| drawn.priced.sources()) {
        let (_, sources) = by_book.entry(book.name()).or_insert((book, BTreeSet::new()));
        sources.insert(source);
    }
    by_book
        .into_iter()
        .map(|(name, (book, sources))| book_use(name, book, &sources, as_of))
        .collect()
}

fn book_use(name: String, book: &PriceBook, sources: &BTreeSet<&str>, as_of: Date) -> BookUse {
    let sources: Vec<SourceUse> = sources
        .iter()
        .filter_map(|name| {
            let source = book.source.get(*name)?;
            Some(SourceUse {
                age_days: age_days(book, name, as_of),
                title: format!("[{name}] {}", source.title),
                url: source.url.clone(),
                observed_on: source.observed_on.to_string(),
                confidence: source.confidence,
            })
        })
        .collect();
    BookUse {
        name,
        oldest_days: sources.iter().map(|source| source.age_days).max().unwrap_or(0),
        sources,
    }
}
