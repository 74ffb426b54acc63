//! One self-contained page: no script, no request, light and dark, made to be printed.

use minijinja::{
    AutoEscape, Environment, Output, State, Value, context,
    syntax::SyntaxConfig,
    value::{Serde, ValueKind},
};
use nest_data::Projection;

use crate::{
    chart,
    error::ReportError,
    figures::{self, ReadingPath},
    format, markup, sentence,
};

const PAGE: &str = "report.html";

/// The report as one HTML file that works offline, from disk and with scripts off.
///
/// # Errors
/// [`ReportError::Chart`] if a chart cannot be drawn, [`ReportError::Template`] if the page cannot be filled.
pub fn html(projection: &Projection) -> Result<String, ReportError> {
    let drawings = chart::drawings(projection)?;
    let (light, dark) = chart::variables();
    let style = format!("{}\n{}\n", chart::INLINE_CSS, chart::series_rules());
    let page = context! {
        study => projection.study.name.as_str(),
        as_of => format::day(projection.as_of),
        made_by => projection.header.made_by.as_str(),
        run => projection.model.run.as_str(),
        hash => projection.model.measured_hash.as_str(),
        sentence => sentence(projection),
        tiles => Serde(figures::tiles(projection)),
        caveats => projection.caveats.len(),
        paths => paths(),
        sections => Serde(figures::sections(projection, &drawings)),
        light => Value::from_safe_string(light),
        dark => Value::from_safe_string(dark),
        chart_style => Value::from_safe_string(style),
    };
    render(page).map_err(|source| ReportError::Template {
        template: PAGE,
        source,
    })
}

/// The reading paths, each with its name.
fn paths() -> Vec<Value> {
    [
        (ReadingPath::Product, "Product"),
        (ReadingPath::Finance, "Finance"),
        (ReadingPath::Architect, "Architecture"),
        (ReadingPath::Evidence, "Evidence"),
    ]
    .into_iter()
    .map(|(path, name)| context! { path => Serde(path), name })
    .collect()
}

fn render(page: Value) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()?,
    );
    environment.set_formatter(write_escaped);
    environment.add_filter("prose", |text: &str| Value::from_safe_string(markup::prose(text)));
    environment.add_template("report.css", include_str!("../templates/report.css"))?;
    environment.add_template(PAGE, include_str!("../templates/report.html"))?;
    let css = environment.get_template("report.css")?.render(&page)?;
    environment
        .get_template(PAGE)?
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
