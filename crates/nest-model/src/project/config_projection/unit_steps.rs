//! When growth adds each unit of a configuration.

use nest_data::{
    Estimate,
    growth::MOST_CUSTOMERS,
    projection::{BreakDate, UnitStep},
    units::QuotedDecimal,
};

use crate::{
    error::ModelError,
    project::{
        break_point::{LimitMonths, LimitPoint, months_to, point_at, spread_months},
        config::{ReadyInputs, Sizing},
        context::{Context, Moment},
        drawn_config::DrawnConfig,
        figure::estimate,
        growth::{GrowthDraws, Trajectory},
    },
};

/// Most steps of a placement that are listed: a fleet of hundreds grows too evenly for its steps to matter.
const MOST_STEPS: usize = 60;

/// Every unit that growth adds to a placement on units, in the point estimate or in more than 5 % of the
/// draws, the soonest first.
///
/// Where one customer causes more or less from month to month, a step is looked for at some moments of growth
/// and taken as geometric in between; its customers are those of the day on which growth reaches it, or of
/// the end.
pub fn unit_steps<'a>(drawn: &DrawnConfig<'a>, context: &Context<'a>) -> Result<Vec<UnitStep>, ModelError> {
    let Some(growth) = context.growth() else {
        return Ok(Vec::new());
    };
    let moments = later_moments(drawn, context, growth)?;
    let mut steps = Vec::new();
    for placed in 0..drawn.priced.placed.len() {
        let sized = [(0.0, drawn)]
            .into_iter()
            .chain(moments.iter().map(|(months, moved)| (*months, moved)))
            .map(|(months, drawn)| SizedMoment::new(months, drawn, placed))
            .collect::<Option<Vec<_>>>();
        if let Some(sized) = sized {
            steps.extend(steps_of(drawn, context, growth, placed, &sized)?);
        }
    }
    // By day, those that only some draws reach after all others.
    steps.sort_by_key(|step| (step.date.value.is_none(), step.date.value, step.date.low));
    Ok(steps)
}

/// The configuration at moments after the start of growth; none if it stays as it is.
fn later_moments<'a>(
    drawn: &DrawnConfig<'a>,
    context: &Context<'a>,
    growth: &GrowthDraws<'a>,
) -> Result<Vec<(f64, DrawnConfig<'a>)>, ModelError> {
    if !context.changes_with_time() {
        return Ok(Vec::new());
    }
    let today = context.options.as_of;
    let months = spread_months(growth.model.months()).into_iter().skip(1);
    months
        .map(|months| {
            let moment = Moment {
                customers: growth.central.at(months).max(1.0),
                months,
                on: growth.model.date_at(months).map_or(today, |day| day.max(today)),
            };
            Ok((months, drawn.moved_to(context, moment, drawn.draws.len())?))
        })
        .collect()
}

/// How a placement is sized at a moment of growth, in the point estimate and in every draw.
struct SizedMoment {
    months: f64, // after the start of growth
    central: Sizing,
    draws: Vec<Option<Sizing>>,
}

impl SizedMoment {
    /// `None` if the placement does not run on units.
    fn new(months: f64, drawn: &DrawnConfig<'_>, placed: usize) -> Option<Self> {
        let sizing = |inputs: &ReadyInputs| drawn.priced.sizing(placed, inputs);
        Some(Self {
            months,
            central: sizing(&drawn.central)?,
            draws: drawn.draws.iter().map(sizing).collect(),
        })
    }
}

/// Customers at which so many units are as busy as they may be, so that one more is needed.
fn full_at(units: f64, sizing: Option<&Sizing>) -> LimitPoint {
    LimitPoint {
        customers: sizing.map_or(f64::INFINITY, |sizing| sizing.customers_at(units, sizing.target)),
        below: 0.0,
        filling: None,
    }
}

fn steps_of<'a>(
    drawn: &DrawnConfig<'a>,
    context: &Context<'a>,
    growth: &GrowthDraws<'_>,
    placed: usize,
    moments: &[SizedMoment],
) -> Result<Vec<UnitStep>, ModelError> {
    let (Some(first), of) = (moments.first(), &drawn.priced.placed[placed]) else {
        return Ok(Vec::new());
    };
    let sizing = first.central;
    let start = sizing.instances(growth.central.at(0.0));
    let end = f64::from(growth.model.months());
    let mut steps = Vec::new();
    for carrying in (0..MOST_STEPS).map(|step| start + step as f64) {
        // Months until the step, and the customers that it stands at then.
        let reached = |path: &Trajectory, sizing: &dyn Fn(&SizedMoment) -> LimitPoint| {
            let points: Vec<(f64, LimitPoint)> = moments
                .iter()
                .map(|moment| (moment.months, sizing(moment)))
                .collect();
            let months = months_to(path, &points);
            (months, point_at(&points, months.min(end)).customers)
        };
        let (central_months, central) = reached(&growth.central, &|moment| {
            full_at(carrying, Some(&moment.central))
        });
        let paths = growth.draws.iter().take(first.draws.len()).enumerate();
        let drawn_steps =
            paths.map(|(draw, path)| reached(path, &|moment| full_at(carrying, moment.draws[draw].as_ref())));
        let (draws, customers): (Vec<f64>, Vec<f64>) = drawn_steps.unzip();
        let months = LimitMonths {
            central: central_months,
            draws,
        };
        let date = months.date(growth);
        if date.value.is_none() && date.low.is_none() {
            break;
        }
        let finite = customers.iter().map(|customers| customers.min(MOST_CUSTOMERS));
        let customers: Estimate = estimate(central, finite.collect(), "customers of a unit")?;
        steps.push(UnitStep {
            resource: of.label.clone(),
            units: carrying + 1.0 + f64::from(sizing.spare),
            customers,
            date,
            reached: months.reached(),
            allowed: carrying + 1.0 <= of.most_units(),
            unit_month: unit_month(drawn, context, growth, placed, date)?,
        });
    }
    Ok(steps)
}

/// List price of a unit for a month on the day on which it is needed, or may be.
fn unit_month<'a>(
    drawn: &DrawnConfig<'a>,
    context: &Context<'a>,
    growth: &GrowthDraws<'_>,
    placed: usize,
    date: BreakDate,
) -> Result<Option<QuotedDecimal>, ModelError> {
    let day = date
        .value
        .or(date.low)
        .filter(|_| drawn.priced.changes_before(context.last_day()));
    let Some(months) = day.and_then(|day| growth.model.months_to(day)) else {
        return Ok(drawn.priced.placed[placed].unit_month());
    };
    let there = drawn.moved_to(context, context.now_after(months), 0)?;
    Ok(there.priced.placed[placed].unit_month())
}
