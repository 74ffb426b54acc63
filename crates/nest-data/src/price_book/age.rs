//! How old the prices of a book are.

use jiff::civil::Date;

use super::PriceBook;

/// Ages of the rows of a book on a day. Rows whose price has ended are not counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ages {
    /// Rows that are counted, 1 or more.
    pub rows: usize,
    /// Days since the oldest was observed; below 0 before it was.
    pub oldest_days: i32,
    /// Days since the middle one was observed, the older of two.
    pub median_days: i32,
    /// Share of the rows that were observed more days ago than the book allows, 0-1.
    pub stale_share: f64,
}

impl PriceBook {
    /// How old the rows of the book are on a day; none where it has no row whose price has not ended.
    #[must_use]
    pub fn ages(&self, on: Date) -> Option<Ages> {
        let meters = self.meter.iter().map(|row| (&row.source, row.effective_to));
        let instances = self.instance.iter().map(|row| (&row.source, row.effective_to));
        let commitments = self.commitment.iter().map(|row| (&row.source, None));
        let plans = self.plan.iter().map(|row| (&row.source, None));
        let limits = self.limit.iter().map(|row| (&row.source, None));
        let mut days: Vec<i32> = meters
            .chain(instances)
            .chain(commitments)
            .chain(plans)
            .chain(limits)
            .filter(|(_, end)| end.is_none_or(|end| on < end))
            .filter_map(|(source, _)| {
                let seen = self.source.get(source)?.observed_on.earliest();
                on.since(seen).ok().map(|span| span.get_days())
            })
            .collect();
        days.sort_unstable();
        let (oldest, median) = (*days.last()?, days[days.len() / 2]);
        let stale = days
            .iter()
            .filter(|days| i64::from(**days) > i64::from(self.stale_after_days))
            .count();
        Some(Ages {
            rows: days.len(),
            oldest_days: oldest,
            median_days: median,
            stale_share: share(stale, days.len()),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "a book has far fewer than 2^52 rows")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::diagnostic::Source;

    #[test]
    fn ages_leave_out_what_has_ended() {
        let source = |name: &str, day: &str| {
            format!("[source.{name}]\ntitle = \"list\"\nobserved_on = \"{day}\"\nconfidence = \"list\"\n")
        };
        let meter = |id: &str, source: &str, end: &str| {
            format!(
                "[[meter]]\nid = \"{id}\"\nunit = \"u\"\nprice = {{ amount = \"1\" }}\n{end}source = \
                    \"{source}\"\n"
            )
        };
        let head = "schema = 1\nprovider = \"p\"\nregion = \"r\"\ncurrency = \"USD\"\nmonth_hours = \
            \"730\"\ntax = \"excluded\"\nstale_after_days = 180\n";
        let text = [
            head.to_owned(),
            source("old", "2025-01-01"),
            source("new", "2026-01-01"),
            meter("a", "old", "effective_to = 2026-01-01\n"),
            meter("b", "old", ""),
            meter("c", "new", ""),
            meter("d", "new", ""),
        ]
        .concat();
        let book = PriceBook::read(&Source::new("b", text)).unwrap_or_else(|found| panic!("{found:?}"));
        // 2025 has 365 days; from 1 January to 1 February there are 31.
        let ages = book.ages(date(2026, 2, 1)).expect("rows");
        assert_eq!((ages.rows, ages.oldest_days, ages.median_days), (3, 396, 31));
        assert!((ages.stale_share - 1.0 / 3.0).abs() < 1e-12);
        let ages = book.ages(date(2025, 12, 1)).expect("rows");
        assert_eq!(ages.rows, 4, "on that day the first still holds");
    }
}
