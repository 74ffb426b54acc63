//! Prints data to stdout; messages, errors and hints to stderr; and tables in the forms that `--format`
//! offers.

use std::io::Write;

use serde_json::{Map, Value};

use crate::{
    args::Format,
    command_error::{CommandError, ErrorCause},
    diagnostics,
};

/// A table: column names, then rows of as many cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputTable {
    pub columns: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
}

impl OutputTable {
    /// A table without rows.
    pub fn new(columns: &[&'static str]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// The table as text in one of the forms.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Human => self.human(),
            Format::Md => self.markdown(),
            Format::Csv => self.csv(),
            Format::Json => self.json(),
        }
    }

    /// Columns padded to their widest cell; the first to the left, numbers to the right.
    fn human(&self) -> String {
        let width = |column: usize| {
            self.rows
                .iter()
                .map(|row| row[column].chars().count())
                .chain([self.columns[column].chars().count()])
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let numeric: Vec<bool> = (0..self.columns.len())
            .map(|column| {
                self.rows
                    .iter()
                    .any(|row| row[column].starts_with(|c: char| c.is_ascii_digit()))
            })
            .collect();
        let line = |cells: &[String]| {
            let padded = cells.iter().enumerate().map(|(column, cell)| {
                let fill = " ".repeat(widths[column] - cell.chars().count());
                if numeric[column] {
                    format!("{fill}{cell}")
                } else {
                    format!("{cell}{fill}")
                }
            });
            format!("  {}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
        };
        let head: Vec<String> = self.columns.iter().map(ToString::to_string).collect();
        std::iter::once(line(&head))
            .chain(self.rows.iter().map(|row| line(row)))
            .collect()
    }

    fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let escaped = |row: &Vec<String>| line(row.iter().map(|cell| cell.replace('|', "\\|")).collect());
        let head = line(self.columns.iter().map(ToString::to_string).collect());
        let rule = line(vec!["---".to_owned(); self.columns.len()]);
        head + &rule + &self.rows.iter().map(escaped).collect::<String>()
    }

    fn csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer
            .write_record(&self.columns)
            .expect("memory takes everything");
        self.rows.iter().for_each(|row| {
            writer
                .write_record(row)
                .expect("rows are as long as the first line")
        });
        String::from_utf8(writer.into_inner().expect("memory takes everything")).expect("texts are UTF-8")
    }

    fn json(&self) -> String {
        let object = |row: &Vec<String>| {
            Value::Object(
                self.columns
                    .iter()
                    .zip(row)
                    .map(|(column, cell)| ((*column).to_owned(), Value::String(cell.clone())))
                    .collect::<Map<_, _>>(),
            )
        };
        let rows = Value::Array(self.rows.iter().map(object).collect());
        serde_json::to_string_pretty(&rows).expect("a list of texts") + "\n"
    }
}

/// Writes data to stdout. It is no error when the reader has gone away.
pub fn data(text: &str) -> Result<(), CommandError> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(CommandError::from),
    }
}

/// Writes a message to stderr.
pub fn talk(line: &str) {
    // A run goes on when the reader has gone away.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Prints `error: what`, indented causes, then `hint: what to do`, to stderr.
pub fn error(error: &CommandError) {
    match &error.cause {
        ErrorCause::Diagnostics(found, sources) => talk(diagnostics::render(found, sources).trim_end()),
        ErrorCause::Error(cause) => {
            talk(&format!("error: {cause}"));
            cause
                .chain()
                .skip(1)
                .for_each(|cause| talk(&format!("  caused by: {cause}")));
        }
    }
    if let Some(hint) = &error.hint {
        talk(&format!("hint: {hint}"));
    }
}

/// A time in seconds as text, in a unit of fitting size.
pub fn seconds(value: f64) -> String {
    nest_report::format::duration(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> OutputTable {
        OutputTable {
            columns: vec!["name", "value"],
            rows: vec![
                vec!["a|b".into(), "1".into()],
                vec!["c,\"d\"".into(), "20".into()],
            ],
        }
    }

    #[test]
    fn every_form_holds_every_cell() {
        assert_eq!(
            table().render(Format::Human),
            "  name   value\n  a|b        1\n  c,\"d\"     20\n"
        );
        assert_eq!(
            table().render(Format::Csv),
            "name,value\na|b,1\n\"c,\"\"d\"\"\",20\n"
        );
        assert_eq!(
            table().render(Format::Md),
            "| name | value |\n| --- | --- |\n| a\\|b | 1 |\n| c,\"d\" | 20 |\n"
        );
        let json: Value = serde_json::from_str(&table().render(Format::Json)).expect("JSON");
        assert_eq!(json[1]["value"], "20");
    }
}
