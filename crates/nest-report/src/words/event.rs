//! Events of growth in words.

use nest_data::{study::growth::GrowthEvent, units::Change};

use super::{count::customers, date::full_month, name::clean, share};

/// `a partner brings its customers, +20,000 (9 in 10: +10,000 to +30,000) from September 2027, within 2
/// months`.
pub(crate) fn event(event: &GrowthEvent) -> String {
    let what = event.note.as_ref().map_or_else(String::new, |note| {
        format!("{}, ", clean(note.trim_end_matches('.')))
    });
    let range = event.range.map_or_else(String::new, |[low, high]| {
        format!(" (9 in 10: {} to {})", change(low), change(high))
    });
    let ramp = event
        .ramp
        .map_or_else(String::new, |ramp| format!(", within {ramp}"));
    format!(
        "{what}{}{range} from {}{ramp}",
        change(event.customers),
        full_month(event.date)
    )
}

/// `+20,000`, `−300`, `+20 %`.
fn change(change: Change) -> String {
    let size = match change {
        Change::Customers(number) => customers(number.abs()),
        Change::Share(part) => share(part.abs()),
    };
    let sign = if change.number() < 0.0 { "−" } else { "+" };
    format!("{sign}{size}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> GrowthEvent {
        serde_json::from_str(text).expect(text)
    }

    #[test]
    fn an_event_says_what_happens_how_much_and_when() {
        assert_eq!(
            event(&read(
                r#"{"date":"2027-09-01","customers":"+20000","range":["+10000","+30000"],"ramp":"2 months",
                    "note":"a partner brings\nits customers."}"#
            )),
            "a partner brings its customers, +20,000 (9 in 10: +10,000 to +30,000) from September 2027, \
             within 2 months"
        );
        assert_eq!(
            event(&read(r#"{"date":"2028-01-15","customers":"-5%"}"#)),
            "−5 % from January 2028"
        );
    }
}
