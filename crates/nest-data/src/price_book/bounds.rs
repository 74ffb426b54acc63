//! Bounds of a book's numbers, so that exact products of them stay inside the digits of a decimal.

use rust_decimal::Decimal;

use super::PriceBook;
use crate::{diagnostic::Diagnostic, toml_document::Spans, units::QuotedDecimal};

/// Highest amount that a commitment or a plan asks for.
const HIGHEST_AMOUNT: Decimal = Decimal::from_parts(100_000_000, 0, 0, false, 0);
/// Most units that are free or included.
const MOST_UNITS: Decimal = Decimal::from_parts(1_410_065_408, 2, 0, false, 0); // 10^10
/// Highest percentage of another price.
const HIGHEST_PERCENT: Decimal = Decimal::ONE_THOUSAND;
/// Least that makes one unit of several quantities.
const LEAST_OF_UNIT: Decimal = Decimal::from_parts(1, 0, 0, false, 3); // 0.001

/// Checks numbers that no price list has.
pub fn check_bounds(book: &PriceBook, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let mut within = |path: &[&str], value: QuotedDecimal, low: Decimal, high: Decimal| {
        if !(low..=high).contains(&value.0) {
            let message = format!("`{}` is {value}, out of range", path.join("."));
            found.push(spans.at_value(path, message, format!("write a number from {low} to {high}")));
        }
    };
    for (index, commitment) in book.commitment.iter().enumerate() {
        let index = index.to_string();
        let amounts = [
            ("upfront", commitment.upfront),
            ("recurring", commitment.recurring),
        ];
        for (key, amount) in amounts {
            within(
                &["commitment", &index, key],
                amount,
                Decimal::ZERO,
                HIGHEST_AMOUNT,
            );
        }
        for (name, rate) in &commitment.rates {
            let path = ["commitment", index.as_str(), "rates", name];
            within(&path, *rate, Decimal::ZERO, HIGHEST_AMOUNT);
        }
    }
    for (index, plan) in book.plan.iter().enumerate() {
        let index = index.to_string();
        within(
            &["plan", &index, "amount"],
            plan.amount,
            Decimal::ZERO,
            HIGHEST_AMOUNT,
        );
        for included in &plan.includes {
            within(
                &["plan", &index, "includes"],
                included.quantity,
                Decimal::ZERO,
                MOST_UNITS,
            );
        }
    }
    for (index, meter) in book.meter.iter().enumerate() {
        let index = index.to_string();
        if let Some(free) = &meter.free {
            within(
                &["meter", &index, "free"],
                free.quantity,
                Decimal::ZERO,
                MOST_UNITS,
            );
        }
        if let Some(included) = &meter.included {
            within(
                &["meter", &index, "included"],
                included.quantity,
                Decimal::ZERO,
                MOST_UNITS,
            );
        }
        if let Some(of) = &meter.percent_of {
            within(
                &["meter", &index, "percent_of"],
                of.percent,
                Decimal::ZERO,
                HIGHEST_PERCENT,
            );
        }
        for dimension in &meter.max_of {
            within(
                &["meter", &index, "max_of"],
                dimension.per_unit,
                LEAST_OF_UNIT,
                MOST_UNITS,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{PriceBook, Source};

    const BOOK: &str = "schema = 1\nprovider = \"p\"\nregion = \"r\"\ncurrency = \"USD\"\n\
                        month_hours = \"730\"\n\
                        tax = \"excluded\"\nstale_after_days = 1\n[source.s]\ntitle = \"t\"\nobserved_on = \
                        \"2026\"\nconfidence = \"page\"\n";

    fn refused(rows: &str) -> String {
        let found = PriceBook::read(&Source::new("book.toml", format!("{BOOK}{rows}")));
        let messages = found.err().unwrap_or_default().into_iter().map(|one| one.message);
        messages.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn numbers_that_no_price_list_has_are_refused_with_their_place() {
        let meter = |more: &str| {
            format!(
                "[[meter]]\nid = \"m\"\nunit = \"u\"\nprice = {{ amount = \"1\" }}\nsource = \"s\"\n{more}\n"
            )
        };
        let commitment = |upfront: &str| {
            format!(
                "[[commitment]]\nid = \"c\"\nkind = \"reserved\"\nterm_months = 12\npayment = \"all\"\n\
                 covers = {{ sku = \"x\" }}\nupfront = \"{upfront}\"\nrecurring = \"0\"\n\
                 unit = \"h\"\nsource = \"s\"\n"
            )
        };
        let plan = |amount: &str| {
            format!("[[plan]]\nid = \"q\"\namount = \"{amount}\"\nper = \"month\"\nsource = \"s\"\n")
        };
        for fine in [
            meter("free = { kind = \"always\", quantity = \"10000000000\" }"),
            commitment("100000000"),
            plan("5"),
        ] {
            assert_eq!(refused(&fine), "", "{fine}");
        }
        for (odd, place) in [
            (
                meter("free = { kind = \"always\", quantity = \"10000000001\" }"),
                "meter.0.free",
            ),
            (
                meter("free = { kind = \"always\", quantity = \"-1\" }"),
                "meter.0.free",
            ),
            (commitment("100000001"), "commitment.0.upfront"),
            (commitment("-1"), "commitment.0.upfront"),
            (plan("1000000000"), "plan.0.amount"),
        ] {
            let message = refused(&odd);
            assert!(
                message.contains(place) && message.contains("out of range"),
                "{odd}: {message}"
            );
        }
        let per = |per: &str| {
            let price = format!("price = {{ amount = \"1\", per = \"{per}\" }}");
            refused(&meter("").replace("price = { amount = \"1\" }", &price))
        };
        assert_eq!(per("0.001"), "");
        for odd in ["0.0009", "0", "1000000000001"] {
            assert!(per(odd).contains("price out of range"), "{odd}");
        }
    }
}
