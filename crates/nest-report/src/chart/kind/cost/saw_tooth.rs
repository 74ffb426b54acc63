//! The exact shape of a cost that falls with 1/N and jumps where a unit is added.

use crate::chart::draw::sheet::Point;

/// Points between which a curve is drawn straight, for each gap of the projection.
const FINER: usize = 3;

/// A step of a bill: customers from which on one more unit is needed, and their 90 % interval.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub at: f64,
    pub low: f64,
    pub high: f64,
    /// Units there are from then on, and what one is called, if that is known.
    pub units: Option<(f64, String)>,
    pub allowed: bool,
}

/// Total of a bill as a function of customers between two steps.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: Point,
    slope: f64,
}

impl Stretch {
    fn per_1000(self, customers: f64) -> f64 {
        (self.from.1 + self.slope * (customers - self.from.0)) / customers * 1_000.0
    }
}

/// The bill before and after the gap that holds a step: straight lines through the two points of either side.
fn sides(points: &[[f64; 4]], gap: usize) -> Option<[Stretch; 2]> {
    let total = |index: usize| -> Option<Point> {
        let point = points.get(index)?;
        Some((point[0], point[2] * point[0] / 1_000.0))
    };
    let slope = |from: Point, to: Point| (to.1 - from.1) / (to.0 - from.0);
    let (left, right) = (total(gap)?, total(gap + 1)?);
    let before = gap
        .checked_sub(1)
        .and_then(total)
        .map(|before| slope(before, left));
    let after = total(gap + 2).map(|after| slope(right, after));
    // A slope over another step would count it in; the flatter one holds none.
    let flat = before
        .into_iter()
        .chain(after)
        .filter(|slope| *slope >= 0.0)
        .fold(f64::INFINITY, f64::min);
    let flat = if flat.is_finite() { flat } else { 0.0 };
    let or_flat = |slope: Option<f64>| slope.filter(|slope| *slope <= 3.0 * flat + 1e-12).unwrap_or(flat);
    Some([
        Stretch {
            from: left,
            slope: or_flat(before),
        },
        Stretch {
            from: right,
            slope: or_flat(after),
        },
    ])
}

/// Cost of 1,000 customers through `points` (customers, low, value, high): the total is a straight line
/// between steps, so that the cost falls with 1/N, and jumps at each of `steps`.
pub(super) fn saw_tooth(points: &[[f64; 4]], steps: &[f64]) -> Vec<Point> {
    let mut line: Vec<Point> = Vec::new();
    for (gap, pair) in points.windows(2).enumerate() {
        let (from, to) = (pair[0], pair[1]);
        line.push((from[0], from[2]));
        let inside: Vec<f64> = steps
            .iter()
            .copied()
            .filter(|step| (from[0]..to[0]).contains(step))
            .collect();
        match (inside.as_slice(), sides(points, gap)) {
            ([], _) | (_, None) => {
                let total = |point: [f64; 4]| point[2] * point[0];
                for part in 1..FINER {
                    let share = part as f64 / FINER as f64;
                    let customers = from[0] + (to[0] - from[0]) * share;
                    line.push((
                        customers,
                        (total(from) + (total(to) - total(from)) * share) / customers,
                    ));
                }
            }
            (inside, Some([left, right])) => {
                let count = inside.len() as f64;
                for (index, step) in inside.iter().enumerate() {
                    let mixed = |part: f64| {
                        left.per_1000(*step) + (right.per_1000(*step) - left.per_1000(*step)) * part / count
                    };
                    line.push((*step, mixed(index as f64)));
                    line.push((*step, mixed(index as f64 + 1.0)));
                }
            }
        }
    }
    line.extend(points.last().map(|point| (point[0], point[2])));
    line
}

/// Where the step may be: customers, cost if it comes late, cost if it comes early.
pub(super) fn lens(points: &[[f64; 4]], step: &Step) -> Vec<(f64, f64, f64)> {
    let gap = points
        .partition_point(|point| point[0] <= step.at)
        .saturating_sub(1);
    let Some([left, right]) = sides(points, gap) else {
        return Vec::new();
    };
    let most = points.last().map_or(step.high, |point| point[0]);
    let (from, to) = (step.low, step.high.min(most));
    (0..=12)
        .map(|part| from + (to - from) * f64::from(part) / 12.0)
        .map(|customers| (customers, left.per_1000(customers), right.per_1000(customers)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server for each 100 customers at 50, and 0.1 a customer.
    fn total(customers: f64) -> f64 {
        50.0 * ((customers / 100.0).floor() + 1.0) + 0.1 * customers
    }

    #[test]
    fn a_tooth_has_the_exact_cost_on_both_sides_of_a_step() {
        let points: Vec<[f64; 4]> = [60.0, 75.0, 90.0, 110.0, 130.0, 150.0]
            .map(|customers| {
                let cost = total(customers) / customers * 1_000.0;
                [customers, cost, cost, cost]
            })
            .to_vec();
        let line = saw_tooth(&points, &[100.0]);
        let at_step: Vec<f64> = line
            .iter()
            .filter(|point| point.0 == 100.0)
            .map(|point| point.1)
            .collect();
        assert_eq!(at_step.len(), 2);
        assert!(
            (at_step[0] - 600.0).abs() < 1e-9,
            "50 + 10 for 100 customers, before: {at_step:?}"
        );
        assert!(
            (at_step[1] - 1_100.0).abs() < 1e-9,
            "100 + 10 for 100 customers, after: {at_step:?}"
        );
        let between = line
            .iter()
            .find(|point| point.0 > 60.0 && point.0 < 75.0)
            .expect("a point");
        let exact = total(between.0) / between.0 * 1_000.0;
        assert!((between.1 - exact).abs() < 1e-9, "1/N between steps");
    }
}
