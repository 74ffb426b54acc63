//! What one execution of each behaviour needs of the processors, and how much of the whole that is.

use nest_data::projection::DemandRow;

use crate::{
    chart::{
        about::{
            subject::Subject,
            text::{digits, name, resource, sentence, short, two_digits},
        },
        draw::{
            rows::{Columns, RowText, heading},
            scale::{Scale, rounded_up},
            sheet::{Anchor, Edges, MUTED, Sheet},
        },
        figure::{Caption, Figure, FigureKind, compose},
    },
    error::ReportError,
    format, words,
};

/// Unit of time of a processor in a row of demand.
const SECONDS: &str = "s";
/// Name of the use without load.
const IDLE: &str = "idle";
/// Most rows of a resource.
const MOST: usize = 12;
/// Half the height of a bar, in pixels.
const HALF: f64 = 6.0;

/// A resource with the behaviours that use it, the largest share first.
struct Panel<'a> {
    resource: String,
    rows: Vec<Row<'a>>,
    unknown: Vec<String>, // behaviours whose interval holds 0
}

/// A behaviour on a resource.
struct Row<'a> {
    demand: &'a DemandRow,
    rate: f64,  // per customer and day
    share: f64, // of all work on the resource, 0-1
}

/// The figure; `None` if no time of a processor was measured.
pub(crate) fn figure(subject: &Subject) -> Result<Option<Figure>, ReportError> {
    let panels = panels(subject);
    let Some(first) = panels.first().and_then(|panel| panel.rows.first()) else {
        return Ok(None);
    };
    let largest = panels[0]
        .rows
        .iter()
        .max_by(|left, right| left.demand.estimate.value.total_cmp(&right.demand.estimate.value));
    let dearest = largest
        .filter(|row| row.demand.behaviour != first.demand.behaviour)
        .map_or_else(String::new, |row| {
            format!("; one {} needs most", short(&row.demand.behaviour))
        });
    let caption = Caption {
        kind: FigureKind::Demand,
        slug: "demand",
        title: format!(
            "{} is {} of the work{dearest}",
            words::capital(&short(&first.demand.behaviour)),
            words::share(first.share)
        ),
        key: "Time on the tested machine. Thin line: 9 in 10 cases.".to_owned(),
        description: panels.iter().map(describe).collect::<Vec<_>>().join(" "),
    };
    compose(caption, |width| draw(&panels, width)).map(Some)
}

/// Processors, those of the first wall first.
fn panels<'a>(subject: &Subject<'a>) -> Vec<Panel<'a>> {
    let wall = subject
        .wall()
        .map(|point| point.cause.as_str())
        .unwrap_or_default();
    let mut resources: Vec<&str> = Vec::new();
    for row in &subject.projection.demand {
        if row.unit == SECONDS && row.behaviour != IDLE && !resources.contains(&row.resource.as_str()) {
            resources.push(&row.resource);
        }
    }
    resources.sort_by_key(|resource| *resource != wall);
    resources
        .into_iter()
        .map(|resource| panel(subject, resource))
        .filter(|panel| !panel.rows.is_empty())
        .take(3)
        .collect()
}

fn panel<'a>(subject: &Subject<'a>, resource: &str) -> Panel<'a> {
    let of = |behaviour: &str| {
        subject
            .projection
            .rates_per_day
            .iter()
            .find(|rate| rate.0 == behaviour)
            .map_or(0.0, |rate| rate.1)
    };
    let all: Vec<&DemandRow> = subject
        .projection
        .demand
        .iter()
        .filter(|row| row.resource == resource && row.behaviour != IDLE)
        .collect();
    let work = |row: &DemandRow| row.estimate.value * of(&row.behaviour);
    let total: f64 = all.iter().map(|row| work(row)).sum();
    let (known, unknown): (Vec<&DemandRow>, Vec<&DemandRow>) =
        all.into_iter().partition(|row| row.estimate.low > 0.0);
    let mut rows: Vec<Row> = known
        .into_iter()
        .map(|demand| Row {
            demand,
            rate: of(&demand.behaviour),
            share: if total > 0.0 { work(demand) / total } else { 0.0 },
        })
        .collect();
    rows.sort_by(|left, right| right.share.total_cmp(&left.share));
    rows.truncate(MOST);
    Panel {
        resource: self::resource(resource),
        rows,
        unknown: unknown.into_iter().map(|row| name(&row.behaviour)).collect(),
    }
}

fn milliseconds(seconds: f64) -> String {
    format::duration(two_digits(seconds))
}

fn interval(row: &DemandRow) -> String {
    let [low, high] = [row.estimate.low, row.estimate.high].map(|end| format::duration(digits(end, 3)));
    format!("{}–{high}", low.trim_end_matches(" ms"))
}

fn describe(panel: &Panel) -> String {
    let rows: Vec<String> = panel
        .rows
        .iter()
        .map(|row| {
            format!(
                "{} {} ({}), {} of the work",
                name(&row.demand.behaviour),
                milliseconds(row.demand.estimate.value),
                interval(row.demand),
                words::share(row.share)
            )
        })
        .collect();
    let unknown = if panel.unknown.is_empty() {
        String::new()
    } else {
        format!("; not measurable: {}", words::listed(&panel.unknown))
    };
    sentence(&format!(
        "{} for one execution: {}{unknown}",
        panel.resource,
        rows.join(", ")
    ))
}

fn draw(panels: &[Panel], width: f64) -> Sheet {
    let mut sheet = Sheet::new(width, 4_000.0);
    let columns_of = |sides| Columns::split(sides, true, [0.34, 0.3]);
    let side_by_side = sheet.is_wide() && panels.len() == 2;
    let half = (width - 48.0) / 2.0;
    let (mut top, mut height) = (0.0, 0.0_f64);
    for (index, panel) in panels.iter().enumerate() {
        let sides = match (side_by_side, index) {
            (true, 0) => (0.0, half),
            (true, _) => (half + 48.0, width),
            (false, _) => (0.0, width),
        };
        let end = draw_panel(&mut sheet, columns_of(sides), panel, top);
        height = height.max(end);
        if !side_by_side {
            top = end + 22.0;
        }
    }
    sheet.height = height + 4.0;
    sheet
}

fn draw_panel(sheet: &mut Sheet, columns: Columns, panel: &Panel, top: f64) -> f64 {
    let (left, right) = columns.all;
    heading(
        sheet,
        (left, top + 14.0),
        right - left,
        &format!("{} for one execution", panel.resource),
    );
    let most = panel
        .rows
        .iter()
        .map(|row| row.demand.estimate.high)
        .fold(0.0, f64::max);
    let scale = Scale::linear((0.0, rounded_up(most, 5)), columns.drawn);
    let mut at = top + 26.0;
    for row in &panel.rows {
        let text = RowText {
            name: name(&row.demand.behaviour),
            note: format!("{} a day per customer", format::number(two_digits(row.rate))),
            value: milliseconds(row.demand.estimate.value),
            value_note: format!("{} of the work", words::share(row.share)),
        };
        columns.rule(sheet, at);
        columns.write(sheet, at, &text);
        let middle = columns.middle(at);
        let estimate = &row.demand.estimate;
        let edges = Edges {
            left: columns.drawn.0,
            top: middle - HALF,
            right: scale.at(estimate.value),
            bottom: middle + HALF,
        };
        sheet.bar("f0 o6", edges);
        sheet.faint_line(
            "lx t",
            &[
                (scale.at(estimate.low), middle),
                (scale.at(estimate.high), middle),
            ],
        );
        at += columns.height();
    }
    columns.rule(sheet, at);
    if !panel.unknown.is_empty() {
        let text = format!("not measurable: {}", words::listed(&panel.unknown));
        sheet.text(
            MUTED,
            Anchor::Start,
            (left, at + 18.0),
            &MUTED.fit(&text, right - left),
        );
        at += 24.0;
    }
    at
}
