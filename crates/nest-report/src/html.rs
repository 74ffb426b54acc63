//! One self-contained page: no script, no request, no style attribute, light and dark, made to be printed.

use std::fmt::Write as _;

use minijinja::{
    AutoEscape, Environment, Output, State, Value, context,
    syntax::SyntaxConfig,
    value::{Serde, ValueKind},
};
use nest_data::Projection;

use crate::{
    chart,
    error::ReportError,
    figures::{self, Section},
    format, markup,
    unit::currency,
    verdict::verdict,
    words,
};

const PAGE: &str = "report.html";
/// The page of two runs.
pub(crate) const RUNS_PAGE: &str = "runs.html";
/// Most bytes of a page whose charts are all drawn at three widths.
const MOST_BYTES: usize = 249_500;
/// Sections for few readers: in a larger page, their charts are drawn at two widths.
const FOR_FEW: [&str; 2] = ["engineers", "sources"];

/// The report as one HTML file that works offline, from disk and with scripts off.
///
/// All of its style is in one `style` element, so that a content security policy of `default-src 'none'` with
/// the hash of that element, or `'unsafe-inline'`, as `style-src` can serve it; its icon is a `data:` image.
///
/// # Errors
/// [`ReportError::Chart`] if a chart cannot be drawn, [`ReportError::Template`] if the page cannot be filled.
pub fn html(projection: &Projection) -> Result<String, ReportError> {
    let drawn = chart::figures(projection)?;
    let page = filled(projection, figures::sections(projection, &drawn))?;
    if page.len() <= MOST_BYTES {
        return Ok(page);
    }
    let mut sections = figures::sections(projection, &drawn);
    sections
        .iter_mut()
        .filter(|section| FOR_FEW.contains(&section.id))
        .for_each(Section::draw_twice);
    filled(projection, sections)
}

/// The page with these sections.
fn filled(projection: &Projection, sections: Vec<Section>) -> Result<String, ReportError> {
    let study = words::clean(&projection.study.name);
    let run = words::clean(&projection.model.run);
    let as_of = format::day(projection.as_of);
    let how = how(&sections);
    let page = context! {
        study => study.as_str(),
        as_of => as_of.as_str(),
        measured => measured(projection),
        currency => code(projection),
        made_by => words::clean(&projection.header.made_by),
        run => run.as_str(),
        verdict => Serde(verdict(projection)),
        tiles => Serde(figures::tiles(projection)),
        sections => Serde(sections),
        how => how,
    };
    filled_template(PAGE, page, &format!("{study} · {as_of} · run {run}"))
}

/// A page of ours: its template filled, with the style of all pages; `foot` stands below each printed page.
pub(crate) fn filled_template(
    template: &'static str,
    page: Value,
    foot: &str,
) -> Result<String, ReportError> {
    let style = context! {
        light => Value::from_safe_string(variables(false)),
        dark => Value::from_safe_string(variables(true)),
        foot => Value::from_safe_string(css_string(foot)),
        chart_style => Value::from_safe_string(chart::CHART_CSS.to_owned()),
    };
    render(template, page, &style).map_err(|source| ReportError::Template { template, source })
}

/// What all sections say about how their numbers come about.
fn how(sections: &[Section]) -> Vec<String> {
    sections.iter().flat_map(|section| section.how.clone()).collect()
}

/// The currency of the headline, if there is one.
fn code(projection: &Projection) -> Option<String> {
    let headline = projection.headline.as_ref()?;
    Some(words::clean(currency(projection, &headline.config)))
}

/// The day of the measurement, where it can be read.
fn measured(projection: &Projection) -> Option<String> {
    let day: jiff::civil::Date = projection.model.measured_at.get(..10)?.parse().ok()?;
    Some(format::day(day))
}

/// The colours of a theme as custom properties of CSS.
fn variables(dark: bool) -> String {
    let of = |colour: &chart::Colour| if dark { colour.dark } else { colour.light };
    chart::COLOURS
        .iter()
        .map(|colour| format!("--{}:#{:06x};", colour.name, of(colour)))
        .collect()
}

/// A text for a string of CSS, inside a page: letters, digits and spaces stay, all else is escaped.
fn css_string(text: &str) -> String {
    let mut css = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_alphanumeric() || character == ' ' {
            css.push(character);
        } else {
            let _ = write!(css, "\\{:x} ", u32::from(character));
        }
    }
    css
}

fn render(template: &str, page: Value, style: &Value) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()?,
    );
    environment.set_formatter(write_escaped);
    environment.add_filter("prose", |text: &str| Value::from_safe_string(markup::prose(text)));
    environment.add_filter("plain", |text: &str| text.replace('`', ""));
    environment.add_template("report.css", include_str!("../templates/report.css"))?;
    environment.add_template("page.html", include_str!("../templates/page.html"))?;
    environment.add_template(PAGE, include_str!("../templates/report.html"))?;
    environment.add_template(RUNS_PAGE, include_str!("../templates/runs.html"))?;
    let css = environment.get_template("report.css")?.render(style)?;
    environment
        .get_template(template)?
        .render(context! { css => Value::from_safe_string(css), ..page })
}

/// Escapes like minijinja, except that a slash stays readable: `app/cpu`, not `app&#x2f;cpu`.
fn write_escaped(out: &mut Output, state: &mut State, value: &Value) -> Result<(), minijinja::Error> {
    match (state.auto_escape(), value.as_str()) {
        (AutoEscape::Html, Some(text)) if !value.is_safe() && value.kind() == ValueKind::String => {
            Ok(out.write_str(&markup::escape(text))?)
        }
        _ => minijinja::escape_formatter(out, state, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_string_in_the_style() {
        assert_eq!(css_string("a \"</style>"), "a \\22 \\3c \\2f style\\3e ");
    }
}
