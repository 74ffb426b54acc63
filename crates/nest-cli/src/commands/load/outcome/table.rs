//! The result of `load` as one table for programs: a row for all requests, then one for each of them.

use nest_data::measurement::{Counts, Endpoint};
use nest_load::quick::{QuickResult, TimeSummary};

use super::{figures, per_s, sent_by, time_cell};
use crate::table::{Cell, Column, OutputTable, Shown, Unit};

/// Columns of a row, in the order in which the functions below give cells.
const COLUMNS: [&[&str]; 38] = [
    &["table"],
    &["request"],
    &["sent_by"],
    &["due"],
    &["completed"],
    &["failed"],
    &["dropped"],
    &["response_mean_s"],
    &["response_p50_s"],
    &["response_p75_s"],
    &["response_p90_s"],
    &["response_p95_s"],
    &["response_p99_s"],
    &["response_p999_s"],
    &["response_max_s"],
    &["service_mean_s"],
    &["service_p50_s"],
    &["service_p75_s"],
    &["service_p90_s"],
    &["service_p95_s"],
    &["service_p99_s"],
    &["service_p999_s"],
    &["service_max_s"],
    &["duration_s"],
    &["requests_per_s"],
    &["bytes_per_s"],
    &["active"],
    &["in_flight"],
    &["redirected"],
    &["resent_unprocessed"],
    &["resent_closed_idle"],
    &["generator_cpu_share"],
    &["lateness_p50_s"],
    &["lateness_p99_s"],
    &["clock_p99_s"],
    &["peak_memory_bytes"],
    &["verdict"],
    &["reasons"],
];
/// Places of the response times of a request in the table.
const RESPONSE: usize = 7;
/// Number of times in a [`TimeSummary`].
const TIMES: usize = 8;

/// The table. What is known only of all requests is missing in the other rows.
pub(super) fn table(result: &QuickResult) -> OutputTable {
    let mut table = OutputTable::new(&COLUMNS.map(Column::for_programs));
    table.push(whole(result));
    result
        .endpoints
        .iter()
        .for_each(|endpoint| table.push(request(endpoint)));
    table
}

/// The row of all requests.
fn whole(result: &QuickResult) -> Vec<Cell> {
    let ratio = |value| Cell::Number(value, Unit::One, Shown::Full);
    let health = result.generator;
    let mut row = vec![Cell::text("load"), Cell::Missing(""), Cell::Missing("")];
    row.extend(counts(result.requests));
    row.extend(times(&result.response));
    row.extend(times(&result.service));
    row.extend([
        time_cell(result.duration_s),
        Cell::Number(per_s(result.ended, result), Unit::PerSecond, Shown::Full),
        Cell::Number(per_s(result.bytes, result), Unit::PerSecond, Shown::Full),
        ratio(result.active),
        ratio(result.in_flight),
        Cell::Count(result.redirected),
        Cell::Count(result.resends.unprocessed),
        Cell::Count(result.resends.closed_idle),
        Cell::Number(health.cpu, Unit::Share, Shown::Full),
        time_cell(health.lateness_p50_s),
        time_cell(health.lateness_p99_s),
        time_cell(health.clock_p99_s),
        Cell::Number(result.peak_memory_bytes as f64, Unit::Bytes, Shown::Full),
        Cell::text(result.verdict.validity.label()),
        Cell::Texts(result.verdict.reasons.clone(), "; "),
    ]);
    row
}

/// The row of one request.
fn request(endpoint: &Endpoint) -> Vec<Cell> {
    let mut row = vec![Cell::Missing(""); COLUMNS.len()];
    row[0] = Cell::text("request");
    row[1] = Cell::text(&endpoint.name);
    row[2] = Cell::text(sent_by(endpoint));
    row[3..RESPONSE].clone_from_slice(&counts(endpoint.requests));
    if endpoint.requests.completed > 0 {
        let [p50, p95, p99] = endpoint.response_s.map(time_cell);
        row[RESPONSE + 1] = p50;
        row[RESPONSE + 4] = p95;
        row[RESPONSE + 5] = p99;
    }
    row
}

fn counts(counts: Counts) -> [Cell; 4] {
    [counts.due, counts.completed, counts.failed, counts.dropped].map(Cell::Count)
}

/// The times; missing if no request ended, because all are 0 then.
fn times(times: &TimeSummary) -> [Cell; TIMES] {
    if *times == TimeSummary::default() {
        return std::array::from_fn(|_| Cell::Missing(""));
    }
    figures(times).map(|(_, value)| time_cell(value))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use nest_data::measurement::{GeneratorHealth, Resends, Verdict};

    use super::*;
    use crate::table::tests::assert_documented;

    fn result() -> QuickResult {
        let requests = Counts {
            due: 41,
            completed: 39,
            failed: 1,
            dropped: 1,
        };
        QuickResult {
            duration_s: 2.5,
            executions: requests,
            requests,
            redirected: 4,
            resends: Resends {
                unprocessed: 3,
                closed_idle: 2,
            },
            ended: 40,
            bytes: 5_000,
            response: TimeSummary {
                mean: 0.0125,
                p50: 0.012,
                p75: 0.013,
                p90: 0.014,
                p95: 0.015,
                p99: 0.02,
                p999: 0.25,
                max: 1.5,
            },
            service: TimeSummary::default(),
            statuses: BTreeMap::from([(200, 39)]),
            endpoints: vec![Endpoint {
                behaviour: "buy".to_owned(),
                name: "GET /a, b".to_owned(),
                path: None,
                requests,
                response_s: [0.012, 0.015, 0.02],
            }],
            errors: Vec::new(),
            failures: Vec::new(),
            histograms: Vec::new(),
            active: 3.0,
            in_flight: 0.5,
            population: None,
            settling: Counts::default(),
            schedule: String::new(),
            generator: GeneratorHealth {
                cpu: 0.25,
                ..GeneratorHealth::default()
            },
            generators: Vec::new(),
            peak_memory_bytes: 12 << 20,
            verdict: Verdict::valid(),
        }
    }

    /// The cell of a column in a row.
    fn cell<'a>(row: &'a [String], name: &str) -> &'a str {
        let place = COLUMNS.iter().position(|column| column[0] == name);
        &row[place.expect("a column of the table")]
    }

    #[test]
    fn a_load_is_one_row_in_base_units_and_one_for_each_request() {
        let rows = assert_documented(&table(&result()), "load");
        let all = [
            ("table", "load"),
            ("request", ""),
            ("completed", "39"),
            // 40 requests and 5,000 bytes in 2.5 s.
            ("requests_per_s", "16"),
            ("bytes_per_s", "2000"),
            ("response_p50_s", "0.012"),
            ("response_max_s", "1.5"),
            ("service_p50_s", ""),
            ("redirected", "4"),
            ("resent_unprocessed", "3"),
            ("resent_closed_idle", "2"),
            ("generator_cpu_share", "0.25"),
            // 12 MiB
            ("peak_memory_bytes", "12582912"),
            ("verdict", "valid"),
            ("reasons", ""),
        ];
        let one = [
            ("table", "request"),
            ("request", "GET /a, b"),
            ("sent_by", "HTTP/1.1"),
            ("failed", "1"),
            ("response_mean_s", ""),
            ("response_p50_s", "0.012"),
            ("response_p95_s", "0.015"),
            ("response_p99_s", "0.02"),
            ("duration_s", ""),
        ];
        assert_eq!(
            all.map(|(name, _)| cell(&rows[0], name)),
            all.map(|(_, value)| value)
        );
        assert_eq!(
            one.map(|(name, _)| cell(&rows[1], name)),
            one.map(|(_, value)| value)
        );
    }

    #[test]
    fn times_of_a_load_without_answers_are_missing_and_not_zero() {
        let nothing = QuickResult {
            response: TimeSummary::default(),
            endpoints: Vec::new(),
            ..result()
        };
        let rows = assert_documented(&table(&nothing), "load");
        assert_eq!(cell(&rows[0], "response_p99_s"), "");
    }
}
