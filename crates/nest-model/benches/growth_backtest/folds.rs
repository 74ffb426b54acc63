//! Which fold a series belongs to. Committed before the first fit.
//!
//! The fold is read off the name of the series alone, so it cannot be tuned. What is cut from or added up out
//! of a series (prefixes, quarters and years of a monthly one) stays in the fold of that series.

/// Folds of the back-test.
pub const FOLDS: u64 = 5;

/// The fold of a series, 0 to 4: FNV-1a (64 bits) of its `series_id`, modulo 5.
pub fn fold(series_id: &str) -> u64 {
    let hash = series_id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash % FOLDS
}
