//! Texts of CSV files that a spreadsheet would take for a formula.

use std::borrow::Cow;

/// The text, behind an apostrophe if a spreadsheet would compute it: `=1+1` becomes `'=1+1`. Numbers stay.
///
/// The first characters are those of "CSV Injection" of the Open Worldwide Application Security Project.
#[must_use]
pub fn spreadsheet_text(text: &str) -> Cow<'_, str> {
    let computes = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if computes && text.parse::<f64>().is_err() && text.chars().count() > 1 {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_texts_and_numbers_stay() {
        for formula in ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "＝1+1"] {
            assert_eq!(spreadsheet_text(formula), format!("'{formula}"));
        }
        for other in ["-5.25", "+1e9", "a=b", "", "-", "shop"] {
            assert_eq!(spreadsheet_text(other), other);
        }
    }
}
