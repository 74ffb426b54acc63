//! How large instance types are, where a vendor's price list does not say: out of books, and out of a table
//! that the user states.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::{
    diagnostic::{Diagnostic, Source},
    price_book::{PriceBook, Sustained},
    price_import::csv_table::{CsvRow, CsvText, LARGEST, Layout},
    units::QuotedDecimal,
};

/// Columns of the user's table.
const COLUMNS: [&str; 4] = ["sku", "vcpu", "memory_gib", "arch"];

/// What to do about a size that is not known.
pub const STATE_SIZE: &str = "the list states no size, and no built-in book knows it; state it with --sizes \
    FILE.csv, columns sku,vcpu,memory_gib,arch";

/// How large an instance type is.
#[derive(Debug, Clone, PartialEq)]
pub struct Size {
    pub arch: String,
    pub vcpu: QuotedDecimal,
    pub memory_gib: QuotedDecimal,
    pub sustained: Vec<Sustained>,
    /// Where the size is from: `the built-in book`, or a file.
    pub from: String,
}

/// Sizes by the name of the instance type.
pub type Sizes = BTreeMap<String, Size>;

/// Sizes by instance type: those of a provider's books, and those that the user states, which come first.
pub fn sizes(known: &[PriceBook], provider: &str, stated: &Sizes) -> Sizes {
    let instances = known
        .iter()
        .filter(|book| book.provider == provider)
        .flat_map(|book| &book.instance);
    let mut sizes: Sizes = instances
        .map(|instance| {
            let size = Size {
                arch: instance.arch.clone(),
                vcpu: instance.vcpu,
                memory_gib: instance.memory_gib,
                sustained: instance.price.sustained.clone(),
                from: "the built-in book".to_owned(),
            };
            (instance.sku.clone(), size)
        })
        .collect();
    for (sku, size) in stated {
        let sustained = sizes.get(sku).map(|known| known.sustained.clone());
        let size = Size {
            sustained: sustained.unwrap_or_default(),
            ..size.clone()
        };
        sizes.insert(sku.clone(), size);
    }
    sizes
}

/// The sizes that a user's table states.
///
/// # Errors
/// A column is missing, a value is out of range, or a type is there twice; with its line.
pub fn stated(file: &Source) -> Result<Sizes, Vec<Diagnostic>> {
    let table = CsvText::from_layout(file, Layout::of(&file.text), &COLUMNS)?;
    let mut sizes = BTreeMap::new();
    let mut found = Vec::new();
    for row in table.rows() {
        match size(&row) {
            Ok((sku, size)) => {
                if sizes.insert(sku.clone(), size).is_some() {
                    found.push(row.wrong(format!("`{sku}` is there twice"), "keep one of the rows"));
                }
            }
            Err(error) => found.push(error),
        }
    }
    if found.is_empty() { Ok(sizes) } else { Err(found) }
}

fn size(row: &CsvRow<'_>) -> Result<(String, Size), Diagnostic> {
    let sku = row.get("sku");
    if sku.is_empty() {
        return Err(row.wrong(
            "`sku` is blank",
            "write the name of the instance type as the vendor does",
        ));
    }
    let above_zero = |column: &str| {
        let value = row.needed(column)?;
        if value.0 > Decimal::ZERO && value.0 <= LARGEST {
            Ok(value)
        } else {
            Err(row.wrong(format!("`{column}` is {value}"), "write a number above 0"))
        }
    };
    let arch = row.get("arch");
    if !["x86_64", "arm64"].contains(&arch) {
        return Err(row.wrong(format!("`arch` is `{arch}`"), "write x86_64 or arm64"));
    }
    let size = Size {
        arch: arch.to_owned(),
        vcpu: above_zero("vcpu")?,
        memory_gib: above_zero("memory_gib")?,
        sustained: Vec::new(),
        from: row.file().to_owned(),
    };
    Ok((sku.to_owned(), size))
}
