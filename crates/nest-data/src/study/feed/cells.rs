//! Which cells of a CSV record stand in quotes: blanks inside of quotes belong to the cell, blanks around
//! an unquoted one do not. The csv crate reads the cells; it does not say how they were written.

/// How one cell was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellQuotes {
    /// Without quotes.
    Plain,
    /// In quotes, with so many bytes after the last of them.
    Quoted { after: usize },
}

impl CellQuotes {
    /// The cell without the blanks that do not belong to it.
    pub fn cell(self, cell: &str) -> &str {
        match self {
            Self::Plain => cell.trim(),
            Self::Quoted { after } => match cell.split_at_checked(cell.len().saturating_sub(after)) {
                Some((inside, blanks)) if blanks.trim().is_empty() => inside,
                _ => cell,
            },
        }
    }
}

/// How the cells of the record were written that `text` begins with, after empty lines.
pub fn quotes(text: &str, cells: usize) -> Vec<CellQuotes> {
    let text = text
        .trim_start_matches('\u{feff}')
        .trim_start_matches(['\r', '\n']);
    let mut bytes = text.bytes().peekable();
    let mut found = Vec::with_capacity(cells);
    while found.len() < cells {
        let is_quoted = bytes.next_if_eq(&b'"').is_some();
        if is_quoted {
            // A quote that is written twice does not end the cell.
            while let Some(byte) = bytes.next() {
                if byte == b'"' && bytes.next_if_eq(&b'"').is_none() {
                    break;
                }
            }
        }
        let after = bytes.by_ref().take_while(|byte| !b",\r\n".contains(byte)).count();
        found.push(if is_quoted {
            CellQuotes::Quoted { after }
        } else {
            CellQuotes::Plain
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_told_as_they_stand() {
        use CellQuotes::{Plain, Quoted};
        let text = "\r\n\"a,\n\"\"b\" ,c , \"d\",\"\"\r\nnext,\"line\"";
        assert_eq!(
            quotes(text, 4),
            [Quoted { after: 1 }, Plain, Plain, Quoted { after: 0 }]
        );
        assert_eq!(Quoted { after: 2 }.cell(" a   "), " a ");
        assert_eq!(Quoted { after: 1 }.cell(" ax"), " ax");
        assert_eq!(Plain.cell(" a "), "a");
    }
}
