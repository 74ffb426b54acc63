//! Makes an SVG of the backend's elements that scales, has a name for screen readers, and follows the theme.

use nest_data::projection::Chart;

use super::{
    layout::{DASH_DOTTED, DASHED},
    palette,
};
use crate::markup::escape;

/// Style of the drawn text: a system font, and a halo so that text stays readable on lines.
pub(crate) const INLINE_CSS: &str = "text{font-family:system-ui,-apple-system,\"Segoe UI\",Roboto,\
     \"Liberation Sans\",Arial,sans-serif;font-variant-numeric:tabular-nums;paint-order:stroke;\
     stroke:var(--page);stroke-width:6px;stroke-linejoin:round}";

/// Rules that swap each drawn colour for its custom property.
pub(crate) fn series_rules() -> String {
    palette::drawn()
        .map(|tone| {
            let (name, colour) = (tone.name, tone.attribute());
            format!(
                "svg [stroke=\"{colour}\"]{{stroke:var(--{name})}}\
                 svg [fill=\"{colour}\"]{{fill:var(--{name})}}\n"
            )
        })
        .collect()
}

/// As an element of a page that contains the style.
pub(super) fn inline(chart: &Chart, slug: &str, elements: &str, size: (u32, u32)) -> String {
    document(chart, slug, elements, size, "", "")
}

fn document(
    chart: &Chart,
    slug: &str,
    elements: &str,
    (width, height): (u32, u32),
    namespace: &str,
    style: &str,
) -> String {
    let (title, answer) = (escape(&chart.title), escape(&chart.answer.replace('`', "")));
    let (tile, hatch, line) = (16, palette::HATCH.attribute(), 3);
    format!(
        "<svg{namespace} viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-labelledby=\"{slug}-title {slug}-desc\">\n\
         <title id=\"{slug}-title\">{title}</title>\n<desc id=\"{slug}-desc\">{answer}</desc>\n{style}\
         <defs><pattern id=\"{slug}-hatch\" width=\"{tile}\" height=\"{tile}\" \
         patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
         <line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"{tile}\" stroke=\"{hatch}\" stroke-width=\"{line}\"/>\
         </pattern></defs>\n{}</svg>\n",
        dressed(elements, slug)
    )
}

/// Adds what the backend cannot draw: dashes to lines of certain widths, and the hatch to areas of its
/// colour.
fn dressed(elements: &str, slug: &str) -> String {
    let dashes = |width: u32, pattern: &str| {
        (
            format!(" stroke-width=\"{width}\""),
            format!(" stroke-width=\"{width}\" stroke-dasharray=\"{pattern}\""),
        )
    };
    let (dashed, with_dashes) = dashes(DASHED, "14 9");
    let (dotted, with_dots) = dashes(DASH_DOTTED, "20 7 4 7");
    let hatch = format!("fill=\"{}\"", palette::HATCH.attribute());
    elements
        .replace(&dashed, &with_dashes)
        .replace(&dotted, &with_dots)
        .replace(&hatch, &format!("fill=\"url(#{slug}-hatch)\""))
}
