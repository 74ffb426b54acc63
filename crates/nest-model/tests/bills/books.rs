//! Price books out of a vector's rates, read as any book is.

use nest_data::{
    PriceBook, Source,
    price_book::{Commitment, Meter, Quantum, Round},
};
use nest_model::pricing::{billed_seconds, price, price_parts};
use rust_decimal::Decimal;
use serde_json::Value;

use super::vector::decimal;

pub fn book(rows: &str) -> PriceBook {
    let text = format!(
        "schema = 1\nprovider = \"p\"\nregion = \"r\"\ncurrency = \"USD\"\nmonth_hours = \"730\"\ntax = \
         \"excluded\"\nstale_after_days = 1\n[source.s]\ntitle = \"a worked bill\"\nobserved_on = \
         \"2026\"\nconfidence = \"secondary\"\n{rows}"
    );
    PriceBook::read(&Source::new("book.toml", text)).unwrap_or_else(|found| panic!("{found:?} in {rows}"))
}

/// A meter of some unit, its price as in a book, and further keys.
pub fn meter(id: &str, price: &str, more: &str) -> Meter {
    book(&format!(
        "[[meter]]\nid = \"{id}\"\nunit = \"unit\"\nprice = {price}\nsource = \"s\"\n{more}\n"
    ))
    .meter
    .remove(0)
}

/// A meter with one price for each unit.
pub fn flat(id: &str, amount: Decimal) -> Meter {
    meter(id, &format!("{{ amount = \"{amount}\" }}"), "")
}

/// A meter with a price for a million units.
pub fn per_million(id: &str, amount: Decimal, more: &str) -> Meter {
    meter(
        id,
        &format!("{{ amount = \"{amount}\", per = \"1000000\" }}"),
        more,
    )
}

/// A price in tiers out of `[from, to, amount]` rows.
pub fn tiers(rows: &Value) -> String {
    let tier = |row: &Value| match row[1].as_str() {
        Some(up_to) => format!("{{ up_to = \"{up_to}\", amount = \"{}\" }}", decimal(&row[2])),
        None => format!("{{ amount = \"{}\" }}", decimal(&row[2])),
    };
    format!(
        "{{ mode = \"graduated\", tiers = [{}] }}",
        rows.as_array()
            .expect("tiers")
            .iter()
            .map(tier)
            .collect::<Vec<_>>()
            .join(", ")
    )
}

/// Free units out of a pool.
pub fn free(pool: &str, quantity: u32) -> String {
    format!("free = {{ kind = \"always\", quantity = \"{quantity}\", pool = \"{pool}\" }}")
}

/// What a quantity of a meter costs; a worked bill knows every price.
pub fn cost(meter: &Meter, quantity: Decimal) -> Decimal {
    price(meter, quantity).expect("a known price")
}

/// Quantity and cost of the parts that pay one price each.
pub fn parts(meter: &Meter, quantity: Decimal) -> Vec<(Decimal, Decimal)> {
    price_parts(meter, quantity)
        .expect("a price")
        .iter()
        .map(|part| (part.quantity, part.cost.expect("a known price")))
        .collect()
}

/// Seconds that are billed for a run, in steps and with a minimum as a book writes them.
pub fn billed_s(step: &str, minimum: Option<&str>, seconds: Decimal) -> Decimal {
    let quantum = Quantum {
        per: "run".into(),
        step: step.into(),
        round: Round::Up,
        minimum: minimum.map(Into::into),
    };
    billed_seconds(&quantum, seconds).expect("lengths of time")
}

/// A commitment of one year.
pub fn commitment(
    kind: &str,
    payment: &str,
    covers: &str,
    upfront: Decimal,
    recurring: Decimal,
    rates: &[(String, Decimal)],
) -> Commitment {
    let rates: String = rates
        .iter()
        .map(|(name, rate)| format!("\"{name}\" = \"{rate}\", "))
        .collect();
    book(&format!(
        "[[commitment]]\nid = \"c\"\nkind = \"{kind}\"\nterm_months = 12\npayment = \"{payment}\"\ncovers = \
         {{ {covers} }}\nupfront = \"{upfront}\"\nrecurring = \"{recurring}\"\nunit = \"h\"\nrates = {{ {} \
         }}\nsource = \"s\"\n",
        rates.trim_end_matches(", ")
    ))
    .commitment
    .remove(0)
}
