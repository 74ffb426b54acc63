//! A short summary for a terminal, a repository or a pull request: at most sixty lines.

use nest_data::{Projection, projection::UnitStep};
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
/// Most lines of the summary.
const MOST_LINES: usize = 60;
/// Lines around the caveats: the ends of their disclosure, and what the run was, with the lines between them.
const LINES_BESIDE_CAVEATS: usize = 7;
/// Most parts of a set-up whose next unit opens the summary.
const MOST_CHANGES: usize = 2;
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
    page.block((!verdict.together.is_empty()).then(|| markup::markdown_line(&verdict.together)));
    for table in [
        figures::totals(projection),
        figures::limits(projection),
        policies(projection),
    ] {
        page.extend_with(table);
    }
    let room = MOST_LINES.saturating_sub(page.lines.len() + LINES_BESIDE_CAVEATS);
    page.block(details(projection, room));
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

/// What changes next: the unit that growth adds first to each part of the set-up; nothing if it adds none.
fn changes(projection: &Projection) -> Option<String> {
    let subject = Subject::of(projection)?;
    let mut next: Vec<&UnitStep> = Vec::new();
    let ahead = subject
        .config
        .unit_steps
        .iter()
        .filter(|step| step.customers.value > subject.headline.customers);
    for step in ahead {
        if next.iter().all(|other| other.resource != step.resource) {
            next.push(step);
        }
    }
    let parts: Vec<String> = next
        .into_iter()
        .filter_map(|step| next_unit(&subject, step))
        .take(MOST_CHANGES)
        .collect();
    (!parts.is_empty()).then(|| format!("{}.", words::capital(&parts.join("; "))))
}

fn next_unit(subject: &Subject, step: &UnitStep) -> Option<String> {
    let from = words::full_month(step.date.value?);
    let unit = words::unit_of(subject.config, &step.resource);
    let price = step.unit_month.and_then(|price| price.0.to_f64());
    let price = price.map_or_else(
        || "a larger bill".to_owned(),
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
        "{price} from about {from}{early}: one more {unit}{allowed}"
    ))
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
        notes.push(match table.rows.len() - most {
            1 => "One more row is in report.csv.".to_owned(),
            more => format!("{more} more rows are in report.csv."),
        });
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

/// Every caveat, in a disclosure: each on a line of its own, neighbours together where there is no room.
fn details(projection: &Projection, room: usize) -> Vec<String> {
    let texts: Vec<String> = projection
        .caveats
        .iter()
        .map(|caveat| markup::markdown_line(&caveat.to_string()))
        .collect();
    let heading = match texts.len() {
        0 => return vec!["No doubt was raised while measuring, fitting or projecting.".to_owned()],
        1 => "One caveat".to_owned(),
        count => format!("{count} caveats"),
    };
    let together = texts.len().div_ceil(room.max(1));
    let mut lines = vec![format!("<details><summary>{heading}</summary>"), String::new()];
    lines.extend(
        texts
            .chunks(together)
            .map(|texts| format!("- {}", texts.join(". "))),
    );
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
