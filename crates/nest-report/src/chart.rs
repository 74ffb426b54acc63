//! Charts as SVG text, drawn by plotters' SVG backend.

mod axis;
mod brush;
mod frame;
mod layout;
mod legend;
mod palette;
mod plot;
mod polyline;
mod svg;

use nest_data::{
    Projection,
    projection::{Axis, Chart},
};

use crate::{error::ReportError, markup};

/// A chart as drawn, with the name of its anchor and file.
#[derive(Debug)]
pub(crate) struct Drawing<'a> {
    /// The chart.
    pub chart: &'a Chart,
    /// Its name in anchors and files.
    pub slug: String,
    elements: String,
    size: (u32, u32),
}

/// A chart for the page.
#[derive(Debug)]
pub(crate) struct Figure {
    /// What it is about.
    pub kind: FigureKind,
    /// What was found: its title.
    pub title: String,
    /// Its key in a line; may be empty.
    pub key: String,
    /// Inline SVG for wide, middle and narrow pages; empty where one serves for several.
    pub widths: [String; 3],
}

/// What a figure is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FigureKind {
    Bill,
    CostPer1000,
    Growth,
    DriversNow,
    DriversOverTime,
    Setups,
    PairedDifference,
    SmallMultiples,
    Policies,
    Segments,
    Demand,
    Tornado,
    Response,
    Fit,
    Prices,
}

/// Every figure of a projection, in reading order.
pub(crate) fn figures(projection: &Projection) -> Result<Vec<Figure>, ReportError> {
    let figure = |drawing: Drawing| Figure {
        kind: match &drawing.chart.y {
            Axis::Money(_) => FigureKind::CostPer1000,
            Axis::Seconds => FigureKind::Response,
            _ => FigureKind::Fit,
        },
        title: drawing.chart.title.clone(),
        key: drawing.chart.answer.clone(),
        widths: [
            svg::inline(drawing.chart, &drawing.slug, &drawing.elements, drawing.size),
            String::new(),
            String::new(),
        ],
    };
    Ok(drawings(projection)?.into_iter().map(figure).collect())
}

/// Style of the figures of a page.
pub(crate) fn style() -> String {
    let (light, dark) = palette::variables();
    format!(
        ":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{}\n{}\n",
        svg::INLINE_CSS,
        svg::series_rules()
    )
}

/// File name and SVG text of each chart.
///
/// # Errors
/// [`ReportError::Chart`] if a chart cannot be drawn.
pub fn charts(projection: &Projection) -> Result<Vec<(String, String)>, ReportError> {
    let file = |drawing: Drawing| {
        (
            format!("{}.svg", drawing.slug),
            svg::standalone(drawing.chart, &drawing.slug, &drawing.elements, drawing.size),
        )
    };
    Ok(drawings(projection)?.into_iter().map(file).collect())
}

/// Every chart of a projection.
fn drawings(projection: &Projection) -> Result<Vec<Drawing<'_>>, ReportError> {
    let slugs = markup::slugs(projection.charts.iter().map(|chart| chart.id.as_str()));
    projection
        .charts
        .iter()
        .zip(slugs)
        .map(|(chart, slug)| draw(chart, slug))
        .collect()
}

fn draw(chart: &Chart, slug: String) -> Result<Drawing<'_>, ReportError> {
    let (elements, size) = plot::elements(chart).map_err(|reason| ReportError::Chart {
        id: chart.id.clone(),
        reason,
    })?;
    Ok(Drawing {
        chart,
        slug,
        elements,
        size,
    })
}
