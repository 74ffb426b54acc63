//! Axes of thirty pixels below a figure: now, the middle, and what nine of ten cases lie between.

use std::fmt::Write as _;

use crate::markup::escape;

/// Width of the narrowest figure, that of a letter below it, and the least gap between two words, in pixels.
const NARROWEST: f64 = 140.0;
const LETTER: f64 = 7.2;
const GAP: f64 = 6.0;

/// A line with marks, each at a position between 0 and 1.
#[derive(Debug, Default)]
pub(super) struct MiniAxis {
    bar: Option<[f64; 2]>,
    middle: Option<f64>,
    now: Option<f64>,
    tick: Option<f64>,
    labels: Vec<(f64, String)>,
    is_wall: bool,
}

impl MiniAxis {
    /// An axis of a limit, in the colour of limits.
    pub(super) fn of_limit() -> Self {
        Self {
            is_wall: true,
            ..Self::default()
        }
    }

    /// With what nine of ten cases lie between.
    pub(super) fn bar(mut self, low: f64, high: f64) -> Self {
        self.bar = Some([low, high]);
        self
    }

    /// With the best guess.
    pub(super) fn middle(mut self, at: f64) -> Self {
        self.middle = Some(at);
        self
    }

    /// With where things are now.
    pub(super) fn now(mut self, at: f64) -> Self {
        self.now = Some(at);
        self
    }

    /// With how far it was tested.
    pub(super) fn tick(mut self, at: f64) -> Self {
        self.tick = Some(at);
        self
    }

    /// With a word below a place; one that would stand on another is left out.
    pub(super) fn label(mut self, at: f64, text: impl Into<String>) -> Self {
        let text = text.into();
        let (left, right) = ends(at, &text);
        let is_free = |(other, word): &(f64, String)| {
            let (start, end) = ends(*other, word);
            end + GAP <= left || right + GAP <= start
        };
        if self.labels.iter().all(is_free) {
            self.labels.push((at, text));
        }
        self
    }

    /// As an element of the page. The figure beside it says the same in words.
    pub(super) fn svg(&self) -> String {
        let class = if self.is_wall { "mini f" } else { "mini" };
        let mut svg = format!(
            "<svg class=\"{class}\" width=\"100%\" height=\"32\" aria-hidden=\"true\" focusable=\"false\">\
             <rect class=\"ml\" x=\"0\" y=\"8\" width=\"100%\" height=\"1\"/>"
        );
        if let Some([low, high]) = self.bar {
            let (low, high) = (percent(low), percent(high));
            let _ = write!(
                svg,
                "<rect class=\"mb\" x=\"{low:.1}%\" y=\"5\" width=\"{:.1}%\" height=\"7\" rx=\"3.5\"/>",
                (high - low).max(0.8)
            );
        }
        if let Some(at) = self.tick {
            let _ = write!(
                svg,
                "<rect class=\"mt\" x=\"{:.1}%\" y=\"3\" width=\"1\" height=\"11\"/>",
                percent(at)
            );
        }
        if let Some(at) = self.middle {
            let _ = write!(
                svg,
                "<rect class=\"mm\" x=\"{:.1}%\" y=\"2\" width=\"2.5\" height=\"13\"/>",
                percent(at)
            );
        }
        if let Some(at) = self.now {
            let _ = write!(
                svg,
                "<circle class=\"mn\" cx=\"{:.1}%\" cy=\"8.5\" r=\"4\"/>",
                percent(at).max(2.0)
            );
        }
        for (at, text) in &self.labels {
            let _ = write!(
                svg,
                "<text class=\"t{}\" x=\"{:.1}%\" y=\"30\">{}</text>",
                anchor(*at),
                percent(*at),
                escape(text)
            );
        }
        svg.push_str("</svg>");
        svg
    }
}

/// Parts of a whole as a bar: each with its class and size.
pub(super) fn parts(parts: &[(&str, f64)]) -> String {
    let whole: f64 = parts.iter().map(|(_, size)| size.max(0.0)).sum();
    let mut svg = String::from(
        "<svg class=\"mini\" width=\"100%\" height=\"32\" aria-hidden=\"true\" focusable=\"false\">",
    );
    let mut from = 0.0;
    for (class, size) in parts {
        let width = if whole > 0.0 {
            size.max(0.0) / whole * 100.0
        } else {
            0.0
        };
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{from:.1}%\" y=\"8\" width=\"{width:.1}%\" height=\"9\"/>"
        );
        from += width;
    }
    svg.push_str("</svg>");
    svg
}

/// Whether a word starts at its place, ends there, or has its middle there.
fn anchor(at: f64) -> &'static str {
    match percent(at) {
        at if at < 12.0 => "s",
        at if at > 88.0 => "e",
        _ => "m",
    }
}

/// Where a word begins and ends below the narrowest figure, in pixels.
fn ends(at: f64, text: &str) -> (f64, f64) {
    let (place, width) = (
        percent(at) / 100.0 * NARROWEST,
        text.chars().count() as f64 * LETTER,
    );
    match anchor(at) {
        "s" => (place, place + width),
        "e" => (place - width, place),
        _ => (place - width / 2.0, place + width / 2.0),
    }
}

fn percent(at: f64) -> f64 {
    if at.is_finite() {
        at.clamp(0.0, 1.0) * 100.0
    } else {
        100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_keeps_its_marks_inside_and_its_labels_apart() {
        let svg = MiniAxis::of_limit()
            .bar(0.5, 1.7)
            .middle(0.8)
            .now(0.0)
            .label(0.0, "now")
            .label(0.1, "a<b")
            .label(0.9, "a<c")
            .svg();
        assert!(
            svg.contains("x=\"50.0%\"") && svg.contains("width=\"50.0%\""),
            "{svg}"
        );
        assert!(
            !svg.contains("a&lt;b") && svg.contains("a&lt;c") && !svg.contains("style"),
            "{svg}"
        );
    }
}
