//! CSV files that `curve`, `growth` and `demand` read.

use locust_nest::readers;

use super::TODAY;

/// Steps that are forecast.
const HORIZON: usize = 18;
/// Levels that are forecast, for series that the inputs to begin with have.
const AT: &[u8] = b"series,x\na,100\nb,1e6\nb,0.001\nc,64\n";

/// Measurements of `curve`.
pub fn curve(bytes: &[u8]) -> bool {
    readers::curve(bytes, AT).is_ok()
}

/// Histories of `growth`.
pub fn growth(bytes: &[u8]) -> bool {
    readers::growth(bytes, HORIZON, TODAY).is_ok()
}

/// Windows of `demand`.
pub fn demand(bytes: &[u8]) -> bool {
    readers::demand(bytes).is_ok()
}
