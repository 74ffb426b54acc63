//! Readings of processor time that no processors can have caused: a counter that jumped, or one of something
//! else.

use nest_data::measurement::Resource;

/// Multiple of a tier's processors that it may have kept busy at most, should its readings cover more time
/// than the window. Our choice.
const BUSIEST: f64 = 4.0;
/// Processors of a tier whose number is not known, at most.
const MOST_PROCESSORS: f64 = 10_000.0;

/// Why busy-seconds per second of a processor cannot be right; `None` if they can.
pub fn impossible(cpu: &Resource, busy_per_s: f64) -> Option<String> {
    let processors = cpu.capacity.unwrap_or(MOST_PROCESSORS);
    let can_be = busy_per_s <= BUSIEST * processors;
    (!can_be).then(|| {
        format!(
            "tier `{}` was busy for {busy_per_s} s in each second, with {processors} processors: its probe \
             reads something else than processor time in seconds, the reading jumped, or the tier has more \
             processors than `cores` says",
            cpu.tier
        )
    })
}

#[cfg(test)]
mod tests {
    use nest_data::measurement::ResourceKind;

    use super::*;

    #[test]
    fn readings_that_no_processors_can_cause_are_impossible() {
        let cpu = |capacity| Resource {
            name: "app/cpu".to_owned(),
            tier: "app".to_owned(),
            kind: ResourceKind::Cpu,
            capacity,
        };
        for (capacity, fine, odd) in [(Some(2.0), 7.5, 9.0), (None, 300.0, 1e9)] {
            assert_eq!(impossible(&cpu(capacity), fine), None);
            for odd in [odd, f64::INFINITY, f64::NAN] {
                let why = impossible(&cpu(capacity), odd).expect("they cannot");
                assert!(why.contains("tier `app`"), "{why}");
            }
        }
    }
}
