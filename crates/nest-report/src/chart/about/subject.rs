//! The base set-up, those beside it and their colours.

use jiff::civil::Date;
use nest_data::{
    Projection,
    projection::{BreakPoint, ConfigProjection, MonthProjection, first_break},
};

use super::text::value;
use crate::chart::draw::{
    scale::days,
    sheet::{Look, Point},
};

/// Most set-ups beside the base in one plot.
const BESIDE: usize = 2;

/// Classes of lines by colour: the base, then alternatives.
pub(crate) const LINES: [&str; 4] = ["l0", "l1", "l2", "l3"];
/// The same, dotted.
pub(crate) const DOTTED: [&str; 4] = ["l0 d", "l1 d", "l2 d", "l3 d"];
/// Thin lines of the same colours.
pub(crate) const THIN: [&str; 4] = ["l0 t", "l1 t", "l2 t", "l3 t"];
/// The same, dotted.
pub(crate) const THIN_DOTTED: [&str; 4] = ["l0 t d", "l1 t d", "l2 t d", "l3 t d"];
/// Areas of the same colours.
pub(crate) const FILLS: [&str; 4] = ["f0", "f1", "f2", "f3"];
/// Soft bands of the same colours.
pub(crate) const BANDS: [&str; 4] = ["f0 o1", "f1 o1", "f2 o1", "f3 o1"];
/// Bars of intervals of the same colours.
pub(crate) const RANGES: [&str; 4] = ["f0 o4", "f1 o4", "f2 o4", "f3 o4"];
/// Names in the same colours, on a plot.
pub(crate) const NAMES: [Look; 4] = [
    Look::of("k0 s h", true),
    Look::of("k1 s h", true),
    Look::of("k2 s h", true),
    Look::of("k3 s h", true),
];
/// A wall's text on a plot.
pub(crate) const WALL: Look = Look::of("kw s h", true);
/// Text of first rank on a plot.
pub(crate) const NOTE: Look = Look::of("i h", false);
/// Text of second rank on a plot.
pub(crate) const FAINT: Look = Look::of("h", false);

/// A projection with what most pictures ask of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub projection: &'a Projection,
    pub base: &'a ConfigProjection,
}

impl<'a> Subject<'a> {
    /// `None` if the projection has no configuration.
    pub(crate) fn new(projection: &'a Projection) -> Option<Self> {
        let wanted = projection
            .headline
            .as_ref()
            .map(|headline| headline.config.as_str());
        let named = projection
            .configs
            .iter()
            .find(|config| Some(config.name.as_str()) == wanted);
        let base = named.or(projection.configs.first())?;
        Some(Self { projection, base })
    }

    /// Currency of the base, ISO 4217.
    pub(crate) fn currency(&self) -> &'a str {
        &self.base.currency
    }

    /// The other configurations in the base's currency, those that cost least first.
    pub(crate) fn others(&self) -> Vec<&'a ConfigProjection> {
        let mut others: Vec<&ConfigProjection> = self
            .projection
            .configs
            .iter()
            .filter(|config| !std::ptr::eq(*config, self.base) && config.currency == self.base.currency)
            .collect();
        let cost = |config: &ConfigProjection| {
            let total =
                self.projection.comparison.as_ref().and_then(|comparison| {
                    comparison.totals.iter().find(|total| total.config == config.name)
                });
            total.map_or_else(|| value(&config.bill.total), |total| value(&total.total))
        };
        others.sort_by(|left, right| cost(left).total_cmp(&cost(right)));
        others
    }

    /// Colour of a configuration: 0 for the base, 1-3 for alternatives; the same in every picture.
    pub(crate) fn role(&self, config: &str) -> usize {
        let others = self.others();
        others
            .iter()
            .position(|other| other.name == config)
            .map_or(0, |place| place % 3 + 1)
    }

    /// The base and at most two beside it.
    pub(crate) fn shown(&self) -> Vec<&'a ConfigProjection> {
        std::iter::once(self.base)
            .chain(self.others().into_iter().take(BESIDE))
            .collect()
    }

    /// First day of the first month, and the day after the last one; `None` if nothing grows.
    pub(crate) fn span(&self) -> Option<(Date, Date)> {
        let (first, last) = (self.base.months.first()?.date, self.base.months.last()?.date);
        let (year, month) = if last.month() == 12 {
            (last.year() + 1, 1)
        } else {
            (last.year(), last.month() + 1)
        };
        Some((first, Date::new(year, month, 1).ok()?))
    }

    /// The first failure of the base in the best guess.
    pub(crate) fn wall(&self) -> Option<&'a BreakPoint> {
        first_break(&self.base.break_points).map(|(point, _)| point)
    }

    /// The day on which growth reaches it in the best guess.
    pub(crate) fn wall_date(&self) -> Option<Date> {
        self.wall()?.date?.value
    }

    /// Cost by month: the middle of each month in days from the first, and the value.
    pub(crate) fn bill(&self, config: &ConfigProjection) -> Vec<Point> {
        let Some((start, _)) = self.span() else {
            return Vec::new();
        };
        config
            .months
            .iter()
            .map(|month| (middle(start, month), value(&month.cost)))
            .collect()
    }

    /// Days from the first month to where the base leaves what was tested.
    pub(crate) fn tested_days(&self) -> f64 {
        let Some((start, end)) = self.span() else {
            return 0.0;
        };
        let beyond = self.base.months.iter().find(|month| month.extrapolated);
        beyond.map_or_else(|| days(start, end) + 1.0, |month| days(start, month.date))
    }
}

/// The middle of a month, in days from `start`.
pub(crate) fn middle(start: Date, month: &MonthProjection) -> f64 {
    days(start, month.date) + 15.0
}
