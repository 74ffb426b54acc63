//! Lays one book over another: the user's own prices over the ones that are shipped.

use jiff::civil::Date;

use super::{Confidence, Instance, Meter, PriceBook};
use crate::error::DataError;

/// A row with the days on which it holds.
trait Dated: Clone {
    fn name(&self) -> &str;
    fn dates(&self) -> (Option<Date>, Option<Date>);
    fn with_dates(&self, from: Option<Date>, to: Option<Date>) -> Self;
    fn source(&mut self) -> &mut String;
}

impl Dated for Meter {
    fn name(&self) -> &str {
        &self.id
    }
    fn dates(&self) -> (Option<Date>, Option<Date>) {
        (self.effective_from, self.effective_to)
    }
    fn with_dates(&self, effective_from: Option<Date>, effective_to: Option<Date>) -> Self {
        Self {
            effective_from,
            effective_to,
            ..self.clone()
        }
    }
    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}

impl Dated for Instance {
    fn name(&self) -> &str {
        &self.sku
    }
    fn dates(&self) -> (Option<Date>, Option<Date>) {
        (self.effective_from, self.effective_to)
    }
    fn with_dates(&self, effective_from: Option<Date>, effective_to: Option<Date>) -> Self {
        Self {
            effective_from,
            effective_to,
            ..self.clone()
        }
    }
    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}

impl PriceBook {
    /// This book with another one over it, row by row.
    ///
    /// A meter or instance of `later` takes the days on which it holds from the rows of that name here, which
    /// keep the other days. A commitment, plan or limit takes the place of the one of its name. Adjustments
    /// of both count. The rest is as in `later`.
    ///
    /// # Errors
    /// [`DataError::OtherBook`] where provider, region or currency differ.
    pub fn overlaid(mut self, later: &Self) -> Result<Self, DataError> {
        if (&self.provider, &self.region, &self.currency) != (&later.provider, &later.region, &later.currency)
        {
            let written = |book: &Self| format!("{} in {}", book.name(), book.currency);
            return Err(DataError::OtherBook {
                later: written(later),
                book: written(&self),
            });
        }
        let mut later = later.clone();
        self.take_sources(&mut later);
        lay(&mut self.meter, later.meter);
        lay(&mut self.instance, later.instance);
        replace(&mut self.commitment, later.commitment, |row| row.id.as_str());
        replace(&mut self.plan, later.plan, |row| row.id.as_str());
        replace(&mut self.limit, later.limit, |row| row.id.as_str());
        self.adjustment.extend(later.adjustment);
        Ok(Self {
            month_hours: later.month_hours,
            stale_after_days: later.stale_after_days,
            ..self
        })
    }

    /// What the user wrote into this book and no price list has: adjustments, and rows whose source has the
    /// confidence `user`, with these sources.
    #[must_use]
    pub fn own(&self) -> Self {
        let mut own = self.clone();
        own.source
            .retain(|_, source| source.confidence == Confidence::User);
        let sources = &own.source;
        own.meter.retain(|row| sources.contains_key(&row.source));
        own.instance.retain(|row| sources.contains_key(&row.source));
        own.commitment.retain(|row| sources.contains_key(&row.source));
        own.plan.retain(|row| sources.contains_key(&row.source));
        own.limit.retain(|row| sources.contains_key(&row.source));
        own
    }

    /// Names of all rows: meters, instance types, commitments, plans and limits.
    #[must_use]
    pub fn row_names(&self) -> Vec<&str> {
        let meters = self.meter.iter().map(|row| row.id.as_str());
        let instances = self.instance.iter().map(|row| row.sku.as_str());
        let commitments = self.commitment.iter().map(|row| row.id.as_str());
        let plans = self.plan.iter().map(|row| row.id.as_str());
        let limits = self.limit.iter().map(|row| row.id.as_str());
        let rows = meters.chain(instances).chain(commitments);
        rows.chain(plans).chain(limits).collect()
    }

    /// Takes the sources of `later`. One whose name means another source here gets a name of its own.
    fn take_sources(&mut self, later: &mut Self) {
        for (name, source) in std::mem::take(&mut later.source) {
            let mut free = name.clone();
            let mut number = 1;
            while self.source.get(&free).is_some_and(|other| *other != source) {
                number += 1;
                free = format!("{name}-{number}");
            }
            if free != name {
                let rename = |written: &mut String| {
                    if *written == name {
                        written.clone_from(&free);
                    }
                };
                later.meter.iter_mut().for_each(|row| rename(row.source()));
                later.instance.iter_mut().for_each(|row| rename(row.source()));
                later
                    .commitment
                    .iter_mut()
                    .for_each(|row| rename(&mut row.source));
                later.plan.iter_mut().for_each(|row| rename(&mut row.source));
                later.limit.iter_mut().for_each(|row| rename(&mut row.source));
            }
            self.source.insert(free, source);
        }
    }
}

/// Puts each of `later` where the first row of its name stood, and takes its days from the others.
fn lay<T: Dated>(rows: &mut Vec<T>, later: Vec<T>) {
    for new in later {
        let place = rows
            .iter()
            .position(|row| row.name() == new.name())
            .unwrap_or(rows.len());
        let mut kept = Vec::with_capacity(rows.len() + 1);
        for (index, row) in rows.drain(..).enumerate() {
            if index == place {
                kept.push(new.clone());
            }
            if row.name() == new.name() {
                kept.extend(outside(&row, new.dates()))
            } else {
                kept.push(row)
            }
        }
        if place == kept.len() {
            kept.push(new);
        }
        *rows = kept;
    }
}

/// What is left of a row outside an interval: the part before it, and the part after it.
fn outside<T: Dated>(row: &T, (from, to): (Option<Date>, Option<Date>)) -> Vec<T> {
    let (row_from, row_to) = row.dates();
    let mut parts = Vec::new();
    if let Some(from) = from
        && row_from.is_none_or(|row_from| row_from < from)
    {
        let end = row_to.map_or(from, |row_to| row_to.min(from));
        parts.push(row.with_dates(row_from, Some(end)));
    }
    if let Some(to) = to
        && row_to.is_none_or(|row_to| to < row_to)
    {
        let begin = row_from.map_or(to, |row_from| row_from.max(to));
        parts.push(row.with_dates(Some(begin), row_to));
    }
    parts
}

fn replace<T>(rows: &mut Vec<T>, later: Vec<T>, name: impl Fn(&T) -> &str) {
    for new in later {
        match rows.iter_mut().find(|row| name(row) == name(&new)) {
            Some(row) => *row = new,
            None => rows.push(new),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::diagnostic::Source;

    fn book(currency: &str, rows: &str) -> PriceBook {
        let head = format!(
            "schema = 1\nprovider = \"p\"\nregion = \"r\"\ncurrency = \"{currency}\"\nmonth_hours = \
                \"730\"\ntax = \"excluded\"\nstale_after_days = 180\n"
        );
        PriceBook::read(&Source::new("b", head + rows)).unwrap_or_else(|found| panic!("{found:?}"))
    }

    const SHIPPED: &str = "[source.s]\ntitle = \"list\"\nobserved_on = \"2026\"\nconfidence = \"list\"
[[meter]]\nid = \"a\"\nunit = \"GB\"\nprice = { amount = \"1\" }\nsource = \"s\"
[[meter]]\nid = \"b\"\nunit = \"GB\"\nprice = { amount = \"2\" }\nsource = \"s\"\n";
    const CONTRACT: &str =
        "[source.s]\ntitle = \"contract\"\nobserved_on = \"2026\"\nconfidence = \"user\"\n";

    #[test]
    fn a_row_takes_the_place_of_the_one_of_its_name_and_brings_its_own_source() {
        let own = format!(
            "{CONTRACT}[[meter]]\nid = \"a\"\nunit = \"GB\"\nprice = {{ amount = \"0.5\" }}\nsource = \"s\"\n"
        );
        let merged = book("USD", SHIPPED)
            .overlaid(&book("USD", &own))
            .expect("of one book");
        let a = merged.meter("a", date(2026, 5, 1)).expect("there");
        assert_eq!(merged.source[&a.source].title, "contract");
        assert_eq!(
            (
                merged.meter.len(),
                merged
                    .meter("b", date(2026, 5, 1))
                    .expect("there")
                    .source
                    .as_str()
            ),
            (2, "s")
        );
    }

    #[test]
    fn what_is_the_users_own_is_adjustments_and_rows_of_their_sources() {
        let contract = "[source.u]\ntitle = \"contract\"\nobserved_on = \"2026\"\nconfidence = \"user\"\n\
            [[meter]]\nid = \"c\"\nunit = \"GB\"\nprice = { amount = \"1\" }\nsource = \"u\"\n\
            [[adjustment]]\norder = 1\nkind = \"percent\"\npercent = \"-9\"\nselector = \"*\"\n\
            label = \"EA\"\n";
        let own = book("USD", &format!("{SHIPPED}{contract}")).own();
        assert_eq!(
            (own.row_names(), own.adjustment.len(), own.source.len()),
            (vec!["c"], 1, 1)
        );
        assert!(book("USD", SHIPPED).own().row_names().is_empty());
    }

    #[test]
    fn a_dated_row_takes_only_its_days() {
        let own = format!(
            "{CONTRACT}[[meter]]\nid = \"a\"\nunit = \"GB\"\nprice = {{ amount = \"9\" }}\neffective_from = \
                2026-03-01\neffective_to = 2026-06-01\nsource = \"s\"\n"
        );
        let merged = book("USD", SHIPPED)
            .overlaid(&book("USD", &own))
            .expect("of one book");
        let amount = |month| {
            merged
                .meter("a", date(2026, month, 1))
                .and_then(|meter| meter.price.as_ref()?.amount)
                .map(|amount| amount.to_string())
        };
        assert_eq!(
            [amount(2), amount(3), amount(5), amount(6)].map(Option::unwrap_or_default),
            ["1", "9", "9", "1"]
        );
    }

    #[test]
    fn adjustments_are_added_and_another_currency_is_refused() {
        let own = "[[adjustment]]\norder = 1\nkind = \"percent\"\npercent = \"-9\"\nselector = \"*\"\nlabel \
            = \"discount\"\n";
        let merged = book("USD", SHIPPED)
            .overlaid(&book("USD", own))
            .expect("of one book");
        assert_eq!((merged.adjustment.len(), merged.meter.len()), (1, 2));
        assert!(book("USD", SHIPPED).overlaid(&book("EUR", own)).is_err());
    }

    #[test]
    fn a_book_over_itself_is_itself() {
        let shipped = book("USD", SHIPPED);
        assert_eq!(shipped.clone().overlaid(&shipped).expect("of one book"), shipped);
    }
}
