//! The values of a mechanism that formulas may use.

/// Names under which the values of a mechanism stand in formulas, with the power of time in their units:
/// payments and lumps are per day, the mean payment is an amount and the open items a number.
pub const MECHANISM_VALUES: [(&str, i32); 4] = [
    ("payments", -1),
    ("lumps", -1),
    ("mean_payment", 0),
    ("open_items", 0),
];
