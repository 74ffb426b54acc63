//! Worked bills that others printed, computed again to the cent from their own inputs and rates, and what
//! must hold of every bill.
//!
//! `test-vectors.json` holds 43 bills out of vendors' pricing pages, Infracost's golden files, the FOCUS
//! specification and lists of prices, each with its source, its rates and the unrounded sum. No expected
//! figure is in this code: it builds book rows out of a vector's rates, prices the vector's inputs with
//! nest-model, and reads what must come out from the file.

mod books;
mod functions;
mod promises;
mod properties;
mod services;
mod vector;

use nest_model::pricing::{Rounding, cents, half_up, total};
use rust_decimal::Decimal;

use self::vector::{Bill, Vector, Vectors};

/// Significant digits up to which an unrounded sum is taken as exact; longer ones are cut off in the file and
/// agree to 1e-20.
const EXACT_DIGITS: usize = 24;

fn bill(vector: &Vector, all: &Vectors) -> Bill {
    match vector.kind.as_str() {
        "lambda" => functions::lambda(vector),
        "lambda-managed-instances" => functions::managed_instances(vector),
        "lambda-tiers" => functions::lambda_tiers(vector),
        "azure-functions" => functions::azure(vector),
        "workers" => functions::workers(vector),
        "fargate" => services::fargate(vector),
        "alb" => services::load_balancer(vector),
        "tiered" if vector.has("wru") => services::table(vector),
        "tiered" => services::tiered(vector),
        "tier-mode" => services::tier_mode(vector),
        "ebs" => services::volume(vector),
        "ebs-tiers" => services::volume_tiers(vector),
        "minimum-term" => services::minimum_term(vector),
        "minimum-charge" => services::minimum_charge(vector),
        "per-second-minimum" => services::per_second(vector),
        "partial-hour" => services::partial_hour(vector),
        "savings-plan" => promises::savings_plan(vector, all),
        "commitment-amortisation" => promises::amortisation(vector),
        "commitment-utilisation" => promises::unused(vector),
        "ri-amortisation" => promises::upfront_of(vector),
        "ri-breakeven" => promises::break_even(vector),
        "sustained-use" => promises::sustained(vector),
        other => panic!("no adapter for kind {other}"),
    }
}

/// What differs between a computed bill and its vector.
fn differences(vector: &Vector, bill: &Bill) -> Vec<String> {
    let mut found = Vec::new();
    let charges: Vec<Decimal> = bill.charges.iter().map(|charge| charge.1).collect();
    let rounding = if vector.note.contains("sum of rounded lines") {
        Rounding::Lines
    } else {
        Rounding::Sum
    };
    let (expected, computed) = (vector.total, total(&charges, rounding));
    if expected != computed {
        found.push(format!("total {computed}, expected {expected}"));
    }
    let (expected, exact) = (vector.total_exact, charges.iter().sum::<Decimal>());
    let digits = expected
        .normalize()
        .to_string()
        .chars()
        .filter(char::is_ascii_digit)
        .count();
    let tolerance = if digits <= EXACT_DIGITS {
        Decimal::ZERO
    } else {
        expected.abs() * Decimal::new(1, 20)
    };
    if (exact - expected).abs() > tolerance {
        found.push(format!("exact total {exact}, expected {expected}"));
    }
    for (name, printed) in &vector.lines {
        match bill
            .charges
            .iter()
            .chain(&bill.facts)
            .find(|line| line.0 == *name)
        {
            None => found.push(format!("line {name} is not computed")),
            Some((_, value)) if half_up(*value, printed.scale()) != *printed => {
                found.push(format!("line {name} is {value}, printed {printed}"))
            }
            Some(_) => {}
        }
    }
    found
}

#[test]
fn every_worked_bill_comes_out_to_the_cent() {
    let all = Vectors::read();
    assert_eq!(all.0.len(), 43);
    let found: Vec<String> = all
        .0
        .iter()
        .map(|vector| (vector, differences(vector, &bill(vector, &all))))
        .filter(|(_, found)| !found.is_empty())
        .map(|(vector, found)| format!("{}: {}", vector.id, found.join("; ")))
        .collect();
    assert!(
        found.is_empty(),
        "{} of 43 differ:\n{}",
        found.len(),
        found.join("\n")
    );
}

/// `docs/method/pricing.md`, "Rounding": one AWS example is 39.05 as a sum and 39.04 by lines.
#[test]
fn a_total_depends_on_where_it_is_rounded() {
    let all = Vectors::read();
    let streaming = all.get("aws-lambda-response-streaming");
    let charges: Vec<Decimal> = bill(streaming, &all)
        .charges
        .iter()
        .map(|charge| charge.1)
        .collect();
    assert_eq!(total(&charges, Rounding::Lines), streaming.total);
    assert_eq!(total(&charges, Rounding::Sum), cents(streaming.total_exact));
    assert_ne!(total(&charges, Rounding::Lines), total(&charges, Rounding::Sum));
}
