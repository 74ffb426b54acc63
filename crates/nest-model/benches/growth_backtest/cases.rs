//! The series of the back-test and the origins that they are tried from.

use std::path::Path;

use nest_model::growth::calendar::{DatedCount, arrange};

use super::folds::fold;

/// Values from which a series of these files is one of days; all others are of months.
pub const DAILY_FROM: usize = 500;

/// One series, from one source, at one frequency.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its `series_id`.
    pub id: String,
    /// Source and frequency.
    pub group: String,
    /// Fold of the series it was made from.
    pub fold: u64,
    /// Lengths of its seasons, in steps.
    pub seasons: Vec<usize>,
    /// Steps that are forecast: those of the M competitions, but for days, where 30 are.
    pub horizon: usize,
    /// The values, the oldest first.
    pub values: Vec<f64>,
}

/// A series cut at an origin: what is known, and what came then.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    /// The series.
    pub series: &'a Series,
    /// Row of the table that it counts in.
    pub group: String,
    /// Lengths of the seasons that the forecast is told, in steps.
    pub seasons: Vec<usize>,
    /// What is known.
    pub known: &'a [f64],
    /// What came then.
    pub truth: &'a [f64],
}

/// A series as the file has it: periods that sort as text, with their values.
struct Recorded {
    id: String,
    source: String,
    rows: Vec<(String, f64)>,
}

/// Reads series and adds up longer periods out of them: quarters and years out of months, weeks out of days.
pub fn read(path: &Path) -> Vec<Series> {
    let mut reader = csv::Reader::from_path(path).expect("the file of histories");
    let mut found: Vec<Recorded> = Vec::new();
    for row in reader.records() {
        let row = row.expect("a row");
        let (id, source, period, value) = (&row[0], &row[1], &row[2], row[3].parse().expect("a number"));
        let row = (sortable(period), value);
        match found.iter_mut().find(|series| series.id == id) {
            Some(series) => series.rows.push(row),
            None => found.push(Recorded {
                id: id.to_owned(),
                source: source.to_owned(),
                rows: vec![row],
            }),
        }
    }
    let mut all = Vec::new();
    for Recorded { id, source, mut rows } in found {
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        let values: Vec<f64> = rows.iter().map(|row| row.1).collect();
        let daily = values.len() > DAILY_FROM;
        let mut add = |name: &str, seasons: &[usize], horizon: usize, block: usize| {
            let values: Vec<f64> = values
                .rchunks_exact(block)
                .rev()
                .map(|chunk| chunk.iter().sum::<f64>() / block as f64)
                .collect();
            let group = format!("{source} {name}");
            all.push(Series {
                id: id.clone(),
                group,
                fold: fold(&id),
                seasons: seasons.to_vec(),
                horizon,
                values,
            });
        };
        if daily {
            add("daily", &[7, 365], 30, 1);
            add("weekly", &[52], 13, 7);
        } else {
            add("monthly", &[12], 18, 1);
            add("quarterly", &[4], 8, 3);
            add("yearly", &[], 4, 12);
        }
    }
    all
}

/// A period that sorts as text: day/month/year turned round.
fn sortable(period: &str) -> String {
    match period.split('/').collect::<Vec<_>>()[..] {
        [day, month, year] => format!("{year}-{month}-{day}"),
        _ => period.to_owned(),
    }
}

/// Origins of a series: the last horizon left out, and up to five before it.
pub fn cases(series: &Series) -> Vec<Case<'_>> {
    let season = series.seasons.first().copied().unwrap_or(1);
    let least = (2 * season).max(5);
    let stride = series.horizon.max(series.values.len() / 12);
    let mut cases = Vec::new();
    for back in 0..6 {
        let Some(origin) = series
            .values
            .len()
            .checked_sub(series.horizon + back * stride)
            .filter(|origin| *origin >= least)
        else {
            break;
        };
        let truth = &series.values[origin..origin + series.horizon];
        cases.push(Case {
            series,
            group: series.group.clone(),
            seasons: series.seasons.clone(),
            known: &series.values[..origin],
            truth,
        });
    }
    cases
}

/// Short beginnings of a series, each with the steps after it.
pub fn beginnings(series: &Series) -> Vec<Case<'_>> {
    [2, 3, 4, 5, 6, 8, 11, 15, 20]
        .into_iter()
        .filter_map(|known| {
            let truth = series.values.get(known..known + series.horizon.min(2 * known))?;
            Some(Case {
                series,
                group: format!("{known:2} values"),
                seasons: series.seasons.clone(),
                known: &series.values[..known],
                truth,
            })
        })
        .collect()
}

/// The same case where periods are integers, so that seasons have to be found.
pub fn untold<'a>(case: &Case<'a>) -> Case<'a> {
    let row = |(index, value): (usize, &f64)| DatedCount {
        period: index.to_string(),
        value: Some(*value),
    };
    let rows: Vec<DatedCount> = case.known.iter().enumerate().map(row).collect();
    let seasons = arrange(&rows, None).expect("it can be read").0.seasons;
    Case {
        seasons,
        ..case.clone()
    }
}
