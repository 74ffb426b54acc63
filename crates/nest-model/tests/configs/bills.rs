//! Bills of every platform: lines, draws, commitments, segments.

use super::*;

#[test]
fn lines_and_drivers_sum_to_the_total_exactly_on_every_platform() {
    let others = "[configs.tasks]\nplatform = \"task\"\nbook = \"example/one\"\nhost = \"example\"\n\
        vcpu = \"1\"\nmemory_gib = \"2\"\n\
                  [configs.nodes]\nplatform = \"container\"\nbook = \"example/one\"\nsku = \"two-cores\"\n\
                  vcpu = \"0.5\"\nmemory_gib = \"1\"\n\
                  scale = \"hourly\"\n[configs.nodes.headroom]\nqueueing = \"20%\"\nforecast = \"10%\"\n\
                      failure = 1\n\
                  [configs.committed]\nplatform = \"vm\"\nbook = \"example/one\"\nsku = \"two-cores\"\n\
                  commitments = { two-cores-1y = 9 }\n\
                  [configs.committed.people]\nhours = \"10\"\nrate = \"75.5\"\n";
    let discount = "[[adjustment]]\norder = 1\nkind = \"percent\"\npercent = \"-9\"\nselector = \"two-*\"\n\
        label = \"contract\"\n";
    for more in ["", discount] {
        let projection = projected_with(&format!("{STUDY}{MOVED}{others}"), more, |_| ());
        assert_eq!(projection.configs.len(), 5);
        for config in &projection.configs {
            assert_eq!(
                sum(config, |_| true),
                config.bill.total.value.0,
                "{}",
                config.name
            );
            for kind in [
                nest_data::projection::DriverKind::Behaviour,
                nest_data::projection::DriverKind::Meter,
            ] {
                let drivers: Decimal = config
                    .bill
                    .drivers
                    .iter()
                    .filter(|share| share.kind == kind)
                    .map(|share| share.amount.0)
                    .sum();
                assert_eq!(drivers, config.bill.total.value.0, "{} by {kind:?}", config.name);
            }
            let total = config.bill.total;
            assert!(
                total.low <= total.value.0.to_f64().expect("a float") * 1.001
                    && total.high * 1.001 >= total.value.0.to_f64().expect("a float")
            );
        }
        let nodes = config(&projection, "nodes");
        let parts = [CostDriver::Queueing, CostDriver::Forecast, CostDriver::Spare];
        assert!(
            parts
                .iter()
                .all(|part| nodes.bill.lines.iter().any(|line| line.driver == *part)),
            "the three parts of headroom are named"
        );
    }
}

const OTHERS: &str = r#"
[configs.tasks]
platform = "task"
book = "example/one"
host = "example"
vcpu = "1"
memory_gib = "2"
speed = [1.0, 1.0]
[configs.nodes]
platform = "container"
book = "example/one"
sku = "two-cores"
vcpu = "0.5"
memory_gib = "1"
scale = "hourly"
speed = [1.0, 1.0]
[configs.committed]
platform = "vm"
book = "example/one"
sku = "two-cores"
commitments = { two-cores-1y = 3 }
scale = "hourly"
speed = [1.0, 1.0]
meters."example.vcpu.x86_64" = { driver = "instances", times = 2 }
meters."other.flat" = { driver = "customers", times = 0.01 }
[configs.all-functions]
platform = "function"
book = "example/one"
host = "example"
memory_mb = 1024
speed = [1.0, 1.0]
"#;

/// With nothing uncertain every draw is the point estimate: what draws say in floats is what the bill says in
/// decimals.
#[test]
fn draws_and_bills_agree_on_a_thousand_bills_of_every_platform() {
    let flat = "[[meter]]\nid = \"other.flat\"\nunit = \"GB\"\n\
        price = { tiers = [{ up_to = \"100\", amount = \"0.3\" }, { amount = \"0.1\" }] }\nsource = \"s\"\n\
                [[adjustment]]\norder = 1\nkind = \"percent\"\npercent = \"-7.5\"\nselector = \"two-*\"\n\
                label = \"contract\"\n";
    let certain = format!("{STUDY}{MOVED}{OTHERS}")
        .edit("[0.9, 1.1]", "[1.0, 1.0]")
        .edit(
            "platform = \"function\"\nbehaviours",
            "platform = \"function\"\nhost = \"example\"\nbehaviours",
        );
    let certain = &certain[..certain.find("[growth.steady]").expect("there")].to_owned();
    let tail = format!("{STUDY}{MOVED}{OTHERS}");
    let tail = tail[tail.find("[report]").expect("there")..]
        .edit("[0.9, 1.1]", "[1.0, 1.0]")
        .edit(
            "platform = \"function\"\nbehaviours",
            "platform = \"function\"\nhost = \"example\"\nbehaviours",
        );
    let mut bills = 0;
    for step in 0..170 {
        let customers = 500.0 * 1.05_f64.powi(step) + f64::from(step) * 0.37;
        let text = format!(
            "{certain}{}",
            tail.edit("[report]", &format!("[report]\ncustomers = {customers}"))
        );
        let projection = projected_with(&text, flat, |model| {
            model
                .resources
                .iter_mut()
                .for_each(|cpu| cpu.covariance = vec![vec![0.0; 4]; 4]);
            model.draws.count = 2;
        });
        for config in &projection.configs {
            let value = config.bill.total.value.0.to_f64().expect("a float");
            for draw in [config.bill.total.low, config.bill.total.high] {
                assert!(
                    (draw / value - 1.0).abs() < 1e-9,
                    "{} at {customers}: {draw} {value}",
                    config.name
                );
            }
            bills += 1;
        }
    }
    assert!(bills >= 1_000, "{bills}");
}

/// Nine committed and fewer needed: what is bought is used or a line of its own.
#[test]
fn an_unused_commitment_is_a_line_and_nothing_of_it_is_lost() {
    let text = STUDY.edit(
        "[[configs.monolith.place]]",
        "commitments = { two-cores-1y = 9 }\n[[configs.monolith.place]]",
    );
    let projection = projected(&text);
    let monolith = config(&projection, "monolith");
    let unused = monolith
        .bill
        .lines
        .iter()
        .find(|line| line.driver == CostDriver::Unused)
        .expect("nine are more than run");
    let used = monolith
        .bill
        .lines
        .iter()
        .find(|line| line.driver == CostDriver::Discount)
        .expect("some are used");
    assert_eq!(used.quantity.0 + unused.quantity.0, Decimal::from(9));
    // effective = 240 / 8760 + 0.03 an hour, 730 h a month
    let effective = Decimal::from(240) / Decimal::from(12) + "21.9".parse::<Decimal>().expect("a decimal");
    let of_units = sum(monolith, |line| {
        line.meter == "two-cores" || line.meter == "two-cores-1y"
    });
    assert!(
        (of_units - effective * Decimal::from(9)).abs() < Decimal::new(1, 9),
        "{of_units}"
    );
    // In cash, everything ahead is paid in the first month: 9 x 240 at once and 9 x 21.90.
    let first = &monolith.months[0];
    let ahead = first.cash.expect("paid ahead").0 - first.cost.value.0;
    assert!(
        (ahead - Decimal::from(9 * 240 - 9 * 20)).abs() < Decimal::new(1, 6),
        "{ahead}"
    );
    let all: Decimal = monolith
        .months
        .iter()
        .map(|month| month.cash.expect("paid ahead").0 - month.cost.value.0)
        .sum();
    assert!(
        all.abs() < Decimal::new(1, 6),
        "over a term cash and amortised cost are the same: {all}"
    );
}

#[test]
fn autoscaling_never_costs_more_than_standing_for_the_busiest_hour() {
    let steady = projected(STUDY);
    let hourly = projected(&STUDY.edit("spare = 1\nreserve", "spare = 1\nscale = \"hourly\"\nreserve"));
    let (steady, hourly) = (
        &config(&steady, "monolith").bill,
        &config(&hourly, "monolith").bill,
    );
    assert!(
        hourly.total.value.0 < steady.total.value.0,
        "{} {}",
        hourly.total.value,
        steady.total.value
    );
    let busy = |bill: &nest_data::projection::Bill| -> Decimal {
        bill.lines
            .iter()
            .filter(|line| line.behaviour.is_some() && line.meter == "two-cores")
            .map(|line| line.quantity.0)
            .sum()
    };
    // Work is paid by the hour in which it is done: a 24th of the day at the mean, 12 % at the peak.
    let ratio = (busy(hourly) / busy(steady)).to_f64().expect("a float");
    assert!((ratio - (1.0 / 24.0) / 0.12).abs() < 1e-6, "{ratio}");
}

#[test]
fn segments_share_the_bill_and_the_fees_among_them() {
    let more = "[segments.free]\nshare = \"75%\"\nrates = { pay = \"0.1 / day\" }\n[segments.pro]\n\
        share = \"25%\"\nrates = { pay = \"0.9 / day\", browse = \"60 / day\" }\n\
                price = \"4.00\"\ntarget_margin = \"60%\"\n[fees.card]\nbehaviour = \"pay\"\n\
                    amount = \"0.25\"\n";
    let projection = projected(&format!("{STUDY}{more}"));
    let bill = &config(&projection, "monolith").bill;
    let paid: f64 = projection
        .segments
        .iter()
        .map(|segment| segment.per_1000.value.0.to_f64().expect("a float") * segment.customers / 1e3)
        .sum();
    assert!(
        (paid / bill.total.value.0.to_f64().expect("a float") - 1.0).abs() < 1e-9,
        "{paid}"
    );
    let fees: f64 = projection
        .segments
        .iter()
        .map(|segment| segment.fees_per_1000.0.to_f64().expect("a float") * segment.customers / 1e3)
        .sum();
    assert!(
        (fees
            / bill
                .fees
                .as_ref()
                .expect("fees")
                .total
                .value
                .0
                .to_f64()
                .expect("a float")
            - 1.0)
            .abs()
            < 1e-9,
        "{fees}"
    );
    let pro = projection
        .segments
        .iter()
        .find(|segment| segment.name == "pro")
        .expect("a segment");
    // 0.9 a day at 0.25, 365 / 12 days: 6.84375 of fees for one, 6,843.75 for 1,000
    assert!((pro.fees_per_1000.0.to_f64().expect("a float") - 6_843.75).abs() < 1e-6);
    let each = (pro.per_1000.value.0 + pro.fees_per_1000.0)
        .to_f64()
        .expect("a float")
        / 1e3;
    assert!((pro.floor_price.0.to_f64().expect("a float") - each / 0.4).abs() < 1e-9);
    assert!((pro.margin.expect("a price") - (4.0 - each) / 4.0).abs() < 1e-9);
}

/// Kinds of customers that do the same change no step, even if one of them grows faster.
#[test]
fn steps_of_every_part_are_found_where_the_mix_of_customers_changes() {
    let alike = "[segments.one]\nshare = \"50%\"\n[segments.two]\nshare = \"50%\"\ngrowth = \"5%\"\n";
    let (plain, mixed) = (projected(STUDY), projected(&format!("{STUDY}{alike}")));
    let [before, after] = [&plain, &mixed].map(|projection| &config(projection, "monolith").unit_steps);
    assert!(before.iter().any(|step| step.date.low.is_some()), "{before:#?}");
    assert_eq!(before.len(), after.len());
    for (one, other) in before.iter().zip(after) {
        assert_eq!(
            (&one.resource, one.units, one.date, one.allowed, one.reached),
            (
                &other.resource,
                other.units,
                other.date,
                other.allowed,
                other.reached
            )
        );
        // The rates of a mix are sums of halves.
        assert!((one.customers.value / other.customers.value - 1.0).abs() < 1e-9);
    }
    let parts: std::collections::BTreeSet<&str> = after.iter().map(|step| step.resource.as_str()).collect();
    assert!(parts.contains("app/cpu"), "{parts:?}");
    // 0.0832 an hour, 730 hours
    let priced = after.iter().find(|step| step.resource == "app/cpu");
    let price = priced
        .and_then(|step| step.unit_month)
        .map(|price| price.0.to_string());
    assert_eq!(price, Some("60.736".to_owned()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// More customers never cost less in total, on any platform with graduated prices.
    #[test]
    fn more_customers_never_cost_less(customers in 1_000.0..400_000.0_f64, more in 1.0..20_000.0_f64) {
        let text = format!("{STUDY}{MOVED}").edit("platform = \"function\"", "platform = \"function\"\n\
            host = \"example\"");
        let at = |customers: f64| projected(&text.edit("[report]", &format!("[report]\n\
            customers = {customers}")));
        let (few, many) = (at(customers), at(customers + more));
        for (few, many) in few.configs.iter().zip(&many.configs) {
            prop_assert!(many.bill.total.value.0 >= few.bill.total.value.0, "{}", few.name);
        }
    }
}
