//! The two or three sentences after the first one.

use nest_data::{
    Projection,
    measurement::Validity,
    projection::{BreakDate, ConfigProjection, CostDriver, CostLine, MoneyEstimate},
};

use super::{
    composition::{Composition, driver_in_words},
    subject::{Arrival, Subject, number, policy_effect},
    title::{Theme, Title, cost},
};
use crate::{format, words};

/// Share of the bill from which on capacity that is not used is the news.
const MUCH_UNUSED: f64 = 0.4;
/// Factor between the first limit and the tested load from which on the limit is calculated and not seen.
const FAR: f64 = 1.05;
/// Share of fees in cost and fees together from which on the bill of servers is a side matter.
const MOSTLY_FEES: f64 = 0.9;

/// What the first sentence rests on: cost, first limit, largest part of the bill, and the test where it was
/// not good.
pub(super) fn sentences(subject: &Subject, title: &Title) -> Vec<String> {
    let mut found: Vec<String> = other_values(subject.projection).into_iter().collect();
    found.push(of_cost(subject, title));
    found.push(of_limit(subject));
    found.extend(if is_mostly_fees(subject) {
        servers_notice(subject)
    } else {
        of_bill(subject.config)
    });
    found.extend(quality(subject.projection));
    found
}

/// That values of `--set` stand for those of the study.
fn other_values(projection: &Projection) -> Option<String> {
    let values: Vec<String> = projection
        .set
        .iter()
        .map(|(key, value)| format!("{} = {}", words::name(key), words::clean(value)))
        .collect();
    (!values.is_empty()).then(|| format!("With other values than nest.toml has: {}.", values.join(", ")))
}

fn of_cost(subject: &Subject, title: &Title) -> String {
    let currency = subject.currency();
    let per_1000 = words::money(&subject.config.bill.per_1000, currency);
    let fees = subject.config.bill.fees.as_ref();
    let unstated = if subject.headline.customers_stated {
        ""
    } else {
        " The study does not say how many customers there are; these are the most that were tested with room."
    };
    match (title.theme, fees) {
        (Theme::Room, None) => format!("That is {per_1000} per 1,000 customers.{unstated}"),
        (Theme::Room, Some(fees)) => format!(
            "That is {per_1000} per 1,000 customers, and {} in fees.{unstated}",
            words::money(&fees.per_1000, currency)
        ),
        (_, None) => format!(
            "{} on {}: {per_1000} per 1,000.{unstated}",
            cost(subject),
            words::name(&subject.config.name)
        ),
        (_, Some(fees)) => format!(
            "{} on {}; per 1,000, that is {per_1000} and {}.{unstated}",
            cost(subject),
            words::name(&subject.config.name),
            words::money(&fees.per_1000, currency)
        ),
    }
}

/// The first limit, when it comes, and whether another configuration would move it.
fn of_limit(subject: &Subject) -> String {
    let config = &subject.config.name;
    let Some((point, customers)) = subject.first_limit() else {
        return without_limit(subject);
    };
    let tested = subject.projection.model.tested_customers;
    let mut facts: Vec<String> = Vec::new();
    let interval = words::count_interval(customers, point.open_above);
    if !interval.is_empty() {
        facts.push(format!("9 in 10: {interval}"));
    }
    if tested > 0.0 && customers.value > tested * FAR {
        facts.push(format!("calculated, tested to {}", words::customers(tested)));
    }
    let facts = if facts.is_empty() {
        String::new()
    } else {
        format!(" ({})", facts.join("; "))
    };
    let what = words::limit(subject.projection, config, point);
    let is_dated = |date: &BreakDate| date.value.or(date.low).is_some();
    let when = if subject.grows() && !point.chance_by_month.is_empty() {
        if point.date.as_ref().is_some_and(is_dated) {
            let when = words::reached(point.date.as_ref(), point.reached, subject.end());
            match subject.comes_later() {
                Some(Arrival::OfItself(_)) => {
                    let what = words::capital(&format!("{when} {what}"));
                    return format!(
                        "{what}, because a price changes or a commitment ends.{}",
                        shared(subject)
                    );
                }
                Some(Arrival::AsCustomersGo(_)) => format!(" Customers fall to that number {when}."),
                _ => format!(" Growth gets there {when}."),
            }
        } else if point.reached == 0.0 {
            format!(" Growth does not get there by {}.", subject.end_in_words())
        } else {
            format!(
                " Growth hardly gets there by {}: {}.",
                subject.end_in_words(),
                format::chance(point.reached)
            )
        }
    } else {
        String::new()
    };
    let at = words::count(customers);
    let who = if at == "1" { "customer" } else { "customers" };
    let met = point.met_from.map_or_else(String::new, |from| {
        format!(" From {} customers on it is met.", words::customers(from))
    });
    format!("At {at} {who}{facts} {what}.{met}{when}{}", shared(subject))
}

fn without_limit(subject: &Subject) -> String {
    let tested = subject.projection.model.tested_customers;
    let searched = words::customers(subject.headline.searched_to);
    let tested = match tested {
        tested if tested > 0.0 => format!("; tested to {}", words::customers(tested)),
        _ => String::new(),
    };
    let still = subject
        .likeliest_limit()
        .filter(|_| subject.grows())
        .map_or_else(String::new, |point| {
            format!(
                " Still, {} by {}: {}.",
                format::chance(point.reached),
                subject.end_in_words(),
                words::limit(subject.projection, &subject.config.name, point)
            )
        });
    format!("The best guess reaches no limit below {searched} customers{tested}.{still}")
}

/// That every other configuration meets the same limit.
fn shared(subject: &Subject) -> String {
    let others: Vec<_> = subject.others().collect();
    if others.is_empty() || others.iter().any(|total| total.shared_limit.is_none()) {
        return String::new();
    }
    let all = match others.len() {
        1 => "The other set-up meets".to_owned(),
        several => format!("All {} other set-ups meet", in_words(several)),
    };
    format!(" {all} the same limit: moving does not change that.")
}

fn in_words(count: usize) -> String {
    const WORDS: [&str; 8] = ["two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let word = count.checked_sub(2).and_then(|index| WORDS.get(index));
    word.map_or_else(|| count.to_string(), |word| (*word).to_owned())
}

/// The largest part of the bill.
fn of_bill(config: &ConfigProjection) -> Option<String> {
    let unused = Composition::of(&config.bill).unused_share()?;
    if unused >= MUCH_UNUSED {
        return Some(format!(
            "{} of the bill pays for capacity that stands ready and is not used.",
            words::share(unused)
        ));
    }
    let total = number(config.bill.total.value.0);
    let mut parts: Vec<(String, f64)> = Vec::new();
    let lines = &config.bill.lines;
    let paid = lines.iter().filter(|line| line.driver != CostDriver::Discount);
    for (line, amount) in paid.filter_map(|line| Some((line, paid_of(lines, line)?))) {
        let part = match line.driver {
            CostDriver::Shared | CostDriver::Fixed => words::name(&line.meter),
            _ => driver_in_words(line),
        };
        match parts.iter_mut().find(|(name, _)| *name == part) {
            Some((_, sum)) => *sum += amount,
            None => parts.push((part, amount)),
        }
    }
    let (part, sum) = parts.into_iter().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    (total > 0.0 && sum <= total * (1.0 + 1e-9)).then(|| {
        format!(
            "The largest part of the bill is {part}: {}.",
            words::share(sum / total)
        )
    })
}

/// What is paid of a line once discounts are taken off, each from the lines that it is on in proportion:
/// those of its meter, or of its unit where it names no meter.
fn paid_of(lines: &[CostLine], line: &CostLine) -> Option<f64> {
    let own = number(line.amount?.0);
    let paid = || lines.iter().filter(|line| line.driver != CostDriver::Discount);
    let names = |discount: &CostLine, line: &CostLine| {
        let named = || {
            discount.meter == line.meter
                || discount.meter.starts_with(&format!("{} ", line.meter))
                || discount.meter.ends_with(&format!(" on {}", line.meter))
        };
        line.driver != CostDriver::Unused && named()
    };
    let share = |discount: &CostLine| {
        let is_named = paid().any(|line| names(discount, line));
        let is_on = |line: &CostLine| {
            if is_named {
                names(discount, line)
            } else {
                discount.unit == line.unit
            }
        };
        let all: f64 = paid()
            .filter(|line| is_on(line))
            .filter_map(|line| line.amount)
            .map(|amount| number(amount.0))
            .sum();
        let off = discount.amount.map_or(0.0, |amount| number(amount.0));
        if is_on(line) && all > 0.0 {
            off * own / all
        } else {
            0.0
        }
    };
    let discounts = lines.iter().filter(|line| line.driver == CostDriver::Discount);
    Some(own + discounts.map(share).sum::<f64>())
}

fn is_mostly_fees(subject: &Subject) -> bool {
    let bill = &subject.config.bill;
    bill.fees.as_ref().is_some_and(|fees| {
        let fees = number(fees.total.value.0);
        fees > MOSTLY_FEES * (fees + number(bill.total.value.0))
    })
}

/// Beside large fees: how much of the effect of the policies is on the servers' bill.
fn servers_notice(subject: &Subject) -> Option<String> {
    let moved = |before: f64, change: &MoneyEstimate| {
        let most = number(change.value.0)
            .abs()
            .max(change.low.abs())
            .max(change.high.abs());
        if before > 0.0 { most / before } else { 0.0 }
    };
    let policies = &subject.projection.policies;
    let most = policies
        .iter()
        .map(|policy| moved(number(policy.totals.before.value.0), &policy.totals.change))
        .max_by(f64::total_cmp)?;
    let any = policies.iter().any(|policy| policy_effect(policy).abs() > 0.0);
    any.then(|| {
        format!(
            "Nearly all of the cost is fees; in 9 cases of 10 no policy changes the bill for servers by more \
             than {}.",
            words::share(rounded_up(most))
        )
    })
}

/// A share as an upper bound, in tenths of a percent: never nothing, and never rounded down.
fn rounded_up(share: f64) -> f64 {
    ((share * 1e3).ceil() / 1e3).max(0.001)
}

/// That the load test was not good, if it was not.
pub(super) fn quality(projection: &Projection) -> Option<String> {
    let loaded = || projection.loaded_points();
    let all = loaded().count();
    let count = |validity| loaded().filter(|point| point.validity == validity).count();
    if all == 0 {
        return Some(
            "There is no measured step under load: every figure rests on the model alone.".to_owned(),
        );
    }
    if count(Validity::Invalid) == all {
        return Some(format!(
            "None of the {all} test steps under load is valid: measure again before you rely on this."
        ));
    }
    let clean = match count(Validity::Valid) {
        valid if valid * 2 >= all => return None,
        0 => format!("none of {all} steps under load is"),
        1 => format!("only 1 of {all} steps under load is"),
        valid => format!("only {valid} of {all} steps under load are"),
    };
    Some(format!(
        "The load test was disturbed: {clean} clean, and the intervals are wider for it."
    ))
}
