//! Customers over months, in the point estimate and in every draw, and the day on which they reach a number.

use std::sync::Arc;

use jiff::{ToSpan, Unit, civil::Date};
use nest_data::{
    estimate::quantile_of,
    growth::{GrowthEvent, GrowthRow},
    study::{GrowthScenario, GrowthStart},
};
use rayon::prelude::*;

use crate::{
    draws::{RandomStream, StreamPurpose, Z90},
    error::ModelError,
};

mod base;
mod event;
mod month_scale;
mod past;
mod piece;
mod step;
mod trajectory;

use base::GrowthBase;
pub use event::adopted;
use event::{DatedEvent, times};
pub use month_scale::{months_after, ramp_months};
use past::Past;
use piece::GrowthPieces;
pub use trajectory::{Trajectory, TrajectoryPoint};

/// Fewest customers of a trajectory, in which an event may take away all of them: logarithms stay finite.
const FEWEST: f64 = 1e-9;
/// Least monthly change of a draw.
const LEAST_MONTHLY: f64 = -0.99;

/// A scenario that is ready to be drawn from.
#[derive(Debug, Clone)]
pub struct GrowthModel<'a> {
    scenario: &'a GrowthScenario,
    start: GrowthStart,
    months: u32,
    past: Option<Past>,
    events: Vec<DatedEvent<'a>>,
    times: Arc<[f64]>, // months after the start, ascending: every month, and where an event begins or ends
}

/// A scenario with its central trajectory and those of all draws.
#[derive(Debug, Clone)]
pub struct GrowthDraws<'a> {
    /// Its name.
    pub name: &'a str,
    /// The scenario.
    pub model: GrowthModel<'a>,
    /// In the point estimate.
    pub central: Trajectory,
    /// In every draw, in the order of their index.
    pub draws: Vec<Trajectory>,
    /// Customers on the first day of each month and at the end of the last, in every draw: by month, then by
    /// draw.
    pub firsts: Vec<Vec<f64>>,
    /// Parts of months in which nothing happens at once, in their order.
    pub pieces: GrowthPieces,
}

impl<'a> GrowthDraws<'a> {
    /// Draws `count` trajectories of a scenario; its months are divided on the days `cuts` and `turns` months
    /// after its start.
    ///
    /// # Errors
    /// As [`GrowthModel::new`].
    pub fn new(
        name: &'a str,
        scenario: &'a GrowthScenario,
        cuts: &[Date],
        turns: &[f64],
        seed: u64,
        count: u32,
    ) -> Result<Self, ModelError> {
        let model = GrowthModel::with_cuts(name, scenario, cuts, turns)?;
        let draws: Vec<Trajectory> = (0..count)
            .into_par_iter()
            .map(|index| model.draw(seed, index))
            .collect();
        let firsts = (0..=model.months())
            .map(|month| draws.iter().map(|path| path.at(f64::from(month))).collect())
            .collect();
        Ok(Self {
            name,
            central: model.central(),
            draws,
            firsts,
            pieces: GrowthPieces::between(&model.times),
            model,
        })
    }
}

/// The customers of a projection: growing, or as many as they are.
#[derive(Clone, Copy)]
pub enum Load<'g, 'a> {
    /// As a scenario says.
    Growing(&'g GrowthDraws<'a>),
    /// This many customers.
    Steady(f64),
}

impl GrowthDraws<'_> {
    /// Most customers on the scenario's 95 % path: of each month the 95 % quantile of its draws.
    #[must_use]
    pub fn late_end(&self) -> f64 {
        let high = |draws: &Vec<f64>| quantile_of(&mut draws.clone(), 0.95).unwrap_or(0.0);
        self.firsts.iter().map(high).fold(0.0, f64::max)
    }

    /// Customers at a moment of the growth, in every draw.
    #[must_use]
    pub fn customers_at(&self, moment: usize) -> Vec<f64> {
        self.draws.iter().map(|path| path.customers[moment]).collect()
    }

    /// Most customers in any draw.
    #[must_use]
    pub fn most_customers(&self) -> f64 {
        self.draws.iter().map(Trajectory::most).fold(0.0, f64::max)
    }

    /// Fewest customers in any draw.
    #[must_use]
    pub fn least_customers(&self) -> f64 {
        let least = self.draws.iter().map(Trajectory::least);
        least.fold(self.central.least(), f64::min)
    }

    /// The trajectory of which each moment is a quantile (0-1) of the draws.
    #[must_use]
    pub fn at_quantile(&self, quantile: f64) -> Trajectory {
        let customers = |moment: usize| {
            let mut draws: Vec<f64> = self.draws.iter().map(|path| path.customers[moment]).collect();
            quantile_of(&mut draws, quantile).unwrap_or(self.central.customers[moment])
        };
        Trajectory {
            times: self.central.times.clone(),
            customers: (0..self.central.times.len()).map(customers).collect(),
        }
    }
}

impl<'a> GrowthModel<'a> {
    /// Prepares a scenario.
    ///
    /// # Errors
    /// [`ModelError::Growth`] for a scenario without a start (its file was not read), or with a history that
    /// is too short.
    pub fn new(name: &str, scenario: &'a GrowthScenario) -> Result<Self, ModelError> {
        Self::with_cuts(name, scenario, &[], &[])
    }

    /// The same with its months divided on the days `cuts`, and so many months after its start, those outside
    /// the scenario aside.
    fn with_cuts(
        name: &str,
        scenario: &'a GrowthScenario,
        cuts: &[Date],
        turns: &[f64],
    ) -> Result<Self, ModelError> {
        let fail = |reason: &str| ModelError::Growth {
            scenario: name.to_owned(),
            reason: reason.to_owned(),
        };
        let start = scenario.begins().ok_or_else(|| fail("it has no start"))?;
        let months = scenario.months();
        let past = scenario
            .history
            .as_ref()
            .map(|_| Past::new(&scenario.rows, months))
            .transpose()
            .map_err(|refusal| fail(&refusal.to_string()))?;
        let dated = |event: &'a GrowthEvent| {
            Some(DatedEvent {
                event,
                begins: months_after(start.date, event.date)?,
                ramp: event
                    .ramp
                    .map_or(0.0, |ramp| ramp_months(start.date, event.date, ramp)),
            })
        };
        let mut events = scenario
            .events
            .iter()
            .map(dated)
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| fail("an event lies before its first day"))?;
        // An event changes the customers that there are on its day, wherever it stands in the file.
        events.sort_by(|a, b| a.begins.total_cmp(&b.begins));
        let cuts: Vec<f64> = cuts
            .iter()
            .filter_map(|day| months_after(start.date, *day))
            .collect();
        Ok(Self {
            scenario,
            start,
            months,
            past,
            times: times(months, &events, &cuts, turns),
            events,
        })
    }

    /// Months after the start at which a moment lies.
    #[must_use]
    pub fn months_at(&self, moment: usize) -> f64 {
        self.times[moment]
    }

    /// The start and the same day of every month after it.
    #[must_use]
    pub fn dates(&self) -> Vec<Date> {
        (0..=self.months)
            .filter_map(|month| self.start.date.checked_add(i64::from(month).months()).ok())
            .collect()
    }

    /// Months that are projected.
    #[must_use]
    pub fn months(&self) -> u32 {
        self.months
    }

    /// Moments of its trajectories: every month, and where something happens.
    #[must_use]
    pub fn moments(&self) -> usize {
        self.times.len()
    }

    /// Customers at the start.
    #[must_use]
    pub fn start(&self) -> GrowthStart {
        self.start
    }

    /// The central trajectory: every input at its value.
    #[must_use]
    pub fn central(&self) -> Trajectory {
        let scenario = self.scenario;
        let monthly = scenario.monthly.map_or(0.0, nest_data::units::Growth::get);
        let base = match &self.past {
            Some(past) => GrowthBase::Plan {
                rows: self.after_start(past.central()),
            },
            None => self.base(monthly, scenario.ceiling.map(|[_, middle, _]| middle), 0.0),
        };
        self.path(
            &base,
            &self
                .events
                .iter()
                .map(|dated| dated.event.customers.number())
                .collect::<Vec<_>>(),
        )
    }

    /// The trajectory of draw `index`. What has no range takes its value and no random number.
    #[must_use]
    pub fn draw(&self, seed: u64, index: u32) -> Trajectory {
        let scenario = self.scenario;
        let mut stream = RandomStream::new(seed, StreamPurpose::Growth, index);
        let mut monthly = scenario.monthly.map_or(0.0, nest_data::units::Growth::get);
        if let Some([low, high]) = scenario.range {
            monthly = stream.within(low.get(), monthly, high.get()).max(LEAST_MONTHLY);
        }
        let ceiling = scenario
            .ceiling
            .map(|[low, middle, high]| stream.within(low.ln(), middle.ln(), high.ln()).exp());
        let planned = if scenario.rows.iter().any(|row| row.range.is_some()) {
            stream.normal()
        } else {
            0.0
        };
        let event = |dated: &DatedEvent<'_>| match dated.event.range {
            Some([low, high]) => stream.within(low.number(), dated.event.customers.number(), high.number()),
            None => dated.event.customers.number(),
        };
        let events: Vec<f64> = self.events.iter().map(event).collect();
        let base = match &self.past {
            Some(past) => GrowthBase::Plan {
                rows: self.after_start(past.draw(seed, index)),
            },
            None => self.base(monthly, ceiling, planned),
        };
        self.path(&base, &events)
    }

    /// The day that lies `months` (whole or not) after the start.
    #[must_use]
    pub fn date_at(&self, months: f64) -> Option<Date> {
        // A day that was turned into months and back stays that day.
        let months = months + 1e-9;
        let begin = self
            .start
            .date
            .checked_add((months.floor() as i64).months())
            .ok()?;
        let end = self
            .start
            .date
            .checked_add((months.floor() as i64 + 1).months())
            .ok()?;
        let days = f64::from(begin.until((Unit::Day, end)).ok()?.get_days());
        begin
            .checked_add(((months.fract() * days).floor() as i64).days())
            .ok()
    }

    /// Months from the start to a date.
    #[must_use]
    pub fn months_to(&self, date: Date) -> Option<f64> {
        months_after(self.start.date, date)
    }

    /// The day on which a path reaches `customers`; `None` if it does not within the scenario.
    #[must_use]
    pub fn reached_on(&self, path: &Trajectory, customers: f64) -> Option<Date> {
        path.reaches(|_| customers)
            .and_then(|months| self.date_at(months))
    }

    /// Rows of the trajectory after the start.
    fn after_start(&self, rows: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
        std::iter::once((0.0, self.start.customers)).chain(rows).collect()
    }

    fn base(&self, monthly: f64, ceiling: Option<f64>, planned: f64) -> GrowthBase {
        if self.scenario.plan.is_some() {
            let rows = self.scenario.rows.iter();
            return GrowthBase::Plan {
                rows: rows
                    .filter_map(|row| {
                        Some((months_after(self.start.date, row.date)?, drawn_row(row, planned)))
                    })
                    .collect(),
            };
        }
        match ceiling {
            // A market is never smaller than the customers one has of it.
            Some(ceiling) => GrowthBase::Logistic {
                monthly,
                ceiling: ceiling.max(self.start.customers),
            },
            None => GrowthBase::Compound { monthly },
        }
    }

    fn path(&self, base: &GrowthBase, events: &[f64]) -> Trajectory {
        let customers_at = |months: &f64| {
            self.events
                .iter()
                .zip(events)
                .fold(
                    base.at(self.start.customers, *months),
                    |customers, (dated, change)| dated.apply(customers, *change, *months),
                )
                .max(FEWEST)
        };
        Trajectory {
            customers: self.times.iter().map(customers_at).collect(),
            times: Arc::clone(&self.times),
        }
    }
}

/// Customers of a plan's row in the trajectory that lies `normal` standard deviations from it, the same in
/// all rows.
fn drawn_row(row: &GrowthRow, normal: f64) -> f64 {
    let [low, high] = row.range.unwrap_or([row.customers; 2]);
    let end = if normal < 0.0 { low } else { high };
    row.customers * (end / row.customers).powf(normal.abs() / Z90)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use nest_data::growth::GrowthEvent;

    use super::*;

    fn scenario(monthly: &str) -> GrowthScenario {
        let start = GrowthStart {
            date: date(2026, 11, 1),
            customers: 1_000.0,
        };
        GrowthScenario {
            start: Some(start),
            monthly: Some(monthly.parse().expect("growth")),
            months: Some(24),
            ..GrowthScenario::default()
        }
    }

    fn event(date: Date, customers: &str, ramp: Option<&str>) -> GrowthEvent {
        GrowthEvent {
            date,
            customers: customers.parse().expect("a change"),
            range: None,
            ramp: ramp.map(|ramp| ramp.parse().expect("a lapse")),
            note: None,
        }
    }

    fn reached(scenario: &GrowthScenario, customers: f64) -> Option<Date> {
        let model = GrowthModel::new("test", scenario).expect("a growth model");
        model.reached_on(&model.central(), customers)
    }

    #[test]
    fn a_doubling_each_month_reaches_four_times_in_two_months() {
        let scenario = scenario("100%");
        assert_eq!(reached(&scenario, 4_000.0), Some(date(2027, 1, 1)));
        assert_eq!(
            reached(&scenario, 1_000.0 * 2_f64.powf(0.5)),
            Some(date(2026, 11, 16))
        );
        assert_eq!(
            GrowthModel::new("test", &scenario)
                .expect("a growth model")
                .central()
                .at(2.0),
            4_000.0
        );
    }

    #[test]
    fn what_is_reached_already_is_reached_at_the_start_and_what_never_is_has_no_date() {
        assert_eq!(reached(&scenario("5%"), 900.0), Some(date(2026, 11, 1)));
        for monthly in ["5%", "0%", "-5%"] {
            assert_eq!(reached(&scenario(monthly), 1e9), None);
        }
        assert_eq!(reached(&scenario("-5%"), 1_100.0), None);
    }

    #[test]
    fn months_are_civil_dates() {
        let scenario = scenario("5%");
        let model = GrowthModel::new("test", &scenario).expect("a growth model");
        let dates = model.dates();
        assert_eq!(
            (dates.len(), dates[0], dates[3]),
            (25, date(2026, 11, 1), date(2027, 2, 1))
        );
        for day in [date(2026, 11, 1), date(2026, 12, 31), date(2027, 2, 15)] {
            assert_eq!(
                model.date_at(model.months_to(day).expect("after the start")),
                Some(day)
            );
        }
        assert_eq!(model.months_to(date(2026, 10, 31)), None);
    }

    #[test]
    fn a_step_is_reached_on_its_day_and_a_ramp_on_the_way() {
        let mut scenario = scenario("0%");
        scenario.events = vec![event(date(2027, 3, 15), "+5000", None)];
        assert_eq!(reached(&scenario, 3_000.0), Some(date(2027, 3, 15)));
        scenario.events = vec![event(date(2027, 3, 1), "+100%", Some("2 months"))];
        let model = GrowthModel::new("test", &scenario).expect("a growth model");
        assert_eq!(
            [3.0, 4.0, 5.0, 6.0, 20.0].map(|months| model.central().at(months)),
            [1_000.0, 1_000.0, 1_500.0, 2_000.0, 2_000.0]
        );
        assert_eq!(reached(&scenario, 1_500.0), Some(date(2027, 4, 1)));
        scenario.events = vec![event(date(2027, 3, 1), "-5000", None)];
        let model = GrowthModel::new("test", &scenario).expect("a growth model");
        assert!(model.central().at(5.0) <= FEWEST, "a loss leaves nobody");
    }

    /// (1,000 + 500) x 1.5 = 2,250: the second event changes what the first one left, wherever it is written.
    #[test]
    fn events_act_in_the_order_of_their_days() {
        let (first, second) = (
            event(date(2027, 3, 1), "+500", None),
            event(date(2027, 6, 1), "+50%", None),
        );
        let mut scenario = scenario("0%");
        for events in [[first.clone(), second.clone()], [second, first]] {
            scenario.events = events.to_vec();
            let model = GrowthModel::new("test", &scenario).expect("a growth model");
            assert_eq!(model.central().at(8.0), 2_250.0);
        }
    }

    /// A limit at the customers of today is reached today, however the curve towards a ceiling is rounded.
    #[test]
    fn growth_towards_a_ceiling_begins_exactly_at_its_start() {
        let mut scenario = scenario("-5%");
        for index in 0..2_000 {
            let customers = 1_000.0 + 37.7 * f64::from(index);
            scenario.start = Some(GrowthStart {
                date: date(2026, 11, 1),
                customers,
            });
            scenario.ceiling = Some([2.0 * customers, 3.1 * customers, 7.3 * customers]);
            let model = GrowthModel::new("test", &scenario).expect("a growth model");
            assert_eq!(model.central().reaches(|_| customers), Some(0.0), "{customers}");
        }
    }

    #[test]
    fn a_ceiling_is_approached_and_a_draw_of_it_lies_in_its_range() {
        let mut scenario = scenario("20%");
        scenario.ceiling = Some([4_000.0, 5_000.0, 8_000.0]);
        scenario.months = Some(120);
        let model = GrowthModel::new("test", &scenario).expect("a growth model");
        let path = model.central();
        // 5,000 / (1 + 4 x 1.2^-8), worked out by hand
        assert!(
            (path.at(8.0) - 2_590.308).abs() < 1e-3 && (path.at(120.0) - 5_000.0).abs() < 1e-3,
            "{}",
            path.at(8.0)
        );
        let ends: Vec<f64> = (0..2_000).map(|index| model.draw(7, index).at(120.0)).collect();
        let below = |limit: f64| ends.iter().filter(|end| **end < limit).count() as f64 / 2_000.0;
        // 5 % expected on either side, with a standard deviation of 0.5 %: four of them
        assert!((below(4_000.0) - 0.05).abs() < 0.02 && (below(8_000.0) - 0.95).abs() < 0.02);
        assert!(ends.iter().all(|end| *end >= 1_000.0));
    }

    #[test]
    fn a_plan_with_a_range_is_drawn_as_one_future() {
        let row = |date, customers, range| GrowthRow {
            date,
            customers,
            range,
        };
        let rows = vec![
            row(date(2027, 1, 1), 100.0, None),
            row(date(2027, 2, 1), 200.0, Some([150.0, 300.0])),
            row(date(2027, 3, 1), 400.0, Some([300.0, 600.0])),
        ];
        let scenario = GrowthScenario {
            plan: Some("plan.csv".to_owned()),
            rows,
            ..GrowthScenario::default()
        };
        let model = GrowthModel::new("test", &scenario).expect("a growth model");
        assert_eq!(
            [0.0, 1.0, 2.0].map(|months| model.central().at(months)),
            [100.0, 200.0, 400.0]
        );
        assert!((model.central().at(1.5) - 200.0 * 2_f64.sqrt()).abs() < 1e-9);
        for index in 0..20 {
            let path = model.draw(3, index);
            assert!(
                (path.at(2.0) / path.at(1.0) - 2.0).abs() < 1e-9,
                "both rows lie as far from their values"
            );
        }
    }

    #[test]
    fn a_history_starts_at_its_last_row_and_one_row_is_refused_by_name() {
        let row = |month: i8| GrowthRow {
            date: date(2026, month, 1),
            customers: 100.0 * f64::from(month),
            range: None,
        };
        let history = |rows| GrowthScenario {
            history: Some("history.csv".to_owned()),
            months: Some(6),
            rows,
            ..GrowthScenario::default()
        };
        let long = history((1..=9).map(row).collect());
        let model = GrowthModel::new("past", &long).expect("nine months");
        assert_eq!(
            (model.start().date, model.central().at(0.0)),
            (date(2026, 9, 1), 900.0)
        );
        assert!(model.central().at(6.0) > 1_000.0, "it goes on growing");
        assert_eq!(model.draw(3, 7), model.draw(3, 7));
        assert!(
            GrowthModel::new("past", &history(vec![row(1)]))
                .expect_err("one row")
                .to_string()
                .contains("past")
        );
    }
}
