//! A figure: what it says in words, and its picture at three widths.

use super::draw::sheet::Sheet;
use crate::{error::ReportError, markup, words};

/// Widths at which each picture is drawn, in pixels: a whole page, a tablet or paper, a phone.
pub(crate) const WIDTHS: [f64; 3] = [1080.0, 700.0, 358.0];

/// Most words of a title.
pub(super) const WORDS: usize = 15;

/// What a figure shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum FigureKind {
    /// The bill by month, and when each limit is reached.
    Bill,
    /// Cost of 1,000 customers by their number.
    CostPer1000,
    /// Customers by month in each growth scenario.
    Growth,
    /// What the bill is paid for.
    DriversNow,
    /// The same by month.
    DriversOverTime,
    /// Cost of each set-up over all months.
    Setups,
    /// The same less the base's, case by case.
    PairedDifference,
    /// The bill by month, a panel a set-up.
    SmallMultiples,
    /// What each policy changes.
    Policies,
    /// What each kind of customers pays and costs.
    Segments,
    /// What one execution needs.
    Demand,
    /// How the result moves with each input.
    Tornado,
    /// How long answers take.
    Response,
    /// Measured points on fitted lines.
    Fit,
    /// Age and share of each price.
    Prices,
}

/// A picture with its words.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    /// What it shows.
    pub kind: FigureKind,
    /// Its name in anchors and files.
    pub slug: String,
    /// The finding, in at most fifteen words.
    pub title: String,
    /// How to read it, in a line; may be empty.
    pub key: String,
    /// The finding with numbers.
    pub description: String,
    /// An `<svg>` element for each of [`WIDTHS`].
    pub widths: [String; 3],
    /// The same before they became text.
    pub(super) sheets: [Sheet; 3],
}

/// The words of a figure.
#[derive(Debug, Clone)]
pub(super) struct Caption {
    pub kind: FigureKind,
    pub slug: &'static str,
    pub title: String,
    pub key: String,
    pub description: String,
}

/// Draws a figure at each width.
pub(super) fn compose(caption: Caption, draw: impl Fn(f64) -> Sheet) -> Result<Figure, ReportError> {
    let failed = |reason: String| ReportError::Chart {
        id: caption.slug.to_owned(),
        reason,
    };
    let title = first_words(&words::capital(&plain(&caption.title)));
    let description = plain(&caption.description);
    let sheets = WIDTHS.map(draw);
    let mut widths = [String::new(), String::new(), String::new()];
    for (text, sheet) in widths.iter_mut().zip(&sheets) {
        *text = inline(caption.slug, [&title, &description], sheet).map_err(failed)?;
    }
    Ok(Figure {
        kind: caption.kind,
        slug: caption.slug.to_owned(),
        title,
        key: plain(&caption.key),
        description,
        widths,
        sheets,
    })
}

/// A title of at most as many words as a reader takes in at a glance.
fn first_words(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.len() <= WORDS {
        return words.join(" ");
    }
    format!("{}…", words[..WORDS].join(" "))
}

/// A text on one line, without backticks and without what steers a terminal or turns text around.
pub(super) fn plain(text: &str) -> String {
    words::clean(text).replace('`', "")
}

fn inline(slug: &str, [title, description]: [&str; 2], sheet: &Sheet) -> Result<String, String> {
    let (width, height) = (sheet.width, sheet.height.ceil());
    let name = format!("{slug}-{width}");
    Ok(format!(
        "<svg class=\"ch\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-labelledby=\"{name}-t {name}-d\">\n<title id=\"{name}-t\">{}</title>\n\
         <desc id=\"{name}-d\">{}</desc>\n{}</svg>\n",
        markup::escape(title),
        markup::escape(description),
        sheet.elements()?
    ))
}
