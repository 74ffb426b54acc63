//! How far a forecast was off, and whether its interval held.

use nest_model::growth::{History, HistoryForecast, Learnt, PeriodEnd, fit_history};

use super::{
    baselines,
    cases::{Case, Variant},
    learn::Deviation,
    peers::{self, Peers},
};

/// One case scored.
pub struct Scored {
    pub kind: String,
    pub group: String,
    pub source: String,
    pub series: String,
    pub variant: Variant,
    /// One of the open series, and whether it was added up.
    pub open: bool,
    pub summed: bool,
    /// Mean absolute scaled error: ours, then the baselines'.
    pub mase: [f64; 1 + baselines::NAMES.len()],
    /// Share of the truth inside the 80 % and the 90 % interval.
    pub coverage: [f64; 2],
    /// Mean interval score of both, in the unit of the scaled error.
    pub interval_score: [f64; 2],
    /// Scaled error, coverage and score of the 80 % interval of each peer that has forecast it.
    pub peers: [Option<[f64; 3]>; peers::NAMES.len()],
}

impl Scored {
    /// Whether it changed before it was cut off: without change there is no unit for errors.
    pub fn has_scale(&self) -> bool {
        self.mase.iter().all(|error| error.is_finite())
    }
}

/// Its forecast, with the constants that ship.
pub fn forecast(case: &Case<'_>) -> HistoryForecast {
    let history = History {
        values: case.known.clone(),
        seasons: case.seasons.clone(),
        end: PeriodEnd::Over,
    };
    fit_history(&history, case.truth.len()).expect("two values or more")
}

/// Its errors, in the pool's own.
pub fn deviations<'a>(case: &Case<'a>, forecast: &HistoryForecast) -> Vec<Deviation<'a>> {
    let deviation = |(index, truth): (usize, &f64)| Deviation {
        source: &case.series.source,
        class: (
            if case.beginning {
                "beginning"
            } else {
                &case.series.kind
            },
            case.variant,
        ),
        known: case.known.len(),
        size: forecast.standardised(index + 1, *truth).abs(),
    };
    let all = case.truth.iter().enumerate().map(deviation);
    all.filter(|deviation| !deviation.size.is_nan()).collect()
}

/// Scores ours and the others.
pub fn score(case: &Case<'_>, forecast: &HistoryForecast, learnt: Learnt, peers: &Peers) -> Scored {
    let forecast = forecast.with(learnt);
    let quantiles = |quantile: f64| -> Vec<f64> {
        (1..=case.truth.len())
            .map(|step| forecast.quantile(step, quantile))
            .collect()
    };
    let ours = [(0.1, 0.9), (0.05, 0.95)]
        .map(|(low, high)| interval(case, high - low, &quantiles(low), &quantiles(high)));
    let mut mase = [error(case, &quantiles(0.5)); 1 + baselines::NAMES.len()];
    let others = baselines::all(&case.known, &case.series.seasons, case.truth.len());
    mase[1..].copy_from_slice(&others.each_ref().map(|points| error(case, points)));
    let peer = |said: &[peers::Said]| {
        let column = |index: usize| said.iter().map(|step| step[index]).collect::<Vec<f64>>();
        let [covers, score] = interval(case, 0.8, &column(1), &column(2));
        [error(case, &column(0)), covers, score]
    };
    Scored {
        kind: case.series.kind.clone(),
        group: case.group.clone(),
        source: case.series.source.clone(),
        series: case.series.id.clone(),
        variant: case.variant,
        open: case.series.open,
        summed: case.series.summed,
        mase,
        coverage: ours.map(|[covers, _]| covers),
        interval_score: ours.map(|[_, score]| score),
        peers: peers.of(case).map(|said| said.map(peer)),
    }
}

/// Mean absolute error, scaled.
fn error(case: &Case<'_>, points: &[f64]) -> f64 {
    let pairs = points.iter().zip(&case.truth);
    mean(pairs.map(|(point, truth)| (point - truth).abs() / case.unit))
}

/// Share of the truth inside, and mean interval score.
///
/// Source: Gneiting and Raftery, "Strictly Proper Scoring Rules", JASA 102, 2007, section 6.2.
fn interval(case: &Case<'_>, level: f64, low: &[f64], high: &[f64]) -> [f64; 2] {
    let steps = || case.truth.iter().zip(low.iter().zip(high));
    let covers = mean(steps().map(|(truth, (low, high))| f64::from(low <= truth && truth <= high)));
    let score = mean(steps().map(|(truth, (low, high))| {
        let miss = (low - truth).max(truth - high).max(0.0);
        (high - low + 2.0 / (1.0 - level) * miss) / case.unit
    }));
    [covers, score]
}

/// Arithmetic mean.
pub fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = numbers.fold((0.0, 0.0), |(sum, count), number| (sum + number, count + 1.0));
    sum / count
}
