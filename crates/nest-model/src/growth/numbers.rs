//! Small sums over slices that several files here need.

/// Arithmetic mean; 0 for no numbers.
pub(super) fn mean(numbers: &[f64]) -> f64 {
    if numbers.is_empty() {
        0.0
    } else {
        numbers.iter().sum::<f64>() / numbers.len() as f64
    }
}

/// Median; 0 for no numbers.
pub(super) fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        count if count % 2 == 1 => sorted[count / 2],
        count => 0.5 * (sorted[count / 2 - 1] + sorted[count / 2]),
    }
}

/// Mean absolute difference between numbers `lag` apart; `None` if there is no such pair.
pub(super) fn mean_change(numbers: &[f64], lag: usize) -> Option<f64> {
    let changes: Vec<f64> = numbers
        .iter()
        .zip(numbers.iter().skip(lag))
        .map(|(before, after)| (after - before).abs())
        .collect();
    (!changes.is_empty()).then(|| mean(&changes))
}
