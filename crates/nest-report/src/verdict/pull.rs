//! To pull a lever: what to set, by when, what it costs and what it changes.

use jiff::civil::Date;
use nest_data::projection::{BreakPoint, Lever, LeverSetting};

use super::{
    NextStep,
    subject::{Subject, number},
};
use crate::{format, words};

/// Chance of reaching a limit from which on moving it is no way out.
const NO_WAY_OUT: f64 = 0.5;

/// To move a limit by its lever; to plan a way past it where the lever does not help.
pub(super) fn pull(subject: &Subject, lever: &Lever) -> NextStep {
    let latest = lever.date.and_then(|date| date.low.or(date.value));
    let by = latest.map_or_else(String::new, |date| format!(" by {}", words::full_month(date)));
    let set = format!(
        "`{}` from {} to {}",
        words::clean(&lever.key),
        format::number(lever.from),
        format::number(lever.to)
    );
    if lever.chance[1] >= NO_WAY_OUT {
        let later = lever.next_date.and_then(|date| date.value);
        let later = later.map_or_else(
            || "hardly helps".to_owned(),
            |date| format!("moves the limit only to about {}", words::full_month(date)),
        );
        return NextStep {
            what: format!("Plan a way past the first limit{by}."),
            why: format!(
                "{}: {} by {}. Setting {set} {later}.{}",
                words::capital(&limit_of(subject, lever)),
                format::chance(lever.chance[0]),
                subject.end_in_words(),
                sooner(subject, lever, latest)
            ),
        };
    }
    NextStep {
        what: format!("{}{by}.", what_moves(subject, lever)),
        why: format!(
            "Set {set}{}.{} {} by {} falls from {} to {}.{}",
            without_stand_by(subject, lever),
            price_of(subject, lever),
            chance_of(subject, lever),
            subject.end_in_words(),
            format::chance_cell(lever.chance[0]),
            format::chance_cell(lever.chance[1]),
            sooner(subject, lever, latest)
        ),
    }
}

/// That another growth scenario reaches the same limit before the step is due.
fn sooner(subject: &Subject, lever: &Lever, latest: Option<Date>) -> String {
    let projection = subject.projection;
    let others = projection.growths.iter().filter(|one| {
        projection.growth.as_ref() != Some(&one.name) && one.cause.as_deref() == Some(lever.cause.as_str())
    });
    let soonest = others
        .filter_map(|one| Some((one.date?.value?, one)))
        .min_by_key(|(date, _)| *date);
    match (soonest, latest) {
        (Some((date, one)), Some(latest)) if date < latest => format!(
            " With growth {} the limit comes before that, about {}.",
            words::name(&one.name),
            words::full_month(date)
        ),
        _ => String::new(),
    }
}

/// That a number of units is one of those that carry load.
fn without_stand_by(subject: &Subject, lever: &Lever) -> &'static str {
    let has_stand_by = limit_of(subject, lever).contains("standing by");
    match lever.setting {
        LeverSetting::Max if has_stand_by => "; stand-by servers come on top",
        _ => "",
    }
}

/// `The chance of reaching this limit`, where the page just spoke of it; otherwise with what fails.
fn chance_of(subject: &Subject, lever: &Lever) -> String {
    let is_first = |point: &BreakPoint| point.kind == lever.kind && point.cause == lever.cause;
    if subject.first_limit().is_none_or(|(point, _)| is_first(point)) {
        return "The chance of reaching this limit".to_owned();
    }
    format!("The chance that {}", limit_of(subject, lever))
}

/// The limit that a lever moves, in words.
fn limit_of(subject: &Subject, lever: &Lever) -> String {
    let mut points = subject.config.break_points.iter();
    let point = points.find(|point| point.kind == lever.kind && point.cause == lever.cause);
    point.map_or_else(
        || words::cause(lever.kind, &lever.cause),
        |point| words::limit(subject.projection, &lever.config, point),
    )
}

/// `Allow 5 servers`, `Keep 20 % of CPU free instead of 30 %`.
fn what_moves(subject: &Subject, lever: &Lever) -> String {
    let (from, to) = (lever.from, lever.to);
    match lever.setting {
        LeverSetting::Max => {
            let unit = words::unit_word(lever.platform.or(Some(subject.config.platform)));
            format!(
                "Allow {} {unit}s instead of {}",
                format::number(to),
                format::number(from)
            )
        }
        LeverSetting::Reserve => format!(
            "Keep {} of {} free{} instead of {}",
            format::rough_percent(to),
            words::resource(&lever.cause),
            words::purpose_of_reserve(lever),
            format::rough_percent(from)
        ),
        LeverSetting::Objective => {
            format!(
                "Accept answers of {} instead of {}",
                format::duration(to),
                format::duration(from)
            )
        }
        LeverSetting::Budget => format!(
            "Raise the budget from {} to {}",
            words::amount(from, subject.currency()),
            words::amount(to, subject.currency())
        ),
    }
}

fn price_of(subject: &Subject, lever: &Lever) -> String {
    let currency = subject.currency();
    if let Some(price) = lever.unit_month {
        let unit = words::unit_word(lever.platform.or(Some(subject.config.platform)));
        let price = words::amount(number(price.0), currency);
        return format!(
            " Each further {unit} costs {price} a month from when it is needed; the totals hold that."
        );
    }
    let change = number(lever.change.value.0);
    if change == 0.0 {
        return String::new();
    }
    let size = words::size(&lever.change, currency);
    if change < 0.0 {
        format!(" It also saves {size} over the plan.")
    } else {
        format!(" It costs {size} over the plan.")
    }
}
