//! Bills of metered services: tiers, load balancers, volumes, whatever is billed by running time.

use nest_data::price_book::Meter;
use nest_model::pricing::{
    LargestOf, LikeHours, beyond, chunks_of, contract_factor, free_factor, hourly, prorated,
    remaining_term_hours, rules_evaluated,
};
use rust_decimal::Decimal;

use super::{
    books::{billed_s, book, cost, flat, meter, parts, per_million, tiers},
    vector::{Bill, Vector},
};

const SECONDS_PER_MINUTE: Decimal = Decimal::from_parts(60, 0, 0, false, 0);
const SECONDS_PER_HOUR: Decimal = Decimal::from_parts(3_600, 0, 0, false, 0);
const SECONDS_PER_DAY: Decimal = Decimal::from_parts(86_400, 0, 0, false, 0);
/// GB of ephemeral storage that every Fargate task has; the vector's note.
const INCLUDED_TASK_GB: u32 = 20;
/// IOPS and MB/s that every gp3 volume has; AWS EBS pricing page.
const INCLUDED_IOPS: u32 = 3_000;
const INCLUDED_MBPS: u32 = 125;

pub fn tiered(vector: &Vector) -> Bill {
    let rows = &vector.rates["tiers"];
    let meter = meter("tiered", &tiers(rows), "chunk = \"512KiB\"");
    let requests = if vector.has("million_requests") {
        vector.input("million_requests")
    } else {
        vector.input("gb")
    };
    let quantity = requests * chunks_of(&meter, vector.input_or("request_kb", 1) * Decimal::from(1_024));
    let paid = parts(&meter, quantity);
    assert_eq!(paid.iter().map(|part| part.0).sum::<Decimal>(), quantity);
    let begins_free = rows[0][2] == "0";
    if begins_free {
        assert_eq!(
            cost(&free_in_first_tier(vector), quantity),
            cost(&meter, quantity),
            "a tier at 0 and a free quantity say the same"
        );
    }
    let names = if begins_free {
        ["free", "t1", "t2", "t3"]
    } else {
        ["t1", "t2", "t3", "t4"]
    };
    Bill {
        charges: names
            .into_iter()
            .zip(&paid)
            .map(|(name, part)| (name, part.1))
            .collect(),
        facts: Vec::new(),
    }
}

/// The meter of a vector whose first tier costs nothing, with that part as a free quantity under the bounds
/// of the others.
fn free_in_first_tier(vector: &Vector) -> Meter {
    let rows: Vec<_> = vector.rates["tiers"].as_array().expect("tiers").clone();
    let free = format!(
        "free = {{ kind = \"always\", quantity = \"{}\" }}",
        rows[0][1].as_str().expect("a text")
    );
    meter("tiered", &tiers(&rows[1..].to_vec().into()), &free)
}

pub fn table(vector: &Vector) -> Bill {
    let millions = |name: &str, quantity: &str| {
        cost(
            &per_million(name, vector.rate(&format!("{quantity}_million")), ""),
            vector.input(quantity),
        )
    };
    Bill {
        charges: vec![
            ("write", millions("dynamodb.write", "wru")),
            ("read", millions("dynamodb.read", "rru")),
            (
                "storage",
                cost(
                    &flat("dynamodb.storage", vector.rate("gb_month")),
                    vector.input("storage_gb"),
                ),
            ),
        ],
        facts: Vec::new(),
    }
}

/// `0-10 at 1, 10-100 at 0.50` in two modes, less a contract's discount.
pub fn tier_mode(vector: &Vector) -> Bill {
    let text = vector.inputs["tiers"].as_str().expect("a text");
    let mut rows: Vec<(String, String)> = text
        .split(", ")
        .map(|tier| {
            let (bounds, amount) = tier.split_once(" at ").expect("bounds at a price");
            (
                format!("up_to = \"{}\", ", bounds.split_once('-').expect("two bounds").1),
                amount.to_owned(),
            )
        })
        .collect();
    rows.last_mut().expect("a tier").0 = String::new(); // a book's last tier has no bound
    let rows: Vec<String> = rows
        .into_iter()
        .map(|(bound, amount)| format!("{{ {bound}amount = \"{amount}\" }}"))
        .collect();
    let percent = vector.inputs["discount"]
        .as_str()
        .expect("a text")
        .trim_end_matches(" %");
    let contract = book(&format!(
        "[[adjustment]]\norder = 1\nkind = \"percent\"\npercent = \"-{percent}\"\n\
            selector = \"*\"\nlabel = \"discount\"\n"
    ))
    .adjustment;
    let in_mode = |mode: &str| {
        let list = cost(
            &meter(
                "egress",
                &format!("{{ mode = \"{mode}\", tiers = [{}] }}", rows.join(", ")),
                "",
            ),
            vector.input("gb"),
        );
        list * contract_factor(&contract, "egress")
    };
    Bill {
        charges: vec![("tier_mode", in_mode("graduated"))],
        facts: vec![("volume_mode", in_mode("volume"))],
    }
}

pub fn fargate(vector: &Vector) -> Bill {
    let run_s = billed_s("1s", Some("60s"), vector.input("seconds_per_day"));
    let runs = vector.input(if vector.has("tasks") { "tasks" } else { "pods" }) * vector.input("days");
    let charge =
        |name: &str, rate: &str, size: Decimal| cost(&flat(name, vector.rate(rate)), runs * run_s * size);
    let mut charges = vec![
        ("cpu", charge("fargate.vcpu", "vcpu_s", vector.input("vcpu"))),
        (
            "memory",
            charge("fargate.memory", "gb_s", vector.input("memory_gb")),
        ),
    ];
    if vector.has("ephemeral_gb") {
        let extra = beyond(vector.input("ephemeral_gb"), Decimal::from(INCLUDED_TASK_GB));
        charges.push(("ephemeral", charge("fargate.ephemeral", "eph_gb_s", extra)));
    }
    Bill {
        charges,
        facts: Vec::new(),
    }
}

pub fn load_balancer(vector: &Vector) -> Bill {
    let units = meter(
        "alb.lcu",
        &format!("{{ amount = \"{}\" }}", vector.rate("lcu")),
        "max_of = [{ quantity = \"connections.new\", unit = \"1/s\", per_unit = \"25\" }, { quantity = \
         \"connections.active\", unit = \"1\", per_unit = \"3000\" }, { quantity = \"bytes.processed\", \
         unit = \"GB/h\", per_unit = \"1\" }, { quantity = \"rules.evaluated\", unit = \"1/s\", per_unit = \
         \"1000\", free_factor = \"10 rules\" }]",
    );
    let (new, hours) = (vector.input("new_per_s"), vector.input("hours"));
    let gb_per_hour = vector.input_or("kb_per_s", 0) * SECONDS_PER_HOUR / Decimal::from(1_000_000);
    let rules = rules_evaluated(
        vector.input_or("requests_per_s", 0),
        vector.input_or("rules", 0),
        free_factor(&units.max_of[3]),
    );
    let quantities = vec![new, new * vector.input("duration_s"), gb_per_hour, rules];
    let largest = LargestOf::new(&units).expect("four dimensions");
    let mut facts: Vec<_> = ["new", "active", "bytes", "rules"]
        .into_iter()
        .zip(largest.each(&quantities))
        .collect();
    facts.push(("lcu", largest.units(&quantities)));
    // Half of the month and the other half are the same month.
    let half = LikeHours {
        hours: hours / Decimal::TWO,
        quantities,
    };
    let unit_hours = largest.unit_hours(&[half.clone(), half]);
    Bill {
        charges: vec![
            ("hours", cost(&flat("alb.hour", vector.rate("hour")), hours)),
            ("units", cost(&units, unit_hours)),
        ],
        facts,
    }
}

pub fn volume(vector: &Vector) -> Bill {
    let month_s = vector.input("month_days") * SECONDS_PER_DAY;
    let charge = |rate: &str, quantity: Decimal| {
        prorated(
            cost(&flat(rate, vector.rate(rate)), quantity),
            vector.input("seconds"),
            month_s,
        )
    };
    Bill {
        charges: vec![
            ("storage", charge("gb_month", vector.input("gb"))),
            (
                "iops",
                charge(
                    "iops_month",
                    beyond(vector.input("iops"), Decimal::from(INCLUDED_IOPS)),
                ),
            ),
            (
                "throughput",
                charge(
                    "mbps_month",
                    beyond(vector.input("mbps"), Decimal::from(INCLUDED_MBPS)),
                ),
            ),
        ],
        facts: Vec::new(),
    }
}

/// `0.065 to 32000`, `0.046 to 64000`, counted volume by volume.
pub fn volume_tiers(vector: &Vector) -> Bill {
    let tier = |name: &str| {
        vector.rates[name]
            .as_str()
            .expect("a text")
            .split_once(" to ")
            .expect("a price to a bound")
    };
    let ((first, bound), (second, _)) = (tier("t1"), tier("t2"));
    let iops = meter(
        "ebs.io2.iops",
        &format!(
            "{{ mode = \"graduated\", scope = \"volume\", tiers = [{{ up_to = \"{bound}\", amount = \
             \"{first}\" }}, {{ amount = \"{second}\" }}] }}"
        ),
        "",
    );
    let month_s = vector.input("month_days") * SECONDS_PER_DAY;
    let volume = |iops_of_one: Decimal| prorated(cost(&iops, iops_of_one), vector.input("seconds"), month_s);
    // The vector's note: ten volumes of 1,000 IOPS cost 10 x 1.083, each from the first tier.
    assert!(vector.note.contains("10 x 1.083"));
    assert_eq!(volume(Decimal::ONE_THOUSAND).round_dp(3), Decimal::new(1_083, 3));
    Bill {
        charges: vec![("iops", volume(vector.input("iops")))],
        facts: Vec::new(),
    }
}

pub fn minimum_term(vector: &Vector) -> Bill {
    let words: Vec<&str> = vector.inputs["kept"]
        .as_str()
        .expect("a text")
        .split(' ')
        .collect();
    let seconds = |pair: &[&str]| {
        let unit = match pair[1] {
            "d" => SECONDS_PER_DAY,
            "h" => SECONDS_PER_HOUR,
            "min" => SECONDS_PER_MINUTE,
            other => panic!("{other}"),
        };
        pair[0].parse::<Decimal>().expect("a number") * unit
    };
    let left = remaining_term_hours(words.chunks(2).map(seconds).sum(), vector.input("minimum_days"));
    let monthly = cost(
        &flat("snapshot.archive", vector.rate("gb_month")),
        vector.input("gb"),
    );
    // The page counts months of 30 days.
    Bill {
        charges: vec![(
            "remaining",
            prorated(
                monthly,
                left * SECONDS_PER_HOUR,
                Decimal::from(30) * SECONDS_PER_DAY,
            ),
        )],
        facts: vec![("remaining_h", left)],
    }
}

pub fn minimum_charge(vector: &Vector) -> Bill {
    let zone_s = |minutes: Decimal| billed_s("1min", Some("1h"), minutes * SECONDS_PER_MINUTE);
    let rate = vector.rate("dsu_hour");
    // The vector's note: 45 minutes in one zone cost an hour, 0.75.
    assert_eq!(hourly(rate, zone_s(Decimal::from(45))), rate);
    Bill {
        charges: vec![(
            "zones",
            vector.input("azs") * hourly(rate, zone_s(vector.input("minutes"))),
        )],
        facts: Vec::new(),
    }
}

pub fn per_second(vector: &Vector) -> Bill {
    let minimum = format!("{}s", vector.input("minimum"));
    let billed = billed_s("1s", Some(&minimum), vector.input("seconds"));
    Bill {
        charges: vec![("run", hourly(vector.rate("hour"), billed))],
        facts: vec![("billed_s", billed)],
    }
}

pub fn partial_hour(vector: &Vector) -> Bill {
    let billed = billed_s("1h", None, vector.input("minutes") * SECONDS_PER_MINUTE);
    Bill {
        charges: vec![
            ("hours", hourly(vector.rate("hour"), billed)),
            (
                "processed",
                cost(&flat("nat.gb", vector.rate("gb")), vector.input("gb")),
            ),
        ],
        facts: vec![("hours_billed", billed / SECONDS_PER_HOUR)],
    }
}
