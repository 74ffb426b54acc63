//! Numbers in the cells of a CSV file: one rule for `curve`, `growth` and `demand`.

/// Words for a value that was not recorded, in any case.
const MISSING: [&str; 7] = ["", "-", "na", "n/a", "nan", "null", "none"];
/// What may separate thousands without being taken for a decimal point.
const BLANKS: [char; 5] = [' ', '\u{a0}', '\u{202f}', '_', '\''];

/// How the numbers of a column are written.
#[derive(Debug, Clone, Copy)]
pub struct NumberColumn {
    comma_groups: bool, // whether a comma separates thousands wherever there is one
}

impl NumberColumn {
    /// The column with these cells.
    pub fn new<'a>(cells: impl Iterator<Item = &'a str>) -> Self {
        let mut with_comma = cells.filter(|cell| cell.contains(','));
        Self {
            comma_groups: with_comma.all(|cell| grouped(cell, ',').is_some()),
        }
    }

    /// The number of a cell; `None` if it was not recorded.
    ///
    /// # Errors
    /// What is wrong with the cell, as the end of a sentence: it is no number, or it may be two.
    pub fn read(self, cell: &str) -> Result<Option<f64>, String> {
        if MISSING.iter().any(|missing| cell.eq_ignore_ascii_case(missing)) {
            return Ok(None);
        }
        let plain = BLANKS.into_iter().find_map(|blank| grouped(cell, blank));
        let commas = grouped(cell, ',');
        let digits = match (plain, commas) {
            (Some(digits), _) => digits,
            (None, Some(digits)) if self.comma_groups => digits,
            (None, Some(digits)) => {
                return Err(format!(
                    "`{cell}` may be {digits} or a number with a fraction; write a point before the \
                     fraction, and \
                     no thousands separators"
                ));
            }
            (None, None) => cell.to_owned(),
        };
        let number = digits.parse::<f64>().ok().filter(|number| number.is_finite());
        number
            .map(Some)
            .ok_or_else(|| format!("`{cell}` is not a number"))
    }
}

/// The digits of a number whose thousands are all separated by one character: `1,038` and `-1,234,567.5` are
/// by a comma; `None` for any other text.
fn grouped(cell: &str, separator: char) -> Option<String> {
    let unsigned = cell.trim_start_matches(['+', '-']);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut groups = whole.split(separator);
    let is_digits = |text: &str| text.chars().all(|digit| digit.is_ascii_digit());
    let first = groups
        .next()
        .filter(|first| (1..=3).contains(&first.len()) && is_digits(first))?;
    let mut more = groups.clone().peekable();
    more.peek()?;
    let fits =
        first != "0" && is_digits(fraction) && groups.all(|group| group.len() == 3 && is_digits(group));
    fits.then(|| cell.replace(separator, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cells: &[&str]) -> Vec<Result<Option<f64>, String>> {
        let column = NumberColumn::new(cells.iter().copied());
        cells.iter().map(|cell| column.read(cell)).collect()
    }

    #[test]
    fn thousands_are_read_where_they_cannot_be_a_fraction() {
        let numbers = |cells: &[&str]| -> Vec<Option<f64>> {
            read(cells)
                .into_iter()
                .map(|cell| cell.expect("readable"))
                .collect()
        };
        assert_eq!(
            numbers(&["700", "1,038", "-1,234,567.5"]),
            [Some(700.0), Some(1_038.0), Some(-1_234_567.5)]
        );
        assert_eq!(
            numbers(&["1 038", "1_038", "1'038", "1\u{202f}038"]),
            [Some(1_038.0); 4]
        );
        assert_eq!(
            numbers(&["1e3", "0.5", "-.5"]),
            [Some(1_000.0), Some(0.5), Some(-0.5)]
        );
        assert_eq!(numbers(&["", "NA", "NaN", "-", "null"]), [None; 5]);
    }

    #[test]
    fn what_may_be_a_fraction_or_is_no_number_is_named() {
        let found = read(&["1,038", "12,5"]);
        assert!(
            found[0]
                .as_ref()
                .is_err_and(|reason| reason.contains("may be 1038")),
            "{found:?}"
        );
        assert!(
            found[1]
                .as_ref()
                .is_err_and(|reason| reason.contains("is not a number")),
            "{found:?}"
        );
        for cell in ["many", "inf", "1,03", "1,0388", "0,123", "12 34", "1.038.000"] {
            assert!(read(&[cell])[0].is_err(), "{cell}");
        }
    }
}
