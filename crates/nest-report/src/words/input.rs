//! What the inputs of a forecast are called, and what they range over.

use nest_data::projection::Sensitivity;

use super::{
    count::customers,
    limit::resource,
    name::{clean, name},
};
use crate::format;

/// An input in words: `growth of customers`, `speed of m7i.large`, `CPU kept free`.
pub(crate) fn input(one: &Sensitivity) -> String {
    input_name(&one.input, &one.unit)
}

/// An input by the name that a projection has for it; `unit` is that of its range.
pub(crate) fn input_name(text: &str, unit: &str) -> String {
    if text.starts_with("growth `") {
        return "growth of customers".to_owned();
    }
    match text {
        "burst of the busiest minute" => return "busiest minute against its hour".to_owned(),
        "share of a day's work in its peak hour" => {
            return "share of a day's work in its busiest hour".to_owned();
        }
        "prices of the books" => return "all prices together".to_owned(),
        _ => {}
    }
    if let Some(behaviour) = text.strip_prefix("rate of ") {
        return format!("how often a customer does {}", name(behaviour));
    }
    if let Some(cause) = text.strip_prefix("reserve of ") {
        return format!("share of {} kept free", resource(cause));
    }
    if let Some(shape) = text.strip_prefix("speed of ") {
        let kind = shape.split(" (").next().unwrap_or(shape);
        return format!("speed of {} against tested cores", clean(kind));
    }
    if let Some(parameter) = text.strip_prefix("parameter ") {
        return name(parameter);
    }
    match text.split_once(" of ") {
        Some((used, behaviour)) if unit == "s" && used.contains('/') => {
            format!("time on {} of one {}", resource(used), name(behaviour))
        }
        _ => clean(text),
    }
}

/// The two ends of an input's range: `16–24 a day`, `0.85–1.15 times`.
pub(crate) fn input_range(one: &Sensitivity) -> String {
    let [low, high] = one.range;
    match one.unit.as_str() {
        "share" | "share of capacity" => {
            format!("{}–{}", percent_number(low), format::rough_percent(high))
        }
        "of today's" => format!(
            "{} to {} of today's",
            format::rough_percent(low),
            format::rough_percent(high)
        ),
        "of a measured core" => format!("{}–{} times", format::number(low), format::number(high)),
        "customers at the end" => format!("{}–{} at the end", customers(low), customers(high)),
        "per customer and day" => format!("{}–{} a day", format::number(low), format::number(high)),
        "s" => format!("{}–{} ms", format::number(low * 1e3), format::number(high * 1e3)),
        "" => format!("{}–{}", format::number(low), format::number(high)),
        unit => format!("{}–{} {}", format::number(low), format::number(high), clean(unit)),
    }
}

/// A percentage without its sign.
fn percent_number(share: f64) -> String {
    let text = format::rough_percent(share);
    text.strip_suffix(" %").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use nest_data::projection::RangeBasis;

    use super::*;

    fn moved(input: &str, range: [f64; 2], unit: &str) -> Sensitivity {
        Sensitivity {
            input: input.to_owned(),
            range,
            unit: unit.to_owned(),
            basis: RangeBasis::Assumed,
            date: [None, None],
            months: 0.0,
            total: [0.0, 0.0],
            per_1000: [0.0, 0.0],
        }
    }

    #[test]
    fn inputs_and_ranges_are_in_words() {
        for (text, range, unit, name, ends) in [
            (
                "growth `x`",
                [260_954.8, 625_194.9],
                "customers at the end",
                "growth of customers",
                "261,000–625,200 at the end",
            ),
            (
                "share of a day's work in its peak hour",
                [0.096, 0.144],
                "share",
                "share of a day's work in its busiest hour",
                "9.6–14 %",
            ),
            (
                "reserve of db/cpu",
                [0.2, 0.4],
                "share of capacity",
                "share of the database's CPU kept free",
                "20–40 %",
            ),
            (
                "rate of browse",
                [16.0, 24.0],
                "per customer and day",
                "how often a customer does `browse`",
                "16–24 a day",
            ),
            (
                "app/cpu of browse",
                [0.00495, 0.0052],
                "s",
                "time on CPU of one `browse`",
                "4.95–5.2 ms",
            ),
            (
                "prices of the books",
                [0.9, 1.1],
                "of today's",
                "all prices together",
                "90 % to 110 % of today's",
            ),
            (
                "speed of m7i.large (2 vCPU, 8 GiB)",
                [0.85, 1.15],
                "of a measured core",
                "speed of m7i.large against tested cores",
                "0.85–1.15 times",
            ),
        ] {
            let one = moved(text, range, unit);
            assert_eq!((input(&one).as_str(), input_range(&one).as_str()), (name, ends));
        }
    }
}
