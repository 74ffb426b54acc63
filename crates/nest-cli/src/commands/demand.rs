//! `demand`: estimates service demand from the measurements in a CSV file.

use std::collections::BTreeMap;

use nest_model::demand::{Attribution, Doubt, IDLE, UseReading, attribute};

use crate::{
    args::{DemandArguments, Format},
    command_error::CommandError,
    csv_number::NumberColumn,
    csv_table::{self, CsvRow},
    printer::{data, talk},
    table::{Cell, Column, OutputTable, Shown, Unit},
};

/// Columns that are printed.
const COLUMNS: [Column; 6] = [
    Column::new("resource", &["resource"]),
    Column::new("behaviour", &["behaviour"]),
    Column::new("demand", &["demand_s"]),
    Column::new("90 % interval", &["low", "high"]),
    Column::new("condition", &["condition"]),
    Column::new("caveats", &["caveats"]),
];

/// Columns of the file in the order in which they are read, and positions of some of them.
const NAMES: [&str; 8] = [
    "run",
    "duration_s",
    "resource",
    "busy_s",
    "behaviour",
    "count",
    "window",
    "servers",
];
const RUN: usize = 0;
const DURATION: usize = 1;
const RESOURCE: usize = 2;
const BUSY: usize = 3;
const BEHAVIOUR: usize = 4;
const COUNT: usize = 5;
const SERVERS: usize = 7;
/// Number of those columns, from the first, that a file must have.
const NEEDED: usize = 6;

/// Share of the time that servers have by which a window may be busier: clocks of two sources differ.
const MOST_BUSY: f64 = 1.05;

/// Runs the verb.
pub fn run(arguments: &DemandArguments) -> Result<(), CommandError> {
    let rows = csv_table::read(&arguments.windows, &NAMES[..NEEDED], &NAMES[NEEDED..])?;
    let named = |reason: String| {
        let error = csv_table::refused(&arguments.windows, &reason);
        error.hint("name a resource in every row, such as app/cpu")
    };
    let Windows {
        readings,
        mut refused,
    } = windows(&rows).map_err(named)?;
    let remedy = remedy(&refused);
    let mut found = Vec::new();
    for (resource, attribution) in attribute(&readings) {
        match attribution {
            Ok(attribution) => found.push(attribution),
            Err(refusal) => drop(refused.insert(resource, refusal.to_string())),
        }
    }
    talk_of_refused(&refused, found.len());
    if found.is_empty() {
        let error = csv_table::refused(&arguments.windows, "no resource could be read");
        return Err(error.hint(remedy));
    }
    data(&table(&found).render(arguments.format))?;
    if matches!(arguments.format, Format::Human | Format::Md) {
        talk_of(&found);
    }
    Ok(())
}

/// What to do if no resource is left; `unreadable` are those with a row that cannot be read.
fn remedy(unreadable: &BTreeMap<String, String>) -> &'static str {
    if unreadable.is_empty() {
        "add windows: a resource needs two or more, of different mixes"
    } else {
        "correct the cells named above"
    }
}

/// What the verb prints as CSV, from the bytes of its file.
///
/// # Errors
/// The first line that cannot be read.
pub fn from_bytes(file: &[u8]) -> Result<String, String> {
    let rows = csv_table::whole(csv_table::parse(file, &NAMES[..NEEDED], &NAMES[NEEDED..])?)?;
    let attributed = attribute(&windows(&rows)?.readings).into_iter();
    let found: Vec<Attribution> = attributed
        .filter_map(|(_, attribution)| attribution.ok())
        .collect();
    Ok(table(&found).render(Format::Csv))
}

/// Says which resources were refused and why; `kept` others were not.
fn talk_of_refused(refused: &BTreeMap<String, String>, kept: usize) {
    for (resource, reason) in refused {
        talk(&format!("refused: {resource}: {reason}"));
    }
    if !refused.is_empty() {
        talk(&format!(
            "{} of {} resources refused",
            refused.len(),
            refused.len() + kept
        ));
    }
}

/// The readings of a file, and the resources that could not be read with the reason.
#[derive(Debug, Default)]
struct Windows {
    readings: Vec<UseReading>,
    refused: BTreeMap<String, String>,
}

/// Turns a table in long form, one row per window, resource and behaviour, into readings. A row that is no
/// good refuses its resource.
fn windows(rows: &[CsvRow]) -> Result<Windows, String> {
    let mut windows = Windows::default();
    // Position of each window among the readings, and its first line.
    let mut positions: BTreeMap<[&str; 3], (usize, u64)> = BTreeMap::new();
    let columns: Vec<NumberColumn> = (0..NAMES.len())
        .map(|column| NumberColumn::new(rows.iter().map(move |row| row.cells[column].as_str())))
        .collect();
    for row in rows {
        let [run, _, resource, _, _, _, window, _] = &row.cells[..] else {
            continue;
        };
        if resource.is_empty() {
            return Err(format!("line {}: the resource has no name", row.line));
        }
        let key = [resource, run, window].map(String::as_str);
        let result = reading(row, &columns).and_then(|reading| match positions.get(&key) {
            Some((position, _)) => merge(&mut windows.readings[*position], reading),
            None => {
                positions.insert(key, (windows.readings.len(), row.line));
                windows.readings.push(reading);
                Ok(())
            }
        });
        if let Err(reason) = result {
            windows
                .refused
                .entry(resource.clone())
                .or_insert(format!("line {}: {reason}", row.line));
        }
    }
    let mut same: BTreeMap<[&str; 2], Vec<(usize, u64)>> = BTreeMap::new();
    for ([_, run, window], place) in positions {
        same.entry([run, window]).or_default().push(place);
    }
    same.into_values().for_each(|mut places| {
        places.sort_unstable();
        share_counts(&mut windows, &places);
    });
    let Windows { readings, refused } = &mut windows;
    readings.retain(|reading| !refused.contains_key(&reading.resource));
    Ok(windows)
}

fn reading(row: &CsvRow, columns: &[NumberColumn]) -> Result<UseReading, String> {
    let cell = |column: usize| row.cells[column].as_str();
    let number = |column: usize| {
        let value = columns[column].read(cell(column));
        let value = value.map_err(|reason| format!("{}: {reason}", NAMES[column]))?;
        value.ok_or_else(|| format!("{} is `{}`, not a number", NAMES[column], cell(column)))
    };
    let above_0 = |column: usize| match number(column)? {
        value if value > 0.0 => Ok(value),
        value => Err(format!("{} is {value}, not above 0", NAMES[column])),
    };
    let not_below_0 = |column: usize| match number(column)? {
        value if value >= 0.0 => Ok(value),
        value => Err(format!("{} is {value}, below 0", NAMES[column])),
    };
    let behaviour = cell(BEHAVIOUR);
    let mut counts = BTreeMap::new();
    if !behaviour.is_empty() {
        counts.insert(behaviour.to_owned(), not_below_0(COUNT)?);
    } else if !cell(COUNT).is_empty() && number(COUNT)? > 0.0 {
        return Err(format!(
            "{} executions belong to a behaviour without a name",
            number(COUNT)?
        ));
    }
    let (duration_s, busy_s) = (above_0(DURATION)?, not_below_0(BUSY)?);
    let servers = if cell(SERVERS).is_empty() {
        None
    } else {
        Some(above_0(SERVERS)?)
    };
    if let Some(most) = servers.map(|servers| servers * duration_s)
        && busy_s > most * MOST_BUSY
    {
        return Err(format!(
            "busy_s is {busy_s}, but {} servers have only {most} s in a window of {duration_s} s; is it \
             in milliseconds?",
            cell(SERVERS)
        ));
    }
    Ok(UseReading {
        run: cell(RUN).to_owned(),
        resource: cell(RESOURCE).to_owned(),
        duration_s,
        busy_s,
        servers,
        counts,
    })
}

/// Adds a row to its window, with which it must agree.
fn merge(window: &mut UseReading, row: UseReading) -> Result<(), String> {
    let says = |name: &str, one: f64, other: f64| {
        Err(format!(
            "{name} is {one}, but {other} in another row of the same window"
        ))
    };
    if !agrees(row.duration_s, window.duration_s) {
        return says("duration_s", row.duration_s, window.duration_s);
    }
    if !agrees(row.busy_s, window.busy_s) {
        return says("busy_s", row.busy_s, window.busy_s);
    }
    if let (Some(one), Some(other)) = (row.servers, window.servers)
        && !agrees(one, other)
    {
        return says("servers", one, other);
    }
    for (behaviour, count) in row.counts {
        if window.counts.insert(behaviour.clone(), count).is_some() {
            return Err(format!(
                "behaviour `{behaviour}` appears twice in the same window"
            ));
        }
    }
    window.servers = window.servers.or(row.servers);
    Ok(())
}

/// Gives every resource the counts of its window that stand in rows of another one: executions are those of a
/// run, whichever resource they use. A resource whose counts contradict an earlier one's is refused.
/// `places`: positions of one window's readings, and their first lines.
fn share_counts(windows: &mut Windows, places: &[(usize, u64)]) {
    let mut shared: BTreeMap<String, (f64, usize)> = BTreeMap::new();
    for (position, _) in places {
        for (behaviour, count) in &windows.readings[*position].counts {
            shared.entry(behaviour.clone()).or_insert((*count, *position));
        }
    }
    for (position, line) in places {
        for (behaviour, (count, first)) in &shared {
            let duration_s = windows.readings[*first].duration_s;
            let other = windows.readings[*first].resource.clone();
            let reading = &mut windows.readings[*position];
            let is_as_long = agrees(reading.duration_s, duration_s);
            let reason = match reading.counts.get(behaviour) {
                Some(own) if is_as_long && !agrees(*own, *count) => {
                    format!("count of `{behaviour}` is {own}, but {count} for {other} in the same window")
                }
                None if !is_as_long => format!(
                    "`{behaviour}` has no count, and that of {other} is for {duration_s} s instead of {} s",
                    reading.duration_s
                ),
                None => {
                    reading.counts.insert(behaviour.clone(), *count);
                    continue;
                }
                Some(_) => continue,
            };
            let refused = windows.refused.entry(reading.resource.clone());
            refused.or_insert(format!("line {line}: {reason}"));
        }
    }
}

/// Whether two cells state the same number.
fn agrees(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs())
}

/// Labels of the doubts about a row: first those of its resource, then its own.
fn labels(attribution: &Attribution, own: &[Doubt]) -> Vec<&'static str> {
    attribution.caveats.iter().chain(own).map(Doubt::label).collect()
}

/// A row for each demand, and for the use without load.
fn table(found: &[Attribution]) -> OutputTable {
    let mut table = OutputTable::new(&COLUMNS);
    for attribution in found {
        for row in &attribution.rows {
            let unit = if row.behaviour == IDLE {
                Unit::SecondsPerSecond
            } else {
                Unit::Seconds
            };
            let caveats = labels(attribution, &row.caveats);
            table.push(vec![
                Cell::text(&attribution.resource),
                Cell::text(&row.behaviour),
                Cell::or_missing(row.estimate, "-", |estimate| {
                    Cell::Number(estimate.value, unit, Shown::Fitting)
                }),
                Cell::or_missing(row.estimate, "-", |estimate| {
                    Cell::Interval([estimate.low, estimate.high], unit, Shown::Fitting)
                }),
                Cell::Number(attribution.condition, Unit::One, Shown::Decimals(1)),
                Cell::Texts(caveats.into_iter().map(str::to_owned).collect(), " "),
            ]);
        }
    }
    table
}

fn talk_of(found: &[Attribution]) {
    for attribution in found {
        let own = attribution.rows.iter().flat_map(|row| {
            row.caveats
                .iter()
                .map(move |doubt| (format!(" {}", row.behaviour), doubt))
        });
        let all = attribution
            .caveats
            .iter()
            .map(|doubt| (String::new(), doubt))
            .chain(own);
        all.for_each(|(behaviour, doubt)| {
            talk(&format!("note: {}{behaviour}: {doubt}", attribution.resource))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Windows, String> {
        let table = csv_table::parse(text.as_bytes(), &NAMES[..NEEDED], &NAMES[NEEDED..])?;
        windows(&csv_table::whole(table)?)
    }

    #[test]
    fn columns_may_stand_anywhere_and_rows_of_a_window_are_one_reading() {
        let text = "\u{feff}note,count,behaviour,busy_s,resource,duration_s,run\r\n\
                    \"x, y\",100,a,2.5,cpu,10,r1\r\n,50,\"b\",2.5,cpu,10,r1\r\n,,,0.1,cpu,10,r2\r\n";
        let windows = read(text).expect("readable");
        assert_eq!(windows.readings.len(), 2);
        assert_eq!(
            windows.readings[0].counts,
            BTreeMap::from([("a".to_owned(), 100.0), ("b".to_owned(), 50.0)])
        );
        assert!(windows.readings[1].counts.is_empty() && windows.refused.is_empty());
    }

    #[test]
    fn counts_of_a_window_hold_for_every_resource() {
        let head = "run,window,duration_s,resource,busy_s,behaviour,count\n";
        let windows = read(&format!(
            "{head}1,1,60,app,2,browse,70\n1,1,60,app,2,pay,5\n1,1,60,db,1,pay,5\n2,1,60,db,1,pay,6\n"
        ))
        .expect("readable");
        let counts: Vec<Vec<f64>> = windows
            .readings
            .iter()
            .map(|reading| reading.counts.values().copied().collect())
            .collect();
        assert_eq!(counts, [vec![70.0, 5.0], vec![70.0, 5.0], vec![6.0]]);
        for (rows, says) in [
            (
                "1,1,60,app,2,pay,5\n1,1,60,db,1,pay,7\n",
                "line 3: count of `pay` is 7, but 5 for app in the same window",
            ),
            (
                "1,1,60,app,2,pay,5\n1,1,30,db,1,browse,7\n",
                "line 3: `pay` has no count, and that of app is for 60 s instead of 30 s",
            ),
        ] {
            let windows = read(&format!("{head}{rows}")).expect("the rest is readable");
            assert_eq!(windows.refused["db"], says);
        }
    }

    #[test]
    fn what_cannot_be_read_names_its_line_and_leaves_the_other_resources() {
        let head = "run,window,duration_s,resource,busy_s,behaviour,count\n";
        let refused =
            |rows: &str| read(&format!("{head}{rows}1,1,10,disk,1,a,5\n")).expect("the rest is readable");
        for (rows, says) in [
            (
                "1,1,10,cpu,1,a,5\n1,1,10,cpu,2,b,5\n",
                "line 3: busy_s is 2, but 1",
            ),
            (
                "1,1,10,cpu,1,a,5\n1,1,20,cpu,1,b,5\n",
                "line 3: duration_s is 20, but 10",
            ),
            (
                "1,1,10,cpu,1,a,5\n1,1,10,cpu,1,a,5\n",
                "line 3: behaviour `a` appears twice",
            ),
            ("1,1,10,cpu,x,a,5\n", "line 2: busy_s: `x` is not a number"),
            ("1,1,0,cpu,1,a,5\n", "line 2: duration_s is 0, not above 0"),
            ("1,1,10,cpu,1,a,NaN\n", "line 2: count is `NaN`, not a number"),
            ("1,1,10,cpu,1,a,-1\n", "line 2: count is -1, below 0"),
            (
                "1,1,10,cpu,1,,5\n",
                "line 2: 5 executions belong to a behaviour without a name",
            ),
        ] {
            let windows = refused(rows);
            assert!(windows.refused["cpu"].starts_with(says), "{:?}", windows.refused);
            assert_eq!(remedy(&windows.refused), "correct the cells named above");
            assert_eq!(windows.readings.len(), 1);
        }
        assert!(
            read("run,resource\n")
                .expect_err("columns are missing")
                .contains("duration_s")
        );
        assert!(
            read(&format!("{head}1,1,10\n"))
                .expect_err("a short row")
                .contains("line 2 has 3 cells")
        );
    }
}
