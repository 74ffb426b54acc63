//! Bills of functions: Lambda, Azure Functions, Workers.

use nest_data::price_book::Meter;
use nest_model::pricing::{
    azure_gb_seconds, azure_memory_mb, billed_seconds, ephemeral_gib_seconds, gib_seconds, plan_prices, price, price_parts, provisioned_gib_seconds,
    share_of, streamed_gib,
};
use rust_decimal::Decimal;

use super::{
    books::{book, flat, free, meter, per_million, quantum, tiers},
    vector::{Bill, Vector},
};

/// What Lambda gives for ever: GiB-seconds over both architectures, and requests (`reference/pricing.md` section 4).
const FREE_GIB_SECONDS: u32 = 400_000;
const FREE_REQUESTS: u32 = 1_000_000;

const THOUSAND: Decimal = Decimal::ONE_THOUSAND;

/// Seconds that an invocation of some milliseconds is billed.
fn invocation_s(milliseconds: Decimal) -> Decimal {
    billed_seconds(&quantum("1ms", None), milliseconds / THOUSAND).unwrap()
}

fn requests_meter(vector: &Vector) -> Meter {
    let free = if vector.free_tier() { free("lambda.requests", FREE_REQUESTS) } else { String::new() };
    per_million("lambda.requests", vector.rate("per_million"), &free)
}

fn duration_meter(vector: &Vector) -> Meter {
    let free = if vector.free_tier() { free("lambda.duration", FREE_GIB_SECONDS) } else { String::new() };
    meter("lambda.duration", &format!("{{ amount = \"{}\" }}", vector.rate("gb_second")), &free)
}

pub fn lambda(vector: &Vector) -> Bill {
    if vector.has("provisioned") {
        provisioned(vector)
    } else if vector.has("executions") {
        durable(vector)
    } else {
        on_demand(vector)
    }
}

fn on_demand(vector: &Vector) -> Bill {
    let (requests, billed_s) = (vector.input("requests"), invocation_s(vector.input("duration_ms")));
    let used = gib_seconds(requests, billed_s, vector.input("memory_mb"));
    let duration = duration_meter(vector);
    let billable = price_parts(&duration, used).unwrap().iter().map(|part| part.quantity).sum();
    let mut bill = Bill {
        charges: vec![("compute", price(&duration, used).unwrap()), ("requests", price(&requests_meter(vector), requests).unwrap())],
        facts: vec![("gb_seconds", used), ("billable_gb_seconds", billable)],
    };
    if vector.has("ephemeral_mb") {
        let storage = ephemeral_gib_seconds(requests, billed_s, vector.input("ephemeral_mb"));
        bill.charges.push(("ephemeral", price(&flat("lambda.ephemeral", vector.rate("ephemeral_gb_second")), storage).unwrap()));
    }
    if vector.has("responses_7mb") {
        let small = streamed_gib(vector.input("responses_100kb"), Decimal::new(1, 1));
        let streamed = small + streamed_gib(vector.input("responses_7mb"), Decimal::from(7));
        bill.charges.push(("streaming", price(&flat("lambda.stream", vector.rate("stream_gb")), streamed).unwrap()));
        bill.facts.push(("streamed_gb", streamed));
    }
    bill
}

fn provisioned(vector: &Vector) -> Bill {
    let memory = vector.input("memory_mb");
    let kept_warm = provisioned_gib_seconds(vector.input("provisioned"), vector.input("hours") * Decimal::from(3_600), memory);
    let (on_it, on_it_ms) = if vector.has("requests") { ("requests", "ms") } else { ("requests_provisioned", "ms_provisioned") };
    let ran = gib_seconds(vector.input(on_it), invocation_s(vector.input(on_it_ms)), memory);
    let requests = vector.input(on_it) + vector.input_or("requests_rest", 0);
    let mut charges = vec![
        ("provisioned", price(&flat("lambda.provisioned", vector.rate("provisioned")), kept_warm).unwrap()),
        ("provisioned_duration", price(&flat("lambda.provisioned.duration", vector.rate("provisioned_duration")), ran).unwrap()),
        ("requests", price(&requests_meter(vector), requests).unwrap()),
    ];
    if vector.has("requests_rest") {
        let rest = gib_seconds(vector.input("requests_rest"), invocation_s(vector.input("ms_rest")), memory);
        charges.push(("compute", price(&duration_meter(vector), rest).unwrap()));
    }
    Bill { charges, facts: Vec::new() }
}

/// Executions that sleep between their invocations.
fn durable(vector: &Vector) -> Bill {
    // The vector leaves out how long data are kept; its line of 10.92 for 104 GB at 0.15 means 21 days of 30.
    let kept_months = Decimal::from(21) / Decimal::from(30);
    let memory_mib = vector.input("memory_gb") * Decimal::from(1_024);
    let used = gib_seconds(vector.input("executions"), vector.input("compute_s"), memory_mib);
    let flat = |id: &str, rate: &str, quantity: Decimal| price(&flat(id, vector.rate(rate)), quantity).unwrap();
    let operations = per_million("lambda.durable.operations", vector.rate("operation_million"), "");
    Bill {
        charges: vec![
            ("compute", price(&duration_meter(vector), used).unwrap()),
            ("requests", price(&requests_meter(vector), vector.input("invocations")).unwrap()),
            ("operations", price(&operations, vector.input("operations")).unwrap()),
            ("data", flat("lambda.durable.data", "data_gb", vector.input("data_gb"))),
            ("retention", flat("lambda.durable.retained", "retained_gb_month", vector.input("data_gb") * kept_months)),
        ],
        facts: Vec::new(),
    }
}

pub fn lambda_tiers(vector: &Vector) -> Bill {
    let duration = meter("lambda.duration", &tiers(&vector.rates["tiers"]), "");
    let parts = price_parts(&duration, vector.input("gb_seconds")).unwrap();
    let mut charges: Vec<_> = ["tier1", "tier2", "tier3"].into_iter().zip(&parts).map(|(name, part)| (name, part.cost.unwrap())).collect();
    charges.push(("requests", price(&requests_meter(vector), vector.input("requests")).unwrap()));
    Bill { charges, facts: Vec::new() }
}

/// Functions on instances of one's own: their price under a plan, and a fee that is a share of their list price.
pub fn managed_instances(vector: &Vector) -> Bill {
    let percent = vector.rate("fee_fraction") * Decimal::ONE_HUNDRED;
    let fee = book(&format!(
        "[[meter]]\nid = \"fee\"\nunit = \"h\"\npercent_of = {{ meter = \"instance.on_demand\", percent = \"{percent}\" }}\nsource = \"s\"\n"
    ));
    let hours = vector.input("hours");
    let list = price(&flat("m7g.xlarge", vector.rate("on_demand")), hours).unwrap();
    Bill {
        charges: vec![
            ("requests", price(&requests_meter(vector), vector.input("requests")).unwrap()),
            ("ec2", price(&flat("m7g.xlarge", vector.rate("savings_plan")), hours).unwrap()),
            ("fee", share_of(fee.meter[0].percent_of.as_ref().unwrap(), list)),
        ],
        facts: Vec::new(),
    }
}

pub fn azure(vector: &Vector) -> Bill {
    let executions = vector.input("executions");
    let used = azure_gb_seconds(executions, vector.input("duration_ms") / THOUSAND, vector.input("memory_mb"));
    Bill {
        charges: vec![
            ("time", price(&flat("functions.duration", vector.rate("gb_s")), used).unwrap()),
            ("executions", price(&per_million("functions.executions", vector.rate("per_million"), ""), executions).unwrap()),
        ],
        facts: vec![("gb_seconds", used), ("memory_billed_mb", azure_memory_mb(vector.input("memory_mb")))],
    }
}

pub fn workers(vector: &Vector) -> Bill {
    let [subscription, included_requests, included_ms] = ["subscription", "included_requests", "included_cpu_ms"].map(|rate| vector.rate(rate));
    let plan = book(&format!(
        "[[plan]]\nid = \"workers-paid\"\namount = \"{subscription}\"\nper = \"month\"\nincludes = [{{ meter = \"workers.requests\", quantity = \"{included_requests}\" }}, {{ meter = \"workers.cpu\", quantity = \"{included_ms}\", unit = \"ms\" }}]\nsource = \"s\"\n{}",
        "[[meter]]\nid = \"workers.requests\"\nunit = \"request\"\nsource = \"s\"\n[[meter]]\nid = \"workers.cpu\"\nunit = \"ms\"\nsource = \"s\"\n"
    ))
    .plan
    .remove(0);
    let requests = per_million("workers.requests", vector.rate("million_requests"), "");
    let processor = per_million("workers.cpu", vector.rate("million_cpu_ms"), "");
    let used = vector.input("requests");
    let prices = plan_prices(&plan, &[(&requests, used), (&processor, used * vector.input("cpu_ms"))]);
    Bill { charges: ["plan", "requests", "cpu"].into_iter().zip(prices).map(|(name, price)| (name, price.unwrap())).collect(), facts: Vec::new() }
}
