//! Cost of 1,000 customers by their number: 1/N between steps, vertical where a server is added.

use nest_data::projection::{Chart, ConfigProjection, Curve};

use crate::{
    chart::{
        about::{
            subject::{BANDS, DOTTED, FAINT, FILLS, LINES, NAMES, NOTE, Subject, WALL},
            text::{name, ordinal, sentence, short, value, with_interval},
        },
        draw::{
            axis,
            frame::{Frame, LINE},
            scale::{Scale, rounded_up},
            sheet::{Anchor, Edges, Look, Point, STRONG, Sheet, spread},
        },
        figure::{Caption, Figure, FigureKind, compose, plain},
    },
    error::ReportError,
    words,
};

/// Name of the curves in the projection.
const ID: &str = "cost-per-1000";
/// Height of the plot, in pixels.
const HEIGHT: f64 = 280.0;
/// How far the axis reaches above what is paid now and later, as a factor: few customers cost any amount
/// each.
const ABOVE: f64 = 1.6;
/// Points between which a curve is drawn straight, for each gap of the projection.
const FINER: usize = 3;

/// A step of a bill: customers from which on one more unit is needed, and their 90 % interval.
#[derive(Debug, Clone, Copy)]
struct Step {
    at: f64,
    low: f64,
    high: f64,
    units: f64,
    allowed: bool,
}

/// One set-up in the plot.
struct Series<'a> {
    config: &'a ConfigProjection,
    role: usize,
    curve: &'a Curve,
    steps: Vec<Step>,
}

/// The figure; `None` if the projection has no such curves.
pub(crate) fn figure(subject: &Subject) -> Result<Option<Figure>, ReportError> {
    let Some(chart) = subject.projection.charts.iter().find(|chart| chart.id == ID) else {
        return Ok(None);
    };
    let series = series(subject, chart);
    if series.is_empty() {
        return Ok(None);
    }
    let caption = Caption {
        kind: FigureKind::CostPer1000,
        slug: ID,
        title: title(&series),
        key: key(&series),
        description: description(subject, &series),
    };
    compose(caption, |width| draw(subject, chart, &series, width)).map(Some)
}

fn series<'a>(subject: &Subject<'a>, chart: &'a Chart) -> Vec<Series<'a>> {
    let of = |config: &'a ConfigProjection| {
        let curve = chart
            .curves
            .iter()
            .find(|curve| curve.name == config.name && is_drawable(curve))?;
        Some(Series {
            config,
            role: subject.role(&config.name),
            curve,
            steps: steps(config, curve),
        })
    };
    subject.shown().into_iter().filter_map(of).collect()
}

fn is_drawable(curve: &Curve) -> bool {
    let finite = |point: &[f64; 4]| point[0].is_finite() && point[0] > 0.0 && point[2].is_finite();
    curve.points.len() > 1 && curve.points.iter().all(finite)
}

fn steps(config: &ConfigProjection, curve: &Curve) -> Vec<Step> {
    let ends = curve
        .points
        .first()
        .zip(curve.points.last())
        .map(|(first, last)| first[0]..last[0]);
    let mut steps: Vec<Step> = config
        .unit_steps
        .iter()
        .filter(|step| {
            ends.as_ref()
                .is_some_and(|ends| ends.contains(&step.customers.value))
        })
        .map(|step| Step {
            at: step.customers.value,
            low: step.customers.low,
            high: step.customers.high,
            units: step.units,
            allowed: step.allowed,
        })
        .collect();
    steps.sort_by(|left, right| left.at.total_cmp(&right.at));
    steps
}

fn title(series: &[Series]) -> String {
    let Some(base) = series.first() else {
        return String::new();
    };
    let (first, last) = ends(base);
    match (last < first * 0.97, last > first * 1.03) {
        (true, _) if base.steps.is_empty() => "More customers make each one cheaper".to_owned(),
        (true, _) => "More customers make each one cheaper, until a server is added".to_owned(),
        (_, true) => "More customers make each one dearer".to_owned(),
        _ => "Each customer costs about the same, however many come".to_owned(),
    }
}

/// Cost of 1,000 customers now and at the end of the curve.
fn ends(series: &Series) -> (f64, f64) {
    let last = series.curve.points.last().map_or(0.0, |point| point[2]);
    (value(&series.config.bill.per_1000), last)
}

fn key(series: &[Series]) -> String {
    let stepped = series.iter().any(|one| !one.steps.is_empty());
    let lens = if stepped {
        " At a step: between its early and its late position."
    } else {
        ""
    };
    format!("Shaded: 9 in 10 cases.{lens} Dotted: beyond the load test.")
}

fn description(subject: &Subject, series: &[Series]) -> String {
    let customers = series.first().map_or(0.0, |one| one.config.bill.customers);
    let mut parts: Vec<String> = series
        .iter()
        .map(|one| {
            let (_, last) = ends(one);
            let most = one.curve.points.last().map_or(0.0, |point| point[0]);
            format!(
                "{}: 1,000 customers cost {} a month at {} customers and {} at {}.",
                name(&one.config.name),
                with_interval(&one.config.bill.per_1000, &one.config.currency),
                words::customers(customers),
                words::amount(last, &one.config.currency),
                words::customers(most)
            )
        })
        .collect();
    for one in series {
        parts.extend(one.steps.iter().map(|step| {
            let allowed = if step.allowed {
                ""
            } else {
                ", which you do not allow"
            };
            format!(
                "From {} customers on {} needs a {} server{allowed}.",
                words::customers(step.at),
                name(&one.config.name),
                ordinal(step.units)
            )
        }));
    }
    parts.extend(
        equal_points(subject, series)
            .into_iter()
            .map(|equal| sentence(&words::capital(&equal.words))),
    );
    parts.join(" ")
}

/// Where one set-up becomes the cheaper one of two in the plot: customers and cost, with words for it.
struct EqualPoint {
    at: Point,
    words: String,
}

fn equal_points(subject: &Subject, series: &[Series]) -> Vec<EqualPoint> {
    let Some((comparison, base)) = subject.projection.comparison.as_ref().zip(series.first()) else {
        return Vec::new();
    };
    let is = |text: &str, one: &Series| one.config.name == text;
    let shown = |below: &str, above: &str| {
        series
            .iter()
            .skip(1)
            .any(|one| (is(below, base) && is(above, one)) || (is(above, base) && is(below, one)))
    };
    comparison
        .crossovers
        .iter()
        .filter(|crossover| shown(&crossover.below, &crossover.above))
        .filter_map(|crossover| {
            let customers = crossover.customers.value;
            let smooth = series.iter().find(|one| one.steps.is_empty()).unwrap_or(base);
            let cost = at(
                &saw_tooth(&smooth.curve.points, &positions(&smooth.steps)),
                customers,
            )?;
            let words = format!(
                "from {} on {} is cheaper",
                words::count(&crossover.customers),
                short(&crossover.above)
            );
            Some(EqualPoint {
                at: (customers, cost),
                words,
            })
        })
        .collect()
}

fn at(points: &[Point], x: f64) -> Option<f64> {
    let after = points.partition_point(|point| point.0 < x);
    let pair = points.get(after.checked_sub(1)?..=after)?;
    Some(crate::chart::draw::frame::along(pair[0], pair[1], x))
}

fn positions(steps: &[Step]) -> Vec<f64> {
    steps.iter().map(|step| step.at).collect()
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
fn saw_tooth(points: &[[f64; 4]], steps: &[f64]) -> Vec<Point> {
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
fn lens(points: &[[f64; 4]], step: &Step) -> Vec<(f64, f64, f64)> {
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

fn draw(subject: &Subject, chart: &Chart, series: &[Series], width: f64) -> Sheet {
    let mut sheet = Sheet::new(width, 2_000.0);
    let currency = subject.currency();
    let wide = !sheet.is_narrow();
    let top = if wide {
        60.0
    } else {
        66.0 + series.len() as f64 * LINE
    };
    let (most, right) = (reach(series), if wide { width - 170.0 } else { width - 14.0 });
    let frame = Frame {
        x: Scale::linear((0.0, most), (52.0, right)),
        y: Scale::linear((0.0, self::top(subject, series)), (top + HEIGHT, top)),
    };
    frame.beyond(&mut sheet, chart.tested_to, ["within the load test", "beyond it"]);
    axis::vertical(&mut sheet, &frame, "", |tick| axis::money(tick, currency));
    sheet.text(
        STRONG,
        Anchor::Start,
        (0.0, 14.0),
        "Cost of 1,000 customers a month",
    );
    series.iter().rev().for_each(|one| bands(&mut sheet, &frame, one));
    for one in series.iter().rev() {
        let line = saw_tooth(&one.curve.points, &positions(&one.steps));
        frame.line(
            &mut sheet,
            [LINES[one.role], DOTTED[one.role]],
            &line,
            chart.tested_to,
        );
    }
    wall(&mut sheet, subject, &frame, most);
    names(&mut sheet, &frame, series);
    now(&mut sheet, &frame, series);
    equal(&mut sheet, subject, &frame, series);
    servers(&mut sheet, &frame, series);
    axis::customers(&mut sheet, &frame);
    sheet.height = top + HEIGHT + 42.0;
    sheet
}

fn reach(series: &[Series]) -> f64 {
    series
        .iter()
        .filter_map(|one| one.curve.points.last())
        .map(|point| point[0])
        .fold(0.0, f64::max)
}

/// The top of the axis: what is paid now or with more customers, with some room; fewer customers may leave
/// it.
fn top(subject: &Subject, series: &[Series]) -> f64 {
    let now = subject.base.bill.customers;
    let ahead = series
        .iter()
        .flat_map(|one| &one.curve.points)
        .filter(|point| point[0] >= now * 0.8);
    let highest = ahead.map(|point| point[2]).fold(0.0, f64::max);
    let paid = series.iter().map(|one| ends(one).0).fold(highest, f64::max);
    rounded_up(paid * ABOVE, axis::MOST)
}

fn bands(sheet: &mut Sheet, frame: &Frame, one: &Series) {
    let beside_a_step = |x: f64| {
        one.steps
            .iter()
            .any(|step| x > step.low * 0.9 && x < step.high * 1.1)
    };
    let points: Vec<(f64, f64, f64)> = one
        .curve
        .points
        .iter()
        .filter(|point| !beside_a_step(point[0]) && point[1].is_finite() && point[3].is_finite())
        .map(|point| (point[0], point[1], point[3]))
        .collect();
    if one.steps.is_empty() {
        frame.band(sheet, BANDS[one.role], &points);
    }
    for step in &one.steps {
        frame.band(sheet, BANDS[one.role], &lens(&one.curve.points, step));
    }
}

fn wall(sheet: &mut Sheet, subject: &Subject, frame: &Frame, most: f64) {
    let Some((point, customers)) = subject.wall().and_then(|point| Some((point, point.customers?))) else {
        return;
    };
    let label = words::capital(&plain(&words::limit_label(
        subject.projection,
        &subject.base.name,
        point,
    )));
    if customers.value > most {
        let text = format!("{label}: off to the right, at {}", words::count(&customers));
        let edges = frame.edges();
        sheet.place(
            WALL,
            &WALL.fit(&text, edges.right - edges.left),
            &[(Anchor::End, (edges.right, edges.top + 14.0))],
        );
        return;
    }
    let texts = [label, format!("{} customers", words::count(&customers))];
    frame.wall(sheet, customers.value, frame.edges().bottom, WALL, &texts);
}

fn names(sheet: &mut Sheet, frame: &Frame, series: &[Series]) {
    let edges = frame.edges();
    if sheet.is_narrow() {
        for (row, one) in series.iter().enumerate() {
            let y = 34.0 + row as f64 * LINE;
            sheet.bar(
                FILLS[one.role],
                Edges {
                    left: 0.0,
                    top: y - 6.0,
                    right: 18.0,
                    bottom: y - 3.0,
                },
            );
            let look = NAMES[one.role];
            sheet.text(
                look,
                Anchor::Start,
                (26.0, y),
                &look.fit(&name(&one.config.name), sheet.width - 26.0),
            );
        }
        return;
    }
    let wanted: Vec<f64> = series.iter().map(|one| frame.y.at(ends(one).1)).collect();
    let placed = spread(
        &wanted,
        2.0 * LINE + 4.0,
        edges.top + 8.0,
        edges.bottom - LINE - 4.0,
    );
    let (left, room) = (edges.right + 12.0, sheet.width - edges.right - 12.0);
    for (one, y) in series.iter().zip(placed) {
        let look: Look = NAMES[one.role];
        sheet.text(
            look,
            Anchor::Start,
            (left, y),
            &look.fit(&name(&one.config.name), room),
        );
        let text = words::amount(ends(one).1, &one.config.currency);
        sheet.text(STRONG, Anchor::Start, (left, y + LINE), &STRONG.fit(&text, room));
    }
}

/// What is paid now, on each line.
fn now(sheet: &mut Sheet, frame: &Frame, series: &[Series]) {
    let Some(customers) = series.first().map(|one| one.config.bill.customers) else {
        return;
    };
    for one in series {
        let at = frame.at((customers, ends(one).0));
        sheet.dot(FILLS[one.role], at, 4.5);
        let text = format!(
            "now {}",
            words::money(&one.config.bill.per_1000, &one.config.currency)
        );
        sheet.place(NAMES[one.role], &text, &Sheet::around(at));
    }
}

fn equal(sheet: &mut Sheet, subject: &Subject, frame: &Frame, series: &[Series]) {
    for equal in equal_points(subject, series) {
        if frame.x.holds(equal.at.0) && frame.y.holds(equal.at.1) {
            let at = frame.at(equal.at);
            sheet.ring(at);
            sheet.place(NOTE, &equal.words, &Sheet::around(at));
        }
    }
}

fn servers(sheet: &mut Sheet, frame: &Frame, series: &[Series]) {
    for one in series {
        let line = saw_tooth(&one.curve.points, &positions(&one.steps));
        for step in &one.steps {
            let low = line
                .iter()
                .filter(|point| point.0 == step.at)
                .map(|point| point.1)
                .fold(f64::INFINITY, f64::min);
            let at = frame.at((step.at, low));
            let text = if step.allowed {
                "+ server"
            } else {
                "+ server, not allowed"
            };
            sheet.place(FAINT, text, &Sheet::around((at.0, at.1 + 8.0))[2..]);
        }
    }
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
