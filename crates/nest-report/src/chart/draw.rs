//! What pictures are made of: shapes, texts that keep apart, axes and rows.

pub(super) mod axis;
pub(super) mod frame;
mod geometry;
pub(super) mod measure;
pub(super) mod rows;
pub(super) mod scale;
mod shapes;
pub(super) mod sheet;
