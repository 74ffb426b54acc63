//! Charts as SVG text, drawn by plotters' SVG backend.

mod about;
mod colour;
mod draw;
mod figure;
mod gallery;
mod kind;
#[cfg(feature = "png")]
mod picture;
mod standalone;
mod style;
#[cfg(test)]
mod tests;

use nest_data::Projection;

pub(crate) use colour::{COLOURS, Colour};
pub(crate) use figure::{Figure, FigureKind};
pub use gallery::gallery;
pub(crate) use kind::fit::farthest_answers;
pub(crate) use style::CHART_CSS;

use self::about::{
    driver::{causes, largest},
    subject::Subject,
};
use crate::error::ReportError;

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

/// The largest part of the headline's bill by what causes it: `Stand-by server $73.58 (43 %)`.
pub(crate) fn largest_cause(projection: &Projection) -> Option<String> {
    let subject = Subject::new(projection)?;
    let parts = causes(&subject, &subject.base.bill.drivers);
    largest(&parts, subject.currency())
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

/// File name and PNG bytes of each chart, twice as large as on a page: the files of [`charts`] in the bundled
/// font.
///
/// # Errors
/// [`ReportError::Chart`] if a chart cannot be drawn.
#[cfg(feature = "png")]
pub fn pictures(projection: &Projection) -> Result<Vec<(String, Vec<u8>)>, ReportError> {
    let picture = |(file, svg): (String, String)| {
        let slug = file.trim_end_matches(".svg").to_owned();
        match picture::png(&svg) {
            Ok(bytes) => Ok((format!("{slug}.png"), bytes)),
            Err(reason) => Err(ReportError::Chart { id: slug, reason }),
        }
    };
    charts(projection)?.into_iter().map(picture).collect()
}
