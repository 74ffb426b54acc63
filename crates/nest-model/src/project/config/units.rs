//! How many units of a placement run, hour by hour, and how they are paid.

mod sizing;

use nest_data::{config::Scaling, study::customers::profile::LoadBin};

pub use self::sizing::Sizing;
use super::placed::{SpotUnits, Units};
use crate::pricing::{self, committed_hours};

/// Units that run in each bin of hours, the busiest first.
pub struct UnitCounts<'b> {
    bins: &'b [LoadBin],
    sizing: Sizing,
    customers: f64,
    spot: Option<SpotUnits>,
}

/// The bins of a placement whose units stay.
pub const STEADY: &[LoadBin] = &[LoadBin {
    share: 1.0,
    load: 1.0,
}];

/// A commitment over all hours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CommittedUnits {
    pub used: f64,      // mean number of units
    pub unused: f64,    // mean number of units
    pub effective: f64, // price of one for an hour
}

impl<'b> UnitCounts<'b> {
    pub fn new(
        units: &Units<'_>,
        sizing: &Sizing,
        customers: f64,
        scale: Scaling,
        bins: &'b [LoadBin],
    ) -> Self {
        let bins = match scale {
            Scaling::Growth => STEADY,
            Scaling::Hourly => bins,
        };
        Self {
            bins,
            sizing: *sizing,
            customers,
            spot: units.spot,
        }
    }

    /// Share of the hours and units that are needed in them, spare ones among them.
    fn needed(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let spare = f64::from(self.sizing.spare);
        self.bins.iter().map(move |bin| {
            (
                bin.share,
                self.sizing.instances(self.customers * bin.load) + spare,
            )
        })
    }

    /// Share of the hours and units that run in them at list price or under a commitment.
    fn each(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.needed()
            .map(|(share, count)| (share, count - self.on_spot(count)))
    }

    /// Of so many units, those on spot capacity.
    fn on_spot(&self, count: f64) -> f64 {
        self.spot.map_or(0.0, |spot| (count * spot.share + 1e-9).floor())
    }

    /// Mean number of units that are needed, spare ones among them.
    pub fn needed_mean(&self) -> f64 {
        self.needed().map(|(share, count)| share * count).sum()
    }

    /// Mean number of units that run: those that are needed, and those kept for spot units that are taken
    /// away.
    pub fn mean(&self) -> f64 {
        self.needed_mean() + self.kept_for_spot()
    }

    /// Mean number of units on spot capacity, of those that are needed.
    pub fn spot_mean(&self) -> f64 {
        self.needed()
            .map(|(share, count)| share * self.on_spot(count))
            .sum()
    }

    /// Mean number of units kept for spot units that are taken away.
    pub fn kept_for_spot(&self) -> f64 {
        let reserve = self.spot.map_or(0.0, |spot| spot.reserve);
        let kept = |count: f64| (self.on_spot(count) * reserve - 1e-9).ceil().max(0.0);
        self.needed().map(|(share, count)| share * kept(count)).sum()
    }

    /// Units that are needed in an hour of so much of the busiest hour's load, spare ones among them.
    pub fn needed_at(&self, load: f64) -> f64 {
        let load = if self.is_steady() { 1.0 } else { load };
        self.sizing.instances(self.customers * load) + f64::from(self.sizing.spare)
    }

    /// Of those, units at list price or under a commitment.
    pub fn listed_at(&self, load: f64) -> f64 {
        let needed = self.needed_at(load);
        needed - self.on_spot(needed)
    }

    fn is_steady(&self) -> bool {
        std::ptr::eq(self.bins, STEADY)
    }

    /// Mean number of units at list price or under a commitment.
    pub fn listed_mean(&self) -> f64 {
        self.each().map(|(share, count)| share * count).sum()
    }

    /// Mean number of units at list price as paid, after a discount for running all of a month, which
    /// committed units do not get.
    ///
    /// # Formula
    /// Units that run in the busiest k bins only run a share s_k of the month:
    /// `c + sum_k (n_k - n_(k+1)) G(s_k)`, with c the mean number of committed units in use, n those beyond
    /// them, G what that share is paid as.
    ///
    /// Source: `docs/method/pricing.md`, "Sustained use".
    pub fn sustained(&self, units: &Units<'_>) -> f64 {
        let Some(schedule) = &units.sustained else {
            return self.listed_mean();
        };
        let committed: f64 = units.commitments.iter().map(|(_, count)| f64::from(*count)).sum();
        let beyond = |(part, count): (f64, f64)| (part, (count - committed).max(0.0));
        let mut share = 0.0;
        let mut sum: f64 = self.each().map(|(part, count)| part * count.min(committed)).sum();
        let mut each = self.each().map(beyond).peekable();
        while let Some((part, count)) = each.next() {
            share += part;
            let next = each.peek().map_or(0.0, |(_, count)| *count);
            sum += (count - next).max(0.0) * schedule.paid_hours(share, 1.0);
        }
        sum
    }

    /// Each commitment in turn: those before it take up units first.
    pub fn committed(&self, units: &Units<'_>) -> Vec<CommittedUnits> {
        if units.commitments.is_empty() {
            return Vec::new();
        }
        let bins: Vec<pricing::HoursAtLoad<f64>> = self
            .each()
            .map(|(hours, instances)| pricing::HoursAtLoad { hours, instances })
            .collect();
        let mut before = 0.0;
        let mut taken = 0.0;
        let mut found = Vec::new();
        for ((_, count), effective) in units.commitments.iter().zip(&units.effective) {
            before += f64::from(*count);
            let used = committed_hours(&bins, before).used - taken;
            taken += used;
            found.push(CommittedUnits {
                used,
                unused: f64::from(*count) - used,
                effective: *effective,
            });
        }
        found
    }
}
