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

pub(crate) use palette::variables;
pub(crate) use svg::{INLINE_CSS, series_rules};

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

impl Drawing<'_> {
    /// Whether it shows money.
    pub(crate) fn is_money(&self) -> bool {
        matches!(self.chart.y, Axis::Money(_))
    }

    /// As an element of a page that contains the style.
    pub(crate) fn inline(&self) -> String {
        svg::inline(self.chart, &self.slug, &self.elements, self.size)
    }
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
pub(crate) fn drawings(projection: &Projection) -> Result<Vec<Drawing<'_>>, ReportError> {
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
