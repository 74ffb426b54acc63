//! `growth`: forecasts the time series in a CSV file, without a study.

use std::{collections::BTreeMap, path::Path, thread};

use jiff::civil::Date;
use nest_model::growth::{
    HistoryCaveat, HistoryForecast, HistoryRefusal,
    calendar::{DatedCount, arrange_on},
    fit_history,
};

use crate::{
    args::{Format, GrowthArguments},
    clock,
    command_error::{CommandError, INVALID},
    csv_number::NumberColumn,
    csv_table::{self, CsvTable},
    printer::{data, talk},
    table::{Cell, Column, OutputTable, Shown, Unit},
};

/// Columns of the file.
const COLUMNS: [&str; 3] = ["series", "period", "value"];
/// Largest value of a forecast. Near the end of what numbers can hold, quantiles would all be the last of
/// them.
const LARGEST: f64 = 1e305;
/// Printed quantiles, in the order of their columns.
const QUANTILES: [f64; 5] = [0.05, 0.1, 0.5, 0.9, 0.95];
/// Columns that are printed.
const OUTPUT: [Column; 9] = [
    Column::new("series", &["series"]),
    Column::new("step", &["step"]),
    Column::new("p05", &["p05"]),
    Column::new("p10", &["p10"]),
    Column::new("p50", &["p50"]),
    Column::new("p90", &["p90"]),
    Column::new("p95", &["p95"]),
    Column::new("caveats", &["caveats"]),
    Column::for_programs(&["refused"]),
];
/// How readers see a quantile.
const DIGITS: Shown = Shown::Significant(4);

/// Rows by series, in alphabetical order; or the first cell of a series that is no number.
type SeriesRows = BTreeMap<String, Result<SeriesHistory, String>>;

/// The rows of one series.
#[derive(Debug, Clone, Default, PartialEq)]
struct SeriesHistory {
    counts: Vec<DatedCount>,
    lines: Vec<u64>, // of each row
}

impl SeriesHistory {
    /// The first line with a period that has a value.
    fn line_of(&self, period: &str) -> Option<u64> {
        let mut rows = self.counts.iter().zip(&self.lines);
        rows.find(|(count, _)| count.value.is_some() && count.period.trim() == period)
            .map(|(_, line)| *line)
    }
}

/// Why a series has no forecast.
#[derive(Debug, Clone, PartialEq)]
struct SeriesRefusal {
    reason: String,
    is_of_cell: bool, // whether a cell of it must be corrected
}

impl SeriesRefusal {
    fn of_cell(reason: String) -> Self {
        Self {
            reason,
            is_of_cell: true,
        }
    }

    fn of_history(refusal: &HistoryRefusal, history: &SeriesHistory) -> Self {
        let period = match refusal {
            HistoryRefusal::UnreadablePeriod { period } => Some(period),
            HistoryRefusal::MixedPeriods { other, .. } => Some(other),
            HistoryRefusal::TooFewValues { .. } | HistoryRefusal::NotBegun { .. } => None,
        };
        let line = period.and_then(|period| history.line_of(period));
        match line {
            Some(line) => Self::of_cell(format!("line {line}: {refusal}")),
            None => Self {
                reason: refusal.to_string(),
                is_of_cell: period.is_some(),
            },
        }
    }
}

/// What is asked of every series.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    /// Steps to forecast.
    horizon: usize,
    /// Length of the season in steps; found if not stated.
    season: Option<usize>,
    /// Day on which the history was read.
    today: Date,
}

/// The forecast of one series, or why there is none.
struct SeriesOutcome {
    name: String,
    outcome: Result<SeriesForecast, SeriesRefusal>,
}

/// Quantiles by step, and caveats about them.
struct SeriesForecast {
    steps: Vec<[f64; QUANTILES.len()]>,
    caveats: Vec<HistoryCaveat>,
}

/// Runs the verb.
pub fn run(arguments: &GrowthArguments) -> Result<(), CommandError> {
    let (series, unreadable) = read(&arguments.history)?;
    unreadable.iter().for_each(|line| talk(line));
    let wanted = Wanted {
        horizon: arguments.horizon as usize,
        season: arguments.season.map(|season| season as usize),
        today: arguments.as_of.unwrap_or_else(clock::today),
    };
    let outcomes = outcomes(&series, wanted);
    let refused = outcomes.iter().filter(|series| series.outcome.is_err()).count();
    if refused == outcomes.len() {
        talk_of(&outcomes);
        let what = if outcomes.is_empty() {
            "contains no rows".to_owned()
        } else {
            format!("has no series that can be forecast ({refused} refused)")
        };
        let message = format!("{} {what}", arguments.history.display());
        return Err(CommandError::new(INVALID, message).hint(remedy(&outcomes)));
    }
    data(&table(&outcomes, arguments.format).render(arguments.format))?;
    talk_of(&outcomes);
    if refused > 0 {
        talk(&format!("{refused} of {} series refused", outcomes.len()));
    }
    Ok(())
}

/// What to do if no series has a forecast.
fn remedy(outcomes: &[SeriesOutcome]) -> &'static str {
    let mut refusals = outcomes.iter().filter_map(|series| series.outcome.as_ref().err());
    if refusals.any(|refusal| refusal.is_of_cell) {
        "correct the cells named above"
    } else {
        "a series needs at least two values"
    }
}

/// What the verb prints as CSV for a horizon in steps, from the bytes of its file, on a day.
///
/// # Errors
/// The first line that cannot be read.
pub fn from_bytes(history: &[u8], horizon: usize, today: Date) -> Result<String, String> {
    let rows = csv_table::parse(history, &COLUMNS, &[])?;
    let (series, _) = by_series(&rows, "history");
    let wanted = Wanted {
        horizon,
        season: None,
        today,
    };
    Ok(table(&outcomes(&series, wanted), Format::Csv).render(Format::Csv))
}

/// Rows by series, and a message for each row that cannot be read.
fn read(path: &Path) -> Result<(SeriesRows, Vec<String>), CommandError> {
    let table = csv_table::read_uneven(path, &COLUMNS, &[])?;
    Ok(by_series(&table, &path.display().to_string()))
}

fn by_series(table: &CsvTable, name: &str) -> (SeriesRows, Vec<String>) {
    let mut rows = SeriesRows::new();
    let unreadable: Vec<String> = table
        .uneven
        .iter()
        .filter(|row| !row.kept)
        .map(|row| format!("{name}: {}; the row is left out", row.what))
        .collect();
    let column = NumberColumn::new(table.rows.iter().map(|row| row.cells[2].as_str()));
    for row in &table.rows {
        let [series, period, value] = &row.cells[..] else {
            continue;
        };
        let known = rows
            .entry(series.clone())
            .or_insert_with(|| Ok(SeriesHistory::default()));
        match (column.read(value), known) {
            (Ok(value), Ok(history)) => {
                history.lines.push(row.line);
                history.counts.push(DatedCount {
                    period: period.clone(),
                    value,
                });
            }
            (Err(reason), known @ Ok(_)) => *known = Err(format!("line {}: the value {reason}", row.line)),
            (_, Err(_)) => {}
        }
    }
    (rows, unreadable)
}

/// Forecasts all series on all cores; the outcomes are in alphabetical order.
fn outcomes(series: &SeriesRows, wanted: Wanted) -> Vec<SeriesOutcome> {
    let series: Vec<_> = series.iter().collect();
    let workers = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(series.len().max(1));
    // Each worker takes every n-th series, because neighbours in a file often have similar lengths.
    let share = |worker: usize| -> Vec<SeriesOutcome> {
        let mine = series.iter().skip(worker).step_by(workers);
        mine.map(|(name, rows)| SeriesOutcome {
            name: (*name).clone(),
            outcome: match rows {
                Ok(history) => forecast(&history.counts, wanted)
                    .map_err(|refusal| SeriesRefusal::of_history(&refusal, history))
                    .and_then(within_numbers),
                Err(reason) => Err(SeriesRefusal::of_cell(reason.clone())),
            },
        })
        .collect()
    };
    let mut outcomes: Vec<SeriesOutcome> = thread::scope(|scope| {
        let share = &share;
        let started: Vec<_> = (0..workers)
            .map(|worker| scope.spawn(move || share(worker)))
            .collect();
        started
            .into_iter()
            .flat_map(|worker| worker.join().expect("a forecast does not panic"))
            .collect()
    });
    outcomes.sort_by(|left, right| left.name.cmp(&right.name));
    outcomes
}

fn forecast(rows: &[DatedCount], wanted: Wanted) -> Result<SeriesForecast, HistoryRefusal> {
    let (history, mut caveats) = arrange_on(rows, wanted.season, wanted.today)?;
    let fitted: HistoryForecast = fit_history(&history, wanted.horizon)?;
    caveats.extend(fitted.caveats.iter().cloned());
    let steps = (1..=wanted.horizon)
        .map(|step| QUANTILES.map(|quantile| fitted.quantile(step, quantile)))
        .collect();
    Ok(SeriesForecast { steps, caveats })
}

/// Refuses a forecast that leaves what numbers can hold: its last steps would all be the same.
fn within_numbers(forecast: SeriesForecast) -> Result<SeriesForecast, SeriesRefusal> {
    let is_beyond = |quantiles: &[f64; QUANTILES.len()]| {
        quantiles
            .iter()
            .any(|value| value.is_nan() || value.abs() > LARGEST)
    };
    match forecast.steps.iter().position(is_beyond) {
        None => Ok(forecast),
        Some(step) => Err(SeriesRefusal {
            reason: format!(
                "its forecast passes {LARGEST:e} at step {}; use a shorter --horizon",
                step + 1
            ),
            is_of_cell: false,
        }),
    }
}

/// One line on stderr for each series with a caveat or a refusal.
fn talk_of(outcomes: &[SeriesOutcome]) {
    for series in outcomes {
        match &series.outcome {
            Err(refusal) => talk(&format!("{}: refused: {}", series.name, refusal.reason)),
            Ok(forecast) if forecast.caveats.is_empty() => {}
            Ok(forecast) => {
                let texts: Vec<String> = forecast
                    .caveats
                    .iter()
                    .map(|caveat| format!("{}: {caveat}", caveat.code()))
                    .collect();
                talk(&format!("{}: {}", series.name, texts.join("; ")));
            }
        }
    }
}

/// A row for each step of each series. Programs also get a row for each series that was refused, with the
/// reason instead of numbers.
fn table(outcomes: &[SeriesOutcome], format: Format) -> OutputTable {
    let mut table = OutputTable::new(&OUTPUT);
    for series in outcomes {
        match &series.outcome {
            Ok(forecast) => forecast_rows(&series.name, forecast, &mut table),
            Err(refusal) if matches!(format, Format::Csv | Format::Json) => {
                table.push(refused_row(&series.name, &refusal.reason));
            }
            Err(_) => {}
        }
    }
    table
}

fn forecast_rows(series: &str, forecast: &SeriesForecast, table: &mut OutputTable) {
    let caveats: Vec<String> = forecast
        .caveats
        .iter()
        .map(|caveat| caveat.code().to_owned())
        .collect();
    for (index, quantiles) in forecast.steps.iter().enumerate() {
        let mut row = vec![Cell::text(series), Cell::count(index + 1)];
        row.extend(quantiles.map(|value| Cell::Number(value, Unit::One, DIGITS)));
        row.extend([Cell::Texts(caveats.clone(), " "), Cell::Missing("")]);
        table.push(row);
    }
}

fn refused_row(series: &str, refusal: &str) -> Vec<Cell> {
    let mut row = vec![Cell::Missing(""); OUTPUT.len()];
    row[0] = Cell::text(series);
    row[OUTPUT.len() - 1] = Cell::text(refusal);
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (SeriesRows, Vec<String>) {
        by_series(
            &csv_table::parse(text.as_bytes(), &COLUMNS, &[]).expect("readable"),
            "h.csv",
        )
    }

    #[test]
    fn marks_line_ends_quotes_column_order_and_more_columns_do_not_matter() {
        let plain = parsed("series,period,value\na,1,2\na,2,3\n");
        assert_eq!(
            parsed("\u{feff}note,value,\"period\",Series\r\n\"x, y\",2,1,a\r\n, 3 ,2,a\r\n"),
            plain
        );
        assert_eq!(plain.0["a"].as_ref().expect("readable").lines, [2, 3]);
        assert_eq!(
            plain.0["a"].as_ref().expect("readable").counts[1],
            DatedCount {
                period: "2".to_owned(),
                value: Some(3.0)
            }
        );
    }

    #[test]
    fn missing_values_are_silent_and_a_cell_that_is_no_number_refuses_its_series() {
        let (rows, _) =
            parsed("series,period,value\na,1,\na,2,NaN\na,3,\"1,038\"\nb,1,2\nb,2,many\nb,3,few\n");
        let history = rows["a"].as_ref().expect("readable");
        let values: Vec<Option<f64>> = history.counts.iter().map(|row| row.value).collect();
        assert_eq!(values, [None, None, Some(1_038.0)]);
        assert_eq!(
            rows["b"],
            Err("line 6: the value `many` is not a number".to_owned())
        );
    }

    fn refusals(text: &str) -> (Vec<SeriesOutcome>, Vec<String>) {
        let wanted = Wanted {
            horizon: 2,
            season: None,
            today: jiff::civil::date(2026, 11, 30),
        };
        let outcomes = outcomes(&parsed(text).0, wanted);
        let reason = |series: &SeriesOutcome| {
            let refusal = series.outcome.as_ref().err();
            refusal.expect("a refusal").reason.clone()
        };
        let reasons = outcomes.iter().map(reason).collect();
        (outcomes, reasons)
    }

    #[test]
    fn a_period_that_cannot_be_used_is_named_by_its_line() {
        let (outcomes, reasons) =
            refusals("series,period,value\na,1,2\na,two,3\nb,1,2\nb,two,\nb,2026-11,3\n");
        assert!(
            reasons[0].starts_with("line 3: the period `two` is neither"),
            "{reasons:?}"
        );
        assert!(
            reasons[1].starts_with("line 6: the periods `1` and `2026-11`"),
            "{reasons:?}"
        );
        assert_eq!(remedy(&outcomes), "correct the cells named above");
    }

    #[test]
    fn too_few_values_are_no_fault_of_a_cell() {
        let (outcomes, reasons) = refusals("series,period,value\na,1,2\n");
        assert!(reasons[0].contains("at least 2"), "{reasons:?}");
        assert_eq!(remedy(&outcomes), "a series needs at least two values");
    }

    #[test]
    fn a_row_that_is_too_short_is_left_out_and_a_missing_column_is_an_error_each_with_its_line() {
        let (rows, unreadable) = parsed("series,period,value\na,1,2\na,2\na,3,4,5\n");
        assert_eq!(
            (rows["a"].as_ref().map(|history| history.counts.len()), unreadable),
            (
                Ok(2),
                vec!["h.csv: line 3 has 2 cells, the first line has 3; the row is left out".to_owned()]
            )
        );
        let reason =
            csv_table::parse(b"series,month,value\n", &COLUMNS, &[]).expect_err("there is no period");
        assert_eq!(
            reason,
            "line 1: column `period` is missing, there are: series, month, value"
        );
    }
}
