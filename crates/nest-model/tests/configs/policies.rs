//! Policies with a date: fees, stored items and limits before it, on the ramp, and after it.

use nest_data::projection::PolicyProjection;

use super::*;

/// Payments fall and their fee rises with the least payment; 80,000 customers on one unit.
const FEES: &str = r#"
nest = 1
[study]
name = "Fees"
customer = "a person with an account"
[target]
base_url = "http://127.0.0.1:1"
state = "true"
[customers]
peak_hour_share = "12%"
burst = 1.5
[parameters]
least = 10
[rates]
browse = "20 / day"
check = "2 / day"
pay = "3 / (least + 0.5) / day"
[fees.card]
behaviour = "pay"
amount = "0.02"
percent = "1.5"
of = "least + 0.5"
[growth.steady]
start = { date = 2027-01-01, customers = 80_000 }
monthly = "0%"
months = 12
[configs.c]
platform = "vm"
book = "example/one"
sku = "two-cores"
min = 1
speed = [1.0, 1.0]
[policies.twenty]
set = { least = 20 }
"#;

/// Payments a month, and what each costs, at a least payment.
fn paid(least: f64) -> (f64, f64) {
    let payments = 80_000.0 * 3.0 / (least + 0.5) * 365.0 / 12.0;
    (payments, 0.02 + 0.015 * (least + 0.5))
}

fn policy(text: &str) -> PolicyProjection {
    projected(text).policies.remove(0)
}

fn float(amount: nest_data::units::QuotedDecimal) -> f64 {
    amount.0.to_f64().expect("a float")
}

fn fee_changes(policy: &PolicyProjection) -> Vec<f64> {
    let months = policy.months.iter();
    months
        .map(|month| float(month.fees.expect("the study has fees").value))
        .collect()
}

/// Half of the customers pay one fee at one rate, and half the other fee at the other rate: fewer payments
/// save more than dearer ones cost, from the first month on.
#[test]
fn fees_on_a_ramp_are_those_of_both_kinds_of_customers() {
    let ramp = FEES.edit(
        "[policies.twenty]",
        "[policies.twenty]\nfrom = 2027-01-01\nramp = \"1 year\"",
    );
    let policy = policy(&ramp);
    let ((rate, fee), (new_rate, new_fee)) = (paid(10.0), paid(20.0));
    let whole = new_rate * new_fee - rate * fee;
    for (month, change) in fee_changes(&policy).into_iter().enumerate() {
        let expected = whole * (month as f64 + 0.5) / 12.0;
        // amounts are rounded to cents at either end
        assert!((change - expected).abs() < 0.02, "{change} for {expected}");
    }
    let [_, _, total] = policy.totals.fees.expect("the study has fees");
    assert!(
        (float(total.value) - whole * 6.0).abs() < 0.2 && total.high < 0.0,
        "{total:?}"
    );
}

/// Nothing changes in a month before the one in which a policy begins, and of that month only the rest.
#[test]
fn a_policy_changes_its_month_from_its_day_on() {
    let ((rate, fee), (new_rate, new_fee)) = (paid(10.0), paid(20.0));
    let whole = new_rate * new_fee - rate * fee;
    for (from, begins) in [
        ("2027-03-01", 2.0),
        ("2027-03-16", 2.0 + 15.0 / 31.0),
        ("2027-03-31", 2.0 + 30.0 / 31.0),
    ] {
        let dated = FEES.edit("[policies.twenty]", &format!("[policies.twenty]\nfrom = {from}"));
        for (month, change) in fee_changes(&policy(&dated)).into_iter().enumerate() {
            let share = (month as f64 + 1.0 - begins).clamp(0.0, 1.0);
            assert!(
                (change - whole * share).abs() < 0.02,
                "from {from}, month {month}: {change}"
            );
        }
    }
}

/// Items are kept for 73 days, 2.4 months: none is gone before the policy begins, and those added before it
/// go one by one.
#[test]
fn stored_items_follow_a_policy_as_old_ones_go() {
    let stored = "[data]\nitem = \"payment\"\nsizes = [1000, 2000]\nadded_by = \"pay\"\nkept_days = 73\n\
         [configs.c.meters]\n\"by.item\" = { driver = \"stored\", times = 1 }\n";
    let text = FEES.edit(
        "[policies.twenty]",
        &format!("{stored}[policies.twenty]\nfrom = 2027-07-01"),
    );
    let meter =
        "[[meter]]\nid = \"by.item\"\nunit = \"item\"\nprice = { amount = \"0.001\" }\nsource = \"s\"\n";
    let policy = projected_with(&text, meter, |_| ()).policies.remove(0);
    let whole = 0.001 * 80_000.0 * 73.0 * (3.0 / 20.5 - 3.0 / 10.5);
    let there = |months: f64| (months / 2.4).clamp(0.0, 1.0);
    let months = policy.months.iter().zip(0..);
    for (month, index) in months {
        let since = f64::from(index) - 6.0;
        // the mean over the month, in twelfths
        let mean = (0..12)
            .map(|part| there(since + (f64::from(part) + 0.5) / 12.0))
            .sum::<f64>()
            / 12.0;
        let change = float(month.change.value);
        assert!(
            (change - whole * mean).abs() < 0.002 * whole.abs(),
            "month {index}: {change} for {}",
            whole * mean
        );
    }
}

/// A unit is full some days before a policy begins that would relieve it: it is full all the same, on its
/// day.
#[test]
fn a_limit_is_reached_right_before_a_policy_that_would_move_it() {
    let text = FEES
        .edit("customers = 80_000", "customers = 30_000")
        .edit("monthly = \"0%\"", "monthly = \"7%\"")
        .edit("months = 12", "months = 24")
        .edit("least = 10", "least = 10\nb = 20")
        .edit("browse = \"20 / day\"", "browse = \"b / day\"")
        .edit("min = 1", "min = 1\nmax = 1")
        .edit("set = { least = 20 }", "set = { b = 2 }");
    let first = |projection: &Projection| {
        let points = &config(projection, "c").break_points;
        first_break(points).expect("it is full").0.clone()
    };
    let plain = first(&projected(&text));
    let full = plain.date.and_then(|date| date.value).expect("within the plan");
    for days in [1, 8, 20] {
        let from = full.checked_add(jiff::ToSpan::days(days)).expect("a day");
        for ramp in ["", "\nramp = \"3 months\""] {
            let dated = text.edit(
                "[policies.twenty]",
                &format!("[policies.twenty]\nfrom = {from}{ramp}"),
            );
            let policy = policy(&dated);
            let after = policy
                .break_after
                .as_ref()
                .expect("it is full before the policy begins");
            assert_eq!(
                after.date.and_then(|date| date.value),
                Some(full),
                "{days} days before {from}{ramp}"
            );
            assert!(after.reached > 0.3, "{}", after.reached);
        }
    }
}

/// A policy that began half a year before growth is as far on its ramp of a year as it is.
#[test]
fn a_ramp_that_began_before_growth_goes_on() {
    let ramp = FEES.edit(
        "[policies.twenty]",
        "[policies.twenty]\nfrom = 2026-07-01\nramp = \"1 year\"",
    );
    let adopted: Vec<f64> = policy(&ramp).months.iter().map(|month| month.adopted).collect();
    for (share, month) in adopted.into_iter().zip(0..) {
        let expected = (0.5 + f64::from(month) / 12.0).min(1.0);
        assert!((share - expected).abs() < 1e-9, "month {month}: {share}");
    }
}
