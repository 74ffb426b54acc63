//! Repeats, removes, moves and joins lines.

use rand::RngExt;

use super::Random;

/// Changes whole lines.
pub fn change(text: &mut Vec<u8>, random: &mut Random) {
    let mut lines: Vec<Vec<u8>> = text
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    if lines.is_empty() {
        return;
    }
    let (one, other) = (
        random.random_range(0..lines.len()),
        random.random_range(0..lines.len()),
    );
    match random.random_range(0..6) {
        0 => drop(lines.remove(one)),
        1 => lines.insert(other, lines[one].clone()),
        2 => {
            let times = 1 << random.random_range(1..8);
            let copies = vec![lines[one].clone(); times];
            lines.splice(other..other, copies);
        }
        3 => lines.swap(one, other),
        4 => drop(lines.drain(one.min(other)..one.max(other))),
        _ => {
            // The line and the next become one.
            lines[one].retain(|byte| *byte != b'\n');
        }
    }
    *text = lines.concat();
}
