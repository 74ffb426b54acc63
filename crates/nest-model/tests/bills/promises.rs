//! Bills of commitments: reservations, savings plans, sustained use.

use nest_data::price_book::Commitment;
use nest_model::pricing::{
    Cover, CoverableUsage, HeldCommitment, SustainedUse, TERM_HOURS_PER_MONTH, amortise,
    break_even_utilisation, cash_in_month, effective_per_hour, term_hours, upfront,
};
use rust_decimal::Decimal;

use super::{
    books::{book, commitment, cost, flat},
    vector::{Bill, Vector, Vectors, decimal},
};

/// The sibling that states usage and rates for all bills of the Savings Plans guide.
const GUIDE: &str = "aws-compute-sp-50.00";
/// The guide's rate of an r5.4xlarge under an EC2 instance plan, which no vector states: four of them lose
/// 0.60 of 3.00.
const INSTANCE_PLAN_RATE: Decimal = Decimal::from_parts(60, 0, 0, false, 2);
/// GCP's schedule for n2: 20 % off a full month. Compute Engine documentation, sustained use discounts.
const N2_SCHEDULE: [(&str, &str); 4] = [("0.25", "1"), ("0.5", "0.8678"), ("0.75", "0.733"), ("1", "0.6")];

pub fn savings_plan(vector: &Vector, all: &Vectors) -> Bill {
    let guide = all.get(GUIDE);
    let table: Vec<(String, Decimal, Decimal)> = guide.rates["table"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| {
            (
                row[0].as_str().expect("a name").to_owned(),
                decimal(&row[1]),
                decimal(&row[2]),
            )
        })
        .collect();
    let usage: Vec<CoverableUsage<'_>> = table
        .iter()
        .map(|(name, on_demand, _)| CoverableUsage {
            name,
            on_demand: Some(*on_demand),
        })
        .collect();
    let quantities: Vec<Decimal> = guide.inputs["usage"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| decimal(&row[1]))
        .collect();
    let rates: Vec<(String, Decimal)> = table
        .iter()
        .map(|(name, _, rate)| (name.clone(), *rate))
        .collect();

    // Listed the wrong way round: the order in which they apply is not the order in which they were bought.
    let compute = if vector.has("compute_sp") {
        "compute_sp"
    } else {
        "commitment_per_hour"
    };
    let mut bought = vec![(
        commitment(
            "savings_plan",
            "none",
            "",
            Decimal::ZERO,
            vector.input(compute),
            &rates,
        ),
        Decimal::ONE,
    )];
    if vector.has("ec2_sp") {
        let rates = [("r5.4xlarge".to_owned(), INSTANCE_PLAN_RATE)];
        bought.push((
            commitment(
                "savings_plan",
                "none",
                "family = \"r5\"",
                Decimal::ZERO,
                vector.input("ec2_sp"),
                &rates,
            ),
            Decimal::ONE,
        ));
    }
    for (sku, units) in vector.inputs["reserved"].as_object().into_iter().flatten() {
        // The note: what the reservation costs is not in the bill.
        bought.push((
            commitment(
                "reserved",
                "none",
                &format!("sku = \"{sku}\""),
                Decimal::ZERO,
                Decimal::ZERO,
                &[],
            ),
            decimal(units),
        ));
    }
    let held: Vec<HeldCommitment<'_>> = bought
        .iter()
        .map(|(commitment, units)| HeldCommitment {
            commitment,
            units: *units,
        })
        .collect();
    let hour = Cover::new(&usage, &held).hour(&quantities);
    let on_demand: Decimal = hour
        .on_demand
        .iter()
        .map(|cost| cost.expect("a known price"))
        .sum();
    let paid: Decimal = hour.bought.iter().sum();
    assert_eq!(hour.total(), Some(paid + on_demand));
    Bill {
        charges: vec![("commitment", paid), ("on_demand_part", on_demand)],
        facts: vec![
            ("unused", hour.unused[0]),
            ("ec2_sp_unused", hour.unused.get(1).copied().unwrap_or_default()),
        ],
    }
}

/// One unit of so much an hour for a year, all or half of it paid at once.
fn focus_commitment(vector: &Vector) -> Commitment {
    let payment = vector.inputs["payment"].as_str().unwrap_or("none");
    let (word, share_at_once) = match payment.split_once(' ') {
        Some((word, percent)) => (
            word,
            percent
                .trim_end_matches(" %")
                .parse::<Decimal>()
                .expect("percent")
                / Decimal::ONE_HUNDRED,
        ),
        None => (
            payment,
            if payment == "all" {
                Decimal::ONE
            } else {
                Decimal::ZERO
            },
        ),
    };
    let per_hour = vector.input("commit_per_hour");
    let recurring = per_hour * (Decimal::ONE - share_at_once);
    let at_once = upfront(per_hour, recurring, vector.input_or("term_hours", 8_760));
    commitment("reserved", word, "sku = \"one\"", at_once, recurring, &[])
}

/// Charges are cash over the term; what it costs per hour and month are facts.
pub fn amortisation(vector: &Vector) -> Bill {
    let commitment = focus_commitment(vector);
    assert_eq!(term_hours(&commitment), vector.input("term_hours"));
    let month = |month: u32| cash_in_month(&commitment, Decimal::ONE, month, TERM_HOURS_PER_MONTH);
    let all_used = amortise(
        &commitment,
        Decimal::ONE,
        term_hours(&commitment),
        term_hours(&commitment),
    );
    assert_eq!(
        (all_used.used, all_used.unused),
        ((1..=12).map(month).sum(), Decimal::ZERO),
        "over a term cash is what is amortised"
    );
    Bill {
        charges: (1..=12).map(|at| ("month", month(at))).collect(),
        facts: vec![
            ("billed_upfront", month(1) - month(2)),
            ("recurring_per_month", month(2)),
            ("effective_per_hour", effective_per_hour(&commitment)),
        ],
    }
}

/// One hour of a commitment, of which some is used.
pub fn unused(vector: &Vector) -> Bill {
    let hour = amortise(
        &focus_commitment(vector),
        Decimal::ONE,
        Decimal::ONE,
        vector.input("used"),
    );
    Bill {
        charges: vec![("effective_used", hour.used), ("effective_unused", hour.unused)],
        facts: Vec::new(),
    }
}

pub fn upfront_of(vector: &Vector) -> Bill {
    let effective = vector.input("effective_hour");
    let at_once = upfront(effective, Decimal::ZERO, vector.input("hours"));
    let commitment = commitment("reserved", "all", "sku = \"x2iedn\"", at_once, Decimal::ZERO, &[]);
    assert_eq!(effective_per_hour(&commitment), effective);
    Bill {
        charges: vec![("upfront", at_once)],
        facts: Vec::new(),
    }
}

pub fn break_even(vector: &Vector) -> Bill {
    let commitment = commitment(
        "reserved",
        "none",
        "sku = \"m7i.large\"",
        Decimal::ZERO,
        vector.input("ri_1y_no_upfront"),
        &[],
    );
    let utilisation = break_even_utilisation(effective_per_hour(&commitment), vector.input("on_demand"))
        .expect("a list price");
    Bill {
        charges: vec![("breakeven_utilisation", utilisation)],
        facts: Vec::new(),
    }
}

pub fn sustained(vector: &Vector) -> Bill {
    let parts: Vec<String> = N2_SCHEDULE
        .iter()
        .map(|(up_to, factor)| format!("{{ up_to = \"{up_to}\", factor = \"{factor}\" }}"))
        .collect();
    let (hour, hours) = (vector.input("hour"), vector.input("hours"));
    let instance = book(&format!(
        "[[instance]]\nsku = \"n2-standard-2\"\narch = \"x86_64\"\nvcpu = \"2\"\nmemory_gib = \"8\"\nprice \
         = {{ on_demand = \"{hour}\", unit = \"h\", sustained = [{}] }}\nsource = \"s\"\n",
        parts.join(", ")
    ))
    .instance
    .remove(0);
    let list = flat("n2-standard-2", instance.price.on_demand.expect("a list price").0);
    let paid = SustainedUse::new(&instance.price.sustained).paid_hours(hours, hours);
    let with_discount = cost(&list, paid);
    Bill {
        charges: vec![("with_discount", with_discount)],
        facts: vec![("list", cost(&list, hours))],
    }
}
