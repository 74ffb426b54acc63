//! Steps as tables: those of a run, and those of a plan.

use nest_data::measurement::{PlannedStep, Resends, Step};

use crate::table::{Cell, Column, OutputTable, Shown, Unit};

/// Columns of the steps of a run.
const STEP_COLUMNS: [Column; 18] = [
    Column::for_programs(&["index"]),
    Column::new("step", &["step"]),
    Column::for_programs(&["purpose"]),
    Column::new("customers", &["customers"]),
    Column::new("active", &["active"]),
    Column::new("in flight", &["in_flight"]),
    Column::new("offered/s", &["offered_per_s"]),
    Column::new("due", &["due"]),
    Column::new("completed", &["completed"]),
    Column::new("failed", &["failed"]),
    Column::new("dropped", &["dropped"]),
    Column::new("sent again", &["resent"]),
    Column::for_programs(&["resent_unprocessed"]),
    Column::for_programs(&["resent_closed_idle"]),
    Column::for_programs(&["redirected"]),
    Column::new("lateness p99", &["lateness_p99_s"]),
    Column::new("verdict", &["verdict"]),
    Column::new("reasons", &["reasons"]),
];
/// Columns of a plan.
const PLAN_COLUMNS: [Column; 6] = [
    Column::for_programs(&["index"]),
    Column::new("step", &["step"]),
    Column::for_programs(&["purpose"]),
    Column::new("customers", &["customers"]),
    Column::new("executions/s", &["executions_per_s"]),
    Column::new("mix", &["behaviour", "behaviour_per_s"]),
];

/// The steps of a run as a table.
pub fn steps_table(steps: &[Step]) -> OutputTable {
    let mut table = OutputTable::new(&STEP_COLUMNS);
    for step in steps {
        let counts = step.total();
        let mut resends = Resends::default();
        step.resends.values().for_each(|some| resends.merge(some));
        let mut row = planned(&step.plan);
        row.extend([
            Cell::Number(step.active, Unit::One, Shown::Decimals(1)),
            Cell::Number(step.in_flight, Unit::One, Shown::Decimals(1)),
            Cell::Number(step.plan.total_per_s(), Unit::PerSecond, Shown::Decimals(1)),
            Cell::Count(counts.due),
            Cell::Count(counts.completed),
            Cell::Count(counts.failed),
            Cell::Count(counts.dropped),
            Cell::Count(resends.total()),
            Cell::Count(resends.unprocessed),
            Cell::Count(resends.closed_idle),
            Cell::Count(step.redirected.values().sum()),
            Cell::Number(step.generator.lateness_p99_s, Unit::Seconds, Shown::Fitting),
            Cell::text(step.verdict.validity.label()),
            Cell::Texts(step.verdict.reasons.clone(), "; "),
        ]);
        table.push(row);
    }
    table
}

/// The first cells of a step, whether it is planned or done.
fn planned(step: &PlannedStep) -> Vec<Cell> {
    vec![
        Cell::count(step.index),
        Cell::text(step.label()),
        Cell::text(step.purpose.label()),
        Cell::or_missing(step.customers, "", |customers| {
            Cell::Number(customers, Unit::One, Shown::Decimals(0))
        }),
    ]
}

/// The planned steps as a table. Programs get a row for each behaviour of a step.
pub fn plan_table(steps: &[PlannedStep]) -> OutputTable {
    let mut table = OutputTable::new(&PLAN_COLUMNS);
    steps.iter().for_each(|step| table.push(with_rates(step)));
    table
}

/// The cells of a planned step whose rates are known.
fn with_rates(step: &PlannedStep) -> Vec<Cell> {
    let rate = |(name, rate): (&String, &f64)| {
        vec![
            Cell::text(name),
            Cell::Number(*rate, Unit::PerSecond, Shown::Decimals(2)),
        ]
    };
    let mut row = planned(step);
    row.extend([
        Cell::Number(step.total_per_s(), Unit::PerSecond, Shown::Decimals(1)),
        Cell::Nested(step.offered_per_s.iter().map(rate).collect()),
    ]);
    row
}

/// The steps of an outline as a table: what only a pilot can tell is missing.
pub fn outline_table(steps: &[PlannedStep]) -> OutputTable {
    let mut table = OutputTable::new(&PLAN_COLUMNS);
    for step in steps {
        if step.customers.is_some() {
            table.push(with_rates(step));
            continue;
        }
        let label = match &step.boosted {
            Some(what) => format!("{} {what}", step.purpose.label()),
            None => step.purpose.label().to_owned(),
        };
        let mut row = planned(step);
        row[1] = Cell::text(label);
        row.extend([Cell::Missing(""), Cell::Nested(Vec::new())]);
        table.push(row);
    }
    table
}

#[cfg(test)]
mod tests {
    use nest_data::measurement::{Counts, Purpose, Validity};

    use super::*;
    use crate::{args::Format, table::tests::assert_documented};

    fn plan() -> PlannedStep {
        PlannedStep {
            index: 4,
            customers: Some(1_234.56),
            offered_per_s: [("browse".to_owned(), 20.125), ("pay".to_owned(), 0.25)].into(),
            ..PlannedStep::new(Purpose::Ramp)
        }
    }

    #[test]
    fn steps_hold_base_units_for_programs_and_rounded_ones_for_readers() {
        let mut step = Step {
            active: 12.375,
            in_flight: 3.0,
            ..Step::new(plan())
        };
        step.executions.insert(
            "browse".to_owned(),
            Counts {
                due: 12_000,
                completed: 11_998,
                failed: 1,
                dropped: 1,
            },
        );
        let resends = Resends {
            unprocessed: 5,
            closed_idle: 2,
        };
        step.resends.insert("browse".to_owned(), resends);
        step.redirected.insert("browse".to_owned(), 30);
        step.generator.lateness_p99_s = 0.012;
        step.verdict.validity = Validity::Suspect;
        step.verdict.reasons = vec!["late".to_owned(), "loud, at times".to_owned()];
        let table = steps_table(&[Step::new(PlannedStep::new(Purpose::Idle)), step]);
        for verb in ["measure", "runs show"] {
            let rows = assert_documented(&table, verb);
            assert_eq!(rows[0][..5], ["0", "idle", "idle", "", "0"]);
            assert_eq!(
                rows[1],
                [
                    "4",
                    "ramp at 1235",
                    "ramp",
                    "1234.56",
                    "12.375",
                    "3",
                    "20.375",
                    "12000",
                    "11998",
                    "1",
                    "1",
                    "7",
                    "5",
                    "2",
                    "30",
                    "0.012",
                    "suspect",
                    "late;loud, at times"
                ]
            );
        }
        let human = table.render(Format::Human);
        for part in ["step ", "1235  ", " 12.4  ", "12 ms", "late; loud, at times"] {
            assert!(human.contains(part), "{part:?} in\n{human}");
        }
    }

    #[test]
    fn a_plan_has_a_row_for_each_behaviour_of_a_step() {
        let table = plan_table(&[PlannedStep::new(Purpose::Idle), plan()]);
        let rows = assert_documented(&table, "measure --plan");
        assert_eq!(
            rows,
            [
                ["0", "idle", "idle", "", "0", "", ""],
                [
                    "4",
                    "ramp at 1235",
                    "ramp",
                    "1234.56",
                    "20.375",
                    "browse",
                    "20.125"
                ],
                ["4", "ramp at 1235", "ramp", "1234.56", "20.375", "pay", "0.25"],
            ]
        );
        let md = table.render(Format::Md);
        assert!(
            md.ends_with("| ramp at 1235 | 1235 | 20.4 | browse 20.12, pay 0.25 |\n"),
            "{md}"
        );
    }
}
