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
}

/// Runs the verb.
pub fn run(arguments: &CurveArguments) -> Result<(), CommandError> {
    let rows = csv_table::read(&arguments.data, &DATA, &AXIS)?;
    let asked = csv_table::read(&arguments.at, &AT, &[])?;
    let (names, curves) = curves(&rows, arguments.axis);
    let forecasts: Vec<LevelForecast> = asked.iter().map(|row| forecast(row, &curves)).collect();
    data(&table(&forecasts).render(arguments.format))?;
    talk_of(&names, &curves, &forecasts);
    if curves.values().all(Result::is_err) {
        return Err(CommandError::new(
            INVALID,
            format!(
                "{} contains no series that can be fitted",
                arguments.data.display()
            ),
        )
        .hint("a series needs at least three distinct x with y above 0"));
    }
    Ok(())
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
                    .get_or_insert(format!("line {}: {reason}", row.line));
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
    let level = NumberColumn::new(std::iter::once(x))
        .read(x)
        .ok()
        .flatten()
        .filter(|level| level.is_finite() && *level > 0.0);
    let refused = |code: &str| LevelForecast {
        series,
        x,
        forecast: None,
        caveats: vec![code.to_owned()],
    };
    match (curves.get(series), level) {
        (None, _) => refused("refused_unknown_series"),
        (Some(Err(refusal)), _) => refused(refusal.code),
        (Some(Ok(_)), None) => refused("refused_x"),
        (Some(Ok(curve)), Some(level)) => LevelForecast {
            series,
            x,
            forecast: Some((curve.at(level), curve.law().label())),
            caveats: curve
                .caveats()
                .iter()
                .chain(&curve.caveats_at(level))
                .map(CurveCaveat::code)
                .collect(),
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
    refused
        .iter()
        .take(5)
        .for_each(|(name, refusal)| talk(&format!("  {name}: {}", refusal.reason)));
    if refused.len() > 5 {
        talk("  ...");
    }
}
