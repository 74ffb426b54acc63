//! What pictures are about: the base set-up, the others beside it, the first wall.

pub(super) mod driver;
pub(super) mod panel;
pub(super) mod subject;
pub(super) mod text;
