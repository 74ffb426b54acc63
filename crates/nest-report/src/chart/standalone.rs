//! A figure as a file of its own: title, source and date inside, literal colours, a background of its own.

use nest_data::Projection;

use super::{
    colour::literal,
    draw::{
        measure,
        sheet::{Anchor, Look, MUTED, Sheet},
    },
    figure::{Figure, plain},
    style::CHART_CSS,
};
use crate::{format, markup};

/// Room around the picture, in pixels.
const MARGIN: f64 = 24.0;
/// Size of the title, in pixels.
const TITLE: f64 = 19.0;
/// Height of a line of the title, in pixels.
const TITLE_LINE: f64 = 25.0;
/// Height of a line of the key, in pixels.
const KEY_LINE: f64 = 17.0;

/// The file.
pub(super) fn document(projection: &Projection, figure: &Figure) -> Result<String, String> {
    let sheet = &figure.sheets[0];
    let width = sheet.width + 2.0 * MARGIN;
    let title = measure::wrapped(&figure.title, TITLE, true, sheet.width, 2);
    let key = MUTED.wrap(&figure.key, sheet.width, 3);
    let above = MARGIN + title.len() as f64 * TITLE_LINE + key.len() as f64 * KEY_LINE + 14.0;
    let height = above + sheet.height.ceil() + 34.0 + MARGIN;
    let name = &figure.slug;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"ch\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{name}-t {name}-d\">\n\
         <title id=\"{name}-t\">{}</title>\n<desc id=\"{name}-d\">{}</desc>\n<style>\n{}</style>\n\
         <rect class=\"fp\" width=\"{width}\" height=\"{height}\"/>\n{}\
         <g transform=\"translate({MARGIN} {above})\">\n{}</g>\n</svg>\n",
        markup::escape(&figure.title),
        markup::escape(&figure.description),
        css(),
        words(projection, figure, &title, &key, height)?,
        sheet.elements()?
    ))
}

/// The rules with literal colours; those of the title on top.
fn css() -> String {
    literal(&format!("{CHART_CSS}.ch .q{{font-size:{TITLE}px}}\n"))
}

/// Title and key above the picture, the source below it.
fn words(
    projection: &Projection,
    figure: &Figure,
    title: &[String],
    key: &[String],
    height: f64,
) -> Result<String, String> {
    let look = Look {
        class: "i s q",
        size: TITLE,
        bold: true,
    };
    let width = figure.sheets[0].width;
    let mut sheet = Sheet::new(width + 2.0 * MARGIN, height);
    for (row, line) in title.iter().enumerate() {
        sheet.text(
            look,
            Anchor::Start,
            (MARGIN, MARGIN + 16.0 + row as f64 * TITLE_LINE),
            line,
        );
    }
    let below = MARGIN + title.len() as f64 * TITLE_LINE + 10.0;
    for (row, line) in key.iter().enumerate() {
        sheet.text(
            MUTED,
            Anchor::Start,
            (MARGIN, below + row as f64 * KEY_LINE),
            line,
        );
    }
    let source = MUTED.fit(&source(projection), width);
    sheet.text(MUTED, Anchor::Start, (MARGIN, height - MARGIN + 6.0), &source);
    sheet.elements()
}

/// Where the numbers come from: study, run and date.
fn source(projection: &Projection) -> String {
    plain(&format!(
        "{} · made for {} from the load test {} · {}",
        projection.study.name,
        format::day(projection.as_of),
        projection.model.run,
        projection.header.made_by
    ))
}
