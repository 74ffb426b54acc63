//! Messages of a fleet: what coordinator and workers read of each other.

/// A message of any kind, with what is made of it next.
pub fn message(bytes: &[u8]) -> bool {
    nest_load::fleet::reads_message(bytes)
}
