//! Forecasts of other programs on the same cases: cases out, forecasts in, both as CSV.

use std::{collections::BTreeMap, path::Path};

use super::cases::{Case, Variant};

/// Names of the methods, in the order of their columns.
pub const NAMES: [&str; 2] = ["AutoETS", "AutoTheta"];

/// What a method says of one step: the point, and both ends of the 80 % interval.
pub type Said = [f64; 3];

/// Forecasts by case and method.
#[derive(Debug, Default)]
pub struct Peers(BTreeMap<(String, String), Vec<Said>>);

impl Peers {
    /// Reads `case,method,step,point,low,high`, steps ascending.
    pub fn read(path: &Path) -> Self {
        let mut found = Self::default();
        let mut reader = csv::Reader::from_path(path).expect("forecasts of other programs");
        for row in reader.records() {
            let row = row.expect("a row");
            let number = |index: usize| row[index].parse().unwrap_or(f64::NAN);
            found
                .0
                .entry((row[0].to_owned(), row[1].to_owned()))
                .or_default()
                .push([number(3), number(4), number(5)]);
        }
        found
    }

    /// What each method says of a case.
    pub fn of(&self, case: &Case<'_>) -> [Option<&[Said]>; NAMES.len()] {
        NAMES.map(|method| self.0.get(&(case.name(), method.to_owned())).map(Vec::as_slice))
    }
}

/// Writes `case,season,horizon,values`, values separated by blanks: the cases as recorded.
pub fn write_cases(path: &Path, cases: &[Case<'_>]) {
    let mut writer = csv::Writer::from_path(path).expect("a file to write");
    writer
        .write_record(["case", "season", "horizon", "values"])
        .expect("a row");
    for case in cases.iter().filter(|case| case.variant == Variant::Recorded) {
        let values: Vec<String> = case.known.iter().map(f64::to_string).collect();
        let season = case.series.seasons.first().copied().unwrap_or(1);
        let numbers = [season, case.truth.len()].map(|number| number.to_string());
        let [season, horizon] = numbers;
        writer
            .write_record([case.name(), season, horizon, values.join(" ")])
            .expect("a row");
    }
    writer.flush().expect("written");
}
