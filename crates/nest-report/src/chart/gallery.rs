//! All figures at all widths on one page, to be looked at while a chart is changed.

use nest_data::Projection;

use super::{colour::COLOURS, figure::WIDTHS, figures, style::CHART_CSS};
use crate::{error::ReportError, markup};

/// A page with every figure at every width, in the theme that the browser asks for.
///
/// # Errors
/// [`ReportError::Chart`] if a figure cannot be drawn.
pub fn gallery(projection: &Projection) -> Result<String, ReportError> {
    let variables = |dark: bool| -> String {
        let value = |colour: &super::colour::Colour| if dark { colour.dark } else { colour.light };
        COLOURS
            .iter()
            .map(|colour| format!("--{}:#{:06x};", colour.name, value(colour)))
            .collect()
    };
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Figures</title>\n<style>\n\
         :root{{color-scheme:light dark;{}}}\n@media (prefers-color-scheme:dark){{:root{{{}}}}}\n\
         body{{margin:20px;background:var(--page);color:var(--ink);font-family:sans-serif}}\n\
         p{{max-width:1080px;color:var(--muted)}}\n{CHART_CSS}</style>\n",
        variables(false),
        variables(true)
    );
    for figure in figures(projection)? {
        page.push_str(&format!(
            "<h2>{}</h2>\n<p>{}</p>\n",
            markup::escape(&figure.title),
            markup::escape(&figure.key)
        ));
        for (width, svg) in WIDTHS.iter().zip(&figure.widths) {
            page.push_str(&format!(
                "<p>{} at {width} px</p>\n{svg}",
                markup::escape(&figure.slug)
            ));
        }
        page.push_str(&format!("<p>{}</p>\n", markup::escape(&figure.description)));
    }
    page.push_str("</html>\n");
    Ok(page)
}
