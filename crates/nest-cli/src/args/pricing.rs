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

/// Which books are looked at.
#[derive(Debug, Args)]
pub struct BooksArguments {
    /// Folder of a study, whose own books lie over the shipped ones; elsewhere ./pricing does
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub study: PathBuf,
    /// Print in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// The verbs of `pricing`.
#[derive(Debug, Subcommand)]
pub enum PricingVerb {
    /// List the books, with their rows and their oldest price
    List {
        #[command(flatten)]
        books: BooksArguments,
    },
    /// Show a book, or one of its rows with tiers, source and date
    Show {
        /// The book: aws/us-east-1
        book: String,
        /// A meter, instance type, commitment, plan or limit of it
        id: Option<String>,
        /// What this many units of the meter cost in a month
        #[arg(long, value_name = "UNITS", requires = "id")]
        quantity: Option<QuotedDecimal>,
        /// Day on which prices must hold; today where missing
        #[arg(long, value_name = "DATE")]
        on: Option<Date>,
        #[command(flatten)]
        books: BooksArguments,
    },
    /// Check books: errors with their line, doubts about prices as warnings
    Validate {
        /// Files of books
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Day of the check; today where missing
        #[arg(long, value_name = "DATE")]
        on: Option<Date>,
    },
    /// What differs between two books: files, or names such as aws/us-east-1
    Diff {
        /// The older one
        old: String,
        /// The newer one
        new: String,
        #[command(flatten)]
        books: BooksArguments,
    },
    /// Write books out of price files: our CSV files, AWS offers (JSON, CSV), Azure retail prices, GCP catalogues
    Import {
        /// Files, or folders of .csv and .json files; those of one provider and region become one book
        #[arg(required = true)]
        sources: Vec<PathBuf>,
        #[command(flatten)]
        wanted: WantedArguments,
        /// Day on which the files were fetched, where they do not say
        #[arg(long, value_name = "DATE")]
        observed_on: Option<Date>,
    },
    /// Download a vendor's price list and write the book (needs the internet; GCP needs $GCP_API_KEY)
    Fetch {
        /// aws, azure or gcp
        #[arg(value_parser = ["aws", "azure", "gcp"])]
        provider: String,
        /// Region: eu-west-1
        region: String,
        /// Where to ask instead of at the vendor
        #[arg(long, value_name = "BASE")]
        url: Option<String>,
        /// Only this AWS offer, such as AmazonECS; may be given several times
        #[arg(long, value_name = "CODE")]
        offer: Vec<String>,
        /// Folder to write into
        #[arg(long, value_name = "FOLDER", default_value = "pricing")]
        to: PathBuf,
        /// Print the books in this form
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

/// What is wanted of price files.
#[derive(Debug, Args)]
pub struct WantedArguments {
    /// Only books of this provider
    #[arg(long)]
    pub provider: Option<String>,
    /// Only the book of this region
    #[arg(long, requires = "provider")]
    pub region: Option<String>,
    /// Folder to write into, as PROVIDER/REGION.toml; files that are there are replaced
    #[arg(long, value_name = "FOLDER", default_value = "pricing")]
    pub to: PathBuf,
    /// Print the books in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}
