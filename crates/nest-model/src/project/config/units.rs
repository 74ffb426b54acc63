//! How many units of a placement run, hour by hour, and how they are paid.

use nest_data::{config::Scaling, study::customers::profile::LoadBin};

use super::{placed::Units, sizing::Sizing};
use crate::pricing::{self, committed_hours};

/// Units that run in each bin of hours, the busiest first.
pub struct UnitCounts<'b> {
    bins: &'b [LoadBin],
    sizing: Sizing,
    customers: f64,
}

/// The bins of a placement whose units stay.
const STEADY: &[LoadBin] = &[LoadBin {
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
    pub fn new(sizing: &Sizing, customers: f64, scale: Scaling, bins: &'b [LoadBin]) -> Self {
        let bins = match scale {
            Scaling::Growth => STEADY,
            Scaling::Hourly => bins,
        };
        Self {
            bins,
            sizing: *sizing,
            customers,
        }
    }

    /// Share of the hours and units that run in them.
    fn each(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let spare = f64::from(self.sizing.spare);
        self.bins.iter().map(move |bin| {
            (
                bin.share,
                self.sizing.instances(self.customers * bin.load) + spare,
            )
        })
    }

    /// Mean number of units.
    pub fn mean(&self) -> f64 {
        self.each().map(|(share, count)| share * count).sum()
    }

    /// Mean number of units as paid, after a discount for running all of a month, which committed units do
    /// not get.
    ///
    /// # Formula
    /// Units that run in the busiest k bins only run a share s_k of the month:
    /// `c + sum_k (n_k - n_(k+1)) G(s_k)`, with c the mean number of committed units in use, n those beyond
    /// them, G what that share is paid as.
    ///
    /// Source: `docs/method/pricing.md`, "Sustained use".
    pub fn sustained(&self, units: &Units<'_>) -> f64 {
        let Some(schedule) = &units.sustained else {
            return self.mean();
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
