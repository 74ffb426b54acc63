//! What growth does to the bill, and which limit comes when.

use nest_data::{
    Projection,
    projection::{
        BreakPoint, ConfigProjection, GrowthProjection, LimitNature, MonthProjection, RangeBasis, UnitStep,
        first_break,
    },
    units::QuotedDecimal,
};

use super::{Cell, PageTable, Section, setups::costs_to_move, table::MOST_ROWS};
use crate::{
    chart::{self, Figure, FigureKind},
    format,
    verdict::Subject,
    words,
};

/// Months of a year.
const MONTHS_OF_YEAR: usize = 12;
/// Chance below which a limit that the best guess does not reach is only named, 0-1.
const WORTH_A_ROW: f64 = 0.005;

/// The bill over time above the limits, with the tables of both.
pub(super) fn bill_and_limits(projection: &Projection, figures: &[Figure]) -> Option<Section> {
    let subject = Subject::of(projection)?;
    let mut section =
        Section::new("time", "Bill and limits", finding(&subject)).drawn(figures, &[FigureKind::Bill]);
    section.list.extend(too_many(&subject));
    section.list.extend(events(&subject));
    section.list.extend(never(&subject));
    let largest = chart::largest_cause(projection);
    section
        .list
        .extend(largest.map(|part| format!("First cost driver of this bill: {part}.")));
    section.list.extend(oldest_price(&subject));
    section.list.extend(strongest_assumption(&subject));
    section.list.extend(only_one(&subject));
    if projection.policies.is_empty() {
        section
            .list
            .push("The study has no policy, so none is weighed.".to_owned());
    }
    section.tables.extend(limits(projection));
    section.tables.extend(first_limits(projection));
    section.tables.extend(years(projection));
    section.tables.extend(months(subject.config));
    section.how = vec![
        "A limit is the least number of customers, in their busiest minute, at which something fails. \
         Limits of \
         your choice (a ceiling, a number of servers, a target, a budget) are yours to move; hard ones \
         are not."
            .to_owned(),
        "Chances are counted over random cases in which growth and everything that was measured vary \
         together."
            .to_owned(),
        "Customers are those of a month's first day. A month's cost is the mean of its two ends over 730 \
         hours."
            .to_owned(),
    ];
    Some(section)
}

fn finding(subject: &Subject) -> String {
    if let Some(arrival) = subject.comes_later() {
        return format!("The first limit comes about {}", words::month(arrival.day()));
    }
    match subject.first_limit() {
        Some((_, customers)) => format!("There is room for {} customers", words::count(customers)),
        None => {
            format!(
                "No limit is found below {} customers",
                words::customers(subject.headline.searched_to)
            )
        }
    }
}

/// Limits of the headline's configuration that are or may be reached, in the order in which customers meet
/// them.
pub(crate) fn limits(projection: &Projection) -> Option<PageTable> {
    let subject = Subject::of(projection)?;
    let by_end = match subject.end() {
        Some(end) => format!("#chance by {}", words::month(end)),
        None => "#chance".to_owned(),
    };
    let caption = format!("Limits on {}", words::name(&subject.config.name));
    let mut table = PageTable::new(
        caption,
        &[
            "what happens",
            "#customers",
            "when",
            by_end.as_str(),
            "whose limit",
        ],
    );
    for point in subject.config.break_points.iter().filter(|point| is_met(point)) {
        table.row(limit_row(&subject, point));
    }
    let mut table = table.cut().unless_empty()?;
    table.open = true;
    Some(table)
}

fn is_met(point: &BreakPoint) -> bool {
    point.customers.is_some() || point.reached >= WORTH_A_ROW
}

fn limit_row(subject: &Subject, point: &BreakPoint) -> [Cell; 5] {
    let tested = subject.projection.model.tested_customers;
    let customers = match &point.customers {
        Some(customers) => Cell::noted(
            words::count(customers),
            words::count_interval(customers, point.open_above),
        ),
        None => format!("over {}", words::customers(subject.headline.searched_to)).into(),
    };
    let calculated = match (&point.customers, point.extrapolated) {
        (Some(_), true) if tested > 0.0 => {
            format!("calculated; tested to {}", words::customers(tested))
        }
        (Some(_), true) => "calculated".to_owned(),
        _ => String::new(),
    };
    [
        Cell::noted(
            words::capital(&words::limit(subject.projection, &subject.config.name, point)),
            calculated,
        ),
        customers,
        words::limit_date(subject.projection, point).into(),
        format::chance_cell(point.reached).into(),
        whose(point).into(),
    ]
}

fn whose(point: &BreakPoint) -> &'static str {
    match (point.kind.is_failure(), point.nature) {
        (false, _) => "nothing fails",
        (true, LimitNature::Choice) => "your choice",
        (true, LimitNature::Hard) => "hard",
    }
}

/// Limits that no case worth a row reaches, in one sentence.
fn never(subject: &Subject) -> Option<String> {
    let points = subject.config.break_points.iter().filter(|point| !is_met(point));
    let mut labels: Vec<String> = points.map(words::limit_label).collect();
    labels.dedup();
    let more = labels.len().saturating_sub(MOST_ROWS);
    labels.truncate(MOST_ROWS);
    labels.first()?;
    let more = if more == 0 {
        String::new()
    } else {
        format!(", and {more} more")
    };
    let hardly = subject
        .config
        .break_points
        .iter()
        .any(|point| !is_met(point) && point.reached > 0.0);
    let hardly = if hardly {
        "Hardly ever or never reached"
    } else {
        "Not reached"
    };
    Some(format!(
        "{hardly} below {} customers: {}{more}.",
        words::customers(subject.headline.searched_to),
        labels.join("; ")
    ))
}

/// That the plan needs units which the study does not allow.
fn too_many(subject: &Subject) -> Vec<String> {
    let mut first: Vec<&UnitStep> = Vec::new();
    for step in subject.config.unit_steps.iter().filter(|step| !step.allowed) {
        if first.iter().all(|other| other.resource != step.resource) {
            first.push(step);
        }
    }
    let said = |step: &UnitStep| {
        Some(format!(
            "From about {} on the plan needs a {} that you do not allow; its cost is in the months and \
             totals.",
            words::full_month(step.date.value?),
            words::unit_of(subject.config, &step.resource)
        ))
    };
    first.into_iter().filter_map(said).collect()
}

/// What the growth of the headline holds besides steady change.
fn events(subject: &Subject) -> Vec<String> {
    let projection = subject.projection;
    let of_headline = |growth: &&GrowthProjection| projection.growth.as_ref() == Some(&growth.name);
    let growth = projection.growths.iter().find(of_headline);
    growth.map_or_else(Vec::new, |growth| {
        let events = growth.events.iter().map(words::event);
        events
            .map(|event| format!("Growth {} holds an event: {event}.", words::name(&growth.name)))
            .collect()
    })
}

/// How old the oldest price on the bill is, and how much rests on it.
fn oldest_price(subject: &Subject) -> Option<String> {
    let prices = subject.projection.prices.iter();
    let on_bill = prices.filter(|price| price.config == subject.config.name && price.share > 0.0);
    let oldest = on_bill.max_by_key(|price| price.age_days)?;
    (oldest.age_days >= 0).then(|| {
        format!(
            "Oldest price on this bill: {}, {} old, {} of it.",
            words::name(&oldest.item),
            format::age(oldest.age_days),
            format::rough_percent(oldest.share)
        )
    })
}

/// The assumption that moves the first limit most, and from when to when.
fn strongest_assumption(subject: &Subject) -> Option<String> {
    let inputs = subject.projection.sensitivity.iter();
    let widest = inputs
        .filter(|one| one.months > 0.0 && one.basis != RangeBasis::Choice)
        .max_by(|a, b| a.months.total_cmp(&b.months))?;
    let end = |index: usize| {
        widest.date[index].map_or_else(
            || format!("after {} or never", subject.end_in_words()),
            |date| format!("about {}", words::full_month(date)),
        )
    };
    Some(format!(
        "Strongest assumption: {} ({}). The first limit comes {} at one end of that range, {} at the other.",
        words::input(widest),
        words::input_range(widest),
        end(0),
        end(1)
    ))
}

/// That no other set-up is in the study.
fn only_one(subject: &Subject) -> Option<String> {
    (subject.projection.configs.len() == 1).then(|| {
        format!(
            "The study has no other set-up than {}, so none is compared.",
            words::name(&subject.config.name)
        )
    })
}

/// The first limit of every set-up, where there are several.
fn first_limits(projection: &Projection) -> Option<PageTable> {
    projection.configs.get(1)?;
    let titles = ["set-up", "first limit", "#customers", "when", "#nothing fails in"];
    let mut table = PageTable::new("First limit of each set-up", &titles);
    for config in &projection.configs {
        let mut cells = vec![Cell::from(words::name(&config.name))];
        match first_break(&config.break_points) {
            Some((point, customers)) => cells.extend([
                words::capital(&words::limit(projection, &config.name, point)).into(),
                Cell::noted(
                    words::count(customers),
                    words::count_interval(customers, point.open_above),
                ),
                words::limit_date(projection, point).into(),
            ]),
            None => cells.extend(["none in the best guess".into(), "".into(), "".into()]),
        }
        cells.push(format::chance_cell(config.lasts).into());
        table.add(cells);
    }
    Some(table.cut())
}

/// The best guess year by year: a row for each set-up, which adds up to its total.
fn years(projection: &Projection) -> Option<PageTable> {
    let grown = || {
        projection
            .configs
            .iter()
            .filter(|config| !config.months.is_empty())
    };
    let longest = grown().max_by_key(|config| config.months.len())?;
    let spans: Vec<String> = longest.months.chunks(MONTHS_OF_YEAR).map(span).collect();
    let titles: Vec<String> = std::iter::once("set-up".to_owned())
        .chain(spans.iter().map(|span| format!("#{span}")))
        .chain(["#all months".to_owned()])
        .collect();
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let currency = words::clean(&longest.currency);
    let fees = grown().any(|config| config.bill.fees.is_some());
    let without = match (fees, costs_to_move(projection)) {
        (true, true) => ", without fees and moving",
        (true, false) => ", without fees",
        (false, true) => ", without moving",
        (false, false) => "",
    };
    let mut table = PageTable::new(format!("Best guess by year, in {currency}{without}"), &titles);
    for config in grown() {
        let mut cells = vec![Cell::from(words::name(&config.name))];
        cells.extend(by_year(config, spans.len()).into_iter().map(Cell::from));
        table.add(cells);
    }
    Some(table.cut())
}

fn span(months: &[MonthProjection]) -> String {
    match (months.first(), months.last()) {
        (Some(first), Some(last)) => format!("{} to {}", words::month(first.date), words::month(last.date)),
        _ => String::new(),
    }
}

/// What each year costs and what all of them cost, as printed; at least so much if a price is missing.
fn by_year(config: &ConfigProjection, years: usize) -> Vec<String> {
    let sum = |months: &[MonthProjection]| QuotedDecimal(months.iter().map(|month| month.cost.value.0).sum());
    let chunks = || config.months.chunks(MONTHS_OF_YEAR);
    let amounts: Vec<Option<QuotedDecimal>> = chunks().map(|months| Some(sum(months))).collect();
    let (printed, total) = format::apportion_whole(&amounts, sum(&config.months), &config.currency);
    let lead = |months: &[MonthProjection]| {
        if months.iter().any(|month| month.cost.at_least) {
            "at least "
        } else {
            ""
        }
    };
    let mut cells: Vec<String> = chunks()
        .zip(printed)
        .map(|(months, text)| format!("{}{}", lead(months), text.unwrap_or_default()))
        .collect();
    cells.resize(years, String::new());
    cells.push(format!("{}{total}", lead(&config.months)));
    cells
}

/// The months of a configuration, at most twelve of them and the last one in any case.
fn months(config: &ConfigProjection) -> Option<PageTable> {
    let every = config.months.len().div_ceil(MOST_ROWS);
    let last = config.months.len().checked_sub(1)?;
    let caption = format!(
        "{} month by month, in {}",
        words::name(&config.name),
        words::clean(&config.currency)
    );
    let unit = format!("#{}s", words::unit_word(Some(config.platform)));
    let mut table = PageTable::new(
        caption,
        &[
            "month",
            "#customers at its start",
            unit.as_str(),
            "#cost",
            "#per 1,000",
        ],
    );
    let shown = |index: usize| index % every == last % every;
    for (_, month) in config
        .months
        .iter()
        .enumerate()
        .filter(|(index, _)| shown(*index))
    {
        table.row(month_row(month, &config.currency));
    }
    let rest = if every > 1 {
        " report.csv has every month."
    } else {
        ""
    };
    let stand_by = if words::has_stand_by(config) {
        format!(
            " Those that stand by count as {}s.",
            words::unit_word(Some(config.platform))
        )
    } else {
        String::new()
    };
    let units = if config.months.iter().any(|month| month.instances.is_some()) {
        format!(
            " The {0}s are those of the application in the busiest hour at its start, without databases; \
             where their number follows the load, a {0} is billed only in the hours in which it runs.",
            words::unit_word(Some(config.platform))
        )
    } else {
        String::new()
    };
    Some(table.noted(format!(
        "Below each value: what 9 cases of 10 lie between. Cost is of the whole month; per 1,000 divides \
         it by the month's average customers.{units}{stand_by}{rest}"
    )))
}

fn month_row(month: &MonthProjection, currency: &str) -> [Cell; 5] {
    let instances = month.instances.as_ref().map_or_else(
        || Cell::from("by use"),
        |count| {
            Cell::noted(
                format::number(count.value.round()),
                whole_ends(count.low, count.high),
            )
        },
    );
    [
        words::month(month.date).into(),
        Cell::noted(
            words::count(&month.customers),
            words::count_interval(&month.customers, false),
        ),
        instances,
        Cell::noted(
            words::money(&month.cost, currency),
            words::money_interval(&month.cost, currency),
        ),
        Cell::noted(
            words::money(&month.per_1000, currency),
            words::money_interval(&month.per_1000, currency),
        ),
    ]
}

fn whole_ends(low: f64, high: f64) -> String {
    let (low, high) = (format::number(low.round()), format::number(high.round()));
    if low == high {
        String::new()
    } else {
        format!("{low}–{high}")
    }
}
