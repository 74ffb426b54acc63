//! Real throughput curves, and which of their sources are related.

use std::{collections::BTreeMap, path::Path};

use nest_model::curve::LoadAxis;

/// The name of corpus A among the sources.
pub const CORPUS_A: &str = "techempower-2013";

/// A measured throughput curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Where it was published: the unit of weighing.
    pub source: String,
    /// What was measured, as its source calls it.
    pub system: String,
    /// What its levels count.
    pub axis: LoadAxis,
    /// (level, throughput), ascending by level; a level may repeat.
    pub points: Vec<(f64, f64)>,
}

impl Curve {
    /// What its source has in common with related ones: runs of one benchmark, or of one publisher. A source
    /// is left out together with its relatives.
    pub fn family(&self) -> &str {
        family(&self.source)
    }

    /// Distinct levels, ascending.
    pub fn levels(&self) -> Vec<f64> {
        let mut levels: Vec<f64> = self.points.iter().map(|&(x, _)| x).collect();
        levels.dedup();
        levels
    }

    /// What was observed at a level.
    pub fn observed(&self, x: f64) -> Vec<f64> {
        self.points
            .iter()
            .filter(|point| point.0 == x)
            .map(|point| point.1)
            .collect()
    }

    fn sort(&mut self) {
        self.points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
}

/// The name of a source up to its first dash. Corpus A holds earlier runs of the `tfb` sources.
pub fn family(source: &str) -> &str {
    if source == CORPUS_A {
        return "tfb";
    }
    source.split('-').next().unwrap_or(source)
}

/// What the levels of a series count, from its source and the name of its x: the threads of a sysbench or of
/// a MongoDB benchmark are clients of a database.
fn axis(source: &str, x_name: &str) -> LoadAxis {
    match x_name {
        "threads" if ["percona", "tidb"].contains(&family(source)) => LoadAxis::Customers,
        "threads" | "server_threads" | "processors" | "nodes" | "jobs" => LoadAxis::Servers,
        _ => LoadAxis::Customers,
    }
}

/// The throughput series of `scaling-curves.csv`, or of a file of that form.
pub fn scaling_curves(path: &Path) -> Result<Vec<Curve>, csv::Error> {
    let mut curves: BTreeMap<String, Curve> = BTreeMap::new();
    for row in csv::Reader::from_path(path)?.deserialize::<BTreeMap<String, String>>() {
        let row = row?;
        if row["y_name"] != "throughput" {
            continue;
        }
        let curve = curves.entry(row["series_id"].clone()).or_insert_with(|| Curve {
            source: row["source"].clone(),
            system: row["system"].clone(),
            axis: axis(&row["source"], &row["x_name"]),
            points: Vec::new(),
        });
        if let (Ok(x), Ok(y)) = (row["x"].parse(), row["y"].parse())
            && x > 0.0
            && y > 0.0
        {
            curve.points.push((x, y));
        }
    }
    Ok(sorted(curves.into_values()))
}

/// Corpus A of `docs/method/curve.md`, "Data": single-request tests of TechEmpower's runs of 2013 that are
/// complete at 8 to 256 connections, have less than 1 % of errors and do not repeat another curve.
pub fn techempower(path: &Path) -> Result<Vec<Curve>, csv::Error> {
    let mut curves: BTreeMap<[String; 4], (Curve, f64)> = BTreeMap::new();
    for row in csv::Reader::from_path(path)?.deserialize::<BTreeMap<String, String>>() {
        let row = row?;
        let number = |name: &str| row[name].parse::<f64>().unwrap_or(f64::NAN);
        if !["json", "db", "fortune"].contains(&row["test"].as_str()) {
            continue;
        }
        let key = ["run", "environment", "test", "framework"].map(|name| row[name].clone());
        let (curve, share) = curves.entry(key).or_insert_with(|| {
            let curve = Curve {
                source: CORPUS_A.to_owned(),
                system: row["framework"].clone(),
                axis: LoadAxis::Customers,
                points: Vec::new(),
            };
            (curve, 0.0)
        });
        let (throughput, errors, duration) =
            (number("throughput_per_s"), number("errors"), number("duration_s"));
        curve.points.push((number("connections"), throughput));
        // A bare count of errors over all that was answered in the run; a missing duration counts as the
        // usual half minute.
        let answered = throughput * if duration > 0.0 { duration } else { 30.0 };
        *share = f64::max(
            *share,
            if errors > 0.0 {
                errors / answered.max(1.0)
            } else {
                0.0
            },
        );
    }
    let whole = curves
        .into_values()
        .filter(|(_, share)| *share < 0.01)
        .map(|(curve, _)| curve);
    let mut curves = sorted(whole);
    curves.retain(|curve| {
        curve.points.iter().all(|&(_, y)| y > 0.0)
            && curve
                .points
                .iter()
                .map(|point| point.0)
                .eq([8.0, 16.0, 32.0, 64.0, 128.0, 256.0])
    });
    curves.sort_by(|a, b| a.system.cmp(&b.system).then_with(|| compared(a, b)));
    curves.dedup_by(|a, b| a.points == b.points);
    Ok(curves)
}

fn compared(a: &Curve, b: &Curve) -> std::cmp::Ordering {
    a.points
        .iter()
        .zip(&b.points)
        .map(|(a, b)| a.1.total_cmp(&b.1))
        .find(|order| order.is_ne())
        .unwrap_or(std::cmp::Ordering::Equal)
}

fn sorted(curves: impl Iterator<Item = Curve>) -> Vec<Curve> {
    let mut curves: Vec<Curve> = curves.collect();
    curves.iter_mut().for_each(Curve::sort);
    curves
}
