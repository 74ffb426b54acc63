//! Books while they are filled, their sources, and the account of what became of each row.

use std::collections::BTreeMap;

use super::{Wanted, csv_table::CsvRow};
use crate::{
    diagnostic::{Diagnostic, Source},
    price_book::{
        Commitment, Confidence, Instance, Meter, ObservedOn, Plan, PriceBook, PriceSource, ProviderLimit, Tax,
    },
    units::QuotedDecimal,
};

/// Days after which a price of a book counts as old.
const STALE_AFTER_DAYS: u32 = 180;

/// A row that did not become part of a book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The file.
    pub file: String,
    /// The line, from 1; 0 where it is not known.
    pub line: usize,
    /// What the row is of.
    pub row: String,
    /// Why it is not in the book.
    pub reason: String,
}

/// How many rows a file had for a book, and what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileAccount {
    /// Rows of the file that are for this book.
    pub rows: usize,
    /// Those of them that are left out.
    pub left_out: usize,
}

/// A book with the account of how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedBook {
    /// The book.
    pub book: PriceBook,
    /// Accounts, by file.
    pub files: BTreeMap<String, FileAccount>,
    /// Rows for this book that are not in it.
    pub left_out: Vec<LeftOut>,
}

impl ImportedBook {
    /// The book as a file, with the account in its first lines.
    #[must_use]
    pub fn to_toml(&self) -> String {
        self.book.to_toml(&self.header())
    }

    /// What the book's rows were made of, in lines.
    fn header(&self) -> String {
        let book = &self.book;
        let mut text = format!(
            "{}: written by `locust-nest pricing import`. Amounts exclude tax; one that is not known is \
                left out.\n\n",
            book.name()
        );
        let counted =
            |count: usize, one: &str, more: &str| format!("{count} {}", if count == 1 { one } else { more });
        let parts = [
            counted(book.meter.len(), "meter", "meters"),
            counted(book.instance.len(), "instance", "instances"),
            counted(book.commitment.len(), "commitment", "commitments"),
            counted(book.plan.len(), "plan", "plans"),
            counted(book.limit.len(), "limit", "limits"),
        ];
        text += &format!("{}; tiers of one meter are one row here.\n", parts.join(", "));
        for (file, account) in &self.files {
            text += &format!(
                "{file}: {} read, {} left out\n",
                counted(account.rows, "row", "rows"),
                account.left_out
            );
        }
        if !self.left_out.is_empty() {
            text += "\nLeft out:\n";
            text += &self.reasons();
        }
        text
    }

    /// Reasons with the rows that they hold for.
    fn reasons(&self) -> String {
        const NAMED: usize = 6;
        let mut by_reason: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for one in &self.left_out {
            by_reason
                .entry((&one.file, &one.reason))
                .or_default()
                .push(&one.row);
        }
        by_reason
            .into_iter()
            .map(|((file, reason), rows)| {
                let more = if rows.len() > NAMED {
                    format!(" and {} more", rows.len() - NAMED)
                } else {
                    String::new()
                };
                let named: Vec<&str> = rows.into_iter().take(NAMED).collect();
                format!("- {file}: {}{more}: {reason}\n", named.join(", "))
            })
            .collect()
    }
}

/// All books of an import.
#[derive(Debug)]
pub struct BookSet<'a> {
    wanted: &'a Wanted,
    books: BTreeMap<(String, String), Book>,
    left_out: Vec<LeftOut>,
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
}

impl<'a> BookSet<'a> {
    pub fn new(wanted: &'a Wanted) -> Self {
        Self {
            wanted,
            books: BTreeMap::new(),
            left_out: Vec::new(),
        }
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

    /// The finished books; each is checked as if it had been read.
    pub fn finish(self) -> Result<(Vec<ImportedBook>, Vec<LeftOut>), Vec<Diagnostic>> {
        let mut books = Vec::new();
        for book in self.books.into_values() {
            let imported = book.finish();
            let name = format!("{}.toml", imported.book.name());
            PriceBook::read(&Source::new(name, imported.to_toml()))?;
            books.push(imported);
        }
        Ok((books, self.left_out))
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
        }
    }
}

/// The name of a file without its folders.
pub fn base_name(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
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
