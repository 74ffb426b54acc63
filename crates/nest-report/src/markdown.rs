//! A short summary for a terminal, a repository or a pull request: at most sixty lines.

use nest_data::{
    Projection,
    projection::{ConfigProjection, UnitStep},
};
use rust_decimal::prelude::ToPrimitive;

use crate::{
    error::ReportError,
    figures::{self, Cell, PageTable},
    format, markup,
    verdict::{Subject, verdict},
    words,
};

/// Most rows of a table of the summary.
const MOST_ROWS: usize = 6;
/// Most lines of caveats of the summary; the last one holds all that are left.
const MOST_CAVEATS: usize = 10;
/// Share of what a policy changes below which its row is left out.
const NOTHING: f64 = 0.001;

/// What changes, the verdict and what to do next, with one table each of set-ups, limits and policies, and
/// every caveat in a disclosure. It has at most sixty lines.
///
/// # Errors
/// None today: the form is that of the other pages.
pub fn markdown(projection: &Projection) -> Result<String, ReportError> {
    let mut page = Page::default();
    let verdict = verdict(projection);
    page.block([format!("# {}", markup::markdown_line(&verdict.title))]);
    page.block(changes(projection).map(|change| format!("**{}**", markup::markdown_line(&change))));
    let sentences: Vec<String> = verdict
        .sentences
        .iter()
        .map(|sentence| markup::markdown_line(sentence))
        .collect();
    page.block([sentences.join(" ")]);
    let steps = verdict.actions.iter().enumerate().map(|(index, step)| {
        format!(
            "{}. **{}** {}",
            index + 1,
            markup::markdown_line(&step.what),
            markup::markdown_line(&step.why)
        )
    });
    page.block(steps);
    for table in [
        figures::totals(projection),
        figures::limits(projection),
        policies(projection),
    ] {
        page.extend_with(table);
    }
    page.block(details(projection));
    page.block([about(projection)]);
    Ok(page.text())
}

/// One section with all of its tables, by its name: `compare`, `policies` or `growth`.
///
/// # Errors
/// None today: the form is that of the other pages.
pub fn markdown_section(projection: &Projection, id: &str) -> Result<String, ReportError> {
    let mut page = Page::default();
    if let Some(section) = figures::section(projection, id) {
        page.block([format!("# {}", markup::markdown_line(&section.title))]);
        page.block(
            section
                .list
                .iter()
                .map(|text| format!("- {}", markup::markdown_line(text))),
        );
        section
            .tables
            .iter()
            .for_each(|table| page.block(lines_of(table, usize::MAX)));
        page.block(section.how.iter().map(|text| markup::markdown_line(text)));
    }
    Ok(page.text())
}

/// Blocks of lines with an empty line between them.
#[derive(Debug, Default)]
struct Page {
    lines: Vec<String>,
}

impl Page {
    fn block(&mut self, lines: impl IntoIterator<Item = String>) {
        let mut lines = lines.into_iter().peekable();
        if lines.peek().is_none() {
            return;
        }
        if !self.lines.is_empty() {
            self.lines.push(String::new());
        }
        self.lines.extend(lines);
    }

    fn extend_with(&mut self, table: Option<PageTable>) {
        if let Some(table) = table {
            self.block(lines_of(&table, MOST_ROWS));
        }
    }

    fn text(mut self) -> String {
        self.lines.push(String::new());
        self.lines.join("\n")
    }
}

/// What changes next: the unit that growth adds, or that nothing is added.
fn changes(projection: &Projection) -> impl Iterator<Item = String> {
    Subject::of(projection)
        .and_then(|subject| next_unit(&subject))
        .into_iter()
}

fn next_unit(subject: &Subject) -> Option<String> {
    let is_ahead = |step: &&UnitStep| step.customers.value > subject.headline.customers;
    let step = subject
        .config
        .unit_steps
        .iter()
        .filter(is_ahead)
        .find(|step| step.date.value.is_some())?;
    let unit = words::unit_word(Some(subject.config.platform));
    let price = unit_price(subject.projection, subject.config);
    let price = price.map_or_else(
        || "A larger bill".to_owned(),
        |price| format!("{} a month", words::change(price, subject.currency())),
    );
    let early = step.date.low.map_or_else(String::new, |low| {
        format!(" (1 chance in 20 by {})", words::full_month(low))
    });
    let allowed = if step.allowed {
        ""
    } else {
        ", which you do not allow"
    };
    Some(format!(
        "{price} from about {}{early}: one more {unit}{allowed}.",
        words::full_month(step.date.value?)
    ))
}

/// Price of one more unit for a month, if a lever of the configuration tells.
fn unit_price(projection: &Projection, config: &ConfigProjection) -> Option<f64> {
    let lever = projection
        .levers
        .iter()
        .find(|lever| lever.config == config.name && lever.unit_month.is_some())?;
    lever.unit_month?.0.to_f64()
}

/// Policies that change something, or how many there are that do not.
fn policies(projection: &Projection) -> Option<PageTable> {
    let moves = |name: &str| {
        let policy = projection
            .policies
            .iter()
            .find(|policy| words::name(&policy.name) == *name);
        policy.is_none_or(|policy| crate::verdict::policy_effect(policy).abs() >= NOTHING)
    };
    let mut table = figures::policy_totals(projection)?;
    let all = table.rows.len();
    table
        .rows
        .retain(|row| row.cells.first().is_none_or(|cell| moves(&cell.text)));
    let still = all - table.rows.len();
    if still > 0 {
        let verb = if still == 1 {
            "policy changes"
        } else {
            "policies change"
        };
        table.note = format!("{still} {verb} cost by less than 0.1 %.");
    }
    Some(table)
}

/// A table as lines: caption, header and rows, with how many rows were left out; the caption and the note
/// alone if no row is left.
fn lines_of(table: &PageTable, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    if !table.rows.is_empty() {
        lines.extend([
            format!("{}:", markup::markdown_line(&table.caption)),
            String::new(),
        ]);
        let titles = table
            .columns
            .iter()
            .map(|column| markup::markdown_line(&column.title));
        lines.push(row(titles));
        lines
            .push(row(table.columns.iter().map(|column| {
                if column.numeric { "--:" } else { ":--" }.to_owned()
            })));
    }
    for one in table.rows.iter().take(most) {
        let dress = |text: String| {
            if one.total && !text.is_empty() {
                format!("**{text}**")
            } else {
                text
            }
        };
        lines.push(row(one.cells.iter().map(cell).map(dress)));
    }
    let mut notes = Vec::new();
    if table.rows.len() > most {
        notes.push(format!(
            "{} more rows are in report.csv.",
            table.rows.len() - most
        ));
    }
    if !table.note.trim().is_empty() {
        notes.push(markup::markdown_line(table.note.trim()));
    }
    if !notes.is_empty() {
        let gap = (!lines.is_empty()).then(String::new);
        lines.extend(gap.into_iter().chain([notes.join(" ")]));
    }
    lines
}

fn row(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
}

fn cell(cell: &Cell) -> String {
    let text = markup::markdown_line(&cell.text);
    if cell.note.is_empty() {
        text
    } else {
        format!("{text} ({})", markup::markdown_line(&cell.note))
    }
}

/// Every caveat, in a disclosure.
fn details(projection: &Projection) -> Vec<String> {
    let texts: Vec<String> = projection
        .caveats
        .iter()
        .map(|caveat| markup::markdown_line(&caveat.to_string()))
        .collect();
    if texts.is_empty() {
        return vec!["No doubt was raised while measuring, fitting or projecting.".to_owned()];
    }
    let (shown, rest) = texts.split_at(texts.len().min(MOST_CAVEATS));
    let mut lines = vec![
        format!("<details><summary>{} caveats</summary>", texts.len()),
        String::new(),
    ];
    lines.extend(shown.iter().map(|text| format!("- {text}")));
    if !rest.is_empty() {
        lines.push(format!("- {}", rest.join(". ")));
    }
    lines.extend([String::new(), "</details>".to_owned()]);
    lines
}

fn about(projection: &Projection) -> String {
    format!(
        "{}: one customer is {}. Run {}, made for {} by {}. Ranges in brackets hold 9 cases of 10.",
        markup::markdown_line(&words::name(&projection.study.name)),
        markup::markdown_line(&projection.study.customer),
        markup::markdown_line(&words::name(&projection.model.run)),
        format::day(projection.as_of),
        markup::markdown_line(&projection.header.made_by)
    )
}
