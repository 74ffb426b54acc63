//! Price books out of price files: our own CSV files, and the files that AWS, Azure and Google Cloud publish.
//!
//! What a file is, is told from its content. Amounts keep their digits: no price passes through a float.
//! Every row of a file ends in a book or in a list of rows left out, with the reason. Nothing here touches a
//! file or the network.

mod aws_offer;
mod aws_rules;
mod azure_retail;
mod builder;
mod commitments;
mod csv_table;
mod file_text;
mod gcp_catalog;
mod imported_book;
mod instances;
mod limits;
mod service_rules;
mod services;
mod vendor;
mod vps;

use jiff::civil::Date;

use self::{
    builder::BookSet,
    csv_table::{CsvKind, CsvText, Layout},
    vendor::{
        aws_offer_csv, aws_offer_json, aws_savings,
        json::{self, JsonKind},
        sizes,
    },
};
pub use self::{
    file_text::file_text,
    imported_book::{FileAccount, ImportedBook, LeftOut},
    vendor::json::next_page,
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
    /// Day of the import: prices that ended before it are left out, those that begin after it are dated.
    /// Without it, the newest price counts.
    pub today: Option<Date>,
    /// A table of the user's that says how large instance types are: columns sku, vcpu, memory_gib, arch.
    pub sizes: Option<Source>,
}

/// What came of the files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Import {
    /// The books, by name; each has at least one row.
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
    let stated = wanted
        .sizes
        .as_ref()
        .map(sizes::stated)
        .transpose()?
        .unwrap_or_default();
    let context = Context {
        known,
        azure_sizes: sizes::sizes(known, "azure", &stated),
        gcp_sizes: sizes::sizes(known, "gcp", &stated),
    };
    let mut books = BookSet::new(wanted);
    let mut passed_over = Vec::new();
    let mut found = Vec::new();
    let mut last = Vec::new();
    // An answer may come in pages, of which each knows only a part of the prices of one type.
    let (mut azure, mut gcp) = (Vec::new(), Vec::new());
    for file in files {
        match kind(file) {
            Ok(Kind::Json(JsonKind::Azure)) => azure.push(file),
            Ok(Kind::Json(JsonKind::Gcp)) => gcp.push(file),
            Ok(Kind::NoPrices(what)) => passed_over.push((file.name.clone(), what)),
            Ok(Kind::Csv(kind)) if kind.adds_to().is_some() => last.push((file, kind)),
            Ok(kind) => found.extend(context.read(file, kind, &mut books).err().into_iter().flatten()),
            Err(error) => found.push(error),
        }
    }
    for done in [
        azure_retail::add(&azure, known, &context.azure_sizes, &mut books),
        gcp_catalog::add(&gcp, &context.gcp_sizes, &mut books),
    ] {
        found.extend(done.err().into_iter().flatten());
    }
    last.sort_by_key(|(_, kind)| kind.adds_to());
    for (file, kind) in last {
        let read = context.read(file, Kind::Csv(kind), &mut books);
        found.extend(read.err().into_iter().flatten());
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
    AwsOfferCsv,
    Json(JsonKind),
    NoPrices(&'static str),
}

fn kind(file: &Source) -> Result<Kind, Diagnostic> {
    let text = file.text.trim_start_matches('\u{feff}').trim_start();
    // One product a line may come as a text in quotes.
    if text.starts_with(['{', '[']) || text.starts_with("\"{") {
        return json::kind(file).map(|kind| match kind {
            JsonKind::WorkedBills => Kind::NoPrices("worked bills"),
            kind => Kind::Json(kind),
        });
    }
    let layout = Layout::of(&file.text);
    let first = file.text[layout.offset..].trim_start_matches('\u{feff}');
    if file_text::plain(
        first
            .split(char::from(layout.delimiter))
            .next()
            .unwrap_or_default(),
    ) == "formatversion"
    {
        return Ok(Kind::AwsOfferCsv);
    }
    CsvKind::of(file)
}

/// What files are read with.
struct Context<'a> {
    known: &'a [PriceBook],
    azure_sizes: sizes::Sizes,
    gcp_sizes: sizes::Sizes,
}

impl Context<'_> {
    fn read(&self, file: &Source, kind: Kind, books: &mut BookSet<'_>) -> Result<(), Vec<Diagnostic>> {
        match kind {
            Kind::AwsOfferCsv => aws_offer_csv::add(file, self.known, books),
            Kind::Json(kind) => match kind {
                JsonKind::AwsOffer => aws_offer_json::add_file(file, self.known, books),
                JsonKind::AwsProducts => aws_offer_json::add_answer(file, self.known, books),
                JsonKind::AwsSavingsPlans => aws_savings::add_json(file, books),
                JsonKind::Azure => azure_retail::add(&[file], self.known, &self.azure_sizes, books),
                JsonKind::Gcp => gcp_catalog::add(&[file], &self.gcp_sizes, books),
                JsonKind::WorkedBills => Ok(()),
            },
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
}
