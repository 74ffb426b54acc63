//! Texts of CSV files that a spreadsheet would take for a formula.

use std::borrow::Cow;

/// The text, behind an apostrophe if a spreadsheet would compute it: `=1+1` becomes `'=1+1`. Numbers stay.
/// The same holds for what follows a semicolon, at which spreadsheets of many countries begin a new cell,
/// quoted or not: `a;=1+1` becomes `a;'=1+1`.
///
/// The first characters are those of "CSV Injection" of the Open Worldwide Application Security Project.
#[must_use]
pub fn spreadsheet_text(text: &str) -> Cow<'_, str> {
    if !text.split(';').any(is_computed) {
        return Cow::Borrowed(text);
    }
    let guarded = text.split(';').map(|part| {
        let apostrophe = if is_computed(part) { "'" } else { "" };
        [apostrophe, part].concat()
    });
    Cow::Owned(guarded.collect::<Vec<_>>().join(";"))
}

fn is_computed(text: &str) -> bool {
    let computes = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    computes && text.parse::<f64>().is_err() && text.chars().count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_texts_and_numbers_stay() {
        for formula in ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "＝1+1"] {
            assert_eq!(spreadsheet_text(formula), format!("'{formula}"));
        }
        assert_eq!(spreadsheet_text(";=1+1"), ";'=1+1");
        assert_eq!(spreadsheet_text("=a;-5.25;b;@c"), "'=a;-5.25;b;'@c");
        for other in ["a;b", ";", "a;-1;+2", "-5.25", "+1e9", "a=b", "", "-", "shop"] {
            assert_eq!(spreadsheet_text(other), other);
        }
    }
}
