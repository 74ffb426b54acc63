//! Which colour and letter stands for what.

use nest_data::projection::Chart;

use super::palette::{self, Tone};

/// Most characters of a name that shares its row.
const SHORT: usize = 30;
/// Most characters of a name with a row of its own.
const LONG: usize = 80;

/// How an entry is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Swatch {
    /// A line in its band.
    Curve,
    /// A dot.
    Dot,
}

/// One entry.
#[derive(Debug)]
pub(super) struct LegendEntry {
    /// Sample beside the text.
    pub swatch: Swatch,
    /// Its colour.
    pub tone: Tone,
    /// Its text.
    pub text: String,
    /// Row and column.
    pub place: (usize, usize),
}

/// Entries of all curves and measured points.
pub(super) fn entries(chart: &Chart) -> Vec<LegendEntry> {
    let curves = chart.curves.iter().enumerate().map(|(index, curve)| {
        let letter = letter(chart, index)
            .map(|letter| format!("{letter}  "))
            .unwrap_or_default();
        (
            Swatch::Curve,
            palette::series(index),
            format!("{letter}{}", curve.name),
        )
    });
    let dots = chart
        .measured
        .iter()
        .enumerate()
        .map(|(index, scatter)| (Swatch::Dot, tone_of_dots(chart, index), scatter.name.clone()));
    let texts: Vec<_> = curves.chain(dots).collect();
    let columns = if texts.iter().all(|(_, _, text)| text.chars().count() <= SHORT) {
        2
    } else {
        1
    };
    let entry = |(index, (swatch, tone, text)): (usize, (Swatch, Tone, String))| LegendEntry {
        swatch,
        tone,
        text: shortened(&text),
        place: (index / columns, index % columns),
    };
    texts.into_iter().enumerate().map(entry).collect()
}

/// Letter at the end of a curve, if the chart has several.
pub(super) fn letter(chart: &Chart, index: usize) -> Option<char> {
    let several = chart.curves.len() > 1;
    several.then(|| ('A'..='Z').nth(index)).flatten()
}

/// The tone of the curve to which measured points belong: the curve of a matching name, otherwise the one at
/// the same position.
pub(super) fn tone_of_dots(chart: &Chart, index: usize) -> Tone {
    let name = chart
        .measured
        .get(index)
        .map_or("", |scatter| scatter.name.as_str());
    let curve = chart.curves.iter().position(|curve| {
        !curve.name.is_empty() && (name.contains(&curve.name) || curve.name.contains(name))
    });
    palette::series(curve.unwrap_or(index))
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONG {
        text.to_owned()
    } else {
        text.chars().take(LONG - 1).chain(['…']).collect()
    }
}
