//! Charts as SVG text, drawn by plotters' SVG backend.

mod about;
mod axis;
mod brush;
mod colour;
mod draw;
mod figure;
mod frame;
mod gallery;
mod kind;
mod layout;
mod legend;
mod palette;
mod plot;
mod polyline;
mod standalone;
mod style;
mod svg;
#[cfg(test)]
mod tests;

use nest_data::{
    Projection,
    projection::{Axis, Chart},
};

pub(crate) use colour::COLOURS;
pub(crate) use figure::{Figure, FigureKind, WIDTHS};
pub use gallery::gallery;
pub(crate) use palette::variables;
pub(crate) use style::CHART_CSS;
pub(crate) use svg::{INLINE_CSS, series_rules};

use self::about::subject::Subject;
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

/// All figures in reading order; one without data is absent.
///
/// # Errors
/// [`ReportError::Chart`] if a figure cannot be drawn.
pub(crate) fn figures(projection: &Projection) -> Result<Vec<Figure>, ReportError> {
    let Some(subject) = Subject::new(projection) else {
        return Ok(Vec::new());
    };
    let kinds = [
        kind::bill::figure,
        kind::cost::figure,
        kind::growth::figure,
        kind::setups::figure,
        kind::paired::figure,
        kind::multiples::figure,
        kind::drivers::figure,
        kind::drivers_over_time::figure,
        kind::policies::figure,
        kind::segments::figure,
        kind::tornado::figure,
        kind::demand::figure,
        kind::response::figure,
        kind::fit::figure,
        kind::prices::figure,
    ];
    let mut figures = Vec::new();
    for figure in kinds {
        figures.extend(figure(&subject)?);
    }
    Ok(figures)
}

/// File name and SVG text of each chart: with title, source and date inside, in the colours of the light
/// theme.
///
/// # Errors
/// [`ReportError::Chart`] if a chart cannot be drawn.
pub fn charts(projection: &Projection) -> Result<Vec<(String, String)>, ReportError> {
    let file = |figure: &Figure| {
        let text = standalone::document(projection, figure).map_err(|reason| ReportError::Chart {
            id: figure.slug.clone(),
            reason,
        })?;
        Ok((format!("{}.svg", figure.slug), text))
    };
    figures(projection)?.iter().map(file).collect()
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
