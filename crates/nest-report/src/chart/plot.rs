//! The drawing itself: bands, curves, points and limits, with their labels, on the frame.

use nest_data::projection::{Axis, Chart, Curve};
use plotters::{
    chart::ChartBuilder,
    drawing::IntoDrawingArea,
    element::{Circle, PathElement, Polygon, Rectangle},
    prelude::SVGBackend,
    style::{Color, RGBColor, text_anchor::HPos},
};

use super::{
    axis::AxisScale,
    brush::{Canvas, Drawn, Plot, Sheet, label, line},
    frame,
    layout::{self, FINE, LINE, Layout, PLOT_X, WIDTH},
    legend::{self, Swatch},
    palette::{self, INK, LIMIT, MUTED},
    polyline::{self, Position},
};

/// How far a linear axis of time reaches above the measured points and the limits, as a factor.
const TIME_ABOVE_MEASURED: f64 = 3.0;
/// Highest share shown.
const SHARE_SHOWN: f64 = 1.2;

/// The end of a curve, with its letter.
struct CurveEnd {
    point: Position,
    letter: char,
    colour: RGBColor,
}

/// Elements of a chart, without the `<svg>` around them, and the size of their canvas.
pub(super) fn elements(chart: &Chart) -> Result<(String, (u32, u32)), String> {
    let entries = legend::entries(chart);
    let layout = Layout::new(
        entries.iter().map(|entry| entry.place.0 + 1).max().unwrap_or(0),
        chart.curves.len(),
    );
    let size = layout.size();
    let mut text = String::new();
    let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
    draw_legend(&root, layout, &entries)?;
    match ranges(chart) {
        Some((x, y)) => draw_plot(&Sheet {
            root: &root,
            layout,
            chart,
            x,
            y,
        })?,
        None => label(
            &root,
            "nothing to draw",
            (WIDTH / 2, layout.plot_y().0),
            HPos::Center,
            MUTED.rgb(),
        )?,
    }
    root.present().map_err(|error| error.to_string())?;
    drop(root);
    let inner = text.split_once('>').map_or("", |(_, rest)| rest);
    let inner = inner
        .trim_end()
        .trim_end_matches("</svg>")
        .trim_start()
        .to_owned();
    Ok((inner, size))
}

fn draw_plot(sheet: &Sheet) -> Drawn {
    let (top, bottom) = sheet.layout.plot_y();
    let area = sheet
        .root
        .clone()
        .shrink((PLOT_X.0, top), (PLOT_X.1 - PLOT_X.0, bottom - top));
    let mut plot: Plot = ChartBuilder::on(&area)
        .build_cartesian_2d(sheet.x.range(), sheet.y.range())
        .map_err(|error| error.to_string())?;
    frame::draw_untested(sheet, &mut plot)?;
    frame::draw_grid(sheet, &plot)?;
    for (index, curve) in sheet.chart.curves.iter().enumerate() {
        draw_band(sheet, &mut plot, curve, palette::series(index).rgb())?;
    }
    draw_limits(sheet, &plot)?;
    let mut ends = Vec::new();
    for (index, curve) in sheet.chart.curves.iter().enumerate() {
        let colour = palette::series(index).rgb();
        let end = draw_curve(sheet, &mut plot, curve, colour)?;
        let lettered = end.zip(legend::letter(sheet.chart, index));
        ends.extend(lettered.map(|(point, letter)| CurveEnd {
            point,
            letter,
            colour,
        }));
    }
    draw_dots(sheet, &mut plot)?;
    draw_ends(sheet, &plot, &ends)
}

fn draw_band(sheet: &Sheet, plot: &mut Plot, curve: &Curve, colour: RGBColor) -> Drawn {
    let edge = |of: usize| -> Vec<Position> {
        let points: Vec<Position> = curve
            .points
            .iter()
            .filter(|point| point[1].is_finite() && !point[3].is_nan() && sheet.x.holds(point[0]))
            .map(|point| (sheet.x.place(point[0]), sheet.y.place(point[of])))
            .collect();
        if curve.stepped {
            polyline::stairs(&points)
        } else {
            points
        }
    };
    let outline: Vec<Position> = edge(3).into_iter().chain(edge(1).into_iter().rev()).collect();
    if outline.len() < 4 {
        return Ok(());
    }
    plot.draw_series(std::iter::once(Polygon::new(outline, colour.mix(0.2).filled())))
        .map_err(|error| error.to_string())?;
    Ok(())
}

/// Draws the value of a curve and returns where it ends.
fn draw_curve(
    sheet: &Sheet,
    plot: &mut Plot,
    curve: &Curve,
    colour: RGBColor,
) -> Result<Option<Position>, String> {
    let points: Vec<Position> = curve
        .points
        .iter()
        .filter(|point| sheet.x.holds(point[0]))
        .filter_map(|point| Some((sheet.x.place(point[0]), sheet.y.place_open(point[2])?)))
        .collect();
    let points = if curve.stepped {
        polyline::stairs(&points)
    } else {
        points
    };
    let (known, beyond) = polyline::split(&points, sheet.x.place(sheet.chart.tested_to));
    let top = sheet.y.range().end;
    let mut end = None;
    for (part, width) in [(known, layout::SOLID), (beyond, layout::DASHED)] {
        for run in polyline::below(&part, top) {
            end = run.last().copied();
            plot.draw_series(std::iter::once(PathElement::new(run, colour.stroke_width(width))))
                .map_err(|error| error.to_string())?;
        }
    }
    Ok(end)
}

fn draw_limits(sheet: &Sheet, plot: &Plot) -> Drawn {
    let limits: Vec<_> = sheet
        .chart
        .limits
        .iter()
        .filter(|limit| sheet.y.holds(limit.1))
        .collect();
    let heights: Vec<i32> = limits
        .iter()
        .map(|limit| {
            plot.backend_coord(&(sheet.x.range().start, sheet.y.place(limit.1)))
                .1
        })
        .collect();
    let wanted: Vec<i32> = heights.iter().map(|height| height - 9 * FINE).collect();
    for ((limit, height), at) in limits.iter().zip(&heights).zip(layout::apart(&wanted, 16 * FINE)) {
        line(
            sheet.root,
            &[(PLOT_X.0, *height), (PLOT_X.1, *height)],
            LIMIT.rgb().stroke_width(layout::DASH_DOTTED),
        )?;
        label(
            sheet.root,
            &limit.0,
            (PLOT_X.0 + 8 * FINE, at),
            HPos::Left,
            LIMIT.rgb(),
        )?;
    }
    Ok(())
}

fn draw_dots(sheet: &Sheet, plot: &mut Plot) -> Drawn {
    for (index, scatter) in sheet.chart.measured.iter().enumerate() {
        let colour = legend::tone_of_dots(sheet.chart, index).rgb();
        let shown = scatter
            .points
            .iter()
            .filter(|point| sheet.x.holds(point[0]) && sheet.y.holds(point[1]));
        let dots = shown.map(|point| {
            Circle::new(
                (sheet.x.place(point[0]), sheet.y.place(point[1])),
                layout::DOT,
                colour.filled(),
            )
        });
        plot.draw_series(dots).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Letters at the ends of the curves, moved apart: beside the end, or above the plot if the curve leaves it
/// there.
fn draw_ends(sheet: &Sheet, plot: &Plot, ends: &[CurveEnd]) -> Drawn {
    let (top, _) = sheet.layout.plot_y();
    let pixels: Vec<_> = ends
        .iter()
        .map(|end| (plot.backend_coord(&end.point), end))
        .collect();
    let (above, beside): (Vec<_>, Vec<_>) = pixels
        .into_iter()
        .partition(|((x, y), _)| y - top < LINE / 4 && *x < PLOT_X.1);
    let lefts: Vec<i32> = above.iter().map(|((x, _), _)| *x).collect();
    for (left, (_, end)) in layout::apart(&lefts, 14 * FINE).into_iter().zip(above) {
        label(
            sheet.root,
            &end.letter.to_string(),
            (left, sheet.layout.letters()),
            HPos::Center,
            end.colour,
        )?;
    }
    let heights: Vec<i32> = beside.iter().map(|((_, y), _)| *y).collect();
    for (height, ((right, _), end)) in layout::apart(&heights, 14 * FINE).into_iter().zip(beside) {
        label(
            sheet.root,
            &end.letter.to_string(),
            (right + 6 * FINE, height),
            HPos::Left,
            end.colour,
        )?;
    }
    Ok(())
}

fn draw_legend(root: &Canvas, layout: Layout, entries: &[legend::LegendEntry]) -> Drawn {
    for entry in entries {
        let left = PLOT_X.0 + i32::try_from(entry.place.1).unwrap_or(0) * (PLOT_X.1 - PLOT_X.0) / 2;
        let (row, width, colour) = (layout.legend_row(entry.place.0), 24 * FINE, entry.tone.rgb());
        match entry.swatch {
            Swatch::Curve => {
                let band = Rectangle::new(
                    [(left, row - 6 * FINE), (left + width, row + 6 * FINE)],
                    colour.mix(0.2).filled(),
                );
                root.draw(&band).map_err(|error| error.to_string())?;
                line(
                    root,
                    &[(left, row), (left + width, row)],
                    colour.stroke_width(layout::SOLID),
                )?;
            }
            Swatch::Dot => root
                .draw(&Circle::new(
                    (left + width / 2, row),
                    layout::DOT,
                    colour.filled(),
                ))
                .map_err(|error| error.to_string())?,
        }
        label(
            root,
            &entry.text,
            (left + width + 8 * FINE, row),
            HPos::Left,
            INK.rgb(),
        )?;
    }
    Ok(())
}

/// Both axes; `None` if no point is finite.
fn ranges(chart: &Chart) -> Option<(AxisScale, AxisScale)> {
    let shown = |value: &f64| value.is_finite() && !(chart.logarithmic && *value <= 0.0);
    let curve_points = || chart.curves.iter().flat_map(|curve| &curve.points);
    let dots = || chart.measured.iter().flat_map(|scatter| &scatter.points);
    let xs = curve_points()
        .map(|point| point[0])
        .chain(dots().map(|dot| dot[0]));
    let (x_low, x_high) = extent(xs.filter(shown))?;
    let fixed = || {
        dots()
            .map(|dot| dot[1])
            .chain(chart.limits.iter().map(|limit| limit.1))
            .filter(shown)
    };
    let values = curve_points().map(|point| point[2]).filter(shown);
    let (low, high) = extent(values.chain(fixed()))?;
    let band = extent(curve_points().map(|point| point[3]).filter(shown)).map_or(high, |(_, high)| high);
    if chart.logarithmic {
        return Some((
            AxisScale::logarithmic(x_low, x_high),
            AxisScale::logarithmic(low / 1.3, band.min(high * 3.0).max(high * 1.3)),
        ));
    }
    let x_low = if x_low < x_high * 0.3 {
        x_low.min(0.0)
    } else {
        x_low
    };
    let wanted = band.min(high * 1.5).max(high) * 1.02;
    let top = top(&chart.y, wanted, extent(fixed()).map(|(_, high)| high));
    Some((
        AxisScale::linear_exact(x_low, x_high),
        AxisScale::linear(low.min(0.0), top),
    ))
}

/// The top of a linear axis that should reach `wanted`, but not far above measured points and limits, of
/// which `fixed` is the highest.
fn top(axis: &Axis, wanted: f64, fixed: Option<f64>) -> f64 {
    match (axis, fixed) {
        (Axis::Share, fixed) => wanted.min(fixed.unwrap_or(0.0).max(SHARE_SHOWN)),
        (Axis::Seconds, Some(fixed)) if fixed > 0.0 => wanted.min(fixed * TIME_ABOVE_MEASURED),
        _ => wanted,
    }
}

/// The lowest and the highest of some values; `None` if there are none.
fn extent(values: impl Iterator<Item = f64> + Clone) -> Option<(f64, f64)> {
    let low = values.clone().min_by(f64::total_cmp)?;
    let high = values.max_by(f64::total_cmp)?;
    Some((low, high))
}
