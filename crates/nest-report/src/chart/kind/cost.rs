//! Cost of 1,000 customers by their number: 1/N between steps, vertical where a server is added.

mod saw_tooth;

use nest_data::projection::{BreakKind, Chart, ConfigProjection, Curve};

use self::saw_tooth::{Step, lens, saw_tooth};

use crate::{
    chart::{
        about::{
            subject::{BANDS, DOTTED, FAINT, FILLS, LINES, NAMES, NOTE, Subject, WALL},
            text::{name, sentence, short, value, with_interval},
        },
        draw::{
            axis,
            frame::{BEYOND_TEST, Frame, LINE},
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

/// Distance of two numbers of customers that is none, as a share.
const SAME: f64 = 0.001;
/// Distance of two costs at their end that is hardly seen, as a share of the base's.
const BESIDE: f64 = 0.06;
/// Most steps with a word.
const MOST_WORDS: usize = 4;

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

/// Steps inside the curve: units that are needed, and limits from which on more is priced than allowed.
fn steps(config: &ConfigProjection, curve: &Curve) -> Vec<Step> {
    let of_curve = if has_one_mix(config) {
        config.unit_steps.as_slice()
    } else {
        &[]
    };
    let units = of_curve.iter().map(|step| {
        let unit = plain(&words::unit_of(config, &step.resource));
        (step.customers, Some((step.units, unit)), step.allowed)
    });
    let known: Vec<f64> = of_curve.iter().map(|step| step.customers.value).collect();
    let is_new = |at: f64| known.iter().all(|known| (known - at).abs() > SAME * at);
    let limits = config
        .break_points
        .iter()
        .filter(|point| point.kind == BreakKind::OverReserve)
        .filter_map(|point| Some((point.customers.filter(|at| is_new(at.value))?, None, false)));
    let ends = curve.points.first().zip(curve.points.last());
    let inside = |at: f64| ends.is_some_and(|(first, last)| (first[0]..last[0]).contains(&at));
    let mut steps: Vec<Step> = units
        .chain(limits)
        .filter(|(customers, _, _)| inside(customers.value))
        .map(|(customers, units, allowed)| Step {
            at: customers.value,
            low: customers.low,
            high: customers.high,
            units,
            allowed,
        })
        .collect();
    steps.sort_by(|left, right| left.at.total_cmp(&right.at));
    steps
}

/// Whether steps of growth lie where those of today's mix of customers do, for which the curve is drawn.
fn has_one_mix(config: &ConfigProjection) -> bool {
    let Some(next) = config.bill.next_stair else {
        return true;
    };
    let mut allowed = config.unit_steps.iter().filter(|step| step.allowed).peekable();
    allowed.peek().is_none() || allowed.any(|step| (step.customers.value - next).abs() <= SAME * next)
}

/// The steps of the base that are worth a word: those it may take, and the first that it may not.
fn worded<'a>(series: &'a [Series]) -> Vec<&'a Step> {
    let steps = series.first().map_or(&[][..], |base| base.steps.as_slice());
    let first_forbidden = steps.iter().position(|step| !step.allowed).unwrap_or(steps.len());
    steps.iter().take(first_forbidden + 1).take(MOST_WORDS).collect()
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
    let base = series
        .first()
        .map_or_else(String::new, |base| name(&base.config.name));
    parts.extend(worded(series).into_iter().map(|step| {
        let what = step.units.as_ref().map_or_else(
            || "more".to_owned(),
            |(units, unit)| format!("{} {unit}", words::an_ordinal(*units)),
        );
        let allowed = if step.allowed {
            ""
        } else {
            ", which you do not allow"
        };
        format!(
            "From {} customers on {base} needs {what}{allowed}.",
            words::customers(step.at)
        )
    }));
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
    let several = series.len() > 2;
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
            let than = if several {
                format!(" than {}", short(&crossover.below))
            } else {
                String::new()
            };
            let words = format!(
                "from {} on {} is cheaper{than}",
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
    frame.beyond(&mut sheet, chart.tested_to, BEYOND_TEST);
    axis::vertical(&mut sheet, &frame, "", |tick| axis::money(tick, currency));
    sheet.text(
        STRONG,
        Anchor::Start,
        (0.0, 14.0),
        "Cost of 1,000 customers a month",
    );
    if let Some(base) = series.first() {
        series
            .iter()
            .rev()
            .for_each(|one| bands(&mut sheet, &frame, one, base));
    }
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

/// The band of a set-up, unless its line runs so near the base's that it would only hide that one's.
fn bands(sheet: &mut Sheet, frame: &Frame, one: &Series, base: &Series) {
    let beside = one.role > 0 && (ends(one).1 - ends(base).1).abs() < BESIDE * ends(base).1;
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
    if one.steps.is_empty() && !beside {
        frame.band(sheet, BANDS[one.role], &points);
    }
    for step in one.steps.iter().filter(|_| !beside) {
        frame.band(sheet, BANDS[one.role], &lens(&one.curve.points, step));
    }
}

fn wall(sheet: &mut Sheet, subject: &Subject, frame: &Frame, most: f64) {
    let Some((point, customers)) = subject.wall().and_then(|point| Some((point, point.customers?))) else {
        return;
    };
    let label = words::capital(&plain(&words::limit_label(point)));
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
    let count = words::count(&customers);
    let texts = [
        label,
        if sheet.is_narrow() {
            count
        } else {
            format!("{count} customers")
        },
    ];
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
    let Some(base) = series.first() else {
        return;
    };
    let line = saw_tooth(&base.curve.points, &positions(&base.steps));
    let edges = frame.edges();
    for step in worded(series) {
        let at_step = line
            .iter()
            .filter(|point| point.0 == step.at)
            .map(|point| point.1);
        let at = frame.at((step.at, at_step.fold(f64::INFINITY, f64::min)));
        let text = match (&step.units, step.allowed) {
            (None, _) => "more than you allow".to_owned(),
            (Some((_, unit)), true) => format!("+ {unit}"),
            (Some((_, unit)), false) => format!("+ {unit}, not allowed"),
        };
        let inside = |place: &(Anchor, Point)| place.1.1 < edges.bottom - 4.0 && place.1.1 > edges.top + 12.0;
        // What is no more allowed lies to the right of the line.
        let on_its_side = |place: &(Anchor, Point)| step.units.is_some() || place.0 == Anchor::Start;
        let places: Vec<(Anchor, Point)> = Sheet::around((at.0, at.1 + 8.0))
            .into_iter()
            .filter(|place| inside(place) && on_its_side(place))
            .collect();
        sheet.place(FAINT, &text, &places);
    }
}
