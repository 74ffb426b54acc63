//! What each kind of customers costs on a configuration, and the least price that covers it.

use nest_data::{
    projection::{Bill, CostLine, MoneyEstimate, SegmentProjection},
    segment::shares,
    units::QuotedDecimal,
};
use rust_decimal::{
    Decimal,
    prelude::{FromPrimitive, ToPrimitive},
};

use crate::{
    error::ModelError, project::config::DIGITS, project::context::Context,
    project::drawn_config::DrawnConfig, project::figure::quotient,
};

/// Every segment at the headline's customers.
///
/// # Formula
/// A line that a behaviour causes is paid by segments as they execute it:
/// `share_s rate_s / sum_j share_j rate_j`. What no behaviour causes is paid by every customer alike. The
/// floor price is `cost / (1 - margin)`.
pub fn segments(
    context: &Context<'_>,
    drawn: &DrawnConfig<'_>,
    bill: &Bill,
) -> Result<Vec<SegmentProjection>, ModelError> {
    let shares = shares(&context.study.segments, 0.0);
    let rates = shares
        .keys()
        .map(|name| {
            Ok((
                name.clone(),
                context
                    .study
                    .segment_rates(name, &drawn.parameters)
                    .map_err(ModelError::Rates)?,
            ))
        })
        .collect::<Result<std::collections::BTreeMap<_, _>, ModelError>>()?;
    let weight = |segment: &str, behaviour: &str| {
        shares[segment] * rates[segment].get(behaviour).copied().unwrap_or(0.0)
    };
    let part = |segment: &str, line: &CostLine| -> Decimal {
        let Some(amount) = line.amount else {
            return Decimal::ZERO;
        };
        let share = match &line.behaviour {
            Some(behaviour) => {
                weight(segment, behaviour) / shares.keys().map(|one| weight(one, behaviour)).sum::<f64>()
            }
            None => shares[segment],
        };
        (amount.0 * Decimal::from_f64(share).unwrap_or_default()).round_dp(DIGITS)
    };
    let project = |(name, segment): (&String, &nest_data::segment::Segment)| {
        let customers = context.decimal(bill.customers * shares[name])?;
        let per_1000 = |lines: &mut dyn Iterator<Item = &CostLine>| -> Result<Decimal, ModelError> {
            let sum: Decimal = lines.map(|line| part(name, line)).sum();
            if customers.is_zero() {
                return Ok(Decimal::ZERO);
            }
            let what = format!("cost per 1,000 customers of segment `{name}`");
            Ok(quotient(sum * Decimal::ONE_THOUSAND, customers, &what)?.round_dp(DIGITS))
        };
        let direct = per_1000(&mut bill.lines.iter().filter(|line| line.behaviour.is_some()))?;
        let shared = per_1000(&mut bill.lines.iter().filter(|line| line.behaviour.is_none()))?;
        let fees = per_1000(&mut bill.fees.iter().flat_map(|fees| &fees.lines))?;
        let each = (direct + shared + fees) / Decimal::ONE_THOUSAND;
        let target = segment
            .target_margin
            .and_then(|margin| Decimal::from_f64(margin.get()))
            .unwrap_or_default();
        let margin = segment
            .price
            .filter(|price| !price.0.is_zero())
            .and_then(|price| (price.0 - each).checked_div(price.0)?.to_f64());
        Ok(SegmentProjection {
            name: name.clone(),
            share: shares[name],
            customers: bill.customers * shares[name],
            direct_per_1000: QuotedDecimal(direct.normalize()),
            shared_per_1000: QuotedDecimal(shared.normalize()),
            per_1000: in_proportion(direct + shared, &bill.per_1000),
            fees_per_1000: QuotedDecimal(fees.normalize()),
            price: segment.price,
            margin,
            target_margin: segment.target_margin.map(|margin| margin.get()),
            floor_price: QuotedDecimal(
                quotient(each, Decimal::ONE - target, "floor price")?
                    .round_dp(DIGITS)
                    .normalize(),
            ),
        })
    };
    context.study.segments.iter().map(project).collect()
}

/// The interval of the whole cost, in proportion: segments share the draws of what they run on.
fn in_proportion(value: Decimal, whole: &MoneyEstimate) -> MoneyEstimate {
    let float = |value: Decimal| value.to_f64().unwrap_or(f64::NAN);
    let factor = if whole.value.0.is_zero() {
        1.0
    } else {
        float(value) / float(whole.value.0)
    };
    MoneyEstimate {
        value: QuotedDecimal(value.normalize()),
        low: whole.low * factor,
        high: whole.high * factor,
        mean: whole.mean.map(|mean| mean * factor),
        at_least: whole.at_least,
    }
}
