//! Limits in words: what fails, and whose limit it is.

use nest_data::{
    Projection,
    projection::{BreakKind, BreakPoint, ConfigProjection, Lever, LeverSetting, LimitNature, UnitStep},
};

use super::{
    amount::amount,
    count::ordinal,
    name::{clean, name},
    unit::unit_word,
};
use crate::format;

/// What fails at a limit of a configuration: `the database's CPU is full`, `CPU passes the 70 % ceiling you
/// set, with both allowed servers`.
pub(crate) fn limit(projection: &Projection, config: &str, point: &BreakPoint) -> String {
    let words = match point.kind {
        BreakKind::OverReserve => match point.ceiling {
            Some(share) => format!(
                "{} passes the {} ceiling you set",
                resource(&point.cause),
                format::rough_percent(share)
            ),
            None => cause(point.kind, &point.cause),
        },
        kind => cause(kind, &point.cause),
    };
    format!("{words}{}", allowed(projection, config, point))
}

/// What fails at a limit, without what only a configuration knows.
pub(crate) fn cause(kind: BreakKind, cause: &str) -> String {
    match kind {
        BreakKind::Saturation => format!("{} is full", resource(cause)),
        BreakKind::OverReserve => format!("{} passes the ceiling you set", resource(cause)),
        BreakKind::Slo => objective(cause).map_or_else(
            || format!("a target is missed: {}", clean(cause)),
            |found| {
                format!(
                    "{} longer than {}, your target {}",
                    found.who("takes"),
                    found.time,
                    name(found.target)
                )
            },
        ),
        BreakKind::Quota => quota(cause),
        BreakKind::Knee => {
            let who = cause
                .split_once(": ")
                .and_then(|(_, rest)| rest.strip_suffix(" waits longer than more work is worth"));
            match who {
                Some(behaviour) => format!("answers of {} start to slow; nothing fails", name(behaviour)),
                None => "answers start to slow; nothing fails".to_owned(),
            }
        }
        BreakKind::ErrorOnset => match cause.strip_suffix(" fail, as measured") {
            Some(share) => format!("{} of all actions fail, as in the load test", clean(share)),
            None => format!("actions begin to fail: {}", clean(cause)),
        },
        BreakKind::Memory => format!("{} is full", memory(cause)),
        BreakKind::Budget => budget(cause),
    }
}

/// A limit in at most four words, for the margin of a chart: `CPU over 70 %`, `database CPU full`, `login
/// over
/// 250 ms`.
pub(crate) fn limit_label(point: &BreakPoint) -> String {
    let used = |text: &str| resource(text).replace("the ", "").replace("'s", "");
    match point.kind {
        BreakKind::OverReserve => match point.ceiling {
            Some(share) => format!("{} over {}", used(&point.cause), format::rough_percent(share)),
            None => format!("{} over its ceiling", used(&point.cause)),
        },
        BreakKind::Saturation => format!("{} full", used(&point.cause)),
        BreakKind::Memory => format!(
            "{} full",
            memory(&point.cause).replace("the ", "").replace("'s", "")
        ),
        BreakKind::Slo => objective(&point.cause).map_or_else(
            || "a target is missed".to_owned(),
            |found| format!("{} over {}", clean(found.behaviour), found.time),
        ),
        BreakKind::Quota => {
            let count = clean(point.cause.split(" of ").next().unwrap_or(&point.cause));
            format!("quota: {}", count.replace(" executions", ""))
        }
        BreakKind::Knee => "answers start to slow".to_owned(),
        BreakKind::ErrorOnset => "actions begin to fail".to_owned(),
        BreakKind::Budget => "over your budget".to_owned(),
    }
}

/// The name of a resource, of `tier/kind`, with what a configuration and the test add to it: `CPU`, `the
/// database's CPU`, `the CPU for receipt`.
pub(crate) fn resource(text: &str) -> String {
    let (text, tested) = match text.strip_suffix(" as measured") {
        Some(text) => (text, " of the tested machine"),
        None => (text, ""),
    };
    let (text, pair) = match text.split_once(" of ") {
        Some((text, pair)) => (text, format!(" for {}", clean(pair))),
        None => (text, String::new()),
    };
    let Some((tier, kind)) = text.split_once('/') else {
        return clean(text) + &pair + tested;
    };
    let kind = match kind {
        "cpu" => "CPU".to_owned(),
        kind @ ("memory" | "disk" | "network") => kind.to_owned(),
        other => clean(other),
    };
    let owned = match tier {
        "app" if kind == "CPU" => kind,
        "app" => format!("the {kind}"),
        "db" | "database" => format!("the database's {kind}"),
        tier => format!("the {kind} of {}", name(tier)),
    };
    owned + &pair + tested
}

/// What the part of a reserve that a lever lowers is for: ` for queueing`; empty if it is the whole.
pub(crate) fn purpose_of_reserve(lever: &Lever) -> &'static str {
    match lever.key.rsplit_once("headroom.") {
        Some((_, "queueing")) => " for queueing",
        Some((_, "forecast")) => " for load that comes early",
        _ => "",
    }
}

/// With how many units, if the study limits them: `, with both allowed servers`.
fn allowed(projection: &Projection, config: &str, point: &BreakPoint) -> String {
    let bound = matches!(point.kind, BreakKind::OverReserve | BreakKind::Saturation);
    let config = projection.configs.iter().find(|one| one.name == config);
    let Some(config) = config.filter(|_| bound) else {
        return String::new();
    };
    let Some(most) = lever_of_units(projection, config, &point.cause) else {
        return String::new();
    };
    let unit = unit_word(most.platform.or(Some(config.platform)));
    let spare = stand_by(config, &point.cause, most.from);
    match most.from {
        1.0 => format!(", with the one {unit} that you allow{spare}"),
        2.0 => format!(", with both allowed {unit}s{spare}"),
        several => format!(", with all {} allowed {unit}s{spare}", format::number(several)),
    }
}

/// The lever that allows more units of a resource. A lever is listed with the first limit that it moves;
/// where that is another one, it is the only one of its kind, and units of the resource can be added.
fn lever_of_units<'p>(
    projection: &'p Projection,
    config: &ConfigProjection,
    resource: &str,
) -> Option<&'p Lever> {
    let levers = || {
        let levers = projection.levers.iter();
        levers.filter(|lever| lever.config == config.name && lever.setting == LeverSetting::Max)
    };
    let own = levers().find(|lever| lever.cause == resource);
    let mut full = config.break_points.iter();
    let can_add = full.any(|point| {
        point.kind == BreakKind::Saturation && point.cause == resource && point.nature == LimitNature::Choice
    });
    let only = || {
        let only = levers().next().filter(|_| can_add && levers().count() == 1)?;
        first_too_many(config, resource)
            .is_some_and(|step| step.units > only.from)
            .then_some(only)
    };
    own.or_else(only)
}

/// The first unit of a resource that is not allowed. It counts those that stand by.
fn first_too_many<'p>(config: &'p ConfigProjection, resource: &str) -> Option<&'p UnitStep> {
    let mut steps = config.unit_steps.iter();
    steps.find(|step| step.resource == resource && !step.allowed)
}

/// The units that a set-up has beside those that are allowed: `` at work and the 3rd standing by``. It counts
/// them all, as steps of growth do.
fn stand_by(config: &ConfigProjection, resource: &str, allowed: f64) -> String {
    match first_too_many(config, resource).map_or(0.0, |step| step.units - 1.0 - allowed) {
        spare if spare < 1.0 => String::new(),
        1.0 => format!(" at work and the {} standing by", ordinal(allowed + 1.0)),
        several => format!(" at work and {} more standing by", format::number(several)),
    }
}

/// A target for answers, taken apart.
struct Objective<'a> {
    target: &'a str,
    behaviour: &'a str,
    quantile: f64, // 0-1
    time: String,
}

impl Objective<'_> {
    /// Who is too slow: `1 browse in 20 takes`.
    fn who(&self, takes: &str) -> String {
        let slow = 1.0 - self.quantile;
        let one_in = (1.0 / slow).round();
        let who = name(self.behaviour);
        if self.quantile == 0.5 {
            format!("half of all {who} take")
        } else if slow > 0.0 && (one_in * slow - 1.0).abs() < 1e-6 {
            format!("1 {who} in {} {takes}", format::number(one_in))
        } else {
            format!("{} of all {who} take", format::rough_percent(slow))
        }
    }
}

/// Takes `answers: browse p95 over 0.25 s` apart.
fn objective(cause: &str) -> Option<Objective<'_>> {
    let (left, limit) = cause.rsplit_once(" over ")?;
    let seconds: f64 = limit.strip_suffix(" s")?.parse().ok()?;
    let (left, quantile) = left.rsplit_once(" p")?;
    let (target, behaviour) = left.split_once(": ")?;
    let quantile = quantile.parse::<f64>().ok()? / 100.0;
    (quantile > 0.0 && quantile < 1.0).then(|| Objective {
        target,
        behaviour,
        quantile,
        time: format::duration(seconds),
    })
}

/// `all 1,000 concurrent executions that the provider allows are in use`.
fn quota(cause: &str) -> String {
    let (what, pair) = match cause.split_once(" of ") {
        Some((what, pair)) => (what, format!(" of {}", name(pair))),
        None => (cause, String::new()),
    };
    let Some((count, what)) = what.split_once(' ') else {
        return format!("the provider's quota is used up: {}", clean(cause));
    };
    let count = count.parse().map_or_else(|_| clean(count), format::number);
    if what.starts_with("more ") {
        format!(
            "load rises faster than the provider allows: {count} {}{pair}",
            clean(what)
        )
    } else {
        format!(
            "all {count} {}{pair} that the provider allows are in use",
            clean(what)
        )
    }
}

fn memory(cause: &str) -> String {
    if cause.contains('/') {
        resource(cause)
    } else {
        format!("the memory of {}", name(cause))
    }
}

/// `500 USD a month` as `the bill passes your budget of $500 a month`.
fn budget(cause: &str) -> String {
    let mut words = cause.splitn(3, ' ');
    let (value, currency, rest) = (words.next(), words.next(), words.next().unwrap_or_default());
    match (value.and_then(|value| value.parse().ok()), currency) {
        (Some(value), Some(currency)) => {
            format!(
                "the bill passes your budget of {} {}",
                amount(value, currency),
                clean(rest)
            )
        }
        _ => format!("the bill passes your budget: {}", clean(cause)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_limit_has_words() {
        for (kind, text, words) in [
            (BreakKind::Saturation, "db/cpu", "the database's CPU is full"),
            (BreakKind::Saturation, "app/cpu", "CPU is full"),
            (
                BreakKind::OverReserve,
                "app/cpu of pay",
                "CPU for pay passes the ceiling you set",
            ),
            (
                BreakKind::Saturation,
                "app/disk as measured",
                "the disk of the tested machine is full",
            ),
            (
                BreakKind::Slo,
                "answers: browse p95 over 0.25 s",
                "1 `browse` in 20 takes longer than 250 ms, your target `answers`",
            ),
            (
                BreakKind::Quota,
                "1000 concurrent executions of receipt",
                "all 1,000 concurrent executions of `receipt` that the provider allows are in use",
            ),
            (
                BreakKind::Quota,
                "1000 more executions every 10 s",
                "load rises faster than the provider allows: 1,000 more executions every 10 s",
            ),
            (
                BreakKind::Knee,
                "app/cpu: browse waits longer than more work is worth",
                "answers of `browse` start to slow; nothing fails",
            ),
            (BreakKind::Memory, "db/memory", "the database's memory is full"),
            (
                BreakKind::Budget,
                "500 USD a month",
                "the bill passes your budget of $500 a month",
            ),
            (
                BreakKind::ErrorOnset,
                "more than 1 % fail, as measured",
                "more than 1 % of all actions fail, as in the load test",
            ),
        ] {
            assert_eq!(cause(kind, text), words);
        }
    }

    #[test]
    fn quantiles_are_one_in_so_many() {
        for (quantile, who) in [
            ("50", "half of all `pay` take"),
            ("90", "1 `pay` in 10 takes"),
            ("99", "1 `pay` in 100 takes"),
            ("97", "3 % of all `pay` take"),
        ] {
            let text = format!("quick: pay p{quantile} over 2 s");
            assert_eq!(objective(&text).expect("an objective").who("takes"), who);
        }
        assert!(objective("something else").is_none());
    }
}
