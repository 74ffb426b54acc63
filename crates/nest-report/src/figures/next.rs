//! What to do next, in words.

use nest_data::{
    Projection,
    projection::{Action, Sensitivity},
};

use super::{ReadingPath, Section, compare::lever_in_words};
use crate::{format, unit::currency};

/// The actions of a projection; none if it was made without them.
pub(super) fn actions(projection: &Projection) -> Option<Section> {
    projection.actions.first()?;
    let mut texts = projection
        .actions
        .iter()
        .filter_map(|action| in_words(projection, action));
    let first = texts.next()?;
    let mut section = Section::new("next", "Next", ReadingPath::Product, "What to do next?", first);
    section.list = texts.collect();
    Some(section)
}

fn in_words(projection: &Projection, action: &Action) -> Option<String> {
    let headline = projection.headline.as_ref()?;
    let currency = currency(projection, &headline.config);
    match action {
        Action::PullLever { lever, .. } => {
            let lever = projection.levers.get(*lever)?;
            let text = lever_in_words(lever, currency);
            let still = if lever.chance[1] >= 0.5 {
                " Plan for the limit all the same."
            } else {
                ""
            };
            Some(format!(
                "{}: the chance that {} passes this limit before growth ends falls from {} to {}.{still}",
                capital(&text),
                lever.cause,
                format::chance_cell(lever.chance[0]),
                format::chance_cell(lever.chance[1])
            ))
        }
        Action::Switch { to, saves, cheaper } => {
            let config = &headline.config;
            Some(format!(
                "Move from `{config}` to `{to}`: {} over all months; it is cheaper in {}.",
                format::money_change(saves, currency),
                format::cases(*cheaper)
            ))
        }
        Action::CheckPrice { price } => {
            let price = projection.prices.get(*price)?;
            Some(format!(
                "Look up the price of `{}` again: it was seen {} ago, and {} of this bill rests on it.",
                price.item,
                format::age(price.age_days),
                format::rough_percent(price.share)
            ))
        }
        Action::Narrow { input } => {
            let input = projection.sensitivity.get(*input)?;
            Some(format!(
                "Find out more about {}: between the two ends of its range the first limit moves by {}.",
                input.input,
                moved(input)
            ))
        }
        Action::Wait { until: Some(date) } => Some(format!(
            "Nothing has to be done before {}: 1 chance in 20 that a limit is reached by then.",
            format::month(*date)
        )),
        Action::Wait { until: None } => {
            Some("Nothing has to be done: no limit is likely to be reached before growth ends.".to_owned())
        }
    }
}

fn moved(input: &Sensitivity) -> String {
    let months = format::number((input.months * 10.0).round() / 10.0);
    if input.date.iter().all(Option::is_some) {
        format!("{months} months")
    } else {
        format!("{months} months or more")
    }
}

/// A text with a capital at its beginning.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}
