//! A table of printed cells.

use serde::Serialize;

/// Most rows of a table; the CSV holds the others.
pub(crate) const MOST_ROWS: usize = 12;

/// A table with its caption.
#[derive(Debug, Default, Serialize)]
pub(crate) struct PageTable {
    /// What it shows.
    pub caption: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows; as many cells each as there are columns.
    pub rows: Vec<PageRow>,
    /// What is said below it, such as where the rows are that were left out; empty if nothing is.
    pub note: String,
    /// Whether it is shown without a click.
    pub open: bool,
    /// Whether it holds names of code, for engineers.
    pub code: bool,
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
#[derive(Debug, Default, Clone, Serialize)]
pub(crate) struct Cell {
    /// Its text; names in backticks.
    pub text: String,
    /// A smaller text below it, such as the interval of a value; empty if there is none.
    pub note: String,
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

    /// Shown without a click.
    pub(crate) fn opened(mut self) -> Self {
        self.open = true;
        self
    }

    /// With names of code in its cells.
    pub(crate) fn for_engineers(mut self) -> Self {
        self.code = true;
        self
    }

    /// With a text below it.
    pub(crate) fn noted(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.add(cells.to_vec());
    }

    /// Adds a row with as many cells as there are columns.
    pub(crate) fn add(&mut self, cells: Vec<Cell>) {
        self.rows.push(PageRow { cells, total: false });
    }

    /// Adds the row of totals.
    pub(crate) fn total(&mut self, cells: Vec<Cell>) {
        self.rows.push(PageRow { cells, total: true });
    }

    /// With at most twelve rows; below them stands how many there are in all, and where.
    pub(crate) fn cut(mut self) -> Self {
        let all = self.rows.len();
        if all > MOST_ROWS {
            self.rows.truncate(MOST_ROWS);
            self.note = format!(
                "The first {MOST_ROWS} of {all}; report.csv has them all. {}",
                self.note
            );
        }
        self
    }

    /// Itself, unless it has no row.
    pub(crate) fn unless_empty(self) -> Option<Self> {
        (!self.rows.is_empty()).then_some(self)
    }
}

impl Cell {
    /// A text with a smaller one below it.
    pub(crate) fn noted(text: impl Into<String>, note: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            note: note.into(),
            href: None,
        }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_table_says_where_the_rest_is() {
        let mut table = PageTable::new("x", &["a"]);
        for row in 0..20 {
            table.row([row.to_string().into()]);
        }
        let table = table.cut();
        assert_eq!(table.rows.len(), MOST_ROWS);
        assert!(table.note.starts_with("The first 12 of 20; report.csv"));
    }
}
