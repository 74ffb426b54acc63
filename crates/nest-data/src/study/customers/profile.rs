//! How a week's load is spread over its hours.

use crate::study::customers::Customers;

/// Hours of a week.
pub const HOURS_PER_WEEK: usize = 168;
/// Hour of the day, 0-24, at which the shorthand profile peaks: an assumption, the evening.
const PEAK_HOUR: f64 = 20.0;
/// Largest sharpness k of the shorthand profile. At this value the busiest hour holds all of a day.
const SHARPEST: f64 = 500.0;
/// Steps of the bisection: enough to exhaust the digits of a double from [`SHARPEST`] down.
const HALVINGS: usize = 60;

/// Hours of a week that have the same load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoadBin {
    /// Share of all hours, 0-1.
    pub share: f64,
    /// Load divided by the load of the busiest hour, 0-1.
    pub load: f64,
}

impl Customers {
    /// Executions of the busiest hour of the week as a share of those of a mean day; 1/24 for a constant
    /// load.
    #[must_use]
    pub fn peak_hour_share(&self) -> f64 {
        match (&self.profile, self.peak_hour_share) {
            (Some(week), _) => week.iter().copied().fold(0.0, f64::max) * 7.0 / week.iter().sum::<f64>(),
            (None, Some(share)) => share.get(),
            (None, None) => 1.0 / 24.0,
        }
    }

    /// Load of each of the 168 hours of a week, divided by the load of the busiest one; from Monday 0:00.
    ///
    /// # Formula
    /// For a `peak_hour_share` s, each day: `w_h = exp(k (cos(2 pi (h - 20) / 24) - 1))`, with k such that
    /// the busiest hour holds the share s of the day (a von Mises shape). The shape is an assumption; a
    /// `profile` states the real week.
    #[must_use]
    pub fn week(&self) -> Vec<f64> {
        match &self.profile {
            Some(week) => {
                let most = week.iter().copied().fold(0.0, f64::max);
                week.iter().map(|load| load / most).collect()
            }
            None => {
                let day = day_of(self.peak_hour_share());
                (0..HOURS_PER_WEEK).map(|hour| day[hour % 24]).collect()
            }
        }
    }

    /// Hours of the week grouped by load, the busiest first. Only hours of equal load share a bin; shares add
    /// up to 1.
    #[must_use]
    pub fn load_bins(&self) -> Vec<LoadBin> {
        let mut week = self.week();
        week.sort_by(|a, b| b.total_cmp(a));
        let mut bins: Vec<LoadBin> = Vec::new();
        for load in week {
            let share = 1.0 / HOURS_PER_WEEK as f64;
            match bins.last_mut().filter(|bin| (bin.load - load).abs() < 1e-9) {
                Some(bin) => bin.share += share,
                None => bins.push(LoadBin { share, load }),
            }
        }
        bins
    }
}

/// Load of each hour of a day whose busiest hour holds the share `peak`, divided by the load of that hour.
fn day_of(peak: f64) -> [f64; 24] {
    let day = |sharpness: f64| -> [f64; 24] {
        std::array::from_fn(|hour| {
            (sharpness * ((std::f64::consts::TAU * (hour as f64 - PEAK_HOUR) / 24.0).cos() - 1.0)).exp()
        })
    };
    let (mut low, mut high) = (0.0, SHARPEST);
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        // The busiest hour has weight 1.
        if 1.0 / day(middle).iter().sum::<f64>() < peak {
            low = middle
        } else {
            high = middle
        }
    }
    day(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customers(text: &str) -> Customers {
        serde_json::from_str(text).expect("customers")
    }

    #[test]
    fn the_shorthand_holds_its_share_in_the_busiest_hour() {
        for share in [0.05, 0.12, 0.3, 0.9] {
            let customers = customers(&format!("{{ \"peak_hour_share\": {share}, \"burst\": 1.5 }}"));
            let week = customers.week();
            assert!(
                (week.iter().sum::<f64>() / 7.0 * share - 1.0).abs() < 1e-9,
                "{share}"
            );
            let bins = customers.load_bins();
            assert!((bins.iter().map(|bin| bin.share).sum::<f64>() - 1.0).abs() < 1e-12);
            assert_eq!(bins[0].load, 1.0);
            assert!(
                bins.len() <= 13,
                "days are symmetrical around their peak: {}",
                bins.len()
            );
        }
    }

    #[test]
    fn an_even_day_is_one_bin_and_a_week_of_ones_own_has_its_own_share() {
        let even = customers(&format!(
            "{{ \"peak_hour_share\": {}, \"burst\": 1 }}",
            1.0 / 24.0
        ));
        assert_eq!(even.load_bins().len(), 1);
        let mut week = vec![1.0; HOURS_PER_WEEK];
        week[20] = 5.0;
        let own = customers(&serde_json::json!({ "profile": week, "burst": 1.0 }).to_string());
        // 5 of 172 executions of a week fall into the busiest hour: 35/172 of a mean day
        assert!((own.peak_hour_share() - 35.0 / 172.0).abs() < 1e-12);
        assert_eq!(own.load_bins().len(), 2);
    }
}
