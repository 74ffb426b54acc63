//! Books while they are filled, their sources, and the account of what became of each row.

use std::collections::BTreeMap;

pub use super::imported_book::LeftOut;
use super::{
    Wanted,
    csv_table::CsvRow,
    imported_book::{FileAccount, ImportedBook},
};
use crate::{
    diagnostic::{Diagnostic, Source},
    price_book::{
        Commitment, Confidence, Instance, Meter, ObservedOn, Plan, PriceBook, PriceSource, ProviderLimit, Tax,
    },
    units::QuotedDecimal,
};

/// Days after which a price of a book counts as old.
const STALE_AFTER_DAYS: u32 = 180;

/// All books of an import.
#[derive(Debug)]
pub struct BookSet<'a> {
    wanted: &'a Wanted,
    books: BTreeMap<(String, String), Book>,
    left_out: Vec<LeftOut>,
    /// Notes with the file that they are about.
    notes: Vec<(String, String)>,
}

/// A book while it is filled.
#[derive(Debug)]
pub struct Book {
    provider: String,
    region: String,
    currency: Option<String>,
    pub month_hours: QuotedDecimal,
    sources: BTreeMap<String, PriceSource>,
    pub meters: Vec<Meter>,
    pub instances: Vec<Instance>,
    pub commitments: Vec<Commitment>,
    pub plans: Vec<Plan>,
    pub limits: Vec<ProviderLimit>,
    files: BTreeMap<String, FileAccount>,
    left_out: Vec<LeftOut>,
    /// File of each row that a vendor's list gave, by kind and name.
    origins: BTreeMap<(&'static str, String), String>,
}

impl<'a> BookSet<'a> {
    pub fn new(wanted: &'a Wanted) -> Self {
        Self {
            wanted,
            books: BTreeMap::new(),
            left_out: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Something that a reader must know of every book with rows of a file.
    pub fn note(&mut self, file: &str, text: &str) {
        self.notes.push((base_name(file).to_owned(), text.to_owned()));
    }

    /// What is wanted.
    pub fn wanted(&self) -> &'a Wanted {
        self.wanted
    }

    /// The book of a provider and region; none where it was not asked for.
    pub fn book(&mut self, provider: &str, region: &str) -> Option<&mut Book> {
        let other =
            |wanted: &Option<String>, this: &str| wanted.as_ref().is_some_and(|wanted| wanted != this);
        if other(&self.wanted.provider, provider) || other(&self.wanted.region, region) {
            return None;
        }
        let key = (provider.to_owned(), region.to_owned());
        Some(
            self.books
                .entry(key)
                .or_insert_with(|| Book::new(provider, region)),
        )
    }

    /// The books of a provider that have been begun.
    pub fn of_provider<'b>(&'b mut self, provider: &'b str) -> impl Iterator<Item = &'b mut Book> {
        self.books
            .values_mut()
            .filter(move |book| book.provider == provider)
    }

    /// A row that is for no book.
    pub fn leave_out(&mut self, left_out: LeftOut) {
        self.left_out.push(left_out);
    }

    /// Whether a provider was asked for.
    pub fn wants(&self, provider: &str) -> bool {
        self.wanted
            .provider
            .as_ref()
            .is_none_or(|wanted| wanted == provider)
    }

    /// The finished books, each checked as if it had been read, and the rows that are in none. A book without
    /// any row is none: its rows are all left out.
    pub fn finish(self) -> Result<(Vec<ImportedBook>, Vec<LeftOut>), Vec<Diagnostic>> {
        let mut books = Vec::new();
        let mut left_out = self.left_out;
        for book in self.books.into_values() {
            let mut imported = book.finish();
            if imported.is_empty() {
                left_out.extend(imported.left_out);
                continue;
            }
            let name = imported.book.name();
            let parts = [&imported.book.provider, &imported.book.region];
            if let Some(part) = parts.into_iter().find(|part| !is_region(part)) {
                let message = format!("`{part}` is not the name of a provider or region");
                let file = imported.files.keys().next().cloned().unwrap_or_default();
                let help = "correct it in the file: letters, digits and dashes";
                return Err(vec![Diagnostic::at(&file, 0..0, message, help)]);
            }
            let own = |(file, text): &(String, String)| {
                imported
                    .files
                    .contains_key(file)
                    .then(|| format!("{file}: {text}"))
            };
            imported.notes = self.notes.iter().filter_map(own).collect();
            PriceBook::read(&Source::new(format!("{name}.toml"), imported.to_toml()))?;
            books.push(imported);
        }
        Ok((books, left_out))
    }
}

impl Book {
    fn new(provider: &str, region: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            region: region.to_owned(),
            currency: None,
            month_hours: QuotedDecimal(rust_decimal::Decimal::from(730)),
            sources: BTreeMap::new(),
            meters: Vec::new(),
            instances: Vec::new(),
            commitments: Vec::new(),
            plans: Vec::new(),
            limits: Vec::new(),
            files: BTreeMap::new(),
            left_out: Vec::new(),
            origins: BTreeMap::new(),
        }
    }

    /// Takes rows of one meter, for different days, out of a vendor's list; an error if another list has it.
    pub fn take_meters(&mut self, file: &str, rows: Vec<Meter>) -> Result<(), String> {
        let Some(first) = rows.first() else { return Ok(()) };
        self.originate("meter", &first.id, file)?;
        self.meters.extend(rows);
        Ok(())
    }

    /// The same for rows of one instance type.
    pub fn take_instances(&mut self, file: &str, rows: Vec<Instance>) -> Result<(), String> {
        let Some(first) = rows.first() else { return Ok(()) };
        self.originate("instance", &first.sku, file)?;
        self.instances.extend(rows);
        Ok(())
    }

    /// The same for a commitment.
    pub fn take_commitment(&mut self, file: &str, commitment: Commitment) -> Result<(), String> {
        self.originate("commitment", &commitment.id, file)?;
        self.commitments.push(commitment);
        Ok(())
    }

    /// Remembers which file a row is from.
    fn originate(&mut self, kind: &'static str, name: &str, file: &str) -> Result<(), String> {
        let key = (kind, name.to_owned());
        match self.origins.insert(key, file.to_owned()) {
            Some(other) => Err(format!(
                "{kind} `{name}` is in {file} and, before that, in {other}"
            )),
            None => Ok(()),
        }
    }

    /// The region of the book.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Counts a row of a file that is for this book.
    pub fn count(&mut self, file: &str) {
        self.files.entry(base_name(file).to_owned()).or_default().rows += 1;
    }

    /// A row of a CSV file, already counted, that is not taken.
    pub fn leave_out(&mut self, row: &CsvRow<'_>, what: &str, reason: impl Into<String>) {
        self.leave_out_at(row.file(), row.line(), what, reason, true);
    }

    /// The same for any file; `whole` where nothing of the row is in the book.
    pub fn leave_out_at(
        &mut self,
        file: &str,
        line: usize,
        what: &str,
        reason: impl Into<String>,
        whole: bool,
    ) {
        let file = base_name(file).to_owned();
        if whole {
            self.files.entry(file.clone()).or_default().left_out += 1;
        }
        self.left_out.push(LeftOut {
            file,
            line,
            row: what.to_owned(),
            reason: reason.into(),
        });
    }

    /// Holds the book to one currency.
    pub fn currency(&mut self, currency: &str) -> Result<(), String> {
        let of_book = self.currency.get_or_insert_with(|| currency.to_owned());
        if of_book == currency {
            Ok(())
        } else {
            Err(format!(
                "the amount is in {currency}, others of {}/{} in {of_book}",
                self.provider, self.region
            ))
        }
    }

    /// Adds a source where it is new, and gives its name. `date` may be partial (`2026`, `2026-07`) or a span
    /// (`2025-10..2026-03`), which counts as its first day and stays in the title.
    pub fn source(&mut self, title: &str, date: &str, note: &str) -> Result<String, String> {
        let doubted = note
            .split(';')
            .any(|part| part.trim().starts_with("approximate") || part.trim().starts_with("weak"));
        let approximate = doubted || title.contains("public documents");
        self.source_as(title, date, approximate.then_some(Confidence::Approximate))
    }

    /// The same where the file says how close the source is to the vendor. What was seen at an unknown date
    /// within a span is approximate.
    pub fn source_as(
        &mut self,
        title: &str,
        date: &str,
        stated: Option<Confidence>,
    ) -> Result<String, String> {
        let (first, span) = first_of_span(date);
        let title = if span {
            format!("{title} (seen {date})")
        } else {
            title.to_owned()
        };
        let observed_on: ObservedOn = first.parse().map_err(|_| format!("`{date}` is not a date"))?;
        let confidence = if span {
            Confidence::Approximate
        } else {
            stated.unwrap_or_else(|| confidence(&title))
        };
        let source = PriceSource {
            url: url(&title).map(str::to_owned),
            title,
            observed_on,
            published: None,
            confidence,
        };
        let short = slug(&source.title, 6);
        let taken = self.sources.get(&short).is_some_and(|other| *other != source);
        let name = if taken {
            format!("{short}-{}", slug(date, 9))
        } else {
            short
        };
        Ok(self.add_source(&name, source))
    }

    /// Adds a source under a name, or under a name like it where another one has that.
    pub fn add_source(&mut self, name: &str, source: PriceSource) -> String {
        let mut candidate = name.to_owned();
        let mut number = 1;
        while self.sources.get(&candidate).is_some_and(|other| *other != source) {
            number += 1;
            candidate = format!("{name}-{number}");
        }
        self.sources.insert(candidate.clone(), source);
        candidate
    }

    /// One source for a row that was put together from several: the oldest day counts, the title names all.
    pub fn joined_source(&mut self, id: &str, names: &[String]) -> String {
        let mut distinct: Vec<&String> = names.iter().collect();
        distinct.sort();
        distinct.dedup();
        if let [one] = distinct[..] {
            return one.clone();
        }
        let mut sources: Vec<&PriceSource> = distinct
            .iter()
            .filter_map(|name| self.sources.get(*name))
            .collect();
        sources.sort_by_key(|source| std::cmp::Reverse(source.observed_on.earliest()));
        let title = sources
            .iter()
            .map(|source| format!("{} ({})", source.title, source.observed_on))
            .collect::<Vec<_>>()
            .join("; ");
        let Some(oldest) = sources.last() else {
            return String::new();
        };
        let confidence = sources
            .iter()
            .map(|source| source.confidence)
            .max_by_key(|confidence| rank(*confidence))
            .unwrap_or(Confidence::Secondary);
        let source = PriceSource {
            title,
            url: oldest.url.clone(),
            observed_on: oldest.observed_on.clone(),
            published: None,
            confidence,
        };
        self.add_source(&format!("{}-tiers", slug(id, 6)), source)
    }

    fn finish(mut self) -> ImportedBook {
        let used = |name: &String, book: &Self| {
            let meters = book
                .meters
                .iter()
                .map(|row| &row.source)
                .chain(book.instances.iter().map(|row| &row.source));
            let others = book
                .commitments
                .iter()
                .map(|row| &row.source)
                .chain(book.plans.iter().map(|row| &row.source));
            meters
                .chain(others)
                .chain(book.limits.iter().map(|row| &row.source))
                .any(|source| source == name)
        };
        let unused: Vec<String> = self
            .sources
            .keys()
            .filter(|name| !used(name, &self))
            .cloned()
            .collect();
        unused.iter().for_each(|name| drop(self.sources.remove(name)));
        let book = PriceBook {
            schema: 1,
            provider: self.provider,
            region: self.region,
            currency: self.currency.unwrap_or_else(|| "USD".to_owned()),
            month_hours: self.month_hours,
            tax: Tax::Excluded,
            stale_after_days: STALE_AFTER_DAYS,
            source: self.sources,
            meter: self.meters,
            instance: self.instances,
            commitment: self.commitments,
            plan: self.plans,
            limit: self.limits,
            adjustment: Vec::new(),
        };
        ImportedBook {
            book,
            files: self.files,
            left_out: self.left_out,
            notes: Vec::new(),
        }
    }
}

/// The name of a file without its folders.
pub fn base_name(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

/// Whether a text may be the name of a region, which becomes the name of a file.
pub fn is_region(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
}

/// The first day of a span of dates, and whether it is one: `2025-10..2026-03`, `2016-2018`.
pub fn first_of_span(date: &str) -> (&str, bool) {
    if let Some((first, _)) = date.split_once("..") {
        return (first, true);
    }
    match date.split_once('-') {
        Some((first, last)) if first.len() == 4 && last.len() == 4 => (first, true),
        _ => (date, false),
    }
}

/// A note for the reader of a row; none where there is nothing to say.
pub fn noted(parts: &[&str]) -> Option<String> {
    let mut said: Vec<&str> = Vec::new();
    for part in parts
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
    {
        if !said.contains(&part) {
            said.push(part);
        }
    }
    if said.is_empty() {
        None
    } else {
        Some(said.join("; "))
    }
}

/// The first words of a text as a name: letters and digits with dashes.
fn slug(text: &str, words: usize) -> String {
    let lower = text.to_lowercase();
    let parts = lower
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|part| !part.is_empty());
    parts.take(words).collect::<Vec<_>>().join("-")
}

fn rank(confidence: Confidence) -> u8 {
    match confidence {
        Confidence::List => 0,
        Confidence::Page => 1,
        Confidence::Secondary => 2,
        Confidence::Derived => 3,
        Confidence::Approximate => 4,
        Confidence::User => 5,
    }
}

/// How direct a source is, from its title: a vendor's page or documentation, or somebody else's copy.
fn confidence(title: &str) -> Confidence {
    const PAGES: [&str; 6] = [
        "pricing page",
        "developer guide",
        "cloudflare-docs",
        "superfly/docs",
        "pages (stored",
        "community.auth0.com",
    ];
    let page =
        PAGES.iter().any(|page| title.contains(page)) && !title.contains("ADR") && !title.contains("quoted");
    if page {
        Confidence::Page
    } else {
        Confidence::Secondary
    }
}

/// Where a source is, from its title.
fn url(title: &str) -> Option<&'static str> {
    const KNOWN: [(&str, &str); 12] = [
        (
            "karpenter-provider-azure",
            "https://github.com/Azure/karpenter-provider-azure",
        ),
        (
            "karpenter-provider-aws",
            "https://github.com/aws/karpenter-provider-aws",
        ),
        ("ec2.shop", "https://github.com/yeo/ec2.shop"),
        ("infracost", "https://github.com/infracost/infracost"),
        (
            "Cyclenerd",
            "https://github.com/Cyclenerd/google-cloud-pricing-cost-calculator",
        ),
        (
            "ec2instances.info",
            "https://github.com/vantage-sh/ec2instances.info",
        ),
        (
            "AWS Lambda pricing page",
            "https://aws.amazon.com/lambda/pricing/",
        ),
        (
            "AWS Fargate pricing page",
            "https://aws.amazon.com/fargate/pricing/",
        ),
        (
            "AWS Lambda developer guide",
            "https://docs.aws.amazon.com/lambda/",
        ),
        ("cloudflare-docs", "https://github.com/cloudflare/cloudflare-docs"),
        ("superfly/docs", "https://github.com/superfly/docs"),
        (
            "skypilot-catalog",
            "https://github.com/skypilot-org/skypilot-catalog",
        ),
    ];
    KNOWN
        .iter()
        .find(|(part, _)| title.contains(part))
        .map(|(_, url)| *url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_cannot_lead_out_of_its_folder() {
        for name in ["eu-west-1", "westeurope", "us_gov"] {
            assert!(is_region(name), "{name}");
        }
        for name in ["", "..", "../etc", "a/b", "Zone 1", "-x"] {
            assert!(!is_region(name), "{name}");
        }
    }
}
