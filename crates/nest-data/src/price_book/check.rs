//! Checks a price book beyond its schema, before any of its prices is used.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{
    Instance, InstanceUnit, Meter, PriceBook, TierMode, adjustment::check_adjustments, bounds::check_bounds,
    step,
};
use crate::{diagnostic::Diagnostic, toml_document::Spans};

/// Highest price of anything, in any currency. Anything above is taken for a typing error.
const HIGHEST_PRICE: Decimal = Decimal::from_parts(100_000_000, 0, 0, false, 0);

/// Everything that is wrong with a book, with its place.
pub fn check(book: &PriceBook, spans: &Spans) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    check_sources(book, spans, &mut found);
    check_names(book, spans, &mut found);
    book.meter
        .iter()
        .enumerate()
        .for_each(|(index, meter)| check_meter(meter, &index.to_string(), spans, &mut found));
    book.instance
        .iter()
        .enumerate()
        .for_each(|(index, instance)| check_instance(instance, &index.to_string(), spans, &mut found));
    check_bounds(book, spans, &mut found);
    check_pools(book, spans, &mut found);
    check_shares(book, spans, &mut found);
    check_adjustments(book, rows(book).map(|row| row.2), spans, &mut found);
    if !(Decimal::ONE..=Decimal::ONE_THOUSAND).contains(&book.month_hours.0) {
        found.push(spans.at_value(
            &["month_hours"],
            "`month_hours` must be from 1 to 1000",
            "write month_hours = \"730\"",
        ));
    }
    found
}

/// Name, position and source of every row, by table.
fn rows(book: &PriceBook) -> impl Iterator<Item = (&'static str, usize, &str, &str)> {
    let meters = book
        .meter
        .iter()
        .map(|row| (row.id.as_str(), row.source.as_str()))
        .enumerate()
        .map(|(index, row)| ("meter", index, row.0, row.1));
    let instances = book
        .instance
        .iter()
        .map(|row| (row.sku.as_str(), row.source.as_str()))
        .enumerate()
        .map(|(index, row)| ("instance", index, row.0, row.1));
    let commitments = book
        .commitment
        .iter()
        .map(|row| (row.id.as_str(), row.source.as_str()))
        .enumerate()
        .map(|(index, row)| ("commitment", index, row.0, row.1));
    let plans = book
        .plan
        .iter()
        .map(|row| (row.id.as_str(), row.source.as_str()))
        .enumerate()
        .map(|(index, row)| ("plan", index, row.0, row.1));
    let limits = book
        .limit
        .iter()
        .map(|row| (row.id.as_str(), row.source.as_str()))
        .enumerate()
        .map(|(index, row)| ("limit", index, row.0, row.1));
    meters
        .chain(instances)
        .chain(commitments)
        .chain(plans)
        .chain(limits)
}

fn check_sources(book: &PriceBook, spans: &Spans, found: &mut Vec<Diagnostic>) {
    for (table, index, row, source) in rows(book).filter(|row| !book.source.contains_key(row.3)) {
        let message = format!("{table} `{row}` names the source `{source}`, which the book does not define");
        found.push(spans.at_value(
            &[table, &index.to_string(), "source"],
            message,
            format!("add [source.{source}] with title, observed_on and confidence"),
        ));
    }
}

/// Checks that each name is there once, or with dates that do not overlap.
fn check_names(book: &PriceBook, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<(&str, &str), Vec<Dates>> = BTreeMap::new();
    for (table, index, name, _) in rows(book) {
        let dates = match table {
            "meter" => (book.meter[index].effective_from, book.meter[index].effective_to),
            "instance" => (
                book.instance[index].effective_from,
                book.instance[index].effective_to,
            ),
            _ => (None, None),
        };
        let before = seen.entry((table, name)).or_default();
        if before.iter().any(|other| overlap(*other, dates)) {
            let key = if table == "instance" { "sku" } else { "id" };
            let help =
                "keep one of the two, or give them effective_from and effective_to that do not overlap";
            found.push(spans.at_value(
                &[table, &index.to_string(), key],
                format!("the book has {table} `{name}` twice"),
                help,
            ));
        }
        if let (Some(from), Some(to)) = dates
            && from >= to
        {
            let message = format!("{table} `{name}` ends before it begins");
            found.push(spans.at_value(
                &[table, &index.to_string(), "effective_to"],
                message,
                "effective_to is the first day after effective_from on which the price no longer holds",
            ));
        }
        before.push(dates);
    }
}

/// First day on which a row holds, and first on which it no longer does.
type Dates = (Option<Date>, Option<Date>);

fn overlap(one: Dates, other: Dates) -> bool {
    let begins_before_end =
        |from: Option<Date>, to: Option<Date>| from.zip(to).is_none_or(|(from, to)| from < to);
    begins_before_end(one.0, other.1) && begins_before_end(other.0, one.1)
}

fn check_meter(meter: &Meter, index: &str, spans: &Spans, found: &mut Vec<Diagnostic>) {
    if meter.price.is_some() && meter.percent_of.is_some() {
        let message = format!(
            "meter `{}` has both a price and a share of another meter",
            meter.id
        );
        found.push(spans.at_value(&["meter", index, "percent_of"], message, "keep one of the two"));
    }
    if let Some(included) = &meter.included
        && (included.quantity.0 <= Decimal::ZERO || included.per.trim().is_empty())
    {
        let message = format!(
            "meter `{}` includes {} units for each `{}`",
            meter.id, included.quantity, included.per
        );
        found.push(spans.at_value(
            &["meter", index, "included"],
            message,
            "write a quantity above 0 and what has it, such as per = \"volume\"",
        ));
    }
    if let Some(quantum) = &meter.quantum
        && quantum.step_s().is_none()
    {
        let message = format!(
            "meter `{}` is rounded to `{}`, which is not a known step",
            meter.id, quantum.step
        );
        found.push(spans.at_value(&["meter", index, "quantum"], message, step::EXPECTED_LENGTH));
    }
    if meter.quantum.is_some() && meter.hours_per_unit(1.0).is_none() {
        let message = format!(
            "meter `{}` rounds time, but its unit `{}` holds no time",
            meter.id, meter.unit
        );
        found.push(spans.at_value(
            &["meter", index, "quantum"],
            message,
            "remove quantum, or write a unit that ends in a length of time, such as s or GiB*s",
        ));
    }
    if let Some(quantum) = &meter.quantum
        && let Some(minimum) = &quantum.minimum
        && quantum.minimum_s().is_none()
    {
        let message = format!(
            "meter `{}` bills at least `{minimum}`, which is not a known length of time",
            meter.id
        );
        found.push(spans.at_value(&["meter", index, "quantum"], message, step::EXPECTED_LENGTH));
    }
    if let Some(chunk) = &meter.chunk
        && meter.chunk_bytes().is_none()
    {
        let message = format!(
            "meter `{}` counts requests in chunks of `{chunk}`, which is not a known size",
            meter.id
        );
        found.push(spans.at_value(&["meter", index, "chunk"], message, step::EXPECTED_SIZE));
    }
    check_price(meter, index, spans, found);
}

/// Most virtual CPUs of an instance, as of any resource whose servers are counted. The largest that are
/// rented have
/// 1,920, and 32,768 GiB.
const MOST_VCPUS: Decimal = Decimal::from_parts(10_000, 0, 0, false, 0);
const MOST_GIB: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
/// Least of either. The smallest that are rented have an eighth of a processor and half a GiB.
const LEAST_OF_INSTANCE: Decimal = Decimal::from_parts(1, 0, 0, false, 3);
/// Fewest and most units that one amount may buy.
const LEAST_PER: Decimal = Decimal::from_parts(1, 0, 0, false, 3);
const MOST_PER: Decimal = Decimal::from_parts(3_567_587_328, 232, 0, false, 0); // 10^12
/// Most units of a meter that an instance may include.
const MOST_INCLUDED: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
/// Times over which a price may add up quantities.
const WINDOWS: [&str; 3] = ["month", "day", "hour"];
/// Most tiers of one price. Published prices have up to ten.
const MOST_TIERS: usize = 100;

fn check_price(meter: &Meter, index: &str, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let path = ["meter", index, "price"];
    let Some(price) = &meter.price else { return };
    if price.amount.is_some() != price.tiers.is_empty() {
        let help = "write { amount = \"..\" }, or { mode = \"graduated\", tiers = [..] }";
        found.push(spans.at_value(
            &path,
            format!("meter `{}` needs either an amount or tiers", meter.id),
            help,
        ));
    }
    if let Some(window) = price.window.as_deref().filter(|window| !WINDOWS.contains(window)) {
        found.push(spans.at_value(
            &path,
            format!(
                "meter `{}` adds up quantities over `{window}`, which is not known",
                meter.id
            ),
            "write window = \"month\", \"day\" or \"hour\"",
        ));
    }
    if price.tiers.len() > MOST_TIERS {
        found.push(spans.at_value(
            &path,
            format!("meter `{}` has {} tiers", meter.id, price.tiers.len()),
            format!("write at most {MOST_TIERS}"),
        ));
        return;
    }
    let bounds: Vec<Option<Decimal>> = price
        .tiers
        .iter()
        .map(|tier| tier.up_to.map(|bound| bound.0))
        .collect();
    let last_open = bounds.last().is_none_or(Option::is_none);
    let rising = bounds.windows(2).all(|pair| match pair {
        [Some(_), None] => true,
        [Some(low), Some(high)] => low < high,
        _ => false,
    });
    if !last_open
        || !rising
        || bounds
            .first()
            .is_some_and(|first| first.is_some_and(|first| first <= Decimal::ZERO))
    {
        found.push(spans.at_value(
            &path,
            format!(
                "tier bounds of meter `{}` must rise, and the last tier has none",
                meter.id
            ),
            "order the tiers by up_to and leave it out of the last; a last tier without amount says that \
                its price is not known",
        ));
    }
    let amounts = price
        .amount
        .iter()
        .chain(price.tiers.iter().filter_map(|tier| tier.amount.as_ref()));
    let odd = amounts
        .into_iter()
        .any(|amount| !(Decimal::ZERO..=HIGHEST_PRICE).contains(&amount.0));
    if odd
        || price
            .per
            .is_some_and(|per| !(LEAST_PER..=MOST_PER).contains(&per.0))
    {
        let help = "write amounts from 0 to 100000000, and `per` from 0.001 to 1000000000000";
        found.push(spans.at_value(
            &path,
            format!("meter `{}` has a price out of range", meter.id),
            help,
        ));
    }
    if price.mode == Some(TierMode::Package) && price.per.is_none() {
        found.push(spans.at_value(
            &path,
            format!("meter `{}` is sold in packages of unknown size", meter.id),
            "give `per`, the units of one package",
        ));
    }
}

fn check_instance(instance: &Instance, index: &str, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let price = &instance.price;
    if [price.on_demand, price.spot, price.hourly]
        .into_iter()
        .flatten()
        .any(|price| !(Decimal::ZERO..=HIGHEST_PRICE).contains(&price.0))
    {
        let message = format!("instance `{}` has a price out of range", instance.sku);
        found.push(spans.at_value(
            &["instance", index, "price"],
            message,
            "write an amount from 0 to 100000000",
        ));
    }
    if price.hourly.is_some() && price.unit == InstanceUnit::H {
        let message = format!("instance `{}` has an hourly price twice", instance.sku);
        found.push(spans.at_value(
            &["instance", index, "price"],
            message,
            "write the monthly price as on_demand with unit = \"month\", or leave out hourly",
        ));
    }
    for (meter, quantity) in instance
        .included
        .iter()
        .filter(|(_, quantity)| quantity.0 <= Decimal::ZERO || quantity.0 > MOST_INCLUDED)
    {
        let message = format!("instance `{}` includes {quantity} of `{meter}`", instance.sku);
        found.push(spans.at_value(
            &["instance", index, "included"],
            message,
            "write a quantity above 0 and at most 1000000000, or leave it out",
        ));
    }
    if instance.vcpu.0 < LEAST_OF_INSTANCE || instance.memory_gib.0 < LEAST_OF_INSTANCE {
        let message = format!(
            "instance `{}` has less than {LEAST_OF_INSTANCE} virtual CPUs or GiB of memory",
            instance.sku
        );
        found.push(spans.at_value(
            &["instance", index, "sku"],
            message,
            format!("write vcpu and memory_gib, each {LEAST_OF_INSTANCE} or more"),
        ));
    }
    if instance.vcpu.0 > MOST_VCPUS || instance.memory_gib.0 > MOST_GIB {
        let message = format!(
            "instance `{}` has {} virtual CPUs and {} GiB of memory",
            instance.sku, instance.vcpu.0, instance.memory_gib.0
        );
        let help = format!("write at most {MOST_VCPUS} virtual CPUs and {MOST_GIB} GiB");
        found.push(spans.at_value(&["instance", index, "sku"], message, help));
    }
    if instance.arch.trim().is_empty() {
        let message = format!("instance `{}` has no architecture", instance.sku);
        found.push(spans.at_value(&["instance", index, "arch"], message, "write x86_64 or arm64"));
    }
}

/// Checks that the meters of a free pool have the same unit.
fn check_pools(book: &PriceBook, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let mut units: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for (index, meter) in book.meter.iter().enumerate() {
        let Some(pool) = meter.free.as_ref().and_then(|free| free.pool.as_deref()) else {
            continue;
        };
        let (first, unit) = *units.entry(pool).or_insert((&meter.id, &meter.unit));
        if unit != meter.unit {
            let message = format!(
                "pool `{pool}` is counted in `{unit}` by meter `{first}` and in `{}` by `{}`",
                meter.unit, meter.id
            );
            found.push(spans.at_value(
                &["meter", &index.to_string(), "free"],
                message,
                "give all meters of the pool the same unit",
            ));
        }
    }
}

/// Checks that a meter that is a share of another one names an existing meter, and not itself through others.
fn check_shares(book: &PriceBook, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let share = |id: &str| {
        book.meter
            .iter()
            .find(|meter| meter.id == id)
            .and_then(|meter| meter.percent_of.as_ref())
    };
    for (index, meter) in book.meter.iter().enumerate() {
        let mut next = meter.percent_of.as_ref();
        let mut steps = 0;
        while let Some(of) = next {
            let place = ["meter", &index.to_string(), "percent_of"];
            if of.meter != super::INSTANCE_PRICE && !book.meter.iter().any(|meter| meter.id == of.meter) {
                let message = format!(
                    "meter `{}` is a share of `{}`, which the book does not have",
                    meter.id, of.meter
                );
                found.push(spans.at_value(
                    &place,
                    message,
                    format!("name a meter, or \"{}\"", super::INSTANCE_PRICE),
                ));
                break;
            }
            steps += 1;
            if steps > book.meter.len() {
                found.push(spans.at_value(
                    &place,
                    format!("meter `{}` is a share of itself", meter.id),
                    "let one of the meters in the circle have a price of its own",
                ));
                break;
            }
            next = share(&of.meter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Source as Text;

    const BOOK: &str = r#"
schema = 1
provider = "aws"
region = "us-east-1"
currency = "USD"
month_hours = "730"
tax = "excluded"
stale_after_days = 180
[source.page]
title = "a page"
observed_on = "2025-12"
confidence = "page"
[[meter]]
id = "lambda.requests"
unit = "request"
price = { amount = "0.20", per = "1000000" }
source = "page"
"#;

    fn errors(text: &str) -> String {
        PriceBook::read(&Text::new("book.toml", text))
            .expect_err("must be refused")
            .iter()
            .map(|one| format!("{} ({})\n", one.message, one.help))
            .collect()
    }

    #[test]
    fn a_window_that_no_bill_knows_is_refused() {
        let text = BOOK.replace("per = \"1000000\"", "per = \"1000000\", window = \"fortnight\"");
        assert!(
            errors(&text).contains("adds up quantities over `fortnight`"),
            "{}",
            errors(&text)
        );
        let daily = BOOK.replace("per = \"1000000\"", "per = \"1000000\", window = \"day\"");
        assert!(PriceBook::read(&Text::new("book.toml", daily)).is_ok());
    }

    #[test]
    fn a_partial_date_counts_as_its_earliest_day_and_stays_visible() {
        let book = PriceBook::read(&Text::new("book.toml", BOOK)).expect("valid");
        let observed = &book.source["page"].observed_on;
        assert_eq!(
            (observed.to_string().as_str(), observed.earliest()),
            ("2025-12", jiff::civil::date(2025, 12, 1))
        );
    }

    #[test]
    fn a_price_without_unit_currency_source_or_date_does_not_load() {
        for (line, part) in [
            ("observed_on = \"2025-12\"\n", "`observed_on` is missing"),
            ("currency = \"USD\"\n", "`currency` is missing"),
            ("unit = \"request\"\n", "`unit` is missing"),
            ("source = \"page\"\n", "`source` is missing"),
        ] {
            let found = errors(&BOOK.replace(line, ""));
            assert!(found.contains(part), "{part} in {found}");
        }
        assert!(errors(&BOOK.replace("source = \"page\"", "source = \"pgae\"")).contains("does not define"));
        assert!(errors(&BOOK.replace("\"2025-12\"", "\"soon\"")).contains("not a date"));
    }

    #[test]
    fn steps_minimums_and_chunks_that_nobody_can_read_are_refused() {
        let with =
            |line: &str| BOOK.replace("unit = \"request\"\n", &format!("unit = \"request\"\n{line}\n"));
        let quantum = |step: &str, minimum: &str| {
            with(&format!(
                "quantum = {{ per = \"run\", step = \"{step}\", round = \"up\", minimum = \"{minimum}\" }}"
            ))
            .replace("unit = \"request\"\n", "unit = \"GiB*s\"\n")
        };
        assert!(
            PriceBook::read(&Text::new("b", quantum("1s", "60s"))).is_ok()
                && PriceBook::read(&Text::new("b", with("chunk = \"64KiB\""))).is_ok()
        );
        assert!(errors(&quantum("1 tick", "60s")).contains("not a known step"));
        assert!(errors(&quantum("1s", "a minute")).contains("at least `a minute`"));
        assert!(errors(&with("chunk = \"64kib\"")).contains("chunks of `64kib`"));
        let of_requests = with("quantum = { per = \"invocation\", step = \"1s\", round = \"up\" }");
        assert!(errors(&of_requests).contains("its unit `request` holds no time"));
    }

    #[test]
    fn included_quantities_and_hourly_prices_that_cannot_be_are_refused() {
        let instance = |more: &str, price: &str| {
            format!(
                "{BOOK}[[instance]]\nsku = \"CX23\"\narch = \"x86_64\"\nvcpu = \"2\"\nmemory_gib = \
                    \"4\"\n{more}price = {{ {price} }}\nsource = \"page\"\n"
            )
        };
        let month = "on_demand = \"5.49\", hourly = \"0.0088\", unit = \"month\"";
        let traffic = "included = { \"egress.overage\" = \"20000\" }\n";
        assert!(PriceBook::read(&Text::new("b", instance(traffic, month))).is_ok());
        let refused = errors(&instance(
            &traffic.replace("20000", "-1"),
            &month.replace("month", "h"),
        ));
        for part in ["`CX23` includes -1 of `egress.overage`", "hourly price twice"] {
            assert!(refused.contains(part), "{part} in {refused}");
        }
        let meter = BOOK.replace(
            "source = \"page\"\n",
            "included = { quantity = \"0\", per = \"volume\" }\nsource = \"page\"\n",
        );
        assert!(errors(&meter).contains("includes 0 units for each `volume`"));
    }

    #[test]
    fn what_would_be_counted_for_ever_is_refused() {
        let large = "[[instance]]\nsku = \"x\"\narch = \"x86_64\"\nvcpu = \"1000000\"\nmemory_gib = \"8\"\n\
             price = { on_demand = \"1\", unit = \"h\" }\nsource = \"page\"\n";
        assert!(errors(&format!("{BOOK}{large}")).contains("1000000 virtual CPUs"));
        let tiers: Vec<String> = (1..=20_000)
            .map(|n| format!("{{ up_to = \"{n}\", amount = \"1\" }}"))
            .collect();
        let list = format!("{}, {{ amount = \"1\" }}", tiers.join(", "));
        let many = BOOK.replace(
            "{ amount = \"0.20\", per = \"1000000\" }",
            &format!("{{ mode = \"graduated\", tiers = [{list}] }}"),
        );
        assert_ne!(many, BOOK);
        assert!(errors(&many).contains("has 20001 tiers"));
    }

    #[test]
    fn floats_and_tiers_that_do_not_rise_are_refused() {
        assert!(errors(&BOOK.replace("\"0.20\"", "0.20")).contains("write a decimal in quotes"));
        let tiers = |list: &str| {
            BOOK.replace(
                "{ amount = \"0.20\", per = \"1000000\" }",
                &format!("{{ mode = \"graduated\", tiers = [{list}] }}"),
            )
        };
        let good = "{ up_to = \"10\", amount = \"2\" }, { amount = \"1\" }";
        assert!(PriceBook::read(&Text::new("b", tiers(good))).is_ok());
        for bad in [
            "{ up_to = \"10\", amount = \"2\" }",
            "{ amount = \"2\" }, { amount = \"1\" }",
            "{ up_to = \"10\", amount = \"2\" }, { up_to = \"9\", amount = \"1\" }, { amount = \"1\" }",
        ] {
            assert!(errors(&tiers(bad)).contains("must rise"), "{bad}");
        }
    }
}
