//! Customers at which one configuration becomes cheaper than another.

use std::cmp::Ordering;

use nest_data::{Estimate, growth::MOST_CUSTOMERS, projection::Crossover};

use crate::{
    error::ModelError,
    project::{
        break_point::is_extrapolated,
        config::ReadyInputs,
        context::{Context, Moment},
        drawn_config::DrawnConfig,
    },
};

/// Draws in which crossovers are looked for.
const CROSSING_DRAWS: usize = 400;
/// Most configurations of which every pair is compared: their number grows with the square.
const MOST_PAIRED: usize = 20;
/// Customer counts, spaced geometrically, at which two costs are compared.
const GRID: usize = 160;
/// How far beyond the headline's customers, both ways, crossovers are looked for.
const REACH: f64 = 100.0;
/// Relative difference up to which two costs are the same: sums in another order end in other digits.
const SAME: f64 = 1e-9;
/// Steps of a bisection between two counts of the grid.
const HALVINGS: usize = 30;

/// Every pair that crosses in the point estimate, at the prices of the last day that is projected; of many
/// configurations, only the baseline with each.
pub fn crossovers<'a>(
    context: &Context<'a>,
    configs: &[DrawnConfig<'a>],
    baseline: usize,
) -> Result<Vec<Crossover>, ModelError> {
    let at_the_end = Moment {
        on: context.last_day(),
        ..context.now()
    };
    let repriced = |drawn: &DrawnConfig<'a>| {
        let changes = drawn.priced.changes_before(at_the_end.on);
        changes
            .then(|| drawn.moved_to(context, at_the_end, drawn.draws.len()))
            .transpose()
    };
    let repriced = configs.iter().map(repriced).collect::<Result<Vec<_>, _>>()?;
    let configs = repriced.iter().zip(configs);
    let configs: Vec<&DrawnConfig<'a>> = configs.map(|(new, old)| new.as_ref().unwrap_or(old)).collect();
    let from = (context.headline_customers() / REACH).max(1.0);
    let to = (context.headline_customers() * REACH).min(MOST_CUSTOMERS);
    let grid: Vec<f64> = (0..GRID)
        .map(|step| from * (to / from).powf(step as f64 / (GRID - 1) as f64))
        .collect();
    let draws = context.draws.len().min(CROSSING_DRAWS);
    let costs: Vec<Vec<Vec<f64>>> = configs
        .iter()
        .map(|drawn| {
            let row = |inputs: &ReadyInputs| {
                grid.iter()
                    .map(|customers| drawn.priced.cost(*customers, inputs))
                    .collect::<Vec<f64>>()
            };
            std::iter::once(&drawn.central)
                .chain(drawn.draws.iter().take(draws))
                .map(row)
                .collect()
        })
        .collect();
    let mut found = Vec::new();
    for left in 0..configs.len() {
        for right in (left + 1..configs.len())
            .filter(|right| configs.len() <= MOST_PAIRED || [left, *right].contains(&baseline))
        {
            let pair = ComparedPair {
                left: configs[left],
                right: configs[right],
                left_costs: &costs[left],
                right_costs: &costs[right],
                grid: &grid,
            };
            found.extend(pair.crossover(context));
        }
    }
    Ok(found)
}

/// Two configurations, with their costs by row (the point estimate, then each draw) at every customer count
/// of the grid.
struct ComparedPair<'c, 'a> {
    left: &'c DrawnConfig<'a>,
    right: &'c DrawnConfig<'a>,
    left_costs: &'c [Vec<f64>],
    right_costs: &'c [Vec<f64>],
    grid: &'c [f64],
}

/// Customers beyond which one of two configurations stays cheaper up to the end of the grid.
struct LastingChange {
    customers: f64,
    left_is_dearer: bool, // beyond them
}

impl ComparedPair<'_, '_> {
    /// Where the pair crosses for good; `None` if it does not in the point estimate. Draws in which another
    /// configuration is cheaper in the end do not count.
    fn crossover(&self, context: &Context<'_>) -> Option<Crossover> {
        let central = self.lasting_change(0)?;
        let draws = self.left_costs.len() - 1;
        let mut drawn: Vec<f64> = (1..=draws)
            .filter_map(|row| self.lasting_change(row))
            .filter(|change| change.left_is_dearer == central.left_is_dearer)
            .map(|change| change.customers)
            .collect();
        let probability = drawn.len() as f64 / draws.max(1) as f64;
        let customers = Estimate::from_draws(central.customers, &mut drawn)?;
        let (below, above) = if central.left_is_dearer {
            (self.left, self.right)
        } else {
            (self.right, self.left)
        };
        let tested = context.tested_customers();
        Some(Crossover {
            below: below.priced.name.to_owned(),
            above: above.priced.name.to_owned(),
            customers,
            first: self
                .first_change()
                .unwrap_or(central.customers)
                .min(central.customers),
            probability,
            searched_to: *self.grid.last()?,
            extrapolated: is_extrapolated(&above.priced, tested, central.customers, &above.central),
        })
    }

    /// What the left one costs against the right one, at every customer count of the grid.
    fn left_to_right(&self, row: usize) -> Vec<Ordering> {
        let costs = self.left_costs[row].iter().zip(&self.right_costs[row]);
        costs.map(|(left, right)| compared(*left, *right)).collect()
    }

    /// The last change on the grid in one row, narrowed down by bisection. Two that cost the same, before it
    /// or at the end, do not change places.
    fn lasting_change(&self, row: usize) -> Option<LastingChange> {
        let order = self.left_to_right(row);
        let last = *order.last()?;
        if last == Ordering::Equal || !order.contains(&last.reverse()) {
            return None;
        }
        let change = order.iter().rposition(|order| *order != last)?;
        let (left, right) = (inputs_of_row(self.left, row), inputs_of_row(self.right, row));
        let (mut low, mut high) = (self.grid[change], self.grid[change + 1]);
        for _ in 0..HALVINGS {
            let middle = (low * high).sqrt();
            let order = compared(
                self.left.priced.cost(middle, left),
                self.right.priced.cost(middle, right),
            );
            if order == last {
                high = middle
            } else {
                low = middle
            }
        }
        Some(LastingChange {
            customers: high,
            left_is_dearer: last == Ordering::Greater,
        })
    }

    /// The first change on the grid in the point estimate, in customers.
    fn first_change(&self) -> Option<f64> {
        let order = self.left_to_right(0);
        let begins = *order.iter().find(|order| **order != Ordering::Equal)?;
        let first = order.iter().position(|order| *order == begins.reverse())?;
        Some((self.grid[first - 1] * self.grid[first]).sqrt())
    }
}

/// One cost against another; equal if they differ by rounding alone.
fn compared(left: f64, right: f64) -> Ordering {
    if (left - right).abs() <= SAME * left.abs().max(right.abs()) {
        Ordering::Equal
    } else {
        left.total_cmp(&right)
    }
}

/// The point estimate's inputs in row 0, those of the draws in the rows after it.
fn inputs_of_row<'a>(drawn: &'a DrawnConfig<'_>, row: usize) -> &'a ReadyInputs {
    match row.checked_sub(1) {
        None => &drawn.central,
        Some(draw) => &drawn.draws[draw],
    }
}
