//! Periods of a history: integers, years, months, quarters, weeks, days and times become one row of equally
//! spaced values.

mod days;
mod known;
mod midnights;
mod open_end;
mod periods;

use jiff::civil::Date;

use super::{
    History, HistoryCaveat, HistoryRefusal, PeriodEnd, detect, numbers::median, scale::ForecastScale, season,
};
use known::{Period, as_working_days, leave_out_not_begun, periods_of};
use open_end::Spacing;
use periods::{RowUnit, positions};

/// Periods from which the absence of weekends is no chance.
const ENOUGH_DAYS: usize = 10;
const SECONDS_PER_DAY: i64 = 86_400; // s
const DAYS_PER_YEAR: f64 = 365.25; // mean of the Julian calendar

/// One row of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct DatedCount {
    /// An integer, `2026-11`, `202611`, `2026-Q4`, `2026-W48`, `2026-11-24`, `20261124` or
    /// `2026-11-24T10:00`; a year is an integer.
    pub period: String,
    /// The value; one that is missing or not finite counts as not recorded.
    pub value: Option<f64>,
}

/// Puts rows in order, averages those of the same period, fills gaps, and finds the seasons that their
/// spacing suggests, or else the values. `season` (in steps) overrides that; 1 means none.
///
/// # Errors
/// Fewer than two values, a period that cannot be read, periods of different kinds.
pub fn arrange(
    rows: &[DatedCount],
    season: Option<usize>,
) -> Result<(History, Vec<HistoryCaveat>), HistoryRefusal> {
    arranged(rows, season, None)
}

/// As [`arrange`], for a history that was read on a day: periods that had not begun then are left out, and a
/// last one that was not over is marked.
///
/// # Errors
/// As [`arrange`].
pub fn arrange_on(
    rows: &[DatedCount],
    season: Option<usize>,
    today: Date,
) -> Result<(History, Vec<HistoryCaveat>), HistoryRefusal> {
    arranged(rows, season, Some(today))
}

fn arranged(
    rows: &[DatedCount],
    season: Option<usize>,
    today: Option<Date>,
) -> Result<(History, Vec<HistoryCaveat>), HistoryRefusal> {
    let mut caveats = Vec::new();
    let recorded: Vec<(&str, f64)> = rows
        .iter()
        .filter_map(|row| Some((row.period.trim(), row.value.filter(|value| value.is_finite())?)))
        .collect();
    if recorded.len() < rows.len() {
        caveats.push(HistoryCaveat::NotRecorded {
            rows: rows.len() - recorded.len(),
        });
    }
    let (mut unit, positions) = positions(&recorded)?;
    let mut known = periods_of(&recorded, &positions);
    if known.len() < 2 {
        return Err(HistoryRefusal::TooFewValues { known: known.len() });
    }
    let works = unit == RowUnit::Day && as_working_days(&mut known);
    if works {
        unit = RowUnit::WorkingDay;
    }
    let spacing = |known: &[Period<'_>]| {
        let (step, even) = step(known);
        let offset_s = known
            .last()
            .map_or(0, |last| periods::offset_s(last.name, last.position));
        (Spacing { unit, step, offset_s }, even)
    };
    if let Some(today) = today {
        let all = spacing(&known).0;
        caveats.extend(leave_out_not_begun(&mut known, all, today)?);
    }
    let repeated = known.iter().filter(|period| period.rows > 1.0).count();
    if repeated > 0 {
        caveats.push(HistoryCaveat::Repeated { periods: repeated });
    }
    if works {
        caveats.push(HistoryCaveat::WorkingDays);
    }
    let (spacing, even) = spacing(&known);
    let step = spacing.step;
    if !even {
        caveats.push(HistoryCaveat::Uneven);
    }
    let end = end(&known, spacing, today.filter(|_| even));
    let grid = if even {
        grid(&known, step)
    } else {
        known.iter().map(|period| Some(period.mean)).collect()
    };
    let mut values = interpolate(&grid);
    let seasons = seasons(unit, step, season, &values, &mut caveats);
    let filled = grid.iter().filter(|value| value.is_none()).count();
    if filled > 0 {
        caveats.push(HistoryCaveat::Gaps {
            filled,
            periods: grid.len(),
        });
        values = fill(&grid, &values, &seasons);
    }
    let history = History { values, seasons, end };
    Ok((history, caveats))
}

/// Whether the last period is over, by its rows and by the day on which the history was read.
fn end(known: &[Period<'_>], spacing: Spacing, today: Option<Date>) -> PeriodEnd {
    let rows: Vec<f64> = known.iter().map(|period| period.rows).collect();
    if open_end::has_few_rows(&rows) {
        return PeriodEnd::Open;
    }
    let last = known.last().map_or(0, |period| period.position);
    today.map_or(PeriodEnd::Over, |today| spacing.end(last, today))
}

/// Distance of neighbours, and whether all rows stand on its multiples without most of them being empty.
fn step(known: &[Period<'_>]) -> (i64, bool) {
    let distances: Vec<i64> = known
        .windows(2)
        .map(|pair| pair[1].position - pair[0].position)
        .collect();
    let step = distances.iter().copied().fold(0, gcd);
    let periods = (known[known.len() - 1].position - known[0].position) / step + 1;
    if periods <= 2 * known.len() as i64 {
        return (step, true);
    }
    let usual = median(
        &distances
            .iter()
            .map(|distance| *distance as f64)
            .collect::<Vec<_>>(),
    );
    ((usual as i64).max(1), false)
}

fn gcd(one: i64, other: i64) -> i64 {
    if other == 0 { one } else { gcd(other, one % other) }
}

fn grid(known: &[Period<'_>], step: i64) -> Vec<Option<f64>> {
    let first = known[0].position;
    let last = known[known.len() - 1].position;
    let mut grid = vec![None; ((last - first) / step) as usize + 1];
    known
        .iter()
        .for_each(|period| grid[((period.position - first) / step) as usize] = Some(period.mean));
    grid
}

/// Gaps as straight lines between their ends.
fn interpolate(grid: &[Option<f64>]) -> Vec<f64> {
    let mut values = Vec::with_capacity(grid.len());
    let mut last = 0;
    for (index, value) in grid.iter().enumerate() {
        let Some(value) = value else { continue };
        let from = values.last().copied().unwrap_or(*value);
        for at in values.len()..index {
            values.push(from + (value - from) * (at - last) as f64 / (index - last) as f64);
        }
        values.push(*value);
        last = index;
    }
    values
}

/// Gaps as straight lines of what is left without the seasons, which are put back.
fn fill(grid: &[Option<f64>], values: &[f64], seasons: &[usize]) -> Vec<f64> {
    let scale = ForecastScale::of(values);
    let numbers: Vec<f64> = values.iter().map(|value| scale.to(*value)).collect();
    let (rest, _) = season::take_out(&numbers, seasons);
    let seasonal: Vec<f64> = numbers
        .iter()
        .zip(&rest)
        .map(|(number, rest)| number - rest)
        .collect();
    let known: Vec<Option<f64>> = grid
        .iter()
        .zip(&rest)
        .map(|(value, rest)| value.map(|_| *rest))
        .collect();
    let filled = interpolate(&known);
    let restored = grid.iter().zip(filled.iter().zip(&seasonal));
    restored
        .map(|(value, (rest, seasonal))| value.unwrap_or_else(|| scale.from(rest + seasonal)))
        .collect()
}

/// Lengths of the seasons, in steps.
fn seasons(
    unit: RowUnit,
    step: i64,
    season: Option<usize>,
    values: &[f64],
    caveats: &mut Vec<HistoryCaveat>,
) -> Vec<usize> {
    let enough = |period: &usize| *period >= 2 && values.len() >= 2 * period;
    let suggested: Vec<usize> = match (season, unit) {
        (Some(period), _) => {
            if period >= 2 && values.len() < 2 * period {
                caveats.push(HistoryCaveat::SeasonTooLong {
                    period,
                    known: values.len(),
                });
            }
            vec![period]
        }
        (None, RowUnit::Integer) => {
            let found = detect::season(values);
            caveats.extend(found.map(|period| HistoryCaveat::SeasonFound { period }));
            found.into_iter().collect()
        }
        (None, RowUnit::Month) if step < 12 && 12 % step == 0 => vec![(12 / step) as usize],
        (None, RowUnit::Year | RowUnit::Month) => Vec::new(),
        (None, RowUnit::WorkingDay) => vec![5, 261],
        (None, RowUnit::Day) if step == 1 => vec![7, 365],
        (None, RowUnit::Day) => vec![(DAYS_PER_YEAR / step as f64).floor() as usize],
        (None, RowUnit::Second) if SECONDS_PER_DAY % step == 0 => {
            let day = (SECONDS_PER_DAY / step) as usize;
            vec![day, 7 * day]
        }
        (None, RowUnit::Second) => Vec::new(),
    };
    suggested.into_iter().filter(enough).collect()
}

#[cfg(test)]
mod tests {
    use super::{
        days::{date, day},
        *,
    };

    fn rows(periods: &[&str]) -> Vec<DatedCount> {
        periods
            .iter()
            .enumerate()
            .map(|(index, period)| DatedCount {
                period: (*period).to_owned(),
                value: Some(index as f64 + 1.0),
            })
            .collect()
    }

    fn values(periods: &[&str]) -> Vec<f64> {
        arrange(&rows(periods), None).expect("it can be read").0.values
    }

    #[test]
    fn equal_spacing_is_seen_in_every_way_to_write_periods() {
        for periods in [
            ["1", "2", "3"],
            ["1.0", "2.0", "3.0"],
            ["-20", "-10", "0"],
            ["2023", "2024", "2025"],
            ["2025-11", "2025-12", "2026-01"],
            ["202511", "202512", "202601"],
            ["2025-Q3", "2025-Q4", "2026-Q1"],
            ["2025Q3", "2025Q4", "2026Q1"],
            ["2025-W51", "2025-W52", "2026-W01"],
            ["2024-02-28", "2024-02-29", "2024-03-01"],
            ["20240228", "20240229", "20240301"],
            ["2024-01-31", "2024-02-29", "2024-03-31"],
            ["2023-01-01", "2024-01-01", "2025-01-01"],
            ["2024-02-28T23:00", "2024-02-29T00:00", "2024-02-29T01:00"],
            [
                "2024-02-28 00:00:00",
                "2024-02-29 00:00:00",
                "2024-03-01 00:00:00",
            ],
            [
                "2024-02-28T23:00:00Z",
                "2024-02-29T00:00:00Z",
                "2024-02-29T02:00:00+01:00",
            ],
        ] {
            let (history, caveats) =
                arrange(&rows(&periods), None).unwrap_or_else(|refusal| panic!("{periods:?}: {refusal}"));
            assert_eq!(
                (history.values, caveats),
                (vec![1.0, 2.0, 3.0], vec![]),
                "{periods:?}"
            );
        }
    }

    /// What a program in Berlin writes at its midnights, as Python's zoneinfo gives them.
    fn berlin(
        first: Date,
        step_days: i64,
        count: i64,
        write: impl Fn(Date, bool) -> String,
    ) -> Vec<DatedCount> {
        let summer = |date: Date| date > Date::constant(2024, 3, 31) && date <= Date::constant(2024, 10, 27);
        let periods: Vec<String> = (0..count)
            .map(|at| date(day(first) + at * step_days))
            .map(|date| write(date, summer(date)))
            .collect();
        rows(&periods.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[test]
    fn local_midnights_are_dates_whatever_their_offset() {
        let offset = |summer: bool| if summer { "+02:00" } else { "+01:00" };
        let before = |date: Date| date.yesterday().expect("a date");
        let hour = |summer: bool| if summer { 22 } else { 23 };
        let writings: [&dyn Fn(Date, bool) -> String; 6] = [
            &|date, summer| format!("{date}T00:00:00{}", offset(summer)),
            &|date, summer| format!("{date} 00:00:00.000{}", offset(summer)),
            &|date, summer| format!("{date}T00:00{}", offset(summer)),
            &|date, summer| format!("{date}T00:00:00{}[Europe/Berlin]", offset(summer)),
            &|date, summer| format!("{}T{}:00:00Z", before(date), hour(summer)),
            &|date, summer| format!("{}T{}:00:00.000000+00:00", before(date), hour(summer)),
        ];
        for (index, write) in writings.iter().enumerate() {
            // 800 days, 110 weeks: through both changes of the clock
            let (daily, caveats) =
                arrange(&berlin(Date::constant(2023, 1, 2), 1, 800, write), None).expect("days");
            assert_eq!((daily.seasons, caveats), (vec![7, 365], vec![]), "{index}");
            let (weekly, caveats) =
                arrange(&berlin(Date::constant(2023, 1, 2), 7, 110, write), None).expect("weeks");
            assert_eq!((weekly.seasons, weekly.values.len()), (vec![52], 110), "{index}");
            assert_eq!(caveats, [], "{index}");
        }
        let months = (0..30).map(|at| Date::constant(2023 + at / 12, (at % 12) as i8 + 1, 1));
        for write in writings {
            let summer =
                |date: Date| date > Date::constant(2024, 3, 31) && date <= Date::constant(2024, 10, 27);
            let periods: Vec<String> = months.clone().map(|date| write(date, summer(date))).collect();
            let rows = rows(&periods.iter().map(String::as_str).collect::<Vec<_>>());
            let (monthly, caveats) = arrange(&rows, None).expect("months");
            assert_eq!(
                (monthly.values.len(), monthly.seasons, caveats),
                (30, vec![12], vec![])
            );
        }
    }

    #[test]
    fn midnights_of_london_and_new_york_in_universal_time_are_dates() {
        let stamps = |winter: &str, summer: &str, before: i64| {
            let periods: Vec<String> = (0..400)
                .map(|at| (at, date(day(Date::constant(2024, 1, 1)) + at)))
                .map(|(at, today)| {
                    let is_summer = (91..300).contains(&at); // from April 1, to October 26
                    let today = if is_summer {
                        date(day(today) - before)
                    } else {
                        today
                    };
                    format!("{today}T{}:00:00Z", if is_summer { summer } else { winter })
                })
                .collect();
            let rows = rows(&periods.iter().map(String::as_str).collect::<Vec<_>>());
            let (history, caveats) = arrange(&rows, None).expect("days");
            (history.values.len(), history.seasons, caveats)
        };
        assert_eq!(stamps("00", "23", 1), (400, vec![7], vec![]));
        assert_eq!(stamps("05", "04", 0), (400, vec![7], vec![]));
    }

    #[test]
    fn order_does_not_matter_repeats_are_averaged_and_gaps_are_filled_each_with_a_caveat() {
        assert_eq!(values(&["3", "1", "2"]), [2.0, 3.0, 1.0]);
        let (history, caveats) = arrange(
            &rows(&["2026-01", "2026-02", "2026-02", "2026-03", "2026-05"]),
            None,
        )
        .expect("readable");
        assert_eq!(history.values.len(), 5);
        assert_eq!(history.values[1], 2.5);
        assert!(history.values[3] > 4.0 && history.values[3] < 5.0);
        assert_eq!(
            caveats,
            [
                HistoryCaveat::Repeated { periods: 1 },
                HistoryCaveat::Gaps {
                    filled: 1,
                    periods: 5
                }
            ]
        );
    }

    #[test]
    fn seasons_follow_from_the_spacing() {
        let season = |first: Date, days: i64, count: i64| {
            let rows: Vec<DatedCount> = (0..count)
                .map(|at| DatedCount {
                    period: date(day(first) + at * days).to_string(),
                    value: Some(at as f64),
                })
                .collect();
            arrange(&rows, None).expect("readable").0.seasons
        };
        let first = Date::constant(2020, 1, 6);
        assert_eq!(season(first, 1, 100), [7]);
        assert_eq!(season(first, 1, 800), [7, 365]);
        assert_eq!(season(first, 7, 104), [52]);
        assert_eq!(season(first, 7, 103), [0_usize; 0]);
        let months: Vec<String> = (0..24)
            .map(|at| format!("{}-{:02}", 2020 + at / 12, at % 12 + 1))
            .collect();
        let months: Vec<DatedCount> = months
            .iter()
            .map(|period| DatedCount {
                period: period.clone(),
                value: Some(1.0),
            })
            .collect();
        assert_eq!(arrange(&months, None).expect("readable").0.seasons, [12]);
        assert_eq!(arrange(&months, Some(6)).expect("readable").0.seasons, [6]);
        let (history, caveats) = arrange(&months, Some(13)).expect("readable");
        assert_eq!(
            (history.seasons, caveats),
            (
                vec![],
                vec![HistoryCaveat::SeasonTooLong {
                    period: 13,
                    known: 24
                }]
            )
        );
    }

    #[test]
    fn without_weekends_a_step_is_a_working_day() {
        let days = (0..28)
            .map(|at| date(day(Date::constant(2024, 1, 1)) + at))
            .filter(|date| date.weekday().to_monday_zero_offset() < 5);
        let rows: Vec<DatedCount> = days
            .map(|date| DatedCount {
                period: date.to_string(),
                value: Some(f64::from(date.weekday().to_monday_zero_offset())),
            })
            .collect();
        let (history, caveats) = arrange(&rows, None).expect("readable");
        assert_eq!(
            (history.values.len(), history.seasons, caveats),
            (20, vec![5], vec![HistoryCaveat::WorkingDays])
        );
    }

    #[test]
    fn uneven_periods_keep_their_order_only() {
        let (history, caveats) = arrange(&rows(&["1", "2", "1000000000"]), None).expect("readable");
        assert_eq!(
            (history.values, caveats),
            (vec![1.0, 2.0, 3.0], vec![HistoryCaveat::Uneven])
        );
    }

    #[test]
    fn a_last_month_that_is_not_over_is_marked() {
        let months = rows(&["2026-09", "2026-10", "2026-11"]);
        let end = |today| arrange_on(&months, None, today).expect("readable").0.end;
        assert_eq!(end(Date::constant(2026, 11, 30)), PeriodEnd::Open);
        assert_eq!(end(Date::constant(2026, 12, 1)), PeriodEnd::Over);
        assert_eq!(arrange(&months, None).expect("readable").0.end, PeriodEnd::Over);
        // days under the name of their month, 12 of the last
        let days = [31, 28, 31, 12]
            .into_iter()
            .zip(1..)
            .flat_map(|(count, month)| vec![month; count]);
        let days: Vec<String> = days.map(|month| format!("2026-{month:02}")).collect();
        let rows = rows(&days.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(arrange(&rows, None).expect("readable").0.end, PeriodEnd::Open);
    }

    #[test]
    fn periods_that_have_not_begun_are_left_out_by_name() {
        let months = rows(&["2026-09", "2026-10", "2026-11", "2026-12", "2027-01", "2027-01"]);
        let on = |today| arrange_on(&months, None, today);
        let (history, caveats) = on(Date::constant(2026, 11, 7)).expect("readable");
        assert_eq!((history.values.len(), history.end), (3, PeriodEnd::Open));
        assert_eq!(
            caveats[0].to_string(),
            "3 rows of periods that had not begun on 2026-11-07 were left out: 2026-12 to 2027-01"
        );
        assert_eq!(
            on(Date::constant(2026, 9, 7)).expect_err("one month").to_string(),
            "1 of its periods had begun on 2026-09-07; a forecast needs at least 2"
        );
        // a quarter that is named by its last month has begun in its first
        let quarters = rows(&["2026-03", "2026-06", "2026-09", "2026-12"]);
        let (history, caveats) = arrange_on(&quarters, None, Date::constant(2026, 10, 1)).expect("readable");
        assert_eq!(
            (history.values.len(), history.end, caveats),
            (4, PeriodEnd::Open, vec![])
        );
        let days = rows(&["2026-11-30", "2026-12-01", "2026-12-02"]);
        let (history, _) = arrange_on(&days, None, Date::constant(2026, 12, 1)).expect("readable");
        assert_eq!(history.values, [1.0, 2.0]);
        // by the clock of the place: 22:00 and 23:00 of November 30 are December 1 in universal time
        let hours = rows(&[
            "2026-11-30T22:00-08:00",
            "2026-11-30T23:00-08:00",
            "2026-12-01T00:00-08:00",
        ]);
        let (history, _) = arrange_on(&hours, None, Date::constant(2026, 11, 30)).expect("readable");
        assert_eq!((history.values.len(), history.end), (2, PeriodEnd::MaybeOpen));
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_name() {
        let refusal = |periods: &[&str]| arrange(&rows(periods), None).expect_err("it cannot be read");
        assert_eq!(
            refusal(&["1", "soon"]),
            HistoryRefusal::UnreadablePeriod {
                period: "soon".to_owned()
            }
        );
        assert_eq!(
            refusal(&["2024-13", "1"]),
            HistoryRefusal::UnreadablePeriod {
                period: "2024-13".to_owned()
            }
        );
        assert_eq!(
            refusal(&["1", "2024-01"]),
            HistoryRefusal::MixedPeriods {
                one: "1".to_owned(),
                other: "2024-01".to_owned()
            }
        );
        for [one, other] in [
            ["2024-01", "2024-Q1"],
            ["2024-W05", "2024-01-29"],
            ["2024-Q4", "2024-10"],
        ] {
            let (one, other) = (one.to_owned(), other.to_owned());
            assert_eq!(
                refusal(&[&one, &one, &other]),
                HistoryRefusal::MixedPeriods { one, other }
            );
        }
        assert_eq!(refusal(&["1", "1"]), HistoryRefusal::TooFewValues { known: 1 });
        assert_eq!(refusal(&[]), HistoryRefusal::TooFewValues { known: 0 });
        let blank = [
            DatedCount {
                period: "1".to_owned(),
                value: Some(f64::NAN),
            },
            DatedCount {
                period: "2".to_owned(),
                value: None,
            },
        ];
        assert_eq!(
            arrange(&blank, None).expect_err("no values"),
            HistoryRefusal::TooFewValues { known: 0 }
        );
    }
}
