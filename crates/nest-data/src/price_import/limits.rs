//! Quotas and sizing relations: each holds for all regions of a provider.

use rust_decimal::Decimal;

use super::{
    builder::{Book, BookSet, LeftOut, noted},
    csv_table::{CsvRow, CsvText},
    instances::{some, source_of},
};
use crate::{diagnostic::Diagnostic, price_book::ProviderLimit, units::QuotedDecimal};

/// Names in the books where they differ from `SERVICE.LIMIT` of the file.
const NAMES: [(&str, &str); 8] = [
    ("lambda.concurrent_executions", "lambda.concurrency"),
    ("fargate.on_demand_vcpu", "fargate.vcpu_quota"),
    ("api-gateway.http_request_meter", "apigw.http.request_kb"),
    (
        "api-gateway.websocket_message_meter",
        "apigw.websocket.message_kb",
    ),
    ("workers-paid.cpu_per_invocation_max", "workers.cpu_max"),
    ("webtask.execution_max", "webtask.timeout"),
    ("functions-consumption.memory_step", "functions.memory_step"),
    ("functions-consumption.duration_min", "functions.duration_min"),
];

/// Adds the limits to every book of their provider.
pub fn add(table: &CsvText<'_>, books: &mut BookSet<'_>) -> Result<(), Vec<Diagnostic>> {
    let mut found = Vec::new();
    for row in table.rows() {
        let provider = if row.get("provider") == "auth0" {
            "webtask"
        } else {
            row.get("provider")
        };
        if !books.wants(provider) {
            continue;
        }
        let mut has_book = false;
        for book in books.of_provider(provider) {
            has_book = true;
            book.count(row.file());
            found.extend(add_row(&row, book).err());
        }
        if !has_book {
            let reason = format!("no other file has a book of {provider}");
            let what = format!("{}.{}", row.get("service"), row.get("limit"));
            books.leave_out(LeftOut {
                file: row.file().to_owned(),
                line: row.line(),
                row: what,
                reason,
            });
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn add_row(row: &CsvRow<'_>, book: &mut Book) -> Result<(), Diagnostic> {
    let name = format!("{}.{}", row.get("service"), row.get("limit"));
    let id = NAMES
        .iter()
        .find(|(file, _)| *file == name)
        .map_or(name.as_str(), |(_, id)| id);
    let text = row.get("value");
    if row.get("unit") == "date" {
        book.leave_out(row, id, format!("it is a day, {text}, and no quantity"));
        return Ok(());
    }
    let source = source_of(row, book, row.get("source"), row.get("source_date"))?;
    let mut push = |id: String, value: Decimal, note: Option<String>| {
        let limit = ProviderLimit {
            id,
            value: QuotedDecimal(value),
            unit: row.get("unit").to_owned(),
            adjustable: some(row.get("adjustable")),
            note,
            source: source.clone(),
        };
        book.limits.push(limit);
    };
    if let Ok(value) = Decimal::from_str_exact(text) {
        push(id.to_owned(), value, some(row.get("note")));
        return Ok(());
    }
    let (low, high) = span(text).ok_or_else(|| {
        row.wrong(
            format!("`value` is `{text}`"),
            "write 1000, 1..4 step 1, or 0.5, 1, 2",
        )
    })?;
    push(format!("{id}.min"), low, noted(&[text, row.get("note")]));
    push(format!("{id}.max"), high, noted(&[text, row.get("note")]));
    Ok(())
}

/// Lowest and highest of `1..4 step 1` or `0.5, 1, 2`.
fn span(text: &str) -> Option<(Decimal, Decimal)> {
    if let Some((low, rest)) = text.split_once("..") {
        let high = rest.split(' ').next()?;
        return Some((
            Decimal::from_str_exact(low).ok()?,
            Decimal::from_str_exact(high).ok()?,
        ));
    }
    let values: Vec<Decimal> = text
        .split(',')
        .map(|value| Decimal::from_str_exact(value.trim()))
        .collect::<Result<_, _>>()
        .ok()?;
    Some((*values.iter().min()?, *values.iter().max()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_of_sizes_becomes_its_lowest_and_highest() {
        let decimals = |low: i64, high: i64, scale| Some((Decimal::new(low, scale), Decimal::new(high, 0)));
        assert_eq!(span("1..4 step 1"), decimals(1, 4, 0));
        assert_eq!(span("0.5, 1, 2"), decimals(5, 2, 1));
        assert_eq!(span("many"), None);
    }
}
