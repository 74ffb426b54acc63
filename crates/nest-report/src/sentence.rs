//! The headline: cost of customers, break point, its date and its cause.

use nest_data::{
    Estimate, Projection,
    measurement::Validity,
    projection::{BreakDate, BreakKind, BreakPoint, Headline, LimitNature, PriceRow},
    scaling::MeasuredPoint,
};

use crate::{format, unit};

/// Mark of a figure beyond the measured range.
pub(crate) const EXTRAPOLATED: &str = "▨";

/// Days by which the ages of prices may differ and still be told alike.
const MONTH_DAYS: i64 = 31;

/// The first sentence of a report. Without a configuration in the study, it states what was measured.
///
/// Names of the study stand in backticks.
#[must_use]
pub fn sentence(projection: &Projection) -> String {
    let Some(headline) = &projection.headline else {
        return measured(projection);
    };
    let cost = cost(projection, headline);
    let oldest = oldest(projection, headline);
    let place = match broken(headline) {
        None => format!(
            "{cost} {}{}",
            unbroken(projection, headline),
            likely(projection, headline)
        ),
        Some((point, customers)) => {
            let place = place(point, customers, headline);
            match &projection.growth {
                None => format!("{cost} {place}"),
                Some(growth) => format!(
                    "{cost} {place} On `{growth}` growth: {}; {} that it comes before growth ends.",
                    date(point.date.as_ref()),
                    format::chance(point.reached)
                ),
            }
        }
    };
    format!("{place}{oldest}")
}

/// The age of the oldest price on the headline's own bill.
fn oldest(projection: &Projection, headline: &Headline) -> String {
    let rows = || {
        let all = projection.prices.iter();
        all.filter(|row| row.config == headline.config)
    };
    let oldest = rows().map(|row| row.age_days).max();
    // Of prices that are equally old, the one on which most rests.
    let as_old = |row: &&PriceRow| oldest.is_some_and(|oldest| row.age_days + MONTH_DAYS > oldest);
    match rows().filter(as_old).max_by(|a, b| a.share.total_cmp(&b.share)) {
        None => String::new(),
        Some(row) if row.age_days < 0 => format!(
            " Oldest price on this bill: `{}`, seen {} after the day of this forecast.",
            row.item,
            format::age(-row.age_days)
        ),
        Some(row) => format!(
            " Oldest price on this bill: `{}` ({} of it), seen {} ago.",
            row.item,
            format::rough_percent(row.share),
            format::age(row.age_days)
        ),
    }
}

/// The first break point, if the search found one.
pub(crate) fn broken(headline: &Headline) -> Option<(&BreakPoint, &Estimate)> {
    let point = headline.break_point.as_ref()?;
    Some((point, point.customers.as_ref()?))
}

/// The cause of a break point in words: `app/cpu over reserve`.
pub(crate) fn cause(point: &BreakPoint) -> String {
    let cause = &point.cause;
    match point.kind {
        BreakKind::Saturation => format!("{cause} saturated"),
        BreakKind::OverReserve => format!("{cause} over reserve"),
        BreakKind::Slo => format!("objective {cause} missed"),
        BreakKind::Quota => format!("quota {cause} used up"),
        BreakKind::Knee => format!("{cause} (a knee, no failure)"),
        BreakKind::Peak => format!("{cause} past its peak"),
        BreakKind::ErrorOnset => format!("{cause} begin to fail"),
        BreakKind::Memory => format!("{cause} full"),
        BreakKind::Budget => format!("budget of {cause} exceeded"),
    }
}

/// When growth crosses a break point: `Dec 2027 [Nov 2027 … Feb 2028]`.
pub(crate) fn date(date: Option<&BreakDate>) -> String {
    let never = "not before the scenario ends";
    let Some(date) = date else { return never.to_owned() };
    let end = |end: Option<_>| end.map_or_else(|| "after the scenario ends".to_owned(), format::month);
    match (date.value, date.low) {
        (None, None) => never.to_owned(),
        (None, Some(low)) => {
            format!(
                "probably after the scenario ends, at the earliest {}",
                format::month(low)
            )
        }
        (Some(value), _) => {
            let value = format::month(value);
            let (low, high) = (
                date.low.map_or_else(|| value.clone(), format::month),
                end(date.high),
            );
            if low == value && high == value {
                value
            } else {
                format!("{value} [{low} … {high}]")
            }
        }
    }
}

/// Customers of a break point: `46,600 [43,100 … 50,900]`, or `[43,100 … 160,000 or more]` if the search ends
/// within the interval.
pub(crate) fn limit(point: &BreakPoint, customers: &Estimate) -> String {
    let text = format::estimate(customers);
    match text.strip_suffix(']') {
        Some(open) if point.open_above => format!("{open} or more]"),
        _ => text,
    }
}

/// As [`limit`], with a mark if it lies beyond the measured range.
pub(crate) fn marked(point: &BreakPoint, customers: &Estimate) -> String {
    let text = limit(point, customers);
    if point.extrapolated {
        format!("{EXTRAPOLATED} {text}")
    } else {
        text
    }
}

fn cost(projection: &Projection, headline: &Headline) -> String {
    let currency = unit::currency(projection, &headline.config);
    let config = projection
        .configs
        .iter()
        .find(|config| config.name == headline.config);
    let fees = config.and_then(|config| config.bill.fees.as_ref());
    let fees = fees.map_or_else(String::new, |fees| {
        format!(
            " for infrastructure, and {} in fees",
            format::money(&fees.per_1000, currency)
        )
    });
    let unstated = if headline.customers_stated {
        ""
    } else {
        " (the study does not say how many there are; these were tested)"
    };
    format!(
        "At {} customers{unstated} on `{}`: {} per 1,000 customers and month{fees}.",
        format::number(headline.customers),
        headline.config,
        format::money(&headline.per_1000, currency)
    )
}

fn place(point: &BreakPoint, customers: &Estimate, headline: &Headline) -> String {
    let what = match point.nature {
        LimitNature::Choice => "It passes a limit that you chose",
        LimitNature::Hard => "It breaks",
    };
    let before = if customers.value <= headline.customers {
        " before that,"
    } else {
        ""
    };
    format!(
        "{what}{before} at {} customers: {}.",
        marked(point, customers),
        cause(point)
    )
}

fn unbroken(projection: &Projection, headline: &Headline) -> String {
    let searched = format::number(headline.searched_to);
    let tested = projection.model.tested_customers;
    if tested > 0.0 {
        format!(
            "The best guess reaches no limit below {searched} customers, {} what was tested.",
            times(headline.searched_to / tested)
        )
    } else {
        format!("The best guess reaches no limit below {searched} customers.")
    }
}

/// What may still fail before growth ends, though the best guess does not reach it.
fn likely(projection: &Projection, headline: &Headline) -> String {
    let config = projection
        .configs
        .iter()
        .find(|config| config.name == headline.config);
    let failures = config.into_iter().flat_map(|config| &config.break_points);
    let likeliest = failures
        .filter(|point| point.kind.is_failure() && !point.chance_by_month.is_empty())
        .max_by(|a, b| a.reached.total_cmp(&b.reached))
        .filter(|point| point.reached >= 0.01);
    likeliest.map_or_else(String::new, |point| {
        format!(
            " Still, {} that growth reaches a limit: {}.",
            format::chance(point.reached),
            cause(point)
        )
    })
}

/// A factor in words: `four times`, `2.5 times`.
fn times(factor: f64) -> String {
    const WORDS: [&str; 11] = [
        "zero times",
        "once",
        "twice",
        "three times",
        "four times",
        "five times",
        "six times",
        "seven times",
        "eight times",
        "nine times",
        "ten times",
    ];
    let whole = factor.round();
    let word = (0.0..=10.0)
        .contains(&whole)
        .then(|| WORDS.get(whole as usize))
        .flatten();
    match word {
        Some(word) if (factor - whole).abs() < 0.05 && whole >= 1.0 => (*word).to_owned(),
        _ => format!("{} times", format::number((factor * 10.0).round() / 10.0)),
    }
}

fn measured(projection: &Projection) -> String {
    let largest = projection
        .points
        .iter()
        .filter(|point| point.validity == Validity::Valid)
        .filter_map(|point| point.customers.map(|customers| (customers, point)))
        .max_by(|left, right| left.0.total_cmp(&right.0));
    match largest {
        None => "No configuration is projected, and no valid step had customers.".to_owned(),
        Some((customers, point)) => {
            format!(
                "Measured up to {} customers on {}{}.",
                format::number(customers),
                projection.model.machine.cpu,
                used(point)
            )
        }
    }
}

fn used(point: &MeasuredPoint) -> String {
    point
        .used
        .iter()
        .next()
        .map_or_else(String::new, |(resource, used)| {
            let unit = unit::use_unit(resource);
            format!(", where {resource} used {}", format::quantity(*used, unit))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_words_where_they_are_whole() {
        assert_eq!(times(4.0), "four times");
        assert_eq!(times(2.02), "twice");
        assert_eq!(times(3.46), "3.5 times");
        assert_eq!(times(40.0), "40 times");
        assert_eq!(times(0.4), "0.4 times");
    }

    #[test]
    fn a_date_says_when_the_scenario_is_too_short() {
        let day = |year, month| Some(jiff::civil::Date::constant(year, month, 1));
        assert_eq!(date(None), "not before the scenario ends");
        assert_eq!(
            date(Some(&BreakDate {
                value: None,
                low: None,
                high: None
            })),
            "not before the scenario ends"
        );
        assert_eq!(
            date(Some(&BreakDate {
                value: None,
                low: day(2028, 3),
                high: None
            })),
            "probably after the scenario ends, at the earliest Mar 2028"
        );
        assert_eq!(
            date(Some(&BreakDate {
                value: day(2028, 5),
                low: day(2028, 3),
                high: None
            })),
            "May 2028 [Mar 2028 … after the scenario ends]"
        );
        assert_eq!(
            date(Some(&BreakDate {
                value: day(2028, 5),
                low: day(2028, 5),
                high: day(2028, 5)
            })),
            "May 2028"
        );
    }
}
