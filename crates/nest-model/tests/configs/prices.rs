//! Prices that are missing, shares of others, or of a whole volume.

use super::*;

/// 15 % of what the instances cost at list price, and 10 % of what a meter costs: managed instances, support.
#[test]
fn a_share_of_something_else_is_paid_and_never_zero() {
    let meters = "[[meter]]\nid = \"other.fee\"\nunit = \"USD\"\n\
        percent_of = { meter = \"instance.on_demand\", percent = \"15\" }\nsource = \"s\"\n\
                  [[meter]]\nid = \"other.support\"\nunit = \"USD\"\n\
                  percent_of = { meter = \"example.requests\", percent = \"10\" }\nsource = \"s\"\n";
    let used = "meters = { \"other.fee\" = \"hours\", \"other.support\" = \"hours\", \
                \"example.requests\" = \"requests\" }\n[[configs.monolith.place]]";
    let projection = projected_with(&STUDY.edit("[[configs.monolith.place]]", used), meters, |_| ());
    let monolith = config(&projection, "monolith");
    let of = |meter: &str| sum(monolith, |line| line.meter == meter);
    let instances = of("two-cores") + of("db.two-cores");
    assert_eq!(
        of("other.fee"),
        (instances * Decimal::new(15, 2)).round_dp(12).normalize()
    );
    assert_eq!(
        of("other.support"),
        (of("example.requests") * Decimal::new(10, 2))
            .round_dp(12)
            .normalize()
    );
    assert!(of("other.support") > Decimal::ZERO && !monolith.bill.total.at_least);
    let value = monolith.bill.total.value.0.to_f64().expect("a float");
    assert!(
        monolith.bill.total.low <= value * 1.000_001 && monolith.bill.total.high * 1.000_001 >= value,
        "draws hold the shares too"
    );
}

#[test]
fn a_price_of_the_whole_volume_raises_a_caveat() {
    let meter = "[[meter]]\nid = \"other.volume\"\nunit = \"GB\"\n\
        price = { mode = \"volume\", \
        tiers = [{ up_to = \"100\", amount = \"0.3\" }, { amount = \"0.1\" }] }\n\
        source = \"s\"\n";
    let text = STUDY.edit(
        "[[configs.monolith.place]]",
        "meters = { \"other.volume\" = \"customers\" }\n[[configs.monolith.place]]",
    );
    let caveats = projected_with(&text, meter, |_| ()).caveats;
    assert!(
        caveats
            .iter()
            .any(|caveat| caveat.to_string().contains("other.volume")),
        "{caveats:?}"
    );
    assert!(
        !projected(STUDY)
            .caveats
            .iter()
            .any(|caveat| caveat.to_string().contains("can cost less"))
    );
}

/// Webtask in small: a host whose price nobody has stated.
#[test]
fn a_missing_price_is_solved_for_and_never_counted_as_zero() {
    let text = format!("{STUDY}{MOVED}").edit(
        "platform = \"function\"",
        "platform = \"function\"\nhost = \"other\"",
    );
    let projection = projected(&text);
    let moved = config(&projection, "moved");
    assert!(moved.bill.total.at_least);
    assert!(
        moved
            .bill
            .lines
            .iter()
            .any(|line| line.meter == "other.requests" && line.amount.is_none())
    );
    let found = &projection
        .comparison
        .as_ref()
        .expect("two configurations")
        .break_evens[0];
    assert_eq!(
        (found.config.as_str(), found.meter.as_str(), found.per),
        ("moved", "other.requests", 1e6)
    );
    // With that price the two cost the same.
    let priced = BOOK.edit(
        "id = \"other.requests\"\nunit = \"request\"",
        &format!(
            "id = \"other.requests\"\nunit = \"request\"\n\
            price = {{ amount = \"{:.12}\", per = \"1000000\" }}",
            found.price.value
        ),
    );
    let study = study(&text);
    let book = PriceBook::read(&Source::new("book", priced)).expect("a book");
    let again = project(&model(&study), &study, &[book], &options()).expect("a projection");
    let total = |name: &str| config(&again, name).bill.total.value.0.to_f64().expect("a float");
    assert!(
        (total("moved") / total("monolith") - 1.0).abs() < 1e-6,
        "{} {}",
        total("moved"),
        total("monolith")
    );
}

#[test]
fn a_configuration_that_cannot_be_priced_is_named_with_what_is_missing() {
    let error = |text: &str| {
        let study = study(text);
        project(&model(&study), &study, &[book("")], &options())
            .expect_err("it cannot")
            .to_string()
    };
    assert!(
        error(&STUDY.edit("sku = \"two-cores\"", "sku = \"two-core\"")).contains("did you mean two-cores?")
    );
    assert!(error(&STUDY.edit("sku = \"db.two-cores\"", "sku = \"db.one\"")).contains("db.one"));
    assert!(
        error(&STUDY.edit("spare = 1", "spare = 1\ncommitments = { two-cores-3y = 1 }"))
            .contains("did you mean two-cores-1y?")
    );
    let other = STUDY.edit(
        "sku = \"db.two-cores\"",
        "sku = \"db.two-cores\"\ncommitments = { two-cores-1y = 1 }",
    );
    assert!(error(&other).contains("it covers two-cores, not db.two-cores"));
    assert!(error(&STUDY.edit("[study]\n", "[study]\ncurrency = \"EUR\"\n")).contains("[exchange.USD]"));
}
