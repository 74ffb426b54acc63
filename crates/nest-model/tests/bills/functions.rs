//! Bills of functions: Lambda, Azure Functions, Workers.

use nest_data::price_book::Meter;
use nest_model::pricing::{
    azure_gb_seconds, azure_memory_mb, ephemeral_gib_seconds, gib_seconds, plan_prices,
    provisioned_gib_seconds, share_of, streamed_gib,
};
use rust_decimal::Decimal;

use super::{
    books::{billed_s, book, cost, flat, free, meter, parts, per_million, tiers},
    vector::{Bill, Vector},
};

/// What Lambda gives for ever: GiB-seconds over both architectures, and requests (`docs/method/pricing.md`).
const FREE_GIB_SECONDS: u32 = 400_000;
const FREE_REQUESTS: u32 = 1_000_000;

const THOUSAND: Decimal = Decimal::ONE_THOUSAND;

/// Seconds that an invocation of some milliseconds is billed.
fn invocation_s(milliseconds: Decimal) -> Decimal {
    billed_s("1ms", None, milliseconds / THOUSAND)
}

fn requests_meter(vector: &Vector) -> Meter {
    let free = if vector.free_tier() {
        free("lambda.requests", FREE_REQUESTS)
    } else {
        String::new()
    };
    per_million("lambda.requests", vector.rate("per_million"), &free)
}

fn duration_meter(vector: &Vector) -> Meter {
    let free = if vector.free_tier() {
        free("lambda.duration", FREE_GIB_SECONDS)
    } else {
        String::new()
    };
    meter(
        "lambda.duration",
        &format!("{{ amount = \"{}\" }}", vector.rate("gb_second")),
        &free,
    )
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
    let (requests, billed_s) = (
        vector.input("requests"),
        invocation_s(vector.input("duration_ms")),
    );
    let used = gib_seconds(requests, billed_s, vector.input("memory_mb"));
    let duration = duration_meter(vector);
    let billable = parts(&duration, used).iter().map(|part| part.0).sum();
    let mut bill = Bill {
        charges: vec![
            ("compute", cost(&duration, used)),
            ("requests", cost(&requests_meter(vector), requests)),
        ],
        facts: vec![("gb_seconds", used), ("billable_gb_seconds", billable)],
    };
    if vector.has("ephemeral_mb") {
        let storage = ephemeral_gib_seconds(requests, billed_s, vector.input("ephemeral_mb"));
        bill.charges.push((
            "ephemeral",
            cost(
                &flat("lambda.ephemeral", vector.rate("ephemeral_gb_second")),
                storage,
            ),
        ));
    }
    if vector.has("responses_7mb") {
        let small = streamed_gib(vector.input("responses_100kb"), Decimal::new(1, 1));
        let streamed = small + streamed_gib(vector.input("responses_7mb"), Decimal::from(7));
        bill.charges.push((
            "streaming",
            cost(&flat("lambda.stream", vector.rate("stream_gb")), streamed),
        ));
        bill.facts.push(("streamed_gb", streamed));
    }
    bill
}

fn provisioned(vector: &Vector) -> Bill {
    let memory = vector.input("memory_mb");
    let kept_warm = provisioned_gib_seconds(
        vector.input("provisioned"),
        vector.input("hours") * Decimal::from(3_600),
        memory,
    );
    let (on_it, on_it_ms) = if vector.has("requests") {
        ("requests", "ms")
    } else {
        ("requests_provisioned", "ms_provisioned")
    };
    let ran = gib_seconds(vector.input(on_it), invocation_s(vector.input(on_it_ms)), memory);
    let requests = vector.input(on_it) + vector.input_or("requests_rest", 0);
    let mut charges = vec![
        (
            "provisioned",
            cost(&flat("lambda.provisioned", vector.rate("provisioned")), kept_warm),
        ),
        (
            "provisioned_duration",
            cost(
                &flat("lambda.provisioned.duration", vector.rate("provisioned_duration")),
                ran,
            ),
        ),
        ("requests", cost(&requests_meter(vector), requests)),
    ];
    if vector.has("requests_rest") {
        let rest = gib_seconds(
            vector.input("requests_rest"),
            invocation_s(vector.input("ms_rest")),
            memory,
        );
        charges.push(("compute", cost(&duration_meter(vector), rest)));
    }
    Bill {
        charges,
        facts: Vec::new(),
    }
}

/// Executions that sleep between their invocations.
fn durable(vector: &Vector) -> Bill {
    // The vector leaves out how long data are kept; its line of 10.92 for 104 GB at 0.15 means 21 days of 30.
    let kept_months = Decimal::from(21) / Decimal::from(30);
    let memory_mib = vector.input("memory_gb") * Decimal::from(1_024);
    let used = gib_seconds(vector.input("executions"), vector.input("compute_s"), memory_mib);
    let flat = |id: &str, rate: &str, quantity: Decimal| cost(&flat(id, vector.rate(rate)), quantity);
    let operations = per_million("lambda.durable.operations", vector.rate("operation_million"), "");
    Bill {
        charges: vec![
            ("compute", cost(&duration_meter(vector), used)),
            (
                "requests",
                cost(&requests_meter(vector), vector.input("invocations")),
            ),
            ("operations", cost(&operations, vector.input("operations"))),
            (
                "data",
                flat("lambda.durable.data", "data_gb", vector.input("data_gb")),
            ),
            (
                "retention",
                flat(
                    "lambda.durable.retained",
                    "retained_gb_month",
                    vector.input("data_gb") * kept_months,
                ),
            ),
        ],
        facts: Vec::new(),
    }
}

pub fn lambda_tiers(vector: &Vector) -> Bill {
    let duration = meter("lambda.duration", &tiers(&vector.rates["tiers"]), "");
    let tiers = parts(&duration, vector.input("gb_seconds"));
    let mut charges: Vec<_> = ["tier1", "tier2", "tier3"]
        .into_iter()
        .zip(&tiers)
        .map(|(name, part)| (name, part.1))
        .collect();
    charges.push((
        "requests",
        cost(&requests_meter(vector), vector.input("requests")),
    ));
    Bill {
        charges,
        facts: Vec::new(),
    }
}

/// Functions on instances of one's own: their price under a plan, and a fee that is a share of their list
/// price.
pub fn managed_instances(vector: &Vector) -> Bill {
    let percent = vector.rate("fee_fraction") * Decimal::ONE_HUNDRED;
    let fee = book(&format!(
        "[[meter]]\nid = \"fee\"\nunit = \"h\"\npercent_of = {{ meter = \"instance.on_demand\", percent = \
         \"{percent}\" }}\nsource = \"s\"\n"
    ));
    let hours = vector.input("hours");
    let list = cost(&flat("m7g.xlarge", vector.rate("on_demand")), hours);
    Bill {
        charges: vec![
            (
                "requests",
                cost(&requests_meter(vector), vector.input("requests")),
            ),
            (
                "ec2",
                cost(&flat("m7g.xlarge", vector.rate("savings_plan")), hours),
            ),
            (
                "fee",
                share_of(fee.meter[0].percent_of.as_ref().expect("a share"), list),
            ),
        ],
        facts: Vec::new(),
    }
}

pub fn azure(vector: &Vector) -> Bill {
    let executions = vector.input("executions");
    let used = azure_gb_seconds(
        executions,
        vector.input("duration_ms") / THOUSAND,
        vector.input("memory_mb"),
    );
    Bill {
        charges: vec![
            (
                "time",
                cost(&flat("functions.duration", vector.rate("gb_s")), used),
            ),
            (
                "executions",
                cost(
                    &per_million("functions.executions", vector.rate("per_million"), ""),
                    executions,
                ),
            ),
        ],
        facts: vec![
            ("gb_seconds", used),
            ("memory_billed_mb", azure_memory_mb(vector.input("memory_mb"))),
        ],
    }
}

pub fn workers(vector: &Vector) -> Bill {
    let [subscription, included_requests, included_ms] =
        ["subscription", "included_requests", "included_cpu_ms"].map(|rate| vector.rate(rate));
    let plan = book(&format!(
        "[[plan]]\nid = \"workers-paid\"\namount = \"{subscription}\"\nper = \"month\"\nincludes = [{{ \
         meter = \"workers.requests\", quantity = \"{included_requests}\" }}, {{ meter = \"workers.cpu\", \
         quantity = \"{included_ms}\", unit = \"ms\" }}]\nsource = \"s\"\n{}",
        "[[meter]]\nid = \"workers.requests\"\nunit = \"request\"\nsource = \"s\"\n[[meter]]\nid = \
         \"workers.cpu\"\nunit = \"ms\"\nsource = \"s\"\n"
    ))
    .plan
    .remove(0);
    let requests = per_million("workers.requests", vector.rate("million_requests"), "");
    let processor = per_million("workers.cpu", vector.rate("million_cpu_ms"), "");
    let used = vector.input("requests");
    let prices = plan_prices(
        &plan,
        &[(&requests, used), (&processor, used * vector.input("cpu_ms"))],
    );
    Bill {
        charges: ["plan", "requests", "cpu"]
            .into_iter()
            .zip(prices)
            .map(|(name, price)| (name, price.expect("a known price")))
            .collect(),
        facts: Vec::new(),
    }
}
