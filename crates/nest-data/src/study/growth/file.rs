//! Reads the files that growth scenarios name: plans and histories, as CSV.

use std::collections::BTreeMap;

use crate::{
    diagnostic::{Diagnostic, Source},
    study::{
        Study,
        feed::line_span,
        growth::{GrowthRow, GrowthScenario, MOST_CUSTOMERS, MOST_MONTHS},
    },
    units::read_date,
};

/// Kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrowthFile {
    /// Columns month (or date) and customers; low and high if rows have a 90 % range.
    Plan,
    /// Columns period and value.
    History,
}

/// Columns by their position.
struct Columns {
    date: usize,
    customers: usize,
    range: Option<[usize; 2]>,
}

/// Reads the plans and histories of a study from the texts of their files, by file name.
///
/// # Errors
/// Everything that is wrong, over all files; a file that is missing; a scenario that asks for more months
/// than its plan covers.
pub fn read_growth_files(study: &mut Study, files: &BTreeMap<String, Source>) -> Result<(), Vec<Diagnostic>> {
    let mut found = Vec::new();
    for (name, scenario) in &mut study.growth {
        let Some((file, kind)) = growth_file(scenario) else {
            continue;
        };
        match files.get(file).map(|source| read_rows(source, kind)) {
            Some(Ok(rows)) => scenario.rows = rows,
            Some(Err(errors)) => found.extend(errors),
            None => found.push(Diagnostic::at(
                file,
                0..0,
                format!("the file of growth `{name}` does not exist"),
                "put it into the study's folder",
            )),
        }
        if scenario.months() > MOST_MONTHS {
            let message = format!("growth `{name}` covers {} months", scenario.months());
            let help = format!("add months = {MOST_MONTHS} to the scenario, the most that are projected");
            let file = scenario.plan.as_deref().unwrap_or_default();
            found.push(Diagnostic::at(file, 0..0, message, help));
        }
        if let (Some(planned), Some(file)) = (scenario.planned_months(), &scenario.plan)
            && !(1..=planned).contains(&scenario.months())
        {
            let message = format!(
                "the plan of growth `{name}` covers {planned} whole months, but {} are to be projected",
                scenario.months()
            );
            found.push(Diagnostic::at(
                file,
                0..0,
                message,
                "add rows to the plan, or reduce `months`",
            ));
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// The file that a scenario names, and what it holds.
#[must_use]
pub fn growth_file(scenario: &GrowthScenario) -> Option<(&str, GrowthFile)> {
    let plan = scenario.plan.as_deref().map(|file| (file, GrowthFile::Plan));
    plan.or_else(|| {
        scenario
            .history
            .as_deref()
            .map(|file| (file, GrowthFile::History))
    })
}

/// Reads the rows of a file, ascending by date. Columns may stand in any order, their names in any case;
/// others are ignored.
///
/// # Errors
/// Every line that is wrong: a date or number that cannot be read, a number that is not above 0, a date that
/// is not after the one before, a range that does not contain its value; and a file with fewer than two rows.
pub fn read_rows(source: &Source, file: GrowthFile) -> Result<Vec<GrowthRow>, Vec<Diagnostic>> {
    let at = |line: u64, message: String, help: &str| {
        Diagnostic::at(&source.name, line_span(&source.text, line), message, help)
    };
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(source.text.trim_start_matches('\u{feff}').as_bytes());
    let columns = reader
        .headers()
        .map_err(|error| error.to_string())
        .and_then(|header| columns(header, file));
    let columns = columns.map_err(|message| vec![at(1, message, "the first line names the columns")])?;
    let (mut rows, mut found) = (Vec::<GrowthRow>::new(), Vec::new());
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                found.push(at(
                    error.position().map_or(1, csv::Position::line),
                    format!("not CSV: {error}"),
                    "give every line one cell per column",
                ));
                continue;
            }
        };
        let line = record.position().map_or(1, csv::Position::line);
        match row(&record, &columns) {
            Ok(row) if rows.last().is_some_and(|last| last.date >= row.date) => {
                let message = format!("line {line}: {} does not come after the row before it", row.date);
                found.push(at(line, message, "write one row per date, the earliest first"));
            }
            Ok(row) => rows.push(row),
            Err(message) => found.push(at(
                line,
                format!("line {line}: {message}"),
                "write a row such as 2027-03-01,81000",
            )),
        }
    }
    if found.is_empty() && rows.len() < 2 {
        found.push(at(
            1,
            format!("the file has {} rows, at least two are needed", rows.len()),
            "add rows",
        ));
    }
    if found.is_empty() { Ok(rows) } else { Err(found) }
}

fn columns(header: &csv::StringRecord, file: GrowthFile) -> Result<Columns, String> {
    let place = |names: &[&str]| {
        header
            .iter()
            .position(|cell| names.iter().any(|name| cell.eq_ignore_ascii_case(name)))
    };
    let needed = |names: &[&str]| {
        place(names).ok_or_else(|| {
            let separated = match header.iter().next() {
                Some(only) if header.len() == 1 && only.contains(';') => {
                    "; separate columns with commas, not semicolons"
                }
                _ => "",
            };
            format!(
                "there is no column `{}`; columns: {}{separated}",
                names.join("` or `"),
                header.iter().collect::<Vec<_>>().join(", ")
            )
        })
    };
    let (dates, customers): (&[&str], &[&str]) = match file {
        GrowthFile::Plan => (&["month", "date"], &["customers"]),
        GrowthFile::History => (&["period"], &["value"]),
    };
    let range = match (file, place(&["low"]), place(&["high"])) {
        (GrowthFile::Plan, Some(low), Some(high)) => Some([low, high]),
        (GrowthFile::Plan, Some(_), None) | (GrowthFile::Plan, None, Some(_)) => {
            return Err("a range needs both columns, `low` and `high`".to_owned());
        }
        _ => None,
    };
    Ok(Columns {
        date: needed(dates)?,
        customers: needed(customers)?,
        range,
    })
}

/// Whether a number may have its thousands separated by points: `80.000`, `1.250.000`.
fn is_grouped(text: &str) -> bool {
    let (first, groups) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.chars().all(|character| character.is_ascii_digit());
    !groups.is_empty()
        && (1..=3).contains(&first.len())
        && digits(first)
        && first != "0"
        && groups.split('.').all(|group| group.len() == 3 && digits(group))
}

/// A number without what separates its thousands: `100,000`, `100_000`. Other commas stay, so that it cannot
/// be read.
fn without_separators(text: &str) -> String {
    let mut groups = text.split(',');
    let first = groups.next().unwrap_or_default();
    let digits = |part: &str| part.chars().all(|character| character.is_ascii_digit());
    let mut rest = groups.clone().peekable();
    let of_thousands = rest.peek().is_some()
        && (1..=3).contains(&first.len())
        && digits(first)
        && rest.all(|group| {
            let whole = group.split_once('.').map_or(group, |(whole, _)| whole);
            whole.len() == 3 && digits(whole)
        });
    let plain = if of_thousands {
        text.replace(',', "")
    } else {
        text.to_owned()
    };
    plain.replace('_', "")
}

fn row(record: &csv::StringRecord, columns: &Columns) -> Result<GrowthRow, String> {
    let cell = |column: usize| record.get(column).unwrap_or_default();
    let number = |column: usize| {
        let text = cell(column);
        if is_grouped(text) {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            return Err(format!(
                "{text:?} may be {digits} or a number with a fraction: write {digits}, or two digits \
                 after the point"
            ));
        }
        let number = without_separators(text)
            .parse::<f64>()
            .ok()
            .filter(|number| *number > 0.0 && *number <= MOST_CUSTOMERS);
        number.ok_or_else(|| format!("{text:?} is not a number of customers above 0 and up to 1e11"))
    };
    let text = cell(columns.date);
    let date = read_date(text).or_else(|_| read_date(&format!("{text}-01")));
    let date = date.map_err(|_| {
        format!(
            "{text:?} is neither a month such as 2027-03 nor a date such as 2027-03-01, from 1900 to 2999"
        )
    })?;
    let customers = number(columns.customers)?;
    let range = match columns.range {
        // A row with an empty range is known exactly.
        Some([low, high]) if !(cell(low).is_empty() && cell(high).is_empty()) => {
            Some([number(low)?, number(high)?])
        }
        _ => None,
    };
    match range {
        Some([low, high]) if !(low <= customers && customers <= high) => Err(format!(
            "{customers} customers are outside their range {low} to {high}"
        )),
        _ => Ok(GrowthRow {
            date,
            customers,
            range,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn plan(text: &str) -> Result<Vec<GrowthRow>, Vec<Diagnostic>> {
        read_rows(&Source::new("growth.csv", text), GrowthFile::Plan)
    }

    #[test]
    fn months_and_dates_with_and_without_a_range_are_read() {
        let rows = plan(
            "\u{feff}Low, customers,note,MONTH,high\r\n,1000,x,2027-01,\r\n900,1_100,\"a, \
            b\",2027-02-15,1500\r\n",
        )
        .expect("a plan");
        let row = |date, customers, range| GrowthRow {
            date,
            customers,
            range,
        };
        assert_eq!(
            rows,
            [
                row(date(2027, 1, 1), 1_000.0, None),
                row(date(2027, 2, 15), 1_100.0, Some([900.0, 1_500.0]))
            ]
        );
        let history = read_rows(
            &Source::new("h.csv", "period,value\n2026-01,5\n2026-02,6\n"),
            GrowthFile::History,
        )
        .expect("a history");
        assert_eq!(history.len(), 2);
    }

    #[test]
    fn thousands_may_be_separated_by_commas_and_nobody_is_no_number_of_customers() {
        let rows = plan("month,customers\n2027-01,\"100,000\"\n2027-02,\"1,250,000\"\n").expect("a plan");
        assert_eq!((rows[0].customers, rows[1].customers), (100_000.0, 1_250_000.0));
        for text in ["10,00", "1,2345", "100,5", "0"] {
            let found = plan(&format!("month,customers\n2027-01,\"{text}\"\n2027-02,7\n")).expect_err(text);
            assert!(
                found[0].message.contains("above 0 and up to 1e11"),
                "{}",
                found[0].message
            );
        }
    }

    #[test]
    fn every_bad_line_is_named() {
        let rows = "2027-01,1000,,\n2027-13,1000,,\n2027-03,-5,,\n2027-02,10,20,30\n2026-01,7,,\n";
        let found = plan(&format!("month,customers,low,high\n{rows}")).expect_err("bad");
        let messages: Vec<&str> = found.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(found.len(), 4, "{messages:?}");
        for (message, part) in messages.iter().zip([
            "line 3: \"2027-13\"",
            "line 4: \"-5\"",
            "line 5: 10 customers are outside",
            "line 6: 2026-01-01 does not",
        ]) {
            assert!(message.starts_with(part), "{message}");
        }
        assert_eq!(found[0].span, 40..54);
        for (text, part) in [
            ("a,b\n1,2\n", "there is no column `month` or `date`"),
            ("month,customers,low\n", "both columns"),
            ("month,customers\n2027-01,5\n", "at least two are needed"),
        ] {
            assert!(plan(text).expect_err(text)[0].message.contains(part), "{text}");
        }
    }
}
