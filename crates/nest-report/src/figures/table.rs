//! A table of printed cells.

use serde::Serialize;

/// A table with its caption.
#[derive(Debug, Default, Serialize)]
pub(crate) struct PageTable {
    /// What it shows.
    pub caption: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows; as many cells each as there are columns.
    pub rows: Vec<PageRow>,
    /// Whether it is shown without a click.
    pub open: bool,
    /// Whether the summary contains it.
    pub summary: bool,
}

/// A column.
#[derive(Debug, Serialize)]
pub(crate) struct Column {
    /// Its heading.
    pub title: String,
    /// Whether it holds numbers, set to the right.
    pub numeric: bool,
}

/// A row.
#[derive(Debug, Serialize)]
pub(crate) struct PageRow {
    /// Its cells.
    pub cells: Vec<Cell>,
    /// Whether it is the total of the rows above.
    pub total: bool,
}

/// A cell.
#[derive(Debug, Serialize)]
pub(crate) struct Cell {
    /// Its text; names in backticks.
    pub text: String,
    /// Web address that it links to.
    pub href: Option<String>,
}

impl PageTable {
    /// An empty table. A title that starts with `#` is that of a column of numbers.
    pub(crate) fn new(caption: impl Into<String>, titles: &[&str]) -> Self {
        let column = |title: &&str| Column {
            title: title.trim_start_matches('#').to_owned(),
            numeric: title.starts_with('#'),
        };
        Self {
            caption: caption.into(),
            columns: titles.iter().map(column).collect(),
            ..Self::default()
        }
    }

    /// Shown without a click, and part of the summary.
    pub(crate) fn leading(mut self) -> Self {
        self.open = true;
        self.summary = true;
        self
    }

    /// Shown without a click.
    pub(crate) fn opened(mut self) -> Self {
        self.open = true;
        self
    }

    /// Adds a row of texts.
    pub(crate) fn row<const N: usize>(&mut self, texts: [String; N]) {
        self.rows.push(PageRow {
            cells: texts.into_iter().map(Cell::from).collect(),
            total: false,
        });
    }

    /// Adds a row with as many texts as there are columns.
    pub(crate) fn add(&mut self, texts: Vec<String>) {
        self.rows.push(PageRow {
            cells: texts.into_iter().map(Cell::from).collect(),
            total: false,
        });
    }

    /// Adds the row of totals.
    pub(crate) fn total(&mut self, texts: impl IntoIterator<Item = String>) {
        self.rows.push(PageRow {
            cells: texts.into_iter().map(Cell::from).collect(),
            total: true,
        });
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, href: None }
    }
}
