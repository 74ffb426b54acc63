//! CSV and JSON of every verb that runs without a load: the columns of docs/output.md, base units as plain
//! numbers, one value a cell. The unit tests of nest-cli check those of `load`, `measure` and `demo`.

use std::{fs, path::Path};

use nest_data::{Document, Measurements, ScalingModel};
use serde_json::{Value, json};

use crate::support::{
    copy_study,
    documented::{assert_csv, assert_json, columns, rows},
    nest, repository,
};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// What a verb prints in one of the forms.
#[track_caller]
fn printed(folder: &Path, arguments: &[&str], format: &str) -> String {
    nest(folder, &[arguments, &["--format", format]].concat())
        .expect(0)
        .stdout
}

/// The rows of a verb whose JSON is a list of the same rows.
#[track_caller]
fn checked(folder: &Path, verb: &str, arguments: &[&str]) -> Vec<Vec<String>> {
    let rows = assert_csv(verb, &printed(folder, arguments, "csv"));
    assert_json(verb, &printed(folder, arguments, "json"), &rows);
    assert!(!rows.is_empty(), "{verb} prints no rows");
    rows
}

/// The cell of a column.
#[track_caller]
fn cell<'a>(verb: &str, row: &'a [String], name: &str) -> &'a str {
    let place = columns(verb).iter().position(|(column, _)| *column == name);
    &row[place.unwrap_or_else(|| panic!("{verb} has no column {name}"))]
}

/// The first row with these cells.
#[track_caller]
fn found<'a>(verb: &str, rows: &'a [Vec<String>], cells: &[(&str, &str)]) -> &'a [String] {
    rows.iter()
        .find(|row| cells.iter().all(|(name, value)| cell(verb, row, name) == *value))
        .unwrap_or_else(|| panic!("{verb} has no row with {cells:?}"))
}

/// A committed measurement or model of a study.
fn committed<D: Document>(study: &str, file: &str) -> D {
    let path = repository().join("models").join(study).join(file);
    D::from_json(&fs::read_to_string(path).expect("committed")).expect("a document")
}

#[test]
fn prices_are_exact_decimals_with_their_currency_and_unit_in_columns_of_their_own() {
    let folder = folder();
    let show = |arguments: &[&str]| {
        let arguments = [&["pricing", "show"], arguments].concat();
        checked(folder.path(), "pricing show", &arguments)
    };
    let of = |row: &[String], names: [&str; 6]| names.map(|name| cell("pricing show", row, name).to_owned());
    let amounts = ["amount", "per", "unit", "currency", "up_to", "of"];
    let aws = show(&["aws/us-east-1"]);
    let row = |cells: &[(&str, &str)]| found("pricing show", &aws, cells);
    let large = row(&[("row", "m7i.large"), ("part", "on_demand")]);
    assert_eq!(of(large, amounts), ["0.1008", "1", "h", "USD", "", ""]);
    // 8 GiB are 8 x 2^30 bytes.
    assert_eq!(
        ["vcpu", "memory_bytes", "arch"].map(|name| cell("pricing show", large, name)),
        ["2", "8589934592", "x86_64"]
    );
    // 15 % of the list price of the instances.
    let fee = row(&[("row", "lambda.managed.fee")]);
    assert_eq!(
        of(fee, amounts),
        ["0.15", "", "share", "", "", "instance.on_demand"]
    );
    let egress = row(&[("row", "egress.internet"), ("up_to", "10240")]);
    assert_eq!(of(egress, amounts)[..4], ["0.09", "1", "GB", "USD"]);
    let transitions = row(&[("row", "stepfunctions.transitions"), ("part", "price")]);
    assert_eq!(
        of(transitions, amounts)[..4],
        ["0.025", "1000", "transition", "USD"]
    );
    let sustained = show(&["gcp/us-central1", "n2-standard-2"]);
    let last = found("pricing show", &sustained, &[("up_to", "1.00")]);
    assert_eq!(of(last, amounts), ["0.6", "1", "share", "", "1.00", ""]);

    let unknown = [
        "pricing",
        "show",
        "webtask/global",
        "webtask.requests",
        "--quantity",
        "5",
    ];
    let unknown = checked(folder.path(), "pricing show --quantity", &unknown);
    assert_eq!(
        unknown[0][..6],
        ["webtask.requests", "5", "request", "", "", "USD"]
    );

    let books = checked(folder.path(), "pricing list", &["pricing", "list"]);
    assert!(
        books.len() > 10
            && books
                .iter()
                .all(|row| cell("pricing list", row, "oldest_price_on").len() == 10)
    );
}

#[test]
fn every_shipped_book_is_one_table() {
    let folder = folder();
    for book in checked(folder.path(), "pricing list", &["pricing", "list"]) {
        let rows = checked(folder.path(), "pricing show", &["pricing", "show", &book[0]]);
        for row in rows {
            let [part, amount, currency] =
                ["part", "amount", "currency"].map(|name| cell("pricing show", &row, name));
            let money = [
                "price",
                "tier",
                "on_demand",
                "hourly",
                "spot",
                "upfront",
                "recurring",
            ]
            .contains(&part);
            assert_eq!(money, currency == book[1], "{row:?}");
            assert!(part != "share" || amount.parse::<f64>().is_ok_and(|share| share < 1.0));
        }
    }
}

#[test]
fn a_change_of_price_is_a_share() {
    let folder = folder();
    let rows = checked(
        folder.path(),
        "pricing diff",
        &["pricing", "diff", "aws/us-east-1", "aws/eu-west-1"],
    );
    let row = found(
        "pricing diff",
        &rows,
        &[("row", "m7i.large"), ("part", "on_demand")],
    );
    let share: f64 = cell("pricing diff", row, "change_share")
        .parse()
        .expect("a share");
    // 0.11235 / 0.1008 - 1 = 0.01155 / 0.1008
    assert!((share - 0.114_583_333_333).abs() < 1e-12, "{share}");
    assert_eq!(cell("pricing diff", row, "currency"), "USD");

    let list = repository().join("crates/nest-data/tests/prices/aws-elb-eu-west-1.json");
    let import = ["pricing", "import", list.to_str().expect("UTF-8"), "--replace"];
    let rows = checked(folder.path(), "pricing import", &import);
    assert_eq!(rows[0][..3], ["aws/eu-west-1", "7", "4"]);
}

#[test]
fn twelve_milliseconds_are_12_ms_for_readers_and_0_012_for_programs() {
    let folder = folder();
    // Runs of a minute: 0.1 s/s idle, 12 ms for each payment.
    let runs = [(0, 6.0), (500, 12.0), (1_000, 18.0), (2_000, 30.0)];
    let lines = runs.map(|(count, busy_s)| format!("r{count},60,cpu,{busy_s},pay,{count}\n"));
    let text = format!(
        "run,duration_s,resource,busy_s,behaviour,count\n{}",
        lines.concat()
    );
    fs::write(folder.path().join("w.csv"), text).expect("written");
    let rows = checked(folder.path(), "demand", &["demand", "w.csv"]);
    let number = |behaviour: &str| -> f64 {
        let row = found("demand", &rows, &[("behaviour", behaviour)]);
        cell("demand", row, "demand_s").parse().expect("a number")
    };
    assert!(
        (number("pay") - 0.012).abs() < 1e-12 && (number("idle") - 0.1).abs() < 1e-9,
        "{rows:?}"
    );
    let human = printed(folder.path(), &["demand", "w.csv"], "human");
    assert!(
        human.contains(" 12 ms ") && human.contains(" 100 ms/s "),
        "{human}"
    );
}

#[test]
fn forecasts_have_the_same_rows_in_csv_and_json_also_those_that_are_refused() {
    let folder = folder();
    fs::write(
        folder.path().join("h.csv"),
        "series,period,value\na,1,3\na,2,4\na,3,5.5\nlone,1,3\n",
    )
    .expect("written");
    let rows = checked(folder.path(), "growth", &["growth", "h.csv", "--horizon", "2"]);
    assert_eq!(rows.len(), 3);
    let lone = found("growth", &rows, &[("series", "lone")]);
    assert!(
        lone[1..7].iter().all(String::is_empty) && lone[8].contains("at least 2"),
        "{lone:?}"
    );

    fs::write(
        folder.path().join("d.csv"),
        "series,x,y\na,1,10\na,2,19\na,4,35\n",
    )
    .expect("written");
    fs::write(folder.path().join("at.csv"), "series,x\na,8\na,many\nb,012\n").expect("written");
    let rows = checked(folder.path(), "curve", &["curve", "d.csv", "--at", "at.csv"]);
    let levels: Vec<&str> = rows.iter().map(|row| cell("curve", row, "x")).collect();
    assert_eq!(levels, ["8", "", "12"]);
    // All digits: readers get six.
    assert!(cell("curve", &rows[0], "p50").len() > 10, "{rows:?}");
}

#[test]
fn a_fit_prints_the_demands_of_its_model_in_base_units() {
    let folder = folder();
    let study = copy_study("shop", folder.path());
    fs::copy(
        repository().join("models/shop/measurements.json"),
        study.join("measurements.json"),
    )
    .expect("committed");
    let path = study.to_str().expect("UTF-8");
    let rows = assert_csv("fit", &printed(folder.path(), &["fit", path], "csv"));
    let model: ScalingModel = committed("shop", "scaling.json");
    let expected: usize = model.resources.iter().map(|one| one.demand.len() + 1).sum();
    assert_eq!(rows.len(), expected);
    for resource in &model.resources {
        for (behaviour, estimate) in &resource.demand {
            let row = found(
                "fit",
                &rows,
                &[("resource", &resource.name), ("behaviour", behaviour)],
            );
            let ends = [estimate.value, estimate.low, estimate.high];
            for (name, value) in ["demand", "low", "high"].into_iter().zip(ends) {
                let printed: f64 = cell("fit", row, name).parse().expect("a number");
                assert!(
                    (printed - value).abs() <= 1e-6 * value.abs(),
                    "{row:?}, {estimate:?}"
                );
            }
        }
    }
    let cpu = found("fit", &rows, &[("resource", "app/cpu"), ("behaviour", "idle")]);
    assert_eq!(cell("fit", cpu, "unit"), "s/s");
}

#[test]
fn runs_count_their_steps_in_two_columns() {
    let folder = folder();
    let study = copy_study("shop", folder.path());
    let measured: Measurements = committed("shop", "measurements.json");
    let run = study.join("runs/20261125T001614Z");
    fs::create_dir_all(run.join("steps")).expect("a temporary folder");
    let write = |name: &str, value: &Value| fs::write(run.join(name), value.to_string()).expect("written");
    write(
        "run.json",
        &json!({ "started_at": "2026-11-25T00:16:14Z", "study_hash": measured.study_hash,
            "machine": measured.machine, "state": "interrupted" }),
    );
    for step in &measured.steps[..3] {
        write(&format!("steps/{:03}.json", step.plan.index), &json!(step));
    }
    let path = study.to_str().expect("UTF-8");
    let listed = || checked(folder.path(), "runs list", &["runs", "list", path]);
    let cells = ["20261125T001614Z", "interrupted", "3", "", "2026-11-25T00:16:14Z"];
    assert_eq!(listed(), [cells], "no plan yet");

    let steps: Vec<_> = measured.steps.iter().map(|step| &step.plan).collect();
    write(
        "plan.json",
        &json!({
            "plan": { "steps": steps, "capacity_customers": 1.0, "duration_s": 1.0, "executions": 1.0,
                "peak_per_s": 1.0, "caveats": [] },
            "pilot": measured.pilot,
            "resources": measured.resources,
        }),
    );
    assert_eq!(listed()[0][3], measured.steps.len().to_string());
    let human = printed(folder.path(), &["runs", "list", path], "human");
    assert!(
        human.contains(&format!("3 of {}", measured.steps.len())),
        "{human}"
    );

    let csv = printed(folder.path(), &["runs", "show", "20261125T001614Z", path], "csv");
    let rows = assert_csv("runs show", &csv);
    assert_eq!(rows.len(), 3);
    for (row, step) in rows.iter().zip(&measured.steps) {
        let number = |name: &str| cell("runs show", row, name).parse::<f64>().expect("a number");
        assert_eq!(number("offered_per_s"), step.plan.total_per_s());
        assert_eq!(number("lateness_p99_s"), step.generator.lateness_p99_s);
        assert_eq!(number("due"), step.total().due as f64);
    }
}

#[test]
fn an_explanation_is_one_table_with_plain_values() {
    let path = repository().join("models/migration");
    let path = path.to_str().expect("UTF-8");
    for figure in ["per-1000", "break-point", "instances", "fees"] {
        let arguments = ["explain", figure, path, "--as-of", "2026-11-25"];
        let rows = assert_csv("explain", &printed(&repository(), &arguments, "csv"));
        assert_eq!(cell("explain", &rows[0], "depth"), "0");
        let bases = [
            "sum",
            "difference",
            "product",
            "quotient",
            "power",
            "minimum",
            "maximum",
            "ceiling",
            "floor",
            "above",
            "measured",
            "fitted",
            "assumed",
            "agreed",
            "priced",
        ];
        assert!(
            rows.iter()
                .all(|row| bases.contains(&cell("explain", row, "basis")))
        );
    }
}

#[test]
fn a_projection_and_a_comparison_are_one_table_each() {
    for (study, what) in [
        ("migration", "configs"),
        ("minimum-payment", "policies"),
        ("minimum-payment", "growth"),
    ] {
        let path = repository().join("models").join(study);
        let arguments = [
            "compare",
            what,
            path.to_str().expect("UTF-8"),
            "--as-of",
            "2026-11-25",
        ];
        assert!(
            !rows(&printed(&repository(), &arguments, "csv")).is_empty(),
            "{what}"
        );
    }
    let folder = folder();
    let study = copy_study("shop", folder.path());
    fs::copy(
        repository().join("models/shop/scaling.json"),
        study.join("scaling.json"),
    )
    .expect("committed");
    let project = ["project", study.to_str().expect("UTF-8"), "--as-of", "2026-11-23"];
    assert!(rows(&printed(folder.path(), &project, "csv")).len() > 100);
}

#[test]
fn a_doctor_finds_facts_that_are_numbers_or_texts() {
    let folder = folder();
    let rows = assert_csv("doctor", &printed(folder.path(), &["doctor"], "csv"));
    let cores = found("doctor", &rows, &[("fact", "cores")]);
    assert!(
        cell("doctor", cores, "number")
            .parse::<u32>()
            .is_ok_and(|cores| cores > 0)
    );
    let stolen = found("doctor", &rows, &[("what", "stolen time"), ("fact", "share")]);
    let share: f64 = cell("doctor", stolen, "number").parse().expect("a number");
    assert!((0.0..=1.0).contains(&share), "{share}");
}
