//! Colours, each for light and dark. The SVG carries the light ones as attributes; style sheets swap them by
//! attribute selectors.
//!
//! Hues follow Okabe and Ito, "Color Universal Design", 2008 (told apart with any colour vision), darkened or
//! lightened until they stand out 4.5:1 from the page.

use plotters::style::RGBColor;

/// A colour in both themes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tone {
    /// Name of its custom property in CSS.
    pub name: &'static str,
    /// On a light page, 0xRRGGBB.
    pub light: u32,
    /// On a dark page.
    pub dark: u32,
}

/// Text and curve labels.
pub(super) const INK: Tone = Tone {
    name: "ink",
    light: 0x1B_1F_24,
    dark: 0xE8_EA_ED,
};
/// Text of second rank, axes.
pub(super) const MUTED: Tone = Tone {
    name: "muted",
    light: 0x50_58_62,
    dark: 0xA9_B1_BB,
};
/// Lines behind the curves.
pub(super) const GRID: Tone = Tone {
    name: "grid",
    light: 0xE1_E4_E8,
    dark: 0x33_39_41,
};
/// Limits.
pub(super) const LIMIT: Tone = Tone {
    name: "limit",
    light: 0x9B_1C_31,
    dark: 0xFF_8F_8F,
};
/// Pattern of what was not tested.
pub(super) const HATCH: Tone = Tone {
    name: "hatch",
    light: 0xD3_D8_DE,
    dark: 0x3C_43_4C,
};
/// Curves, in order.
pub(super) const SERIES: [Tone; 6] = [
    Tone {
        name: "s1",
        light: 0x00_72_B2,
        dark: 0x56_B4_E9,
    },
    Tone {
        name: "s2",
        light: 0xB3_4E_00,
        dark: 0xF5_A0_5A,
    },
    Tone {
        name: "s3",
        light: 0x00_79_5A,
        dark: 0x3C_CB_9A,
    },
    Tone {
        name: "s4",
        light: 0xA8_48_7F,
        dark: 0xE3_9A_C6,
    },
    Tone {
        name: "s5",
        light: 0x82_64_00,
        dark: 0xE6_C8_4A,
    },
    Tone {
        name: "s6",
        light: 0x5B_4B_B0,
        dark: 0xB7_A6_F2,
    },
];
/// The page and its panels; the SVG itself is transparent.
const PAGE: [Tone; 3] = [
    Tone {
        name: "page",
        light: 0xFF_FF_FF,
        dark: 0x15_18_1C,
    },
    Tone {
        name: "panel",
        light: 0xF5_F6_F8,
        dark: 0x1E_22_28,
    },
    Tone {
        name: "link",
        light: 0x00_5F_96,
        dark: 0x7C_C4_F0,
    },
];

impl Tone {
    /// The colour that is drawn.
    pub(super) fn rgb(self) -> RGBColor {
        let [_, red, green, blue] = self.light.to_be_bytes();
        RGBColor(red, green, blue)
    }

    /// The colour as the backend writes it.
    pub(super) fn attribute(self) -> String {
        format!("#{:06X}", self.light)
    }
}

/// Tone of curve `index`.
pub(super) fn series(index: usize) -> Tone {
    SERIES[index % SERIES.len()]
}

/// Tones that an SVG uses.
pub(super) fn drawn() -> impl Iterator<Item = Tone> {
    [INK, MUTED, GRID, LIMIT, HATCH].into_iter().chain(SERIES)
}

/// Custom properties of both themes: the light ones, and the dark ones.
pub(crate) fn variables() -> (String, String) {
    let all: Vec<Tone> = drawn().chain(PAGE).collect();
    let light = all
        .iter()
        .map(|tone| format!("--{}:#{:06X};", tone.name, tone.light))
        .collect();
    let dark = all
        .iter()
        .map(|tone| format!("--{}:#{:06X};", tone.name, tone.dark))
        .collect();
    (light, dark)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, WCAG 2.2.
    fn luminance(colour: u32) -> f64 {
        let [_, red, green, blue] = colour.to_be_bytes().map(|channel| {
            let channel = f64::from(channel) / 255.0;
            if channel <= 0.04045 {
                channel / 12.92
            } else {
                ((channel + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    fn contrast(left: u32, right: u32) -> f64 {
        let (left, right) = (luminance(left), luminance(right));
        (left.max(right) + 0.05) / (left.min(right) + 0.05)
    }

    #[test]
    fn contrast_is_that_of_the_published_formula() {
        assert!((contrast(0x00_00_00, 0xFF_FF_FF) - 21.0).abs() < 1e-9);
        assert!(
            (contrast(0x76_76_76, 0xFF_FF_FF) - 4.54).abs() < 0.01,
            "the well-known lightest grey that passes on white"
        );
    }

    #[test]
    fn all_text_and_curves_stand_out_in_both_themes() {
        let [page, panel, link] = PAGE;
        for tone in [INK, MUTED, LIMIT, link].into_iter().chain(SERIES) {
            for behind in [page, panel] {
                assert!(
                    contrast(tone.light, behind.light) >= 4.5,
                    "{} light on {}",
                    tone.name,
                    behind.name
                );
                assert!(
                    contrast(tone.dark, behind.dark) >= 4.5,
                    "{} dark on {}",
                    tone.name,
                    behind.name
                );
            }
        }
    }
}
