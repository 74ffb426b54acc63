//! Instance types from the CSV files of AWS, Azure and Google Cloud, with the commitments that stand in the
//! same row.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{
    builder::{Book, BookSet, noted},
    csv_table::{CsvRow, CsvText},
};
use crate::{
    diagnostic::Diagnostic,
    price_book::{
        Commitment, CommitmentKind, Covers, Instance, InstancePrice, InstanceUnit, Network, Payment, Quantum,
        RUNS_ON_CREDITS, Round, Sustained,
    },
    units::QuotedDecimal,
};

/// What is said of types whose processors are not there all the time.
const BURSTABLE: &str = RUNS_ON_CREDITS;
/// Hours of a month in the CSV files.
const MONTH_HOURS: Decimal = Decimal::from_parts(730, 0, 0, false, 0);

/// EC2 instances, with standard reservations of one and three years, nothing upfront.
pub fn aws_ec2(table: &CsvText<'_>, books: &mut BookSet<'_>) -> Result<(), Vec<Diagnostic>> {
    each(table, books, |row, book| {
        let sku = row.get("sku");
        let Some(mut instance) = instance(row, book, sku, row.get("arch"))? else {
            return Ok(());
        };
        instance.network_gbps = row.decimal("network_baseline_gbps")?.map(|baseline| Network {
            baseline,
            burst: burst(row.get("network_text")),
        });
        instance.price.quantum = Some(Quantum {
            per: "run".to_owned(),
            step: "1s".to_owned(),
            round: Round::Up,
            minimum: Some("60s".to_owned()),
        });
        instance.vendor_code = some(row.get("aws_rate_code"));
        book.instances.push(instance);
        let columns = [
            ("ri_std_1y_no_upfront_usd_per_hour", 12, "1y"),
            ("ri_std_3y_no_upfront_usd_per_hour", 36, "3y"),
        ];
        for (column, term_months, term) in columns {
            let Some(recurring) = row.decimal(column)? else {
                continue;
            };
            let source = reserved_source(row, book, "ec2.shop data (AWS reserved file)")?;
            let reserved = committed(sku, &format!("{term}-none"), term_months, recurring.0, source);
            book.commitments.push(reserved);
        }
        Ok(())
    })
}

/// Managed PostgreSQL and MySQL, with the reservation of one year, nothing upfront. MySQL has `.mysql` after
/// its name, and what is doubled over two zones `.multi-az` after that.
pub fn aws_rds(table: &CsvText<'_>, books: &mut BookSet<'_>) -> Result<(), Vec<Diagnostic>> {
    each(table, books, |row, book| {
        let sku = row.get("sku");
        let engine = match row.get("engine") {
            "postgresql" => "",
            "mysql" => ".mysql",
            other => {
                book.leave_out(row, sku, format!("engine `{other}` is not known"));
                return Ok(());
            }
        };
        let zones = match row.get("deployment") {
            "single-az" => "",
            "multi-az" => ".multi-az",
            other => {
                book.leave_out(row, sku, format!("deployment `{other}` is not known"));
                return Ok(());
            }
        };
        managed(row, book, &format!("{sku}{engine}{zones}"))
    })
}

/// Nodes of managed caches, with the engine after their name: `cache.m7g.large.valkey`.
pub fn aws_elasticache(table: &CsvText<'_>, books: &mut BookSet<'_>) -> Result<(), Vec<Diagnostic>> {
    each(table, books, |row, book| {
        managed(row, book, &format!("{}.{}", row.get("sku"), row.get("engine")))
    })
}

/// A managed instance with the reservation of one year, nothing upfront, that stands in its row.
fn managed(row: &CsvRow<'_>, book: &mut Book, name: &str) -> Result<(), Diagnostic> {
    let arch = if is_graviton(row.get("sku")) {
        "arm64"
    } else {
        "x86_64"
    };
    let Some(mut instance) = instance(row, book, name, arch)? else {
        return Ok(());
    };
    instance.vendor_code = some(row.get("aws_rate_code"));
    book.instances.push(instance);
    if let Some(recurring) = row.decimal("ri_1y_no_upfront_usd_per_hour")? {
        let source = reserved_source(row, book, "ec2.shop data (AWS RDS reserved file)")?;
        book.commitments
            .push(committed(name, "1y-none", 12, recurring.0, source));
    }
    Ok(())
}

/// The source of the reserved prices of a row: the row's own, unless they have a day of their own. Those days
/// are of `title`.
fn reserved_source(row: &CsvRow<'_>, book: &mut Book, title: &str) -> Result<String, Diagnostic> {
    match row.get("ri_source_date") {
        day if day.is_empty() || day == row.get("source_date") => {
            source_of(row, book, row.get("source"), row.get("source_date"))
        }
        day => source_of(row, book, title, day),
    }
}

/// A commitment to one instance type, nothing upfront.
fn committed(sku: &str, term: &str, term_months: u32, recurring: Decimal, source: String) -> Commitment {
    Commitment {
        id: format!("{sku}-{term}"),
        kind: CommitmentKind::Reserved,
        term_months,
        payment: Payment::None,
        covers: Covers {
            sku: Some(sku.to_owned()),
            family: None,
        },
        upfront: QuotedDecimal(Decimal::ZERO),
        recurring: QuotedDecimal(recurring),
        unit: InstanceUnit::H,
        rates: BTreeMap::new(),
        vendor_code: None,
        note: None,
        source,
    }
}

/// Azure virtual machines.
pub fn azure_vm(table: &CsvText<'_>, books: &mut BookSet<'_>) -> Result<(), Vec<Diagnostic>> {
    each(table, books, |row, book| {
        if let Some(instance) = instance(row, book, row.get("sku"), row.get("arch"))? {
            book.instances.push(instance);
        }
        Ok(())
    })
}

/// Google Cloud machine types, with discounts for sustained and committed use.
pub fn gcp_compute(table: &CsvText<'_>, books: &mut BookSet<'_>) -> Result<(), Vec<Diagnostic>> {
    each(table, books, |row, book| {
        let sku = row.get("sku");
        let Some(mut instance) = instance(row, book, sku, row.get("arch"))? else {
            return Ok(());
        };
        instance.price.sustained = sustained(row.get("family"));
        let month = row.decimal("month_with_sustained_use_discount_usd")?;
        if let (Some(month), Some(hour)) = (month, instance.price.on_demand) {
            let own = hour.0 * MONTH_HOURS * mean_factor(&instance.price.sustained);
            if (own - month.0).abs() > Decimal::new(1, 4) * month.0 {
                let message = format!(
                    "a month of `{sku}` with the discount for sustained use is {month}, the schedule of its \
                        family gives {own}"
                );
                return Err(row.wrong(message, "the schedule of sustained use may have changed"));
            }
        }
        let source = instance.source.clone();
        book.instances.push(instance);
        for (column, term_months, term) in [
            ("month_1y_commitment_usd", 12, "1y"),
            ("month_3y_commitment_usd", 36, "3y"),
        ] {
            let Some(committed) = row.decimal(column)? else {
                continue;
            };
            if Some(committed) == month {
                let reason =
                    format!("the {term} commitment costs what a month costs without one: there is none");
                book.leave_out_at(row.file(), row.line(), &format!("{sku} {term}"), reason, false);
                continue;
            }
            let hour = (committed.0 / MONTH_HOURS).normalize();
            book.commitments.push(Commitment {
                kind: CommitmentKind::Cud,
                ..self::committed(sku, &format!("cud-{term}"), term_months, hour, source.clone())
            });
        }
        Ok(())
    })
}

/// GCP's discount for running all of a month: the share of the list price that each quarter of it costs.
///
/// A full month is 30 % off on n1, f1 and g1, and 19.98 % on n2 and n2d.
pub fn sustained(family: &str) -> Vec<Sustained> {
    let factors = match family {
        "n1" | "f1" | "g1" => ["1.0", "0.8", "0.6", "0.4"],
        "n2" | "n2d" => ["1.0", "0.8678", "0.733", "0.6"],
        _ => return Vec::new(),
    };
    let quoted = |text: &str| QuotedDecimal(Decimal::from_str_exact(text).expect("a decimal of our own"));
    ["0.25", "0.50", "0.75", "1.00"]
        .iter()
        .zip(factors)
        .map(|(up_to, factor)| Sustained {
            up_to: quoted(up_to),
            factor: quoted(factor),
        })
        .collect()
}

fn mean_factor(sustained: &[Sustained]) -> Decimal {
    if sustained.is_empty() {
        return Decimal::ONE;
    }
    sustained.iter().map(|part| part.factor.0).sum::<Decimal>() / Decimal::from(sustained.len())
}

/// Does something with every row and the book that it is for; all that is wrong is reported at once.
fn each(
    table: &CsvText<'_>,
    books: &mut BookSet<'_>,
    mut take: impl FnMut(&CsvRow<'_>, &mut Book) -> Result<(), Diagnostic>,
) -> Result<(), Vec<Diagnostic>> {
    let mut found = Vec::new();
    for row in table.rows() {
        let Some(book) = books.book(row.get("provider"), row.get("region")) else {
            continue;
        };
        book.count(row.file());
        let money = book
            .currency("USD")
            .map_err(|message| row.wrong(message, "import one currency at a time"));
        found.extend(money.and_then(|()| take(&row, book)).err());
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// The instance of a row; none, and a word why, where its size is not known.
fn instance(
    row: &CsvRow<'_>,
    book: &mut Book,
    sku: &str,
    arch: &str,
) -> Result<Option<Instance>, Diagnostic> {
    let (Some(vcpu), Some(memory_gib)) = (row.decimal("vcpu")?, row.decimal("memory_gib")?) else {
        book.leave_out(
            row,
            sku,
            noted(&["processors or memory are not known", row.get("note")]).unwrap_or_default(),
        );
        return Ok(None);
    };
    let source = source_of(row, book, row.get("source"), row.get("source_date"))?;
    let mut instance = bare_instance(sku, arch, vcpu.0, memory_gib.0, source);
    instance.price.on_demand = row.decimal("on_demand_usd_per_hour")?;
    instance.price.spot = row.decimal("spot_usd_per_hour")?;
    instance.note = noted(&[row.get("note"), if is_burstable(sku) { BURSTABLE } else { "" }]);
    Ok(Some(instance))
}

/// An instance type without a price, a note or anything else that it may have.
pub fn bare_instance(sku: &str, arch: &str, vcpu: Decimal, memory_gib: Decimal, source: String) -> Instance {
    Instance {
        sku: sku.to_owned(),
        arch: arch.to_owned(),
        vcpu: QuotedDecimal(vcpu),
        memory_gib: QuotedDecimal(memory_gib),
        baseline: None,
        network_gbps: None,
        vcpu_kind: None,
        included: BTreeMap::new(),
        price: InstancePrice {
            on_demand: None,
            spot: None,
            unit: InstanceUnit::H,
            hourly: None,
            sustained: Vec::new(),
            quantum: None,
        },
        effective_from: None,
        effective_to: None,
        vendor_code: None,
        note: None,
        source,
    }
}

/// The name of a row's source in the book.
pub fn source_of(row: &CsvRow<'_>, book: &mut Book, title: &str, date: &str) -> Result<String, Diagnostic> {
    book.source(title, date, row.get("note"))
        .map_err(|message| row.wrong(message, "write 2026-07-20, 2026-07 or 2026"))
}

/// A text; none where it is empty.
pub fn some(text: &str) -> Option<String> {
    if text.is_empty() {
        None
    } else {
        Some(text.to_owned())
    }
}

/// Gbit/s for a while, from a text such as `Up to 12.5 Gigabit` or `Up to 12500 Megabit`.
fn burst(text: &str) -> Option<QuotedDecimal> {
    let mut words = text.strip_prefix("Up to ")?.split(' ');
    let number = Decimal::from_str_exact(words.next()?).ok()?;
    match words.next()? {
        "Gigabit" => Some(QuotedDecimal(number)),
        "Megabit" => Some(QuotedDecimal((number / Decimal::ONE_THOUSAND).normalize())),
        _ => None,
    }
}

/// The name of an AWS type without the service that runs on it: `db.`, `cache.`.
fn without_service(sku: &str) -> &str {
    sku.strip_prefix("db.")
        .or(sku.strip_prefix("cache."))
        .unwrap_or(sku)
}

/// Whether an AWS type runs on credits: t3, t3a, t4g, as a database or cache too.
fn is_burstable(sku: &str) -> bool {
    let mut letters = without_service(sku).chars();
    letters.next() == Some('t') && letters.next().is_some_and(|c| c.is_ascii_digit()) && sku.contains('.')
}

/// Whether an AWS type runs on Graviton: a `g` follows its generation, as in `db.r7g.large`.
pub fn is_graviton(sku: &str) -> bool {
    let family = without_service(sku).split('.').next().unwrap_or_default();
    let after = family
        .trim_start_matches(|c: char| c.is_ascii_alphabetic())
        .trim_start_matches(|c: char| c.is_ascii_digit());
    after.starts_with('g')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedules_of_sustained_use_give_the_known_discounts_of_a_full_month() {
        // The month column of gcp-compute.csv: 30 % on n1, 19.98 % on n2; none on e2.
        let mean = |family| {
            mean_factor(&sustained(family))
                .to_string()
                .parse::<Decimal>()
                .expect("a decimal")
                .normalize()
        };
        assert_eq!(mean("n1"), Decimal::new(7, 1));
        assert_eq!(mean("n2"), Decimal::new(8002, 4));
        assert_eq!(mean("e2"), Decimal::ONE);
    }

    #[test]
    fn graviton_and_network_bursts_are_read_off_the_name_and_text() {
        for (sku, arm) in [
            ("db.r7g.large", true),
            ("db.t4g.micro", true),
            ("cache.m7g.large", true),
            ("m7i.large", false),
            ("g4dn.xlarge", false),
            ("m7i-flex.large", false),
        ] {
            assert_eq!(is_graviton(sku), arm, "{sku}");
        }
        assert_eq!(
            burst("Up to 12500 Megabit").map(|gbps| gbps.to_string()),
            Some("12.5".to_owned())
        );
        assert_eq!(burst("50000 Megabit"), None);
    }
}
