//! Which configuration is the cheapest, and which last: decided in every draw, then counted.

use crate::project::break_point::LimitMonths;

/// Totals of all configurations in every draw, with when each first fails.
pub struct Standing<'t> {
    totals: Vec<&'t [f64]>, // by configuration, then by draw
    lasts: Vec<Vec<bool>>,
    lasts_with_levers: Vec<Vec<bool>>,
}

/// Which configurations may be the cheapest in a draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    All,
    Lasting,
    LastingWithLevers,
}

impl<'t> Standing<'t> {
    /// Configurations by their totals, and by the months until they first fail: as they are, and with every
    /// limit of the study's choice moved away.
    pub fn new(totals: Vec<&'t [f64]>, first: &[LimitMonths], first_with_levers: &[LimitMonths]) -> Self {
        let lasts = |first: &[LimitMonths]| {
            let never =
                |months: &LimitMonths| months.draws.iter().map(|months| months.is_infinite()).collect();
            first.iter().map(never).collect()
        };
        Self {
            totals,
            lasts: lasts(first),
            lasts_with_levers: lasts(first_with_levers),
        }
    }

    fn counts(&self, config: usize, draw: usize, among: Among) -> bool {
        match among {
            Among::All => true,
            Among::Lasting => self.lasts[config][draw],
            Among::LastingWithLevers => self.lasts_with_levers[config][draw],
        }
    }

    /// Share of draws in which each configuration is the cheapest, 0-1. Equal ones share a draw evenly; a
    /// draw in which none counts goes to none.
    pub fn cheapest(&self, among: Among) -> Vec<f64> {
        let draws = self.totals.first().map_or(0, |totals| totals.len());
        let mut shares = vec![0.0; self.totals.len()];
        for draw in 0..draws {
            let counting: Vec<usize> = (0..self.totals.len())
                .filter(|config| self.counts(*config, draw, among))
                .collect();
            let totals = counting.iter().map(|config| self.totals[*config][draw]);
            let least = totals.fold(f64::INFINITY, f64::min);
            let cheapest: Vec<usize> = counting
                .into_iter()
                .filter(|config| self.totals[*config][draw] <= least)
                .collect();
            for config in &cheapest {
                shares[*config] += 1.0 / cheapest.len() as f64;
            }
        }
        shares
            .into_iter()
            .map(|share| share / draws.max(1) as f64)
            .collect()
    }

    /// Share of draws in which `one` costs less than `other`, 0-1; equal ones count half.
    pub fn cheaper(&self, one: usize, other: usize) -> f64 {
        let pairs = self.totals[one].iter().zip(self.totals[other]);
        let counted: f64 = pairs
            .map(|(one, other)| match one.total_cmp(other) {
                std::cmp::Ordering::Less => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Greater => 0.0,
            })
            .sum();
        counted / self.totals[one].len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn months(draws: &[f64]) -> LimitMonths {
        LimitMonths {
            central: draws[0],
            draws: draws.to_vec(),
        }
    }

    /// Four draws, counted by hand: the first configuration is cheapest in draws 1, 2 and (with the second)
    /// 3, but lasts in draw 2 only; in draw 4 nothing lasts.
    #[test]
    fn three_shares_are_counted_draw_by_draw() {
        let never = f64::INFINITY;
        let (one, other) = ([1.0, 1.0, 2.0, 5.0], [2.0, 3.0, 2.0, 4.0]);
        let first = [
            months(&[3.0, never, 1.0, 2.0]),
            months(&[never, never, never, 9.0]),
        ];
        let with_levers = [months(&[never; 4]), months(&[never; 4])];
        let standing = Standing::new(vec![&one, &other], &first, &with_levers);
        assert_eq!(standing.cheapest(Among::All), [2.5 / 4.0, 1.5 / 4.0]);
        assert_eq!(standing.cheapest(Among::Lasting), [0.25, 0.5]);
        assert_eq!(
            standing.cheapest(Among::LastingWithLevers),
            [2.5 / 4.0, 1.5 / 4.0]
        );
        assert_eq!(standing.cheaper(0, 1), 2.5 / 4.0);
    }
}
