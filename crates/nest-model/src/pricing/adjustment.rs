//! From list prices to contracted ones: the user's own discounts and surcharges, in order.

use nest_data::price_book::Adjustment;
use rust_decimal::Decimal;

/// The factor on list prices of one meter or instance type.
///
/// # Formula
/// `prod_a (100 + percent_a) / 100` over the adjustments whose selector matches, by ascending `order`; 1
/// without any. -9 and then -10 % leave
/// 0.819. Contracted price and cost are the list's times this; a report shows both.
///
/// Source: `docs/method/pricing.md`, "Discounts of the user's contract".
#[must_use]
pub fn contract_factor(adjustments: &[Adjustment], name: &str) -> Decimal {
    applied(adjustments, name)
        .into_iter()
        .fold(Decimal::ONE, |factor, one| factor * share_left(one))
}

/// A list price or cost after each adjustment, with the label of the adjustment; the last is the contracted
/// one.
///
/// # Formula
/// As [`contract_factor`], step by step.
#[must_use]
pub fn contract_steps<'a>(
    adjustments: &'a [Adjustment],
    name: &str,
    list: Decimal,
) -> Vec<(&'a str, Decimal)> {
    let mut left = list;
    let step = |one: &'a Adjustment| {
        left *= share_left(one);
        (one.label.as_str(), left)
    };
    applied(adjustments, name).into_iter().map(step).collect()
}

/// The adjustments that apply to a name, by their order; those of equal order stay as written.
fn applied<'a>(adjustments: &'a [Adjustment], name: &str) -> Vec<&'a Adjustment> {
    let mut applied: Vec<&Adjustment> = adjustments
        .iter()
        .filter(|adjustment| adjustment.applies_to(name))
        .collect();
    applied.sort_by_key(|adjustment| adjustment.order);
    applied
}

fn share_left(adjustment: &Adjustment) -> Decimal {
    (Decimal::ONE_HUNDRED + adjustment.percent.0) / Decimal::ONE_HUNDRED
}

#[cfg(test)]
mod tests {
    use super::*;
    use nest_data::{price_book::AdjustmentKind, units::QuotedDecimal};

    #[test]
    fn adjustments_apply_in_order_to_what_they_select() {
        let adjustment = |order: u32, percent: i64, selector: &str| Adjustment {
            order,
            kind: AdjustmentKind::Percent,
            percent: QuotedDecimal(Decimal::from(percent)),
            selector: selector.into(),
            label: format!("{selector} {percent}"),
        };
        let contract = [
            adjustment(2, -10, "m7i*"),
            adjustment(1, -9, "*"),
            adjustment(3, 5, "lambda.requests"),
        ];
        assert_eq!(contract_factor(&contract, "m7i.large"), Decimal::new(819, 3));
        assert_eq!(contract_factor(&contract, "lambda.duration"), Decimal::new(91, 2));
        assert_eq!(contract_factor(&[], "m7i.large"), Decimal::ONE);
        let steps = contract_steps(&contract, "m7i.large", Decimal::from(1_000));
        assert_eq!(
            steps,
            [("* -9", Decimal::from(910)), ("m7i* -10", Decimal::from(819))]
        );
    }
}
