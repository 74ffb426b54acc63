//! Customers at which one configuration becomes cheaper than another.

use nest_data::{Estimate, growth::MOST_CUSTOMERS, projection::Crossover};

use crate::project::{
    break_point::is_extrapolated, config::ReadyInputs, context::Context, drawn_config::DrawnConfig,
};

/// Draws in which crossovers are looked for.
const CROSSING_DRAWS: usize = 400;
/// Most configurations of which every pair is compared: their number grows with the square.
const MOST_PAIRED: usize = 20;
/// Customer counts, spaced geometrically, at which two costs are compared.
const GRID: usize = 160;
/// How far beyond the headline's customers, both ways, crossovers are looked for.
const REACH: f64 = 100.0;
/// Steps of a bisection between two counts of the grid.
const HALVINGS: usize = 30;

/// Every pair that crosses in the point estimate; of many configurations, only the baseline with each.
pub fn crossovers(context: &Context<'_>, configs: &[DrawnConfig<'_>], baseline: usize) -> Vec<Crossover> {
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
            found.extend(crossover(
                context,
                [&configs[left], &configs[right]],
                [&costs[left], &costs[right]],
                &grid,
            ));
        }
    }
    found
}

fn crossover(
    context: &Context<'_>,
    pair: [&DrawnConfig<'_>; 2],
    costs: [&Vec<Vec<f64>>; 2],
    grid: &[f64],
) -> Option<Crossover> {
    let [left, right] = pair;
    let signs = |row: usize| -> Vec<bool> {
        costs[0][row]
            .iter()
            .zip(&costs[1][row])
            .map(|(left, right)| left > right)
            .collect()
    };
    let inputs = |drawn: &'_ DrawnConfig<'_>, row: usize| {
        if row == 0 {
            drawn.central.clone()
        } else {
            drawn.draws[row - 1].clone()
        }
    };
    // Which is cheaper in the end is asked of each draw.
    let lasting = |row: usize| -> Option<(f64, bool)> {
        let signs = signs(row);
        let last = *signs.last()?;
        let change = signs.iter().rposition(|sign| *sign != last)?;
        let (one, other) = (inputs(left, row), inputs(right, row));
        let dearer =
            |customers: f64| left.priced.cost(customers, &one) > right.priced.cost(customers, &other);
        let (mut low, mut high) = (grid[change], grid[change + 1]);
        for _ in 0..HALVINGS {
            let middle = (low * high).sqrt();
            if dearer(middle) == last {
                high = middle
            } else {
                low = middle
            }
        }
        Some((high, last))
    };
    let (value, last) = lasting(0)?;
    let mut drawn: Vec<f64> = (1..costs[0].len())
        .filter_map(lasting)
        .filter(|(_, same)| *same == last)
        .map(|(customers, _)| customers)
        .collect();
    let probability = drawn.len() as f64 / (costs[0].len() - 1).max(1) as f64;
    let central = signs(0);
    let first = central
        .windows(2)
        .position(|pair| pair[0] != pair[1])
        .map_or(value, |index| (grid[index] * grid[index + 1]).sqrt());
    let customers = Estimate::from_draws(value, &mut drawn)?;
    let (below, above) = if last { (left, right) } else { (right, left) };
    Some(Crossover {
        below: below.priced.name.to_owned(),
        above: above.priced.name.to_owned(),
        customers,
        first: first.min(value),
        probability,
        searched_to: *grid.last()?,
        extrapolated: is_extrapolated(&above.priced, context.tested_customers(), value, &above.central),
    })
}
