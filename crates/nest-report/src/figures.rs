//! The sections of a report in reading order: each has a finding, charts, tables, and how we know.
//!
//! HTML and Markdown print the same sections; no number is worked out here.

mod engineers;
mod growth;
mod mini;
mod moves;
mod policy;
mod segments;
mod setups;
mod size;
mod sources;
mod spending;
mod sure;
mod table;
mod tiles;
mod time;
mod worth;

use nest_data::Projection;
use serde::Serialize;

pub(crate) use table::{Cell, PageTable};
pub(crate) use tiles::tiles;

use crate::chart::{Figure, FigureKind};

/// Most words of a heading.
const MOST_WORDS: usize = 12;

/// One part of the page.
#[derive(Debug, Serialize)]
pub(crate) struct Section {
    /// Anchor.
    pub id: &'static str,
    /// Word in the contents.
    pub name: &'static str,
    /// What was found, at most twelve words: the heading.
    pub title: String,
    /// A line below the heading; empty if there is none.
    pub key: String,
    /// Charts.
    pub pictures: Vec<Picture>,
    /// Short texts side by side, each with a heading of its own.
    pub cards: Vec<Card>,
    /// Facts as a list.
    pub list: Vec<String>,
    /// The numbers.
    pub tables: Vec<PageTable>,
    /// How we know: what the words mean and how the numbers come about.
    pub how: Vec<String>,
}

/// A chart on the page, drawn at three widths.
#[derive(Debug, Serialize)]
pub(crate) struct Picture {
    /// Its name in anchors.
    pub slug: String,
    /// What it is called and what it shows, for those who do not see it.
    pub name: String,
    pub description: String,
    /// What it shows; empty where the heading of the section says it.
    pub title: String,
    /// Its key in a line; empty if it needs none.
    pub key: String,
    /// Inline SVG, for wide, middle and narrow pages; the first one is empty where the middle one serves
    /// both.
    pub widths: [String; 3],
}

/// A short text with a heading.
#[derive(Debug, Serialize)]
pub(crate) struct Card {
    /// Its heading.
    pub title: String,
    /// Its text.
    pub text: String,
    /// Whether it is a reason for doubt.
    pub doubt: bool,
}

impl Section {
    fn new(id: &'static str, name: &'static str, title: impl Into<String>) -> Self {
        Self {
            id,
            name,
            title: title.into(),
            key: String::new(),
            pictures: Vec::new(),
            cards: Vec::new(),
            list: Vec::new(),
            tables: Vec::new(),
            how: Vec::new(),
        }
    }

    /// With the charts of some kinds; the first one's finding becomes the heading, if it is short.
    fn drawn(mut self, figures: &[Figure], kinds: &[FigureKind]) -> Self {
        let of_kinds = kinds
            .iter()
            .flat_map(|kind| figures.iter().filter(move |figure| figure.kind == *kind));
        self.pictures = of_kinds.map(Picture::from).collect();
        if let Some(first) = self.pictures.first_mut() {
            if first.title.split_whitespace().count() <= MOST_WORDS {
                self.title = std::mem::take(&mut first.title);
            }
            self.key = std::mem::take(&mut first.key);
        }
        self
    }
}

impl Section {
    /// Leaves out the widest drawing of each chart: the middle one serves wide pages too.
    pub(crate) fn draw_twice(&mut self) {
        self.pictures
            .iter_mut()
            .for_each(|picture| picture.widths[0].clear());
    }
}

impl From<&Figure> for Picture {
    fn from(figure: &Figure) -> Self {
        Self {
            slug: figure.slug.clone(),
            name: figure.title.clone(),
            description: figure.description.clone(),
            title: figure.title.clone(),
            key: figure.key.clone(),
            widths: figure.widths.each_ref().map(|svg| named_once(svg, &figure.slug)),
        }
    }
}

/// A picture that takes its name and description from the page, which holds them once for all widths.
fn named_once(svg: &str, slug: &str) -> String {
    let (head, rest) = svg.split_once('>').unwrap_or((svg, ""));
    let head = head
        .split_once(" aria-labelledby=")
        .map_or(head, |(head, _)| head);
    let elements = rest.split_once("</desc>").map_or(rest, |(_, elements)| elements);
    format!(
        "{head} aria-labelledby=\"{slug}-t {slug}-d\">{}",
        elements.replace('\n', "")
    )
}

/// All sections of a report. Between the bill over time and what moves it, those come first that move most.
pub(crate) fn sections(projection: &Projection, figures: &[Figure]) -> Vec<Section> {
    let mut sections = Vec::new();
    sections.extend(time::bill_and_limits(projection, figures));
    sections.extend(growth::scenarios(projection, figures));
    sections.extend(worth::by_effect(
        projection,
        [
            size::per_1000(projection, figures),
            setups::side_by_side(projection, figures),
            spending::bills(projection, figures),
            policy::policies(projection, figures),
        ],
    ));
    sections.extend(segments::segments(projection, figures));
    sections.extend(moves::inputs(projection, figures));
    sections.extend(engineers::details(projection, figures));
    sections.push(sure::how_sure(projection));
    sections.push(sources::sources(projection, figures));
    sections
}

/// One section with all of its tables, by its name: `compare`, `policies` or `growth`.
pub(crate) fn section(projection: &Projection, id: &str) -> Option<Section> {
    match id {
        "compare" => setups::side_by_side(projection, &[]).map(|mut section| {
            section.tables.extend(moves::levers(projection));
            section.tables.extend(engineers::performance(projection));
            section
        }),
        "policies" => policy::policies(projection, &[]),
        "growth" => growth::scenarios(projection, &[]),
        _ => None,
    }
}

pub(crate) use policy::totals as policy_totals;
pub(crate) use setups::totals;
pub(crate) use time::limits;
