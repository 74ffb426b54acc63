//! What lies behind the curves: the hatch of what was not tested, grid, ticks and titles.

use plotters::{
    element::Rectangle,
    style::{Color, text_anchor::HPos},
};

use super::{
    axis,
    brush::{Drawn, Plot, Sheet, label, line},
    layout::{self, FINE, LINE, PLOT_X},
    palette::{GRID, HATCH, MUTED},
};
use crate::format;

/// Hatches what lies beyond the tested customers, and says so.
pub(super) fn draw_untested(sheet: &Sheet, plot: &mut Plot) -> Drawn {
    if !sheet.x.holds(sheet.chart.tested_to) {
        return Ok(());
    }
    let (from, vertical) = (sheet.x.place(sheet.chart.tested_to), sheet.y.range());
    let corners = [(from, vertical.start), (sheet.x.range().end, vertical.end)];
    plot.draw_series(std::iter::once(Rectangle::new(corners, HATCH.rgb().filled())))
        .map_err(|error| error.to_string())?;
    let at = plot.backend_coord(&(from, vertical.end)).0;
    let (top, bottom) = sheet.layout.plot_y();
    line(
        sheet.root,
        &[(at, top - LINE / 4), (at, bottom)],
        MUTED.rgb().stroke_width(layout::HAIR),
    )?;
    let text = format!(
        "tested to {}; beyond is extrapolated",
        format::number(sheet.chart.tested_to)
    );
    let anchor = if at > (PLOT_X.0 + PLOT_X.1) / 2 {
        HPos::Right
    } else {
        HPos::Left
    };
    label(
        sheet.root,
        &text,
        (at, sheet.layout.tested()),
        anchor,
        MUTED.rgb(),
    )
}

/// Draws grid lines, ticks and titles of both axes.
pub(super) fn draw_grid(sheet: &Sheet, plot: &Plot) -> Drawn {
    let (_, bottom) = sheet.layout.plot_y();
    label(
        sheet.root,
        axis::title(&sheet.chart.y),
        (PLOT_X.0, sheet.layout.title()),
        HPos::Left,
        MUTED.rgb(),
    )?;
    for tick in &sheet.y.ticks {
        let at = plot
            .backend_coord(&(sheet.x.range().start, sheet.y.place(*tick)))
            .1;
        line(
            sheet.root,
            &[(PLOT_X.0, at), (PLOT_X.1, at)],
            GRID.rgb().stroke_width(layout::HAIR),
        )?;
        label(
            sheet.root,
            &axis::value_label(&sheet.chart.y, *tick),
            (PLOT_X.0 - 8 * FINE, at),
            HPos::Right,
            MUTED.rgb(),
        )?;
    }
    line(
        sheet.root,
        &[(PLOT_X.0, bottom), (PLOT_X.1, bottom)],
        MUTED.rgb().stroke_width(layout::HAIR),
    )?;
    for tick in &sheet.x.ticks {
        let at = plot
            .backend_coord(&(sheet.x.place(*tick), sheet.y.range().start))
            .0;
        line(
            sheet.root,
            &[(at, bottom), (at, bottom + 5 * FINE)],
            MUTED.rgb().stroke_width(layout::HAIR),
        )?;
        label(
            sheet.root,
            &axis::customers_label(*tick),
            (at, bottom + 15 * FINE),
            HPos::Center,
            MUTED.rgb(),
        )?;
    }
    label(
        sheet.root,
        "customers",
        ((PLOT_X.0 + PLOT_X.1) / 2, bottom + 36 * FINE),
        HPos::Center,
        MUTED.rgb(),
    )
}
