//! Answers of the Azure Retail Prices API: one item a price, with the name of the size and of the product.
//!
//! Several meters share the name of a size: Windows, spot, low priority, cloud services. The list does not
//! say which is which but in names, nor how large a size is; that comes from the built-in books, or from the
//! user.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{
    builder::{Book, BookSet, LeftOut, base_name, is_region},
    service_rules,
    vendor::{
        self, Buying, NO_ROW, ONE_CURRENCY, ONE_LIST, PLACEHOLDER, REPEATED,
        azure_row::{AzurePrice, AzureUse},
        json::{self, JsonPage},
        list_source,
        sizes::{STATE_SIZE, Sizes},
        timeline::{Dated, spans},
    },
};
use crate::{
    diagnostic::{Diagnostic, Source},
    price_book::{Commitment, CommitmentKind, Instance, Payment, PriceBook},
    units::QuotedDecimal,
};

/// Prices of one machine, by the way to buy it.
type Uses<'a> = BTreeMap<Buying, Vec<&'a AzurePrice<'a>>>;

/// Adds an answer, of which each file may hold some pages.
pub fn add(
    files: &[&Source],
    known: &[PriceBook],
    sizes: &Sizes,
    books: &mut BookSet<'_>,
) -> Result<(), Vec<Diagnostic>> {
    let mut pages: Vec<JsonPage<'_>> = Vec::new();
    for file in files {
        pages.extend(json::pages(file, "items").map_err(|error| vec![error])?);
    }
    if let Some(file) = files
        .first()
        .filter(|_| pages.iter().all(|page| page.rows.is_empty()))
    {
        let message = "the list of items is empty";
        return Err(vec![Diagnostic::at(
            &file.name,
            0..0,
            message,
            "check the filter of the request",
        )]);
    }
    vendor::note_incomplete(&pages, "servicename", books);
    let mut by_region: BTreeMap<String, Vec<AzurePrice<'_>>> = BTreeMap::new();
    for row in pages.iter().flat_map(|page| &page.rows) {
        let left_out = match AzurePrice::read(row) {
            Ok(price) if is_region(&price.region) => {
                by_region.entry(price.region.clone()).or_default().push(price);
                continue;
            }
            Ok(price) => (
                format!("{} {}", price.product, price.meter),
                format!("its `armRegionName` is `{}`, which is not a region", price.region),
            ),
            Err(reason) => (
                row.fields
                    .text("metername")
                    .unwrap_or_else(|| "an item".to_owned()),
                reason,
            ),
        };
        books.leave_out(LeftOut {
            file: base_name(&row.file.name).to_owned(),
            line: 0,
            row: left_out.0,
            reason: left_out.1,
        });
    }
    let (observed, today) = (books.wanted().observed_on, books.wanted().today);
    let mut found = Vec::new();
    for (region, prices) in &by_region {
        let begun = |day: &Date| today.is_none_or(|today| *day <= today);
        let newest = prices.iter().filter_map(|price| price.from).filter(begun).max();
        let Some(book) = books.book("azure", region) else {
            continue;
        };
        let title = "Azure Retail Prices API".to_owned();
        let url = "https://prices.azure.com/api/retail/prices";
        let Some(source) = list_source(title, url, newest, observed) else {
            let message = "no item states the day from which its price is valid";
            let help = "say when the file was downloaded, with --observed-on DATE";
            found.push(prices[0].row.wrong(message, help));
            continue;
        };
        let source = book.add_source("list-azure", source);
        let region = Region {
            known,
            sizes,
            source: &source,
            today,
        };
        found.extend(region.add(prices, book).err().into_iter().flatten());
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// What the prices of one region are added with.
struct Region<'a> {
    known: &'a [PriceBook],
    sizes: &'a Sizes,
    source: &'a str,
    today: Option<Date>,
}

impl Region<'_> {
    fn add(&self, prices: &[AzurePrice<'_>], book: &mut Book) -> Result<(), Vec<Diagnostic>> {
        let mut found = Vec::new();
        let mut machines: BTreeMap<&str, Uses<'_>> = BTreeMap::new();
        let mut meters: BTreeMap<&str, BTreeMap<Decimal, Vec<&AzurePrice<'_>>>> = BTreeMap::new();
        for price in prices {
            book.count(&price.row.file.name);
            let what = format!("{} {}", price.product, price.meter);
            let mut left_out =
                |what: &str, reason: String| book.leave_out_at(&price.row.file.name, 0, what, reason, true);
            if let Some(reason) = price.outdated(self.today) {
                left_out(&what, reason);
                continue;
            }
            let slot = match price.use_of() {
                None => {
                    left_out(&what, NO_ROW.to_owned());
                    continue;
                }
                Some(AzureUse::Meter(id)) => meters.entry(id).or_default().entry(price.begin).or_default(),
                Some(AzureUse::Machine(buying)) => {
                    if let Err(reason) = price.of_machine(buying) {
                        left_out(&what, reason);
                        continue;
                    }
                    if !self.sizes.contains_key(&price.size) {
                        left_out(&price.size, STATE_SIZE.to_owned());
                        continue;
                    }
                    machines
                        .entry(&price.size)
                        .or_default()
                        .entry(buying)
                        .or_default()
                }
            };
            match twin(slot, price) {
                Some(Ok(())) => left_out(&what, REPEATED.to_owned()),
                Some(Err(error)) => found.push(error),
                None => slot.push(price),
            }
        }
        let mut rates: BTreeMap<u32, BTreeMap<String, QuotedDecimal>> = BTreeMap::new();
        for (sku, uses) in machines {
            found.extend(self.add_machine(sku, uses, &mut rates, book).err());
        }
        for (id, tiers) in meters {
            found.extend(self.add_meter(id, tiers, book).err());
        }
        let file = prices.first().map_or("", |price| &price.row.file.name);
        for (years, rates) in rates {
            let id = format!("savings-plan-{years}y-none");
            let plan = vendor::savings_plan(id, None, years, Payment::None, rates, self.source);
            let taken = book.take_commitment(file, plan);
            found.extend(
                taken
                    .err()
                    .map(|message| Diagnostic::at(file, 0..0, message, ONE_LIST)),
            );
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    /// Adds a machine with a row for each span of days, its reservations, and its rates under savings plans.
    fn add_machine(
        &self,
        sku: &str,
        mut uses: Uses<'_>,
        rates: &mut BTreeMap<u32, BTreeMap<String, QuotedDecimal>>,
        book: &mut Book,
    ) -> Result<(), Diagnostic> {
        for price in uses.values().flatten() {
            book.currency(&price.currency)
                .map_err(|message| price.row.wrong(message, ONE_CURRENCY))?;
        }
        let Some(first) = uses.values().flatten().next().map(|price| price.row) else {
            return Ok(());
        };
        for (buying, years) in [(Buying::OneYear, 1), (Buying::ThreeYears, 3)] {
            let terms = uses.remove(&buying).unwrap_or_default();
            let Some(price) = self.today_of(terms) else {
                continue;
            };
            self.add_reservation(sku, price, years, book)?;
        }
        if let Some(price) = self.today_of(uses.get(&Buying::OnDemand).cloned().unwrap_or_default()) {
            for (years, rate) in price.savings() {
                rates
                    .entry(years)
                    .or_default()
                    .insert(sku.to_owned(), QuotedDecimal(rate));
            }
        }
        let size = &self.sizes[sku];
        let slots = uses
            .into_iter()
            .map(|(buying, prices)| (buying, prices.into_iter().map(dated).collect()));
        let rows: Vec<Instance> = spans(slots.collect(), self.today)
            .into_iter()
            .map(|span| {
                let hourly = |buying: Buying| {
                    span.rows
                        .get(&buying)
                        .and_then(|price| price.of_machine(buying).ok())
                };
                let price = vendor::hourly(hourly(Buying::OnDemand), hourly(Buying::Spot));
                Instance {
                    effective_from: span.from,
                    effective_to: span.to,
                    vendor_code: span
                        .rows
                        .get(&Buying::OnDemand)
                        .map(|price| price.meter_id.clone()),
                    note: Some(format!(
                        "processors and memory are from {}, not from the price list",
                        size.from
                    )),
                    ..vendor::machine(sku, size, price, self.source)
                }
            })
            .collect();
        book.take_instances(&first.file.name, rows)
            .map_err(|message| first.wrong(message, ONE_LIST))
    }

    /// Of prices that follow one another, the one that holds today.
    fn today_of<'p>(&self, prices: Vec<&'p AzurePrice<'p>>) -> Option<&'p AzurePrice<'p>> {
        let slots = BTreeMap::from([((), prices.into_iter().map(dated).collect())]);
        let first = spans(slots, self.today).into_iter().next()?;
        let begun = first
            .from
            .is_none_or(|from| self.today.is_none_or(|today| from <= today));
        first.rows.into_values().next().filter(|_| begun)
    }

    fn add_reservation(
        &self,
        sku: &str,
        price: &AzurePrice<'_>,
        years: u32,
        book: &mut Book,
    ) -> Result<(), Diagnostic> {
        let id = format!("{sku}-{years}y-all");
        let kind = CommitmentKind::Reserved;
        let commitment = Commitment {
            // A reservation's price is for the whole term.
            upfront: QuotedDecimal(price.amount),
            vendor_code: Some(price.meter_id.clone()),
            note: Some("may be paid by the month for the same sum".to_owned()),
            ..vendor::commitment_to(sku, id, kind, years * 12, Payment::All, self.source)
        };
        book.take_commitment(&price.row.file.name, commitment)
            .map_err(|message| price.row.wrong(message, ONE_LIST))
    }

    /// Adds a meter with a row for each span of days. Its unit is a number of something: `10`, `1M`,
    /// `1 GB Second`. A meter without its first tier is left out: what is below it is not known.
    fn add_meter(
        &self,
        id: &str,
        tiers: BTreeMap<Decimal, Vec<&AzurePrice<'_>>>,
        book: &mut Book,
    ) -> Result<(), Diagnostic> {
        let rule = service_rules::by_id("azure", id).expect("every meter of a list is one of the books");
        let all: Vec<&AzurePrice<'_>> = tiers.values().flatten().copied().collect();
        for price in &all {
            book.currency(&price.currency)
                .map_err(|message| price.row.wrong(message, ONE_CURRENCY))?;
        }
        let slots = tiers
            .into_iter()
            .map(|(begin, prices)| (begin, prices.into_iter().map(dated).collect()));
        let mut rows = Vec::new();
        for span in spans(slots.collect(), self.today) {
            let steps: Option<Vec<(Decimal, Decimal)>> = span
                .rows
                .values()
                .map(|price| {
                    let per = price.counted()?;
                    Some((price.begin * per, (price.amount / per).normalize()))
                })
                .collect();
            let reason = match steps.as_ref().map(|steps| vendor::price(steps.clone())) {
                _ if span.rows.values().all(|price| price.amount.is_zero()) => PLACEHOLDER.to_owned(),
                None => "it is priced per something that cannot be counted".to_owned(),
                Some(None) => "its tiers do not begin at 0 units: some are missing".to_owned(),
                Some(Some(price)) => {
                    let code = span.rows.values().next().map_or("", |price| &price.meter_id);
                    let mut meter = vendor::meter(rule, price, code, self.source, self.known, "azure");
                    (meter.effective_from, meter.effective_to) = (span.from, span.to);
                    rows.push(meter);
                    continue;
                }
            };
            for price in span.rows.values() {
                let what = format!("{} {} of `{id}`", price.product, price.meter);
                book.leave_out_at(&price.row.file.name, 0, &what, reason.clone(), true);
            }
        }
        let first = all[0].row;
        book.take_meters(&first.file.name, rows)
            .map_err(|message| first.wrong(message, ONE_LIST))
    }
}

/// Whether a price is there already: the same one again, or another one that cannot be told apart. Prices of
/// one meter that begin on different days follow one another.
fn twin(slot: &[&AzurePrice<'_>], price: &AzurePrice<'_>) -> Option<Result<(), Diagnostic>> {
    let other = slot
        .iter()
        .find(|other| other.meter_id != price.meter_id || other.from == price.from)?;
    if other.row.same(price.row) || (other.meter_id == price.meter_id && other.amount == price.amount) {
        return Some(Ok(()));
    }
    let message = format!(
        "`{}` has two prices: meters {} ({}) and {} ({})",
        if price.size.is_empty() {
            &price.meter
        } else {
            &price.size
        },
        other.meter_id,
        other.product,
        price.meter_id,
        price.product
    );
    let help = "the list has a new kind of product, which this version cannot tell apart; delete the item \
        that you do not want";
    Some(Err(price.row.wrong(message, help)))
}

/// A price with the days on which it holds.
fn dated<'a>(price: &'a AzurePrice<'a>) -> Dated<&'a AzurePrice<'a>> {
    Dated {
        from: price.from,
        to: price.to,
        row: price,
    }
}
