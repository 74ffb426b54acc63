//! Totals that an auditor recomputes by hand: commitments and discounts that come of themselves, prices that
//! change on a day, events on a day, savings plans, spot capacity, terms, and meters of a second book.

use super::*;

/// A thousand customers, who never fill a unit, and who neither come nor go.
const SMALL: &str = small!("0%");

/// One unit costs 0.1 an hour, and less if it runs all month.
const UNIT: &str = r#"
[[instance]]
sku = "unit"
arch = "x86_64"
vcpu = "2"
memory_gib = "8"
source = "s"
[instance.price]
unit = "h"
on_demand = "0.1"
spot = "0.03"
sustained = [{ up_to = "0.5", factor = "1" }, { up_to = "1", factor = "0.6" }]
[[commitment]]
id = "unit-1y"
kind = "cud"
term_months = 6
payment = "none"
covers = { sku = "unit" }
upfront = "0"
recurring = "0.06"
unit = "h"
source = "s"
[[commitment]]
id = "plan"
kind = "savings_plan"
term_months = 12
payment = "none"
covers = {}
upfront = "0"
recurring = "1"
unit = "h"
rates = { plain = "0.07" }
source = "s"
[[instance]]
sku = "plain"
arch = "x86_64"
vcpu = "2"
memory_gib = "8"
price = { unit = "h", on_demand = "0.1", spot = "0.03" }
source = "s"
[[meter]]
id = "tiered.storage"
unit = "GB*month"
price = { mode = "graduated", tiers = [{ up_to = "51200", amount = "0.023" }, {}] }
source = "s"
[[meter]]
id = "per.customer"
unit = "customer"
price = { amount = "0.01" }
source = "s"
[[meter]]
id = "lb.units"
unit = "LCU*h"
price = { amount = "0.008" }
max_of = [{ quantity = "connections.new", unit = "1/s", per_unit = "25" }]
source = "s"
"#;

fn small(config: &str, more: &str) -> Projection {
    projected_with(&format!("{SMALL}{config}"), &format!("{UNIT}{more}"), |_| ())
}

fn bill(projection: &Projection) -> f64 {
    config(projection, "c")
        .bill
        .total
        .value
        .0
        .to_f64()
        .expect("a float")
}

fn months(projection: &Projection) -> Vec<f64> {
    let months = config(projection, "c").months.iter();
    months
        .map(|month| month.cost.value.0.to_f64().expect("a float"))
        .collect()
}

fn near(found: f64, right: f64) {
    assert!(
        (found - right).abs() < 1e-6 * right.abs().max(1.0),
        "{found}, but {right} is right"
    );
}

/// Google takes sustained use off units that no commitment covers, and off no others.
#[test]
fn committed_units_get_no_sustained_use() {
    // two at 0.06 an hour
    near(
        bill(&small("min = 2\ncommitments = { \"unit-1y\" = 2 }\n", "")),
        730.0 * 0.12,
    );
    // one at 0.06, one at half a month of 0.1 and half a month of 0.06
    near(
        bill(&small("min = 2\ncommitments = { \"unit-1y\" = 1 }\n", "")),
        730.0 * (0.06 + 0.08),
    );
    // three at 0.06, of which one is not used
    near(
        bill(&small("min = 2\ncommitments = { \"unit-1y\" = 3 }\n", "")),
        730.0 * 0.18,
    );
}

/// 100,000 GB where 51,200 have a price: at least 51,200 x 0.023, and a line of 48,800 GB without one.
#[test]
fn what_has_no_price_is_at_least_and_never_zero() {
    let stored = "meters = { \"tiered.storage\" = { driver = \"fixed\", times = 100000 } }\n";
    let projection = small(stored, "");
    let of = config(&projection, "c");
    near(bill(&projection), 730.0 * 0.08 + 51_200.0 * 0.023);
    assert!(of.bill.total.at_least && of.months.iter().all(|month| month.cost.at_least));
    let unpriced: Vec<_> = of
        .bill
        .lines
        .iter()
        .filter(|line| line.amount.is_none())
        .collect();
    assert_eq!(unpriced.len(), 1);
    assert_eq!(unpriced[0].quantity.to_string(), "48800");
    let told = projection
        .caveats
        .iter()
        .any(|caveat| caveat.to_string().contains("no price beyond 51200"));
    assert!(told, "{:?}", projection.caveats);
    let within = small(
        "meters = { \"tiered.storage\" = { driver = \"fixed\", times = 51200 } }\n",
        "",
    );
    assert!(!config(&within, "c").bill.total.at_least);
}

fn dated(from: &str) -> String {
    let row = |days: &str, price: &str| {
        let size = "sku = \"dated\"\narch = \"x86_64\"\nvcpu = \"2\"\nmemory_gib = \"8\"\nsource = \"s\"\n";
        format!("[[instance]]\n{size}{days}\nprice = {{ unit = \"h\", on_demand = \"{price}\" }}\n")
    };
    row(&format!("effective_to = {from}"), "0.1") + &row(&format!("effective_from = {from}"), "0.2")
}

/// A price that is announced for a day is paid from that day on: in months, totals and the day's own month.
#[test]
fn an_announced_price_is_paid_from_its_day_on() {
    let text = SMALL.edit("sku = \"unit\"", "sku = \"dated\"");
    let with = |from: &str| projected_with(&text, &format!("{UNIT}{}", dated(from)), |_| ());
    let june = with("2027-06-01");
    let found = months(&june);
    for (month, cost) in found.iter().enumerate() {
        near(*cost, if month < 5 { 73.0 } else { 146.0 });
    }
    near(found.iter().sum(), 5.0 * 73.0 + 7.0 * 146.0);
    near(bill(&june), 73.0); // on the day of the forecast
    // half of the thirty days of June
    near(months(&with("2027-06-16"))[5], (73.0 + 146.0) / 2.0);
    assert!(
        june.caveats
            .iter()
            .any(|caveat| caveat.to_string().contains("changes on 2027-06-01"))
    );
    let past = with("2026-03-01");
    near(months(&past)[0], 146.0);
}

/// Customers who come on 1 March are in no part of February.
#[test]
fn an_event_is_booked_on_its_day() {
    let events = |date: &str| {
        let text = SMALL.edit(
            "months = 12",
            &format!("months = 12\nevents = [{{ date = {date}, customers = \"+4000\" }}]"),
        );
        let text = format!("{text}meters = {{ \"per.customer\" = \"customers\" }}\nmin = 9\nmax = 9\n");
        months(&projected_with(&text, UNIT, |_| ()))
    };
    let fixed = 730.0 * 9.0 * 0.08;
    let march = events("2027-03-01");
    for (month, cost) in march.iter().enumerate() {
        near(cost - fixed, if month < 2 { 10.0 } else { 50.0 });
    }
    // 21 of the 28 days of February are without them
    near(events("2027-02-22")[1] - fixed, (21.0 * 10.0 + 7.0 * 50.0) / 28.0);
}

/// 22.3 requests a day and customer, of 1,000 customers: of a mean second, in units of 25.
#[test]
fn a_load_balancer_counts_who_is_behind_it() {
    let units = |more: &str| {
        let projection = small(&format!("meters = {{ \"lb.units\" = {more} }}\n"), "");
        sum(config(&projection, "c"), |line| line.meter == "lb.units")
            .to_f64()
            .expect("a float")
    };
    let right = |per_day: f64| per_day * 1_000.0 / 86_400.0 / 25.0 * 730.0 * 0.008;
    near(units("\"largest\""), right(22.3));
    near(
        units("{ driver = \"largest\", behaviours = [\"browse\"] }"),
        right(20.0),
    );
    near(
        units("{ driver = \"largest\", requests_per_connection = 10 }"),
        right(2.23),
    );
    let moved = "meters = { \"lb.units\" = \"largest\" }\n[[configs.c.place]]\nplatform = \
                 \"function\"\nbehaviours = [\"browse\"]\nmemory_mb = 1769\n";
    let projection = small(moved, "");
    let found = sum(config(&projection, "c"), |line| line.meter == "lb.units");
    near(found.to_f64().expect("a float"), right(2.3));
}

/// 0.10 an hour at a rate of 0.07 covers 1.43 of two units; the rest pays 0.1. More than everything is lost.
#[test]
fn a_savings_plan_covers_hours_at_its_rate() {
    let with = |amount: &str| {
        let text = SMALL.edit("sku = \"unit\"", "sku = \"plain\"\nmin = 2");
        projected_with(
            &format!("{text}savings_plans = {{ plan = \"{amount}\" }}\n"),
            UNIT,
            |_| (),
        )
    };
    let some = with("0.10");
    near(bill(&some), 730.0 * (0.10 + (2.0 - 0.10 / 0.07) * 0.1));
    near(months(&some)[3], bill(&some));
    let all = with("0.20");
    near(bill(&all), 730.0 * 0.20);
    let unused = sum(config(&all, "c"), |line| line.driver == CostDriver::Unused);
    near(unused.to_f64().expect("a float"), 730.0 * (0.20 - 0.14));
    let drawn = &config(&all, "c").bill.total;
    near(drawn.low, 146.0);
    near(drawn.high, 146.0);
}

/// Of five units two are spot, and one more is kept for them: 3 x 0.1 + 3 x 0.03.
#[test]
fn spot_units_cost_their_price_and_some_are_kept() {
    let text = SMALL.edit("sku = \"unit\"", "sku = \"plain\"\nmin = 5");
    let spot = |spot: &str| bill(&projected_with(&format!("{text}spot = {spot}\n"), UNIT, |_| ()));
    near(spot("{ share = \"50%\", reserve = \"50%\" }"), 730.0 * 0.39);
    near(spot("{ share = \"50%\", price = \"0.05\" }"), 730.0 * (0.3 + 0.1));
    near(spot("{ share = \"0%\" }"), 730.0 * 0.5);
}

/// A commitment of six months: bought again unless the study says otherwise.
#[test]
fn a_term_that_ends_is_renewed_or_not_as_the_study_says() {
    let with = |more: &str| small(&format!("commitments = {{ \"unit-1y\" = 1 }}\n{more}"), "");
    let renewed = with("");
    months(&renewed)
        .into_iter()
        .for_each(|cost| near(cost, 730.0 * 0.06));
    assert!(
        renewed
            .caveats
            .iter()
            .any(|caveat| caveat.to_string().contains("bought again"))
    );
    let ended = with("after_term = \"on_demand\"\n");
    for (month, cost) in months(&ended).into_iter().enumerate() {
        near(cost, 730.0 * if month < 6 { 0.06 } else { 0.08 });
    }
    assert!(
        ended
            .caveats
            .iter()
            .any(|caveat| caveat.to_string().contains("ends on 2027-07-01"))
    );
}

/// A meter of another provider, in another currency, under a name of its own.
#[test]
fn a_meter_may_be_of_a_second_book() {
    let second = BOOK
        .replace("provider = \"example\"", "provider = \"second\"")
        .replace("currency = \"USD\"", "currency = \"EUR\"")
        + "[[meter]]\nid = \"cdn.traffic\"\nunit = \"GB\"\nprice = { amount = \"0.05\" }\nsource = \"s\"\n";
    let text = format!(
        "{SMALL}meters = {{ cdn = {{ driver = \"fixed\", times = 40, book = \"second/one\", meter = \
         \"cdn.traffic\" }} }}\n[exchange.EUR]\nrate = \"1.1\"\ndate = 2026-11-01\n"
    );
    let study = study(&text);
    let second = PriceBook::read(&Source::new("second", second)).expect("valid");
    let projection = project(&model(&study), &study, &[book(UNIT), second], &options())
        .unwrap_or_else(|error| panic!("{error}"));
    near(bill(&projection), 730.0 * 0.08 + 40.0 * 0.05 * 1.1);
}

/// Whatever is had all month is one of `GB*month`, 730 of `vCPU*h` and 730 / 24 of `day`; for each of two
/// units that run it is two of them.
#[test]
fn time_is_counted_in_the_unit_of_its_price() {
    for (unit, of_month) in [
        ("h", 730.0),
        ("vCPU*h", 730.0),
        ("month", 1.0),
        ("GB*month", 1.0),
        ("day", 730.0 / 24.0),
        ("GiB*s", 730.0 * 3_600.0),
        ("year", 1.0 / 12.0),
    ] {
        let row = format!(
            "[[meter]]\nid = \"m\"\nunit = \"{unit}\"\nprice = {{ amount = \"0.5\" }}\nsource = \"s\"\n"
        );
        for (driver, units) in [("hours", 1.0), ("instances", 2.0)] {
            let meters =
                format!("min = 2\nmax = 2\nmeters = {{ m = {{ driver = \"{driver}\", times = 3 }} }}\n");
            let expected = 2.0 * 730.0 * 0.08 + 0.5 * 3.0 * units * of_month;
            near(bill(&small(&meters, &row)), expected);
        }
    }
}

/// Six weeks from 10 February end on 24 March. On the scale of months, on which all months are equally long,
/// 19 of 28 days and 23 of 31 are 0.6786 and 0.7419.
#[test]
fn a_ramp_in_weeks_ends_on_its_day() {
    let text = SMALL.edit(
        "months = 12",
        "months = 12\nevents = [{ date = 2027-02-10, customers = \"+42000\", ramp = \"6 weeks\" }]",
    );
    let text = format!("{text}meters = {{ \"per.customer\" = \"customers\" }}\nmin = 9\nmax = 9\n");
    let costs = months(&projected_with(&text, UNIT, |_| ()));
    let mean = |cost: f64| (cost - 730.0 * 9.0 * 0.08) / 0.01;
    let (february, march) = (19.0 / 28.0, 23.0 / 31.0);
    let on_1_march = 42_000.0 * february / (february + march);
    near(mean(costs[1]), 1_000.0 + on_1_march / 2.0 * february);
    near(
        mean(costs[2]),
        1_000.0 + (on_1_march + 42_000.0) / 2.0 * march + 42_000.0 * (1.0 - march),
    );
}

/// A budget that the fixed cost alone exceeds is exceeded from the first customer on.
#[test]
fn a_budget_below_the_fixed_cost_is_passed_by_the_first_customer() {
    let text = format!("{SMALL}[budget]\nmonthly = \"10\"\n");
    let projection = projected_with(&text, UNIT, |_| ());
    let points = &config(&projection, "c").break_points;
    let budget = points
        .iter()
        .find(|point| point.kind == BreakKind::Budget)
        .expect("a budget");
    assert_eq!(budget.customers.map(|customers| customers.value), Some(1.0));
}

/// Growth that ends with nobody is not projected further, and says so.
#[test]
fn growth_to_nobody_is_named() {
    let text = SMALL.edit(
        "months = 12",
        "months = 12\nevents = [{ date = 2027-06-01, customers = \"-1000\" }]",
    );
    let projection = projected_with(&text, UNIT, |_| ());
    let left = projection.caveats.iter().find_map(|caveat| match caveat {
        nest_data::Caveat::GrowthLeft { months, .. } => Some(*months),
        _ => None,
    });
    assert_eq!((left, months(&projection).len()), (Some(5), 5));
}

/// A book's discount for one commitment alone changes what that commitment costs, and nothing else.
#[test]
fn a_contract_may_be_for_one_commitment() {
    let contract = |selector: &str| {
        let adjustment = format!(
            "[[adjustment]]\norder = 1\nkind = \"percent\"\npercent = \"-10\"\nselector = \
             \"{selector}\"\nlabel = \"EDP\"\n"
        );
        bill(&small(
            "commitments = { \"unit-1y\" = 2 }\nmin = 2\nmax = 2\n",
            &adjustment,
        ))
    };
    let committed = 2.0 * 0.06 * 730.0;
    near(contract("unit-1y"), 0.9 * committed);
    near(contract("unit"), 0.9 * committed);
    near(contract("plain"), committed);
}

/// A plan whose term ends is bought again or not, as `after_term` says; then the list price is paid.
#[test]
fn a_savings_plan_ends_as_the_study_says() {
    let text = SMALL
        .edit("months = 12", "months = 13")
        .edit("sku = \"unit\"", "sku = \"plain\"");
    let last = |after: &str| {
        let text = format!("{text}savings_plans = {{ plan = \"0.07\" }}\nmax = 1\n{after}");
        months(&projected_with(&text, UNIT, |_| ()))
            .pop()
            .expect("a month")
    };
    near(last(""), 0.07 * 730.0);
    near(last("after_term = \"on_demand\"\n"), 0.1 * 730.0);
}

/// A plan takes over the units of a commitment whose term is over.
#[test]
fn a_savings_plan_takes_over_what_a_commitment_leaves() {
    let text = SMALL.edit("sku = \"unit\"", "sku = \"plain\"");
    let commitment = "[[commitment]]\nid = \"half\"\nkind = \"reserved\"\nterm_months = 6\npayment = \
                      \"none\"\ncovers = \
                      { sku = \"plain\" }\nupfront = \"0\"\nrecurring = \"0.05\"\nunit = \"h\"\nsource = \
                                \"s\"\n";
    let config = "savings_plans = { plan = \"0.07\" }\ncommitments = { half = 1 }\nafter_term = \
                  \"on_demand\"\nmax = 1\n";
    let costs = months(&projected_with(
        &format!("{text}{config}"),
        &format!("{UNIT}{commitment}"),
        |_| (),
    ));
    near(costs[0], (0.05 + 0.07) * 730.0);
    near(costs[11], 0.07 * 730.0);
}

/// What a plan costs at once is paid in its first month.
#[test]
fn a_savings_plan_that_is_paid_ahead_is_paid_in_its_first_month() {
    let plan = "[[commitment]]\nid = \"ahead\"\nkind = \"savings_plan\"\nterm_months = 12\npayment = \
                \"all\"\ncovers = \
                {}\nupfront = \"8760\"\nrecurring = \"0\"\nunit = \"h\"\nrates = { plain = \"0.05\" \
                                }\nsource = \"s\"\n";
    let text = SMALL.edit("sku = \"unit\"", "sku = \"plain\"");
    let text = format!("{text}savings_plans = {{ ahead = \"0.05\" }}\nmax = 1\n");
    let projection = projected_with(&text, &format!("{UNIT}{plan}"), |_| ());
    let cash = config(&projection, "c")
        .months
        .iter()
        .map(|month| month.cash.and_then(|cash| cash.0.to_f64()).expect("paid ahead"));
    let cash: Vec<f64> = cash.collect();
    near(cash[0], 0.05 * 730.0 * 12.0);
    near(cash[1], 0.0);
}

/// Growth that begins on a 31st has months that end on the last day where there is no 31st: customers who
/// come on 29 March are there on 31 March.
#[test]
fn months_that_begin_on_a_31st_are_whole() {
    let text = SMALL.edit("2027-01-01", "2027-01-31").edit(
        "months = 12",
        "months = 12\nevents = [{ date = 2027-03-10, customers = \"+4000\" }]",
    );
    let text = format!("{text}meters = {{ \"per.customer\" = \"customers\" }}\nmin = 9\nmax = 9\n");
    let costs = months(&projected_with(&text, UNIT, |_| ()));
    let fixed = 730.0 * 9.0 * 0.08;
    // 10 of the 31 days from 28 February to 31 March are without them
    near(costs[1] - fixed, (10.0 * 10.0 + 21.0 * 50.0) / 31.0);
}
