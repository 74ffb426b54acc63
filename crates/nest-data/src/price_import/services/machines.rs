//! Instance types that stand among the services of the file.

use rust_decimal::Decimal;

use super::{
    super::{
        builder::{BookSet, noted},
        csv_table::CsvRow,
        instances::{bare_instance, some},
    },
    OtherRow, service_source,
};
use crate::{
    diagnostic::Diagnostic,
    price_book::{Instance, InstancePrice, InstanceUnit, Quantum, Round, VcpuKind},
    units::QuotedDecimal,
};

/// A machine whose name says its size: `shared-cpu-1x_256MB`, `starter_0.5cpu_512MB`.
pub fn machine(row: &CsvRow<'_>, price: QuotedDecimal, source: String) -> Result<Instance, Diagnostic> {
    let sku = row.get("meter");
    let number = |text: &str| Decimal::from_str_exact(text).ok();
    let size = |part: &str| -> Option<Decimal> {
        if let Some(megabytes) = part.strip_suffix("MB") {
            return Some((number(megabytes)? / Decimal::from(1_024)).normalize());
        }
        number(part.strip_suffix("GB")?)
    };
    let processors = |part: &str| match part.strip_suffix("cpu") {
        Some(count) => number(count),
        None => number(part.strip_prefix("shared-cpu-")?.strip_suffix('x')?),
    };
    let (Some(vcpu), Some(memory_gib)) = (sku.split('_').find_map(processors), sku.split('_').find_map(size))
    else {
        return Err(row.wrong(
            format!("`{sku}` does not say how many processors and how much memory it has"),
            "such as shared-cpu-1x_256MB",
        ));
    };
    let shared = sku.starts_with("shared");
    let quantum = Quantum {
        per: "run".to_owned(),
        step: "1s".to_owned(),
        round: Round::Up,
        minimum: None,
    };
    let said = [
        if shared { "one shared virtual CPU" } else { "" },
        if row.get("unit") == "30 days" {
            "price for 30 days"
        } else {
            ""
        },
        row.get("note"),
    ];
    Ok(Instance {
        vcpu_kind: shared.then_some(VcpuKind::Shared),
        price: InstancePrice {
            on_demand: Some(price),
            spot: None,
            unit: InstanceUnit::Month,
            hourly: None,
            sustained: Vec::new(),
            quantum: (row.get("billing_increment") == "1 s").then_some(quantum),
        },
        note: noted(&said),
        ..bare_instance(sku, "x86_64", vcpu, memory_gib, source)
    })
}

/// An instance type that is priced by the hour, as large as another one that a book of the provider has.
pub fn add_sized(
    other: &OtherRow<'_>,
    sku: &str,
    like: &str,
    books: &mut BookSet<'_>,
) -> Result<(), Diagnostic> {
    let row = &other.row;
    let size = books
        .of_provider(other.provider)
        .flat_map(|book| &book.instances)
        .find(|instance| instance.sku == like)
        .map(|instance| (instance.arch.clone(), instance.vcpu.0, instance.memory_gib.0));
    for region in &other.regions {
        let Some(book) = books.book(other.provider, region) else {
            continue;
        };
        book.count(row.file());
        book.currency(row.get("currency"))
            .map_err(|message| row.wrong(message, "import one currency at a time"))?;
        let Some((arch, vcpu, memory_gib)) = &size else {
            let reason = format!("its size is not known: no list of the provider has `{like}`");
            book.leave_out(row, &other.what, reason);
            continue;
        };
        let source = service_source(row, book)?;
        let mut instance = bare_instance(sku, arch, *vcpu, *memory_gib, source);
        instance.price.on_demand = Some(row.needed("price")?);
        instance.note = some(row.get("note"));
        book.instances.push(instance);
    }
    Ok(())
}
