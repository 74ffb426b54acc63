//! Colours of the page and its pictures, each for light and for dark.
//!
//! The base set-up is blue everywhere. A wall (crimson) and the first alternative (orange) stay apart for
//! red- and green-blind readers; for blue-blind ones a wall is always a straight line with a word, and a
//! curve never is.

/// A colour in both themes, 0xRRGGBB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Colour {
    /// Name of its custom property in CSS.
    pub name: &'static str,
    pub light: u32,
    pub dark: u32,
}

const fn colour(name: &'static str, light: u32, dark: u32) -> Colour {
    Colour { name, light, dark }
}

/// All of them: what lies behind, text, lines, set-ups, and what carries a meaning.
pub(crate) const COLOURS: [Colour; 17] = [
    colour("page", 0xFF_FF_FF, 0x0F_1216),
    colour("panel", 0xF6_F7_F9, 0x17_1B_21),
    colour("beyond", 0xF4_F5_F7, 0x15_1A_1F),
    colour("ink", 0x15_19_1E, 0xE9_ED_F1),
    colour("muted", 0x59_62_6D, 0xA4_AE_B9),
    colour("rule", 0xE3_E6_EA, 0x2A_30_38),
    colour("grid", 0xE8_EB_EE, 0x24_2A_31),
    colour("axis", 0x8A_93_9D, 0x6D_77_82),
    colour("base", 0x0B_67_AC, 0x6D_B7_F2),
    colour("alt1", 0xB4_51_0B, 0xF0_A4_68),
    colour("alt2", 0x00_79_5A, 0x3C_CB_9A),
    colour("alt3", 0x5B_4B_B0, 0xB7_A6_F2),
    colour("wall", 0x9B_11_50, 0xFF_86_AD),
    colour("warn", 0x8A_64_00, 0xE0_B8_4D),
    colour("good", 0x16_70_4B, 0x5F_CF_9F),
    colour("idle", 0xC3_CA_D2, 0x4A_53_5E),
    colour("fixed", 0x8B_95_A1, 0x7B_86_92),
];

/// Text with every `var(--name)` replaced by the light colour of that name.
pub(super) fn literal(css: &str) -> String {
    COLOURS.iter().fold(css.to_owned(), |text, colour| {
        text.replace(
            &format!("var(--{})", colour.name),
            &format!("#{:06x}", colour.light),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of colours in which text is written.
    const TEXT: [&str; 9] = [
        "ink", "muted", "base", "alt1", "alt2", "alt3", "wall", "warn", "good",
    ];
    /// Names of colours that text is written on.
    const BEHIND: [&str; 3] = ["page", "panel", "beyond"];

    fn named(name: &str) -> Colour {
        COLOURS
            .into_iter()
            .find(|colour| colour.name == name)
            .expect(name)
    }

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
            "the well-known lightest grey that passes"
        );
    }

    #[test]
    fn text_stands_out_from_all_that_it_is_written_on() {
        for (text, behind) in TEXT
            .iter()
            .flat_map(|text| BEHIND.map(|behind| (named(text), named(behind))))
        {
            for (theme, ratio) in [
                ("light", contrast(text.light, behind.light)),
                ("dark", contrast(text.dark, behind.dark)),
            ] {
                assert!(
                    ratio >= 4.5,
                    "{} on {}, {theme}: {ratio:.2}",
                    text.name,
                    behind.name
                );
            }
        }
    }

    #[test]
    fn a_literal_text_has_no_variable_left() {
        assert_eq!(
            literal("fill:var(--ink);stroke:var(--wall)"),
            "fill:#15191e;stroke:#9b1150"
        );
    }
}
