//! How wide a text is, without a font: the widest of the fonts in which a page may show it.
//!
//! Advance widths are the largest of DejaVu Sans, Inter, Liberation Sans and Noto Sans, so that a label
//! which fits here fits in each of them.

/// Size of nearly all text, in pixels; nothing is smaller.
pub(crate) const TEXT: f64 = 12.5;
/// Size of names and headings inside a picture, in pixels.
pub(crate) const NAME: f64 = 13.5;
/// Advance of a character outside of the tables, in 1/1000 of the size: a full-width one.
const OTHER: u16 = 1_050;
/// Advance of dashes, quotes and signs that are not in the tables.
const SIGN: u16 = 850;

/// Width of a text in pixels at `size`, in pixels, in semi-bold or regular type.
pub(crate) fn width(text: &str, size: f64, bold: bool) -> f64 {
    let thousandths: f64 = text
        .chars()
        .map(|character| f64::from(advance(character, bold)))
        .sum();
    thousandths * size / 1_000.0
}

/// A text that is at most `room` pixels wide; what is cut off is replaced by an ellipsis.
pub(crate) fn shortened(text: &str, size: f64, bold: bool, room: f64) -> String {
    if width(text, size, bold) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    for character in text.chars() {
        kept.push(character);
        if width(&kept, size, bold) + width("…", size, bold) > room {
            kept.pop();
            break;
        }
    }
    format!("{}…", kept.trim_end())
}

/// A text in at most `most` lines, each at most `room` pixels wide; the last is shortened if need be.
pub(crate) fn wrapped(text: &str, size: f64, bold: bool, room: f64, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if lines_fit(line, word, size, bold, room) => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    if lines.len() > most {
        let rest = lines.split_off(most.saturating_sub(1)).join(" ");
        lines.push(rest);
    }
    lines
        .iter()
        .map(|line| shortened(line, size, bold, room))
        .collect()
}

fn lines_fit(line: &str, word: &str, size: f64, bold: bool, room: f64) -> bool {
    width(line, size, bold) + width(" ", size, bold) + width(word, size, bold) <= room
}

fn advance(character: char, bold: bool) -> u16 {
    let code = character as usize;
    let (ascii, latin) = if bold {
        (&BOLD_ASCII, &BOLD_LATIN)
    } else {
        (&REGULAR_ASCII, &REGULAR_LATIN)
    };
    match code {
        0x20..=0x7E => ascii[code - 0x20],
        0xA0..=0xFF => latin[code - 0xA0],
        0x100..=0x24F | 0x370..=0x52F | 0x2010..=0x20BF | 0x2190..=0x22FF => SIGN,
        0x300..=0x36F => 0,
        _ => OTHER,
    }
}

const REGULAR_ASCII: [u16; 95] = [
    318, 401, 460, 838, 638, 951, 780, 275, 391, 391, 551, 838, 318, 461, 318, 372, 637, 637, 637, 637, 643,
    637, 637, 637, 637, 637, 337, 337, 838, 838, 838, 557, 1016, 685, 687, 728, 771, 667, 611, 778, 752, 339,
    543, 667, 563, 907, 760, 788, 667, 788, 723, 667, 643, 742, 685, 989, 686, 667, 686, 391, 372, 391, 838,
    557, 500, 613, 635, 559, 635, 616, 361, 635, 634, 278, 278, 580, 278, 975, 634, 612, 635, 635, 413, 523,
    393, 634, 592, 818, 592, 592, 542, 637, 551, 637, 838,
];
const REGULAR_LATIN: [u16; 96] = [
    318, 401, 637, 637, 724, 637, 551, 557, 591, 1000, 472, 612, 838, 461, 1000, 553, 500, 838, 421, 431,
    500, 637, 655, 318, 500, 401, 472, 612, 970, 970, 970, 611, 685, 685, 685, 685, 685, 685, 1000, 728, 667,
    667, 667, 667, 339, 339, 339, 339, 775, 760, 788, 788, 788, 788, 788, 838, 788, 742, 742, 742, 742, 667,
    667, 631, 613, 613, 613, 613, 613, 613, 982, 559, 616, 616, 616, 616, 278, 278, 278, 278, 612, 634, 612,
    612, 612, 612, 612, 838, 612, 634, 634, 634, 634, 592, 635, 592,
];
const BOLD_ASCII: [u16; 95] = [
    349, 457, 521, 838, 696, 1002, 873, 307, 458, 458, 545, 838, 380, 466, 380, 413, 696, 696, 696, 696, 696,
    696, 696, 696, 696, 696, 400, 400, 838, 838, 838, 611, 1000, 774, 763, 744, 831, 684, 684, 821, 837, 389,
    561, 775, 638, 996, 837, 851, 733, 851, 771, 721, 683, 813, 774, 1104, 771, 725, 726, 458, 413, 458, 838,
    557, 500, 675, 716, 593, 716, 679, 436, 716, 712, 343, 343, 666, 343, 1042, 712, 688, 716, 716, 494, 596,
    479, 712, 652, 924, 646, 652, 583, 712, 551, 712, 838,
];
const BOLD_LATIN: [u16; 96] = [
    349, 457, 696, 696, 751, 696, 551, 579, 607, 1000, 564, 646, 838, 466, 1000, 553, 500, 838, 438, 439,
    500, 736, 655, 380, 500, 438, 564, 646, 1036, 1036, 1036, 611, 774, 774, 774, 774, 774, 774, 1085, 744,
    684, 684, 684, 684, 389, 389, 389, 389, 838, 837, 851, 851, 851, 851, 851, 838, 851, 813, 813, 813, 813,
    725, 738, 720, 675, 675, 675, 675, 675, 675, 1048, 593, 679, 679, 679, 679, 343, 343, 343, 343, 688, 712,
    688, 688, 688, 688, 688, 838, 688, 712, 712, 712, 712, 652, 716, 652,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_widest_font() {
        assert!(
            (width("0", 1_000.0, false) - 637.0).abs() < 1.5,
            "DejaVu Sans: 1303 of 2048"
        );
        assert!(width("WWW", TEXT, true) > width("iii", TEXT, true) * 2.0);
        assert_eq!(width("e\u{301}", TEXT, false), width("e", TEXT, false));
    }

    #[test]
    fn long_texts_end_with_an_ellipsis_and_fit() {
        let name = "x".repeat(200);
        let short = shortened(&name, TEXT, false, 90.0);
        assert!(short.ends_with('…') && width(&short, TEXT, false) <= 90.0);
        assert_eq!(shortened("short", TEXT, false, 90.0), "short");
    }

    #[test]
    fn lines_break_at_words_and_the_last_is_cut() {
        let lines = wrapped(
            "answers start to slow and nothing else fails",
            TEXT,
            false,
            120.0,
            2,
        );
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("answers start") && lines[1].ends_with('…'));
        assert!(lines.iter().all(|line| width(line, TEXT, false) <= 120.0));
    }
}
