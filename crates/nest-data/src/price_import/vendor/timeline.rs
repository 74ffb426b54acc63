//! Prices that change: out of rows with the days on which each holds, spans of days with the rows that hold
//! in them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

/// A row with the days on which it holds: from the first, until before the second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dated<T> {
    pub from: Option<Date>,
    pub to: Option<Date>,
    pub row: T,
}

/// A span of days in which each slot has at most one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span<K, T> {
    /// First day; `None` if it began before the list was made.
    pub from: Option<Date>,
    /// First day after it; `None` if no end is known.
    pub to: Option<Date>,
    pub rows: BTreeMap<K, T>,
}

/// Rows by slot (a way to buy, a tier), each until the next of its slot begins, as spans. The first row of a
/// slot also holds before its first day, unless that day is still to come.
///
/// Rows of one slot must begin on different days. Spans that ended before today are left out.
pub fn spans<K: Ord + Clone, T: Clone>(
    slots: BTreeMap<K, Vec<Dated<T>>>,
    today: Option<Date>,
) -> Vec<Span<K, T>> {
    let mut bounded: Vec<(K, Dated<T>)> = Vec::new();
    for (key, mut rows) in slots {
        rows.sort_by_key(|row| row.from);
        let begins: Vec<Option<Date>> = rows.iter().map(|row| row.from).collect();
        for (place, row) in rows.into_iter().enumerate() {
            let next = begins.get(place + 1).copied().flatten();
            let is_to_come = row.from.zip(today).is_some_and(|(from, today)| from > today);
            let dated = Dated {
                from: row.from.filter(|_| place > 0 || is_to_come),
                to: [row.to, next].into_iter().flatten().min(),
                row: row.row,
            };
            bounded.push((key.clone(), dated));
        }
    }
    let days: BTreeSet<Date> = bounded
        .iter()
        .flat_map(|(_, row)| [row.from, row.to])
        .flatten()
        .collect();
    let begins = std::iter::once(None).chain(days.iter().copied().map(Some));
    let ends = days.iter().copied().map(Some).chain([None]);
    begins
        .zip(ends)
        .filter(|(_, to)| to.zip(today).is_none_or(|(to, today)| to > today))
        .map(|(from, to)| {
            let holds = |row: &Dated<T>| {
                row.from
                    .is_none_or(|begin| from.is_some_and(|from| begin <= from))
                    && row.to.is_none_or(|end| to.is_some_and(|to| to <= end))
            };
            let rows = bounded
                .iter()
                .filter(|(_, row)| holds(row))
                .map(|(key, row)| (key.clone(), row.row.clone()));
            Span {
                from,
                to,
                rows: rows.collect(),
            }
        })
        .filter(|span| !span.rows.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    type Row = (Option<Date>, Option<Date>, &'static str);

    /// Spans as `from..to: rows`.
    fn told(slots: &[(&'static str, &[Row])], today: Option<Date>) -> Vec<String> {
        let rows = |rows: &[Row]| {
            rows.iter()
                .map(|(from, to, row)| Dated {
                    from: *from,
                    to: *to,
                    row: *row,
                })
                .collect()
        };
        let slots = slots.iter().map(|(key, list)| (*key, rows(list))).collect();
        let shown = |day: Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
        spans(slots, today)
            .into_iter()
            .map(|span| {
                let rows: Vec<&str> = span.rows.into_values().collect();
                format!("{}..{}: {}", shown(span.from), shown(span.to), rows.join(" "))
            })
            .collect()
    }

    #[test]
    fn rows_of_one_slot_follow_one_another_and_slots_change_on_their_own() {
        let day = |year, month| Some(date(year, month, 1));
        let today = day(2026, 11);
        assert_eq!(told(&[("a", &[(day(2023, 1), None, "x")])], today), ["..: x"]);
        assert_eq!(
            told(
                &[("a", &[(day(2023, 1), None, "x"), (day(2027, 3), None, "y")])],
                today
            ),
            ["..2027-03-01: x", "2027-03-01..: y"]
        );
        assert_eq!(
            told(
                &[("a", &[(day(2021, 1), None, "old"), (day(2023, 1), None, "x")])],
                today
            ),
            ["2023-01-01..: x"]
        );
        assert_eq!(
            told(
                &[
                    ("a", &[(day(2023, 1), day(2027, 5), "x")]),
                    ("b", &[(day(2027, 2), None, "y")])
                ],
                today
            ),
            [
                "..2027-02-01: x",
                "2027-02-01..2027-05-01: x y",
                "2027-05-01..: y"
            ]
        );
        assert_eq!(
            told(
                &[(
                    "a",
                    &[(day(2021, 1), day(2022, 1), "x"), (day(2023, 1), None, "y")]
                )],
                None
            ),
            ["..2022-01-01: x", "2023-01-01..: y"]
        );
    }
}
