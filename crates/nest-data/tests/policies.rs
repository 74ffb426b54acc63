//! What a study says of growth, mechanisms, policies and budget: what is read, and what is refused where.

use std::collections::BTreeMap;

use nest_data::{
    Diagnostic, Source, Study,
    growth::GrowthScenario,
    study::growth::file::read_growth_files,
    study::read::{StudyTexts, read_study},
};

const NEST: &str = r#"
nest = 1
[study]
name = "Shop"
customer = "a person with an account"
[target]
base_url = "http://127.0.0.1:8080"
[customers]
peak_hour_share = "12%"
burst = 1.5
[parameters]
min_payment = 10
patience = { value = 0.5, range = [0, 1] }
[mechanisms.dues]
accrues = "3 / day"
lump = 0.5
pays_at = "min_payment"
per_open_item = { browse = "20us" }
[rates]
browse = "20 / day * elastic(min_payment, 10, patience)"
pay = "dues.payments"
receipt = "0.8 * rates.pay"
[policies.higher]
set = { min_payment = 20 }
from = 2027-03-01
ramp = "2 months"
[budget]
per_1000 = "40"
monthly = "5000"
"#;

fn texts(nest: &str) -> StudyTexts {
    let names = ["browse", "pay", "receipt"];
    let behaviours = names.map(|name| {
        (
            name.to_owned(),
            Source::new(format!("behaviours/{name}.toml"), "steps = [{ get = \"/\" }]"),
        )
    });
    StudyTexts {
        nest: Source::new("nest.toml", nest),
        behaviours: behaviours.into(),
        code: BTreeMap::new(),
    }
}

fn read(nest: &str) -> Study {
    read_study(&texts(nest), &[]).unwrap_or_else(|found| panic!("{found:#?}"))
}

fn errors(nest: &str) -> String {
    let found = read_study(&texts(nest), &[]).expect_err("must be refused");
    found
        .iter()
        .map(|one| format!("{}: {} ({})\n", one.file, one.message, one.help))
        .collect()
}

#[test]
fn mechanisms_elasticities_and_other_rates_make_a_rate() {
    let study = read(NEST);
    let rates = |minimum: f64| {
        let mut parameters = study.parameter_values();
        parameters.insert("min_payment".to_owned(), minimum);
        study.rates_per_day(&parameters).expect("rates")
    };
    let (ten, forty) = (rates(10.0), rates(40.0));
    assert!(
        (ten["pay"] - 3.0 / 10.5).abs() < 1e-12
            && (ten["receipt"] - 0.8 * ten["pay"]).abs() < 1e-12
            && ten["browse"] == 20.0
    );
    assert!(
        (forty["pay"] - 3.0 / 40.5).abs() < 1e-12 && (forty["browse"] - 10.0).abs() < 1e-12,
        "receipts follow payments"
    );
    let json = serde_json::to_string(&study).expect("serialises");
    assert_eq!(serde_json::from_str::<Study>(&json).expect("reads back"), study);
}

#[test]
fn what_a_formula_cannot_mean_is_refused() {
    for (from, to, part) in [
        (
            "dues.payments",
            "dues.payment",
            "`dues.payment` is nothing that a mechanism says; it says payments, lumps",
        ),
        ("dues.payments", "due.payments", "did you mean `dues.payments`?"),
        ("rates.pay", "rates.pya", "did you mean `rates.pay`?"),
        ("dues.payments", "rates.receipt", "is made of itself"),
        ("dues.payments", "rates.pay", "is made of itself"),
        (
            "pays_at = \"min_payment\"",
            "pays_at = \"min_paymnt\"",
            "did you mean `min_payment`?",
        ),
        (
            "pays_at = \"min_payment\"",
            "pays_at = \"1 / day\"",
            "has a unit of time",
        ),
        ("lump = 0.5", "lump = 0", "lumps are above 0"),
        (
            "{ browse = \"20us\" }",
            "{ brwose = \"20us\" }",
            "did you mean `browse`?",
        ),
        (
            "[mechanisms.dues]",
            "[mechanisms.rates]",
            "has another meaning in formulas",
        ),
        ("from = 2027-03-01\n", "", "has a ramp but no date"),
        ("ramp = \"2 months\"", "ramp = \"2\"", "a span such as"),
        ("per_1000 = \"40\"", "per_1000 = \"0\"", "above zero"),
        (
            "monthly = \"5000\"",
            "monthly = 5000",
            "write a decimal in quotes",
        ),
    ] {
        assert!(NEST.contains(from), "{from}");
        let found = errors(&NEST.replace(from, to));
        assert!(found.contains(part), "{to}: {part} in {found}");
    }
}

#[test]
fn a_name_that_nothing_defines_is_one_error() {
    let segments = "[segments.few]\nshare = \"100%\"\nrates = { browse = \"min_paymnt / day\" }\n";
    for nest in [
        NEST.replace("elastic(min_payment", "elastic(min_paymnt"),
        NEST.replace("pays_at = \"min_payment\"", "pays_at = \"min_paymnt\""),
        format!("{NEST}{segments}"),
    ] {
        let found = errors(&nest);
        assert!(
            found.lines().count() == 1 && found.contains("did you mean `min_payment`?"),
            "{found}"
        );
    }
}

#[test]
fn a_unit_of_time_that_there_is_not_is_named() {
    for (rate, name, help) in [
        (
            "2 / fortnight",
            "fortnight",
            "write executions per customer and time",
        ),
        ("2 / days", "days", "did you mean `day`?"),
    ] {
        let found = errors(&NEST.replace("\"dues.payments\"", &format!("\"{rate}\"")));
        let message = format!("is not a rate: `{name}` is neither a unit of time nor a parameter");
        assert!(found.contains(&message) && found.contains(help), "{found}");
    }
    let without_time = errors(&NEST.replace("\"dues.payments\"", "\"2 / min_payment\""));
    assert!(
        without_time.contains("divide by second, minute"),
        "{without_time}"
    );
}

#[test]
fn a_scenario_says_one_thing_and_its_ranges_hold_their_values() {
    let growth = |text: &str| format!("{NEST}[growth.g]\n{text}\n");
    let start = "start = { date = 2027-01-01, customers = 1000 }\n";
    let events = |event: &str| format!("{start}monthly = \"7%\"\nevents = [{{ {event} }}]");
    for (text, part) in [
        (start.to_owned(), "does not say how customers grow"),
        ("monthly = \"7%\"".to_owned(), "has no start"),
        (
            format!("{start}plan = \"growth.csv\""),
            "which states the start already",
        ),
        (
            format!("{start}monthly = \"7%\"\nplan = \"growth.csv\""),
            "has both monthly and plan",
        ),
        (
            "plan = \"growth.csv\"\nrange = [\"1%\", \"2%\"]".to_owned(),
            "`range` goes with `monthly`",
        ),
        (
            format!("{start}monthly = \"7%\"\nceiling = [500, 2000, 3000]"),
            "is not in ascending order",
        ),
        (
            format!("{start}monthly = \"7%\"\nrange = [\"8%\", \"9%\"]"),
            "outside its range",
        ),
        (
            events("date = 2026-12-31, customers = \"+5\""),
            "is before the start",
        ),
        (events("date = 2027-12-31, customers = \"5\""), "with its sign"),
        (
            events("date = 2027-12-31, customers = \"+5\", range = [\"+1%\", \"+9%\"]"),
            "outside its range",
        ),
    ] {
        let found = errors(&growth(&text));
        assert!(found.contains(part), "{part} in {found}");
    }
    let fine =
        events("date = 2027-12-31, customers = \"+20%\", range = [\"+1%\", \"+90%\"], ramp = \"6 weeks\"");
    assert_eq!(
        read(&growth(&format!("{fine}\nceiling = [5_000, 20_000, 30_000]"))).growth["g"].months(),
        24
    );
}

#[test]
fn a_plan_is_read_from_its_file_and_bounds_the_months() {
    let plan = |text: Option<&str>, more: &str| {
        let mut study = read(&format!("{NEST}[growth.g]\nplan = \"growth.csv\"\n{more}\n"));
        let files = text
            .map(|text| ("growth.csv".to_owned(), Source::new("growth.csv", text)))
            .into_iter()
            .collect();
        read_growth_files(&mut study, &files).map(|()| study.growth.remove("g").expect("defined"))
    };
    let rows = "month,customers\n2027-01,1000\n2027-02,1100\n2027-04,1500\n";
    let scenario = plan(Some(rows), "").expect("a plan");
    assert_eq!(
        (scenario.months(), scenario.begins().expect("a start").customers),
        (3, 1_000.0)
    );
    let message = |found: Result<GrowthScenario, Vec<Diagnostic>>| {
        found.expect_err("must be refused")[0].message.clone()
    };
    assert!(
        message(plan(Some(rows), "months = 4")).contains("covers 3 whole months, but 4 are to be projected")
    );
    assert!(message(plan(None, "")).contains("the file of growth `g` does not exist"));
    assert!(message(plan(Some("month,customers\n2027-01,x\n2027-02,5\n"), "")).contains("line 2: \"x\""));
}

#[test]
fn what_replaces_files_is_named_and_for_functions_only() {
    let config = |platform: &str, size: &str, replaced_by: &str| {
        format!(
            "{NEST}[configs.one]\nplatform = \"{platform}\"\nbook = \"aws/us-east-1\"\n{size}\n\
             files_replaced_by = \"{replaced_by}\"\n"
        )
    };
    let study = read(&config(
        "function",
        "memory_mb = 1769",
        "RDS, priced under monthly",
    ));
    assert_eq!(
        study.configs["one"].main.files_replaced_by.as_deref(),
        Some("RDS, priced under monthly")
    );
    let empty = errors(&config("function", "memory_mb = 1769", " "));
    assert!(empty.contains("`files_replaced_by` is empty"), "{empty}");
    let server = errors(&config("vm", "sku = \"m7i.large\"", "RDS"));
    assert!(
        server.contains("has `files_replaced_by`, which is for functions, but its platform is vm"),
        "{server}"
    );
}
