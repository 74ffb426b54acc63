//! Every pair of colours in which text or a mark stands on the page can be told apart, in both themes.

use std::collections::BTreeMap;

const CSS: &str = include_str!("../templates/report.css");

/// The custom properties of each theme: light, dark, print.
fn themes() -> Vec<BTreeMap<&'static str, [f64; 3]>> {
    CSS.split(":root{").skip(1).filter_map(|rest| rest.split('}').next()).map(theme).collect()
}

fn theme(rule: &'static str) -> BTreeMap<&'static str, [f64; 3]> {
    rule.split(';')
        .filter_map(|declaration| declaration.split_once(':'))
        .filter_map(|(name, value)| Some((name.strip_prefix("--")?, value.strip_prefix('#')?)))
        .map(|(name, value)| {
            let channel = |at: usize| {
                f64::from(u8::from_str_radix(&value[at..at + 2], 16).expect("six hexadecimal digits")) / 255.0
            };
            (name, [channel(0), channel(2), channel(4)])
        })
        .collect()
}

/// Relative luminance and contrast as in the Web Content Accessibility Guidelines 2.2.
fn luminance(colour: [f64; 3]) -> f64 {
    let linear = |channel: f64| {
        if channel <= 0.040_45 {
            channel / 12.92
        } else {
            ((channel + 0.055) / 1.055).powf(2.4)
        }
    };
    let [red, green, blue] = colour.map(linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn text_stands_out_from_the_page_its_panels_and_the_tint() {
    let themes = themes();
    assert_eq!(themes.len(), 3);
    assert_eq!(contrast([0.0; 3], [1.0; 3]).round(), 21.0);
    for theme in &themes {
        assert_eq!(theme.len(), 17, "{theme:?}");
        for name in ["ink", "muted", "base", "alt1", "alt2", "alt3", "wall", "warn", "good"] {
            let text = theme[name];
            let page = contrast(text, theme["page"]);
            assert!(page >= 5.0, "{name} on the page: {page:.2}");
            for ground in ["panel", "beyond"] {
                let ratio = contrast(text, theme[ground]);
                assert!(ratio >= 4.7, "{name} on {ground}: {ratio:.2}");
            }
        }
        // Marks and axes need less: 3 to 1 (1.4.11). What is striped or grey has a word beside it.
        assert!(contrast(theme["axis"], theme["page"]) >= 3.0);
        assert!(contrast(theme["fixed"], theme["page"]) >= 3.0);
    }
    assert_eq!(themes[0], themes[2], "paper has the light colours");
}
