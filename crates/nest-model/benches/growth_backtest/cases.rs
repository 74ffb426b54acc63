//! Cases of the back-test: a series cut at an origin, as recorded, with shifts of level, or with a last
//! period that is not yet over.

use nest_model::{
    draws::{RandomStream, StreamPurpose},
    growth::calendar::{DatedCount, arrange},
};

use super::series::Series;

/// Origins of one series, at most.
const MOST_ORIGINS: usize = 6;
/// The same for series of data sets that are fetched: there are many of them.
const MOST_ORIGINS_FETCHED: usize = 3;
/// Standard deviation of the logarithm of a shift of level.
const SHIFT: f64 = 0.3;

/// What was done to a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variant {
    /// Nothing.
    Recorded,
    /// Its level shifts now and then, before the origin and after it at one rate.
    Shifts,
    /// Its last known value is a part of what the period had in the end.
    Incomplete,
}

impl Variant {
    /// As tables show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Recorded => "as recorded",
            Self::Shifts => "shifts of level",
            Self::Incomplete => "incomplete end",
        }
    }
}

/// A series cut at an origin: what is known, and what came then.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    /// The series.
    pub series: &'a Series,
    /// What was done to it.
    pub variant: Variant,
    /// Row of a table that it counts in.
    pub group: String,
    /// Whether it is a short beginning.
    pub beginning: bool,
    /// Lengths of the seasons that the forecast is told, in steps.
    pub seasons: Vec<usize>,
    /// What is known.
    pub known: Vec<f64>,
    /// What came then.
    pub truth: Vec<f64>,
    /// Mean absolute change over a season in what is known, before anything was done to it.
    pub unit: f64,
}

impl Case<'_> {
    /// Its name, the same in every run.
    pub fn name(&self) -> String {
        format!("{}@{} {}", self.series.id, self.known.len(), self.variant.name())
    }
}

/// Origins of a series, the last horizon left out and others before it, in each variant.
pub fn cases(series: &Series) -> Vec<Case<'_>> {
    let season = series.seasons.first().copied().unwrap_or(1);
    let least = (2 * season).max(5);
    let stride = series.horizon.max(series.values.len() / 12);
    let most = if series.open {
        MOST_ORIGINS
    } else {
        MOST_ORIGINS_FETCHED
    };
    let shifted = shifted(series);
    let origins = (0..most)
        .filter_map(|back| series.values.len().checked_sub(series.horizon + back * stride))
        .filter(|origin| *origin >= least);
    let variants = |origin: usize| {
        [Variant::Recorded, Variant::Shifts, Variant::Incomplete].map(|variant| {
            let values = if variant == Variant::Shifts {
                &shifted
            } else {
                &series.values
            };
            let mut known = values[..origin].to_vec();
            let unit = scale(&known, season);
            if variant == Variant::Incomplete {
                known[origin - 1] *= 0.1 + 0.8 * series.chance(origin as u32).uniform();
            }
            Case {
                series,
                variant,
                group: series.kind.clone(),
                beginning: false,
                seasons: series.seasons.clone(),
                known,
                truth: values[origin..origin + series.horizon].to_vec(),
                unit,
            }
        })
    };
    origins.flat_map(variants).collect()
}

/// The series with a level that shifts once in three horizons, on average: its logarithm by a normal number.
fn shifted(series: &Series) -> Vec<f64> {
    let mut random = series.chance(0);
    let rate = 1.0 / (3.0 * series.horizon as f64);
    let mut level = 0.0_f64;
    let shift = |value: &f64| {
        if random.uniform() < rate {
            level += SHIFT * random.normal();
        }
        value * level.exp()
    };
    series.values.iter().map(shift).collect()
}

/// Short beginnings of a series, each with the steps after it.
pub fn beginnings(series: &Series) -> Vec<Case<'_>> {
    [2, 3, 4, 5, 6, 8, 11, 15, 20]
        .into_iter()
        .filter_map(|known| {
            let truth = series.values.get(known..known + series.horizon.min(2 * known))?;
            let season = series.seasons.first().copied().unwrap_or(1);
            Some(Case {
                series,
                variant: Variant::Recorded,
                group: format!("{known:2} values"),
                beginning: true,
                seasons: series.seasons.clone(),
                known: series.values[..known].to_vec(),
                truth: truth.to_vec(),
                unit: scale(&series.values[..known], season),
            })
        })
        .collect()
}

/// The same case where periods are integers, so that seasons have to be found.
pub fn untold<'a>(case: &Case<'a>) -> Case<'a> {
    let row = |(index, value): (usize, &f64)| DatedCount {
        period: index.to_string(),
        value: Some(*value),
    };
    let rows: Vec<DatedCount> = case.known.iter().enumerate().map(row).collect();
    let seasons = arrange(&rows, None).expect("it can be read").0.seasons;
    Case {
        seasons,
        ..case.clone()
    }
}

/// Mean absolute change over a season (from step to step where the history is shorter), which errors are
/// scaled by.
fn scale(known: &[f64], season: usize) -> f64 {
    let lag = if known.len() > season { season } else { 1 };
    let changes = known.windows(lag + 1).map(|pair| (pair[lag] - pair[0]).abs());
    changes.sum::<f64>() / (known.len() - lag) as f64
}

impl Series {
    /// Random numbers of its own, by its name.
    fn chance(&self, index: u32) -> RandomStream {
        let hash = self.id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3) // FNV-1a
        });
        RandomStream::new(hash, StreamPurpose::Growth, index)
    }
}
