//! `curve`: throughput series of a CSV file, forecast at levels of another.

use std::{
    collections::{BTreeSet, HashMap},
    num::NonZero,
    thread,
};

use nest_model::curve::{CurveCaveat, CurveForecast, FittedCurve, LoadAxis, fit_curve};
use serde_json::json;

use crate::{
    args::{CurveArguments, CurveAxis, Format},
    csv_table::{self, CsvRow},
    failure::{Failure, INVALID},
    printer::{Table, data, talk},
};

/// Columns of the answer.
const COLUMNS: [&str; 7] = ["series", "x", "p05", "p50", "p95", "law", "caveats"];

/// A series of the data file.
#[derive(Debug, Default)]
struct Input {
    /// Observations; what is missing or not a number is NaN, which the fit leaves out and counts.
    points: Vec<(f64, f64)>,
    /// What its `axis` cells say, without the empty ones.
    axes: BTreeSet<String>,
}

/// Why a series or a row has no forecast: a word for the table, and a sentence.
#[derive(Debug)]
struct Refusal {
    code: &'static str,
    reason: String,
}

/// A series that was fitted, or why it was not.
type Fitted = Result<FittedCurve, Refusal>;

/// One row of the answer.
struct Answer<'a> {
    series: &'a str,
    x: &'a str,
    forecast: Option<(CurveForecast, &'static str)>,
    caveats: Vec<String>,
}

/// Runs the verb.
pub fn run(arguments: &CurveArguments) -> Result<(), Failure> {
    let rows = csv_table::read(&arguments.data, &["series", "x", "y"], &["axis"])?;
    let asked = csv_table::read(&arguments.at, &["series", "x"], &[])?;
    let inputs = inputs(&rows);
    let names: Vec<&str> = in_order(rows.iter().map(|row| row.cells[0].as_str()));
    let curves: HashMap<&str, Fitted> = names
        .iter()
        .copied()
        .zip(fitted(&names, &inputs, arguments.axis))
        .collect();
    let answers: Vec<Answer> = asked.iter().map(|row| answer(row, &curves)).collect();
    print(&answers, arguments.format)?;
    talk_of(&names, &curves, &answers);
    if curves.values().all(Result::is_err) {
        return Err(Failure::new(
            INVALID,
            format!("{} holds no series that can be fitted", arguments.data.display()),
        )
        .hint("a series needs three distinct x with a y above 0"));
    }
    Ok(())
}

/// Each text once, where it comes first.
fn in_order<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    texts.filter(|text| seen.insert(*text)).collect()
}

fn inputs(rows: &[CsvRow]) -> HashMap<&str, Input> {
    let mut inputs: HashMap<&str, Input> = HashMap::new();
    for row in rows {
        let input = inputs.entry(&row.cells[0]).or_default();
        let number = |cell: &str| cell.parse().unwrap_or(f64::NAN);
        input.points.push((number(&row.cells[1]), number(&row.cells[2])));
        if !row.cells[3].is_empty() {
            input.axes.insert(row.cells[3].to_lowercase());
        }
    }
    inputs
}

/// Fits every series, each thread its share; the order is that of the names.
fn fitted(names: &[&str], inputs: &HashMap<&str, Input>, axis: CurveAxis) -> Vec<Fitted> {
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

fn fit_one(input: &Input, default: CurveAxis) -> Fitted {
    let axis = match input.axes.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => default.into(),
        ["customers"] => LoadAxis::Customers,
        ["servers"] => LoadAxis::Servers,
        _ => {
            let found = input.axes.iter().cloned().collect::<Vec<_>>().join("` and `");
            return Err(Refusal {
                code: "refused_axis",
                reason: format!("axis is `{found}`, not `customers` or `servers`"),
            });
        }
    };
    fit_curve(&input.points, axis).map_err(|refusal| Refusal {
        code: refusal.code(),
        reason: refusal.to_string(),
    })
}

fn answer<'a>(row: &'a CsvRow, curves: &HashMap<&str, Fitted>) -> Answer<'a> {
    let (series, x) = (row.cells[0].as_str(), row.cells[1].as_str());
    let level = x
        .parse::<f64>()
        .ok()
        .filter(|level| level.is_finite() && *level > 0.0);
    let refused = |code: &str| Answer {
        series,
        x,
        forecast: None,
        caveats: vec![code.to_owned()],
    };
    match (curves.get(series), level) {
        (None, _) => refused("refused_unknown_series"),
        (Some(Err(refusal)), _) => refused(refusal.code),
        (Some(Ok(_)), None) => refused("refused_x"),
        (Some(Ok(curve)), Some(level)) => Answer {
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

fn print(answers: &[Answer], format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        let text = serde_json::to_string_pretty(&answers.iter().map(as_json).collect::<Vec<_>>())
            .map_err(std::io::Error::from)?;
        return data(&(text + "\n"));
    }
    let mut table = Table::new(&COLUMNS);
    table.rows = answers.iter().map(as_row).collect();
    data(&table.render(format))
}

fn as_row(answer: &Answer) -> Vec<String> {
    let numbers = answer.forecast.map_or([None; 3], |(forecast, _)| {
        [forecast.p05, forecast.p50, forecast.p95].map(Some)
    });
    let law = answer.forecast.map_or("", |(_, law)| law);
    let texts = [answer.series.to_owned(), answer.x.to_owned()].into_iter();
    let numbers = numbers.into_iter().map(|number| {
        number
            .map(|number| rounded(number).to_string())
            .unwrap_or_default()
    });
    texts
        .chain(numbers)
        .chain([law.to_owned(), answer.caveats.join(";")])
        .collect()
}

fn as_json(answer: &Answer) -> serde_json::Value {
    let of = |quantile: fn(&CurveForecast) -> f64| {
        answer
            .forecast
            .as_ref()
            .map(|(forecast, _)| rounded(quantile(forecast)))
    };
    json!({
        "series": answer.series,
        "x": answer.x.parse::<f64>().ok(),
        "p05": of(|forecast| forecast.p05),
        "p50": of(|forecast| forecast.p50),
        "p95": of(|forecast| forecast.p95),
        "law": answer.forecast.map(|(_, law)| law),
        "caveats": answer.caveats,
    })
}

/// Six significant digits: more than any interval supports.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// Refusals, counted, and the first reasons.
fn talk_of(names: &[&str], curves: &HashMap<&str, Fitted>, answers: &[Answer]) {
    let refused: Vec<(&str, &Refusal)> = names
        .iter()
        .filter_map(|name| curves[name].as_ref().err().map(|refusal| (*name, refusal)))
        .collect();
    let empty = answers.iter().filter(|answer| answer.forecast.is_none()).count();
    if !refused.is_empty() || empty > 0 {
        talk(&format!(
            "{} of {} series refused, {empty} of {} rows without a forecast",
            refused.len(),
            names.len(),
            answers.len()
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
