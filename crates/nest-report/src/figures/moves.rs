//! What moves the results: inputs that may be other than assumed, and limits that can be moved.

use nest_data::{
    Projection,
    projection::{Lever, LeverSetting, RangeBasis, Sensitivity},
};
use rust_decimal::prelude::ToPrimitive;

use super::{Cell, PageTable, Section};
use crate::{
    chart::{Figure, FigureKind},
    format,
    unit::currency,
    verdict::Subject,
    words,
};

/// What moves the first limit, the total and the cost at the end.
pub(super) fn inputs(projection: &Projection, figures: &[Figure]) -> Option<Section> {
    let subject = Subject::of(projection)?;
    if projection.sensitivity.is_empty() && projection.levers.is_empty() {
        return None;
    }
    let mut section =
        Section::new("moves", "What moves it", finding(projection)).drawn(figures, &[FigureKind::Tornado]);
    section.list.extend(of_total(&subject));
    section.tables.extend(levers(projection));
    section.tables.extend(table(&subject));
    section.how = vec![
        "One input at a time, all others at their best guess. A measured range is its 9-in-10 interval, \
         a stated one \
         is the study's own. Where nobody states one, a fifth either way is assumed, for prices a tenth; \
         a ceiling \
         is moved by a tenth of capacity."
            .to_owned(),
    ];
    Some(section)
}

fn finding(projection: &Projection) -> String {
    let widest = projection.sensitivity.first().filter(|one| one.months > 0.0);
    match widest {
        Some(one) => format!("{} moves the first limit most", words::capital(&short(one))),
        None if projection.sensitivity.iter().any(Sensitivity::moves) => {
            "No assumption moves the first limit; some move the cost".to_owned()
        }
        None => "Nothing in its range moves these results".to_owned(),
    }
}

/// An input in few words.
fn short(one: &Sensitivity) -> String {
    let words = words::input(one);
    if words.split_whitespace().count() > 7 {
        words::clean(&one.input)
    } else {
        words
    }
}

/// What moves the total of all months most.
fn of_total(subject: &Subject) -> Option<String> {
    let width = |one: &Sensitivity| (one.total[1] - one.total[0]).abs();
    let all = subject.projection.sensitivity.iter();
    let widest = all
        .max_by(|a, b| width(a).total_cmp(&width(b)))
        .filter(|one| width(one) > 0.0)?;
    let amount = |value: f64| words::amount(value, subject.currency());
    let over = match subject.config.months.len() {
        0 => "The month's bill".to_owned(),
        months => format!("The cost of {months} months"),
    };
    let [low, high] = [
        widest.total[0].min(widest.total[1]),
        widest.total[0].max(widest.total[1]),
    ];
    Some(format!(
        "{over} depends most on {}: {} to {}.",
        words::input(widest),
        amount(low),
        amount(high)
    ))
}

fn table(subject: &Subject) -> Option<PageTable> {
    let titles = ["input", "range", "first limit", "#total", "#per 1,000 at the end"];
    let caption = format!(
        "Results on {} with one input at either end of its range",
        words::name(&subject.config.name)
    );
    let mut table = PageTable::new(caption, &titles);
    for one in subject.projection.sensitivity.iter().filter(|one| one.moves()) {
        table.row(row(subject, one));
    }
    let still = subject
        .projection
        .sensitivity
        .iter()
        .filter(|one| !one.moves())
        .count();
    let still = match still {
        0 => String::new(),
        1 => "One more input moves nothing.".to_owned(),
        still => format!("{still} more inputs move nothing."),
    };
    table.noted(still).cut().unless_empty()
}

fn row(subject: &Subject, one: &Sensitivity) -> [Cell; 5] {
    let basis = match one.basis {
        RangeBasis::Measured => "measured",
        RangeBasis::Stated => "stated by the study",
        RangeBasis::Assumed => "assumed",
        RangeBasis::Choice => "your choice",
    };
    let when = |end: usize| one.date[end].map_or_else(|| "not in the plan".to_owned(), words::month);
    let dates = if subject.grows() {
        ends(when(0), when(1))
    } else {
        String::new()
    };
    let amount = |value: f64| words::amount(value, subject.currency());
    [
        words::capital(&words::input(one)).into(),
        Cell::noted(words::input_range(one), basis),
        dates.into(),
        ends(amount(one.total[0]), amount(one.total[1])).into(),
        ends(amount(one.per_1000[0]), amount(one.per_1000[1])).into(),
    ]
}

/// Two ends, or one text where they are alike.
fn ends(low: String, high: String) -> String {
    if low == high {
        low
    } else {
        format!("{low} → {high}")
    }
}

/// Limits of the study's own choice, and what comes of moving them.
pub(super) fn levers(projection: &Projection) -> Option<PageTable> {
    let titles = [
        "limit that you chose",
        "change",
        "#chance now",
        "#chance then",
        "then comes",
        "#cost over the plan",
    ];
    let mut table = PageTable::new("Limits that you can move, and what comes of it", &titles);
    let headline = projection
        .headline
        .as_ref()
        .map(|headline| headline.config.as_str());
    let (own, others): (Vec<&Lever>, Vec<&Lever>) = projection
        .levers
        .iter()
        .partition(|lever| Some(lever.config.as_str()) == headline);
    for lever in own.into_iter().chain(others) {
        table.row(lever_row(projection, lever));
    }
    table.cut().unless_empty()
}

fn lever_row(projection: &Projection, lever: &Lever) -> [Cell; 6] {
    let currency = currency(projection, &lever.config);
    let next = lever.next.as_ref().map_or_else(
        || Cell::from("nothing"),
        |(kind, cause)| {
            let when = lever.next_date.and_then(|date| date.value);
            let when = when.map_or_else(
                || "hardly in this plan".to_owned(),
                |date| format!("about {}", words::month(date)),
            );
            Cell::noted(when, words::cause(*kind, cause))
        },
    );
    let change = lever.change.value.0.to_f64().unwrap_or(0.0);
    let price = lever
        .unit_month
        .filter(|_| lever.setting == LeverSetting::Max)
        .map_or_else(
            || words::change(change, currency),
            |price| {
                format!(
                    "{} a month each",
                    words::amount(price.0.to_f64().unwrap_or(0.0), currency)
                )
            },
        );
    [
        Cell::noted(
            words::capital(&words::cause(lever.kind, &lever.cause)),
            format!("on {}", words::name(&lever.config)),
        ),
        Cell::noted(
            format!("{} → {}", format::number(lever.from), format::number(lever.to)),
            format!("`{}`", words::clean(&lever.key)),
        ),
        format::chance_cell(lever.chance[0]).into(),
        format::chance_cell(lever.chance[1]).into(),
        next,
        price.into(),
    ]
}
