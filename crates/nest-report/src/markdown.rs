//! A short summary for a terminal, a repository or a pull request.

use minijinja::{Environment, context, syntax::SyntaxConfig, value::Serde};
use nest_data::Projection;

use crate::{
    error::ReportError,
    figures::{self, Section},
    format, markup, sentence,
};

const PAGE: &str = "summary.md";

/// The sentence, the costs, break points, policies, demand and every caveat, as Markdown.
///
/// # Errors
/// [`ReportError::Template`] if the summary cannot be filled.
pub fn markdown(projection: &Projection) -> Result<String, ReportError> {
    let sections: Vec<Section> = figures::sections(projection, &[])
        .into_iter()
        .filter(leading)
        .collect();
    filled(projection, sections)
}

/// One section with all of its tables, by its name: `compare`, `policies` or `growth`.
///
/// # Errors
/// [`ReportError::Template`] if the page cannot be filled.
pub fn markdown_section(projection: &Projection, id: &str) -> Result<String, ReportError> {
    let mut sections: Vec<Section> = figures::sections(projection, &[])
        .into_iter()
        .filter(|section| section.id == id)
        .collect();
    sections
        .iter_mut()
        .flat_map(|section| &mut section.tables)
        .for_each(|table| table.summary = true);
    filled(projection, sections)
}

fn filled(projection: &Projection, sections: Vec<Section>) -> Result<String, ReportError> {
    let page = context! {
        study => projection.study.name.as_str(),
        as_of => format::day(projection.as_of),
        made_by => projection.header.made_by.as_str(),
        run => projection.model.run.as_str(),
        customer => projection.study.customer.as_str(),
        sentence => sentence(projection),
        sections => Serde(sections),
        caveats => projection.caveats.iter().map(ToString::to_string).collect::<Vec<_>>(),
    };
    let render = || {
        let mut environment = Environment::new();
        environment.set_syntax(
            SyntaxConfig::builder()
                .trim_blocks(true)
                .lstrip_blocks(true)
                .keep_trailing_newline(true)
                .build()?,
        );
        environment.add_filter("line", |text: &str| markup::markdown_line(text));
        environment.add_template(PAGE, include_str!("../templates/summary.md"))?;
        environment.get_template(PAGE)?.render(page)
    };
    render().map_err(|source| ReportError::Template {
        template: PAGE,
        source,
    })
}

fn leading(section: &Section) -> bool {
    section.id == "next" || section.tables.iter().any(|table| table.summary)
}
