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
    draw_values(sheet, plot)?;
    draw_customers(sheet, plot)
}

/// The vertical axis: its title, and a line and a label for each tick.
fn draw_values(sheet: &Sheet, plot: &Plot) -> Drawn {
    let title = (PLOT_X.0, sheet.layout.title());
    label(
        sheet.root,
        axis::title(&sheet.chart.y),
        title,
        HPos::Left,
        MUTED.rgb(),
    )?;
    for tick in &sheet.y.ticks {
        let place = (sheet.x.range().start, sheet.y.place(*tick));
        let height = plot.backend_coord(&place).1;
        let ends = [(PLOT_X.0, height), (PLOT_X.1, height)];
        line(sheet.root, &ends, GRID.rgb().stroke_width(layout::HAIR))?;
        let text = axis::value_label(&sheet.chart.y, *tick);
        let before = (PLOT_X.0 - 8 * FINE, height);
        label(sheet.root, &text, before, HPos::Right, MUTED.rgb())?;
    }
    Ok(())
}

/// The horizontal axis: its line, a mark and a label for each tick, and its title.
fn draw_customers(sheet: &Sheet, plot: &Plot) -> Drawn {
    let (_, bottom) = sheet.layout.plot_y();
    let hair = MUTED.rgb().stroke_width(layout::HAIR);
    line(sheet.root, &[(PLOT_X.0, bottom), (PLOT_X.1, bottom)], hair)?;
    for tick in &sheet.x.ticks {
        let place = (sheet.x.place(*tick), sheet.y.range().start);
        let left = plot.backend_coord(&place).0;
        line(sheet.root, &[(left, bottom), (left, bottom + 5 * FINE)], hair)?;
        let text = axis::customers_label(*tick);
        let below = (left, bottom + 15 * FINE);
        label(sheet.root, &text, below, HPos::Center, MUTED.rgb())?;
    }
    let middle = ((PLOT_X.0 + PLOT_X.1) / 2, bottom + 36 * FINE);
    label(sheet.root, "customers", middle, HPos::Center, MUTED.rgb())
}
