//! Checks configurations, fees, segments and rates of exchange beyond their schema.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use url::Url;

use crate::{
    diagnostic::{Diagnostic, offer},
    study::{
        Study,
        check::counts::check_counted,
        config::{Config, Driver, Placement, Platform},
    },
    toml_document::Spans,
    units::QuotedDecimal,
};

/// Least and highest rate of exchange. The currencies furthest apart are some million to one.
const LEAST_EXCHANGE: Decimal = Decimal::from_parts(1, 0, 0, false, 7);
const HIGHEST_EXCHANGE: Decimal = Decimal::from_parts(10_000_000, 0, 0, false, 0);
/// Largest fixed monthly amount, fee or migration cost. Anything above is taken for a typing error.
const HIGHEST_AMOUNT: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// Checks one configuration.
pub(crate) fn check(name: &str, config: &Config, study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    if config.main.book.is_empty() {
        found.push(spans.at_key(
            &["configs", name],
            format!("configuration `{name}` needs `book`"),
            "add book = \"aws/us-east-1\"",
        ));
    }
    let main = PlacementPlace {
        name,
        path: &[],
        placement: &config.main,
        spans,
    };
    check_placement(&main, study, found);
    for (index, placement) in config.place.iter().enumerate() {
        let index = index.to_string();
        let path = ["place", index.as_str()];
        let place = PlacementPlace {
            path: &path,
            placement,
            ..main
        };
        check_placement(&place, study, found);
    }
    check_overlap(name, config, spans, found);
    check_meters(name, config, study, spans, found);
    for (plan, amount) in &config.savings_plans {
        if amount.0 <= Decimal::ZERO || !in_range(*amount) {
            found.push(spans.at_value(
                &["configs", name, "savings_plans", plan],
                format!("configuration `{name}` commits to spend {amount} an hour on `{plan}`"),
                "write an amount above \"0\", such as \"3.50\"",
            ));
        }
    }
    let people = config
        .people
        .iter()
        .flat_map(|people| [("people", people.hours), ("people", people.rate)]);
    let migration = config
        .migration
        .iter()
        .map(|migration| ("migration", migration.amount));
    for (key, amount) in people.chain(migration).filter(|(_, amount)| !in_range(*amount)) {
        found.push(out_of_range(
            spans,
            &["configs", name, key],
            &format!("configuration `{name}`: {amount} for `{key}`"),
        ));
    }
    if let Some(migration) = &config.migration
        && let Some([low, high]) = migration.range
    {
        let wrong = if low.0 > high.0 {
            Some((
                "the range of its migration cost is not in ascending order".to_owned(),
                "write the smaller number first",
            ))
        } else if (low.0..=high.0).contains(&migration.amount.0) {
            None
        } else {
            let message = format!(
                "its migration costs {}, outside the range {low} to {high}",
                migration.amount
            );
            Some((
                message,
                "write a 90 % range that contains the amount: range = [\"LOW\", \"HIGH\"]",
            ))
        };
        found.extend(wrong.map(|(message, help)| {
            let path = ["configs", name, "migration", "range"];
            spans.at_value(&path, format!("configuration `{name}`: {message}"), help)
        }));
    }
    for (key, amount) in config.monthly.iter().filter(|(_, amount)| !in_range(**amount)) {
        found.push(out_of_range(
            spans,
            &["configs", name, "monthly", key],
            &format!("configuration `{name}`: {amount} a month for `{key}`"),
        ));
    }
}

fn in_range(amount: QuotedDecimal) -> bool {
    (Decimal::ZERO..=HIGHEST_AMOUNT).contains(&amount.0)
}

fn out_of_range(spans: &Spans, path: &[&str], what: &str) -> Diagnostic {
    spans.at_value(
        path,
        format!("{what} is out of range"),
        "write an amount from \"0\" to \"1000000000\"",
    )
}

/// The placement that is checked, with the place of its keys.
#[derive(Clone, Copy)]
struct PlacementPlace<'a> {
    /// Name of the configuration.
    name: &'a str,
    /// Path of the placement inside the configuration; empty for the main one.
    path: &'a [&'a str],
    placement: &'a Placement,
    spans: &'a Spans,
}

impl<'a> PlacementPlace<'a> {
    fn key(&self, key: &'a str) -> Vec<&'a str> {
        [&["configs", self.name], self.path, &[key]].concat()
    }

    fn needs(&self, key: &str, example: &str) -> Diagnostic {
        let message = format!(
            "configuration `{}` needs `{key}` for its {}",
            self.name,
            self.placement.platform.label()
        );
        let path = [&["configs", self.name], self.path].concat();
        self.spans
            .at_key(&path, message, format!("add {key} = {example}"))
    }
}

fn check_placement(place: &PlacementPlace<'_>, study: &Study, found: &mut Vec<Diagnostic>) {
    check_size(place, found);
    check_capacity(place, found);
    check_what_runs(place, study, found);
    check_files(place, found);
}

/// Checks that what replaces files is named, and only where files are lost.
fn check_files(place: &PlacementPlace<'_>, found: &mut Vec<Diagnostic>) {
    let PlacementPlace { name, placement, .. } = *place;
    let Some(replaced_by) = &placement.files_replaced_by else {
        return;
    };
    let mut wrong = |message: String, help: &str| {
        found.push(
            place
                .spans
                .at_value(&place.key("files_replaced_by"), message, help),
        );
    };
    if placement.platform != Platform::Function {
        let message = format!(
            "configuration `{name}` has `files_replaced_by`, which is for functions, but its platform is {}",
            placement.platform.label()
        );
        wrong(
            message,
            "remove files_replaced_by; only functions are taken to lose their files",
        );
    } else if replaced_by.trim().is_empty() {
        wrong(
            format!("configuration `{name}`: `files_replaced_by` is empty"),
            "say in words what holds the files, such as \"RDS for PostgreSQL, priced under monthly\"",
        );
    }
}

/// Checks that a unit has the size which its platform needs.
fn check_size(place: &PlacementPlace<'_>, found: &mut Vec<Diagnostic>) {
    let PlacementPlace { name, placement, .. } = *place;
    match placement.platform {
        Platform::Vm if placement.sku.is_none() => found.push(place.needs("sku", "\"m7i.large\"")),
        Platform::Database if placement.sku.is_none() => found.push(place.needs("sku", "\"db.r7g.large\"")),
        Platform::Function if placement.memory_mb.is_none() => found.push(place.needs("memory_mb", "1769")),
        Platform::Container if placement.sku.is_none() => found.push(place.needs("sku", "\"m7i.large\"")),
        _ => {}
    }
    if matches!(placement.platform, Platform::Task | Platform::Container) {
        for (key, value, example) in [
            ("vcpu", placement.vcpu, "\"1\""),
            ("memory_gib", placement.memory_gib, "\"2\""),
        ] {
            match value {
                None => found.push(place.needs(key, example)),
                Some(value) if value.0 <= Decimal::ZERO => {
                    found.push(place.spans.at_value(
                        &place.key(key),
                        format!("configuration `{name}`: `{key}` must be above 0"),
                        format!("write {key} = {example}"),
                    ));
                }
                Some(_) => {}
            }
        }
    }
}

/// Checks the number of units, what is kept free of them, and their speed.
fn check_capacity(place: &PlacementPlace<'_>, found: &mut Vec<Diagnostic>) {
    let PlacementPlace { name, placement, .. } = *place;
    if placement.max.is_some_and(|max| max < placement.min) {
        found.push(place.spans.at_value(
            &place.key("max"),
            format!("configuration `{name}`: `max` is below `min`"),
            "raise max to at least min",
        ));
    }
    if placement.reserve() >= 1.0 {
        let key = if placement.headroom.is_some() {
            "headroom"
        } else {
            "reserve"
        };
        found.push(place.spans.at_value(
            &place.key(key),
            format!("configuration `{name}` reserves all of its capacity"),
            "write a reserve below 100%, such as \"30%\"",
        ));
    }
    if placement.headroom.is_some() && (placement.reserve.is_some() || placement.spare > 0) {
        let message = format!("configuration `{name}` states its headroom twice");
        found.push(place.spans.at_value(
            &place.key("headroom"),
            message,
            "keep either `headroom`, or `reserve` and `spare`",
        ));
    }
    if let Some([low, high]) = placement.speed
        && !(0.0 < low && low <= high && high.is_finite())
    {
        found.push(place.spans.at_value(
            &place.key("speed"),
            format!("configuration `{name}`: `speed` must be two numbers above 0, the smaller first"),
            "write speed = [0.9, 1.1]",
        ));
    }
}

/// Checks the behaviours that are placed, and the commitments for their units.
fn check_what_runs(place: &PlacementPlace<'_>, study: &Study, found: &mut Vec<Diagnostic>) {
    let PlacementPlace { name, placement, .. } = *place;
    for behaviour in placement
        .behaviours
        .iter()
        .filter(|behaviour| !study.behaviours.contains_key(*behaviour))
    {
        let message =
            format!("configuration `{name}` places `{behaviour}`, but there is no behaviour of that name");
        found.push(place.spans.at_value(
            &place.key("behaviours"),
            message,
            offer(behaviour, study.behaviours.keys()),
        ));
    }
    let runs_on_spot = matches!(placement.platform, Platform::Vm | Platform::Container);
    if placement.spot.is_some() && !runs_on_spot {
        let message = format!(
            "configuration `{name}` has spot instances, but its platform is {}",
            placement.platform.label()
        );
        found.push(place.spans.at_value(
            &place.key("spot"),
            message,
            "remove spot; it is for vm and container",
        ));
    }
    if !placement.commitments.is_empty() && matches!(placement.platform, Platform::Function | Platform::Task)
    {
        let message = format!(
            "configuration `{name}` has commitments, which cover instances, but its platform is {}",
            placement.platform.label()
        );
        found.push(
            place
                .spans
                .at_value(&place.key("commitments"), message, "remove the commitments"),
        );
    }
}

/// Checks that each pair of behaviour and tier runs in one place.
fn check_overlap(name: &str, config: &Config, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<(&str, Option<&str>), ()> = BTreeMap::new();
    for (index, placement) in config.placements().enumerate() {
        let names: Vec<Option<&str>> = match placement.behaviours.as_slice() {
            [] => vec![None],
            some => some.iter().map(|one| Some(one.as_str())).collect(),
        };
        for behaviour in names {
            if seen.insert((&placement.tier, behaviour), ()).is_some() {
                let what = behaviour.map_or_else(
                    || format!("the tier `{}`", placement.tier),
                    |one| format!("`{one}` of the tier `{}`", placement.tier),
                );
                let position = index.saturating_sub(1).to_string();
                let path: &[&str] = if index == 0 {
                    &["configs", name]
                } else {
                    &["configs", name, "place", &position]
                };
                found.push(spans.at_value(
                    path,
                    format!("configuration `{name}` places {what} twice"),
                    "remove one of the two placements, or name other behaviours in it",
                ));
            }
        }
    }
}

/// Checks that the quantities which drive the meters exist. Only the bytes of HTTP answers are counted: a
/// price per byte of another protocol would silently cost nothing.
fn check_meters(name: &str, config: &Config, study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let counts_bytes =
        Url::parse(&study.target.base_url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    for (meter, used) in &config.meters {
        let path = ["configs", name, "meters", meter];
        if used.driver() == Driver::BytesSent && !counts_bytes {
            let message =
                format!("configuration `{name}` pays for bytes, which are counted over http and https only");
            found.push(spans.at_key(
                &path,
                message,
                "remove the meter, or state its cost under `monthly`",
            ));
        }
        if used.driver() == Driver::Stored && study.data.is_none() {
            let message =
                format!("configuration `{name}` pays for stored items, but the study has no [data]");
            found.push(spans.at_key(&path, message, "add [data], or use driver = \"fixed\""));
        }
        check_counted(name, meter, used, study, spans, found);
        if !(0.0..=1e15).contains(&used.times()) {
            found.push(spans.at_value(
                &path,
                format!(
                    "configuration `{name}`: `times` is {}, out of range",
                    used.times()
                ),
                "write a number from 0 to 1e15",
            ));
        }
        if let crate::study::config::MeterUse::Detailed(detailed) = used {
            for behaviour in detailed
                .behaviours
                .iter()
                .filter(|behaviour| !study.behaviours.contains_key(*behaviour))
            {
                let message = format!(
                    "configuration `{name}` counts `{behaviour}`, but there is no behaviour of that name"
                );
                found.push(spans.at_value(&path, message, offer(behaviour, study.behaviours.keys())));
            }
        }
    }
}

/// Checks the profile of the week, fees, segments and rates of exchange.
pub(crate) fn check_money(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    check_profile(study, spans, found);
    for (name, fee) in &study.fees {
        let at = |key: &'static str| ["fees", name.as_str(), key];
        if !study.behaviours.contains_key(&fee.behaviour) {
            let message = format!(
                "fee `{name}` is for `{}`, but there is no behaviour of that name",
                fee.behaviour
            );
            found.push(spans.at_value(
                &at("behaviour"),
                message,
                offer(&fee.behaviour, study.behaviours.keys()),
            ));
        }
        if fee.percent.is_some() != fee.of.is_some() || fee.percent.is_none() && fee.amount.is_none() {
            found.push(spans.at_key(
                &["fees", name],
                format!("fee `{name}` does not say how much it is"),
                "write `amount`, or `percent` and `of`, or all three",
            ));
        }
        if fee
            .amount
            .iter()
            .chain(&fee.percent)
            .any(|amount| !in_range(*amount))
        {
            found.push(out_of_range(spans, &["fees", name], &format!("fee `{name}`")));
        }
        let unknown: Vec<String> = fee
            .of
            .iter()
            .flat_map(|of| of.formula().names())
            .filter(|used| !study.parameters.contains_key(used))
            .collect();
        for used in &unknown {
            let message = format!("fee `{name}` uses `{used}`, but there is no parameter of that name");
            found.push(spans.at_value(&at("of"), message, offer(used, study.parameters.keys())));
        }
        if unknown.is_empty()
            && let Err(error) = fee.each(&study.parameter_values())
        {
            found.push(spans.at_value(
                &at("of"),
                error.to_string(),
                "choose parameters for which a transaction is worth 0 or more",
            ));
        }
    }
    check_segments(study, spans, found);
    for (currency, exchange) in study
        .exchange
        .iter()
        .filter(|(_, exchange)| !(LEAST_EXCHANGE..=HIGHEST_EXCHANGE).contains(&exchange.rate.0))
    {
        let message = format!("`exchange.{currency}.rate` is {}, out of range", exchange.rate);
        found.push(spans.at_value(
            &["exchange", currency, "rate"],
            message,
            "write a rate from \"0.0000001\" to \"10000000\"",
        ));
    }
}

fn check_profile(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let customers = &study.customers;
    match (&customers.profile, customers.peak_hour_share) {
        (None, None) => found.push(spans.at_key(
            &["customers"],
            "`customers.peak_hour_share` is missing: the study does not say how load spreads over the day",
            "add peak_hour_share = \"12%\", or profile = [168 numbers]",
        )),
        (Some(_), Some(_)) => found.push(spans.at_key(
            &["customers", "profile"],
            "`customers` has both `profile` and `peak_hour_share`, which both state the busiest hour",
            "remove one of the two",
        )),
        (None, Some(share)) if share.get() < 1.0 / 24.0 => {
            let help = "write at least \"4.17%\"";
            found.push(spans.at_value(
                &["customers", "peak_hour_share"],
                "`customers.peak_hour_share` is below 1/24, the share of each hour of an even day",
                help,
            ));
        }
        (Some(week), None) => {
            let good = week.len() == crate::study::customers::profile::HOURS_PER_WEEK
                && week.iter().all(|load| load.is_finite() && *load >= 0.0);
            if !good || week.iter().sum::<f64>() <= 0.0 {
                let message = if good {
                    "`customers.profile` holds only zeros, so that nobody ever comes".to_owned()
                } else {
                    format!(
                        "`customers.profile` must hold 168 numbers of 0 or more; it holds {}",
                        week.len()
                    )
                };
                found.push(spans.at_value(
                    &["customers", "profile"],
                    message,
                    "write the executions of each hour of a week from Monday 0:00, or peak_hour_share",
                ));
            }
        }
        _ => {}
    }
}

fn check_segments(study: &Study, spans: &Spans, found: &mut Vec<Diagnostic>) {
    if study.segments.is_empty() {
        return;
    }
    let all: f64 = study.segments.values().map(|segment| segment.share.get()).sum();
    if (all - 1.0).abs() > 1e-6 {
        let message = format!(
            "the shares of the segments add up to {:.2} %, not 100 %",
            all * 100.0
        );
        found.push(spans.at_key(
            &["segments"],
            message,
            "change the shares so that they add up to 100%",
        ));
    }
    for (name, segment) in &study.segments {
        for (behaviour, rate) in &segment.rates {
            let path = ["segments", name, "rates", behaviour];
            if !study.rates.contains_key(behaviour) {
                let message =
                    format!("segment `{name}` has a rate for `{behaviour}`, which has no rate under [rates]");
                found.push(spans.at_key(&path, message, offer(behaviour, study.rates.keys())));
            }
            for used in rate
                .formula()
                .names()
                .into_iter()
                .filter(|used| !study.defines(used))
            {
                let message = format!(
                    "segment `{name}`: the rate of `{behaviour}` uses `{used}`, but there is no such value"
                );
                found.push(spans.at_value(&path, message, offer(&used, study.names_of_formulas().iter())));
            }
        }
        if segment.price.is_some_and(|price| !in_range(price)) {
            found.push(out_of_range(
                spans,
                &["segments", name, "price"],
                &format!("the price of segment `{name}`"),
            ));
        }
        if segment.target_margin.is_some_and(|margin| margin.get() >= 1.0) {
            let message = format!("segment `{name}` has a target margin of 100 % or more");
            found.push(spans.at_value(
                &["segments", name, "target_margin"],
                message,
                "write a margin below 100%",
            ));
        }
    }
}
