//! Tests of tables, and what tests of verbs check about theirs.

use serde_json::Value;

use super::*;

#[path = "../../../../tests/support/documented.rs"]
pub mod documented;

/// Checks that a table gives programs the columns that docs/output.md has of a verb, numbers where it says
/// so, and the same in CSV and JSON. Returns the rows of the CSV.
#[track_caller]
pub fn assert_documented(table: &OutputTable, verb: &str) -> Vec<Vec<String>> {
    let rows = documented::assert_csv(verb, &table.render(Format::Csv));
    documented::assert_json(verb, &table.render(Format::Json), &rows);
    rows
}

fn table() -> OutputTable {
    let mut table = OutputTable::new(&[
        Column::new("name", &["name"]),
        Column::new("demand", &["demand_s"]),
        Column::new("90 % interval", &["low", "high"]),
        Column::for_readers("remark"),
        Column::for_programs(&["behaviour", "behaviour_per_s"]),
    ]);
    let seconds = |value| Cell::Number(value, Unit::Seconds, Shown::Fitting);
    let rate = |name: &str, rate| {
        vec![
            Cell::text(name),
            Cell::Number(rate, Unit::PerSecond, Shown::Decimals(1)),
        ]
    };
    table.push(vec![
        Cell::text("a|b"),
        seconds(0.012),
        Cell::Interval([0.011, 0.0135], Unit::Seconds, Shown::Fitting),
        Cell::text("r"),
        Cell::Nested(vec![rate("pay", 0.25), rate("browse", 3.0)]),
    ]);
    table.push(vec![
        Cell::text("c,\"d\""),
        Cell::Missing("-"),
        Cell::Missing("-"),
        Cell::text(""),
        Cell::Nested(Vec::new()),
    ]);
    table
}

#[test]
fn every_form_holds_every_value() {
    assert_eq!(
        table().render(Format::Human),
        "  name   demand    90 % interval  remark\n  a|b     12 ms  11 ms … 13.5 ms  r\n  \
         c,\"d\"       -                -\n"
    );
    assert_eq!(
        table().render(Format::Md),
        "| name | demand | 90 % interval | remark |\n| --- | --- | --- | --- |\n\
         | a\\|b | 12 ms | 11 ms … 13.5 ms | r |\n| c,\"d\" | - | - |  |\n"
    );
    assert_eq!(
        table().render(Format::Csv),
        "name,demand_s,low,high,behaviour,behaviour_per_s\na|b,0.012,0.011,0.0135,pay,0.25\n\
         a|b,0.012,0.011,0.0135,browse,3\n\"c,\"\"d\"\"\",,,,,\n"
    );
    let json: Value = serde_json::from_str(&table().render(Format::Json)).expect("JSON");
    assert_eq!(json[0]["demand_s"], 0.012);
    assert_eq!(json[1]["behaviour"], "browse");
    assert!(json[2]["high"].is_null() && json[2]["name"] == "c,\"d\"");
}

#[test]
#[should_panic(expected = "does not belong in the columns [\"demand_s\"]")]
fn a_number_without_the_unit_of_its_column_is_refused() {
    let mut table = OutputTable::new(&[Column::new("demand", &["demand_s"])]);
    table.push(vec![Cell::Number(12.0, Unit::One, Shown::Decimals(0))]);
}

#[test]
#[should_panic(expected = "cells of")]
fn a_row_with_a_cell_too_few_is_refused() {
    let mut table = OutputTable::new(&[Column::new("a", &["a"]), Column::new("b", &["b"])]);
    table.push(vec![Cell::Count(1)]);
}
