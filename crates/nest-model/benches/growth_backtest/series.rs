//! The series of the back-test: those of `growth-histories.csv` with sums over longer periods, and those that
//! `bench/histories` takes out of packages.

use std::path::Path;

use nest_model::growth::calendar::{DatedCount, arrange};

/// Values from which a series of `growth-histories.csv` is one of days; all others are of months.
const DAILY_FROM: usize = 500;

/// One series, from one source, at one frequency.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its `series_id`, and its kind.
    pub id: String,
    /// Who recorded it: left out together.
    pub source: String,
    /// daily, weekly, monthly, quarterly or yearly.
    pub kind: String,
    /// Whether it is one of the file that constants were always learnt on.
    pub open: bool,
    /// Whether it is a sum over longer periods than were recorded.
    pub summed: bool,
    /// Lengths of its seasons, in steps.
    pub seasons: Vec<usize>,
    /// Steps that are forecast: those of the M competitions, but for days, where 30 are.
    pub horizon: usize,
    /// The values, the oldest first.
    pub values: Vec<f64>,
}

/// A series as a file has it: periods that sort as text, with their values.
struct Recorded {
    id: String,
    source: String,
    kind: String,
    rows: Vec<(String, f64)>,
}

/// Steps that are forecast.
fn horizon(kind: &str) -> usize {
    match kind {
        "daily" => 30,
        "weekly" => 13,
        "monthly" => 18,
        "quarterly" => 8,
        _ => 4,
    }
}

/// Reads `growth-histories.csv` and adds up longer periods: quarters and years out of months, weeks of days.
pub fn open(path: &Path) -> Vec<Series> {
    let add = |recorded: &Recorded, kind: &str, seasons: &[usize], block: usize| {
        let chunks = recorded.rows.rchunks_exact(block).rev();
        Series {
            id: format!("{} {kind}", recorded.id),
            source: recorded.source.clone(),
            kind: kind.to_owned(),
            open: true,
            summed: block > 1,
            seasons: seasons.to_vec(),
            horizon: horizon(kind),
            values: chunks
                .map(|chunk| chunk.iter().map(|row| row.1).sum::<f64>() / block as f64)
                .collect(),
        }
    };
    let both = |recorded: &Recorded| {
        if recorded.rows.len() > DAILY_FROM {
            vec![
                add(recorded, "daily", &[7, 365], 1),
                add(recorded, "weekly", &[52], 7),
            ]
        } else {
            vec![
                add(recorded, "monthly", &[12], 1),
                add(recorded, "quarterly", &[4], 3),
                add(recorded, "yearly", &[], 12),
            ]
        }
    };
    let mut recorded = rows(path, &["series_id", "source", "period", "value"]);
    recorded
        .iter_mut()
        .for_each(|series| series.rows.sort_by(|a, b| a.0.cmp(&b.0)));
    recorded.iter().flat_map(both).collect()
}

/// Reads what `bench/histories` wrote; periods are read as the verb reads them.
pub fn fetched(path: &Path) -> Vec<Series> {
    let series = |recorded: &Recorded| {
        let rows: Vec<DatedCount> = recorded
            .rows
            .iter()
            .map(|(period, value)| DatedCount {
                period: period.clone(),
                value: Some(*value),
            })
            .collect();
        let (history, _) =
            arrange(&rows, None).unwrap_or_else(|refusal| panic!("{}: {refusal}", recorded.id));
        Series {
            id: recorded.id.clone(),
            source: recorded.source.clone(),
            kind: recorded.kind.clone(),
            open: false,
            summed: false,
            seasons: history.seasons,
            horizon: horizon(&recorded.kind),
            values: history.values,
        }
    };
    let recorded = rows(path, &["series_id", "source", "period", "value", "kind"]);
    recorded.iter().map(series).collect()
}

fn rows(path: &Path, columns: &[&str]) -> Vec<Recorded> {
    let mut reader = csv::Reader::from_path(path).expect("the file of histories");
    let header = reader.headers().expect("a header").clone();
    let places: Vec<usize> = columns
        .iter()
        .map(|name| header.iter().position(|cell| cell == *name).expect("its columns"))
        .collect();
    let mut found: Vec<Recorded> = Vec::new();
    for row in reader.records() {
        let row = row.expect("a row");
        let cell = |index: usize| places.get(index).map_or("", |place| &row[*place]);
        let pair = (sortable(cell(2)), cell(3).parse().expect("a number"));
        match found.iter_mut().rfind(|series| series.id == cell(0)) {
            Some(series) => series.rows.push(pair),
            None => found.push(Recorded {
                id: cell(0).to_owned(),
                source: cell(1).to_owned(),
                kind: cell(4).to_owned(),
                rows: vec![pair],
            }),
        }
    }
    found
}

/// A period that sorts as text: day/month/year turned round.
fn sortable(period: &str) -> String {
    match period.split('/').collect::<Vec<_>>()[..] {
        [day, month, year] => format!("{year}-{month}-{day}"),
        _ => period.to_owned(),
    }
}
