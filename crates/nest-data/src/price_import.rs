//! Price books out of price files: our own CSV files, and the files that AWS, Azure and Google Cloud publish.
//!
//! What a file is, is told from its content. Amounts keep their digits: no price passes through a float.
//! Every row of a file ends in a book or in a list of rows left out, with the reason. Nothing here touches a
//! file or the network.

mod aws_offer;
mod aws_offer_csv;
mod aws_rules;
mod azure_retail;
mod builder;
mod commitments;
mod csv_table;
mod gcp_catalog;
mod instances;
mod json;
mod limits;
mod service_rules;
mod services;
mod vendor;
mod vps;

use std::collections::BTreeMap;

use jiff::civil::Date;

use self::{
    builder::BookSet,
    csv_table::{CsvKind, CsvText},
};
pub use self::{
    builder::{FileAccount, ImportedBook, LeftOut},
    json::next_page,
};
use crate::{
    diagnostic::{Diagnostic, Source},
    price_book::PriceBook,
};

/// What is wanted of the files.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only books of this provider.
    pub provider: Option<String>,
    /// Only the book of this region.
    pub region: Option<String>,
    /// Day on which a vendor's file was fetched, where the file states none itself.
    pub observed_on: Option<Date>,
}

/// What came of the files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Import {
    /// The books, by name.
    pub books: Vec<ImportedBook>,
    /// Rows that belong to no book.
    pub left_out: Vec<LeftOut>,
    /// Files that hold no prices, with what they hold.
    pub passed_over: Vec<(String, &'static str)>,
}

/// Makes books of price files. Files of one provider and region become one book.
///
/// `known` are books that say how large instance types are, where a vendor's price list does not.
///
/// # Errors
/// A file is none that is known, lacks columns or parts, or holds a value that cannot be read; each with its
/// line. Also a row that matches a price of which there must be one, and is not alone.
pub fn import(files: &[Source], wanted: &Wanted, known: &[PriceBook]) -> Result<Import, Vec<Diagnostic>> {
    let mut books = BookSet::new(wanted);
    let mut passed_over = Vec::new();
    let mut found = Vec::new();
    let mut last = Vec::new();
    // An answer may come in pages, of which each knows only a part of the prices of one type.
    let (mut azure, mut gcp) = (Vec::new(), Vec::new());
    for file in files {
        match kind(file) {
            Ok(Kind::AzureRetail) => azure.push(file),
            Ok(Kind::GcpCatalog) => gcp.push(file),
            Ok(Kind::NoPrices(what)) => passed_over.push((file.name.clone(), what)),
            Ok(Kind::Csv(kind)) if kind.adds_to().is_some() => last.push((file, kind)),
            Ok(kind) => found.extend(read(file, kind, known, &mut books).err().into_iter().flatten()),
            Err(error) => found.push(error),
        }
    }
    for (pages, list, kind) in [
        (azure, "Items", Kind::AzureRetail),
        (gcp, "skus", Kind::GcpCatalog),
    ] {
        let done = match &pages[..] {
            [] => Ok(()),
            [page] => read(page, kind, known, &mut books),
            pages => json::joined(pages, list)
                .map_err(|error| vec![error])
                .and_then(|whole| read(&whole, kind, known, &mut books)),
        };
        found.extend(done.err().into_iter().flatten());
    }
    last.sort_by_key(|(_, kind)| kind.adds_to());
    for (file, kind) in last {
        found.extend(
            read(file, Kind::Csv(kind), known, &mut books)
                .err()
                .into_iter()
                .flatten(),
        );
    }
    if found.is_empty() {
        books.finish().map(|(books, left_out)| Import {
            books,
            left_out,
            passed_over,
        })
    } else {
        Err(found)
    }
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Csv(CsvKind),
    AwsOffer,
    AwsOfferCsv,
    AzureRetail,
    GcpCatalog,
    NoPrices(&'static str),
}

fn kind(file: &Source) -> Result<Kind, Diagnostic> {
    let text = file.text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('{') || text.starts_with('[') {
        return json::kind(file);
    }
    if text.starts_with("\"FormatVersion\"") || text.starts_with("FormatVersion") {
        return Ok(Kind::AwsOfferCsv);
    }
    CsvKind::of(file)
}

fn read(
    file: &Source,
    kind: Kind,
    known: &[PriceBook],
    books: &mut BookSet<'_>,
) -> Result<(), Vec<Diagnostic>> {
    match kind {
        Kind::AwsOffer => aws_offer::add(file, known, books),
        Kind::AwsOfferCsv => aws_offer_csv::add(file, known, books),
        Kind::AzureRetail => azure_retail::add(file, known, &sizes(known, "azure"), books),
        Kind::GcpCatalog => gcp_catalog::add(file, &sizes(known, "gcp"), books),
        Kind::NoPrices(_) => Ok(()),
        Kind::Csv(kind) => {
            let table = CsvText::read(file, kind)?;
            match kind {
                CsvKind::AwsEc2 => instances::aws_ec2(&table, books),
                CsvKind::AwsRds => instances::aws_rds(&table, books),
                CsvKind::AwsElastiCache => instances::aws_elasticache(&table, books),
                CsvKind::AzureVm => instances::azure_vm(&table, books),
                CsvKind::GcpCompute => instances::gcp_compute(&table, books),
                CsvKind::AwsCommitments => commitments::add(&table, books),
                CsvKind::AwsSavingsPlans => commitments::savings_plans::add(&table, books),
                CsvKind::LlmTokens => services::llm_tokens::add(&table, books),
                CsvKind::Services => services::add(&table, books),
                CsvKind::Vps => vps::add(&table, books),
                CsvKind::Limits => limits::add(&table, books),
                CsvKind::Rates | CsvKind::ColdStarts => Ok(()),
            }
        }
    }
}

/// How large an instance type is.
#[derive(Debug, Clone, PartialEq)]
struct Size {
    arch: String,
    vcpu: crate::units::QuotedDecimal,
    memory_gib: crate::units::QuotedDecimal,
    sustained: Vec<crate::price_book::Sustained>,
}

/// Sizes of a provider's instance types, out of books that state them.
fn sizes(known: &[PriceBook], provider: &str) -> BTreeMap<String, Size> {
    let instances = known
        .iter()
        .filter(|book| book.provider == provider)
        .flat_map(|book| &book.instance);
    instances
        .map(|instance| {
            let size = Size {
                arch: instance.arch.clone(),
                vcpu: instance.vcpu,
                memory_gib: instance.memory_gib,
                sustained: instance.price.sustained.clone(),
            };
            (instance.sku.clone(), size)
        })
        .collect()
}
