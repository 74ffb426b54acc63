//! How the first limit, the total and the cost at the end move with each input, one at a time, all others at
//! their point estimates.

use nest_data::{
    Estimate, ScalingModel,
    measurement::ResourceKind,
    projection::{RangeBasis, Sensitivity},
};

use super::central_case::{CentralCase, Outcome};
use crate::{
    error::ModelError,
    project::config::{ColdStarts, ScenarioInputs, SizedPlacement},
    project::context::Context,
    project::drawn_config::DrawnConfig,
    project::growth::{GrowthDraws, Trajectory},
};

/// How far an input is moved whose range nobody states: ◇ assumed, a fifth either way.
const FIFTH: [f64; 2] = [0.8, 1.2];
/// How far prices are moved: ◇ assumed, a tenth either way.
const TENTH: [f64; 2] = [0.9, 1.1];
/// How far the reserve is moved, in share of capacity: ◇ assumed.
const RESERVE: f64 = 0.1;
/// Largest reserve that is tried, so that a unit still carries something.
const MOST_RESERVE: f64 = 0.95;

/// Every input with the three results at both ends of its range: what moves the first limit most comes first,
/// then what moves the total most.
pub fn sensitivity<'a>(
    context: &Context<'a>,
    drawn: &DrawnConfig<'a>,
) -> Result<Vec<Sensitivity>, ModelError> {
    let moved = Moved {
        context,
        case: CentralCase::new(context, drawn)?,
        drawn,
    };
    let mut found = Vec::new();
    found.extend(context.growth().map(|growth| moved.growth(growth)));
    for (index, placed) in drawn.priced.placed.iter().enumerate() {
        found.extend(moved.demands(context.model, index, placed));
        found.push(moved.speed(index, placed));
        found.extend(moved.cold_starts(index, placed));
        found.extend(moved.reserve(index, placed));
    }
    found.extend(moved.counts(context.model));
    found.extend(moved.busiest_minute());
    found.extend(moved.rates());
    found.push(moved.prices());
    found.extend(moved.parameters()?);
    let by_width = |a: &Sensitivity, b: &Sensitivity| {
        b.months
            .total_cmp(&a.months)
            .then(width(b.total).total_cmp(&width(a.total)))
            .then(width(b.per_1000).total_cmp(&width(a.per_1000)))
    };
    found.sort_by(by_width);
    Ok(found)
}

fn width(ends: [f64; 2]) -> f64 {
    (ends[1] - ends[0]).abs()
}

/// The point estimate with one of its inputs moved.
struct Moved<'c, 'a> {
    context: &'c Context<'a>,
    case: CentralCase<'c, 'a>,
    drawn: &'c DrawnConfig<'a>,
}

/// An input that is moved.
struct Input {
    name: String,
    range: [f64; 2],
    unit: &'static str,
    basis: RangeBasis,
}

impl<'a> Moved<'_, 'a> {
    /// The results with an input at both ends of its range, `change` setting it.
    fn over(&self, input: Input, change: impl Fn(&mut ScenarioInputs, f64)) -> Sensitivity {
        let ends = input.range.map(|value| {
            self.case
                .outcome(self.case.path(), |inputs| change(inputs, value))
        });
        self.results(input, ends)
    }

    fn results(&self, input: Input, ends: [Outcome; 2]) -> Sensitivity {
        let growth = self.context.growth();
        let last = growth.map_or(0.0, |growth| f64::from(growth.model.months()));
        let months = ends.map(|end| end.first_months.min(last));
        Sensitivity {
            input: input.name,
            range: input.range,
            unit: input.unit.to_owned(),
            basis: input.basis,
            date: ends.map(|end| {
                let months = Some(end.first_months).filter(|months| months.is_finite())?;
                growth?.model.date_at(months)
            }),
            months: width(months),
            total: ends.map(|end| end.total),
            per_1000: ends.map(|end| end.per_1000),
        }
    }

    /// Growth on its 5 % and its 95 % path; a growth that is stated without a range, a fifth slower and
    /// faster.
    fn growth(&self, growth: &GrowthDraws<'a>) -> Sensitivity {
        let months = f64::from(growth.model.months());
        let ends = [0.05, 0.95].map(|quantile| growth.at_quantile(quantile));
        let stated = ends[0] != ends[1];
        let ends: [Trajectory; 2] = if stated {
            ends
        } else {
            FIFTH.map(|factor| growth.central.stretched(factor))
        };
        let input = Input {
            name: format!("growth `{}`", growth.name),
            range: [ends[0].at(months), ends[1].at(months)],
            unit: "customers at the end",
            basis: if stated {
                RangeBasis::Stated
            } else {
                RangeBasis::Assumed
            },
        };
        let outcomes = ends.map(|path| self.case.outcome(Some(&path), |_| {}));
        self.results(input, outcomes)
    }

    /// The demand of each behaviour that a placement carries.
    fn demands<'s>(
        &'s self,
        model: &'s ScalingModel,
        index: usize,
        placed: &'s SizedPlacement<'_>,
    ) -> impl Iterator<Item = Sensitivity> + 's {
        let tier = &placed.placement.tier;
        let cpu = model
            .resources
            .iter()
            .find(|resource| resource.kind == ResourceKind::Cpu && resource.tier == *tier);
        let behaviours = self.drawn.priced.behaviours.iter().enumerate();
        behaviours
            .filter(|(behaviour, _)| placed.carries[*behaviour])
            .filter_map(move |(behaviour, name)| {
                let demand: &Estimate = cpu?.demand.get(name)?;
                let input = Input {
                    name: format!("{} of {name}", placed.label),
                    range: [demand.low.max(0.0), demand.high],
                    unit: "s",
                    basis: RangeBasis::Measured,
                };
                let usual = demand.value;
                Some(self.over(input, move |inputs, value| {
                    let demand = &mut inputs.placed[index].cpu_s[behaviour];
                    *demand = (*demand + value - usual).max(0.0);
                }))
            })
    }

    /// What executions add to the counts by which meters are paid, where that was measured.
    fn counts(&self, model: &ScalingModel) -> Vec<Sensitivity> {
        let mut found = Vec::new();
        for count in self.drawn.central.counts.keys() {
            for (behaviour, name) in self.drawn.priced.behaviours.iter().enumerate() {
                let mut facts = model.behaviours.iter();
                let amount = facts
                    .find(|facts| facts.name == *name)
                    .and_then(|facts| facts.counts.get(count));
                let Some(amount) = amount.filter(|amount| amount.low < amount.high) else {
                    continue;
                };
                let input = Input {
                    name: format!("{count} of {name}"),
                    range: [amount.low, amount.high],
                    unit: "per execution",
                    basis: RangeBasis::Measured,
                };
                found.push(self.over(input, |inputs, value| {
                    if let Some(amounts) = inputs.counts.get_mut(count) {
                        amounts[behaviour] = value;
                    }
                }));
            }
        }
        found
    }

    fn speed(&self, index: usize, placed: &SizedPlacement<'_>) -> Sensitivity {
        let (range, assumed) = placed.speed();
        let input = Input {
            name: format!("speed of {}", placed.shape(false)),
            range,
            unit: "of a measured core",
            basis: if assumed {
                RangeBasis::Assumed
            } else {
                RangeBasis::Stated
            },
        };
        self.over(input, |inputs, value| inputs.placed[index].speed = value)
    }

    /// Share and time of cold starts, where both are only assumed.
    fn cold_starts(&self, index: usize, placed: &SizedPlacement<'_>) -> Vec<Sensitivity> {
        let Some((ColdStarts::Assumed(range), host)) = placed.cold_starts() else {
            return Vec::new();
        };
        let share = Input {
            name: format!(
                "share of requests that meet a cold start on {host}{}",
                placed.pair
            ),
            range: range.share,
            unit: "share",
            basis: RangeBasis::Assumed,
        };
        let extra = Input {
            name: format!("time of a cold start on {host}{}", placed.pair),
            range: range.extra_ms,
            unit: "ms",
            basis: RangeBasis::Assumed,
        };
        vec![
            self.over(share, |inputs, value| {
                inputs.placed[index].cold_start.share = value
            }),
            self.over(extra, |inputs, value| {
                inputs.placed[index].cold_start.extra_s = value / 1e3;
            }),
        ]
    }

    /// The reserve that policy wants left; `None` for functions.
    fn reserve(&self, index: usize, placed: &SizedPlacement<'_>) -> Option<Sensitivity> {
        self.drawn.priced.sizing(index, &self.drawn.central)?;
        let reserve = placed.placement.reserve();
        let input = Input {
            name: format!("reserve of {}", placed.label),
            range: [
                (reserve - RESERVE).max(0.0),
                (reserve + RESERVE).min(MOST_RESERVE),
            ],
            unit: "share of capacity",
            basis: RangeBasis::Choice,
        };
        // The policy's reserve moves; what an objective asks for stays beside it.
        Some(self.over(input, |inputs, value| inputs.placed[index].reserve = value))
    }

    /// How much busier the busiest minute is: by its burst, and by the peak hour's share where the study
    /// states one.
    fn busiest_minute(&self) -> Vec<Sensitivity> {
        let customers = &self.drawn.priced.study.customers;
        let burst = customers.burst;
        let of_burst = Input {
            name: "burst of the busiest minute".to_owned(),
            range: FIFTH.map(|factor| (factor * burst).max(1.0)),
            unit: "",
            basis: RangeBasis::Assumed,
        };
        let mut found = vec![self.over(of_burst, |inputs, value| inputs.busier = value / burst)];
        if let Some(share) = customers
            .peak_hour_share
            .map(|share| share.get())
            .filter(|share| *share > 0.0)
        {
            let of_share = Input {
                name: "share of a day's work in its peak hour".to_owned(),
                range: FIFTH.map(|factor| (factor * share).min(1.0)),
                unit: "share",
                basis: RangeBasis::Assumed,
            };
            found.push(self.over(of_share, |inputs, value| inputs.busier = value / share));
        }
        found
    }

    /// How often customers do each thing.
    fn rates(&self) -> impl Iterator<Item = Sensitivity> + '_ {
        let behaviours = self.drawn.priced.behaviours.iter().enumerate();
        behaviours.map(|(behaviour, name)| {
            let rate = self.drawn.central.rates_per_day[behaviour];
            let input = Input {
                name: format!("rate of {name}"),
                range: FIFTH.map(|factor| factor * rate),
                unit: "per customer and day",
                basis: RangeBasis::Assumed,
            };
            self.over(input, move |inputs, value| {
                if rate > 0.0 {
                    inputs.rates_per_day[behaviour] *= value / rate;
                }
            })
        })
    }

    /// All prices of the books together.
    fn prices(&self) -> Sensitivity {
        let input = Input {
            name: "prices of the books".to_owned(),
            range: TENTH,
            unit: "of today's",
            basis: RangeBasis::Assumed,
        };
        self.over(input, |inputs, value| inputs.price_level = value)
    }

    /// Every parameter of the study with a range.
    fn parameters(&self) -> Result<Vec<Sensitivity>, ModelError> {
        let outcome_at = |name: &String, value: f64| {
            let mut set = self.drawn.set.clone();
            set.insert(name.clone(), value);
            let there = DrawnConfig::central_only(self.context, self.drawn.priced.name, &set)?;
            let case = CentralCase::new(self.context, &there)?;
            Ok(case.outcome(case.path(), |_| {}))
        };
        let ranges = self
            .context
            .study
            .parameters
            .iter()
            .filter_map(|(name, parameter)| Some((name, parameter.range()?)));
        let mut found = Vec::new();
        for (name, range) in ranges {
            match (outcome_at(name, range[0]), outcome_at(name, range[1])) {
                (Ok(low), Ok(high)) => {
                    let input = Input {
                        name: format!("parameter {name}"),
                        range,
                        unit: "",
                        basis: RangeBasis::Stated,
                    };
                    found.push(self.results(input, [low, high]));
                }
                // A wide range may leave what a formula is defined for: there is no cost there, and a caveat
                // counts such draws.
                (Err(ModelError::Rates(_)), _) | (_, Err(ModelError::Rates(_))) => {}
                (Err(error), _) | (_, Err(error)) => return Err(error),
            }
        }
        Ok(found)
    }
}
