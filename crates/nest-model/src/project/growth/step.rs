//! Moments of a growth right before and at which something happens at once: an event begins, or a price
//! changes.

use jiff::civil::Date;

use super::GrowthModel;

/// Months within which two moments are the last before a step and the first with it.
const STEP: f64 = 1e-9;

impl GrowthModel<'_> {
    /// The day whose prices hold at a moment: the day before, where something happens right after it.
    #[must_use]
    pub fn day_of(&self, moment: usize) -> Option<Date> {
        let time = self.times[moment];
        let step = self.times.get(moment + 1).filter(|next| **next - time < STEP);
        match step {
            Some(next) => self.date_at(*next)?.yesterday().ok(),
            None => self.date_at(time),
        }
    }

    /// The same so many months after the start, at one of its moments or between two.
    #[must_use]
    pub fn day_at(&self, months: f64) -> Option<Date> {
        match self.times.iter().position(|time| *time == months) {
            Some(moment) => self.day_of(moment),
            None => self.date_at(months),
        }
    }

    /// Months after the start right before and at each step.
    pub fn steps(&self) -> impl Iterator<Item = f64> + '_ {
        let pairs = self.times.windows(2).filter(|pair| pair[1] - pair[0] < STEP);
        pairs.flat_map(|pair| [pair[0], pair[1]])
    }
}
