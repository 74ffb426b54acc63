//! Pictures made of rows: a name at the left, something drawn in the middle, words at the right. On a phone
//! the name and the words stand above what is drawn.

use super::{
    frame::LINE,
    scale::Scale,
    sheet::{Anchor, HEAD, Look, MUTED, Sheet},
};

/// Names and values, which lines may cross.
const BOLD: Look = Look::of("i s h", true);
/// The same of second rank.
const FAINT: Look = Look::of("h", false);

/// Texts of a row; each may be empty.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowText {
    pub name: String,
    pub note: String,
    pub value: String,
    pub value_note: String,
}

/// Columns of a picture of rows, in pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns {
    /// Left and right edge of the whole.
    pub all: (f64, f64),
    /// Left and right edge of what is drawn.
    pub drawn: (f64, f64),
    narrow: bool,
    two: bool,
}

impl Columns {
    /// Columns from `left` to `right`; `two` says whether rows have a second line of text, `shares` (0-1)
    /// which
    /// part of the width name and words take.
    pub(crate) fn split((left, right): (f64, f64), two: bool, shares: [f64; 2]) -> Self {
        let (narrow, width) = (right - left < 480.0, right - left);
        let drawn = if narrow {
            (left, right)
        } else {
            (left + width * shares[0], right - width * shares[1])
        };
        Self {
            all: (left, right),
            drawn,
            narrow,
            two,
        }
    }

    /// Height of a row.
    pub(crate) fn height(self) -> f64 {
        match (self.narrow, self.two) {
            (true, true) => 62.0,
            (true, false) => 44.0,
            (false, true) => 40.0,
            (false, false) => 30.0,
        }
    }

    /// The middle of what is drawn in a row that begins at `top`.
    pub(crate) fn middle(self, top: f64) -> f64 {
        if self.narrow {
            top + self.height() - 13.0
        } else {
            top + self.height() / 2.0
        }
    }

    /// Writes the texts of a row that begins at `top`.
    pub(crate) fn write(self, sheet: &mut Sheet, top: f64, row: &RowText) {
        let (left, right) = self.all;
        let first = if self.narrow || self.two {
            top + 15.0
        } else {
            top + self.height() / 2.0 + 4.0
        };
        if self.narrow {
            let room = right - left;
            let value = BOLD.fit(&row.value, room * 0.62);
            let name = BOLD.fit(&row.name, room - BOLD.width(&value) - 10.0);
            sheet.text(BOLD, Anchor::Start, (left, first), &name);
            sheet.text(BOLD, Anchor::End, (right, first), &value);
            let note = FAINT.fit(&row.value_note, room * 0.7);
            let before = FAINT.fit(&row.note, room - FAINT.width(&note) - 10.0);
            sheet.text(FAINT, Anchor::Start, (left, first + LINE), &before);
            sheet.text(FAINT, Anchor::End, (right, first + LINE), &note);
            return;
        }
        let (room, beside) = (self.drawn.0 - left - 14.0, right - self.drawn.1 - 14.0);
        sheet.text(BOLD, Anchor::Start, (left, first), &BOLD.fit(&row.name, room));
        sheet.text(
            FAINT,
            Anchor::Start,
            (left, first + LINE),
            &FAINT.fit(&row.note, room),
        );
        let at = self.drawn.1 + 14.0;
        sheet.text(BOLD, Anchor::Start, (at, first), &BOLD.fit(&row.value, beside));
        sheet.text(
            FAINT,
            Anchor::Start,
            (at, first + LINE),
            &FAINT.fit(&row.value_note, beside),
        );
    }

    /// A thin line above a row.
    pub(crate) fn rule(self, sheet: &mut Sheet, top: f64) {
        sheet.faint_line("ru", &[(self.all.0, top), (self.all.1, top)]);
    }

    /// An upright line through all rows, which begin at `top`; on a phone it leaves out their texts.
    pub(crate) fn upright(self, sheet: &mut Sheet, class: &'static str, at: f64, (top, bottom): (f64, f64)) {
        if !self.narrow {
            sheet.faint_line(class, &[(at, top), (at, bottom)]);
            return;
        }
        let rows = ((bottom - top) / self.height()).round().max(0.0) as usize;
        for row in 0..rows {
            let end = top + (row + 1) as f64 * self.height();
            sheet.faint_line(class, &[(at, end - 24.0), (at, end - 2.0)]);
        }
    }

    /// The horizontal axis above the rows: a label for each tick, and a line through all rows.
    pub(crate) fn axis(
        self,
        sheet: &mut Sheet,
        scale: &Scale,
        (top, bottom): (f64, f64),
        label: impl Fn(f64) -> String,
    ) {
        let (left, right) = self.drawn;
        let most = ((right - left) / 84.0).floor().max(2.0) as usize;
        for tick in scale.ticks(most) {
            let at = scale.at(tick);
            self.upright(sheet, "gr", at, (top, bottom));
            let text = label(tick);
            let half = MUTED.width(&text) / 2.0;
            let centre = at.max(half).min(sheet.width - half);
            sheet.place(MUTED, &text, &[(Anchor::Middle, (centre, top - 6.0))]);
        }
    }
}

/// A heading inside a picture.
pub(crate) fn heading(sheet: &mut Sheet, at: (f64, f64), room: f64, text: &str) {
    sheet.text(HEAD, Anchor::Start, at, &HEAD.fit(text, room));
}
