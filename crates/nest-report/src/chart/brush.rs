//! The canvas of a chart, and lines and texts on it.

use nest_data::projection::Chart;
use plotters::{
    chart::ChartContext,
    coord::{Shift, types::RangedCoordf64},
    drawing::DrawingArea,
    element::{PathElement, Text},
    prelude::{Cartesian2d, SVGBackend},
    style::{
        IntoFont, RGBColor, ShapeStyle, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    axis::AxisScale,
    layout::{self, Layout},
};

/// The whole picture, in units of the layout.
pub(super) type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// The part between the axes, in their units.
pub(super) type Plot<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
/// Nothing, or what the drawing backend says.
pub(super) type Drawn = Result<(), String>;

/// A chart on its canvas, with its axes.
pub(super) struct Sheet<'a, 'b> {
    pub root: &'a Canvas<'b>,
    pub layout: Layout,
    pub chart: &'a Chart,
    pub x: AxisScale,
    pub y: AxisScale,
}

/// Draws a line through points of the canvas.
pub(super) fn line(root: &Canvas, points: &[(i32, i32)], style: ShapeStyle) -> Drawn {
    root.draw(&PathElement::new(points.to_vec(), style))
        .map_err(|error| error.to_string())
}

/// Writes a text beside a point of the canvas.
pub(super) fn label(root: &Canvas, text: &str, at: (i32, i32), anchor: HPos, colour: RGBColor) -> Drawn {
    // The backend divides the size by 1.24, which it assumes to be the ratio of a font's height to its em.
    let font = ("sans-serif", f64::from(layout::TEXT) * 1.24).into_font();
    let style = TextStyle::from(font)
        .color(&colour)
        .pos(Pos::new(anchor, VPos::Center));
    root.draw(&Text::new(text.to_owned(), at, style))
        .map_err(|error| error.to_string())
}
