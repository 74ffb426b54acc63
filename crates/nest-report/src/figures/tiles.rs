//! The four figures under the first sentence.

use nest_data::{
    Projection,
    projection::{Headline, LimitNature},
};
use serde::Serialize;

use crate::{format, sentence, unit};

/// A figure of the first screen.
#[derive(Debug, Serialize)]
pub(crate) struct Tile {
    /// What the figure is.
    pub label: &'static str,
    /// Its value.
    pub value: String,
    /// Its 90 % interval; empty if it has none.
    pub interval: String,
    /// A remark below the value.
    pub note: String,
}

/// The tiles of the headline; none if the study has no configuration.
pub(crate) fn tiles(projection: &Projection) -> Vec<Tile> {
    let Some(headline) = &projection.headline else {
        return Vec::new();
    };
    let mut tiles = vec![per_1000(projection, headline), breaks_at(projection, headline)];
    tiles.extend(on(projection, headline));
    tiles.extend(next_1000(projection, headline));
    tiles
}

fn per_1000(projection: &Projection, headline: &Headline) -> Tile {
    let text = format::money(&headline.per_1000, unit::currency(projection, &headline.config));
    let note = format!(
        "a month, at {} customers on `{}`",
        format::number(headline.customers),
        headline.config
    );
    tile("1,000 customers cost", &text, note)
}

fn breaks_at(projection: &Projection, headline: &Headline) -> Tile {
    match sentence::broken(headline) {
        Some((point, customers)) => tile(
            match point.nature {
                LimitNature::Choice => "Your limit is at",
                LimitNature::Hard => "Breaks at",
            },
            &sentence::marked(point, customers),
            format!("customers: {}", sentence::cause(point)),
        ),
        None => {
            let note = format!(
                "customers, the end of the search; tested to {}",
                format::number(projection.model.tested_customers)
            );
            tile("No limit below", &format::number(headline.searched_to), note)
        }
    }
}

fn on(projection: &Projection, headline: &Headline) -> Option<Tile> {
    let growth = projection.growth.as_ref()?;
    let (point, _) = sentence::broken(headline)?;
    let known = point.date.and_then(|date| date.value).is_some();
    let text = sentence::date(point.date.as_ref());
    let note = format!("on `{growth}` growth");
    if known {
        Some(tile("That is in", &text, note))
    } else {
        Some(tile("That is", "not in sight", format!("{note}: {text}")))
    }
}

fn next_1000(projection: &Projection, headline: &Headline) -> Option<Tile> {
    let config = projection
        .configs
        .iter()
        .find(|config| config.name == headline.config)?;
    let stair = config.bill.next_stair.map_or_else(String::new, |stair| {
        format!("; the next instance comes at {}", format::number(stair))
    });
    Some(tile(
        "The next 1,000 cost",
        &format::amount(config.bill.marginal_1000, &config.currency),
        format!("a month{stair}"),
    ))
}

/// Splits `value [low … high]` so that the interval can be set smaller.
fn tile(label: &'static str, text: &str, note: String) -> Tile {
    let (value, interval) = text
        .split_once(" [")
        .map_or((text, String::new()), |(value, rest)| (value, format!("[{rest}")));
    Tile {
        label,
        value: value.to_owned(),
        interval,
        note,
    }
}
