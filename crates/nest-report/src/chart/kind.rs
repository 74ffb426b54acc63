//! One file a kind of figure.

pub(super) mod bill;
pub(super) mod cost;
pub(super) mod demand;
pub(super) mod drivers;
pub(super) mod drivers_over_time;
pub(super) mod fit;
pub(super) mod growth;
pub(super) mod multiples;
pub(super) mod paired;
pub(super) mod policies;
pub(super) mod prices;
pub(super) mod response;
pub(super) mod segments;
pub(super) mod setups;
pub(super) mod tornado;
