//! `pricing`: books listed, shown, checked, compared, imported, fetched and laid over one another.

mod import;

use std::{fs, path::Path};

use crate::support::{documented::rows, nest, replaced, repository};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("in a folder")).expect("a temporary folder");
    fs::write(path, text).expect("written");
}

fn fixture(name: &str) -> String {
    fs::read_to_string(repository().join("crates/nest-data/tests/prices").join(name))
        .expect("the fixture is there")
}

const HEAD: &str = "schema = 1\nprovider = \"aws\"\nregion = \"us-east-1\"\ncurrency = \"USD\"\n\
    month_hours = \"730\"\ntax = \"excluded\"\nstale_after_days = 180\n";
const CONTRACT: &str = "[source.contract]\ntitle = \"our contract\"\nobserved_on = \"2026-11-01\"\n\
    confidence = \"user\"\n[[meter]]\nid = \"nat.bytes\"\nunit = \"GB\"\nprice = { amount = \"0.02\" }\n\
    source = \"contract\"\n";

#[test]
fn pricing_lists_what_is_shipped_with_rows_and_dates() {
    let outcome = nest(folder().path(), &["pricing", "list", "--format", "csv"]).expect(0);
    let listed = rows(&outcome.stdout);
    let row_of = |name: &str| {
        listed
            .iter()
            .find(|row| row[0] == name)
            .unwrap_or_else(|| panic!("{name} is not in {}", outcome.stdout))
            .clone()
    };
    // The lists that the books were made of have 388 and 284 EC2 rows, 148 each of PostgreSQL and MySQL and
    // 102 of caches in both regions, two of Aurora and one of OpenSearch in the first; and 649 GCP rows over
    // three.
    assert_eq!(
        [
            row_of("aws/us-east-1")[3].clone(),
            row_of("aws/eu-west-1")[3].clone()
        ],
        ["789", "682"]
    );
    assert_eq!(
        ["gcp/us-central1", "gcp/europe-west1", "gcp/europe-west2"]
            .map(|name| row_of(name)[3].parse::<u32>().expect("a count"))
            .iter()
            .sum::<u32>(),
        649
    );
    assert_eq!(
        (
            row_of("hetzner/eu")[1].as_str(),
            row_of("webtask/global")[2].as_str()
        ),
        ("EUR", "1")
    );
    assert!(
        listed
            .iter()
            .all(|row| row[8].len() == 10 && row[14] == "shipped"),
        "{}",
        outcome.stdout
    );
    for row in &listed {
        let number = |cell: usize| row[cell].parse::<f64>().expect("a number");
        let (median, oldest, stale) = (number(12), number(11), number(13));
        assert!(number(10) >= 1.0 && median <= oldest, "{row:?}");
        // All rows count as old after 180 days.
        assert!(
            (0.0..=1.0).contains(&stale) && (stale > 0.0) == (oldest > 180.0),
            "{row:?}"
        );
    }
}

#[test]
fn pricing_shows_a_row_with_its_source_and_what_a_quantity_of_it_costs() {
    let folder = folder();
    let shown = nest(
        folder.path(),
        &[
            "pricing",
            "show",
            "aws/us-east-1",
            "egress.internet",
            "--format",
            "csv",
        ],
    )
    .expect(0);
    assert_eq!(
        rows(&shown.stdout)
            .iter()
            .map(|row| row[5].clone())
            .collect::<Vec<_>>(),
        ["0", "0.09", "0.085", "0.07", "0.05"]
    );
    assert!(
        shown.stdout.contains("AWSDataTransfer") && shown.stdout.contains("2026-05-06"),
        "{}",
        shown.stdout
    );
    // 37 x 1,024 GB by the tiers above: 100 GB are free, 10,140 cost 0.09 and 27,648 cost 0.085 each.
    let cost = |arguments: &[&str]| {
        let outcome = nest(
            folder.path(),
            &[
                &["pricing", "show", "--format", "csv", "--on", "2026-11-25"],
                arguments,
            ]
            .concat(),
        )
        .expect(0);
        rows(&outcome.stdout)[0][4].clone()
    };
    let sustained = nest(
        folder.path(),
        &["pricing", "show", "gcp/us-central1", "n2-standard-2"],
    )
    .expect(0);
    assert!(
        sustained.stdout.contains("up to 1.00 of a month"),
        "{}",
        sustained.stdout
    );
    assert!(
        sustained.stdout.contains("\nSources:\n\n1. "),
        "{}",
        sustained.stdout
    );
    assert_eq!(
        cost(&["aws/us-east-1", "egress.internet", "--quantity", "37888"]),
        "3262.68"
    );
    assert_eq!(
        cost(&["aws/us-east-1", "lambda.requests", "--quantity", "3000000"]),
        "0.4"
    );
    assert_eq!(cost(&["hetzner/eu", "CX23", "--quantity", "2"]), "10.98");
    assert_eq!(
        cost(&["webtask/global", "webtask.requests", "--quantity", "1000000"]),
        "",
        "a price that is not known is no number"
    );
}

#[test]
fn a_quantity_beyond_all_bounds_is_wrong_usage() {
    let many = [
        "pricing",
        "show",
        "aws/us-east-1",
        "egress.internet",
        "--quantity",
        "79228162514264337593543950335",
    ];
    nest(folder().path(), &many)
        .expect(2)
        .says("write a decimal number from 0 to 1000000000000000");
}

#[test]
fn pricing_offers_the_nearest_name_of_what_is_not_there() {
    let folder = folder();
    nest(folder.path(), &["pricing", "show", "aws/us-esat-1"])
        .expect(3)
        .says("there is no price book aws/us-esat-1")
        .says("did you mean aws/us-east-1?");
    nest(
        folder.path(),
        &["pricing", "show", "aws/us-east-1", "egress.internt"],
    )
    .expect(3)
    .says("did you mean egress.internet?");
    nest(
        folder.path(),
        &[
            "pricing",
            "show",
            "hetzner/us",
            "CPX11",
            "--quantity",
            "1",
            "--on",
            "2026-06-14",
        ],
    )
    .expect(3)
    .says("has no price on 2026-06-14");
}

#[test]
fn pricing_lays_the_users_rows_over_the_shipped_ones() {
    let folder = folder();
    let discount = "[[adjustment]]\norder = 1\nkind = \"percent\"\npercent = \"-9\"\nselector = \"*\"\n\
        label = \"enterprise discount\"\n";
    write(
        folder.path(),
        "pricing/aws/us-east-1.toml",
        &format!("{HEAD}{CONTRACT}{discount}"),
    );
    let show = |id: &str| {
        nest(
            folder.path(),
            &["pricing", "show", "aws/us-east-1", id, "--format", "csv"],
        )
        .expect(0)
        .stdout
    };
    assert!(show("nat.bytes").contains("our contract") && show("nat.bytes").contains("0.02"));
    assert!(
        show("nat.hour").contains("0.045"),
        "what the user does not say stays as it is shipped"
    );
    let listed = nest(folder.path(), &["pricing", "list", "--format", "csv"])
        .expect(0)
        .stdout;
    let row = rows(&listed)
        .into_iter()
        .find(|row| row[0] == "aws/us-east-1")
        .expect("there");
    assert_eq!(
        (row[7].as_str(), row[14].as_str()),
        ("1", "shipped;pricing/aws/us-east-1.toml")
    );
    // 730 hours at 0.045, less the 9 % of the contract.
    let quantity = [
        "pricing",
        "show",
        "aws/us-east-1",
        "nat.hour",
        "--quantity",
        "730",
        "--format",
        "csv",
    ];
    let priced = nest(folder.path(), &quantity).expect(0).stdout;
    assert_eq!(rows(&priced)[0][4], "29.8935");
    let by_day = "[[meter]]\nid = \"by.day\"\nunit = \"request\"\n\
        price = { amount = \"2\", window = \"day\" }\n\
        free = { kind = \"always\", quantity = \"100\" }\nsource = \"contract\"\n";
    write(
        folder.path(),
        "pricing/aws/us-east-1.toml",
        &format!("{HEAD}{CONTRACT}{by_day}"),
    );
    let quantity = [
        "pricing",
        "show",
        "aws/us-east-1",
        "by.day",
        "--quantity",
        "5000",
        "--format",
        "csv",
    ];
    let priced = nest(folder.path(), &quantity).expect(0).stdout;
    // 100 of each of 365 / 12 days
    assert_eq!(rows(&priced)[0][3], "3041.666667");
    write(
        folder.path(),
        "pricing/aws/us-east-1.toml",
        &format!("{}{CONTRACT}", replaced(HEAD, "USD", "EUR")),
    );
    nest(folder.path(), &["pricing", "show", "aws/us-east-1"])
        .expect(3)
        .says("aws/us-east-1 in EUR cannot be laid over aws/us-east-1 in USD");
}

#[test]
fn pricing_validates_with_lines_for_errors_and_warnings_for_doubts() {
    let folder = folder();
    write(folder.path(), "good.toml", &format!("{HEAD}{CONTRACT}"));
    nest(
        folder.path(),
        &["pricing", "validate", "good.toml", "--on", "2026-11-25"],
    )
    .expect(0)
    .says("good.toml: aws/us-east-1 is valid, 1 row");
    let old = nest(
        folder.path(),
        &["pricing", "validate", "good.toml", "--on", "2027-11-25"],
    )
    .expect(0);
    old.says("warning: good.toml:8: stale-source: source `contract` was seen 389 days ago, more than 180");
    write(
        folder.path(),
        "bad.toml",
        &format!(
            "{HEAD}{}",
            replaced(
                &replaced(CONTRACT, "\"0.02\"", "0.02"),
                "source = \"contract\"",
                "source = \"contact\""
            )
        ),
    );
    nest(folder.path(), &["pricing", "validate", "good.toml", "bad.toml"])
        .expect(3)
        .says("bad.toml:15")
        .says("write a decimal in quotes");
}

#[test]
fn every_shipped_book_is_valid_as_a_file() {
    let folder = folder();
    let mut files = Vec::new();
    for provider in fs::read_dir(repository().join("pricing")).expect("the books are there") {
        for book in fs::read_dir(provider.expect("readable").path()).expect("a folder") {
            files.push(book.expect("readable").path().display().to_string());
        }
    }
    let arguments: Vec<String> = ["pricing", "validate", "--on", "2026-11-25"]
        .into_iter()
        .map(str::to_owned)
        .chain(files.clone())
        .collect();
    let outcome = nest(folder.path(), &arguments).expect(0);
    assert_eq!(outcome.stderr.matches(" is valid, ").count(), files.len());
    for doubt in [
        "reserved-above-on-demand",
        "spot-above-on-demand",
        "arm-dearer",
        "same-as-region",
    ] {
        assert!(!outcome.stderr.contains(doubt), "{}", outcome.stderr);
    }
}

#[test]
fn pricing_compares_two_books_with_percent() {
    let folder = folder();
    write(folder.path(), "old.toml", &format!("{HEAD}{CONTRACT}"));
    write(
        folder.path(),
        "new.toml",
        &format!("{HEAD}{}", replaced(CONTRACT, "\"0.02\"", "\"0.025\"")),
    );
    let outcome = nest(
        folder.path(),
        &["pricing", "diff", "old.toml", "new.toml", "--format", "csv"],
    )
    .expect(0);
    assert_eq!(
        outcome.stdout,
        "change,table,row,effective_from,part,of,up_to,old,new,currency,change_share\n\
         changed,meter,nat.bytes,,price,,,0.02,0.025,USD,0.25\n"
    );
    let outcome = nest(
        folder.path(),
        &[
            "pricing",
            "diff",
            "aws/us-east-1",
            "aws/eu-west-1",
            "--format",
            "csv",
        ],
    )
    .expect(0);
    // AWS's own lists: m7i.large is 0.1008 in us-east-1 and 0.11235 in eu-west-1, 11.458 % more.
    assert!(
        outcome
            .stdout
            .contains("changed,instance,m7i.large,,on_demand,,,0.1008,0.11235,USD,0.114583"),
        "{}",
        outcome.stdout
    );
    let shown = nest(
        folder.path(),
        &[
            "pricing",
            "diff",
            "aws/us-east-1",
            "aws/eu-west-1",
            "--format",
            "md",
        ],
    )
    .expect(0);
    assert!(
        shown
            .stdout
            .contains("| changed | instance | m7i.large | on_demand | 0.1008 | 0.11235 | +11.5 |"),
        "{}",
        shown.stdout
    );
    nest(folder.path(), &["pricing", "diff", "aws/us-east-1", "hetzner/eu"])
        .expect(3)
        .says("is in USD")
        .says("two currencies");
}
