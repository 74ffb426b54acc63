//! `curve`: forecasts the throughput series of a CSV file at the levels in another.

use std::{
    collections::{BTreeSet, HashMap},
    num::NonZero,
    thread,
};

use nest_model::curve::{CurveCaveat, CurveForecast, FittedCurve, LoadAxis, fit_curve};

use crate::{
    args::{CurveArguments, CurveAxis, Format},
    command_error::{CommandError, INVALID},
    csv_number::NumberColumn,
    csv_table::{self, CsvRow},
    printer::{data, talk},
    table::{Cell, Column, OutputTable, Shown, Unit},
};

/// Columns of the file of measurements, the one that it may also have, and those of the file of levels.
const DATA: [&str; 3] = ["series", "x", "y"];
const AXIS: [&str; 1] = ["axis"];
const AT: [&str; 2] = ["series", "x"];
/// Columns that are printed.
const COLUMNS: [Column; 8] = [
    Column::new("series", &["series"]),
    Column::for_readers("x"),
    Column::for_programs(&["x"]),
    Column::new("p05", &["p05"]),
    Column::new("p50", &["p50"]),
    Column::new("p95", &["p95"]),
    Column::new("law", &["law"]),
    Column::new("caveats", &["caveats"]),
];
/// How readers see a throughput: more digits than any interval supports.
const DIGITS: Shown = Shown::Significant(6);
/// Reasons that are shown at most.
const SHOWN_REASONS: usize = 5;

/// Refusals because of what a cell holds.
const OF_CELLS: [&str; 2] = ["refused_cell", "refused_axis"];

/// A series of the data file.
#[derive(Debug, Default)]
struct SeriesData {
    /// Pairs of level and throughput. A missing value or a text is NaN; the fit leaves it out and counts it.
    points: Vec<(f64, f64)>,
    unreadable: Option<String>, // the first cell that is no number
    /// The distinct texts in its `axis` cells that are not empty.
    axes: BTreeSet<String>,
}

/// Why a series or a row has no forecast: a code for the table, and a sentence.
#[derive(Debug)]
struct SeriesRefusal {
    code: &'static str,
    reason: String,
}

/// A series that was fitted, or why it was not.
type Fitted = Result<FittedCurve, SeriesRefusal>;

/// One printed row: a series at one level.
struct LevelForecast<'a> {
    series: &'a str,
    x: &'a str,
    forecast: Option<(CurveForecast, &'static str)>,
    caveats: Vec<String>,
    /// What is wrong with its own line.
    fault: Option<String>,
}

/// Runs the verb.
pub fn run(arguments: &CurveArguments) -> Result<(), CommandError> {
    let rows = csv_table::read(&arguments.data, &DATA, &AXIS)?;
    let asked = csv_table::read(&arguments.at, &AT, &[]).map_err(|error| {
        if arguments.at.exists() || arguments.at.as_os_str() == "-" {
            error
        } else {
            error.hint("--at takes a CSV file with the columns series and x")
        }
    })?;
    let (names, curves) = curves(&rows, arguments.axis);
    let forecasts: Vec<LevelForecast> = asked.iter().map(|row| forecast(row, &curves)).collect();
    data(&table(&forecasts).render(arguments.format))?;
    talk_of(&names, &curves, &forecasts);
    if curves.values().all(Result::is_err) {
        let message = format!(
            "{} contains no series that can be fitted",
            arguments.data.display()
        );
        return Err(CommandError::new(INVALID, message).hint(remedy(&curves)));
    }
    Ok(())
}

/// What to do if no series was fitted.
fn remedy(curves: &HashMap<&str, Fitted>) -> &'static str {
    let mut refusals = curves.values().filter_map(|curve| curve.as_ref().err());
    if refusals.any(|refusal| OF_CELLS.contains(&refusal.code)) {
        "correct the cells named above"
    } else {
        "a series needs at least three distinct x with y above 0"
    }
}

/// What the verb prints as CSV, from the bytes of its two files.
///
/// # Errors
/// The first line that cannot be read.
pub fn from_bytes(data: &[u8], at: &[u8]) -> Result<String, String> {
    let rows = csv_table::whole(csv_table::parse(data, &DATA, &AXIS)?)?;
    let asked = csv_table::whole(csv_table::parse(at, &AT, &[])?)?;
    let (_, curves) = curves(&rows, CurveAxis::default());
    let forecasts: Vec<LevelForecast> = asked.iter().map(|row| forecast(row, &curves)).collect();
    Ok(table(&forecasts).render(Format::Csv))
}

/// The series of a file in the order of first appearance, and their curves.
fn curves(rows: &[CsvRow], axis: CurveAxis) -> (Vec<&str>, HashMap<&str, Fitted>) {
    let names: Vec<&str> = in_order(rows.iter().map(|row| row.cells[0].as_str()));
    let fitted = fitted(&names, &inputs(rows), axis);
    let curves = names.iter().copied().zip(fitted).collect();
    (names, curves)
}

/// Each text once, in the order of first appearance.
fn in_order<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    texts.filter(|text| seen.insert(*text)).collect()
}

fn inputs(rows: &[CsvRow]) -> HashMap<&str, SeriesData> {
    let mut inputs: HashMap<&str, SeriesData> = HashMap::new();
    let columns =
        [1, 2].map(|column| NumberColumn::new(rows.iter().map(move |row| row.cells[column].as_str())));
    for row in rows {
        let input = inputs.entry(&row.cells[0]).or_default();
        let mut number = |column: usize| match columns[column - 1].read(&row.cells[column]) {
            Ok(number) => number.unwrap_or(f64::NAN),
            Err(reason) => {
                input
                    .unreadable
                    .get_or_insert(format!("line {}: {}: {reason}", row.line, DATA[column]));
                f64::NAN
            }
        };
        let point = (number(1), number(2));
        input.points.push(point);
        if !row.cells[3].is_empty() {
            input.axes.insert(row.cells[3].to_lowercase());
        }
    }
    inputs
}

/// Fits every series, using all cores; the results are in the order of the names.
fn fitted(names: &[&str], inputs: &HashMap<&str, SeriesData>, axis: CurveAxis) -> Vec<Fitted> {
    let fit = |name: &&str| fit_one(&inputs[*name], axis);
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let share = names.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let workers: Vec<_> = names
            .chunks(share)
            .map(|part| scope.spawn(move || part.iter().map(fit).collect::<Vec<_>>()))
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("a fit does not panic"))
            .collect()
    })
}

fn fit_one(input: &SeriesData, default: CurveAxis) -> Fitted {
    if let Some(reason) = &input.unreadable {
        return Err(SeriesRefusal {
            code: "refused_cell",
            reason: reason.clone(),
        });
    }
    let axis = match input.axes.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => default.into(),
        ["customers"] => LoadAxis::Customers,
        ["servers"] => LoadAxis::Servers,
        [axis] => {
            return Err(SeriesRefusal {
                code: "refused_axis",
                reason: format!("axis is `{axis}`, not `customers` or `servers`"),
            });
        }
        _ => {
            let found = input.axes.iter().cloned().collect::<Vec<_>>().join("`, `");
            return Err(SeriesRefusal {
                code: "refused_axis",
                reason: format!("the axes `{found}` are mixed; give all rows of a series the same axis"),
            });
        }
    };
    fit_curve(&input.points, axis).map_err(|refusal| SeriesRefusal {
        code: refusal.code(),
        reason: refusal.to_string(),
    })
}

fn forecast<'a>(row: &'a CsvRow, curves: &HashMap<&str, Fitted>) -> LevelForecast<'a> {
    let (series, x) = (row.cells[0].as_str(), row.cells[1].as_str());
    let level = match NumberColumn::new(std::iter::once(x)).read(x) {
        Ok(Some(level)) if level > 0.0 => Ok(level),
        Ok(_) => Err(format!("`{x}` is not a number above 0")),
        Err(reason) => Err(reason),
    };
    let refused = |code: &str, fault: Option<String>| LevelForecast {
        series,
        x,
        forecast: None,
        caveats: vec![code.to_owned()],
        fault: fault.map(|fault| format!("line {}: {fault}", row.line)),
    };
    match (curves.get(series), level) {
        (None, _) => {
            let fault = format!("series: the measurements have no series `{series}`");
            refused("refused_unknown_series", Some(fault))
        }
        (Some(Err(refusal)), _) => refused(refusal.code, None),
        (Some(Ok(_)), Err(reason)) => refused("refused_x", Some(format!("x: {reason}"))),
        (Some(Ok(curve)), Ok(level)) => LevelForecast {
            series,
            x,
            forecast: Some((curve.at(level), curve.law().label())),
            caveats: curve
                .caveats()
                .iter()
                .chain(&curve.caveats_at(level))
                .map(CurveCaveat::code)
                .collect(),
            fault: None,
        },
    }
}

fn table(forecasts: &[LevelForecast]) -> OutputTable {
    let mut table = OutputTable::new(&COLUMNS);
    for row in forecasts {
        let quantile = |quantile: fn(&CurveForecast) -> f64| {
            Cell::or_missing(row.forecast.as_ref(), "", |(forecast, _)| {
                Cell::Number(quantile(forecast), Unit::One, DIGITS)
            })
        };
        table.push(vec![
            Cell::text(row.series),
            Cell::text(row.x),
            Cell::or_missing(row.x.parse().ok(), "", |x| {
                Cell::Number(x, Unit::One, Shown::Full)
            }),
            quantile(|forecast| forecast.p05),
            quantile(|forecast| forecast.p50),
            quantile(|forecast| forecast.p95),
            Cell::text(row.forecast.map_or("", |(_, law)| law)),
            Cell::Texts(row.caveats.clone(), ";"),
        ]);
    }
    table
}

/// Prints how many series and rows were refused, and the first reasons.
fn talk_of(names: &[&str], curves: &HashMap<&str, Fitted>, forecasts: &[LevelForecast]) {
    let refused: Vec<(&str, &SeriesRefusal)> = names
        .iter()
        .filter_map(|name| curves[name].as_ref().err().map(|refusal| (*name, refusal)))
        .collect();
    let empty = forecasts.iter().filter(|row| row.forecast.is_none()).count();
    if !refused.is_empty() || empty > 0 {
        talk(&format!(
            "{} of {} series refused, {empty} of {} rows without a forecast",
            refused.len(),
            names.len(),
            forecasts.len()
        ));
    }
    let of_series = refused
        .iter()
        .map(|(name, refusal)| format!("{name}: {}", refusal.reason));
    talk_of_first(of_series);
    let of_levels = forecasts.iter().filter_map(|row| row.fault.as_ref());
    talk_of_first(of_levels.map(|fault| format!("levels: {fault}")));
}

/// Prints the first reasons.
fn talk_of_first(mut reasons: impl Iterator<Item = String>) {
    reasons
        .by_ref()
        .take(SHOWN_REASONS)
        .for_each(|reason| talk(&format!("  {reason}")));
    if reasons.next().is_some() {
        talk("  ...");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINE: &str = "series,x,y\nok,1,10\nok,2,19\nok,4,35\n";

    fn rows(text: &str) -> Vec<CsvRow> {
        csv_table::whole(csv_table::parse(text.as_bytes(), &DATA, &AXIS).expect("readable")).expect("even")
    }

    #[test]
    fn a_cell_that_is_no_number_is_named_by_line_and_column() {
        let bad = rows("series,x,y\na,1,2\na,two,3\n");
        let (_, curves) = curves(&bad, CurveAxis::default());
        let refusal = curves["a"].as_ref().expect_err("a bad cell");
        assert_eq!(refusal.reason, "line 3: x: `two` is not a number");
        assert_eq!(remedy(&curves), "correct the cells named above");
    }

    #[test]
    fn too_few_levels_are_no_fault_of_a_cell() {
        let few = rows("series,x,y\na,1,2\n");
        let (_, curves) = curves(&few, CurveAxis::default());
        assert_eq!(
            remedy(&curves),
            "a series needs at least three distinct x with y above 0"
        );
    }

    #[test]
    fn a_level_that_cannot_be_forecast_says_why() {
        let data = rows(FINE);
        let (_, curves) = curves(&data, CurveAxis::default());
        let at = csv_table::parse(b"series,x\nok,8\nok,eight\nok,0\nother,8\n", &AT, &[]).expect("readable");
        let faults: Vec<Option<String>> = at.rows.iter().map(|row| forecast(row, &curves).fault).collect();
        let expected = [
            None,
            Some("line 3: x: `eight` is not a number"),
            Some("line 4: x: `0` is not a number above 0"),
            Some("line 5: series: the measurements have no series `other`"),
        ];
        assert_eq!(faults, expected.map(|fault| fault.map(str::to_owned)));
    }
}
