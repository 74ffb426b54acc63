//! The number of customers that the headline speaks of where the study does not say how many there are.

use std::collections::BTreeMap;

use nest_data::{Caveat, PriceBook, ScalingModel, Study};

use crate::{
    error::ModelError,
    project::break_point::customers_with_room,
    project::context::{Context, HeadlineCustomers, ProjectOptions},
    project::drawn_config::DrawnConfig,
};

/// The context of a projection, with the customers of its headline.
///
/// A study that states them, in `[report]` or as the start of growth, is taken at its word. For any other the
/// headline stands at the largest number that was tested with room: the customers of the highest fitted step,
/// or fewer if the configuration of the headline fails before, rounded down to two digits. A configuration
/// that fails with a single customer has no room anywhere; the tested number then stays as it is.
///
/// # Errors
/// As [`Context::new`], and those of the configuration.
pub fn context<'a>(
    model: &'a ScalingModel,
    study: &'a Study,
    books: &'a [PriceBook],
    options: &'a ProjectOptions,
) -> Result<Context<'a>, ModelError> {
    let mut context = Context::new(model, study, books, options)?;
    let (HeadlineCustomers::Tested { customers, .. }, Some(name)) =
        (context.headline, context.headline_config())
    else {
        return Ok(context);
    };
    let drawn = DrawnConfig::central_only(&context, name, &BTreeMap::new())?;
    let room = customers_with_room(&drawn, &context)?;
    context.headline = HeadlineCustomers::Tested {
        customers: two_digits(if room < 1.0 {
            customers
        } else {
            customers.min(room)
        }),
        has_room: room >= 1.0,
    };
    Ok(context)
}

/// The doubt that the study does not say how many customers there are; `None` if it does.
pub fn unstated_customers(context: &Context<'_>) -> Option<Caveat> {
    match context.headline {
        HeadlineCustomers::Stated(_) => None,
        HeadlineCustomers::Tested { customers, has_room } => {
            Some(Caveat::CustomersUnstated { customers, has_room })
        }
    }
}

/// A number of at least 1, rounded down to two digits, or to a whole number below 10.
fn two_digits(number: f64) -> f64 {
    // 10 to the power of a logarithm may lie beside a power of ten; dividing tells.
    let mut step = 1.0;
    while number / step >= 100.0 {
        step *= 10.0;
    }
    (number / step).floor() * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_down_to_two_digits() {
        for (number, rounded) in [
            (1.0, 1.0),
            (7.9, 7.0),
            (99.9, 99.0),
            (100.0, 100.0),
            (999.0, 990.0),
            (1_000.0, 1_000.0),
            (33_456.7, 33_000.0),
            (1e11, 1e11),
        ] {
            assert_eq!(two_digits(number), rounded, "{number}");
        }
    }
}
