//! The verbs of `pricing` and their options.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use nest_data::units::QuotedDecimal;

use super::Format;

/// Options of `pricing`.
#[derive(Debug, Args)]
pub struct PricingArguments {
    #[command(subcommand)]
    pub verb: PricingVerb,
}

/// Where books are looked up, and how they are printed.
#[derive(Debug, Args)]
pub struct BooksArguments {
    /// Folder of a study; its own books in pricing/ take precedence over the built-in ones
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub study: PathBuf,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// The verbs of `pricing`.
#[derive(Debug, Subcommand)]
pub enum PricingVerb {
    /// List the price books, with the number of their rows and the age of their prices
    List {
        #[command(flatten)]
        books: BooksArguments,
    },
    /// Show a price book, or one row with its tiers, source and date
    Show {
        /// Name of the book, such as aws/us-east-1
        book: String,
        /// Identifier of one meter, instance type, commitment, plan or limit in the book
        id: Option<String>,
        /// Print what this many units of the row cost in a month, 0 to 1000000000000000
        #[arg(long, value_name = "UNITS", requires = "id", value_parser = quantity)]
        quantity: Option<QuotedDecimal>,
        /// Day for which to price the quantity [default: today]
        #[arg(long, value_name = "DATE", value_parser = super::date)]
        on: Option<Date>,
        #[command(flatten)]
        books: BooksArguments,
    },
    /// Check price books: report errors with their line, and doubtful prices as warnings
    Validate {
        /// Files of price books
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Day on which the prices are used [default: today]
        #[arg(long, value_name = "DATE", value_parser = super::date)]
        on: Option<Date>,
    },
    /// Show the differences between two price books
    Diff {
        /// The older book: a file, or a name such as aws/us-east-1
        old: String,
        /// The newer book: a file, or a name such as aws/us-east-1
        new: String,
        #[command(flatten)]
        books: BooksArguments,
    },
    /// Make price books from vendors' files: AWS offers, answers and savings plans, Azure retail prices, GCP
    /// catalogues
    Import(ImportArguments),
    /// Download a vendor's price list and make a price book from it
    ///
    /// Needs the internet. GCP also needs an API key in the environment variable GCP_API_KEY.
    Fetch {
        /// The vendor
        #[arg(value_parser = ["aws", "azure", "gcp"])]
        provider: String,
        /// The vendor's region, such as eu-west-1
        region: String,
        /// Server to ask instead of the vendor's own
        #[arg(long, value_name = "BASE")]
        url: Option<String>,
        /// Download only this AWS offer, such as AmazonECS; may be repeated
        #[arg(long, value_name = "CODE")]
        offer: Vec<String>,
        /// Folder to write the book into, as PROVIDER/REGION.toml
        #[arg(long, value_name = "FOLDER", default_value = "pricing")]
        to: PathBuf,
        /// Replace a file that exists; a copy of it, your adjustments and your own rows are kept
        #[arg(long)]
        replace: bool,
        /// How to print what was written
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

/// Options of `pricing import`.
#[derive(Debug, Args)]
pub struct ImportArguments {
    /// Files, or folders with .csv, .json, .jsonl, .ndjson and .gz files; those of one provider and region
    /// make one book
    #[arg(required = true)]
    pub sources: Vec<PathBuf>,
    /// Read only the prices of this provider
    #[arg(long)]
    pub provider: Option<String>,
    /// Read only the prices of this region
    #[arg(long, requires = "provider")]
    pub region: Option<String>,
    /// Folder to write books into, as PROVIDER/REGION.toml
    #[arg(long, value_name = "FOLDER", default_value = "pricing")]
    pub to: PathBuf,
    /// Replace files that exist; copies of them, your adjustments and your own rows are kept
    #[arg(long)]
    pub replace: bool,
    /// CSV file with the sizes of instance types that no built-in book knows: sku,vcpu,memory_gib,arch
    #[arg(long, value_name = "FILE")]
    pub sizes: Option<PathBuf>,
    /// Day on which the files were downloaded; used only for files that do not contain that date
    #[arg(long, value_name = "DATE", value_parser = super::date)]
    pub observed_on: Option<Date>,
    /// How to print what was written
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Most units that are priced.
const MOST_UNITS: u64 = 1_000_000_000_000_000;

fn quantity(text: &str) -> Result<QuotedDecimal, String> {
    match text.parse::<QuotedDecimal>() {
        Ok(quantity) if quantity.0 >= 0.into() && quantity.0 <= MOST_UNITS.into() => Ok(quantity),
        _ => Err(format!(
            "write a decimal number from 0 to {MOST_UNITS}, such as 61.5"
        )),
    }
}
